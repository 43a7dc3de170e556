"""What `hokusai value` prints for people."""

from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

# What a person must know of a method to read its column; the document has the rest.
_MEANS = {
    "standalone": "Each alone, added to the base set. Copies of one another all get the whole.",
    "sequential": "What each added to those before it, in the order shown.",
    "leave-one-out": "What would be lost without each. Copies of one another all get nothing.",
    "shapley": "The mean of what each adds, over all orders in which they could have come.",
    "knn-shapley": "Shapley values of a nearest-neighbour model, summed over a contribution's "
    "rows: more rows may sum to more. The platform's model is not asked.",
    "data-oob": "How often models that had not seen a row gave it its label, the mean over a "
    "contribution's rows: how sound its labels are, not how useful it is.",
}


def print_values(document: dict[str, Any]) -> None:
    """Print a document of `value_stored`: the table, what it means, what was left out."""
    console = Console(highlight=False)
    console.print(
        f"[bold]{document['benchmark']}[/]: {document['method']} of "
        f"{len(document['contributions'])} contributions"
    )
    console.print(_table(document))
    console.print(_MEANS[document["method"]])
    console.print(_sums(document))
    for left in document["left_out"]:
        console.print(
            f"[yellow]Left out[/] {escape(left['contribution'])}: {escape(left['message'])}",
            soft_wrap=True,
        )
    console.print(document["note"])


def _table(document: dict[str, Any]) -> Table:
    table = Table()
    for column in ("contribution", "rows", "value (bps)", "± error", "share"):
        table.add_column(column, justify="left" if column == "contribution" else "right")
    for entry in document["contributions"]:
        error, share = entry["error_ppm"], entry["share_ppm"]
        colour = "red" if entry["value_ppm"] < 0 else "white"
        table.add_row(
            escape(entry["contribution"]),
            f"{entry['rows']:,}",
            f"[{colour}]{_bps(entry['value_ppm'])}[/]",
            "exact" if error is None else f"{error / 100:,.2f}",
            "" if share is None else f"{share / 10_000:.1f}%",
        )
        if len(entry["contributors"]) > 1:
            for who in entry["contributors"]:
                weight = f"{who['weight_bps'] / 100:g}%"
                table.add_row(f"  {escape(who['id'])} {weight}", "", _bps(who["value_ppm"]))
    return table


def _bps(ppm: int) -> str:
    return f"{ppm / 100:+,.2f}"


def _where(document: dict[str, Any]) -> str:
    """Say which test rows were asked, if any."""
    if document["part"] is None:
        return ""
    part = "the test set" if document["part"] == "whole" else "the public part of the test set"
    return f", on {document['test_rows']:,} rows, {part}"


def _sums(document: dict[str, Any]) -> str:
    """Say what was there to share, and how much of it the values leave over."""
    parts = [f"Measured in: {document['measure']}{_where(document)}."]
    empty, everything, gap = (document[name] for name in ("empty_ppm", "all_ppm", "gap_ppm"))
    if empty is None:
        parts.append(f"All contributed rows: {everything / 1e6:.4f}.")
    else:
        parts.append(
            f"With none {empty / 1e6:.4f}, with all {everything / 1e6:.4f}, a difference of "
            f"{_bps(everything - empty)} bps."
        )
    if document["base_ppm"] is not None:
        parts.append(f"The base set's own rows: {_bps(document['base_ppm'])} bps.")
    if gap is not None:
        parts.append(f"Not shared out: {_bps(gap)} bps.")
    elif empty is not None:
        parts.append("These values need not sum to the difference.")
    trained = document["models_trained"]
    each = f", {k} replicas of each, averaged" if (k := document["replicas"]) > 1 else ""
    parts.append(f"{trained:,} models trained{each}." if trained else "No model trained.")
    if document["permutations"] is not None:
        parts.append(f"{document['permutations']:,} random orders.")
    if document["noise_ppm"] is not None:
        parts.append(
            "Errors are of the estimation only: another test set of this size would move the "
            f"measure itself by some {document['noise_ppm'] / 100:,.0f} bps."
        )
    return " ".join(parts)
