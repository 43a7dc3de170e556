"""Builds the Definitions of a deployment: each benchmark's graph, jobs and sensor."""

import re
from pathlib import Path
from typing import Any

import dagster as dg

from hokusai_assets.benchmarks.loading import find_benchmarks, load_spec
from hokusai_assets.benchmarks.spec import BenchmarkSpec, SpecError
from hokusai_assets.orchestration.asset_storage import AssetStorage
from hokusai_assets.orchestration.asset_wiring import STAGE_TAG, benchmark_wiring
from hokusai_assets.orchestration.attestation_review import attestation_review_asset
from hokusai_assets.orchestration.benchmark_assets import build_benchmark_assets
from hokusai_assets.orchestration.column_history import DROP_ASSET
from hokusai_assets.orchestration.contribution_assets import build_contribution_assets
from hokusai_assets.orchestration.descriptions import description_of
from hokusai_assets.orchestration.failure_sensor import build_failure_sensor
from hokusai_assets.orchestration.leaderboard_asset import REFRESH_SECONDS, leaderboard_asset
from hokusai_assets.orchestration.mlflow_runs import MlflowTracking
from hokusai_assets.orchestration.notifications import Notifier
from hokusai_assets.orchestration.partitions import (
    ASSETS_OF_BENCHMARK,
    ASSETS_OF_CONTRIBUTION,
    LEADERBOARD_ASSET,
    REVIEW_ASSET,
    VALUES_ASSET,
    baseline_job_name,
    contribution_job_name,
    contributions_of,
    leaderboard_job_name,
    values_job_name,
)
from hokusai_assets.orchestration.platform import Platform
from hokusai_assets.orchestration.reconciliation import build_reconciliation
from hokusai_assets.orchestration.retention import build_retention
from hokusai_assets.orchestration.run_marks import marking_executor
from hokusai_assets.orchestration.sensors import build_drop_sensor
from hokusai_assets.orchestration.tracking import BENCHMARK_TAG
from hokusai_assets.orchestration.value_assets import contribution_values_asset
from hokusai_assets.settings import Settings


def build_definitions(settings: Settings) -> dg.Definitions:
    """Return the Definitions over all benchmarks of a deployment.

    A benchmark whose spec is wrong shows as one asset that says what is wrong; the others are
    untouched.
    """
    assets: list[dg.AssetsDefinition | dg.AssetSpec] = []
    jobs, sensors, schedules, required, leaderboards = [], [], [], [], []
    for folder in find_benchmarks(settings.benchmarks):
        try:
            spec = load_spec(folder)
        except SpecError as error:
            if broken := _broken_benchmark(folder, str(error)):
                assets.append(broken)
            continue
        assets.append(drop_of(spec, settings.drops))
        assets += build_benchmark_assets(spec) + build_contribution_assets(spec)
        assets += [
            contribution_values_asset(spec),
            leaderboard_asset(spec),
            attestation_review_asset(spec),
        ]
        leaderboards.append([spec.id, LEADERBOARD_ASSET])
        jobs += _jobs(spec)
        schedules.append(build_reconciliation(spec.id, settings))
        sensors.append(build_drop_sensor(spec.id, settings, spec.intake.limits.read_limits()))
        if (settings.tracking or spec.tracking) == "required":
            required.append(spec.id)
    if leaderboards:
        sensors.append(_leaderboard_sensor(leaderboards))
        for job, schedule in _of_all_benchmarks([key[0] for key in leaderboards]):
            jobs.append(job)
            schedules.append(schedule)
    retention_job, retention_schedule = build_retention(settings)
    if notifier := Notifier.of(settings):
        sensors.append(build_failure_sensor(notifier))
    return dg.Definitions(
        assets=assets,
        jobs=[*jobs, retention_job],
        sensors=sensors,
        schedules=[*schedules, retention_schedule],
        executor=marking_executor(settings.run_marks),
        resources={
            "io_manager": AssetStorage(home=str(settings.home)),
            "platform": Platform.of(settings),
            "tracking": MlflowTracking(
                tracking_uri=settings.mlflow_tracking_uri,
                experiment=settings.mlflow_experiment,
                artifact_root=settings.mlflow_artifact_root or "",
                required=required,
                seconds=settings.tracking_seconds,
                models=settings.log_models,
                model_lock=str(settings.model_lock),
                dagster_url=settings.dagster_url,
            ),
        },
    )


def _leaderboard_sensor(leaderboards: list[list[str]]) -> dg.AutomationConditionSensorDefinition:
    return dg.AutomationConditionSensorDefinition(
        "leaderboards",
        target=dg.AssetSelection.assets(*leaderboards),
        # Runs take seconds and train nothing; a leaderboard that stands still misleads.
        default_status=dg.DefaultSensorStatus.RUNNING,
        minimum_interval_seconds=REFRESH_SECONDS,
        # Else a refresh waits behind every contribution of a backfill.
        run_tags={"dagster/priority": "10"},
        description="Refreshes a benchmark's leaderboard when a contribution or a value changed.",
    )


def _of_all_benchmarks(ids: list[str]) -> list[tuple[Any, dg.ScheduleDefinition]]:
    """Return the jobs over all benchmarks, each with its schedule; both only read."""
    found = []
    for name, asset, cron, what in (
        ("all_leaderboards", LEADERBOARD_ASSET, "30 3 * * *", "Ranks all contributions anew"),
        ("all_attestations", REVIEW_ASSET, "0 3 * * 0", "Verifies every attestation again"),
    ):
        job = dg.define_asset_job(
            name,
            selection=dg.AssetSelection.assets(*[[one, asset] for one in ids]),
            description=f"{what}, of every benchmark; one that fails stops no other.",
        )
        schedule = dg.ScheduleDefinition(
            name=f"{'nightly' if cron.endswith('* * *') else 'weekly'}_{name}",
            job=job,
            cron_schedule=cron,
            default_status=dg.DefaultScheduleStatus.RUNNING,
            description=f"{what}. On by default: it changes nothing that was measured.",
        )
        found.append((job, schedule))
    return found


def drop_of(spec: BenchmarkSpec, drops: str) -> dg.AssetSpec:
    """Return the file that a contribution came as: seen in the lineage, made by nobody here."""
    wiring = benchmark_wiring(spec, DROP_ASSET)
    return dg.AssetSpec(
        partitions_def=contributions_of(spec.id),
        kinds={"file"},
        description=f"{description_of(DROP_ASSET)}\n\nDrop folder: `{drops}/{spec.id}`",
        **wiring | {"tags": wiring["tags"] | {STAGE_TAG: "contribution"}},
    )


def _jobs(spec: BenchmarkSpec) -> list[object]:
    tags = {BENCHMARK_TAG: spec.id}
    chain = dg.AssetSelection.assets(
        *[[spec.id, name] for name in (*ASSETS_OF_BENCHMARK, *ASSETS_OF_CONTRIBUTION)]
    )
    values = dg.AssetSelection.assets([spec.id, VALUES_ASSET])
    baseline = dg.AssetSelection.assets(*[[spec.id, name] for name in ASSETS_OF_BENCHMARK])
    return [
        dg.define_asset_job(
            contribution_job_name(spec.id),
            selection=chain,
            partitions_def=contributions_of(spec.id),
            tags=tags,
            description=f"Takes one contribution to {spec.id} from its file to the attestation.",
        ),
        dg.define_asset_job(
            baseline_job_name(spec.id),
            selection=baseline,
            tags=tags,
            description=f"Loads {spec.id} and trains and evaluates its baseline.",
        ),
        dg.define_asset_job(
            values_job_name(spec.id),
            selection=values | dg.AssetSelection.assets([spec.id, "benchmark"]),
            tags=tags,
            description=f"Values all accepted contributions to {spec.id} beside one another.",
        ),
        dg.define_asset_job(
            leaderboard_job_name(spec.id),
            selection=dg.AssetSelection.assets([spec.id, LEADERBOARD_ASSET]),
            tags=tags,
            description=f"Ranks all contributions to {spec.id}.",
        ),
    ]


def _broken_benchmark(folder: Path, message: str) -> dg.AssetsDefinition | None:
    if not re.fullmatch(r"[A-Za-z0-9_-]+", folder.name):
        return None

    @dg.asset(
        key=[folder.name, "benchmark"],
        group_name=re.sub(r"[^A-Za-z0-9_]", "_", folder.name),
        description=f"**This benchmark can't be used.** {message}",
        tags={"hokusai/broken": "true"},
    )
    def broken() -> None:
        raise dg.Failure(description=message, allow_retries=False)

    return broken
