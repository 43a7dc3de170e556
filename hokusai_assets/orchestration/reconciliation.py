"""The nightly look for contributions that were handed in and came to no end: they are run again."""

import dagster as dg
from dagster import DagsterRunStatus

from hokusai_assets.evaluation.outcomes import Attested, TakenIn
from hokusai_assets.orchestration.partitions import (
    contribution_job_name,
    contributions_of,
    reconciliation_name,
)
from hokusai_assets.orchestration.platform import Platform
from hokusai_assets.orchestration.run_marks import fail_runs_of_the_dead
from hokusai_assets.orchestration.stored_outcomes import checked_outcomes
from hokusai_assets.orchestration.tracking import (
    BENCHMARK_TAG,
    PARTITION_TAG,
    benchmark_of,
    contribution_of,
)
from hokusai_assets.settings import Settings

NIGHTLY = "0 2 * * *"
RUNS_A_NIGHT = 200
TRIES = 3
RECONCILED_TAG = "hokusai/reconciled"
_UNFINISHED = [
    status
    for status in DagsterRunStatus
    if status not in (DagsterRunStatus.SUCCESS, DagsterRunStatus.FAILURE, DagsterRunStatus.CANCELED)
]


def build_reconciliation(benchmark_id: str, settings: Settings) -> dg.ScheduleDefinition:
    """Return the schedule that runs a benchmark's unfinished contributions again.

    On by default: it starts what an operator would start by hand, at most `RUNS_A_NIGHT` runs, and
    each contribution at most `TRIES` times.
    """

    @dg.schedule(
        name=reconciliation_name(benchmark_id),
        job_name=contribution_job_name(benchmark_id),
        cron_schedule=NIGHTLY,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=(
            f"Runs contributions to {benchmark_id} again that were registered and have neither an "
            f"attestation nor a rejection: at most {TRIES} times each, {RUNS_A_NIGHT} a night."
        ),
    )
    def reconciliation(
        context: dg.ScheduleEvaluationContext,
    ) -> list[dg.RunRequest] | dg.SkipReason:
        due, given_up = unfinished(context.instance, benchmark_id, settings)
        if given_up:
            context.log.warning(
                f"{len(given_up)} contributions failed {TRIES} nights and are left to you: "
                f"{', '.join(given_up[:5])}"
            )
        if not due:
            return dg.SkipReason(
                "every contribution has an outcome, is running, or was tried often enough"
            )
        partitions = contributions_of(benchmark_id)
        assert partitions.name is not None
        context.instance.add_dynamic_partitions(partitions.name, list(due))
        return [
            dg.RunRequest(
                run_key=f"{key}:reconciled:{number}",
                partition_key=key,
                tags={BENCHMARK_TAG: benchmark_id, RECONCILED_TAG: str(number)},
            )
            for key, number in due.items()
        ]

    return reconciliation


def unfinished(
    instance: dg.DagsterInstance, benchmark_id: str, settings: Settings
) -> tuple[dict[str, int], list[str]]:
    """Return the contributions to run again, each with the number of the try, and those given up.

    Registered ones without an outcome on any version of the benchmark and without a run that is
    queued or going on; a run without a process is marked failed first.

    Raises:
        LedgerError: the ledger is damaged.
    """
    fail_runs_of_the_dead(instance, settings.run_marks)
    platform = Platform.of(settings)
    outcomes = checked_outcomes(settings, benchmark_id).outcomes
    done = {one.contribution for one in outcomes if isinstance(one, Attested)}
    last = {one.contribution: one for one in outcomes if isinstance(one, TakenIn)}
    done |= {key for key, intake in last.items() if intake.broken_rules}
    going_on = {
        contribution_of(run)
        for run in instance.get_runs(dg.RunsFilter(statuses=_UNFINISHED))
        # One that was launched by clicks has no tag that names its benchmark.
        if benchmark_of(run) == benchmark_id
    }
    due: dict[str, int] = {}
    given_up: list[str] = []
    for key in platform.contribution_keys(benchmark_id):
        if key in done or key in going_on:
            continue
        tags = {BENCHMARK_TAG: benchmark_id, PARTITION_TAG: key}
        tries = instance.get_runs_count(
            dg.RunsFilter(tags=tags | {RECONCILED_TAG: [str(n) for n in range(1, TRIES + 1)]})
        )
        if tries >= TRIES:
            given_up.append(key)
        elif len(due) < RUNS_A_NIGHT:
            due[key] = tries + 1
    return due, given_up
