"""One MLflow run per Dagster run with its true status; the four known defects are absent."""

import json
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import dagster as dg
import pytest

from hokusai_assets.orchestration.mlflow_runs import MlflowTracking
from hokusai_assets.orchestration.partitions import ASSETS_OF_CONTRIBUTION
from hokusai_assets.orchestration.run_marks import DIED
from hokusai_assets.orchestration.tracking import Tracking

from .conftest import Deployment


def tracking_resource(deployment: Deployment, **changes: object) -> MlflowTracking:
    settings = deployment.settings
    return MlflowTracking(
        **{
            "tracking_uri": settings.mlflow_tracking_uri,
            "experiment": settings.mlflow_experiment,
            "artifact_root": settings.mlflow_artifact_root or "",
            **changes,
        }
    )


def artifacts_of(run) -> Path:
    return Path(run.info.artifact_uri.removeprefix("file://"))


def files_of(run) -> set[str]:
    root = artifacts_of(run)
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}


def mlflow_client(deployment: Deployment):
    from mlflow.tracking import MlflowClient

    return MlflowClient(tracking_uri=deployment.settings.mlflow_tracking_uri)


def two_root_steps(fail: bool = False, retry: bool = False):
    attempts = []

    @dg.op
    def left(tracking: dg.ResourceParam[Tracking]) -> None:
        tracking.log_params({"left": 1})

    @dg.op(retry_policy=dg.RetryPolicy(max_retries=2) if retry else None)
    def right(tracking: dg.ResourceParam[Tracking]) -> None:
        attempts.append(1)
        tracking.log_params({"right": 1})
        if fail or (retry and len(attempts) == 1):
            raise RuntimeError("a fault")

    @dg.job(executor_def=dg.in_process_executor)
    def steps() -> None:
        left()
        right()

    return steps


def run(
    deployment: Deployment, job: dg.JobDefinition, **changes: object
) -> dg.ExecuteInProcessResult:
    return job.execute_in_process(
        instance=deployment.instance,
        resources={"tracking": tracking_resource(deployment, **changes)},
        raise_on_error=False,
        tags={"hokusai/benchmark": "generated", "dagster/partition": "mine-0123"},
    )


def test_parallel_root_steps_share_one_run_with_the_tags_that_find_it(deployment):
    result = run(deployment, two_root_steps())
    (logged,) = deployment.mlflow_runs()
    assert logged.data.params == {"left": "1", "right": "1"}
    assert logged.data.tags["dagster_run_id"] == result.run_id
    assert logged.data.tags["benchmark"] == "generated"
    assert logged.data.tags["contribution"] == "mine-0123"
    (parent,) = deployment.mlflow_runs("dagster_run")
    assert logged.data.tags["mlflow.parentRunId"] == parent.info.run_id
    assert {logged.info.status, parent.info.status} == {"FINISHED"}


def test_a_failed_run_ends_failed(deployment):
    assert not run(deployment, two_root_steps(fail=True)).success
    (logged,), (parent,) = deployment.mlflow_runs(), deployment.mlflow_runs("dagster_run")
    assert (logged.info.status, parent.info.status) == ("FAILED", "FAILED")
    assert logged.data.tags["failed_steps"] == "right"


def test_a_picture_that_cannot_be_drawn_costs_the_artifacts_and_not_the_run(deployment):
    def undrawable(path: Path) -> None:
        raise ValueError("a cell of the data")

    @dg.op
    def drawing(tracking: dg.ResourceParam[Tracking]) -> None:
        tracking.log_made_file("picture.png", undrawable)
        tracking.log_params({"after": 1})

    @dg.job(executor_def=dg.in_process_executor)
    def steps() -> None:
        drawing()

    assert run(deployment, steps).success
    (logged,) = deployment.mlflow_runs()
    assert logged.data.params == {"after": "1"}
    assert logged.data.tags["tracking_incomplete"] == "ValueError"


def test_a_run_of_some_assets_does_not_become_the_contributions_latest(deployment):
    key, whole = deployment.run()
    some = deployment.definitions.resolve_job_def("generated_contribution").execute_in_process(
        instance=deployment.instance,
        partition_key=key,
        asset_selection=[dg.AssetKey(["generated", "contributed_data"])],
    )
    assert some.success
    logged = {one.data.tags["dagster_run_id"]: one.data.tags for one in deployment.mlflow_runs()}
    assert logged[some.run_id]["outcome"] == "partial"
    assert "latest" not in logged[some.run_id]
    assert (logged[whole.run_id]["outcome"], logged[whole.run_id]["latest"]) == (
        "evaluated",
        "true",
    )


@pytest.mark.parametrize("first", [0, 2, 3, 4, 5])
def test_a_run_from_a_later_step_on_tells_all_that_its_attestation_stands_on(
    deployment, first: int
):
    key, whole = deployment.run()
    again = deployment.definitions.resolve_job_def("generated_contribution").execute_in_process(
        instance=deployment.instance,
        partition_key=key,
        asset_selection=[
            dg.AssetKey(["generated", name]) for name in ASSETS_OF_CONTRIBUTION[first:]
        ],
    )
    assert again.success
    logged = {one.data.tags["dagster_run_id"]: one for one in deployment.mlflow_runs()}
    first_run, second_run = logged[whole.run_id], logged[again.run_id]
    client = mlflow_client(deployment)

    def told(run):
        costs = ("step/", "run/")
        data = client.get_run(run.info.run_id)
        metrics = {k: v for k, v in run.data.metrics.items() if not k.startswith(costs)}
        inputs = sorted(
            (one.dataset.name, one.dataset.digest) for one in data.inputs.dataset_inputs
        )
        models = {one.model_id for one in (*data.inputs.model_inputs, *data.outputs.model_outputs)}
        return metrics, run.data.params, inputs, models, files_of(run)

    assert told(second_run) == told(first_run)
    assert (first_run.data.tags["latest"], second_run.data.tags["latest"]) == ("false", "true")
    (overview,) = deployment.mlflow_runs("overview")
    table = json.loads((artifacts_of(overview) / "contributions.json").read_text())
    assert [row[-1] for row in table["data"]] == [second_run.info.run_id]


def test_the_parent_names_the_attestation_too(deployment):
    deployment.run()
    (run,), (parent,) = deployment.mlflow_runs(), deployment.mlflow_runs("dagster_run")
    assert parent.data.tags["attestation_hash"] == run.data.tags["attestation_hash"]


def test_the_overview_has_a_point_for_each_attestation_however_often_it_is_made(deployment):
    deployment.run()
    deployment.run()
    (overview,) = deployment.mlflow_runs("overview")
    client = mlflow_client(deployment)
    for name in ("delta/auroc", "payable_bps"):
        assert len(client.get_metric_history(overview.info.run_id, name)) == 1, name


def test_the_experiments_page_leads_to_results_and_a_persons_own_words_stay(deployment):
    client = mlflow_client(deployment)

    def note():
        found = client.get_experiment_by_name(deployment.settings.mlflow_experiment)
        return found.experiment_id, found.tags["mlflow.note.content"]

    run(deployment, two_root_steps())
    experiment, before = note()
    page = f"#/experiments/{experiment}/runs?workflowType=machine_learning"
    assert f"[latest result of each contribution]({page}&searchFilter=tags.latest" in before
    deployment.run()
    (overview,) = deployment.mlflow_runs("overview")
    assert f"runs/{overview.info.run_id}?workflowType=machine_learning)" in note()[1]
    client.set_experiment_tag(experiment, "mlflow.note.content", "Ours. Ask Ann.")
    deployment.run()
    assert note()[1] == "Ours. Ask Ann."


@pytest.mark.parametrize(
    ("status", "ended", "outcome", "fault"),
    [
        ("FAILURE", "FAILED", "failed", f"run: {DIED}"),
        ("CANCELED", "KILLED", "cancelled", None),
    ],
)
def test_what_a_killed_process_left_running_is_ended_by_the_next_run(
    deployment, status, ended, outcome, fault
):
    dead, foreign = (str(UUID(int=number)) for number in (1, 2))
    client = mlflow_client(deployment)
    run(deployment, two_root_steps())
    experiment = deployment.mlflow_runs()[0].info.experiment_id
    left = {
        run_id: client.create_run(
            experiment, tags={"dagster_run_id": run_id, "kind": "contribution"}
        ).info.run_id
        for run_id in (dead, foreign)
    }
    job = two_root_steps()
    deployment.instance.create_run_for_job(job, run_id=dead)
    found = deployment.instance.get_run_by_id(dead)
    if status == "FAILURE":
        deployment.instance.report_run_failed(found, DIED)
    else:
        deployment.instance.report_run_canceling(found)
        deployment.instance.report_run_canceled(found)
    run(deployment, two_root_steps())
    of_dead = client.get_run(left[dead])
    assert (of_dead.info.status, of_dead.data.tags["outcome"]) == (ended, outcome)
    assert of_dead.data.tags.get("faults") == fault
    assert client.get_run(left[foreign]).info.status == "RUNNING"


def test_a_failure_in_an_early_step_is_not_hidden_by_a_later_success(deployment):
    @dg.op
    def broken(tracking: dg.ResourceParam[Tracking]) -> None:
        raise RuntimeError("a fault")

    @dg.op
    def later(tracking: dg.ResourceParam[Tracking]) -> None:
        tracking.log_params({"later": 1})

    @dg.job(executor_def=dg.in_process_executor)
    def steps() -> None:
        broken()
        later()

    run(deployment, steps)
    (logged,) = deployment.mlflow_runs()
    assert logged.data.params == {"later": "1"}
    assert logged.info.status == "FAILED"


def test_two_dagster_runs_in_one_process_have_two_runs_and_keep_their_tags(deployment):
    first = run(deployment, two_root_steps(fail=True))
    second = run(deployment, two_root_steps())
    logged = {entry.data.tags["dagster_run_id"]: entry for entry in deployment.mlflow_runs()}
    assert set(logged) == {first.run_id, second.run_id}
    assert logged[first.run_id].info.status == "FAILED"
    assert logged[second.run_id].info.status == "FINISHED"
    parents = deployment.mlflow_runs("dagster_run")
    assert {entry.data.tags["dagster_run_id"] for entry in parents} == set(logged)
    assert len({entry.data.tags["mlflow.parentRunId"] for entry in logged.values()}) == 2


def test_a_retried_step_stays_in_its_run_and_ends_finished(deployment):
    assert run(deployment, two_root_steps(retry=True)).success
    (logged,) = deployment.mlflow_runs()
    assert logged.info.status == "FINISHED"


def test_an_active_run_of_the_same_thread_gets_none_of_our_tags(deployment):
    import mlflow

    mlflow.set_tracking_uri(deployment.settings.mlflow_tracking_uri)
    foreign = mlflow.start_run(experiment_id="0")
    result = run(deployment, two_root_steps())
    by_run = {entry.info.run_id: entry.data.tags for entry in deployment.mlflow_runs()}
    assert mlflow.active_run() is None
    assert [t for t in by_run.values() if t.get("dagster_run_id") == result.run_id]
    assert "dagster_run_id" not in mlflow.get_run(foreign.info.run_id).data.tags


def test_the_environment_is_as_it_was_after_a_run(deployment, monkeypatch):
    import os

    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "33")
    run(deployment, two_root_steps())
    assert "MLFLOW_TRACKING_URI" not in os.environ
    assert os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"] == "33"


@pytest.fixture
def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def silent_server() -> object:
    """A server that takes connections and never answers."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(50)
        held: list[socket.socket] = []
        threading.Thread(
            target=lambda: [held.append(server.accept()[0]) for _ in range(50)], daemon=True
        ).start()
        yield server.getsockname()[1]


def test_an_unreachable_mlflow_is_a_warning_when_tracking_is_optional(deployment, closed_port):
    result = run(deployment, two_root_steps(), tracking_uri=f"http://127.0.0.1:{closed_port}")
    assert result.success
    warnings = [
        entry.user_message
        for entry in deployment.instance.all_logs(result.run_id)
        if "MLflow is not reachable" in entry.user_message
    ]
    assert len(warnings) == 1


def test_an_unreachable_mlflow_fails_the_run_when_tracking_is_required(deployment, closed_port):
    result = run(
        deployment,
        two_root_steps(),
        tracking_uri=f"http://127.0.0.1:{closed_port}",
        required=["generated"],
    )
    assert not result.success
    said = " ".join(str(entry) for entry in deployment.instance.all_logs(result.run_id))
    assert "HOKUSAI_TRACKING=optional" in said


def test_a_silent_mlflow_is_given_up_after_the_bounded_tries(
    deployment, silent_server, monkeypatch
):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    started = time.monotonic()
    result = run(deployment, two_root_steps(), tracking_uri=f"http://127.0.0.1:{silent_server}")
    assert result.success
    # Minutes by MLflow's defaults; generous here, since this asserts a bound, not a speed.
    assert time.monotonic() - started < 120


def test_a_slow_mlflow_is_given_up_on_when_the_runs_seconds_are_spent(
    deployment, silent_server, monkeypatch
):
    # Without these no request would end within this test.
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "600")
    started = time.monotonic()
    uri = f"http://127.0.0.1:{silent_server}"
    result = run(deployment, two_root_steps(), tracking_uri=uri, seconds=2)
    assert result.success
    assert time.monotonic() - started < 120
    said = [entry.user_message for entry in deployment.instance.all_logs(result.run_id)]
    assert any("it took the 2 s" in message for message in said)


@pytest.mark.parametrize("required", [[], ["generated"]])
def test_a_parent_whose_child_can_not_be_made_ends_failed(deployment, monkeypatch, required):
    from mlflow.tracking import MlflowClient

    create_run = MlflowClient.create_run

    def no_child(client: MlflowClient, experiment_id: str, **given: object) -> object:
        if given["tags"]["kind"] == "contribution":
            raise ConnectionError("gone")
        return create_run(client, experiment_id, **given)

    monkeypatch.setattr(MlflowClient, "create_run", no_child)
    before = mlflow_threads()
    result = run(deployment, two_root_steps(), required=required)
    assert result.success == (not required)
    (parent,) = deployment.mlflow_runs("dagster_run")
    assert parent.info.status == "FAILED"
    for thread in mlflow_threads() - before:
        thread.join(20)
    assert mlflow_threads() <= before


def mlflow_threads() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name == "mlflow calls"}


def test_a_run_whose_making_is_given_up_on_ends_failed_once_it_is_made(deployment, monkeypatch):
    from mlflow.tracking import MlflowClient

    create_run, go_on = MlflowClient.create_run, threading.Event()

    def late(client: MlflowClient, experiment_id: str, **given: object) -> object:
        go_on.wait(60)
        return create_run(client, experiment_id, **given)

    monkeypatch.setattr(MlflowClient, "create_run", late)
    before = mlflow_threads()
    # Long enough for the experiment; the run's making takes what is left.
    assert run(deployment, two_root_steps(), seconds=4).success
    go_on.set()
    for thread in mlflow_threads() - before:
        thread.join(60)
    (parent,) = deployment.mlflow_runs("dagster_run")
    assert parent.info.status == "FAILED"


def test_the_password_in_an_address_is_not_in_what_is_said():
    from hokusai_assets.orchestration.tracking import reason_of

    error = RuntimeError("no answer from postgresql://mlflow:hunter2@db.example/mlflow")
    assert reason_of(error) == "RuntimeError: no answer from postgresql://db.example/mlflow"


def test_a_contribution_of_an_unreachable_mlflow_is_still_attested(
    make_deployment: Callable[..., Deployment], closed_port: int
):
    deployment = make_deployment(MLFLOW_TRACKING_URI=f"http://127.0.0.1:{closed_port}")
    _, outcome = deployment.run()
    assert outcome.status == "evaluated"
    assert any("MLflow is not reachable" in warning for warning in outcome.warnings)


def test_the_artifact_root_and_experiment_name_are_honoured(
    make_deployment: Callable[..., Deployment], tmp_path: Path
):
    home = tmp_path / "deployment" / "home"
    deployment = make_deployment(
        MLFLOW_TRACKING_URI=f"sqlite:///{home / 'mlflow' / 'mlflow.db'}",
        MLFLOW_ARTIFACT_ROOT=(tmp_path / "elsewhere").as_uri(),
        MLFLOW_EXPERIMENT_NAME="my-experiment",
    )
    deployment.run()
    (logged,) = deployment.mlflow_runs()
    assert logged.info.artifact_uri.startswith((tmp_path / "elsewhere").as_uri())
    assert list((tmp_path / "elsewhere").rglob("attestation.json"))
