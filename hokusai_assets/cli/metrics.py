"""`hokusai metrics`: list them, or check one."""

import sys
from typing import Any

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from hokusai_assets.cli.common_options import json_option, print_json


@click.command("metrics")
@json_option
@click.option(
    "--check",
    "checked",
    metavar="NAME",
    help="Check that a metric, built in or of an installed plug-in, holds what all must hold.",
)
def command(as_json: bool, checked: str | None) -> None:
    """List the metrics a benchmark may name, or check one."""
    from hokusai_assets.evaluation.registry import (
        MetricClash,
        UnusableMetric,
        registered_metrics,
    )

    try:
        known = registered_metrics()
    except (MetricClash, UnusableMetric) as error:
        raise click.ClickException(str(error)) from error
    if checked is not None:
        if checked not in known:
            raise click.BadParameter(
                f"{checked!r} is none of {', '.join(known)}", param_hint="--check"
            )
        _check(checked, as_json)
        return
    found = [_describe(name) for name in known]
    if as_json:
        print_json({"metrics": found})
        return
    Console(highlight=False).print(_table(found))


def _table(found: list[dict[str, Any]]) -> Table:
    """Return two lines a metric, so that no name of a method is cut at 80 columns."""
    # Only the name may be folded: a plug-in's has up to 40 characters.
    table = Table(Column("name\nsource", overflow="fold"))
    for headings in ("better, range\nneeds, averaged", "interval\ntest"):
        table.add_column(headings, no_wrap=True)
    for entry in found:
        ends = " to ".join(f"{end:.4g}" for end in entry["range"])
        table.add_row(
            f"{entry['name']}\n{escape(entry['source'])}",
            f"{entry['direction']}, {ends}\n{entry['needs']}, {entry['averages']}",
            f"{entry['interval']}\n{entry['test']}",
            end_section=True,
        )
    return table


def _describe(name: str) -> dict[str, Any]:
    from hokusai_assets.evaluation.registry import registered_metrics
    from hokusai_assets.evaluation.sampling_error import method_names
    from hokusai_assets.evaluation.tails import USUAL_CONFIDENCE_PPM

    metric = registered_metrics()[name]
    ((interval, test),) = method_names(metric, replicas=1, confidence_ppm=USUAL_CONFIDENCE_PPM)
    return {
        "name": metric.name,
        "direction": metric.direction,
        "range": list(metric.range),
        "needs": metric.needs,
        "averages": metric.averages,
        "interval": interval,
        "test": test,
        "source": metric.source,
    }


def _check(name: str, as_json: bool) -> None:
    from hokusai_assets.evaluation.metric_conformance import check_conformance
    from hokusai_assets.evaluation.registry import registered_metrics

    found = check_conformance(registered_metrics()[name])
    if as_json:
        print_json({"metric": _describe(name), "conformance": [check.to_dict() for check in found]})
    else:
        console = Console(highlight=False)
        for check in found:
            console.print(
                f"{check.outcome}: {check.requirement}: {escape(check.detail)}", soft_wrap=True
            )
    if any(check.outcome == "fail" for check in found):
        sys.exit(1)
