"""How a Dagster run ended, read from its own event log, as MLflow is told."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from dagster import DagsterEventType, DagsterInstance, DagsterRun

from hokusai_assets.orchestration.partitions import ASSETS_OF_CONTRIBUTION
from hokusai_assets.orchestration.run_marks import DIED
from hokusai_assets.orchestration.tracking import contribution_of, was_rejected

Status = Literal["FINISHED", "FAILED", "KILLED"]


@dataclass(frozen=True)
class RunEnd:
    """How a run ended.

    Attributes:
        status: MLflow's. A rejection is a result, so it is ``FINISHED``.
        outcome: ``evaluated``, ``rejected``, ``failed`` or ``cancelled``; ``partial`` where a
            contribution's run ended well without its attestation.
        failed: the steps that failed (``run`` where it was none), with what they said where that
            explains itself.
    """

    status: Status
    outcome: str
    failed: tuple[tuple[str, str], ...] = ()

    @property
    def tags(self) -> dict[str, str]:
        """What the MLflow runs are tagged with."""
        tags = {"outcome": self.outcome}
        if self.failed:
            tags["failed_steps"] = ", ".join(step for step, _ in self.failed)
            if said := [f"{step}: {why}" for step, why in self.failed if why]:
                tags["faults"] = "\n".join(said)
        return tags


def how_it_ended(instance: DagsterInstance, run: DagsterRun) -> RunEnd:
    """Read how a run ended; called when its last step is over, or later."""
    kinds = {
        DagsterEventType.STEP_FAILURE,
        DagsterEventType.RUN_CANCELING,
        DagsterEventType.ASSET_CHECK_EVALUATION,
        DagsterEventType.ASSET_MATERIALIZATION,
        # Only of a run that had ended before: its process was killed, or never began a step.
        DagsterEventType.RUN_FAILURE,
    }
    events = instance.all_logs(run.run_id, of_type=kinds)
    happened = [event.dagster_event for event in events if event.dagster_event]
    if was_rejected(happened):
        return RunEnd("FINISHED", "rejected")
    if any(event.event_type == DagsterEventType.RUN_CANCELING for event in happened):
        return RunEnd("KILLED", "cancelled")
    if failed := _failed_steps(happened) or _failed_outside_steps(happened):
        return RunEnd("FAILED", "failed", failed)
    if contribution_of(run) and not _was_attested(happened):
        return RunEnd("FINISHED", "partial")
    return RunEnd("FINISHED", "evaluated")


def _was_attested(events: Sequence[Any]) -> bool:
    return any(
        event.event_type == DagsterEventType.ASSET_MATERIALIZATION
        and event.asset_key.path[-1] == ASSETS_OF_CONTRIBUTION[-1]
        for event in events
    )


def _failed_outside_steps(events: Sequence[Any]) -> tuple[tuple[str, str], ...]:
    said = [
        event.message or "" for event in events if event.event_type == DagsterEventType.RUN_FAILURE
    ]
    # Only our own words: others may quote whatever was at hand.
    return (("run", DIED if any(DIED in message for message in said) else ""),) if said else ()


def _failed_steps(events: Sequence[Any]) -> tuple[tuple[str, str], ...]:
    failed = []
    for event in events:
        if event.event_type == DagsterEventType.STEP_FAILURE:
            step = (event.step_key or "").split("__")[-1]
            told = event.step_failure_data.user_failure_data
            # Only what a step put in words itself: an error's own message may quote a cell.
            failed.append((step, (told and told.description) or ""))
    return tuple(failed)
