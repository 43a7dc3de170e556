"""Two assets of a contribution: what it alone changes, and the attestation of what was settled."""

from typing import Any

import dagster as dg
from securesystemslib.signer import Signer

from hokusai_assets.attestation.envelope import sign_statement
from hokusai_assets.attestation.issuing import issue_statement, measurement_document
from hokusai_assets.attestation.prediction_commitment import predictions_table
from hokusai_assets.attestation.public_keys import SHORT_ID, public_pem
from hokusai_assets.attestation.transparency_log import log_line
from hokusai_assets.attestation.verification import verify
from hokusai_assets.attestation.witness import build_witness, write_witness
from hokusai_assets.benchmarks.loading import Benchmark
from hokusai_assets.contributions.intake import ContributedData
from hokusai_assets.drafts import replace_file
from hokusai_assets.evaluation.measurement import Evaluation, measure, slices_on
from hokusai_assets.orchestration.asset_wiring import blocking_check, reads, wiring_of
from hokusai_assets.orchestration.benchmark_assets import identity_of
from hokusai_assets.orchestration.contribution_plots import pictures_of
from hokusai_assets.orchestration.descriptions import description_of
from hokusai_assets.orchestration.faults import explained
from hokusai_assets.orchestration.partition_pictures import comparison_pictures, linked_pictures
from hokusai_assets.orchestration.platform import Platform
from hokusai_assets.orchestration.presentation import (
    deltas_table,
    groups_table,
    mlflow_run,
    report_place,
    schema_of,
    share,
)
from hokusai_assets.orchestration.resumed_runs import record_earlier_steps
from hokusai_assets.orchestration.step_records import record_attestation, record_deltas
from hokusai_assets.orchestration.stored_forms import (
    IssuedAttestation,
    MeasuredDelta,
    SettledContribution,
    StoredModel,
)
from hokusai_assets.orchestration.tracking import Tracking


def metric_deltas_asset(benchmark_id: str, owner: str) -> dg.AssetsDefinition:
    """Return the asset that compares both models."""

    @dg.asset(
        **wiring_of(
            benchmark_id,
            owner,
            "metric_deltas",
            "baseline_evaluation",
            "new_evaluation",
        ),
        kinds={"json", "parquet"},
        description=description_of("metric_deltas"),
        check_specs=[
            blocking_check(
                benchmark_id,
                "metric_deltas",
                "metrics_recomputed_from_predictions_agree",
                "Metrics computed again from the stored predictions agree.",
            )
        ],
    )
    @reads(benchmark_id, "benchmark", "baseline_model", "new_model")
    def metric_deltas(
        context: dg.AssetExecutionContext,
        platform: Platform,
        tracking: dg.ResourceParam[Tracking],
        benchmark: Benchmark,
        baseline_model: StoredModel,
        baseline_evaluation: Evaluation,
        new_model: StoredModel,
        new_evaluation: Evaluation,
    ):  # no annotation: with one, Dagster takes the value for "Nothing"
        spec = benchmark.spec
        with explained():
            part = benchmark.split.shown
            measurement = measure(baseline_evaluation, new_evaluation, benchmark, part)
        document = measurement_document(
            measurement,
            baseline_evaluation,
            new_evaluation,
            training_rows=(baseline_model.train_rows, new_model.train_rows),
            part=part,
            spec=spec,
        )
        metrics = document["metrics"]
        before, after = baseline_evaluation.on(part), new_evaluation.on(part)
        again = {"baseline": before.metrics_ppm(spec), "new": after.metrics_ppm(spec)}
        agree = all(
            again[which][name] == delta[f"{which}_ppm"]
            for name, delta in metrics.items()
            for which in ("baseline", "new")
        )
        measured = MeasuredDelta(
            document, predictions_table(before, after, slices_on(benchmark, part))
        )
        with explained():
            pictures = pictures_of(benchmark, document, baseline_evaluation, new_evaluation)
            record_deltas(tracking, benchmark, measured, pictures)
        return dg.MaterializeResult(
            value=measured,
            metadata={
                "deltas": deltas_table(metrics),
                **linked_pictures(tracking, platform.mlflow_url),
                **comparison_pictures(pictures),
                "groups": groups_table(document["groups"]),
                "part_of_test_set": part.name,
                "dagster/partition_row_count": document["test_rows"],
                "dagster/column_schema": schema_of(measured.predictions.schema),
                **{f"delta/{name}": share(delta["delta_ppm"]) for name, delta in metrics.items()},
            },
            check_results=[
                dg.AssetCheckResult(
                    passed=agree, check_name="metrics_recomputed_from_predictions_agree"
                )
            ],
        )

    return metric_deltas


def attestation_asset(benchmark_id: str, owner: str) -> dg.AssetsDefinition:
    """Return the asset that states, signs and verifies."""

    @dg.asset(
        **wiring_of(
            benchmark_id,
            owner,
            "attestation",
            "settlement",
        ),
        kinds={"json"},
        description=description_of("attestation"),
        check_specs=[
            blocking_check(
                benchmark_id,
                "attestation",
                "attestation_verifies",
                "The attestation verifies as issued.",
            )
        ],
    )
    @reads(
        benchmark_id,
        "benchmark",
        "baseline_model",
        "contributed_data",
        "new_model",
        "metric_deltas",
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
        settlement: SettledContribution,
    ):  # no annotation: with one, Dagster takes the value for "Nothing"
        with explained():
            statement = issue_statement(
                benchmark,
                contributed_data,
                identity_of(baseline_model),
                identity_of(new_model),
                metric_deltas.document,
                settlement.document,
                dry_run=platform.dry_run,
            )
            signer = platform.signer()
            envelope = sign_statement(statement, signer)
        key = signer.public_key
        predicate = statement["predicate"]
        path = platform.attestation_file(
            benchmark_id, context.partition_key, predicate["attestation_hash"]
        )
        verification = verify(envelope, public_key=key, allow_dry_run=platform.dry_run)
        logged: dict[str, Any] = {}
        if verification.passed:
            if not platform.dry_run:
                # Before the file is anywhere: none is out that the log does not hold.
                with explained():
                    logged = _logged(platform, log_line(statement), signer)
            replace_file(path, envelope)
            # Named by its id: after a change of keys the older one is still beside its own.
            key_file = f"public_key.{key.keyid[:SHORT_ID]}.pem"
            replace_file(path.parent / key_file, public_pem(key))
            if platform.witness:
                tables = [metric_deltas.predictions]
                if predicate["claim"]["settlement"]["released"]:
                    tables.append(settlement.predictions)
                with explained():
                    # Only here: MLflow and Dagster's metadata never hold it.
                    write_witness(
                        platform.witness_file(
                            benchmark_id, context.partition_key, predicate["attestation_hash"]
                        ),
                        build_witness(statement, tables),
                    )
        value = IssuedAttestation(
            envelope,
            predicate["attestation_hash"],
            predicate["result_hash"],
            {"dagster_run_id": context.run_id, "mlflow_run_id": tracking.run_id},
        )
        models = (baseline_model, new_model)
        with explained():
            record_earlier_steps(
                tracking, platform, benchmark, contributed_data, models, metric_deltas, settlement
            )
            record_attestation(
                tracking,
                benchmark,
                value,
                contributed_data.report,
                models,
                metric_deltas,
                settlement,
                dry_run=platform.dry_run,
            )
        decision = settlement.document["delta_one"]
        return dg.MaterializeResult(
            value=value,
            data_version=dg.DataVersion(predicate["attestation_hash"][:32]),
            metadata={
                "attestation_hash": predicate["attestation_hash"],
                "result_hash": predicate["result_hash"],
                "attestation": dg.MetadataValue.path(str(path)),
                "mlflow_run": mlflow_run(
                    platform.mlflow_url, tracking.experiment_id, tracking.run_id
                ),
                "report": report_place(
                    platform.mlflow_url,
                    tracking.experiment_id,
                    tracking.run_id,
                    f"hokusai report {context.partition_key} --benchmark {benchmark_id}",
                ),
                "verdict": decision["reason"],
                **logged,
            },
            check_results=[
                dg.AssetCheckResult(
                    passed=verification.passed,
                    check_name="attestation_verifies",
                    metadata={"checks": dg.MetadataValue.md(verification.as_markdown())},
                )
            ],
        )

    return attestation


def _logged(platform: Platform, line: bytes, signer: Signer) -> dict[str, Any]:
    """Enter an attestation in the log, and return what the run tells of it."""
    found = platform.transparency_log().append(line, signer)
    told: dict[str, Any] = {"log_index": found.index, "log_size": found.checkpoint.size}
    if found.others:
        told["also_attested"] = (
            "This contribution has other attestations on this version of the benchmark: "
            f"{', '.join(entry['attestation_hash'] for entry in found.others)}. "
            "`hokusai log check` names them too."
        )
    return told
