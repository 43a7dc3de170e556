"""The resource that hands out where things are and the keys, as plain domain objects."""

import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import dagster as dg
from securesystemslib.signer import Signer

from hokusai_assets.attestation.key_files import dry_run_signer
from hokusai_assets.attestation.signing_key import load_signer
from hokusai_assets.attestation.statement import software_digest
from hokusai_assets.attestation.transparency_log import TransparencyLog
from hokusai_assets.benchmarks.loading import (
    SPEC_FILE,
    Benchmark,
    fingerprint,
    load_benchmark,
    load_spec,
)
from hokusai_assets.benchmarks.row_sets import StoredRows
from hokusai_assets.benchmarks.spec import SpecError
from hokusai_assets.contributions.identity import Contribution, load, registered_keys
from hokusai_assets.contributions.intake import ContributedData
from hokusai_assets.contributions.row_index import RowIndex
from hokusai_assets.drafts import scratch_folder
from hokusai_assets.evaluation.ledger import Ledger
from hokusai_assets.evaluation.ledger_entries import Settled
from hokusai_assets.models.pipeline import build_pipeline
from hokusai_assets.orchestration.object_store import MissingObject, read_object
from hokusai_assets.orchestration.stored_forms import STORED_FORMS
from hokusai_assets.orchestration.stored_places import location_of, remedy
from hokusai_assets.privacy.keys import PrivacyKey, load_key
from hokusai_assets.settings import Settings

T = TypeVar("T")


class Platform(dg.ConfigurableResource):  # type: ignore[type-arg]
    """One deployment: its home and data folders, and how strict it is."""

    home: str
    data: str
    mlflow_tracking_uri: str = ""
    mlflow_url: str = ""
    production: bool = False
    dry_run: bool = False
    witness: bool = False

    @classmethod
    def of(cls, settings: Settings) -> "Platform":
        """Make the resource of a deployment's settings."""
        return cls(
            home=str(settings.home),
            data=str(settings.data),
            mlflow_tracking_uri=settings.mlflow_tracking_uri,
            mlflow_url=settings.mlflow_url,
            production=settings.production,
            dry_run=settings.dry_run,
            witness=settings.witness,
        )

    def privacy_key(self) -> PrivacyKey:
        """Return the key for pseudonyms."""
        return load_key(
            environment=os.environ, keys_folder=self.places.keys, production=self.production
        )

    def signer(self) -> Signer:
        """Return what signs attestations; a dry run has its own, published key."""
        if self.dry_run:
            return dry_run_signer()
        return load_signer(
            environment=os.environ,
            keys_folder=self.places.keys,
            production=self.production,
            today=datetime.now(UTC).date(),
        )

    def benchmark_fingerprint(self, benchmark_id: str) -> str:
        """Return the fingerprint of a benchmark's files as they are now."""
        folder = self.benchmark_folder(benchmark_id)
        return fingerprint(folder, load_spec(folder), self.privacy_key(), software_digest())

    def benchmark(self, benchmark_id: str) -> Benchmark:
        """Load a benchmark from its files."""
        folder = self.benchmark_folder(benchmark_id)
        try:
            # A wrong parameter is told before any data is read.
            build_pipeline(load_spec(folder))
        except SpecError as error:
            if str(folder) in str(error):
                raise
            raise SpecError(f"{folder / SPEC_FILE}: {error}") from None
        return load_benchmark(folder, self.privacy_key(), software_digest=software_digest())

    def current_benchmark(self, benchmark_id: str) -> tuple[Benchmark, bool]:
        """Return the stored benchmark while its files are unchanged, else a new one; and which."""
        current = self.benchmark_fingerprint(benchmark_id)
        return self.reuse(
            benchmark_id,
            "benchmark",
            is_current=lambda stored: stored.fingerprint == current,
            make=lambda: self.benchmark(benchmark_id),
        )

    def baseline_file(self, benchmark_id: str, name: str) -> Path:
        """Return the path of a model file beside a benchmark's spec."""
        return self.benchmark_folder(benchmark_id) / name

    def contribution(self, benchmark_id: str, key: str) -> Contribution:
        """Return a registered contribution."""
        return load(self.places.contributions(benchmark_id), key)

    def contribution_keys(self, benchmark_id: str) -> list[str]:
        """Return the keys of all registered contributions, ascending."""
        return list(registered_keys(self.places.contributions(benchmark_id)))

    def row_index(self, benchmark_id: str) -> RowIndex:
        """Return the index of the rows that earlier contributions brought."""
        return RowIndex(self.places.row_index(benchmark_id))

    def ledger(self, benchmark_id: str) -> Ledger:
        """Return the ledger of what was settled on a benchmark."""
        return Ledger(self.places.ledger(benchmark_id))

    def transparency_log(self) -> TransparencyLog:
        """Return the log of all issued attestations."""
        return TransparencyLog(self.places.log)

    def accepted_rows(self, benchmark_id: str, settled: Settled) -> StoredRows:
        """Return the rows of a contribution that was accepted, as its intake stored them.

        Raises:
            MissingObject: they are gone, damaged or others than were settled.
        """
        what = f"{benchmark_id}/contributed_data/{settled.key}"
        stored: ContributedData = self.stored(benchmark_id, "contributed_data", settled.key)
        if stored.rows.root != settled.rows_root:
            raise MissingObject(
                f"{what} holds other rows than were accepted (root {settled.rows_root}): bring "
                "them back from a copy, or make a new version of the benchmark"
            )
        return stored.rows

    def stored(self, benchmark_id: str, asset: str, partition: str | None) -> Any:
        """Return an asset's stored value.

        Raises:
            MissingObject: nothing is stored; `DamagedObject`: its files changed.
        """
        return read_object(
            location_of(self.places.storage, benchmark_id, asset, partition),
            STORED_FORMS[asset][1],
            what="/".join([benchmark_id, asset, *([partition] if partition else [])]),
            remedy=remedy(benchmark_id, asset, partition),
        )

    def scratch(self) -> AbstractContextManager[Path]:
        """Return a folder for a step's own files, removed when it is left."""
        return scratch_folder(self.places.scratch)

    def attestation_file(self, benchmark_id: str, key: str, attestation_hash: str) -> Path:
        """Return where an issued attestation is kept; a different one never replaces it."""
        return self.places.attestation_file(benchmark_id, key, attestation_hash)

    def witness_file(self, benchmark_id: str, key: str, attestation_hash: str) -> Path:
        """Return where the private witness of an attestation is kept."""
        return self.places.witness_file(benchmark_id, key, attestation_hash)

    def reuse(
        self,
        benchmark_id: str,
        asset: str,
        *,
        partition: str | None = None,
        is_current: Callable[[Any], bool],
        make: Callable[[], T],
    ) -> tuple[T, bool]:
        """Return an asset's stored value if it is current, else a new one; and whether reused."""
        location = location_of(self.places.storage, benchmark_id, asset, partition)
        try:
            stored = read_object(location, STORED_FORMS[asset][1], what=asset, remedy="")
            if is_current(stored):
                return stored, True
        except (MissingObject, KeyError, ValueError, TypeError):
            # Nothing stored, or in a form of an earlier version: make it anew.
            pass
        return make(), False

    @property
    def places(self) -> Settings:
        """Settings that tell where things are, and nothing else."""
        # Only to find folders by the one rule for them; the drops are the sensor's.
        return Settings(home=Path(self.home), data=Path(self.data), drops="")

    def benchmark_folder(self, benchmark_id: str) -> Path:
        """Return the folder of a benchmark's files."""
        return self.places.benchmarks / benchmark_id
