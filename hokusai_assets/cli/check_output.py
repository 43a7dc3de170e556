"""What `hokusai check` prints for people."""

from typing import Any

from rich.console import Console
from rich.markup import escape

from hokusai_assets.cli.check_run import summary
from hokusai_assets.cli.output import metrics_table


def print_check(document: dict[str, Any]) -> None:
    """Print a check's document: the verdict first, then what to mend, then what was found."""
    console = Console(highlight=False)
    title = f"{escape(document['file'])}"
    if document["faults"]:
        console = Console(stderr=True, highlight=False)
        console.print(f"[bold red]Platform fault[/] while checking {title}:")
        for fault in document["faults"]:
            console.print(f"  {escape(fault)}", soft_wrap=True)
        return
    if document["would_be_accepted"]:
        console.print(f"{title} [bold green]would be accepted[/] by {document['benchmark']}.")
    else:
        console.print(f"{title} [bold red]would not be accepted[/] by {document['benchmark']}:")
        for reason in document["reasons"]:
            console.print(f"  [bold]{reason['rule']}[/]: {escape(reason['message'])}")
            console.print(f"    fix: {escape(reason['fix'])}", style="cyan")
    for sentence in summary(document):
        console.print(f"  {escape(sentence)}")
    for warning in document["warnings"]:
        console.print(f"[yellow]Warning[/] {warning['rule']}: {escape(warning['message'])}")
        console.print(f"    {escape(warning['fix'])}", style="cyan")
    _print_estimate(console, document["estimate"])
    for note in document["notes"]:
        console.print(f"[dim]{escape(note)}[/]")
    if fixed := document["fixed"]:
        console.print(
            f"Written: {escape(fixed['file'])}, {fixed['rows']:,} rows, cleaned and hashed "
            + ("with this deployment's key." if fixed["own_key"] else "with a key made for it."),
            soft_wrap=True,
        )
    if document["report"]:
        console.print(f"Written: {escape(document['report'])}", soft_wrap=True)


def _print_estimate(console: Console, estimate: dict[str, Any] | None) -> None:
    if estimate is None:
        return
    console.print(
        f"Estimate, not binding: trained with and without {estimate['contributed_rows']:,} of the "
        f"new rows, compared on {estimate['base_rows']:,} rows of the base set."
    )
    console.print(metrics_table(estimate["metrics"]))
