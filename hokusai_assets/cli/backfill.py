"""`hokusai backfill`: run past contributions again."""

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from hokusai_assets.cli.common_options import (
    PLATFORM_FAULT,
    benchmark_folder,
    benchmark_option,
    current_settings,
    json_option,
    print_json,
    quiet_option,
)
from hokusai_assets.cli.progress import StepDisplay, counted_off

BACKFILL_TAG = "hokusai/backfill"


@click.command("backfill")
@benchmark_option
@click.option("--all", "everything", is_flag=True, help="All contributions of the benchmark.")
@click.argument("keys", nargs=-1, metavar="[KEY]...")
@json_option
@quiet_option
def command(
    benchmark_id: str | None, everything: bool, keys: tuple[str, ...], as_json: bool, quiet: bool
) -> None:
    """Run past contributions of a benchmark again, each in a run of its own.

    A rejected contribution or a failed run stops no other. Exits 0 when no run failed (a
    rejection is no failure), 1 otherwise.
    """
    from uuid import uuid4

    from hokusai_assets.benchmarks.loading import load_spec
    from hokusai_assets.benchmarks.spec import SpecError
    from hokusai_assets.contributions.identity import registered_keys

    settings = current_settings()
    folder = benchmark_folder(settings, benchmark_id)
    assert benchmark_id is not None
    try:
        load_spec(folder)
    except SpecError as error:
        raise click.ClickException(str(error)) from None
    known = list(registered_keys(settings.contributions(benchmark_id)))
    if everything == bool(keys):
        raise click.UsageError(f"give --all or KEYs; known are: {', '.join(known) or 'none yet'}")
    if unknown := sorted(set(keys) - set(known)):
        raise click.UsageError(f"no contribution {unknown}; known are: {', '.join(known)}")

    from hokusai_assets.cli.contribution_runs import run_registered

    backfill = uuid4().hex[:8]
    documents = []
    chosen = known if everything else list(dict.fromkeys(keys))
    for key in counted_off(chosen, quiet=quiet or as_json):
        document, _ = run_registered(
            settings, benchmark_id, key, StepDisplay(quiet=True), tags={BACKFILL_TAG: backfill}
        )
        documents.append(document)
    failed = [document for document in documents if document["status"] == "failed"]
    if as_json:
        print_json({"benchmark": benchmark_id, "backfill": backfill, "contributions": documents})
    else:
        _print_summary(documents)
    raise SystemExit(PLATFORM_FAULT if failed else 0)


def _print_summary(documents: list[dict]) -> None:  # type: ignore[type-arg]
    table = Table("contribution", "status", "delta", "verdict or reason")
    for document in documents:
        decision = document.get("delta_one")
        if decision:
            last = "accepted" if decision["accepted"] else "not accepted"
            gain = "private" if decision["bps"] is None else f"{decision['bps']:+d} bps"
            table.add_row(document["contribution"], "evaluated", gain, last)
        else:
            rules = [reason["rule"] for reason in document.get("reasons", ())]
            why = ", ".join(rules) or "; ".join(document.get("faults", ()))
            table.add_row(document["contribution"], document["status"], "", escape(why))
    Console(highlight=False).print(table)
