"""Which Dagster runs still have a process: each holds a lock, which the system drops if it dies.

Dagster's default launcher does not look after a run's process. One that was killed together with
its code server (a power cut), or that `hokusai evaluate` ran, would count as running for good: two
of them fill the queue, and nothing takes their contributions up again.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
from dagster import DagsterRunStatus
from dagster._core.executor.in_process import InProcessExecutor
from dagster._core.executor.init import InitExecutorContext
from dagster._core.storage.tags import PRIORITY_TAG

from hokusai_assets.append_only import held

_ENDING = ".lock"
_RETRY_PRIORITY = 5
# Between Dagster's note that a run started and our lock.
_STARTS_WITHIN_SECONDS = 60.0
DIED = "its process ended before it did (killed, or the machine went down); it can be run again"
# Left by nobody: the system drops what is in it with the process.
_KEPT = ExitStack()
_GOING_ON = [DagsterRunStatus.STARTED, DagsterRunStatus.CANCELING]


@contextmanager
def marked_as_running(folder: Path, run_id: str) -> Iterator[None]:
    """Hold a run's mark while this process executes it and writes its end.

    Args:
        folder: of all marks of a home, see `Settings.run_marks`.
        run_id: Dagster's.
    """
    with held(path := _path(folder, run_id)):
        try:
            yield
        finally:
            path.unlink(missing_ok=True)


def is_marked(folder: Path, run_id: str) -> bool:
    """Say whether a process holds a mark."""
    return _is_held(_path(folder, run_id))


def marking_executor(folder: Path) -> dg.ExecutorDefinition:
    """Return the executor that runs all steps in one process, which holds the run's mark.

    The mark goes with the process: the executor is done before Dagster has noted the run's end.
    """

    @dg.executor(name="in_process", config_schema=dg.in_process_executor.config_schema)
    def in_process(context: InitExecutorContext) -> _MarkingExecutor:
        usual = dg.in_process_executor.executor_creation_fn
        assert usual is not None
        made: Any = usual(context)
        return _MarkingExecutor(
            retries=made.retries,
            step_dependency_config=made.step_dependency_config,
            marker_to_close=made.marker_to_close,
            folder=folder,
        )

    return in_process


class _MarkingExecutor(InProcessExecutor):
    def __init__(self, *, folder: Path, **usual: Any) -> None:
        super().__init__(**usual)
        self._folder = folder

    def execute(self, plan_context: Any, execution_plan: Any) -> Iterator[Any]:
        _KEPT.enter_context(held(_path(self._folder, plan_context.run_id)))
        yield from super().execute(plan_context, execution_plan)


def fail_runs_of_the_dead(instance: dg.DagsterInstance, folder: Path) -> list[str]:
    """Mark as failed the runs that Dagster holds for going on and that have no process.

    Returns:
        Their ids. The daemon starts them again as `run_retries` says.
    """
    going_on = instance.get_run_records(dg.RunsFilter(statuses=_GOING_ON))
    died = []
    for record in going_on:
        run = record.dagster_run
        path = _path(folder, run.run_id)
        started = record.start_time or record.create_timestamp.timestamp()
        if not path.exists() and time.time() - started < _STARTS_WITHIN_SECONDS:
            continue
        if _is_held(path):
            continue
        found = instance.get_run_by_id(run.run_id)
        if found is not None and found.status in _GOING_ON:
            # Its retry takes the tags over, and so stands before what is queued: it had its turn.
            instance.add_run_tags(run.run_id, {PRIORITY_TAG: str(_RETRY_PRIORITY)})
            instance.report_run_failed(run, DIED)
            died.append(run.run_id)
    for path in folder.glob(f"*{_ENDING}"):
        if not _is_held(path):
            path.unlink(missing_ok=True)
    return died


def _path(folder: Path, run_id: str) -> Path:
    return folder / f"{run_id}{_ENDING}"


def _is_held(path: Path) -> bool:
    try:
        descriptor = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return False
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
