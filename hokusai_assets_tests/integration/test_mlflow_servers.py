"""A contribution tracked by MLflow's server, with PostgreSQL and S3, and by one that goes away."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hokusai_assets_tests.integration.mlflow_servers import (
    BUCKET,
    S3_KEYS,
    mlflow_server,
    postgresql,
    s3_server,
    stop,
)
from hokusai_assets_tests.orchestration.conftest import (
    Deployment,
    make_deployment,
    migrated_mlflow_database,
)

__all__ = ["make_deployment", "migrated_mlflow_database"]
pytestmark = pytest.mark.integration
# Generous: they bound a run that would else wait a quarter of an hour for each call.
BOUND = 150


def sqlite_server(folder: Path) -> dict[str, Any]:
    """Return the options of a server with SQLite that passes artifacts on itself."""
    return {
        "store": f"sqlite:///{folder / 'server.db'}",
        "artifacts": ["--artifacts-destination", str(folder / "server-artifacts")],
    }


def assert_all_is_there(deployment: Deployment, key: str) -> Any:
    """Check runs, inputs, artifacts and models by the server; return the contribution's run."""
    import mlflow
    from mlflow.tracking import MlflowClient

    uri = deployment.settings.mlflow_tracking_uri
    client = MlflowClient(tracking_uri=uri, registry_uri=uri)
    (run,), (parent,) = deployment.mlflow_runs(), deployment.mlflow_runs("dagster_run")
    assert run.info.run_name == key
    assert run.data.tags["mlflow.parentRunId"] == parent.info.run_id
    assert (run.info.status, run.data.tags["outcome"]) == ("FINISHED", "evaluated")
    assert len(run.inputs.dataset_inputs) == 3
    names = {found.path for found in client.list_artifacts(run.info.run_id)}
    assert {"attestation.json", "report.html", "lineage.json", "plots"} <= names
    overview = deployment.mlflow_runs("overview")[0].info.run_id
    assert "contributions.png" in {found.path for found in client.list_artifacts(overview)}
    mlflow.set_tracking_uri(uri)
    for name in ("hokusai.generated.baseline@champion", "hokusai.generated.candidate/1"):
        model = mlflow.pyfunc.load_model(f"models:/{name}")
        assert len(model.predict(model.input_example)) == 2
    return run


def test_a_server_over_http_takes_all_of_a_run(make_deployment, tmp_path: Path):
    with mlflow_server(tmp_path, **sqlite_server(tmp_path)) as (address, _):
        deployment = make_deployment(MLFLOW_TRACKING_URI=address)
        key, outcome = deployment.run()
        assert (outcome.status, outcome.warnings) == ("evaluated", [])
        assert_all_is_there(deployment, key)


@pytest.fixture
def s3() -> Iterator[tuple[dict[str, str], Any]]:
    """What points to an S3 API server, and the server."""
    with s3_server() as (address, server):
        environment = S3_KEYS | {"MLFLOW_S3_ENDPOINT_URL": address}
        yield environment, server


def test_postgresql_and_s3_behind_the_server_take_all_of_a_run(
    make_deployment, tmp_path: Path, s3, monkeypatch: pytest.MonkeyPatch
):
    environment, _ = s3
    artifacts = ["--default-artifact-root", f"s3://{BUCKET}/mlflow", "--no-serve-artifacts"]
    with (
        postgresql() as store,
        mlflow_server(tmp_path, store=store, artifacts=artifacts, environment=environment) as (
            address,
            _server,
        ),
    ):
        deployment = make_deployment(MLFLOW_TRACKING_URI=address)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        key, outcome = deployment.run()
        assert (outcome.status, outcome.warnings) == ("evaluated", [])
        run = assert_all_is_there(deployment, key)
        assert run.info.artifact_uri.startswith(f"s3://{BUCKET}/mlflow/")


def test_without_the_artifact_store_the_rest_is_tracked_and_the_run_says_so(
    make_deployment, tmp_path: Path, s3, monkeypatch: pytest.MonkeyPatch
):
    environment, store = s3
    server = sqlite_server(tmp_path) | {
        "artifacts": ["--default-artifact-root", f"s3://{BUCKET}/mlflow", "--no-serve-artifacts"]
    }
    with mlflow_server(tmp_path, **server, environment=environment) as (address, _):
        deployment = make_deployment(MLFLOW_TRACKING_URI=address)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        store.stop()
        started = time.monotonic()
        _, outcome = deployment.run()
        assert time.monotonic() - started < BOUND
        assert outcome.status == "evaluated"
        (warning,) = outcome.warnings
        assert warning.startswith("MLflow takes no artifacts or models (")
        (run,) = deployment.mlflow_runs()
        assert run.info.status == "FINISHED"
        assert run.data.tags["tracking_incomplete"]
        assert "delta/accuracy" in run.data.metrics
        store.start()


@pytest.mark.parametrize("required", [False, True])
def test_a_server_that_dies_in_the_middle_of_a_run_is_given_up_on(
    make_deployment: Callable[..., Deployment],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    required: bool,
):
    from hokusai_assets.orchestration import contribution_assets

    with mlflow_server(tmp_path, **sqlite_server(tmp_path)) as (address, server):
        deployment = make_deployment(
            MLFLOW_TRACKING_URI=address, HOKUSAI_TRACKING="required" if required else "optional"
        )
        take_in = contribution_assets.take_in

        def and_the_server_dies(*arguments: Any, **named: Any) -> Any:
            stop(server)
            return take_in(*arguments, **named)

        monkeypatch.setattr(contribution_assets, "take_in", and_the_server_dies)
        started = time.monotonic()
        key, outcome = deployment.run()
        assert time.monotonic() - started < BOUND
    if required:
        assert outcome.status == "failed"
        assert "HOKUSAI_TRACKING=optional" in outcome.faults[0]
    else:
        assert outcome.status == "evaluated"
        assert outcome.warnings[0].startswith("MLflow is not reachable (")
        assert list((deployment.settings.attestations / "generated").glob(f"{key}*"))
