"""What the command line prints for people: progress, results, faults."""

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from types import TracebackType
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from hokusai_assets.report.words import REMOVED_IN_WORDS

_STEPS = {
    "benchmark": "loading the benchmark",
    "baseline_model": "training the baseline",
    "baseline_evaluation": "evaluating the baseline",
    "contributed_data": "checking and hashing the contribution",
    "new_model": "training with the contribution",
    "new_evaluation": "evaluating the new model",
    "metric_deltas": "measuring the deltas",
    "settlement": "settling against the accepted model",
    "attestation": "signing the attestation",
}


class RowCount:
    """Says how far a pass over rows is, and how long the rest of it may take at its pace so far."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._start, self._done = clock(), 0

    def words(self, done: int, total: int | None) -> str:
        """Return it in words.

        Args:
            done: rows so far; fewer than before begin another pass.
            total: rows there are, None where that is not known yet.
        """
        if done < self._done:
            self._start = self._clock()
        self._done = done
        if total is None:
            return f"{done:,} rows"
        left = (self._clock() - self._start) * (total - done) / max(done, 1)
        return f"{done:,} of {total:,} rows, {timedelta(seconds=round(left))} left"


class StepDisplay:
    """A progress bar over the steps of a run, on standard error; plain lines off a terminal."""

    def __init__(self, *, quiet: bool) -> None:
        self._console = Console(stderr=True, quiet=quiet)
        self._progress = Progress(
            SpinnerColumn(),
            BarColumn(bar_width=24),
            TextColumn("{task.completed}/{task.total} {task.description}"),
            TimeElapsedColumn(),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal or quiet,
        )
        self._task = self._progress.add_task("starting", total=len(_STEPS))
        self._rows = RowCount()

    def __enter__(self) -> "StepDisplay":
        self._progress.start()
        if not self._console.is_terminal:
            self._console.print("starting ...")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def on_rows(self, done: int, total: int | None) -> None:
        """Show how far the reading of the rows is."""
        step = _STEPS["contributed_data"]
        self._progress.update(self._task, description=f"{step}: {self._rows.words(done, total)}")

    def on_step(self, name: str, state: str) -> None:
        """Show that a step of the run started, ended or failed."""
        if name not in _STEPS:
            return
        if state == "started":
            self._progress.update(self._task, description=_STEPS[name])
            if not self._console.is_terminal:
                self._console.print(f"{_STEPS[name]} ...")
        else:
            self._progress.advance(self._task)


def counted_off(names: Sequence[str], *, quiet: bool) -> Iterator[str]:
    """Yield names, showing on standard error how far it is and how long the rest may take.

    Off a terminal a line is printed for each.
    """
    console = Console(stderr=True, quiet=quiet, highlight=False)
    with Progress(
        BarColumn(bar_width=24),
        TextColumn("{task.completed}/{task.total}"),
        TextColumn("{task.description}", markup=False),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal or quiet,
    ) as progress:
        task = progress.add_task("", total=len(names))
        for position, name in enumerate(names, start=1):
            progress.update(task, description=name)
            if not console.is_terminal:
                console.print(f"[{position}/{len(names)}] {name}", markup=False)
            yield name
            progress.advance(task)


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
