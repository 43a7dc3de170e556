"""The asset that settles a contribution: against the accepted model, in its turn, once."""

from collections.abc import Sequence

import dagster as dg

from hokusai_assets.attestation.issuing import measurement_document, settlement_document
from hokusai_assets.attestation.prediction_commitment import predictions_table
from hokusai_assets.benchmarks.loading import Benchmark
from hokusai_assets.benchmarks.row_sets import StoredRows
from hokusai_assets.contributions.intake import ContributedData
from hokusai_assets.evaluation.ledger_entries import Settled
from hokusai_assets.evaluation.measurement import Evaluation, evaluate_models, slices_on
from hokusai_assets.evaluation.settlement import budget_of, settle
from hokusai_assets.orchestration.asset_wiring import reads, wiring_of
from hokusai_assets.orchestration.descriptions import description_of
from hokusai_assets.orchestration.faults import explained
from hokusai_assets.orchestration.object_store import MissingObject
from hokusai_assets.orchestration.platform import Platform
from hokusai_assets.orchestration.presentation import (
    conditions_table,
    deltas_table,
    groups_table,
    share,
)
from hokusai_assets.orchestration.step_records import record_settlement
from hokusai_assets.orchestration.stored_forms import (
    MeasuredDelta,
    SettledContribution,
    StoredModel,
)
from hokusai_assets.orchestration.tracking import VERDICT_TAG, Tracking
from hokusai_assets.orchestration.trained_models import fingerprint_of, trained_on

Evaluated = tuple[StoredModel, Evaluation]


def settlement_asset(benchmark_id: str, owner: str) -> dg.AssetsDefinition:
    """Return the asset that decides what a contribution is worth where it stands."""

    @dg.asset(
        **wiring_of(
            benchmark_id,
            owner,
            "settlement",
            "metric_deltas",
        ),
        kinds={"sklearn", "json", "parquet"},
        description=description_of("settlement"),
    )
    @reads(
        benchmark_id,
        "benchmark",
        "baseline_model",
        "baseline_evaluation",
        "contributed_data",
        "new_model",
        "new_evaluation",
    )
    def settlement(
        context: dg.AssetExecutionContext,
        platform: Platform,
        tracking: dg.ResourceParam[Tracking],
        benchmark: Benchmark,
        baseline_model: StoredModel,
        baseline_evaluation: Evaluation,
        contributed_data: ContributedData,
        new_model: StoredModel,
        new_evaluation: Evaluation,
        metric_deltas: MeasuredDelta,
    ):  # no annotation: with one, Dagster takes the value for "Nothing"
        spec, rows = benchmark.spec, contributed_data.rows
        with explained():
            split = benchmark.split
            with platform.ledger(benchmark_id).turn(
                budget_of(benchmark),
                version=benchmark.content_digest,
                key=context.partition_key,
                rows_root=rows.root,
            ) as turn:
                before = turn.standing.accepted
                reference: Evaluated = (baseline_model, baseline_evaluation)
                candidate: Evaluated = (new_model, new_evaluation)
                if before:
                    accepted = [platform.accepted_rows(benchmark_id, entry) for entry in before]
                    reference = _accepted_model(platform, benchmark, before, accepted)
                    candidate = _trained(benchmark, [*accepted, rows])
                found = settle(
                    baseline_evaluation,
                    reference[1],
                    candidate[1],
                    benchmark=benchmark,
                    split=split,
                    standing=turn.standing,
                )
                turn.settle(found.entry(benchmark, context.partition_key, rows.root))
        measured = measurement_document(
            found.measurement,
            reference[1],
            candidate[1],
            training_rows=(reference[0].train_rows, candidate[0].train_rows),
            part=split.deciding,
            spec=spec,
        )
        document = settlement_document(
            found,
            measured,
            rows_root=rows.root,
            released=not split.is_split or found.decision.accepted,
        )
        decision = document["delta_one"]
        value = SettledContribution(
            document,
            candidate[0],
            candidate[1],
            predictions_table(
                reference[1].on(split.deciding),
                candidate[1].on(split.deciding),
                slices_on(benchmark, split.deciding),
            ),
        )
        verdict = "accepted" if decision["accepted"] else "not accepted"
        context.instance.add_run_tags(context.run_id, {VERDICT_TAG: verdict})
        with explained():
            accepted = platform.ledger(benchmark_id).accepted(benchmark.content_digest)
            record_settlement(
                tracking,
                benchmark,
                value,
                context.partition_key,
                is_last_accepted=bool(accepted) and accepted[-1].rows_root == rows.root,
            )
        return dg.MaterializeResult(
            value=value,
            metadata={
                "verdict": decision["reason"],
                "accepted": decision["accepted"],
                "delta_one_bps": decision["bps"],
                "payable_bps": decision["payable_bps"],
                "deltas": deltas_table(measured["metrics"]),
                "groups": groups_table(measured["groups"]),
                "conditions": conditions_table(decision["conditions"]),
                "part_of_test_set": split.deciding.name,
                "budget": f"{found.standing.position} of {found.standing.submissions}",
                "confidence": share(found.confidence_ppm),
                "accepted_before": [entry.key for entry in before],
                "settled_before": turn.standing.recorded is not None,
                "dagster/partition_row_count": measured["test_rows"],
            },
        )

    return settlement


def _accepted_model(
    platform: Platform,
    benchmark: Benchmark,
    before: Sequence[Settled],
    accepted: Sequence[StoredRows],
) -> Evaluated:
    """Return the model of all that was accepted: the last one's candidate, or made anew."""
    try:
        stored: SettledContribution = platform.stored(
            benchmark.spec.id, "settlement", before[-1].key
        )
        if stored.candidate.fingerprint == fingerprint_of(benchmark, accepted):
            return stored.candidate, stored.evaluation
    except (MissingObject, KeyError, ValueError, TypeError):
        # Gone, or in a form of an earlier version; the rows are still there.
        pass
    return _trained(benchmark, accepted)


def _trained(benchmark: Benchmark, contributed: Sequence[StoredRows]) -> Evaluated:
    model = trained_on(benchmark, contributed)
    return model, evaluate_models(model.replicas, benchmark, model_digest=model.digest)
