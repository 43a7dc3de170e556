"""The drop sensor of a benchmark: new files become partitions and runs."""

import time
from typing import Any

import dagster as dg

from hokusai_assets.contributions.identity import register
from hokusai_assets.orchestration.drop_folder import DropFolder
from hokusai_assets.orchestration.drop_ledger import DropLedger, KnownDrop, plan_tick
from hokusai_assets.orchestration.partitions import (
    contribution_job_name,
    contributions_of,
    drop_sensor_name,
)
from hokusai_assets.orchestration.tracking import BENCHMARK_TAG
from hokusai_assets.settings import Settings
from hokusai_assets.tables.limits import ReadLimits
from hokusai_assets.tables.problems import UnreadableFile

FILES_PER_TICK = 50
SECONDS_PER_TICK = 30.0
RUN_KEY_TAG = "dagster/run_key"
_INTERVAL_SECONDS = 15
_LIMITS = ReadLimits()
_NOT_USED = "its rows are registered already; the sidecar that came with them is not used"


def build_drop_sensor(
    benchmark_id: str, settings: Settings, limits: ReadLimits = _LIMITS
) -> dg.SensorDefinition:
    """Return the sensor that watches a benchmark's drops, running by default.

    A tick registers at most `FILES_PER_TICK` files and stops early after `SECONDS_PER_TICK`
    (Dagster ends a tick after 60 s). Its cursor is a line for people; what is known of files
    stands in the drop ledger.
    """

    @dg.sensor(
        name=drop_sensor_name(benchmark_id),
        job_name=contribution_job_name(benchmark_id),
        minimum_interval_seconds=_INTERVAL_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=f"Evaluates files dropped into {settings.drops}/{benchmark_id}.",
    )
    def drops(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        return tick(context, benchmark_id, settings, limits)

    return drops


def tick(
    context: dg.SensorEvaluationContext,
    benchmark_id: str,
    settings: Settings,
    limits: ReadLimits = _LIMITS,
) -> dg.SensorResult:
    """Look at the drop folder once; see `build_drop_sensor`."""
    folder = DropFolder(settings.drops, benchmark_id, limits)
    try:
        listing = folder.listing()
    except OSError as error:
        # A failed read is not an empty folder: nothing known is touched.
        return dg.SensorResult(skip_reason=f"the drops can't be listed: {error.strerror}")
    except Exception as error:  # remote stores raise their own errors
        return dg.SensorResult(skip_reason=f"the drops can't be listed: {type(error).__name__}")
    ledger = DropLedger(settings.home / "drops.sqlite", benchmark_id)
    known = ledger.known()
    ledger.forget(known.keys() - {file.name for file in listing})
    confirmed, unconfirmed = _confirm(context, benchmark_id, known)
    plan = plan_tick(listing, known, at_most=FILES_PER_TICK)
    ledger.note([KnownDrop(file, "seen") for file in plan.watch])
    registered, failed, faults, late = _register(
        folder, plan.register, benchmark_id, settings, limits
    )
    ledger.note([*confirmed, *registered, *failed])
    for drop in failed:
        context.log.warning(f"a drop was not taken ({drop.detail}); replace the file to retry")
    for drop in registered:
        if drop.detail:
            context.log.warning(f"{drop.key}: {drop.detail}")
    for fault in faults:
        context.log.error(f"a drop could not be stored ({fault}); it is tried again next tick")
    wanted = {drop.key: drop for drop in [*unconfirmed, *registered]}
    partitions = contributions_of(benchmark_id)
    assert partitions.name is not None
    known_keys = set(context.instance.get_dynamic_partitions(partitions.name))
    new_keys = [key for key in wanted if key not in known_keys]
    status = (
        f"{len(listing)} files; {len(plan.watch)} new or changed, {len(registered)} registered, "
        f"{len(failed)} not taken, {plan.waiting + late + len(faults)} left for the next tick"
    )
    return dg.SensorResult(
        run_requests=[
            dg.RunRequest(
                run_key=drop.run_key,
                partition_key=drop.key,
                tags={BENCHMARK_TAG: benchmark_id},
            )
            for drop in wanted.values()
        ],
        dynamic_partitions_requests=[partitions.build_add_request(new_keys)] if new_keys else [],
        skip_reason=None if wanted else status,
        cursor=status,
    )


def _confirm(
    context: dg.SensorEvaluationContext, benchmark_id: str, known: dict[str, KnownDrop]
) -> tuple[list[KnownDrop], list[KnownDrop]]:
    """Split requested drops by whether Dagster has the run that was asked for."""
    confirmed, unconfirmed = [], []
    for drop in [drop for drop in known.values() if drop.status == "requested"]:
        if len(confirmed) + len(unconfirmed) >= 2 * FILES_PER_TICK:
            break
        # Of this very request: a run of the same rows under an older sidecar is another.
        tags = {RUN_KEY_TAG: drop.run_key, BENCHMARK_TAG: benchmark_id}
        if context.instance.get_runs_count(dg.RunsFilter(tags=tags)):
            confirmed.append(_with(drop, status="launched"))
        else:
            unconfirmed.append(drop)
    return confirmed, unconfirmed


def _register(
    folder: DropFolder, files: list[Any], benchmark_id: str, settings: Settings, limits: ReadLimits
) -> tuple[list[KnownDrop], list[KnownDrop], list[str], int]:
    started = time.monotonic()
    registered: list[KnownDrop] = []
    failed: list[KnownDrop] = []
    faults: list[str] = []
    for position, file in enumerate(files):
        if time.monotonic() - started > SECONDS_PER_TICK:
            return registered, failed, faults, len(files) - position
        try:
            with folder.fetched(file.name, settings.home / "incoming") as path:
                contribution = register(path, settings.contributions(benchmark_id), limits=limits)
        except FileNotFoundError:
            continue
        except UnreadableFile as error:
            failed.append(KnownDrop(file, "unreadable", detail=error.problem.rule))
        except PermissionError as error:
            failed.append(KnownDrop(file, "unreadable", detail=str(error.strerror)))
        except Exception as error:  # a full disk, a remote store: not the file's fault
            faults.append(type(error).__name__)
        else:
            registered.append(
                KnownDrop(
                    file,
                    "requested",
                    key=contribution.key,
                    run_key=contribution.run_key,
                    detail=_NOT_USED if contribution.sidecar_not_used else "",
                )
            )
    return registered, failed, faults, 0


def _with(drop: KnownDrop, *, status: Any) -> KnownDrop:
    return KnownDrop(drop.file, status, drop.key, drop.run_key, drop.detail)
