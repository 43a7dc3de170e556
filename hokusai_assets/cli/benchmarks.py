"""`hokusai benchmarks`: list them, or scaffold a new one."""

from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from hokusai_assets.cli.common_options import (
    benchmark_folder,
    current_settings,
    json_option,
    print_json,
)
from hokusai_assets.settings import Settings


@click.group("benchmarks", invoke_without_command=True)
@json_option
@click.pass_context
def command(ctx: click.Context, as_json: bool) -> None:
    """List the benchmarks, or scaffold one with `hokusai benchmarks new`."""
    if ctx.invoked_subcommand is not None:
        return
    from hokusai_assets.benchmarks.loading import find_benchmarks

    settings = current_settings()
    found = [_describe(folder, settings) for folder in find_benchmarks(settings.benchmarks)]
    if as_json:
        print_json({"folder": str(settings.benchmarks), "benchmarks": found})
        return
    console = Console(highlight=False)
    console.print(_table([entry for entry in found if entry["error"] is None]))
    console.print(f"Drops: {settings.drops}/<id>/", soft_wrap=True)
    for entry in found:
        if entry["error"] is not None:
            console.print(f"[red]{entry['id']} can't be used:[/] {escape(entry['error'])}")
    if not found:
        console.print(f"No benchmark in {settings.benchmarks}; make one: hokusai benchmarks new")


def _table(found: list[dict[str, Any]]) -> Table:
    """Return a benchmark's title below its id, so that both are whole at 80 columns."""
    table = Table(Column("id\ntitle", overflow="fold"), Column("primary\nmetric", overflow="fold"))
    for heading in ("version", "least\ngain", "looks\nspent", "accepted"):
        table.add_column(heading, no_wrap=True)
    for entry in found:
        table.add_row(
            f"{entry['id']}\n{escape(entry['title'])}".rstrip(),
            entry["primary_metric"],
            str(entry["version"]),
            f"{entry['min_delta_bps']} bps",
            f"{entry['budget']['spent']:,} of {entry['budget']['submissions']:,}",
            str(entry["budget"]["accepted"]),
            end_section=True,
        )
    return table


def _describe(folder: Path, settings: Settings) -> dict[str, Any]:
    from hokusai_assets.benchmarks.loading import load_spec
    from hokusai_assets.benchmarks.spec import SpecError
    from hokusai_assets.evaluation.ledger import Ledger
    from hokusai_assets.evaluation.ledger_state import LedgerError

    try:
        spec = load_spec(folder)
        before = spec.lineage.promoted_from if spec.lineage else None
        spent = Ledger(settings.ledger(spec.id)).summary(promoted_from=before)
    except (SpecError, LedgerError) as error:
        return {"id": folder.name, "error": str(error)}
    return {
        "id": spec.id,
        "version": spec.benchmark_version,
        "title": spec.title,
        "task": spec.task,
        "target": spec.target,
        "labels": list(spec.labels),
        "primary_metric": spec.metrics.primary,
        "min_delta_bps": spec.delta_one.min_delta_bps,
        "spec_hash": spec.spec_hash(),
        "budget": {"submissions": spec.delta_one.submissions, "spent": 0, "accepted": 0} | spent,
        "error": None,
    }


@command.command("new")
@click.argument("benchmark_id", metavar="ID")
@click.option(
    "--train",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The base training set: CSV, JSON, JSON Lines or Parquet.",
)
@click.option(
    "--test",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The held-out test set, with the same columns.",
)
@click.option("--target", required=True, metavar="COL", help="The column to predict.")
@json_option
def new(benchmark_id: str, train: Path, test: Path, target: str, as_json: bool) -> None:
    """Scaffold the benchmark ID: copies both files, infers a commented benchmark.yaml."""
    from hokusai_assets.benchmarks.loading import load_spec
    from hokusai_assets.benchmarks.scaffold import scaffold_benchmark
    from hokusai_assets.benchmarks.spec import SpecError

    settings = current_settings()
    try:
        path = scaffold_benchmark(
            settings.benchmarks, benchmark_id, train=train, test=test, target=target
        )
        load_spec(path.parent)
    except SpecError as error:
        raise click.UsageError(str(error)) from None
    if as_json:
        print_json({"id": benchmark_id, "spec": str(path)})
        return
    click.echo(f"Wrote {path}\nRead and correct it, then: hokusai evaluate FILE -b {benchmark_id}")


@command.command("history")
@click.argument("benchmark_id", metavar="ID")
def history(benchmark_id: str) -> None:
    """List the contributions whose rows are recorded, in order: `<key>:<file digest>` a line.

    A verifier needs it for `hokusai verify --reproduce --history FILE`.
    """
    from hokusai_assets.contributions.row_index import RowIndex, RowIndexError

    settings = current_settings()
    benchmark_folder(settings, benchmark_id)
    try:
        lines = RowIndex(settings.row_index(benchmark_id)).recorded()
    except RowIndexError as error:
        raise click.ClickException(str(error)) from None
    for line in lines:
        click.echo(line)
