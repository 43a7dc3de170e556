"""The assets of one contribution, each a partition: from the file to the attestation."""

from typing import Any

import dagster as dg
import pyarrow as pa

from hokusai_assets.attestation.envelope import key_id, sign_statement
from hokusai_assets.attestation.issuing import issue_statement, measurement_document
from hokusai_assets.attestation.signing_key import public_pem
from hokusai_assets.attestation.statement import software_digest
from hokusai_assets.attestation.verification import verify
from hokusai_assets.benchmarks.loading import Benchmark, privacy_policies
from hokusai_assets.benchmarks.spec import BenchmarkSpec
from hokusai_assets.contributions.intake import ContributedData, take_in
from hokusai_assets.contributions.overlap import find_overlap
from hokusai_assets.evaluation.measurement import Evaluation, evaluate_model, measure
from hokusai_assets.models.training import train, training_fingerprint, training_rows
from hokusai_assets.orchestration.benchmark_assets import identity_of
from hokusai_assets.orchestration.faults import explained, without_values
from hokusai_assets.orchestration.object_store import replace_file
from hokusai_assets.orchestration.partitions import contributions_of, group_name
from hokusai_assets.orchestration.platform import Platform
from hokusai_assets.orchestration.presentation import (
    delta_metrics,
    deltas_table,
    metrics_table,
    reasons_text,
    schema_of,
    share,
)
from hokusai_assets.orchestration.stored_forms import (
    IssuedAttestation,
    MeasuredDelta,
    StoredModel,
    stored_model,
)
from hokusai_assets.orchestration.tracking import ACCEPTED_CHECK, OUTCOME_TAG, Tracking
from hokusai_assets.privacy.pseudonymise import residual_personal_data


def build_contribution_assets(spec: BenchmarkSpec) -> list[dg.AssetsDefinition]:
    """Return the five partitioned assets of a benchmark."""
    return [
        _contributed_data(spec.id, spec.owner),
        _new_model(spec.id, spec.owner),
        _new_evaluation(spec.id, spec.owner),
        _metric_deltas(spec.id, spec.owner),
        _attestation(spec.id, spec.owner),
    ]


def _wiring(benchmark_id: str, owner: str, asset: str, *upstream: str) -> dict[str, Any]:
    wiring: dict[str, Any] = {
        "key": [benchmark_id, asset],
        "ins": {name: dg.AssetIn([benchmark_id, name]) for name in upstream},
        "group_name": group_name(benchmark_id),
        "partitions_def": contributions_of(benchmark_id),
        # One contribution, one run: a ranged run could not fail or reject one key alone.
        "backfill_policy": dg.BackfillPolicy.multi_run(max_partitions_per_run=1),
    }
    return wiring | ({"owners": [owner]} if "@" in owner else {})


def _blocking(benchmark_id: str, asset: str, name: str, description: str) -> dg.AssetCheckSpec:
    return dg.AssetCheckSpec(
        name,
        asset=[benchmark_id, asset],
        description=description,
        blocking=True,
        partitions_def=contributions_of(benchmark_id),
    )


def _contributed_data(benchmark_id: str, owner: str) -> dg.AssetsDefinition:
    def check(name: str, description: str) -> dg.AssetCheckSpec:
        return _blocking(benchmark_id, "contributed_data", name, description)

    @dg.asset(
        **_wiring(benchmark_id, owner, "contributed_data", "benchmark"),
        kinds={"parquet"},
        description=(
            "The accepted rows of a contribution: typed, personal data hashed, known rows "
            "removed, in canonical order. A contribution that breaks a rule is *rejected*: the "
            "reasons are in the metadata and nothing below it runs."
        ),
        check_specs=[
            check(
                ACCEPTED_CHECK,
                "The contribution breaks no rule of the benchmark.",
            ),
            check("personal_data_is_hashed", "All personal data is hashed."),
            check("no_test_row_leaks", "No row equals a row of the test set."),
        ],
    )
    def contributed_data(
        context: dg.AssetExecutionContext,
        platform: Platform,
        tracking: dg.ResourceParam[Tracking],
        benchmark: Benchmark,
    ):  # no annotation: with one, Dagster takes the value for "Nothing"
        with without_values():
            contribution = platform.contribution(benchmark_id, context.partition_key)
            value = take_in(contribution, benchmark, platform.privacy_key())
        report = value.report
        document = report.to_dict()
        context.instance.add_run_tags(
            context.run_id, {OUTCOME_TAG: "accepted" if report.accepted else "rejected"}
        )
        tracking.log_text(_json(document), "intake_report.json")
        tracking.log_metrics(
            {
                "rows_in": report.rows_in,
                "rows_kept": report.rows_kept,
                "rows_hashed": report.rows_hashed,
            }
        )
        tracking.log_params({"contribution_sha256": report.raw_digest})
        if not report.accepted:
            tracking.set_tags(
                {"reasons": ", ".join(dict.fromkeys(p.rule for p in report.problems))}
            )
        residual = residual_personal_data(
            value.rows.table,
            policies=privacy_policies(benchmark.spec),
            protected=(benchmark.spec.target,),
        )
        leaks = int(find_overlap(value.rows.table, value.rows.digests, benchmark).in_test.sum())
        metadata: dict[str, Any] = {}
        if not report.accepted:
            metadata["rejected_because"] = dg.MetadataValue.md(reasons_text(report))
        metadata |= {
            "dagster/partition_row_count": report.rows_kept,
            "dagster/column_schema": schema_of(value.rows.table),
            "rows_in": report.rows_in,
            "rows_kept": report.rows_kept,
            "rows_hashed": report.rows_hashed,
            "rows_removed": dict(document["rows"]["removed"]),
            "ignored_columns": report.ignored_columns,
            "test_overlap": share(report.test_overlap_ppm),
            "natural_overlap": share(report.natural_overlap_ppm),
            "rows_root": value.rows.root,
        }
        return dg.MaterializeResult(
            value=value,
            data_version=dg.DataVersion(value.rows.root[:32]),
            metadata=metadata,
            check_results=[
                dg.AssetCheckResult(
                    passed=report.accepted,
                    check_name=ACCEPTED_CHECK,
                    description=reasons_text(report) or None,
                ),
                dg.AssetCheckResult(
                    passed=not residual,
                    check_name="personal_data_is_hashed",
                    metadata={"columns_with_findings": len(residual)},
                ),
                dg.AssetCheckResult(
                    passed=leaks == 0,
                    check_name="no_test_row_leaks",
                    metadata={"leaking_rows": leaks},
                ),
            ],
        )

    return contributed_data


def _new_model(benchmark_id: str, owner: str) -> dg.AssetsDefinition:
    @dg.asset(
        **_wiring(benchmark_id, owner, "new_model", "benchmark", "contributed_data"),
        kinds={"sklearn"},
        description="The spec's model, trained from the base set and the contribution.",
    )
    def new_model(
        context: dg.AssetExecutionContext,
        platform: Platform,
        tracking: dg.ResourceParam[Tracking],
        benchmark: Benchmark,
        contributed_data: ContributedData,
    ):  # no annotation: with one, Dagster takes the value for "Nothing"
        spec = benchmark.spec
        with explained():
            expected = training_fingerprint(
                spec_hash=spec.spec_hash(),
                base_root=benchmark.base.root,
                contributed_root=contributed_data.rows.root,
                software_digest=software_digest(),
            )
            value, reused = platform.reuse(
                benchmark_id,
                "new_model",
                partition=context.partition_key,
                is_current=lambda stored: stored.fingerprint == expected,
                make=lambda: stored_model(
                    train(training_rows(benchmark.base, contributed_data.rows, spec), spec),
                    source="train",
                    external_digest=None,
                    trusted_types=spec.model.trusted_types,
                    fingerprint=expected,
                ),
            )
            tracking.log_params({"new_train_rows": value.train_rows})
            tracking.set_tags({"new_model_sha256": value.digest})
        return dg.MaterializeResult(
            value=value,
            data_version=dg.DataVersion(value.digest[:32]),
            metadata={
                "train_rows": value.train_rows,
                "model_sha256": value.digest,
                "model_bytes": len(value.file),
                "reused": reused,
            },
        )

    return new_model


def _new_evaluation(benchmark_id: str, owner: str) -> dg.AssetsDefinition:
    @dg.asset(
        **_wiring(benchmark_id, owner, "new_evaluation", "benchmark", "new_model"),
        kinds={"sklearn", "parquet"},
        description="The new model's prediction and scores for every test row, and its metrics.",
    )
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
                make=lambda: evaluate_model(
                    new_model.model, benchmark, model_digest=new_model.digest
                ),
            )
            metrics = value.metrics_ppm(benchmark.spec)
            tracking.log_metrics({f"new_{name}": share(ppm) for name, ppm in metrics.items()})
        return dg.MaterializeResult(
            value=value,
            metadata={
                "dagster/partition_row_count": value.predictions.rows,
                "metrics": metrics_table(metrics),
                "reused": reused,
                **{f"metric/{name}": share(ppm) for name, ppm in metrics.items()},
            },
        )

    return new_evaluation


def _metric_deltas(benchmark_id: str, owner: str) -> dg.AssetsDefinition:
    @dg.asset(
        **_wiring(
            benchmark_id,
            owner,
            "metric_deltas",
            "benchmark",
            "baseline_evaluation",
            "new_evaluation",
        ),
        kinds={"json", "parquet"},
        description=(
            "Per metric: baseline, new, delta, paired interval and p-value; the DeltaOne "
            "decision; and both models' predictions per test row."
        ),
        check_specs=[
            _blocking(
                benchmark_id,
                "metric_deltas",
                "metrics_follow_from_predictions",
                "Metrics computed again from the stored predictions agree.",
            )
        ],
    )
    def metric_deltas(
        context: dg.AssetExecutionContext,
        tracking: dg.ResourceParam[Tracking],
        benchmark: Benchmark,
        baseline_evaluation: Evaluation,
        new_evaluation: Evaluation,
    ):  # no annotation: with one, Dagster takes the value for "Nothing"
        spec = benchmark.spec
        with explained():
            measurement = measure(baseline_evaluation, new_evaluation, spec)
        document = measurement_document(measurement, baseline_evaluation, new_evaluation)
        metrics, decision = document["metrics"], document["delta_one"]
        tracking.log_metrics(delta_metrics(metrics) | {"delta_one_bps": decision["bps"]})
        tracking.set_tags({"delta_one_accepted": str(decision["accepted"]).lower()})
        tracking.log_text(_json(document), "metric_deltas.json")
        again = {
            "baseline": baseline_evaluation.metrics_ppm(spec),
            "new": new_evaluation.metrics_ppm(spec),
        }
        agree = all(
            again[which][name] == delta[f"{which}_ppm"]
            for name, delta in metrics.items()
            for which in ("baseline", "new")
        )
        return dg.MaterializeResult(
            value=MeasuredDelta(document, _both_predictions(baseline_evaluation, new_evaluation)),
            metadata={
                "deltas": deltas_table(metrics),
                "delta_one_bps": decision["bps"],
                "payable_bps": decision["payable_bps"],
                "accepted": decision["accepted"],
                "verdict": decision["reason"],
                "dagster/partition_row_count": document["test_rows"],
                **{f"delta/{name}": share(delta["delta_ppm"]) for name, delta in metrics.items()},
            },
            check_results=[
                dg.AssetCheckResult(passed=agree, check_name="metrics_follow_from_predictions")
            ],
        )

    return metric_deltas


def _attestation(benchmark_id: str, owner: str) -> dg.AssetsDefinition:
    @dg.asset(
        **_wiring(
            benchmark_id,
            owner,
            "attestation",
            "benchmark",
            "baseline_model",
            "contributed_data",
            "new_model",
            "metric_deltas",
        ),
        kinds={"json"},
        description=(
            "The signed statement (in-toto, DSSE, Ed25519) of what was measured. Check it with "
            "`hokusai verify`."
        ),
        check_specs=[
            _blocking(
                benchmark_id,
                "attestation",
                "attestation_verifies",
                "The attestation verifies as issued.",
            )
        ],
    )
    def attestation(
        context: dg.AssetExecutionContext,
        platform: Platform,
        tracking: dg.ResourceParam[Tracking],
        benchmark: Benchmark,
        baseline_model: StoredModel,
        contributed_data: ContributedData,
        new_model: StoredModel,
        metric_deltas: MeasuredDelta,
    ):  # no annotation: with one, Dagster takes the value for "Nothing"
        with explained():
            statement = issue_statement(
                benchmark,
                contributed_data,
                identity_of(baseline_model),
                identity_of(new_model),
                metric_deltas.document,
                dry_run=platform.dry_run,
            )
            key = platform.signing_key()
        envelope = sign_statement(statement, key)
        predicate = statement["predicate"]
        path = platform.attestation_file(
            benchmark_id, context.partition_key, predicate["attestation_hash"]
        )
        verification = verify(envelope, public_key=key.public_key(), allow_dry_run=platform.dry_run)
        if verification.passed:
            replace_file(path, envelope)
            # Named by its id: after a change of keys the older one is still beside its own.
            key_file = f"public_key.{key_id(key.public_key())[:12]}.pem"
            replace_file(path.parent / key_file, public_pem(key.public_key()))
        tracking.log_text(envelope.decode(), "attestation.json")
        tracking.set_tags(
            {
                "attestation_hash": predicate["attestation_hash"],
                "result_hash": predicate["result_hash"],
                "code_version": predicate["claim"]["code"]["version"],
            }
        )
        decision = metric_deltas.document["delta_one"]
        return dg.MaterializeResult(
            value=IssuedAttestation(
                envelope,
                predicate["attestation_hash"],
                predicate["result_hash"],
                {"dagster_run_id": context.run_id, "mlflow_run_id": tracking.run_id},
            ),
            data_version=dg.DataVersion(predicate["attestation_hash"][:32]),
            metadata={
                "attestation_hash": predicate["attestation_hash"],
                "result_hash": predicate["result_hash"],
                "attestation": dg.MetadataValue.path(str(path)),
                "mlflow_run_id": tracking.run_id or "(MLflow was not reachable)",
                "verdict": decision["reason"],
            },
            check_results=[
                dg.AssetCheckResult(
                    passed=verification.passed,
                    check_name="attestation_verifies",
                    metadata={"checks": verification.as_markdown()},
                )
            ],
        )

    return attestation


def _json(document: object) -> str:
    import json

    return json.dumps(document, indent=2, sort_keys=True)


def _both_predictions(baseline: Evaluation, new: Evaluation) -> pa.Table:
    """Return per test row: its digest, label, and both models' label and scores."""
    names = pa.array(new.predictions.labels)
    columns: dict[str, Any] = {
        "row_digest": [digest.hex() for digest in new.row_digests],
        "label": names.take(pa.array(new.predictions.actual)),
        "baseline_label": names.take(pa.array(baseline.predictions.predicted)),
        "new_label": names.take(pa.array(new.predictions.predicted)),
    }
    for index, label in enumerate(new.predictions.labels):
        columns[f"baseline_score:{label}"] = baseline.predictions.scores[:, index]
        columns[f"new_score:{label}"] = new.predictions.scores[:, index]
    return pa.table(columns)
