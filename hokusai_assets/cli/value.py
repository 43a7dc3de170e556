"""`hokusai value`: what each contribution to a benchmark is worth beside the others."""

import os
from pathlib import Path

import click

from hokusai_assets.cli.common_options import (
    PLATFORM_FAULT,
    benchmark_folder,
    benchmark_option,
    current_settings,
    json_option,
    print_json,
    quiet_option,
)
from hokusai_assets.evaluation.credit.methods import DEFAULT_METHOD, METHODS, ORDERED_METHOD


@click.command("value")
@benchmark_option
@click.option(
    "--method",
    "-m",
    type=click.Choice(METHODS),
    default=DEFAULT_METHOD,
    show_default=True,
    help="How: see docs/PIPELINE_README.md, Credit.",
)
@click.option(
    "--key", "keys", multiple=True, metavar="KEY", help="Value only this one; may be repeated."
)
@click.option(
    "--order",
    metavar="KEY,KEY...",
    help=f"For {ORDERED_METHOD}: who came first. Default: as they were recorded.",
)
@click.option(
    "--max-models",
    type=click.IntRange(min=1),
    help="Models that may be trained. Default: what the method needs.",
)
@click.option(
    "--rows",
    "rows_file",
    type=click.Path(path_type=Path),
    help="Also write the value of every row to this Parquet file (knn-shapley, data-oob).",
)
@json_option
@quiet_option
def command(
    benchmark_id: str | None,
    method: str,
    keys: tuple[str, ...],
    order: str | None,
    max_models: int | None,
    rows_file: Path | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Value the accepted contributions to a benchmark beside one another.

    A value is an estimate to compare contributions by, not a payment. Contributions that are
    rejected, not evaluated or damaged are named and left out; the others' values are then those
    of a set without them. Exits 0 when all that can be are valued, 1 on a platform fault (also
    when a damaged one had to be left out), 2 on wrong usage.
    """
    settings = current_settings()
    benchmark_folder(settings, benchmark_id)
    assert benchmark_id is not None
    chosen = _chosen(keys, order, method)
    if rows_file is not None:
        _refuse_unfit_rows_file(rows_file, method)
    from hokusai_assets.cli.value_output import print_values
    from hokusai_assets.cli.value_run import run_value

    value = run_value(
        settings, benchmark_id, method, chosen, max_models=max_models, quiet=quiet or as_json
    )
    document = value.document
    if rows_file is not None:
        import pyarrow.parquet as pq

        pq.write_table(value.rows, rows_file)
    if as_json:
        print_json(document)
    else:
        print_values(document)
        if rows_file is not None:
            click.echo(f"Written: {rows_file}")
    damaged = any(left["why"] == "damaged" for left in document["left_out"])
    raise SystemExit(PLATFORM_FAULT if damaged else 0)


def _chosen(keys: tuple[str, ...], order: str | None, method: str) -> list[str]:
    """Return which contributions, in the order that the method may ask for."""
    if order is None:
        return list(keys)
    if method != ORDERED_METHOD:
        raise click.UsageError(f"--order goes with --method {ORDERED_METHOD}")
    ordered = [key.strip() for key in order.split(",")]
    if keys and sorted(keys) != sorted(ordered):
        raise click.UsageError("--order must name each --key once, and no other")
    return ordered


def _refuse_unfit_rows_file(path: Path, method: str) -> None:
    """Tell before the work, which may take minutes."""
    if method not in ("knn-shapley", "data-oob"):
        raise click.UsageError(f"--rows: {method} values no rows; knn-shapley and data-oob do")
    if os.path.lexists(path):
        raise click.UsageError(f"--rows: {path} exists; choose another name or remove it")
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise click.UsageError(f"--rows: the folder {path.parent} can't be written to")
