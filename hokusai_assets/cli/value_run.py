"""Valuing contributions for the command line: progress, and faults as one sentence."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from hokusai_assets.evaluation.credit.methods import NoCredit
from hokusai_assets.orchestration.faults import EXPLAINED
from hokusai_assets.orchestration.platform import Platform
from hokusai_assets.orchestration.stored_contributions import stored_contributions, value_stored
from hokusai_assets.orchestration.stored_forms import ValuedContributions
from hokusai_assets.settings import Settings

# Off a terminal a line per model would be a flood.
_LINES = 20


def run_value(
    settings: Settings,
    benchmark_id: str,
    method: str,
    keys: Sequence[str],
    *,
    max_models: int | None,
    quiet: bool,
) -> ValuedContributions:
    """Value a benchmark's stored contributions; nothing is stored.

    Raises:
        click.UsageError: there is nothing to value, or not so.
        click.ClickException: a platform fault.
    """
    platform = Platform.of(settings)
    if not platform.contribution_keys(benchmark_id):
        raise click.UsageError(
            f"there are no contributions to {benchmark_id} in {settings.home} yet: "
            f"`hokusai evaluate FILE --benchmark {benchmark_id}` first"
        )
    try:
        with _progress(quiet=quiet) as (say, on_model):
            say("loading the benchmark and the contributions")
            benchmark, _ = platform.current_benchmark(benchmark_id)
            stored = stored_contributions(platform, benchmark, keys)
            say(f"{method} of {len(stored.accepted)} contributions")
            return value_stored(benchmark, stored, method, max_models=max_models, on_model=on_model)
    except NoCredit as error:
        raise click.UsageError(str(error)) from None
    except EXPLAINED as error:
        raise click.ClickException(str(error)) from None


@contextmanager
def _progress(*, quiet: bool) -> Iterator[tuple[Callable[[str], None], Callable[[int, int], None]]]:
    """Yield what says a step and what counts models, on standard error."""
    console = Console(stderr=True, quiet=quiet, highlight=False)
    shown = console.is_terminal and not quiet
    progress = Progress(
        SpinnerColumn(),
        BarColumn(bar_width=24),
        TextColumn("{task.description}"),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not shown,
    )
    task = progress.add_task("starting", total=None)

    def say(step: str) -> None:
        progress.update(task, description=step)
        if not shown:
            console.print(f"{step} ...")

    def on_model(trained: int, most: int) -> None:
        text = f"model {trained} of at most {most}"
        progress.update(task, description=text, completed=trained, total=most)
        if not shown and (trained == most or trained % max(1, most // _LINES) == 0):
            console.print(text)

    with progress:
        yield say, on_model
