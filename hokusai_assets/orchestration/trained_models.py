"""Training the model of a benchmark's base set and some contributions, as it is stored."""

from collections.abc import Sequence

from hokusai_assets.attestation.issuing import model_fingerprint
from hokusai_assets.benchmarks.loading import Benchmark
from hokusai_assets.benchmarks.row_sets import StoredRows
from hokusai_assets.models.training import train_replicas, training_rows
from hokusai_assets.orchestration.stored_forms import StoredModel, stored_model


def fingerprint_of(benchmark: Benchmark, contributed: Sequence[StoredRows]) -> str:
    """Return the fingerprint of what `trained_on` would make of these."""
    return model_fingerprint(benchmark, [rows.root for rows in contributed])


def trained_on(benchmark: Benchmark, contributed: Sequence[StoredRows]) -> StoredModel:
    """Train the spec's model on the base set and contributions, in the order given.

    Raises:
        SpecError: it can't be trained.
    """
    spec = benchmark.spec
    return stored_model(
        train_replicas(training_rows(benchmark.base, contributed, spec), spec),
        source="train",
        external_digest=None,
        trusted_types=spec.model.trusted_types,
        fingerprint=fingerprint_of(benchmark, contributed),
    )
