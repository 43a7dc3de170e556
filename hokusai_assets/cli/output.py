"""What the command line prints for people: results and faults."""

from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from hokusai_assets.report.words import REMOVED_IN_WORDS


def print_evaluation(document: dict[str, Any]) -> None:
    """Print an evaluated or rejected contribution."""
    console = Console(highlight=False)
    rows = document["rows"]
    title = document["contribution"] or "the file"
    if document["dry_run"]:
        console.print("[bold yellow]Dry run: a rehearsal on samples, it attests nothing.[/]")
    if document["status"] == "rejected":
        console.print(f"[bold red]Rejected[/] {escape(title)} for {document['benchmark']}:")
        for reason in document["reasons"]:
            console.print(f"  [bold]{reason['rule']}[/]: {escape(reason['message'])}")
            console.print(f"    fix: {escape(reason['fix'])}", style="cyan")
        _print_warnings(console, document)
        _print_report(console, document)
        return
    console.print(f"[bold green]Evaluated[/] {escape(title)} for {document['benchmark']}")
    console.print(
        f"Rows: {rows['in']:,} in, {rows['kept']:,} kept, {rows['hashed']:,} with personal data "
        "hashed"
    )
    if left_out := left_out_in_words(rows):
        console.print(f"Left out: {left_out}")
    if hashed := _hashed_in_words(document.get("privacy") or {}):
        console.print(f"Hashed: {escape(hashed)}")
    console.print(metrics_table(document["metrics"]))
    if measured := _measured_in_words(document):
        console.print(measured)
    decision = document["delta_one"]
    verdict = "[bold green]accepted[/]" if decision["accepted"] else "[bold red]not accepted[/]"
    gain = "" if decision["bps"] is None else f"[bold]{decision['bps']:+d} bps[/], "
    console.print(f"DeltaOne: {gain}{verdict}")
    console.print(f"  {escape(decision['reason'])}")
    if document.get("reused"):
        names = ", ".join(name.replace("_", " ") for name in document["reused"])
        console.print(f"Reused from an earlier run: {names}")
    _print_warnings(console, document)
    console.print(f"Attestation: {escape(document['attestation'])}", soft_wrap=True)
    _print_report(console, document)


def _measured_in_words(document: dict[str, Any]) -> str:
    """Say which rows were measured on, and against what, where that is not plain."""
    sentences = []
    where = document["measured_on"]
    if where["part"] != "whole":
        sentences.append(f"Measured on the {where['part']} part: {where['test_rows']:,} rows.")
    before = document["accepted_before"]
    if before and where["part"] != "public":
        counted = "1 contribution" if len(before) == 1 else f"{len(before)} contributions"
        sentences.append(f"The baseline here is the accepted model: base set and {counted}.")
    budget = document["budget"]
    sentences.append(f"Look {budget['position']} of {budget['submissions']:,} at the test set.")
    return " ".join(sentences)


def _print_report(console: Console, document: dict[str, Any]) -> None:
    """Say where the page is, or how it is made; there is none of a file that was not read."""
    if document["report"] is not None:
        console.print(f"Report: {escape(document['report'])}", soft_wrap=True)
    elif document["contribution"] is not None:
        about = f"{document['contribution']} -b {document['benchmark']}"
        console.print(f"Report: hokusai report {escape(about)}", soft_wrap=True)


def _print_warnings(console: Console, document: dict[str, Any]) -> None:
    for warning in document["warnings"]:
        console.print(f"[yellow]Warning:[/] {escape(warning)}")


def print_faults(document: dict[str, Any]) -> None:
    """Print why a run failed, on standard error."""
    console = Console(stderr=True, highlight=False)
    title = document["contribution"] or "the file"
    console.print(f"[bold red]Platform fault[/] while evaluating {escape(title)}:")
    for fault in document["faults"]:
        console.print(f"  {escape(fault)}", soft_wrap=True)
    console.print("Nothing was attested. Once mended, run the same command again.")


def metrics_table(metrics: dict[str, dict[str, Any]]) -> Table:
    """Return baseline, new, delta and interval per metric."""
    table = Table()
    levels = {value["confidence"] for value in metrics.values()}
    level = f"{100 * levels.pop():.6g}% interval" if len(levels) == 1 else "interval"
    for column in ("metric", "baseline", "new", "delta", f"{level} of the delta"):
        table.add_column(column, justify="left" if column == "metric" else "right")
    for name, value in metrics.items():
        low, high = value["interval"]
        colour = _COLOURS[clear_change(value)]
        table.add_row(
            name,
            f"{value['baseline']:.4f}",
            f"{value['new']:.4f}",
            f"[{colour}]{value['delta']:+.4f}[/]",
            f"{low:+.4f} … {high:+.4f}"
            + (f" ({100 * value['confidence']:.6g}%)" if level == "interval" else ""),
        )
    return table


_COLOURS = {"better": "green", "worse": "red", "": "white"}


def clear_change(metric: dict[str, Any]) -> str:
    """Return ``better`` or ``worse`` where the interval of a delta leaves out 0, else ""."""
    low, high = metric["interval"]
    if low <= 0 <= high:
        return ""
    return "better" if metric["improved"] else "worse"


def _hashed_in_words(privacy: dict[str, Any]) -> str:
    return ", ".join(
        f"{entry['cells']} cells of {entry['column']!r} ({entry['entity']})"
        for entry in privacy.get("columns", ())
    )


def left_out_in_words(rows: dict[str, Any]) -> str:
    """Say how many rows don't count and why; "" where all do."""
    counts = {REMOVED_IN_WORDS[reason]: count for reason, count in rows["removed"].items()}
    counts["breaking a rule"] = rows["unsound"]
    return ", ".join(f"{count:,} {why}" for why, count in counts.items() if count)
