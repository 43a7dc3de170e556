"""Running the contribution job in this process, and reading how it went."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from uuid import uuid4

import dagster as dg
from dagster import DagsterEventType, DagsterExecutionInterruptedError

from hokusai_assets.contributions.intake_report import IntakeReport
from hokusai_assets.orchestration.object_store import checked_version
from hokusai_assets.orchestration.partitions import contribution_job_name, contributions_of
from hokusai_assets.orchestration.run_marks import fail_runs_of_the_dead, marked_as_running
from hokusai_assets.orchestration.stored_forms import (
    PREDICTIONS,
    SETTLED_PREDICTIONS,
    STORED_FORMS,
    read_intake_report,
    read_measured_delta,
    read_settlement,
)
from hokusai_assets.orchestration.stored_places import location_of, remedy
from hokusai_assets.orchestration.tracking import was_rejected
from hokusai_assets.settings import Settings

StepState = Literal["started", "done", "failed"]
OnStep = Callable[[str, StepState], None]


@dataclass(frozen=True)
class RunOutcome:
    """How a contribution's run ended.

    Attributes:
        status: ``evaluated``, ``rejected`` by a rule, or ``failed`` by a fault.
        faults: what failed, one sentence each, for a failed run.
        reused: assets kept from earlier runs.
        warnings: what the run went on without.
        run_id: Dagster's run.
    """

    status: Literal["evaluated", "rejected", "failed"]
    faults: list[str]
    reused: list[str]
    warnings: list[str]
    run_id: str


@dataclass(frozen=True)
class ContributionRecord:
    """What is stored of an evaluated or rejected contribution.

    Attributes:
        report: the intake report.
        measured: how the contribution alone differs from the baseline, None if it was rejected.
        settled: the settlement document, None if it was rejected.
        attestation: the issued attestation's file, and its two hashes, None if rejected.
        predictions: the per-row Parquet files that may be shown; none if rejected. The last one
            is what the attested verdict stands on, or may be told of it.
        envelope: the attestation's bytes, None if rejected.
    """

    report: IntakeReport
    measured: dict[str, Any] | None
    settled: dict[str, Any] | None
    attestation: Path | None
    attestation_hash: str | None
    result_hash: str | None
    predictions: tuple[Path, ...]
    envelope: bytes | None


def run_contribution(
    definitions: dg.Definitions,
    instance: dg.DagsterInstance,
    benchmark_id: str,
    key: str,
    *,
    marks: Path,
    on_step: OnStep = lambda name, state: None,
    tags: dict[str, str] | None = None,
) -> RunOutcome:
    """Run the contribution job of a benchmark for one partition, in this process.

    The partition is added if Dagster does not know it. Runs that died in another process are
    marked failed first. Nothing is raised for a failed run.

    Raises:
        KeyboardInterrupt: Ctrl-C ended the run; Dagster and MLflow hold it as failed.
    """
    fail_runs_of_the_dead(instance, marks)
    partitions = contributions_of(benchmark_id)
    assert partitions.name is not None
    if not instance.has_dynamic_partition(partitions.name, key):
        instance.add_dynamic_partitions(partitions.name, [key])
    run_id = str(uuid4())
    instance.add_event_listener(run_id, _listener(on_step))
    job = definitions.resolve_job_def(contribution_job_name(benchmark_id))
    with marked_as_running(marks, run_id):
        result = job.execute_in_process(
            partition_key=key,
            instance=instance,
            raise_on_error=False,
            run_id=run_id,
            tags=tags,
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        )
    events = result.all_events
    status: Literal["evaluated", "rejected", "failed"] = "evaluated"
    if not result.success:
        if _was_interrupted(events):
            raise KeyboardInterrupt
        status = "rejected" if was_rejected(events) else "failed"
    return RunOutcome(
        status,
        _faults(events) if status == "failed" else [],
        _reused(events),
        _warnings(instance, run_id),
        run_id,
    )


def read_record(settings: Settings, benchmark_id: str, key: str) -> ContributionRecord:
    """Read what is stored of a contribution, as its last run left it.

    Raises:
        MissingObject: it was never run, or its files are damaged.
    """

    def version(asset: str) -> Path:
        location = location_of(settings.storage, benchmark_id, asset, key)
        return checked_version(
            location, what=f"{benchmark_id}/{asset}/{key}", remedy=remedy(benchmark_id, asset, key)
        )

    report = read_intake_report(version("contributed_data"))
    if not report.accepted:
        return ContributionRecord(report, None, None, None, None, None, (), None)
    measured_at, settled_at = version("metric_deltas"), version("settlement")
    measured = read_measured_delta(measured_at)
    settled = read_settlement(settled_at)
    issued = STORED_FORMS["attestation"][1](version("attestation"))
    path = settings.attestation_file(benchmark_id, key, issued.attestation_hash)
    return ContributionRecord(
        report,
        measured,
        settled,
        path,
        issued.attestation_hash,
        issued.result_hash,
        _shown_predictions(measured_at, measured, settled_at, settled),
        issued.envelope,
    )


def _shown_predictions(
    measured_at: Path, measured: dict[str, Any], settled_at: Path, settled: dict[str, Any]
) -> tuple[Path, ...]:
    files = (measured_at / PREDICTIONS,)
    if not settled["released"]:
        return files
    if settled["measurement"]["predictions"] == measured["predictions"]:
        return files
    return (*files, settled_at / SETTLED_PREDICTIONS)


def _listener(on_step: OnStep) -> Callable[[Any], None]:
    states: dict[DagsterEventType, StepState] = {
        DagsterEventType.STEP_START: "started",
        DagsterEventType.STEP_SUCCESS: "done",
        DagsterEventType.STEP_FAILURE: "failed",
    }

    def hear(entry: Any) -> None:
        event = entry.dagster_event
        if event is not None and event.event_type == DagsterEventType.RESOURCE_INIT_STARTED:
            # Its one slow resource: a server that does not answer is waited for.
            on_step("tracking", "started")
        if event is not None and event.event_type in states and event.step_key:
            on_step(event.step_key.split("__")[-1], states[event.event_type])

    return hear


def _was_interrupted(events: Any) -> bool:
    # Dagster makes of Ctrl-C a failure like any other.
    errors = [getattr(event.event_specific_data, "error", None) for event in events]
    return any(
        error is not None and error.cls_name == DagsterExecutionInterruptedError.__name__
        for error in errors
    )


def _faults(events: Any) -> list[str]:
    faults = []
    for event in events:
        if event.event_type == DagsterEventType.STEP_FAILURE:
            data = event.step_failure_data
            explained = data.user_failure_data and data.user_failure_data.description
            step = (event.step_key or "").split("__")[-1]
            faults.append(f"{step}: {explained or _innermost(data.error)}")
    if not faults:
        faults = [
            f"run: {_innermost(event.event_specific_data.error)}"
            for event in events
            if event.event_type == DagsterEventType.RUN_FAILURE
            and getattr(event.event_specific_data, "error", None)
        ]
    return faults or ["the run failed before its first step"]


def _innermost(error: Any) -> str:
    while error is not None and error.cause is not None:
        error = error.cause
    if error is None:
        return "unknown error"
    # Dagster writes "package.module.Class: message"; the sentence is what a person needs.
    return re.sub(r"^(\w+\.)+\w+: ", "", " ".join(str(error.message).split()))


def _reused(events: Any) -> list[str]:
    reused = []
    for event in events:
        if event.event_type == DagsterEventType.ASSET_MATERIALIZATION:
            flag = event.materialization.metadata.get("reused")
            if flag is not None and flag.value:
                reused.append(event.asset_key.path[-1])
    return reused


def _warnings(instance: dg.DagsterInstance, run_id: str) -> list[str]:
    import logging

    return [
        entry.user_message
        for entry in instance.all_logs(run_id)
        # With a step key they are Dagster's own lines about steps that it skips.
        if entry.dagster_event is None and entry.step_key is None
        if entry.level >= logging.WARNING
    ]
