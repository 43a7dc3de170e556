"""`hokusai promote`: accepted contributions join the base set: a new version of a benchmark."""

import sys
from functools import partial
from typing import Any

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from hokusai_assets.cli.common_options import (
    benchmark_folder,
    benchmark_option,
    current_settings,
    json_option,
    print_json,
)

_NOT_CROWNED = (
    "MLflow is not reachable ({}); the promotion stands, but the alias champion of the candidate "
    "models was not moved"
)


@click.command("promote")
@benchmark_option
@click.option(
    "--without",
    multiple=True,
    metavar="KEY",
    help="Leave this accepted contribution out; may be repeated. What it was paid stays paid.",
)
@click.option("--yes", is_flag=True, help="Do it without asking.")
@json_option
def command(benchmark_id: str | None, without: tuple[str, ...], yes: bool, as_json: bool) -> None:
    """Put accepted contributions into the base set, as a new version of the benchmark.

    Shows what would change and asks before it does it; off a terminal, and with --json, it only
    shows unless --yes is given. The rows are copied to promoted/ beside benchmark.yaml, whose
    data.train and lineage change; versions/ keeps the old spec and what was promoted. The next run
    trains the new baseline; old attestations stay as they are. Exits 0 when it is promoted or only
    shown, 1 on a platform fault, 2 when there is nothing to promote.
    """
    settings = current_settings()
    folder = benchmark_folder(settings, benchmark_id)
    assert benchmark_id is not None
    # Late: they load Dagster and scikit-learn, which `--help` doesn't need.
    from hokusai_assets.evaluation.promotion import NothingToPromote, carry_out, plan_promotion
    from hokusai_assets.orchestration.faults import EXPLAINED
    from hokusai_assets.orchestration.platform import Platform
    from hokusai_assets.orchestration.promoted_models import crown

    platform = Platform.of(settings)
    ledger = platform.ledger(benchmark_id)
    try:
        benchmark, _ = platform.current_benchmark(benchmark_id)

        rows_of = partial(platform.accepted_rows, benchmark_id)
        promotion = plan_promotion(
            benchmark,
            folder,
            ledger.accepted(benchmark.content_digest),
            rows_of,
            without=without,
        )
        document = promotion.to_dict() | {
            "baseline_was": benchmark.spec.baseline.source,
            "budget": ledger.summary(),
            "promoted": False,
            "champion": None,
            "warnings": [],
        }
        if not as_json:
            _print_plan(document)
        document["promoted"] = yes or (not as_json and _asked())
        if document["promoted"]:
            carry_out(promotion, folder, ledger, rows_of)
            # Of what was left out, no registered model is without.
            last = None if promotion.left_out else promotion.promoted[-1].key
            champion = crown(settings, benchmark_id, last)
            document["champion"] = champion.version
            if champion.unreached:
                document["warnings"].append(_NOT_CROWNED.format(champion.unreached))
    except NothingToPromote as error:
        raise click.UsageError(str(error)) from None
    except EXPLAINED as error:
        raise click.ClickException(str(error)) from None
    if as_json:
        print_json(document)
    elif document["promoted"]:
        _print_done(document, str(folder))
        for warning in document["warnings"]:
            click.echo(f"Warning: {warning}", err=True)
    else:
        click.echo("Nothing was changed. To do it: the same command with --yes.")


def _asked() -> bool:
    """Ask on a terminal; without one nobody can say yes."""
    if not sys.stdin.isatty():
        return False
    return click.confirm("Promote them?")


def _print_plan(document: dict[str, Any]) -> None:
    console = Console(highlight=False)
    console.print(
        f"{document['benchmark']}: version {document['version'] - 1} -> {document['version']}"
    )
    table = Table("contribution", "rows", "gain when settled", "payable then")
    for column in table.columns[1:]:
        column.justify = "right"
    for entry in document["contributions"]:
        table.add_row(
            escape(entry["key"]),
            f"{entry['rows']:,}",
            f"{entry['bps']:+d} bps",
            f"{entry['payable_bps']} bps",
        )
    console.print(table)
    console.print(
        f"Base set: {document['base_rows_before']:,} rows -> {document['base_rows']:,} rows"
    )
    for key in document["left_out"]:
        console.print(f"Left out: {escape(key)} (accepted, but its rows do not join)")
    budget = document["budget"]
    console.print(
        f"The test set stays, and so does its budget: {budget['spent']:,} of "
        f"{budget['submissions']:,} looks are spent."
    )
    if document["baseline_was"] != "train":
        console.print(
            f"The baseline was loaded ({document['baseline_was']}); from now on it is trained "
            "from the base set."
        )


def _print_done(document: dict[str, Any], folder: str) -> None:
    console = Console(highlight=False)
    console.print(
        f"[bold green]Promoted[/]: {document['benchmark']} is at version {document['version']}; "
        "the next run trains its baseline."
    )
    console.print(
        f"Version {document['version'] - 1} is kept as {folder}/versions/"
        f"{document['version'] - 1}.yaml; what was attested on it stays as it is.",
        soft_wrap=True,
    )
    console.print(
        f"What was promoted: {folder}/versions/{document['version']}.json", soft_wrap=True
    )
