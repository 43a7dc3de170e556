"""The IO manager: each asset's value in the object store, by asset key and partition."""

from pathlib import Path
from typing import Any

import dagster as dg

from hokusai_assets.orchestration.object_store import VERSION_LENGTH, read_object, write_object
from hokusai_assets.orchestration.stored_forms import STORED_FORMS
from hokusai_assets.orchestration.stored_outcomes import record_stored
from hokusai_assets.orchestration.stored_places import location_of, remedy
from hokusai_assets.settings import Settings


class AssetStorage(dg.ConfigurableIOManager):
    """Stores values in a home; partitioned assets one partition at a time."""

    home: str

    def handle_output(self, context: dg.OutputContext, obj: Any) -> None:
        """Write a new version of the asset's value, and enter what it tells in the index."""
        if obj is None:
            return
        benchmark_id, asset = context.asset_key.path
        partition = context.asset_partition_key if context.has_asset_partitions else None
        save, _ = STORED_FORMS[asset]
        location = location_of(self._places.storage, benchmark_id, asset, partition)
        digest = write_object(location, lambda folder: save(obj, folder))
        context.add_output_metadata({"stored_version": digest[:VERSION_LENGTH]})
        if partition:
            try:
                record_stored(self._places, benchmark_id, asset, partition)
            except OSError as error:
                # The value is stored; whoever reads the index next finds what it lacks.
                context.log.warning(f"the index of outcomes was not written: {error.strerror}")

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
            location_of(self._places.storage, benchmark_id, asset, partition),
            load,
            what=what,
            remedy=remedy(benchmark_id, asset, partition),
        )

    @property
    def _places(self) -> Settings:
        # Only to find folders by the one rule for them.
        return Settings(home=Path(self.home), data=Path(), drops="")
