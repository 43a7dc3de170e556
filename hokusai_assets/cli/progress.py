"""What the command line shows while it works, on standard error: plain lines off a terminal."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from types import TracebackType

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

# The name by which a run tells that it opens its run in MLflow, which may take long.
TRACKING = "tracking"
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
        self._task = self._progress.add_task("", total=len(_STEPS))
        self._rows = RowCount()

    def __enter__(self) -> "StepDisplay":
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def now(self, description: str) -> None:
        """Show what is done or waited for now, in words."""
        self._progress.update(self._task, description=description)
        if not self._console.is_terminal:
            self._console.print(f"{description} ...")

    def on_rows(self, done: int, total: int | None) -> None:
        """Show how far the reading of the rows is."""
        step = _STEPS["contributed_data"]
        self._progress.update(self._task, description=f"{step}: {self._rows.words(done, total)}")

    def on_step(self, name: str, state: str) -> None:
        """Show that a step of the run, or the connecting to MLflow, started, ended or failed."""
        if name == TRACKING and state == "started":
            self.now("connecting to MLflow")
        elif name not in _STEPS:
            return
        elif state == "started":
            self.now(_STEPS[name])
        else:
            # After the last step it stays, for as long as MLflow takes.
            self._progress.update(self._task, advance=1, description="recording the run")


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


@dataclass(frozen=True)
class ShownSteps:
    """What shows the work of a verb, in words.

    Attributes:
        step: told of each step as it begins; off a terminal it is a line.
        now: told how far a step is, as often as you like; only a terminal shows it.
    """

    step: Callable[[str], None]
    now: Callable[[str], None]


@contextmanager
def steps_shown(*, quiet: bool) -> Iterator[ShownSteps]:
    """Yield what shows the steps of a work whose length is unknown."""
    console = Console(stderr=True, quiet=quiet, highlight=False)
    if not console.is_terminal:
        yield ShownSteps(lambda text: console.print(f"{text} ...", markup=False), lambda text: None)
        return
    with console.status("starting") as status:
        yield ShownSteps(*[lambda text: status.update(escape(text))] * 2)
