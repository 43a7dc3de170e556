"""`hokusai evaluate`: one file through the whole chain."""

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
from hokusai_assets.cli.contribution_runs import evaluate_file
from hokusai_assets.cli.output import print_evaluation, print_faults


@click.command("evaluate")
@click.argument("file", required=False, type=click.Path(exists=True, path_type=Path))
@benchmark_option
@click.option(
    "--dry-run",
    is_flag=True,
    help="Rehearse: small samples, a temporary home, no MLflow server; attests nothing. Without "
    "FILE, on a small generated benchmark.",
)
@click.option(
    "--seed",
    type=click.IntRange(0, 2**32 - 1),
    default=0,
    show_default=True,
    help="Seed of the generated benchmark of a dry run without FILE.",
)
@json_option
@quiet_option
def command(
    file: Path | None,
    benchmark_id: str | None,
    dry_run: bool,
    seed: int,
    as_json: bool,
    quiet: bool,
) -> None:
    """Evaluate the contribution FILE (CSV, JSON, JSON Lines, Parquet, or a folder of
    Parquet parts).

    Runs the same Dagster job as a dropped file: reads and checks it, hashes personal data,
    trains with and without it, measures both on the benchmark's test set, and writes a signed
    attestation. Exits 0 when evaluated (whatever the delta), 3 when a rule rejects the file,
    1 on a platform fault, 2 on wrong usage.
    """
    settings = current_settings()
    quiet = quiet or as_json
    if dry_run:
        from hokusai_assets.cli.dry_run import rehearse

        folder = benchmark_folder(settings, benchmark_id) if file or benchmark_id else None
        if folder is not None and file is None:
            raise click.UsageError(
                "a dry run on a benchmark needs FILE; without both, a small one is generated"
            )
        document, code = rehearse(settings, folder, file, seed=seed, quiet=quiet)
    else:
        if file is None:
            raise click.UsageError("FILE is needed (only --dry-run goes without)")
        benchmark_folder(settings, benchmark_id)
        assert benchmark_id is not None
        document, code = evaluate_file(settings, benchmark_id, file, quiet=quiet)
    if as_json:
        print_json(document)
    elif code == PLATFORM_FAULT:
        print_faults(document)
    else:
        print_evaluation(document)
    raise SystemExit(code)
