"""The asset that ranks all contributions of a benchmark, and when it is refreshed."""

from typing import Any

import dagster as dg

from hokusai_assets.benchmarks.spec import BenchmarkSpec
from hokusai_assets.evaluation.leaderboard import Leaderboard
from hokusai_assets.orchestration.asset_wiring import benchmark_wiring
from hokusai_assets.orchestration.descriptions import description_of
from hokusai_assets.orchestration.faults import explained
from hokusai_assets.orchestration.leaderboard_tables import leaderboard_metadata, some_of
from hokusai_assets.orchestration.partition_states import left_failed
from hokusai_assets.orchestration.partitions import LEADERBOARD_ASSET, VALUES_ASSET
from hokusai_assets.orchestration.platform import Platform
from hokusai_assets.orchestration.stored_outcomes import (
    CheckedOutcomes,
    checked_outcomes,
    leaderboard_of,
)

REFRESH_SECONDS = 120
NONE_LEFT_FAILED = "no_contribution_left_failed"
INDEX_AGREES = "index_agrees_with_what_is_stored"


def refreshed_when_contributions_change() -> dg.AutomationCondition[Any]:
    """Return when a leaderboard is due: at its first look, and whenever something it reads changed.

    `AutomationCondition.eager` never holds here: it waits until no partition above is missing, and
    a rejected contribution's attestation always is. Nor is a change held back while a refresh is
    running: that one may have read the index before it.
    """
    changed = dg.AutomationCondition.any_deps_updated()
    return (changed | dg.AutomationCondition.initial_evaluation()).with_label(
        "a contribution or a value changed, or this is the first look"
    )


def leaderboard_asset(spec: BenchmarkSpec) -> dg.AssetsDefinition:
    """Return the unpartitioned asset that ranks the contributions of a benchmark."""
    benchmark_id = spec.id

    def of_all(asset: str) -> dg.AssetDep:
        return dg.AssetDep([benchmark_id, asset], partition_mapping=dg.AllPartitionMapping())

    @dg.asset(
        **benchmark_wiring(spec, LEADERBOARD_ASSET),
        # Nothing is read from them as an input: the index of outcomes has what they told.
        deps=[
            of_all("contributed_data"),
            of_all("attestation"),
            dg.AssetDep([benchmark_id, VALUES_ASSET]),
        ],
        kinds={"json"},
        automation_condition=refreshed_when_contributions_change(),
        description=description_of(LEADERBOARD_ASSET),
        check_specs=[
            dg.AssetCheckSpec(
                NONE_LEFT_FAILED,
                asset=[benchmark_id, LEADERBOARD_ASSET],
                description="No contribution is left failed by a fault of the platform.",
            ),
            dg.AssetCheckSpec(
                INDEX_AGREES,
                asset=[benchmark_id, LEADERBOARD_ASSET],
                description="The index that the leaderboard reads agrees with what is stored.",
            ),
        ],
    )
    def leaderboard(
        context: dg.AssetExecutionContext, platform: Platform
    ):  # no annotation: with one, Dagster takes the value for "Nothing"
        with explained():
            benchmark, _ = platform.current_benchmark(benchmark_id)
            checked = checked_outcomes(platform.places, benchmark_id)
            found = leaderboard_of(platform.places, benchmark_id, benchmark.content_digest, checked)
        return dg.MaterializeResult(
            value=found.to_dict(),
            metadata=leaderboard_metadata(found, spec.metrics.primary),
            check_results=[
                _none_left_failed(context.instance, found),
                _index_agrees(checked),
            ],
        )

    return leaderboard


def _none_left_failed(instance: dg.DagsterInstance, found: Leaderboard) -> dg.AssetCheckResult:
    rejected = {row.contribution for row in found.rows if row.status == "rejected"}
    failed = left_failed(instance, found.benchmark_id, rejected=rejected)
    told = [f"{key}: {asset} failed" for key, asset in sorted(failed.items())]
    return dg.AssetCheckResult(
        passed=not failed,
        check_name=NONE_LEFT_FAILED,
        severity=dg.AssetCheckSeverity.ERROR,
        description=(
            f"{some_of(told)}\n\nRun them again: `hokusai backfill --benchmark "
            f"{found.benchmark_id} KEY`, or re-execute the run in the UI."
            if failed
            else None
        ),
        metadata={"left_failed": len(failed)},
    )


def _index_agrees(checked: CheckedOutcomes) -> dg.AssetCheckResult:
    left = [f"{key}: {why}" for key, why in sorted(checked.unexplained.items())]
    mended = [f"{key or 'index'}: {why}" for key, why in sorted(checked.mended.items())]
    said = [f"**Wrong still**\n\n{some_of(left)}"] if left else []
    said += [f"**Found wrong and mended**\n\n{some_of(mended)}"] if mended else []
    return dg.AssetCheckResult(
        passed=not left,
        check_name=INDEX_AGREES,
        severity=dg.AssetCheckSeverity.WARN,
        description="\n\n".join(said) or None,
        metadata={"wrong": len(left), "mended": len(mended)},
    )
