"""What the assets of a benchmark are wired with: keys, arrows, groups, owners, tags, partitions."""

import functools
import inspect
import re
from collections.abc import Callable
from typing import Any

import dagster as dg

from hokusai_assets.benchmarks.spec import BenchmarkSpec
from hokusai_assets.orchestration.faults import explained
from hokusai_assets.orchestration.partitions import (
    ASSETS_OF_BENCHMARK,
    contributions_of,
    group_name,
)
from hokusai_assets.orchestration.tracking import BENCHMARK_TAG

STAGE_TAG = "hokusai/stage"
_E_MAIL = re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,7}")


def wiring_of(benchmark_id: str, owner: str, asset: str, *upstream: str) -> dict[str, Any]:
    """Return key, upstream assets, group, owners, tags, partitions and backfill policy.

    Args:
        benchmark_id: whose asset.
        owner: the benchmark's, as its spec names it.
        asset: its name, the last part of the key.
        upstream: assets it is drawn below; see `reads` for others whose values it needs.
    """
    return _common(benchmark_id, owner, asset, "contribution") | {
        "ins": {name: dg.AssetIn([benchmark_id, name]) for name in upstream},
        "partitions_def": contributions_of(benchmark_id),
        # One contribution, one run: a ranged run could not fail or reject one key alone.
        "backfill_policy": dg.BackfillPolicy.multi_run(max_partitions_per_run=1),
    }


def benchmark_wiring(spec: BenchmarkSpec, asset: str) -> dict[str, Any]:
    """Return key, group, owners and tags of an unpartitioned asset."""
    stage = "benchmark" if asset in ASSETS_OF_BENCHMARK else "all-contributions"
    return _common(spec.id, spec.owner, asset, stage)


def reads(benchmark_id: str, *assets: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Hand an asset's function further stored values, by parameters of their names.

    For assets that stand above it in the lineage already: an arrow from each of them would hide
    the chain. The value read is the same that an arrow would load.
    """

    def decorate(compute: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(compute)
        def with_values(context: dg.AssetExecutionContext, **given: Any) -> Any:
            with explained():
                for asset in assets:
                    partition = None if asset in ASSETS_OF_BENCHMARK else context.partition_key
                    given[asset] = given["platform"].stored(benchmark_id, asset, partition)
            return compute(context, **given)

        signature = inspect.signature(compute)
        shown = [one for name, one in signature.parameters.items() if name not in assets]
        with_values.__signature__ = signature.replace(parameters=shown)  # type: ignore[attr-defined]
        return with_values

    return decorate


def blocking_check(benchmark_id: str, asset: str, name: str, description: str) -> dg.AssetCheckSpec:
    """Return a check, per contribution, that stops what stands below the asset."""
    return dg.AssetCheckSpec(
        name,
        asset=[benchmark_id, asset],
        description=f"{description} Blocks: what stands below does not run.",
        blocking=True,
        partitions_def=contributions_of(benchmark_id),
    )


def owners_of(owner: str) -> list[str]:
    """Return a benchmark's owner as Dagster takes it: an e-mail address, or else a team."""
    if _E_MAIL.fullmatch(owner):
        return [owner]
    name = re.sub(r"[^\w.-]+", "-", owner, flags=re.ASCII).strip("-")
    return [f"team:{name}"] if name else []


def _common(benchmark_id: str, owner: str, asset: str, stage: str) -> dict[str, Any]:
    return {
        "key": [benchmark_id, asset],
        "group_name": group_name(benchmark_id),
        "owners": owners_of(owner),
        "tags": {BENCHMARK_TAG: benchmark_id, STAGE_TAG: stage},
    }
