"""Pruning what runs leave in Dagster's database and in staging folders; results are never pruned.

Pruned: the record, events and console output of a run that ended long ago, if a later run of the
same job, selection and contribution succeeded; and files that a dead process left half-made.
Never: contributions as they came, what assets hold, attestations, the log, ledgers, witnesses, and
keys.
"""

import time
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
from dagster import DagsterRun, DagsterRunStatus, RunRecord

from hokusai_assets.drafts import remove
from hokusai_assets.orchestration.platform import Platform
from hokusai_assets.orchestration.run_marks import marking_executor
from hokusai_assets.orchestration.tracking import contribution_of
from hokusai_assets.settings import Settings

RUNS_AT_ONCE = 1_000
# What is said while no number of days is set.
_SHOWN_DAYS = 90
_LEFTOVER_SECONDS = 24 * 3600
Selection = AbstractSet[dg.AssetKey] | None
_ENDED = [DagsterRunStatus.SUCCESS, DagsterRunStatus.FAILURE, DagsterRunStatus.CANCELED]


class RetentionConfig(dg.Config):
    """What is pruned; the defaults need no typing and delete nothing."""

    days: int | None = None
    """Runs that ended more days ago may go; None takes HOKUSAI_RETENTION_DAYS."""
    dry_run: bool | None = None
    """Only say what would go; None says so unless days are set."""


@dataclass(frozen=True)
class Prunable:
    """What may go: Dagster run ids, oldest first, and paths of leftovers."""

    runs: list[str]
    leftovers: list[Path]


def prunable(instance: dg.DagsterInstance, settings: Settings, before: datetime) -> Prunable:
    """Return what may go; deletes nothing.

    Args:
        instance: Dagster's.
        settings: the home's.
        before: runs created later stay; of older ones at most `RUNS_AT_ONCE` are returned.
    """
    newest = _newest_successes(instance)
    runs: list[str] = []
    ended = dg.RunsFilter(statuses=_ENDED, created_before=before)
    # By pages: those that stay would else fill the window for ever.
    for record in _by_pages(instance, ended, ascending=True):
        kind = _about(record.dagster_run)
        # The last run of each kind stays: Dagster forgets with it what it materialized.
        if any(_replaces(other, record) for other in newest.get(kind, {}).values()):
            runs.append(record.dagster_run.run_id)
        if len(runs) == RUNS_AT_ONCE:
            break
    return Prunable(runs, _leftovers(settings))


def _newest_successes(
    instance: dg.DagsterInstance,
) -> dict[tuple[str, str], dict[Selection, RunRecord]]:
    """Return the last run that succeeded, by what it was about and which assets it had."""
    found: dict[tuple[str, str], dict[Selection, RunRecord]] = {}
    succeeded = dg.RunsFilter(statuses=[DagsterRunStatus.SUCCESS])
    for record in _by_pages(instance, succeeded, ascending=False):
        run = record.dagster_run
        found.setdefault(_about(run), {}).setdefault(run.asset_selection, record)
    return found


def _by_pages(
    instance: dg.DagsterInstance, wanted: dg.RunsFilter, *, ascending: bool
) -> Iterator[RunRecord]:
    cursor: str | None = None
    while page := instance.get_run_records(
        wanted, limit=RUNS_AT_ONCE, ascending=ascending, cursor=cursor
    ):
        yield from page
        cursor = page[-1].dagster_run.run_id


def prune(instance: dg.DagsterInstance, found: Prunable) -> None:
    """Delete what `prunable` found."""
    for run_id in found.runs:
        instance.delete_run(run_id)
        instance.compute_log_manager.delete_logs(prefix=[run_id])
    for path in found.leftovers:
        remove(path)


def build_retention(settings: Settings) -> tuple[dg.JobDefinition, dg.ScheduleDefinition]:
    """Return the job that prunes, and its weekly schedule.

    On by default, since without HOKUSAI_RETENTION_DAYS it only says what would go.
    """

    @dg.op(description="Prunes superseded runs and leftovers, or says what would go.")
    def prune_superseded(
        context: dg.OpExecutionContext, config: RetentionConfig, platform: Platform
    ) -> None:
        days = config.days or settings.retention_days
        rehearsal = days is None if config.dry_run is None else config.dry_run
        before = datetime.now(UTC) - timedelta(days=days or _SHOWN_DAYS)
        found = prunable(context.instance, platform.places, before)
        told = (
            f"{len(found.runs):,} superseded runs of before {before.date()} and "
            f"{len(found.leftovers):,} leftovers"
        )
        if rehearsal:
            context.log.info(f"would prune {told}; nothing was deleted")
        else:
            prune(context.instance, found)
            context.log.info(f"pruned {told}")
        context.add_output_metadata(
            {
                "runs": len(found.runs),
                "leftovers": len(found.leftovers),
                "before": str(before.date()),
                "deleted": not rehearsal,
            }
        )

    @dg.job(
        name="retention",
        description=(
            "Prunes runs that a later one replaced, and leftovers. Deletes nothing until "
            "HOKUSAI_RETENTION_DAYS, or `days` here, is set. Results are never pruned."
        ),
        executor_def=marking_executor(settings.run_marks),
    )
    def retention() -> None:
        prune_superseded()

    return retention, dg.ScheduleDefinition(
        name="weekly_retention",
        job=retention,
        cron_schedule="0 4 * * 0",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=retention.description,
    )


def _about(run: DagsterRun) -> tuple[str, str]:
    return run.job_name, contribution_of(run)


def _replaces(later: RunRecord, earlier: RunRecord) -> bool:
    if later.create_timestamp <= earlier.create_timestamp:
        return False
    selected, before = later.dagster_run.asset_selection, earlier.dagster_run.asset_selection
    # None is the whole job.
    return selected is None or (before is not None and selected >= before)


def _leftovers(settings: Settings) -> list[Path]:
    """Return what a dead process left in staging folders more than a day ago."""
    found = []
    for folder in (settings.scratch, settings.home / "incoming"):
        if folder.is_dir():
            found += [path for path in sorted(folder.iterdir()) if _is_old(path)]
    return found


def _is_old(path: Path) -> bool:
    try:
        newest = max(
            (inner.lstat().st_mtime for inner in (path, *path.rglob("*"))), default=time.time()
        )
    except FileNotFoundError:
        return False
    return time.time() - newest > _LEFTOVER_SECONDS
