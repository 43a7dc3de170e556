"""The assets of one contribution, each a partition: its data, its model, its predictions."""

from typing import Any

import dagster as dg

from hokusai_assets.benchmarks.loading import Benchmark
from hokusai_assets.benchmarks.spec import BenchmarkSpec
from hokusai_assets.contributions.intake import ContributedData, take_in
from hokusai_assets.contributions.intake_report import IntakeReport
from hokusai_assets.contributions.second_look import SecondLook, second_look
from hokusai_assets.evaluation.contribution_check import opinion_of
from hokusai_assets.evaluation.measurement import Evaluation, evaluate_models
from hokusai_assets.evaluation.settlement import budget_of
from hokusai_assets.orchestration.asset_wiring import blocking_check, reads, wiring_of
from hokusai_assets.orchestration.column_history import DROP_ASSET, columns_metadata
from hokusai_assets.orchestration.descriptions import description_of
from hokusai_assets.orchestration.faults import explained, without_values
from hokusai_assets.orchestration.measurement_assets import (
    attestation_asset,
    metric_deltas_asset,
)
from hokusai_assets.orchestration.partitions import contributions_of
from hokusai_assets.orchestration.platform import Platform
from hokusai_assets.orchestration.presentation import (
    leakage_table,
    metrics_table,
    problems_text,
    share,
)
from hokusai_assets.orchestration.settlement_asset import settlement_asset
from hokusai_assets.orchestration.step_records import (
    record_evaluation,
    record_intake,
    record_new_model,
)
from hokusai_assets.orchestration.stored_forms import StoredModel
from hokusai_assets.orchestration.tracking import ACCEPTED_CHECK, INTAKE_TAG, Tracking
from hokusai_assets.orchestration.trained_models import fingerprint_of, trained_on


def build_contribution_assets(spec: BenchmarkSpec) -> list[dg.AssetsDefinition]:
    """Return the six partitioned assets of a benchmark."""
    return [
        _contributed_data(spec.id, spec.owner),
        _new_model(spec.id, spec.owner),
        _new_evaluation(spec.id, spec.owner),
        metric_deltas_asset(spec.id, spec.owner),
        settlement_asset(spec.id, spec.owner),
        attestation_asset(spec.id, spec.owner),
    ]


def _contributed_data(benchmark_id: str, owner: str) -> dg.AssetsDefinition:
    def check(name: str, description: str) -> dg.AssetCheckSpec:
        return blocking_check(benchmark_id, "contributed_data", name, description)

    @dg.asset(
        **wiring_of(
            benchmark_id,
            owner,
            "contributed_data",
            "benchmark",
            "baseline_evaluation",
        ),
        deps=[[benchmark_id, DROP_ASSET]],
        kinds={"pandas", "parquet"},
        description=description_of("contributed_data"),
        check_specs=[
            check(ACCEPTED_CHECK, "The contribution breaks no rule of the benchmark."),
            check("all_personal_data_hashed", "All personal data is hashed."),
            check("no_test_row_leaks", "No row equals or nearly equals a row of the test set."),
            dg.AssetCheckSpec(
                "data_is_plausible",
                asset=[benchmark_id, "contributed_data"],
                description="Labels and columns look like those of the base set. Only warns.",
                partitions_def=contributions_of(benchmark_id),
            ),
        ],
    )
    @reads(benchmark_id, "baseline_model")
    def contributed_data(
        context: dg.AssetExecutionContext,
        platform: Platform,
        tracking: dg.ResourceParam[Tracking],
        benchmark: Benchmark,
        baseline_model: StoredModel,
        baseline_evaluation: Evaluation,
    ):  # no annotation: with one, Dagster takes the value for "Nothing"
        # The rows stay in the scratch folder until they are stored, which is at the yield.
        with platform.scratch() as scratch:
            with without_values():
                value = take_in(
                    platform.contribution(benchmark_id, context.partition_key),
                    benchmark,
                    platform.privacy_key(),
                    scratch=scratch,
                    opinion=opinion_of(
                        lambda: baseline_model.replicas[0],
                        baseline_evaluation.replicas[0],
                        benchmark,
                    ),
                    index=platform.row_index(benchmark_id),
                    refused=platform.ledger(benchmark_id).refusal(
                        budget_of(benchmark),
                        version=benchmark.content_digest,
                        key=context.partition_key,
                    ),
                )
                found = second_look(value.rows, benchmark)
            _log_intake(context, value.report)
            with explained():
                record_intake(tracking, platform, benchmark, value)
            yield dg.MaterializeResult(
                value=value,
                data_version=dg.DataVersion(value.rows.root[:32]),
                metadata=_intake_metadata(benchmark_id, value),
                check_results=_intake_checks(value.report, found),
            )

    return contributed_data


def _log_intake(context: dg.AssetExecutionContext, report: IntakeReport) -> None:
    context.instance.add_run_tags(
        context.run_id, {INTAKE_TAG: "taken" if report.accepted else "rejected"}
    )
    for warning in report.warnings:
        context.log.warning(f"{warning.rule}: {warning.message}")


def _intake_metadata(benchmark_id: str, value: ContributedData) -> dict[str, Any]:
    report = value.report
    document = report.to_dict()
    metadata: dict[str, Any] = {}
    if not report.accepted:
        metadata["rejected_because"] = dg.MetadataValue.md(problems_text(report.problems))
    if report.warnings:
        metadata["warnings"] = dg.MetadataValue.md(problems_text(report.warnings))
    return metadata | {
        "dagster/partition_row_count": report.rows_kept,
        **columns_metadata(
            benchmark_id,
            value.rows.schema,
            report.privacy,
            report.ignored_columns,
            missing=report.missing_columns,
        ),
        "rows_in": report.rows_in,
        "rows_kept": report.rows_kept,
        "rows_hashed": report.rows_hashed,
        "rows_removed": dict(document["rows"]["removed"]),
        "earlier_contributions": dict(document["history"]["held"]),
        "ignored_columns": report.ignored_columns,
        "test_overlap": share(report.test_overlap_ppm),
        "natural_overlap": share(report.natural_overlap_ppm),
        "leakage": leakage_table(report),
        "rows_root": value.rows.root,
    }


def _intake_checks(report: IntakeReport, found: SecondLook) -> list[dg.AssetCheckResult]:
    return [
        dg.AssetCheckResult(
            passed=report.accepted,
            check_name=ACCEPTED_CHECK,
            description=problems_text(report.problems) or None,
        ),
        dg.AssetCheckResult(
            passed=not found.personal_data,
            check_name="all_personal_data_hashed",
            metadata={"columns_with_findings": len(found.personal_data)},
        ),
        dg.AssetCheckResult(
            passed=found.test_rows == 0,
            check_name="no_test_row_leaks",
            metadata={"leaking_rows": found.test_rows},
        ),
        dg.AssetCheckResult(
            passed=not report.warnings,
            check_name="data_is_plausible",
            severity=dg.AssetCheckSeverity.WARN,
            description=problems_text(report.warnings) or None,
        ),
    ]


def _new_model(benchmark_id: str, owner: str) -> dg.AssetsDefinition:
    @dg.asset(
        **wiring_of(benchmark_id, owner, "new_model", "contributed_data"),
        kinds={"sklearn", "mlflow"},
        description=description_of("new_model"),
    )
    @reads(benchmark_id, "benchmark")
    def new_model(
        context: dg.AssetExecutionContext,
        platform: Platform,
        tracking: dg.ResourceParam[Tracking],
        benchmark: Benchmark,
        contributed_data: ContributedData,
    ):  # no annotation: with one, Dagster takes the value for "Nothing"
        contributed = [contributed_data.rows]
        with explained():
            expected = fingerprint_of(benchmark, contributed)
            value, reused = platform.reuse(
                benchmark_id,
                "new_model",
                partition=context.partition_key,
                is_current=lambda stored: stored.fingerprint == expected,
                make=lambda: trained_on(benchmark, contributed),
            )
            record_new_model(tracking, benchmark, value, context.partition_key)
        return dg.MaterializeResult(
            value=value,
            data_version=dg.DataVersion(value.digest[:32]),
            metadata={
                "train_rows": value.train_rows,
                "model_sha256": value.digest,
                "model_bytes": sum(map(len, value.files)),
                "reused": reused,
            },
        )

    return new_model


def _new_evaluation(benchmark_id: str, owner: str) -> dg.AssetsDefinition:
    @dg.asset(
        **wiring_of(benchmark_id, owner, "new_evaluation", "new_model"),
        kinds={"sklearn", "parquet"},
        description=description_of("new_evaluation"),
    )
    @reads(benchmark_id, "benchmark")
    def new_evaluation(
        context: dg.AssetExecutionContext,
        platform: Platform,
        tracking: dg.ResourceParam[Tracking],
        benchmark: Benchmark,
        new_model: StoredModel,
    ):  # no annotation: with one, Dagster takes the value for "Nothing"
        with explained():
            value, reused = platform.reuse(
                benchmark_id,
                "new_evaluation",
                partition=context.partition_key,
                is_current=lambda stored: (
                    stored.model_digest == new_model.digest
                    and stored.test_root == benchmark.test.root
                ),
                make=lambda: evaluate_models(
                    new_model.replicas, benchmark, model_digest=new_model.digest
                ),
            )
            metrics = value.metrics_ppm(benchmark.spec)
            record_evaluation(tracking, benchmark, value, "new")
        return dg.MaterializeResult(
            value=value,
            metadata={
                "dagster/partition_row_count": value.rows,
                "metrics": metrics_table(metrics),
                "reused": reused,
                **{f"metric/{name}": share(ppm) for name, ppm in metrics.items()},
            },
        )

    return new_evaluation
