"""Builds the Definitions of a deployment: each benchmark's graph, jobs and sensor."""

import re
from pathlib import Path

import dagster as dg

from hokusai_assets.benchmarks.loading import find_benchmarks, load_spec
from hokusai_assets.benchmarks.spec import BenchmarkSpec, SpecError
from hokusai_assets.orchestration.asset_storage import AssetStorage
from hokusai_assets.orchestration.benchmark_assets import build_benchmark_assets
from hokusai_assets.orchestration.contribution_assets import build_contribution_assets
from hokusai_assets.orchestration.leaderboard_asset import REFRESH_SECONDS, leaderboard_asset
from hokusai_assets.orchestration.mlflow_runs import MlflowTracking
from hokusai_assets.orchestration.partitions import (
    ASSETS_OF_BENCHMARK,
    ASSETS_OF_CONTRIBUTION,
    LEADERBOARD_ASSET,
    VALUES_ASSET,
    baseline_job_name,
    contribution_job_name,
    contributions_of,
    leaderboard_job_name,
    values_job_name,
)
from hokusai_assets.orchestration.platform import Platform
from hokusai_assets.orchestration.sensors import build_drop_sensor
from hokusai_assets.orchestration.tracking import BENCHMARK_TAG
from hokusai_assets.orchestration.value_assets import contribution_values_asset
from hokusai_assets.settings import Settings


def build_definitions(settings: Settings) -> dg.Definitions:
    """Return the Definitions over all benchmarks of a deployment.

    A benchmark whose spec is wrong shows as one asset that says what is wrong; the others are
    untouched.
    """
    assets: list[dg.AssetsDefinition] = []
    jobs, sensors, required, leaderboards = [], [], [], []
    for folder in find_benchmarks(settings.benchmarks):
        try:
            spec = load_spec(folder)
        except SpecError as error:
            if broken := _broken_benchmark(folder, str(error)):
                assets.append(broken)
            continue
        assets += build_benchmark_assets(spec) + build_contribution_assets(spec)
        assets += [contribution_values_asset(spec), leaderboard_asset(spec)]
        leaderboards.append([spec.id, LEADERBOARD_ASSET])
        jobs += _jobs(spec)
        sensors.append(build_drop_sensor(spec.id, settings, spec.intake.limits.read_limits()))
        if (settings.tracking or spec.tracking) == "required":
            required.append(spec.id)
    if leaderboards:
        sensors.append(_leaderboard_sensor(leaderboards))
    return dg.Definitions(
        assets=assets,
        jobs=jobs,
        sensors=sensors,
        executor=dg.in_process_executor,
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
