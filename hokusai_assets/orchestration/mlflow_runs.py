"""The MLflow runs of a Dagster run, through dagster-mlflow: a parent, a child, their true status.

The parent stands for the Dagster run, its child for the contribution; a run without a contribution
has only the parent.

dagster-mlflow (0.29) finds its run by search and by the thread's active run, and leaves the
status to hooks; with parallel steps, failed assets or two Dagster runs in one process it opens
two runs, ends failed ones as FINISHED, or writes one run's tags over another's. Here the runs are
created or found first, one is handed to dagster-mlflow by id, they are written to by id alone, and
ended by what Dagster's own event log says.
"""

import os
import socket
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import dagster as dg
from dagster import DagsterRun
from dagster._config.pythonic_config import ConfigurableResourceFactory

from hokusai_assets import __version__
from hokusai_assets.orchestration.benchmark_overview import refresh_overview
from hokusai_assets.orchestration.experiment_note import describe_experiment
from hokusai_assets.orchestration.mlflow_endings import (
    end_left_running,
    make_latest,
    write_end,
)
from hokusai_assets.orchestration.run_outcome import how_it_ended
from hokusai_assets.orchestration.step_costs import StepCosts
from hokusai_assets.orchestration.tracking import (
    DEFAULT_SECONDS,
    KIND_TAG,
    NOTE_TAG,
    Tracking,
    benchmark_of,
    contribution_of,
    reason_of,
    run_url,
)

DAGSTER_RUN, CONTRIBUTION = "dagster_run", "contribution"
_PARENT_TAG = "mlflow.parentRunId"
_CONNECT_SECONDS = 5.0
# To tell MLflow how a run ended, even when it has been too slow for the rest.
_END_SECONDS = 20.0
_PORTS = {"http": 80, "https": 443, "postgresql": 5432, "mysql": 3306}
# MLflow's own defaults are 7 tries of 120 s with growing pauses: a quarter of an hour per call.
_BOUNDED = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    # It would copy the operator's project files beside each model.
    "MLFLOW_UV_AUTO_DETECT": "false",
}


class MlflowTracking(ConfigurableResourceFactory[Tracking]):
    """Opens, finds and ends the MLflow runs of a Dagster run.

    Attributes:
        tracking_uri: MLflow's store or server.
        experiment: name of the experiment, created if it is missing.
        artifact_root: where a new experiment keeps artifacts; empty leaves it to MLflow.
        required: benchmark ids whose runs fail without MLflow; others go on with a warning.
        seconds: how long a run waits for MLflow, all calls together.
        models: whether models are logged and registered.
        model_lock: a file held while one is registered; empty for none.
        dagster_url: of Dagster's web UI, for links; empty for none.
    """

    tracking_uri: str
    experiment: str
    artifact_root: str = ""
    required: list[str] = []  # noqa: RUF012 - pydantic copies defaults
    seconds: float = DEFAULT_SECONDS
    models: bool = True
    model_lock: str = ""
    dagster_url: str = ""

    def create_resource(self, context: dg.InitResourceContext) -> Tracking:
        """Never called: `yield_for_execution` makes the resource, since it must also end it."""
        raise NotImplementedError

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Generator[Tracking]:
        """Yield the run's tracking, and end the MLflow runs with their true status after it."""
        run = context.dagster_run
        if run is None or context.log is None or context.instance is None:
            yield _no_run()
            return
        benchmark_id = benchmark_of(run)
        tracking = Tracking(
            required=benchmark_id in self.required,
            warn=context.log.warning,
            seconds=self.seconds,
            with_models=self.models,
            model_lock=Path(self.model_lock) if self.model_lock else None,
            dagster_url=run_url(self.dagster_url, run),
        )
        costs = StepCosts()
        context.instance.add_event_listener(run.run_id, costs.hear)
        with bounded_mlflow(self.tracking_uri):
            try:
                self._open(tracking, run, benchmark_id, context)
                try:
                    yield tracking
                finally:
                    self._end(tracking, run, benchmark_id, costs, context)
            finally:
                tracking.bounded.close()

    def _open(
        self,
        tracking: Tracking,
        run: DagsterRun,
        benchmark_id: str,
        context: dg.InitResourceContext,
    ) -> None:
        try:
            connect(self.tracking_uri)
        except OSError as error:
            tracking.give_up(reason_of(error))
            return
        from dagster_mlflow.resources import MlFlow
        from mlflow.tracking import MlflowClient

        instance = context.instance
        assert instance is not None
        _end_leftover_run(context)
        tags = self._tags(run, benchmark_id)
        contribution = tags["contribution"]
        made = _MadeRuns()
        try:
            client = MlflowClient(tracking_uri=self.tracking_uri, registry_uri=self.tracking_uri)
            experiment_id = tracking.bounded(lambda: self._experiment_id(client))
            tracking.bounded(lambda: end_left_running(client, experiment_id, instance))
            parent = tracking.bounded(
                lambda: _find_or_create(
                    client, experiment_id, _name_of(run, benchmark_id), tags, DAGSTER_RUN, made
                )
            )
            child, name = parent, _name_of(run, benchmark_id)
            if contribution:
                name = contribution
                child = tracking.bounded(
                    lambda: _find_or_create(
                        client,
                        experiment_id,
                        contribution,
                        tags | {_PARENT_TAG: parent},
                        CONTRIBUTION,
                        made,
                    )
                )
            MlFlow(
                SimpleNamespace(
                    log=_Quiet(),
                    # Its run name is what dagster-mlflow calls the MLflow run.
                    dagster_run=SimpleNamespace(job_name=name),
                    run_id=run.run_id,
                    resource_config={
                        "experiment_name": self.experiment,
                        "mlflow_tracking_uri": self.tracking_uri,
                        "mlflow_run_id": child,
                        "env": {},
                        "extra_tags": {},
                    },
                )
            )
            tracking.attach(
                client, child, experiment_id, parent_run_id=parent if contribution else None
            )
        except Exception as error:  # any client or server fault is the same to a run
            _forget_active_run()
            with suppress(Exception):  # of a server that is gone they stay as they are
                tracking.bounded(made.fail, at_least=_END_SECONDS)
            tracking.give_up(reason_of(error))

    def _tags(self, run: DagsterRun, benchmark_id: str) -> dict[str, str]:
        tags = {
            "dagster_run_id": run.run_id,
            "benchmark": benchmark_id,
            "contribution": contribution_of(run),
            "code_version": __version__,
        }
        if url := run_url(self.dagster_url, run):
            tags |= {"dagster_url": url, NOTE_TAG: f"[Dagster run]({url})"}
        return tags

    def _experiment_id(self, client: Any) -> str:
        from mlflow.exceptions import MlflowException

        if found := client.get_experiment_by_name(self.experiment):
            return str(found.experiment_id)
        try:
            made = str(client.create_experiment(self.experiment, self.artifact_root or None))
            describe_experiment(client, made)
            return made
        except MlflowException:
            # Another run created it between the two calls.
            found = client.get_experiment_by_name(self.experiment)
            if found is None:
                raise
            return str(found.experiment_id)

    def _end(
        self,
        tracking: Tracking,
        run: DagsterRun,
        benchmark_id: str,
        costs: StepCosts,
        context: dg.InitResourceContext,
    ) -> None:
        if tracking.run_id is None:
            return
        assert context.instance is not None
        end = how_it_ended(context.instance, run)
        run_ids = [tracking.run_id]
        if tracking.parent_run_id:
            run_ids.append(tracking.parent_run_id)
        try:
            tracking.bounded(
                lambda: write_end(tracking, run_ids, end, costs.metrics()),
                at_least=_END_SECONDS,
            )
            if contribution_of(run) and end.outcome in ("evaluated", "rejected"):
                tracking.bounded(
                    lambda: make_latest(tracking, benchmark_id, contribution_of(run)),
                    at_least=_END_SECONDS,
                )
        except Exception as error:  # the run's own result stands; only its mirror is incomplete
            if context.log:
                context.log.warning(f"the MLflow run could not be ended: {reason_of(error)}")
        finally:
            _forget_active_run()
        if contribution_of(run) and end.outcome == "evaluated":
            self._refresh_overview(tracking, benchmark_id, context)

    def _refresh_overview(
        self, tracking: Tracking, benchmark_id: str, context: dg.InitResourceContext
    ) -> None:
        if tracking.unavailable or tracking.artifacts_unavailable:
            return
        client, run_id = tracking.client, tracking.run_id
        try:
            tracking.bounded(
                lambda: refresh_overview(client, tracking.experiment_id, benchmark_id, run_id)
            )
        except Exception as error:  # the run's own result stands; the next run draws it again
            if context.log:
                context.log.warning(
                    f"MLflow's overview of {benchmark_id} was not drawn anew: {reason_of(error)}"
                )


class _MadeRuns:
    """The MLflow runs that were made and not yet handed over: none may stay RUNNING for good."""

    def __init__(self) -> None:
        self._made: list[tuple[Any, str]] = []
        self._failed = False

    def add(self, client: Any, run_id: str) -> None:
        """Remember a run; end it at once if its making was given up on meanwhile."""
        self._made.append((client, run_id))
        if self._failed:
            self.fail()

    def fail(self) -> None:
        """End all of them as FAILED, and whatever is still added."""
        self._failed = True
        while self._made:
            client, run_id = self._made.pop()
            client.set_terminated(run_id, status="FAILED")


class _Quiet:
    def info(self, _: str) -> None:
        """Drop dagster-mlflow's line about every start."""


def _no_run() -> Tracking:
    tracking = Tracking(required=False, warn=lambda _: None)
    tracking.unavailable = "outside a run"
    return tracking


def _name_of(run: DagsterRun, benchmark_id: str) -> str:
    """Return what the parent is called: the first 8 digits are what Dagster's UI shows of a run."""
    if contribution := contribution_of(run):
        return f"{contribution} ({benchmark_id}, run {run.run_id[:8]})"
    what = "assets" if run.job_name.startswith("_") else run.job_name.rpartition("_")[2]
    return f"{benchmark_id} {what} (run {run.run_id[:8]})"


def _find_or_create(
    client: Any,
    experiment_id: str,
    name: str,
    tags: Mapping[str, str],
    kind: str,
    made: _MadeRuns,
) -> str:
    """Return the run of a kind that a retried or parallel step of this Dagster run made, or one."""
    found = client.search_runs(
        [experiment_id],
        filter_string=(
            f"tags.dagster_run_id = '{tags['dagster_run_id']}' and tags.{KIND_TAG} = '{kind}'"
        ),
        max_results=1,
    )
    if found:
        return str(found[0].info.run_id)
    tags = {name: value for name, value in tags.items() if value} | {KIND_TAG: kind}
    run_id = str(client.create_run(experiment_id, run_name=name, tags=tags).info.run_id)
    made.add(client, run_id)
    return run_id


def connect(uri: str) -> None:
    """Reach a server within seconds; raise OSError if not. Stores in files always answer."""
    parts = urlsplit(uri)
    scheme = parts.scheme.partition("+")[0]
    if scheme in _PORTS and parts.hostname:
        port = parts.port or _PORTS[scheme]
        socket.create_connection((parts.hostname, port), timeout=_CONNECT_SECONDS).close()
    elif scheme == "sqlite":
        Path(uri.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)


def _end_leftover_run(context: dg.InitResourceContext) -> None:
    import mlflow

    # A run that another user of this thread left open would receive our tags.
    while mlflow.active_run() is not None:
        mlflow.end_run(status="KILLED")
        if context.log:
            context.log.warning("an MLflow run was left open in this process; ended as KILLED")


def _forget_active_run() -> None:
    """Take our run off this thread; its end is written by id, so no server is asked again."""
    with suppress(Exception):
        from mlflow.tracking.fluent import _active_run_stack

        _active_run_stack.get().clear()


@contextmanager
def bounded_mlflow(uri: str) -> Iterator[None]:
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
