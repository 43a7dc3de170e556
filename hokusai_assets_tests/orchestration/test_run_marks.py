"""A run whose process is gone ends as failed; one that goes on is left alone."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import pytest
from dagster import DagsterRunStatus

from hokusai_assets.orchestration import run_marks
from hokusai_assets.orchestration.reconciliation import unfinished
from hokusai_assets.orchestration.run_marks import (
    fail_runs_of_the_dead,
    marked_as_running,
    marking_executor,
)

from .conftest import Deployment

STUCK_RUN = """
import os, sys, time
import dagster as dg
from pathlib import Path
from hokusai_assets.orchestration.run_marks import marking_executor

@dg.op
def wait():
    print("running", flush=True)
    time.sleep(600)

@dg.job(executor_def=marking_executor(Path(sys.argv[1])))
def stuck():
    wait()

if __name__ == "__main__":
    with dg.DagsterInstance.from_config(os.environ["DAGSTER_HOME"]) as instance:
        dg.execute_job(dg.reconstructable(stuck), instance, tags={"hokusai/benchmark": "generated",
            "dagster/partition": sys.argv[2]})
"""


@contextmanager
def a_run(deployment: Deployment, key: str = "mine-0123") -> Iterator[subprocess.Popen[str]]:
    """Yield a process in the middle of a run; killed in the end."""
    script = deployment.root / "stuck.py"
    script.write_text(STUCK_RUN)
    home = deployment.settings
    process = subprocess.Popen(
        [sys.executable, str(script), str(home.run_marks), key],
        env=os.environ | {"DAGSTER_HOME": str(home.dagster_home)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "running\n"
        yield process
    finally:
        process.kill()
        process.wait()


def status(deployment: Deployment) -> DagsterRunStatus:
    (run,) = deployment.instance.get_runs()
    return run.status


def test_a_run_whose_process_goes_on_is_left_alone(deployment: Deployment):
    with a_run(deployment):
        assert fail_runs_of_the_dead(deployment.instance, deployment.settings.run_marks) == []
        assert status(deployment) is DagsterRunStatus.STARTED


def test_a_run_whose_process_was_killed_is_marked_failed_and_says_so(deployment: Deployment):
    with a_run(deployment) as process:
        process.send_signal(signal.SIGKILL)
        process.wait()
        (died,) = fail_runs_of_the_dead(deployment.instance, deployment.settings.run_marks)
    assert status(deployment) is DagsterRunStatus.FAILURE
    events = [entry.dagster_event for entry in deployment.instance.all_logs(died)]
    said = [event.message or "" for event in events if event is not None]
    assert any("its process ended before it did" in message for message in said)
    assert not list(deployment.settings.run_marks.iterdir())
    # Its retry, which has its tags, is to stand before what was queued behind it.
    (run,) = deployment.instance.get_runs()
    assert int(run.tags["dagster/priority"]) > 0


def test_a_contribution_whose_run_was_killed_is_taken_up_at_night(deployment: Deployment):
    key = deployment.register().key
    with a_run(deployment, key) as process:
        assert unfinished(deployment.instance, "generated", deployment.settings) == ({}, [])
        process.send_signal(signal.SIGKILL)
        process.wait()
        due, _ = unfinished(deployment.instance, "generated", deployment.settings)
    assert due == {key: 1}


def test_a_run_without_a_mark_has_a_minute_to_take_it(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
):
    with a_run(deployment):
        (mark,) = deployment.settings.run_marks.iterdir()
        # As if Dagster had noted the start, and the process not got to its mark yet.
        mark.rename(mark.with_suffix(".elsewhere"))
        assert fail_runs_of_the_dead(deployment.instance, deployment.settings.run_marks) == []
        monkeypatch.setattr(run_marks, "_STARTS_WITHIN_SECONDS", 0.0)
        assert len(fail_runs_of_the_dead(deployment.instance, deployment.settings.run_marks)) == 1


def test_a_run_in_this_process_is_marked_until_its_end_is_written(deployment: Deployment):
    seen: list[bool] = []

    @dg.op
    def look() -> None:
        seen.append(any(deployment.settings.run_marks.iterdir()))

    @dg.job
    def looking() -> None:
        look()

    with marked_as_running(deployment.settings.run_marks, "a-run"):
        looking.execute_in_process(instance=deployment.instance)
    assert seen == [True]
    assert not list(deployment.settings.run_marks.iterdir())


def test_the_executor_takes_the_config_of_dagsters_own(tmp_path: Path):
    ours = marking_executor(tmp_path)
    assert ours.name == dg.in_process_executor.name
    assert ours.config_schema.as_field().config_type.key == (
        dg.in_process_executor.config_schema.as_field().config_type.key
    )


def test_marks_of_runs_that_ended_are_removed_and_others_stay(
    make_deployment: Callable[..., Deployment],
):
    deployment = make_deployment()
    marks = deployment.settings.run_marks
    marks.mkdir()
    (marks / "ended.lock").touch()
    with marked_as_running(marks, "going-on"):
        fail_runs_of_the_dead(deployment.instance, marks)
        assert [path.name for path in marks.iterdir()] == ["going-on.lock"]
