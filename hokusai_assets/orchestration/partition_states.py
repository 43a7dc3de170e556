"""How the last runs of a benchmark's contributions ended, as Dagster remembers them."""

from collections.abc import Collection

import dagster as dg
from dagster._core.storage.partition_status_cache import AssetPartitionStatus

from hokusai_assets.orchestration.partitions import ASSETS_OF_CONTRIBUTION, contributions_of


def left_failed(
    instance: dg.DagsterInstance, benchmark_id: str, *, rejected: Collection[str]
) -> dict[str, str]:
    """Return the contributions that a fault left unfinished, each with the first failed asset.

    Args:
        instance: Dagster's.
        benchmark_id: whose contributions.
        rejected: contributions that broke a rule: what stands below their data never ran, and
            Dagster counts that as failed.
    """
    partitions = contributions_of(benchmark_id)
    keys = [
        key
        for key in partitions.get_partition_keys(dynamic_partitions_store=instance)
        if key not in rejected
    ]
    failed: dict[str, str] = {}
    for asset in ASSETS_OF_CONTRIBUTION:
        states = instance.get_status_by_partition(
            dg.AssetKey([benchmark_id, asset]), keys, partitions
        )
        for key, state in (states or {}).items():
            if state == AssetPartitionStatus.FAILED:
                failed.setdefault(key, asset)
    return failed
