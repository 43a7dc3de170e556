"""Issuing an attestation: checks that its parts belong together, and the statement over them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hokusai_assets.attestation.benchmark_check import (
    benchmark_facts,
    estimator_facts,
    rule_facts,
    waived_columns,
)
from hokusai_assets.attestation.metric_sources import metric_sources
from hokusai_assets.attestation.prediction_commitment import commitment
from hokusai_assets.attestation.statement import (
    build_claim,
    build_result,
    build_statement,
    describe_environment,
    software_digest,
)
from hokusai_assets.benchmarks.loading import Benchmark
from hokusai_assets.benchmarks.spec import BenchmarkSpec
from hokusai_assets.benchmarks.test_split import TestPart
from hokusai_assets.canonical.canonical_json import digest
from hokusai_assets.contributions.intake import ContributedData
from hokusai_assets.contributions.second_look import second_look
from hokusai_assets.evaluation.measurement import Evaluation, Measurement
from hokusai_assets.evaluation.settlement import Settlement
from hokusai_assets.models.training import training_fingerprint

_REMEDY = (
    "run the contribution's whole job again: `hokusai backfill --benchmark ID KEY`, or in the UI "
    "the benchmark's baseline job and then all assets of the partition"
)

_NOT_SHOWN = (
    "Not accepted: on the private part of the test set it does not pass. By how much it does not "
    "stays private, so that nobody can climb on it."
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


_MEASURED = (
    "part",
    "test_root",
    "test_rows",
    "training_rows",
    "predictions",
    "confusion_cells",
    "metrics",
    "groups",
)


def model_fingerprint(benchmark: Benchmark, contributed_roots: Sequence[str]) -> str:
    """Return what a model follows from: a benchmark, rows added to its base set, this code.

    Args:
        benchmark: its spec and base set.
        contributed_roots: Merkle roots (hex) of the rows added, in order; of a loaded baseline
            the SHA-256 of its file.
    """
    return training_fingerprint(
        spec_hash=benchmark.spec.spec_hash(),
        base_root=benchmark.base.root,
        contributed_roots=contributed_roots,
        software_digest=software_digest(),
    )


def measurement_document(
    measurement: Measurement,
    baseline: Evaluation,
    new: Evaluation,
    *,
    training_rows: tuple[int, int],
    part: TestPart,
    spec: BenchmarkSpec,
) -> dict[str, Any]:
    """Return a measurement with the commitments to both models' predictions.

    Args:
        measurement: what was measured.
        baseline, new: both models' predictions on the whole test set.
        training_rows: rows behind the baseline and the new model.
        part: the rows that were measured on.
        spec: what it was measured by.
    """
    return measurement.to_dict() | {
        "training_rows": {"baseline": training_rows[0], "new": training_rows[1]},
        "predictions": {
            "baseline_root": commitment(baseline.on(part)),
            "new_root": commitment(new.on(part)),
        },
        "models": {"baseline": baseline.model_digest, "new": new.model_digest},
        "spec_hash": spec.spec_hash(),
        "software": software_digest(),
        "metric_sources": metric_sources(measurement.deltas),
    }


def settlement_document(
    settlement: Settlement, measured: Mapping[str, Any], *, rows_root: str, released: bool
) -> dict[str, Any]:
    """Return a settlement as it is kept; see `settlement_claim` for what is told of it.

    Args:
        settlement: the judgement.
        measured: `measurement_document` of what it stands on.
        rows_root: Merkle root (hex) of the contribution's rows.
        released: whether anyone may see what was measured.
    """
    return settlement.to_dict() | {
        "measurement": dict(measured),
        "rows_root": rows_root,
        "released": released,
    }


def settlement_claim(settled: Mapping[str, Any], spec: BenchmarkSpec) -> dict[str, Any]:
    """Return what an attestation tells of a settlement.

    Where the deciding part of the test set is private and the contribution was not accepted,
    that is all that is told; a digest commits to the rest.
    """
    measurement = {name: settled["measurement"][name] for name in _MEASURED}
    released = settled["released"]
    verdict = shown_verdict(settled)
    # The sentence is for people; its wording must not move a hash.
    del verdict["reason"]
    return {
        "rule": rule_facts(spec),
        "budget": dict(settled["budget"]),
        "accepted_before": [dict(entry) for entry in settled["accepted_before"]],
        "paid_before_bps": settled["paid_before_bps"],
        "paid_for_it_before_bps": settled["paid_for_it_before_bps"],
        "released": released,
        "measurement_sha256": digest(measurement),
        "measurement": measurement if released else None,
        "certain_total_bps": settled["certain_total_bps"] if released else None,
        "delta_one": verdict,
    }


def shown_verdict(settled: Mapping[str, Any]) -> dict[str, Any]:
    """Return the verdict of a settlement, without what is measured where that stays private."""
    decision = dict(settled["delta_one"])
    if not settled["released"]:
        decision |= {"bps": None, "conditions": [], "reason": _NOT_SHOWN}
    return decision


def refuse_parts_that_disagree(
    benchmark: Benchmark,
    contributed: ContributedData,
    baseline: ModelIdentity,
    new: ModelIdentity,
    measured: Mapping[str, Any],
    settled: Mapping[str, Any],
) -> None:
    """Check that all parts follow from each other, whatever order they were materialized in.

    Raises:
        PartsDisagree: the contribution is rejected, still holds personal data or test rows,
            or a model or measurement was made from other rows.
    """
    _refuse_contribution(benchmark, contributed)
    spec = benchmark.spec
    spec_hash = spec.spec_hash()
    sources = [baseline.external_digest] if baseline.external_digest else []
    for name, model, roots in (
        ("baseline_model", baseline, sources),
        ("new_model", new, [contributed.rows.root]),
    ):
        if model.fingerprint != model_fingerprint(benchmark, roots):
            raise PartsDisagree(f"{name} was made from other rows, spec or code; {_REMEDY}")
    # Equal models and rows are not enough: the rule, metrics or seed of the spec may have changed.
    split = benchmark.split
    for name, document, part in (
        ("metric_deltas", measured, split.shown),
        ("settlement", settled["measurement"], split.deciding),
    ):
        if (document.get("spec_hash"), document.get("software")) != (spec_hash, software_digest()):
            raise PartsDisagree(f"{name} was measured by another spec or code; {_REMEDY}")
        if document.get("metric_sources") != metric_sources(spec.metrics.names):
            raise PartsDisagree(
                f"{name} was measured by another version of a metric's plug-in; {_REMEDY}"
            )
        if document["test_root"] != part.root:
            raise PartsDisagree(f"{name} stands on another test set; {_REMEDY}")
    if settled["rows_root"] != contributed.rows.root:
        raise PartsDisagree(f"settlement is of other rows; {_REMEDY}")
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
    settled: Mapping[str, Any],
    *,
    dry_run: bool,
) -> dict[str, Any]:
    """Return the statement over a measured and settled contribution.

    Args:
        benchmark: what it was measured with.
        contributed: the accepted rows and the intake report.
        baseline: the benchmark's baseline.
        new: the model trained with the contribution alone.
        measured: how those two differ, from `measurement_document`.
        settled: from `settlement_document`.
        dry_run: whether this was only a rehearsal.

    Raises:
        PartsDisagree: see `refuse_parts_that_disagree`.
    """
    refuse_parts_that_disagree(benchmark, contributed, baseline, new, measured, settled)
    spec, report = benchmark.spec, contributed.report
    result = build_result(
        benchmark=benchmark_facts(benchmark),
        baseline_model={"source": baseline.source, "sha256": baseline.external_digest},
        estimator=estimator_facts(spec),
        rows={
            "in": report.rows_in,
            "kept": report.rows_kept,
            "hashed": report.rows_hashed,
            "removed": dict(report.to_dict()["rows"]["removed"]),
            "root": contributed.rows.root,
        },
        measurement={name: measured[name] for name in _MEASURED},
    )
    claim = build_claim(
        result=result,
        contribution_key=report.contribution,
        raw_digest=report.raw_digest,
        contributors=report.manifest.get("contributors", ()),
        licence=report.manifest.get("licence", ""),
        history=report.history,
        settlement=settlement_claim(settled, spec),
        metric_sources=measured["metric_sources"],
        waived_columns=waived_columns(spec),
        dry_run=dry_run,
    )
    models = settled["measurement"]["models"]
    environment = describe_environment(
        {
            "baseline_sha256": baseline.digest,
            "new_sha256": new.digest,
            "accepted_sha256": models["baseline"],
            "candidate_sha256": models["new"],
        }
    )
    return build_statement(claim, environment)
