"""The ecosystem's zk-output document, as a view of an attestation.

Every hash in it is computable from the attestation, which the document carries whole in
``signature_blob``, or from the data. Its form: ``schemas/zk-output.schema.json``.
"""

import base64
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from hokusai_assets.attestation.public_inputs import (
    public_inputs,
    public_inputs_hash,
    public_inputs_root,
)
from hokusai_assets.attestation.statement import shown_measurements
from hokusai_assets.contributions.manifest import TOTAL_BASIS_POINTS
from hokusai_assets.evaluation.rounding import PPM, ppm_to_bps, to_ppm

DOCUMENT_VERSION = "1.0"
_RUN_ID = re.compile(r"[a-zA-Z0-9_-]+")
_METRIC_NAME = re.compile(r"[a-z0-9_]+")
# The model's name by the measurement it is of, and its digest in the statement's environment.
_MODELS = {
    "result": (("baseline", "baseline_sha256"), ("new", "new_sha256")),
    "settlement": (("accepted", "accepted_sha256"), ("candidate", "candidate_sha256")),
}


@dataclass(frozen=True)
class Unattested:
    """What the document has a field for and no attestation holds; none of it is hashed.

    Attributes:
        timestamp: when it was issued, RFC 3339.
        run_id: of the pipeline's run, of letters, digits, dashes and underscores; None where it is
            not known: then the attestation_hash stands for it.
        mlflow_run_id: of the contribution's run in MLflow, None where it is not known.
        columns: of the contribution's rows as they were trained on, from the benchmark's spec.
        verification_key: PEM of the key that the signature was verified with, None where none is.
        has_witness: whether a witness that opens the attestation is at hand.
    """

    timestamp: str
    run_id: str | None
    mlflow_run_id: str | None
    columns: Sequence[str]
    verification_key: str | None
    has_witness: bool

    def __post_init__(self) -> None:
        """Refuse a run id that the document can't hold."""
        if self.run_id is not None and not _RUN_ID.fullmatch(self.run_id):
            raise ValueError("a run id has letters, digits, dashes and underscores only")


def zk_output(
    statement: Mapping[str, Any], envelope: bytes, unattested: Unattested
) -> dict[str, Any]:
    """Return the document of an attestation.

    Its figures are those of the settlement, or of the contribution alone where the settlement's
    are kept back.

    Args:
        statement: what is attested.
        envelope: the attestation's file.
        unattested: what the attestation does not hold.
    """
    name, measured = list(shown_measurements(statement["predicate"]["claim"]).items())[-1]
    claim = statement["predicate"]["claim"]
    inputs = public_inputs(statement)
    return {
        "schema_version": DOCUMENT_VERSION,
        "metadata": {
            "pipeline_run_id": unattested.run_id or statement["predicate"]["attestation_hash"],
            "timestamp": unattested.timestamp,
            "pipeline_version": claim["code"]["version"],
            "dry_run": claim["dry_run"],
        },
        "evaluation_results": {
            "baseline_metrics": _metrics(measured, "baseline"),
            "new_metrics": _metrics(measured, "new"),
            "benchmark_metadata": {
                "size": measured["test_rows"],
                "type": _task(claim),
                "dataset_hash": measured["test_root"],
            },
        },
        "delta_computation": _deltas(measured, claim),
        "models": _models(name, measured, statement, unattested),
        **_contributors(claim, unattested.columns),
        "attestation": {
            "hash_tree_root": public_inputs_root(inputs),
            "proof_ready": unattested.has_witness,
            "signature_blob": base64.b64encode(envelope).decode(),
            "verification_key": unattested.verification_key,
            "proof_system": "none",
            "circuit_hash": None,
            "public_inputs_hash": public_inputs_hash(inputs),
        },
    }


def _task(claim: Mapping[str, Any]) -> str:
    binary = len(claim["result"]["benchmark"]["labels"]) == 2
    return "binary_classification" if binary else "multiclass_classification"


def _metrics(measured: Mapping[str, Any], which: str) -> dict[str, float]:
    values = {name: delta[f"{which}_ppm"] for name, delta in measured["metrics"].items()}
    # The document demands it; a benchmark need not measure it, but the cells tell it exactly.
    values.setdefault("accuracy", _accuracy_ppm(measured, 1 if which == "baseline" else 2))
    return {name: ppm / PPM for name, ppm in sorted(values.items())}


def _accuracy_ppm(measured: Mapping[str, Any], column: int) -> int:
    replicas = measured["confusion_cells"]
    hits = sum(cell[3] for cells in replicas for cell in cells if cell[0] == cell[column])
    return to_ppm(Fraction(hits, len(replicas) * measured["test_rows"]))


def _deltas(measured: Mapping[str, Any], claim: Mapping[str, Any]) -> dict[str, Any]:
    primary = claim["settlement"]["rule"]["primary"]
    metrics = dict(sorted(measured["metrics"].items()))
    gains = {
        name: delta["delta_ppm"] if delta["direction"] == "higher" else -delta["delta_ppm"]
        for name, delta in metrics.items()
    }
    return {
        "delta_one_score": ppm_to_bps(gains[primary]) / TOTAL_BASIS_POINTS,
        "metric_deltas": {
            name: {
                "baseline_value": delta["baseline_ppm"] / PPM,
                "new_value": delta["new_ppm"] / PPM,
                "absolute_delta": delta["delta_ppm"] / PPM,
                "relative_delta": delta["relative_delta_ppm"] / PPM,
                "improvement": delta["improved"],
            }
            for name, delta in metrics.items()
            # Of a baseline of 0 there is no relative delta, which the document demands.
            if delta["relative_delta_ppm"] is not None and _METRIC_NAME.fullmatch(name)
        },
        # One metric decides: neither kind of average.
        "computation_method": "custom",
        "metrics_included": [primary],
        "improved_metrics": [name for name, gain in gains.items() if gain > 0],
        "degraded_metrics": [name for name, gain in gains.items() if gain < 0],
    }


def _models(
    name: str,
    measured: Mapping[str, Any],
    statement: Mapping[str, Any],
    unattested: Unattested,
) -> dict[str, Any]:
    result = statement["predicate"]["claim"]["result"]
    digests = statement["predicate"]["environment"]["models"]
    before, after = (measured["training_rows"][which] for which in ("baseline", "new"))
    kept = result["rows"]["kept"]
    documents = []
    for role, digest_name in _MODELS[name]:
        sha256 = digests[digest_name]
        documents.append(
            {
                "model_id": f"{result['benchmark']['id']}-{role}-{sha256[:12]}",
                "model_type": result["estimator"]["name"],
                "model_hash": sha256,
                "training_config_hash": result["benchmark"]["spec_hash"],
            }
        )
    baseline, new = documents
    if unattested.mlflow_run_id is not None:
        new["mlflow_run_id"] = unattested.mlflow_run_id
    if before:
        baseline["training_metadata"] = {"base_samples": before}
    # Under a sampling limit it is not attested which of the contributed rows were trained on.
    if before and after == before + kept:
        new["training_metadata"] = {
            "base_samples": before,
            "contributed_samples": kept,
            "contribution_ratio": kept / after,
        }
    return {"baseline": baseline, "new": new}


def _contributors(claim: Mapping[str, Any], columns: Sequence[str]) -> dict[str, Any]:
    rows = claim["result"]["rows"]
    data = {
        "data_hash": rows["root"],
        "data_manifest": {
            "data_hash": rows["root"],
            "row_count": rows["kept"],
            "column_count": len(columns),
            "columns": sorted(columns),
        },
        # A contribution that breaks a rule gets no attestation.
        "validation_status": "valid",
    }
    named = claim["contributors"]
    if len(named) > 1:
        return {
            "contributors": [
                {
                    "id": each["id"],
                    **data,
                    "weight": each["weight_bps"] / TOTAL_BASIS_POINTS,
                    **_wallet(each),
                }
                for each in named
            ]
        }
    info = data | {"contributed_samples": rows["kept"]}
    for each in named:
        info |= {
            "contributor_id": each["id"],
            "contributor_weights": each["weight_bps"] / TOTAL_BASIS_POINTS,
            **_wallet(each),
        }
    return {"contributor_info": info}


def _wallet(contributor: Mapping[str, Any]) -> dict[str, str]:
    wallet = contributor["wallet"]
    return {"wallet_address": wallet} if wallet is not None else {}
