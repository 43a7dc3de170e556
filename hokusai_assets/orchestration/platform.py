"""The resource that hands out where things are and the keys, as plain domain objects."""

import os
from pathlib import Path

import dagster as dg
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hokusai_assets.attestation.signing_key import dry_run_key, load_signing_key
from hokusai_assets.attestation.statement import code_digest
from hokusai_assets.benchmarks.loading import Benchmark, fingerprint, load_benchmark, load_spec
from hokusai_assets.contributions.identity import Contribution, load
from hokusai_assets.privacy.keys import PrivacyKey, load_key
from hokusai_assets.settings import Settings


class Platform(dg.ConfigurableResource):  # type: ignore[type-arg]
    """One deployment: its home and data folders, and how strict it is."""

    home: str
    data: str
    production: bool = False
    dry_run: bool = False

    @classmethod
    def of(cls, settings: Settings) -> "Platform":
        """Make the resource of a deployment's settings."""
        return cls(
            home=str(settings.home),
            data=str(settings.data),
            production=settings.production,
            dry_run=settings.dry_run,
        )

    def privacy_key(self) -> PrivacyKey:
        """Return the key for pseudonyms."""
        return load_key(environment=os.environ, keys_folder=self._keys, production=self.production)

    def signing_key(self) -> Ed25519PrivateKey:
        """Return the signing key; a dry run has its own, published one."""
        if self.dry_run:
            return dry_run_key()
        return load_signing_key(
            environment=os.environ, keys_folder=self._keys, production=self.production
        )

    def benchmark_fingerprint(self, benchmark_id: str) -> str:
        """Return the fingerprint of a benchmark's files as they are now."""
        folder = self._benchmark_folder(benchmark_id)
        return fingerprint(folder, load_spec(folder), self.privacy_key(), code_digest())

    def benchmark(self, benchmark_id: str) -> Benchmark:
        """Load a benchmark from its files."""
        folder = self._benchmark_folder(benchmark_id)
        return load_benchmark(folder, self.privacy_key(), code_digest=code_digest())

    def baseline_file(self, benchmark_id: str, name: str) -> Path:
        """Return the path of a model file beside a benchmark's spec."""
        return self._benchmark_folder(benchmark_id) / name

    def contribution(self, benchmark_id: str, key: str) -> Contribution:
        """Return a registered contribution."""
        return load(Path(self.home) / "contributions" / benchmark_id, key)

    def attestation_file(self, benchmark_id: str, key: str, attestation_hash: str) -> Path:
        """Return where an issued attestation is kept; a different one never replaces it."""
        name = f"{key}.{attestation_hash[:12]}.dsse.json"
        return Path(self.home) / "attestations" / benchmark_id / name

    def stored_object(self, benchmark_id: str, asset: str) -> Path:
        """Return where an unpartitioned asset's value is kept."""
        return Path(self.home) / "storage" / benchmark_id / asset

    @property
    def _keys(self) -> Path:
        return Path(self.home) / "keys"

    def _benchmark_folder(self, benchmark_id: str) -> Path:
        return Path(self.data) / "benchmarks" / benchmark_id
