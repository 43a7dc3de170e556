"""`hokusai report`: a contribution or a benchmark as one page to send to someone."""

from pathlib import Path

import click

from hokusai_assets.cli.common_options import (
    benchmark_folder,
    benchmark_option,
    current_settings,
    json_option,
    print_json,
)
from hokusai_assets.drafts import replace_file
from hokusai_assets.settings import Settings

_NAMED = 20
_STANDARD_OUTPUT = Path("-")


@click.command("report")
@click.argument("key", required=False, metavar="[KEY]")
@benchmark_option
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where the page goes; - is standard output. Default: reports/ in the home.",
)
@json_option
def command(key: str | None, benchmark_id: str | None, output: Path | None, as_json: bool) -> None:
    """Write the contribution KEY, or a benchmark's leaderboard, as one HTML page.

    The page needs nothing else: no network, no scripts. It is made from what the last run stored
    and what the attestation shows; the same state gives the same bytes. With --benchmark alone
    it is about the benchmark. Prints where the page is. Exits 1 when nothing whole is stored.
    """
    settings = current_settings()
    if benchmark_id is not None:
        benchmark_folder(settings, benchmark_id)
    if key is not None:
        benchmark_id = _benchmark_of(settings, key, benchmark_id)
    if benchmark_id is None:
        raise click.UsageError("give a contribution's KEY, or --benchmark ID")
    if as_json and output == _STANDARD_OUTPUT:
        raise click.UsageError("--json says where the page is; with -o - it is standard output")
    page = _page(settings, benchmark_id, key).encode()
    if output == _STANDARD_OUTPUT:
        click.echo(page, nl=False)
        return
    path = output or settings.report_file(benchmark_id, key)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, page)
    except OSError as error:
        raise click.ClickException(f"{path} can't be written: {error.strerror}") from None
    if as_json:
        print_json({"benchmark": benchmark_id, "contribution": key, "report": str(path)})
    else:
        click.echo(str(path))


def _page(settings: Settings, benchmark_id: str, key: str | None) -> str:
    # Late: they load Dagster and matplotlib, which `--help` doesn't need.
    from hokusai_assets.attestation.envelope import NoEnvelope
    from hokusai_assets.orchestration.faults import EXPLAINED
    from hokusai_assets.orchestration.object_store import MissingObject
    from hokusai_assets.orchestration.reports import benchmark_report, contribution_report

    try:
        if key is None:
            return benchmark_report(settings, benchmark_id)
        return contribution_report(settings, benchmark_id, key)
    except (*EXPLAINED, MissingObject, NoEnvelope) as error:
        raise click.ClickException(str(error)) from None


def _benchmark_of(settings: Settings, key: str, benchmark_id: str | None) -> str:
    """Return the benchmark that a contribution was sent to."""
    from hokusai_assets.benchmarks.loading import find_benchmarks
    from hokusai_assets.contributions.identity import registered_keys

    asked = (
        [benchmark_id] if benchmark_id else [at.name for at in find_benchmarks(settings.benchmarks)]
    )
    keys = {name: list(registered_keys(settings.contributions(name))) for name in asked}
    having = [name for name, known in keys.items() if key in known]
    if len(having) == 1:
        return having[0]
    if having:
        raise click.UsageError(
            f"{key} was sent to {', '.join(having)}: say which with --benchmark ID"
        )
    known = sorted({one for found in keys.values() for one in found})
    listed = ", ".join(known[:_NAMED]) or "none yet"
    more = f" and {len(known) - _NAMED:,} more" if len(known) > _NAMED else ""
    raise click.UsageError(f"no contribution {key!r}; known are: {listed}{more}")
