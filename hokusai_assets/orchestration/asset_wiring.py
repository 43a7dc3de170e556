"""What all partitioned assets of a benchmark are wired with."""

from typing import Any

import dagster as dg

from hokusai_assets.orchestration.partitions import contributions_of, group_name


def wiring_of(benchmark_id: str, owner: str, asset: str, *upstream: str) -> dict[str, Any]:
    """Return key, upstream assets, group, partitions and backfill policy of an asset."""
    wiring: dict[str, Any] = {
        "key": [benchmark_id, asset],
        "ins": {name: dg.AssetIn([benchmark_id, name]) for name in upstream},
        "group_name": group_name(benchmark_id),
        "partitions_def": contributions_of(benchmark_id),
        # One contribution, one run: a ranged run could not fail or reject one key alone.
        "backfill_policy": dg.BackfillPolicy.multi_run(max_partitions_per_run=1),
    }
    return wiring | ({"owners": [owner]} if "@" in owner else {})


def blocking_check(benchmark_id: str, asset: str, name: str, description: str) -> dg.AssetCheckSpec:
    """Return a check, per contribution, that stops what stands below the asset."""
    return dg.AssetCheckSpec(
        name,
        asset=[benchmark_id, asset],
        description=description,
        blocking=True,
        partitions_def=contributions_of(benchmark_id),
    )
