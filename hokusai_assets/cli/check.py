"""`hokusai check`: what a contribution would meet, before it is sent; and a sidecar for it."""

import os
from pathlib import Path

import click

from hokusai_assets.cli.common_options import (
    benchmark_folder,
    benchmark_option,
    current_settings,
    json_option,
    print_json,
    quiet_option,
)
from hokusai_assets.tables.formats import ENDINGS_IN_WORDS, format_of


@click.command("check")
@click.argument("file", type=click.Path(exists=True, path_type=Path))
@benchmark_option
@json_option
@quiet_option
@click.option(
    "--report",
    "report_file",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="OUT.html",
    help="Write all that was found as one HTML page.",
)
@click.option(
    "--fix",
    "fixed_file",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="OUT",
    help="Write the new rows alone, cleaned and hashed, in the format of OUT's ending.",
)
@click.option(
    "--estimate",
    is_flag=True,
    help="Train on a sample and preview the delta with its interval. It binds nobody and never "
    "looks at the test set.",
)
@click.option(
    "--init",
    "make_sidecar",
    is_flag=True,
    help="Write the sidecar of FILE instead: asks who contributed, or takes the options below.",
)
@click.option("--contributor", "ids", multiple=True, metavar="ID", help="With --init: who.")
@click.option(
    "--wallet", "wallets", multiple=True, metavar="0x...", help="With --init: one per contributor."
)
@click.option(
    "--weight", "weights", multiple=True, type=int, metavar="BPS", help="With --init: of 10000."
)
@click.option("--licence", default="", metavar="TEXT", help="With --init: of the data.")
def command(
    file: Path,
    benchmark_id: str | None,
    as_json: bool,
    quiet: bool,
    report_file: Path | None,
    fixed_file: Path | None,
    estimate: bool,
    make_sidecar: bool,
    ids: tuple[str, ...],
    wallets: tuple[str, ...],
    weights: tuple[int, ...],
    licence: str,
) -> None:
    """Check FILE as intake would, and say what to mend. Nothing is recorded or sent.

    Needs no key and no server. Says whether FILE would be accepted, what of it would be hashed,
    how many rows count as new, and what looks doubtful. Exits 0 if it would be accepted, 3 if
    not, 1 on a platform fault, 2 on wrong usage.
    """
    if make_sidecar:
        from hokusai_assets.cli.sidecar import write_sidecar

        if benchmark_id or as_json or quiet or report_file or fixed_file or estimate:
            raise click.UsageError(
                "--init checks nothing: leave out --benchmark, --json, --quiet, --report, --fix "
                "and --estimate, and check the file with a second command"
            )
        write_sidecar(file, ids, wallets, weights, licence)
        return
    if ids or wallets or weights or licence:
        raise click.UsageError("--contributor, --wallet, --weight and --licence go with --init")
    settings = current_settings()
    folder = benchmark_folder(settings, benchmark_id)
    _refuse_unwritable(report_file, fixed_file)
    from hokusai_assets.cli.check_run import exit_code, run_check

    document = run_check(
        settings, folder, file, fixed_file=fixed_file, estimate=estimate, quiet=quiet or as_json
    )
    if report_file is not None and not document["faults"]:
        from hokusai_assets.cli.check_page import check_page

        try:
            # It may have come since it was looked for.
            with report_file.open("x", encoding="utf-8") as stream:
                stream.write(check_page(document))
            document["report"] = str(report_file)
        except OSError as error:
            document["faults"] = [f"--report: {report_file} can't be written: {error.strerror}"]
    if as_json:
        print_json(document)
    else:
        from hokusai_assets.cli.check_output import print_check

        print_check(document)
    raise SystemExit(exit_code(document))


def _refuse_unwritable(report_file: Path | None, fixed_file: Path | None) -> None:
    """Tell before the work, which may take minutes, that its outcome could not be written."""
    for option, path in (("--report", report_file), ("--fix", fixed_file)):
        if path is None:
            continue
        if not os.path.isdir(path.parent):
            raise click.UsageError(f"{option}: there is no folder {path.parent}; make it first")
        if not os.access(path.parent, os.W_OK | os.X_OK):
            raise click.UsageError(
                f"{option}: the folder {path.parent} can't be written to; choose another"
            )
        if os.path.lexists(path):
            raise click.UsageError(f"{option}: {path} exists; choose another name or remove it")
    if fixed_file is None:
        return
    if fixed_file == report_file:
        raise click.UsageError("--report and --fix name the same file; give each its own")
    if format_of(fixed_file.name) is None:
        raise click.UsageError(f"--fix: {fixed_file} must end in one of {ENDINGS_IN_WORDS}")
