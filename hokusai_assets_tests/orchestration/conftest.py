"""A small deployment for each test: a generated benchmark, a home of its own, MLflow on SQLite."""

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from hokusai_assets.benchmarks.generated import GENERATED_ID, write_generated_benchmark
from hokusai_assets.contributions.identity import Contribution, register
from hokusai_assets.orchestration.build import build_definitions
from hokusai_assets.orchestration.home import open_instance
from hokusai_assets.orchestration.running import RunOutcome, run_contribution
from hokusai_assets.settings import Settings


@dataclass
class Deployment:
    """One deployment under a temporary folder, with its Dagster instance open."""

    root: Path
    settings: Settings
    instance: dg.DagsterInstance
    contribution_file: Path
    benchmark_id: str = GENERATED_ID
    _definitions: dg.Definitions | None = field(default=None, repr=False)

    @property
    def definitions(self) -> dg.Definitions:
        if self._definitions is None:
            self._definitions = build_definitions(self.settings)
        return self._definitions

    def register(self, file: Path | None = None) -> Contribution:
        source = file or self.contribution_file
        return register(source, self.settings.contributions(self.benchmark_id))

    def run(self, file: Path | None = None) -> tuple[str, RunOutcome]:
        key = self.register(file).key
        outcome = run_contribution(
            self.definitions,
            self.instance,
            self.benchmark_id,
            key,
            marks=self.settings.run_marks,
        )
        return key, outcome

    def mlflow_runs(self, kind: str = "contribution") -> list[Any]:
        """Return MLflow's runs of a kind: contribution, dagster_run or overview."""
        from mlflow.tracking import MlflowClient

        client = MlflowClient(tracking_uri=self.settings.mlflow_tracking_uri)
        experiment = client.get_experiment_by_name(self.settings.mlflow_experiment)
        if experiment is None:
            return []
        return list(client.search_runs([experiment.experiment_id], f"tags.kind = '{kind}'"))


@pytest.fixture(scope="session")
def migrated_mlflow_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty MLflow database: its migrations take seconds, a copy takes none."""
    from mlflow.tracking import MlflowClient

    path = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
    MlflowClient(tracking_uri=f"sqlite:///{path}").search_experiments()
    return path


@pytest.fixture
def make_deployment(
    tmp_path: Path, migrated_mlflow_database: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Deployment]]:
    """Make deployments; two of them never share a home."""
    for name in [name for name in os.environ if name.startswith(("HOKUSAI_", "MLFLOW_"))]:
        monkeypatch.delenv(name)
    # prepare_home points it at each home in turn.
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    open_instances = []

    def make(name: str = "deployment", **environment: str) -> Deployment:
        root = tmp_path / name
        write_generated_benchmark(root / "data", seed=7)
        settings = Settings.from_environment(
            {
                "HOKUSAI_HOME": str(root / "home"),
                "HOKUSAI_DATA": str(root / "data"),
                # A busy machine must not make MLflow look gone.
                "HOKUSAI_TRACKING_SECONDS": "600",
                **environment,
            }
        )
        (settings.home / "mlflow").mkdir(parents=True)
        shutil.copyfile(migrated_mlflow_database, settings.home / "mlflow" / "mlflow.db")
        context = open_instance(settings)
        open_instances.append(context)
        instance = context.__enter__()
        return Deployment(root, settings, instance, root / "data" / "contribution.csv")

    yield make
    for context in open_instances:
        context.__exit__(None, None, None)


@pytest.fixture
def deployment(make_deployment: Callable[..., Deployment]) -> Deployment:
    """One deployment with the defaults."""
    return make_deployment()
