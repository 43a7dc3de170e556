"""The assets of a benchmark itself: benchmark, baseline_model, baseline_evaluation.

Each step keeps what is stored when nothing it follows from has changed, so every contribution's
run can include them and a run on a fresh home needs no preparation.
"""

from typing import Any

import dagster as dg

from hokusai_assets.attestation.issuing import ModelIdentity, model_fingerprint
from hokusai_assets.attestation.prediction_commitment import commitment
from hokusai_assets.benchmarks.loading import Benchmark
from hokusai_assets.benchmarks.spec import BenchmarkSpec, SpecError
from hokusai_assets.evaluation.measurement import evaluate_models
from hokusai_assets.models.persistence import load_model_file
from hokusai_assets.models.training import TrainedModel, refuse_unfit_model
from hokusai_assets.orchestration.asset_wiring import benchmark_wiring, reads
from hokusai_assets.orchestration.descriptions import description_of
from hokusai_assets.orchestration.faults import explained
from hokusai_assets.orchestration.platform import Platform
from hokusai_assets.orchestration.presentation import metrics_table, schema_of, share
from hokusai_assets.orchestration.registered_models import fetch_registered_model
from hokusai_assets.orchestration.step_records import (
    record_baseline_model,
    record_benchmark,
    record_evaluation,
)
from hokusai_assets.orchestration.stored_forms import StoredModel, stored_model
from hokusai_assets.orchestration.tracking import Tracking
from hokusai_assets.orchestration.trained_models import trained_on


def build_benchmark_assets(spec: BenchmarkSpec) -> list[dg.AssetsDefinition]:
    """Return the three unpartitioned assets of a benchmark."""
    benchmark_id = spec.id

    @dg.asset(
        **benchmark_wiring(spec, "benchmark"),
        kinds={"pandas", "parquet", "yaml"},
        description=(
            f"**{spec.title or benchmark_id}.** {spec.description}\n\nThe checked spec, the base "
            "training set and the held-out test set, typed, personal data hashed, rows in "
            "canonical order, each with its content hash (a Merkle root)."
        ),
        check_specs=[
            dg.AssetCheckSpec(
                "test_set_is_usable",
                asset=[benchmark_id, "benchmark"],
                description="The test rows that decide are as many as the DeltaOne rule demands.",
            )
        ],
    )
    def benchmark(
        context: dg.AssetExecutionContext,
        platform: Platform,
        tracking: dg.ResourceParam[Tracking],
    ):  # no annotation: with one, Dagster takes the value for "Nothing"
        with explained():
            value, reused = platform.current_benchmark(benchmark_id)
            record_benchmark(tracking, platform, value)
        needed = value.spec.delta_one.min_examples
        deciding = value.split.deciding.positions
        enough = value.test.count if deciding is None else len(deciding)
        return dg.MaterializeResult(
            value=value,
            data_version=dg.DataVersion(value.content_digest[:32]),
            metadata={
                "dagster/row_count": value.base.count,
                "dagster/column_schema": schema_of(value.base.table.schema),
                "version": value.spec.benchmark_version,
                "test_rows": value.test.count,
                "spec_hash": value.spec.spec_hash(),
                "base_root": value.base.root,
                "test_root": value.test.root,
                "reused": reused,
            },
            check_results=[
                dg.AssetCheckResult(
                    passed=enough >= needed,
                    check_name="test_set_is_usable",
                    severity=dg.AssetCheckSeverity.WARN,
                    metadata={"deciding_rows": enough, "min_examples": needed},
                )
            ],
        )

    @dg.asset(
        **benchmark_wiring(spec, "baseline_model"),
        ins={"benchmark": dg.AssetIn([benchmark_id, "benchmark"])},
        kinds={"sklearn", "mlflow"},
        description=description_of("baseline_model"),
    )
    def baseline_model(
        context: dg.AssetExecutionContext,
        platform: Platform,
        tracking: dg.ResourceParam[Tracking],
        benchmark: Benchmark,
    ):  # no annotation: with one, Dagster takes the value for "Nothing"
        with explained():
            external, expected = _baseline_source(platform, benchmark)
            value, reused = platform.reuse(
                benchmark_id,
                "baseline_model",
                is_current=lambda stored: stored.fingerprint == expected,
                make=lambda: _make_baseline(benchmark, external, expected),
            )
            record_baseline_model(tracking, benchmark, value)
        return dg.MaterializeResult(
            value=value,
            data_version=dg.DataVersion(value.digest[:32]),
            metadata={
                "source": value.source,
                "train_rows": value.train_rows,
                "model_sha256": value.digest,
                "model_bytes": sum(map(len, value.files)),
                "reused": reused,
            },
        )

    @dg.asset(
        **benchmark_wiring(spec, "baseline_evaluation"),
        ins={"baseline_model": dg.AssetIn([benchmark_id, "baseline_model"])},
        kinds={"sklearn", "parquet"},
        description=description_of("baseline_evaluation"),
    )
    @reads(benchmark_id, "benchmark")
    def baseline_evaluation(
        context: dg.AssetExecutionContext,
        platform: Platform,
        tracking: dg.ResourceParam[Tracking],
        benchmark: Benchmark,
        baseline_model: StoredModel,
    ):  # no annotation: with one, Dagster takes the value for "Nothing"
        with explained():
            value, reused = platform.reuse(
                benchmark_id,
                "baseline_evaluation",
                is_current=lambda stored: (
                    stored.model_digest == baseline_model.digest
                    and stored.test_root == benchmark.test.root
                ),
                make=lambda: evaluate_models(
                    baseline_model.replicas, benchmark, model_digest=baseline_model.digest
                ),
            )
            metrics = value.metrics_ppm(benchmark.spec)
            record_evaluation(tracking, benchmark, value, "baseline")
        return dg.MaterializeResult(
            value=value,
            data_version=dg.DataVersion(commitment(value)[:32]),
            metadata={
                "dagster/row_count": value.rows,
                "metrics": metrics_table(metrics),
                "reused": reused,
                **{f"metric/{name}": share(ppm) for name, ppm in metrics.items()},
            },
        )

    return [benchmark, baseline_model, baseline_evaluation]


def identity_of(model: StoredModel) -> ModelIdentity:
    """Return what an attestation says of a stored model."""
    return ModelIdentity(
        model.digest, model.source, model.external_digest, model.train_rows, model.fingerprint
    )


def _baseline_source(
    platform: Platform, benchmark: Benchmark
) -> tuple[tuple[Any, str] | None, str]:
    """Return the loaded model and its file's digest, if any, and the expected fingerprint."""
    spec = benchmark.spec
    trusted = spec.model.trusted_types
    external: tuple[Any, str] | None = None
    if spec.baseline.source == "file":
        assert spec.baseline.path is not None
        path = platform.baseline_file(spec.id, spec.baseline.path)
        external = load_model_file(path, trusted=trusted)
    elif spec.baseline.source == "mlflow":
        assert spec.baseline.uri is not None
        external = fetch_registered_model(
            spec.baseline.uri, tracking_uri=platform.mlflow_tracking_uri, trusted=trusted
        )
    if external and spec.baseline.sha256 not in (None, external[1]):
        raise _wrong_digest(spec, external[1])
    fingerprint = model_fingerprint(benchmark, [external[1]] if external else [])
    return external, fingerprint


def _wrong_digest(spec: BenchmarkSpec, found: str) -> SpecError:
    return SpecError(
        f"baseline.sha256: the loaded file has {found}, the spec pins {spec.baseline.sha256}"
    )


def _make_baseline(
    benchmark: Benchmark, external: tuple[Any, str] | None, fingerprint: str
) -> StoredModel:
    if external is None:
        return trained_on(benchmark, [])
    model = TrainedModel(external[0], 0)
    refuse_unfit_model(model, benchmark.test.table, benchmark.spec)
    return stored_model(
        (model,),
        source=benchmark.spec.baseline.source,
        external_digest=external[1],
        trusted_types=benchmark.spec.model.trusted_types,
        fingerprint=fingerprint,
    )
