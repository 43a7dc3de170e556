"""MLflow through dagster-mlflow: exactly one MLflow run per Dagster run, with its true status.

dagster-mlflow (0.29) finds its run by search and by the thread's active run, and leaves the
status to hooks; with parallel steps, failed assets or two Dagster runs in one process it opens
two runs, ends failed ones as FINISHED, or writes one run's tags over another's. Here the run is
created or found first, handed to dagster-mlflow by id, written to by id alone, and ended by what
Dagster's own event log says.
"""

import os
import socket
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import dagster as dg
from dagster import DagsterEventType, DagsterRun
from dagster._config.pythonic_config import ConfigurableResourceFactory

BENCHMARK_TAG = "hokusai/benchmark"
OUTCOME_TAG = "hokusai/outcome"
PARTITION_TAG = "dagster/partition"
# A backfill's runs carry a range instead, of one key under our backfill policy.
_RANGE_START_TAG = "dagster/asset_partition_range_start"
ACCEPTED_CHECK = "contribution_accepted"
_CONNECT_SECONDS = 5.0
# MLflow's own defaults are 7 tries of 120 s with growing pauses: a quarter of an hour per call.
_BOUNDED = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
}


class TrackingUnavailable(RuntimeError):
    """MLflow can't be reached and the benchmark says ``tracking: required``."""


class Tracking:
    """What a step writes to its MLflow run; does nothing once MLflow is given up on.

    Attributes:
        run_id: the MLflow run, None where tracking is unavailable.
        unavailable: why tracking was given up, None while it works.
    """

    def __init__(self, *, required: bool, warn: Callable[[str], None]) -> None:
        self.run_id: str | None = None
        self.experiment_id: str | None = None
        self.unavailable: str | None = None
        self._client: Any = None
        self._required = required
        self._warn = warn

    def attach(self, client: Any, run_id: str, experiment_id: str) -> None:
        """Write to this MLflow run from now on."""
        self._client, self.run_id, self.experiment_id = client, run_id, experiment_id

    def give_up(self, why: str) -> None:
        """Go on without MLflow, or fail.

        Raises:
            TrackingUnavailable: tracking is required.
        """
        message = f"MLflow is not reachable ({why})"
        if self._required:
            raise TrackingUnavailable(
                f"{message} and tracking is required: start it, or set HOKUSAI_TRACKING=optional"
            )
        self.unavailable = why
        self._warn(f"{message}; tracking is optional, so the run goes on without it")

    def log_params(self, params: Mapping[str, object]) -> None:
        """Log parameters, as text."""
        from mlflow.entities import Param

        self._log_batch(params=[Param(name, str(value)[:6000]) for name, value in params.items()])

    def log_metrics(self, metrics: Mapping[str, float]) -> None:
        """Log metrics."""
        import time

        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        self._log_batch(metrics=[Metric(name, float(v), now, 0) for name, v in metrics.items()])

    def set_tags(self, tags: Mapping[str, str]) -> None:
        """Set tags on the run."""
        from mlflow.entities import RunTag

        self._log_batch(tags=[RunTag(name, value) for name, value in tags.items()])

    def log_text(self, text: str, artifact_file: str) -> None:
        """Log a text as an artifact."""
        self._guarded(lambda: self._client.log_text(self.run_id, text, artifact_file))

    def log_file(self, path: Path) -> None:
        """Log a file as an artifact under its own name."""
        self._guarded(lambda: self._client.log_artifact(self.run_id, str(path)))

    def _log_batch(self, **batch: Any) -> None:
        self._guarded(lambda: self._client.log_batch(self.run_id, **batch))

    def _guarded(self, write: Callable[[], Any]) -> None:
        if self.unavailable is not None:
            return
        try:
            write()
        except Exception as error:  # any client or server fault is the same to a step
            self.give_up(_reason(error))


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"


class MlflowTracking(ConfigurableResourceFactory[Tracking]):
    """Opens, finds and ends the MLflow run of a Dagster run.

    Attributes:
        tracking_uri: MLflow's store or server.
        experiment: name of the experiment, created if it is missing.
        artifact_root: where a new experiment keeps artifacts; empty leaves it to MLflow.
        required: benchmark ids whose runs fail without MLflow; others go on with a warning.
    """

    tracking_uri: str
    experiment: str
    artifact_root: str = ""
    required: list[str] = []  # noqa: RUF012 - pydantic copies defaults

    def create_resource(self, context: dg.InitResourceContext) -> Tracking:
        """Never called: `yield_for_execution` makes the resource, since it must also end it."""
        raise NotImplementedError

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Generator[Tracking]:
        """Yield the run's tracking, and end the MLflow run with its true status after it."""
        run = context.dagster_run
        if run is None or context.log is None:
            yield _no_run()
            return
        benchmark_id = benchmark_of(run)
        tracking = Tracking(required=benchmark_id in self.required, warn=context.log.warning)
        with _bounded_mlflow(self.tracking_uri):
            self._open(tracking, run, benchmark_id, context)
            try:
                yield tracking
            finally:
                _end(tracking, run, context)

    def _open(
        self,
        tracking: Tracking,
        run: DagsterRun,
        benchmark_id: str,
        context: dg.InitResourceContext,
    ) -> None:
        try:
            _connect(self.tracking_uri)
        except OSError as error:
            tracking.give_up(_reason(error))
            return
        from dagster_mlflow.resources import MlFlow
        from mlflow.tracking import MlflowClient

        _end_leftover_run(context)
        tags = {
            "dagster_run_id": run.run_id,
            "benchmark": benchmark_id,
            "contribution": contribution_of(run),
        }
        try:
            client = MlflowClient(tracking_uri=self.tracking_uri)
            experiment_id = self._experiment_id(client)
            name = tags["contribution"] or f"{benchmark_id} baseline"
            run_id = _find_or_create(client, experiment_id, run.run_id, name, tags)
            MlFlow(
                SimpleNamespace(
                    log=_Quiet(),
                    dagster_run=SimpleNamespace(job_name=name),
                    run_id=run.run_id,
                    resource_config={
                        "experiment_name": self.experiment,
                        "mlflow_tracking_uri": self.tracking_uri,
                        "mlflow_run_id": run_id,
                        "env": {},
                        "extra_tags": tags,
                    },
                )
            )
            tracking.attach(client, run_id, experiment_id)
        except Exception as error:  # any client or server fault is the same to a run
            tracking.give_up(_reason(error))

    def _experiment_id(self, client: Any) -> str:
        from mlflow.exceptions import MlflowException

        if found := client.get_experiment_by_name(self.experiment):
            return str(found.experiment_id)
        try:
            return str(client.create_experiment(self.experiment, self.artifact_root or None))
        except MlflowException:
            # Another run created it between the two calls.
            found = client.get_experiment_by_name(self.experiment)
            if found is None:
                raise
            return str(found.experiment_id)


class _Quiet:
    def info(self, _: str) -> None:
        """Drop dagster-mlflow's line about every start."""


def _no_run() -> Tracking:
    tracking = Tracking(required=False, warn=lambda _: None)
    tracking.unavailable = "outside a run"
    return tracking


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


def contribution_of(run: DagsterRun) -> str:
    """Return the contribution a Dagster run is about, empty for a benchmark's own run."""
    return run.tags.get(PARTITION_TAG) or run.tags.get(_RANGE_START_TAG, "")


def _find_or_create(
    client: Any, experiment_id: str, dagster_run_id: str, name: str, tags: dict[str, str]
) -> str:
    found = client.search_runs(
        [experiment_id], filter_string=f"tags.dagster_run_id = '{dagster_run_id}'", max_results=1
    )
    if found:
        return str(found[0].info.run_id)
    return str(client.create_run(experiment_id, run_name=name, tags=tags).info.run_id)


def _connect(uri: str) -> None:
    """Reach a server within seconds; raise OSError if not. Stores in files always answer."""
    parts = urlsplit(uri)
    if parts.scheme in ("http", "https") and parts.hostname:
        port = parts.port or (443 if parts.scheme == "https" else 80)
        socket.create_connection((parts.hostname, port), timeout=_CONNECT_SECONDS).close()
    elif parts.scheme == "sqlite":
        Path(uri.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)


def _end_leftover_run(context: dg.InitResourceContext) -> None:
    import mlflow

    # A run that another user of this thread left open would receive our tags.
    while mlflow.active_run() is not None:
        mlflow.end_run(status="KILLED")
        if context.log:
            context.log.warning("an MLflow run was left open in this process; ended as KILLED")


def _end(tracking: Tracking, run: DagsterRun, context: dg.InitResourceContext) -> None:
    if tracking.run_id is None:
        return
    import mlflow

    status, tags = _outcome(run, context)
    try:
        if tags:
            tracking.set_tags(tags)
        mlflow.end_run(status=status)
    except Exception as error:  # the run's own result stands; only its mirror is incomplete
        if context.log:
            context.log.warning(f"the MLflow run could not be ended: {_reason(error)}")


def _outcome(run: DagsterRun, context: dg.InitResourceContext) -> tuple[str, dict[str, str]]:
    """Read from Dagster's event log how the run went: MLflow status and tags."""
    if context.instance is None:
        return "FINISHED", {}
    kinds = {
        DagsterEventType.STEP_FAILURE,
        DagsterEventType.RUN_CANCELING,
        DagsterEventType.ASSET_CHECK_EVALUATION,
    }
    events = context.instance.all_logs(run.run_id, of_type=kinds)
    happened = [event.dagster_event for event in events if event.dagster_event]
    if was_rejected(happened):
        return "FINISHED", {"outcome": "rejected"}
    if any(event.event_type == DagsterEventType.RUN_CANCELING for event in happened):
        return "KILLED", {"outcome": "cancelled"}
    if any(event.event_type == DagsterEventType.STEP_FAILURE for event in happened):
        return "FAILED", {"outcome": "failed"}
    return "FINISHED", {"outcome": "evaluated"}


@contextmanager
def _bounded_mlflow(uri: str) -> Iterator[None]:
    """Bound MLflow's retries, and undo what it writes to the environment."""
    before = {name: os.environ.get(name) for name in (*_BOUNDED, "MLFLOW_TRACKING_URI")}
    for name, value in _BOUNDED.items():
        os.environ.setdefault(name, value)
    try:
        yield
    finally:
        for name, old in before.items():
            if old is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = old
