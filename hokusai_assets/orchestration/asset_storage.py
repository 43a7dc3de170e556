"""The IO manager: each asset's value in the object store, by asset key and partition."""

from pathlib import Path
from typing import Any

import dagster as dg

from hokusai_assets.orchestration.object_store import read_object, write_object
from hokusai_assets.orchestration.stored_forms import STORED_FORMS


def location_of(storage: Path, benchmark_id: str, asset: str, partition: str | None) -> Path:
    """Return the folder of an asset's value: ``<benchmark>/<asset>[/<partition>]``."""
    folder = storage / benchmark_id / asset
    return folder / partition if partition else folder


def remedy(benchmark_id: str, asset: str, partition: str | None) -> str:
    """Say how a missing value is made."""
    if partition:
        return f"run `hokusai backfill --benchmark {benchmark_id} {partition}`"
    return f"materialize {benchmark_id}/{asset}, or run any contribution of the benchmark"


class AssetStorage(dg.ConfigurableIOManager):
    """Stores values under one folder; partitioned assets one partition at a time."""

    storage: str

    def handle_output(self, context: dg.OutputContext, obj: Any) -> None:
        """Write a new version of the asset's value."""
        if obj is None:
            return
        benchmark_id, asset = context.asset_key.path
        partition = context.asset_partition_key if context.has_asset_partitions else None
        save, _ = STORED_FORMS[asset]
        location = location_of(Path(self.storage), benchmark_id, asset, partition)
        digest = write_object(location, lambda folder: save(obj, folder))
        context.add_output_metadata({"stored_digest": digest})

    def load_input(self, context: dg.InputContext) -> Any:
        """Read an upstream asset's value in force.

        Raises:
            MissingObject: it was never stored, or its files are damaged; names the remedy.
        """
        benchmark_id, asset = context.asset_key.path
        partition = context.asset_partition_key if context.has_asset_partitions else None
        _, load = STORED_FORMS[asset]
        what = "/".join([benchmark_id, asset, *([partition] if partition else [])])
        return read_object(
            location_of(Path(self.storage), benchmark_id, asset, partition),
            load,
            what=what,
            remedy=remedy(benchmark_id, asset, partition),
        )
