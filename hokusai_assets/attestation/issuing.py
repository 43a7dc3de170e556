"""Issuing an attestation: checks that its parts belong together, and the statement over them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hokusai_assets.attestation.prediction_commitment import predictions_root, scores_in_billionths
from hokusai_assets.attestation.statement import (
    build_claim,
    build_result,
    build_statement,
    describe_environment,
    software_digest,
)
from hokusai_assets.benchmarks.loading import Benchmark
from hokusai_assets.contributions.intake import ContributedData
from hokusai_assets.contributions.second_look import second_look
from hokusai_assets.evaluation.measurement import Evaluation, Measurement, rule_of
from hokusai_assets.models.training import training_fingerprint

_REMEDY = (
    "run the contribution's whole job again: `hokusai backfill --benchmark ID KEY`, or in the UI "
    "the benchmark's baseline job and then all assets of the partition"
)


class PartsDisagree(ValueError):
    """Stored parts come from different runs or states; the message says which and the remedy."""


@dataclass(frozen=True)
class ModelIdentity:
    """Which model: its file's SHA-256, where it came from, what it was made from.

    Attributes:
        digest: SHA-256 (hex) of the model's file.
        source: ``train``, ``mlflow`` or ``file``.
        external_digest: SHA-256 (hex) of the file it was loaded from, None if trained here.
        train_rows: rows it was fitted to, 0 if it was loaded.
        fingerprint: see `training_fingerprint`.
    """

    digest: str
    source: str
    external_digest: str | None
    train_rows: int
    fingerprint: str


def measurement_document(
    measurement: Measurement, baseline: Evaluation, new: Evaluation
) -> dict[str, Any]:
    """Return a measurement with the commitments to both models' predictions."""
    return measurement.to_dict() | {
        "test_root": new.test_root,
        "predictions": {
            "baseline_root": commitment(baseline),
            "new_root": commitment(new),
        },
        "models": {"baseline": baseline.model_digest, "new": new.model_digest},
        "software": software_digest(),
    }


def commitment(evaluation: Evaluation) -> str:
    """Return the Merkle root (hex) over an evaluation's predictions."""
    said = evaluation.predictions
    return predictions_root(
        evaluation.row_digests,
        said.labels,
        said.actual,
        said.predicted,
        scores_in_billionths(said.scores),
    )


def refuse_parts_that_disagree(
    benchmark: Benchmark,
    contributed: ContributedData,
    baseline: ModelIdentity,
    new: ModelIdentity,
    measured: Mapping[str, Any],
) -> None:
    """Check that all parts follow from each other, whatever order they were materialized in.

    Raises:
        PartsDisagree: the contribution is rejected, still holds personal data or test rows,
            or a model or measurement was made from other rows.
    """
    _refuse_contribution(benchmark, contributed)
    spec_hash = benchmark.spec.spec_hash()
    for name, model, source in (
        ("baseline_model", baseline, baseline.external_digest),
        ("new_model", new, contributed.rows.root),
    ):
        expected = training_fingerprint(
            spec_hash=spec_hash,
            base_root=benchmark.base.root,
            contributed_root=source,
            software_digest=software_digest(),
        )
        if model.fingerprint != expected:
            raise PartsDisagree(f"{name} was made from other rows, spec or code; {_REMEDY}")
    # Equal models and rows are not enough: the rule, metrics or seed of the spec may have changed.
    if measured.get("spec_hash") != spec_hash or measured.get("software") != software_digest():
        raise PartsDisagree(f"metric_deltas were measured by another spec or code; {_REMEDY}")
    if measured["test_root"] != benchmark.test.root:
        raise PartsDisagree(f"metric_deltas stand on another test set; {_REMEDY}")
    if measured["models"] != {"baseline": baseline.digest, "new": new.digest}:
        raise PartsDisagree(f"metric_deltas compare other models; {_REMEDY}")


def _refuse_contribution(benchmark: Benchmark, contributed: ContributedData) -> None:
    report = contributed.report
    if not report.accepted:
        raise PartsDisagree("the contribution is rejected; a rejected one gets no attestation")
    found = second_look(contributed.rows, benchmark)
    if (found.root, found.rows) != (contributed.rows.root, report.rows_kept):
        raise PartsDisagree(
            f"contributed_data's rows are not those of its root and report; {_REMEDY}"
        )
    if found.personal_data:
        raise PartsDisagree(f"contributed_data holds personal data that is not hashed; {_REMEDY}")
    if found.test_rows or found.base_rows:
        raise PartsDisagree(f"contributed_data holds test or base rows; {_REMEDY}")


def issue_statement(
    benchmark: Benchmark,
    contributed: ContributedData,
    baseline: ModelIdentity,
    new: ModelIdentity,
    measured: Mapping[str, Any],
    *,
    dry_run: bool,
) -> dict[str, Any]:
    """Return the statement over a measured contribution.

    Args:
        benchmark: what it was measured with.
        contributed: the accepted rows and the intake report.
        baseline: the model measured against.
        new: the model trained with the contribution.
        measured: from `measurement_document`.
        dry_run: whether this was only a rehearsal.

    Raises:
        PartsDisagree: see `refuse_parts_that_disagree`.
    """
    refuse_parts_that_disagree(benchmark, contributed, baseline, new, measured)
    spec, report = benchmark.spec, contributed.report
    rule = rule_of(spec)
    decision = measured["delta_one"]
    result = build_result(
        benchmark={
            "id": spec.id,
            "spec_hash": spec.spec_hash(),
            "base_root": benchmark.base.root,
            "base_rows": benchmark.base.count,
            "test_root": benchmark.test.root,
            "test_rows": benchmark.test.count,
            "labels": list(spec.labels),
            "average": spec.average,
            "positive_label": spec.positive_label,
        },
        baseline_model={"source": baseline.source, "sha256": baseline.external_digest},
        rows={
            "in": report.rows_in,
            "kept": report.rows_kept,
            "hashed": report.rows_hashed,
            "removed": dict(report.to_dict()["rows"]["removed"]),
            "root": contributed.rows.root,
        },
        training_rows={"baseline": baseline.train_rows, "new": new.train_rows},
        predictions=measured["predictions"],
        confusion_cells=[tuple(cell) for cell in measured["confusion_cells"]],
        metrics=measured["metrics"],
        delta_one={
            "rule": {
                "primary": rule.primary,
                "min_examples": rule.min_examples,
                "min_delta_bps": rule.min_delta_bps,
                "guardrails_max_drop_bps": dict(rule.guardrails),
            },
            # The sentence is for people; its wording must not move a hash.
            **{name: value for name, value in decision.items() if name != "reason"},
        },
    )
    claim = build_claim(
        result=result,
        contribution_key=report.contribution,
        raw_digest=report.raw_digest,
        contributors=report.manifest.get("contributors", ()),
        licence=report.manifest.get("licence", ""),
        history=report.history,
        waived_columns=[name for name, column in spec.columns.items() if column.pii == "not_pii"],
        dry_run=dry_run,
    )
    environment = describe_environment(
        baseline_model_digest=baseline.digest, new_model_digest=new.digest
    )
    return build_statement(claim, environment)
