"""What a step writes to MLflow, and what happens when MLflow can't be reached.

Which runs there are, and how they begin and end, is `mlflow_runs`; what each step writes is
`step_records`.
"""

import re
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from dagster import DagsterEventType, DagsterRun

from hokusai_assets.orchestration.bounded_calls import BoundedCalls

BENCHMARK_TAG = "hokusai/benchmark"
# Two, since a file that is taken in may still not be accepted.
INTAKE_TAG = "hokusai/intake"
VERDICT_TAG = "hokusai/verdict"
PARTITION_TAG = "dagster/partition"
# A backfill's runs carry a range instead, of one key under our backfill policy.
_RANGE_START_TAG = "dagster/asset_partition_range_start"
# MLflow's own: which JSON artifacts are tables.
TABLES_TAG = "mlflow.loggedArtifacts"
NOTE_TAG = "mlflow.note.content"
# Which of our runs it is, and whether it is the one that holds for its contribution.
KIND_TAG = "kind"
OVERVIEW = "overview"
LATEST_TAG = "latest"
ACCEPTED_CHECK = "contribution_accepted"
DEFAULT_SECONDS = 120.0
# What MLflow takes in one request.
_BATCH = 100
_LONGEST_PARAM = 6000
_LONGEST_TAG = 5000

T = TypeVar("T")


class TrackingUnavailable(RuntimeError):
    """MLflow can't be reached and the benchmark says ``tracking: required``."""


class Tracking:
    """What a step writes to its MLflow run; does nothing once MLflow is given up on.

    Runs and artifacts are kept in different places, and are given up one by one.

    Attributes:
        run_id: the MLflow run of the contribution, or of a Dagster run without one; None where
            tracking is unavailable.
        parent_run_id: the MLflow run of the Dagster run, where it is another.
        experiment_id: where both are.
        unavailable: why tracking was given up, None while it works.
        artifacts_unavailable: the same of artifacts and models alone.
        with_models: whether models are logged and registered.
        model_lock: a file held while a model is registered; None where nothing else registers.
        client: MLflow's, None before `attach`.
        bounded: makes calls to it within the seconds that the run waits for MLflow.
        dagster_url: of the run in Dagster's web UI, empty where that is not known.
    """

    def __init__(
        self,
        *,
        required: bool,
        warn: Callable[[str], None],
        seconds: float = DEFAULT_SECONDS,
        with_models: bool = True,
        model_lock: Path | None = None,
        dagster_url: str = "",
    ) -> None:
        self.run_id: str | None = None
        self.parent_run_id: str | None = None
        self.experiment_id: str | None = None
        self.unavailable: str | None = None
        self.artifacts_unavailable: str | None = None
        self.with_models = with_models
        self.model_lock = model_lock
        self.dagster_url = dagster_url
        self.bounded = BoundedCalls(seconds)
        self.client: Any = None
        self._required = required
        self._warn = warn

    def attach(
        self, client: Any, run_id: str, experiment_id: str, *, parent_run_id: str | None = None
    ) -> None:
        """Write to this MLflow run from now on."""
        self.client, self.run_id, self.experiment_id = client, run_id, experiment_id
        self.parent_run_id = parent_run_id

    def give_up(self, why: str) -> None:
        """Go on without MLflow, or fail.

        Raises:
            TrackingUnavailable: tracking is required.
        """
        self.unavailable = why
        self._say(f"MLflow is not reachable ({why})", "it")

    def give_up_artifacts(self, why: str) -> None:
        """Go on without artifacts and models, or fail.

        Raises:
            TrackingUnavailable: tracking is required.
        """
        self.artifacts_unavailable = why
        self._say(f"MLflow takes no artifacts or models ({why})", "them")

    def _say(self, message: str, what: str) -> None:
        if self._required:
            raise TrackingUnavailable(
                f"{message} and tracking is required: start it, or set HOKUSAI_TRACKING=optional"
            )
        self._warn(f"{message}; tracking is optional, so the run goes on without {what}")

    def log_params(self, params: Mapping[str, object]) -> None:
        """Log parameters, as text."""
        from mlflow.entities import Param

        logged = [Param(name, str(value)[:_LONGEST_PARAM]) for name, value in params.items()]
        for start in range(0, len(logged), _BATCH):
            self._log_batch(params=logged[start : start + _BATCH])

    def log_metrics(self, metrics: Mapping[str, float]) -> None:
        """Log metrics."""
        self._log_batch(metrics=as_metrics(metrics))

    def set_tags(self, tags: Mapping[str, str]) -> None:
        """Set tags on the run."""
        self._log_batch(tags=as_tags(tags))

    def set_tags_on_parent(self, tags: Mapping[str, str]) -> None:
        """Set tags on the run that stands for the Dagster run, where it is another."""
        if parent := self.parent_run_id:
            self.write(lambda client: client.log_batch(parent, tags=as_tags(tags)))

    def logged_names(self) -> frozenset[str] | None:
        """Return the names of the run's parameters and metrics; None without MLflow."""
        run = self.write(lambda client: client.get_run(self.run_id).data)
        return None if run is None else frozenset({*run.params, *run.metrics})

    def log_inputs(self, datasets: Sequence[Any]) -> None:
        """Log dataset inputs."""
        self.write(lambda client: client.log_inputs(self.run_id, datasets=list(datasets)))

    def log_text(self, text: str, artifact_file: str) -> None:
        """Log a text as an artifact."""
        self.write_artifact(lambda client: client.log_text(self.run_id, text, artifact_file))

    def log_made_file(self, name: str, make: Callable[[Path], Any]) -> None:
        """Log as an artifact a file that ``make`` writes to the path it is given."""
        self.log_made_files({name: make})

    def log_made_files(self, files: Mapping[str, Callable[[Path], Any]]) -> None:
        """Log several files, each by its path among the artifacts, in one call."""
        if self.artifacts_unavailable is not None or self.unavailable is not None:
            return
        try:
            with tempfile.TemporaryDirectory(prefix="hokusai-mlflow-") as folder:
                for name, make in files.items():
                    path = Path(folder) / name
                    path.parent.mkdir(parents=True, exist_ok=True)
                    make(path)
                self.write_artifact(lambda client: client.log_artifacts(self.run_id, folder))
        except TrackingUnavailable:
            raise
        except (
            Exception
        ) as error:  # a picture or a full disk is no reason to lose what was measured
            self.give_up_artifacts(type(error).__name__)

    def write(self, call: Callable[[Any], T]) -> T | None:
        """Call MLflow's client; return None, and say so, if MLflow is or gets unavailable."""
        if self.unavailable is not None:
            return None
        try:
            return self.bounded(lambda: call(self.client))
        except Exception as error:  # any client or server fault is the same to a step
            self.give_up(reason_of(error))
            return None

    def write_artifact(self, call: Callable[[Any], T]) -> T | None:
        """The same for what needs the artifact store too."""
        if self.unavailable is not None or self.artifacts_unavailable is not None:
            return None
        try:
            return self.bounded(lambda: call(self.client))
        except Exception as error:  # any client or server fault is the same to a step
            self.give_up_artifacts(reason_of(error))
            return None

    def _log_batch(self, **batch: Any) -> None:
        self.write(lambda client: client.log_batch(self.run_id, **batch))


def as_metrics(metrics: Mapping[str, float], *, step: int = 0) -> list[Any]:
    """Return MLflow's form of metrics; one without a value is left out."""
    from mlflow.entities import Metric

    now = int(time.time() * 1000)
    return [
        Metric(name, float(value), now, step)
        for name, value in metrics.items()
        if value is not None
    ]


def as_tags(tags: Mapping[str, str]) -> list[Any]:
    """Return MLflow's form of tags."""
    from mlflow.entities import RunTag

    return [RunTag(name, value[:_LONGEST_TAG]) for name, value in tags.items()]


def reason_of(error: Exception) -> str:
    """Return a fault in a line, without the password that an address may hold."""
    text = re.sub(r"://[^/@\s]*@", "://", " ".join(str(error).split()))
    return f"{type(error).__name__}: {text[:200]}"


def benchmark_of(run: DagsterRun) -> str:
    """Return the benchmark a Dagster run is about: its tag, else its first asset's prefix."""
    if tagged := run.tags.get(BENCHMARK_TAG):
        return tagged
    selected = sorted(key.path[0] for key in run.asset_selection or ())
    return selected[0] if selected else ""


def was_rejected(events: Iterable[Any]) -> bool:
    """Say whether among a run's Dagster events the contribution was found to break a rule."""
    return any(
        event.event_type == DagsterEventType.ASSET_CHECK_EVALUATION
        and event.asset_check_evaluation_data.check_name == ACCEPTED_CHECK
        and not event.asset_check_evaluation_data.passed
        for event in events
    )


def run_url(dagster_url: str, run: DagsterRun) -> str:
    """Return a run's page in Dagster's web UI, empty where its address is not known."""
    return f"{dagster_url.rstrip('/')}/runs/{run.run_id}" if dagster_url else ""


def contribution_of(run: DagsterRun) -> str:
    """Return the contribution a Dagster run is about, empty for a benchmark's own run."""
    return run.tags.get(PARTITION_TAG) or run.tags.get(_RANGE_START_TAG, "")
