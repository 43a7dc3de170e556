"""Checking an attestation without trusting who issued it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from hokusai_assets.attestation.envelope import NoEnvelope, is_signed_by, open_envelope
from hokusai_assets.attestation.prediction_commitment import predictions_root, scores_in_billionths
from hokusai_assets.attestation.statement import (
    PREDICATE_TYPE,
    SCHEMA_VERSION,
    STATEMENT_TYPE,
)
from hokusai_assets.attestation.statement_form import form_faults
from hokusai_assets.canonical import rows
from hokusai_assets.canonical.canonical_json import digest
from hokusai_assets.contributions.identity import DIGEST_IN_KEY, is_partition_key
from hokusai_assets.contributions.manifest import TOTAL_BASIS_POINTS
from hokusai_assets.evaluation.decision import DeltaOneRule, decide
from hokusai_assets.evaluation.deltas import MetricDelta, compare, confusion_cells
from hokusai_assets.evaluation.intervals import holm_ppm, mcnemar_exact
from hokusai_assets.evaluation.metrics import Averaging
from hokusai_assets.evaluation.predictions import Predictions
from hokusai_assets.evaluation.registry import registered_metrics
from hokusai_assets.evaluation.rounding import to_ppm
from hokusai_assets.evaluation.sampling_error import method_names

Outcome = Literal["pass", "fail", "not checked"]
# Bounds the memory a hostile statement can ask for: rows times classes, 8 bytes each.
MAX_CHECKED_SCORES = 100_000_000


@dataclass(frozen=True)
class Check:
    """One thing looked at: its name, how it came out, and a sentence."""

    name: str
    outcome: Outcome
    detail: str

    def to_dict(self) -> dict[str, str]:
        """Return the attributes by name."""
        return {"name": self.name, "outcome": self.outcome, "detail": self.detail}


@dataclass(frozen=True)
class Verification:
    """All checks of one attestation, and its statement where it could be read."""

    checks: tuple[Check, ...]
    statement: Mapping[str, Any] | None

    @property
    def passed(self) -> bool:
        """Whether no check failed and the signature was checked."""
        return all(check.outcome != "fail" for check in self.checks) and any(
            check.name == "signature" and check.outcome == "pass" for check in self.checks
        )

    def as_markdown(self) -> str:
        """Return the checks as a list."""
        return "\n".join(f"- {c.outcome}: **{c.name}** {c.detail}" for c in self.checks)


class _Broken(Exception):
    """A relation does not hold; the message says which."""


def verify(
    data: bytes,
    *,
    public_key: Ed25519PublicKey | None,
    predictions: Path | None = None,
    allow_dry_run: bool = False,
) -> Verification:
    """Check an attestation.

    Args:
        data: the envelope's bytes.
        public_key: the issuer's key, got by a way the verifier trusts; None leaves the
            signature unchecked, and the verification does not pass.
        predictions: the per-row Parquet file to hold against the commitments.
        allow_dry_run: accept a statement that says it is a rehearsal.
    """
    try:
        envelope, statement = open_envelope(data)
    except NoEnvelope as error:
        return Verification((Check("envelope", "fail", str(error)),), None)
    checks = [Check("envelope", "pass", "DSSE envelope, canonical JSON payload")]
    if public_key is None:
        checks.append(Check("signature", "not checked", "no public key given: --public-key FILE"))
    elif is_signed_by(envelope, public_key):
        checks.append(Check("signature", "pass", "Ed25519 signature of the given key"))
    else:
        checks.append(Check("signature", "fail", "no signature of the given key verifies"))
    steps: list[tuple[str, str, Callable[[Mapping[str, Any]], None]]] = [
        ("statement", "in-toto Statement v1 about this contribution", _check_form),
        ("hashes", "result_hash and attestation_hash are those of the claim", _check_hashes),
        ("contributors", "the weights are whole and the key is the file's", _check_contributors),
        ("counts", "confusion cells, rows and removals add up", _check_counts),
        ("metrics", "count metrics follow from the confusion cells", _check_metrics),
        ("deltas", "every delta is new minus baseline", _check_deltas),
        ("verdict", "the DeltaOne verdict follows from its rule", _check_verdict),
    ]
    for name, detail, step in steps:
        checks.append(_run(name, detail, lambda step=step: step(statement)))  # type: ignore[misc]
    if allow_dry_run:
        checks.append(Check("dry_run", "not checked", "a dry run is allowed here"))
    else:
        checks.append(_run("dry_run", "not a dry run", lambda: _refuse_dry_run(statement)))
    if predictions is None:
        checks.append(
            Check("predictions", "not checked", "no per-row file given: --predictions FILE")
        )
    else:
        detail = "the per-row file gives both commitments and all metrics"
        checks.append(
            _run("predictions", detail, lambda: _check_predictions(statement, predictions))
        )
    return Verification(tuple(checks), statement)


def _run(name: str, detail: str, step: Callable[[], None]) -> Check:
    try:
        step()
    except _Broken as error:
        return Check(name, "fail", str(error))
    except (OSError, pa.ArrowException) as error:
        return Check(name, "fail", f"the file can't be read ({type(error).__name__})")
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        return Check(name, "fail", f"it is not of the known form ({error!r:.80})")
    return Check(name, "pass", detail)


def _claim(statement: Mapping[str, Any]) -> Mapping[str, Any]:
    claim: Mapping[str, Any] = statement["predicate"]["claim"]
    return claim


def _require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise _Broken(otherwise)


def _check_form(statement: Mapping[str, Any]) -> None:
    _require(statement["_type"] == STATEMENT_TYPE, f"_type is not {STATEMENT_TYPE}")
    _require(statement["predicateType"] == PREDICATE_TYPE, f"predicateType is not {PREDICATE_TYPE}")
    _require(
        statement["predicate"]["schema_version"] == SCHEMA_VERSION,
        f"schema_version is not {SCHEMA_VERSION}: use a verifier of that version",
    )
    faults = form_faults(statement)
    _require(not faults, "; ".join(faults[:3]))
    contribution = _claim(statement)["contribution"]
    subject = [{"name": contribution["key"], "digest": {"sha256": contribution["raw_sha256"]}}]
    _require(statement["subject"] == subject, "the subject is not the claim's contribution")


def _check_hashes(statement: Mapping[str, Any]) -> None:
    predicate, claim = statement["predicate"], _claim(statement)
    _require(predicate["result_hash"] == digest(claim["result"]), "result_hash is wrong")
    _require(predicate["attestation_hash"] == digest(claim), "attestation_hash is wrong")


def _check_contributors(statement: Mapping[str, Any]) -> None:
    claim = _claim(statement)
    key, raw_digest = claim["contribution"]["key"], claim["contribution"]["raw_sha256"]
    _require(
        is_partition_key(key) and key.endswith(f"-{raw_digest[:DIGEST_IN_KEY]}"),
        "the contribution's key does not end with its file's digest",
    )
    contributors = claim["contributors"]
    ids = [contributor["id"] for contributor in contributors]
    _require(len(set(ids)) == len(ids), "a contributor stands twice")
    total = sum(contributor["weight_bps"] for contributor in contributors)
    _require(
        not contributors or total == TOTAL_BASIS_POINTS,
        f"the contributors' weights do not sum to {TOTAL_BASIS_POINTS}",
    )
    waived = claim["waived_columns"]
    _require(waived == sorted(set(waived)), "the waived columns are not sorted and unique")


def _check_counts(statement: Mapping[str, Any]) -> None:
    result = _claim(statement)["result"]
    cells = result["confusion_cells"]
    labels = result["benchmark"]["labels"]
    _require(labels == sorted(set(labels)), "the labels are not sorted and unique")
    keys = [tuple(cell[:3]) for cell in cells]
    _require(
        keys == sorted(set(keys), key=lambda key: [labels.index(name) for name in key]),
        "the confusion cells are not sorted and unique",
    )
    _require(all(cell[3] > 0 for cell in cells), "a confusion cell has no rows")
    _require({cell[0] for cell in cells} == set(labels), "a label has no test rows")
    total = sum(cell[3] for cell in cells)
    _require(total == result["benchmark"]["test_rows"], "the cells do not sum to the test rows")
    counted = result["rows"]
    _require(
        counted["in"] == counted["kept"] + sum(counted["removed"].values()),
        "rows in are not rows kept plus rows removed",
    )
    _require(0 <= counted["hashed"] <= counted["in"], "more rows are hashed than came in")
    history = _claim(statement)["history"]
    _require(
        history["recorded"] > 0 or counted["removed"]["in_earlier_contribution"] == 0,
        "rows of earlier contributions are removed where none was recorded",
    )
    _require(
        history["checked"] or history["recorded"] == 0,
        "earlier contributions are recorded that were not compared with",
    )
    _check_training_rows(result)


def _check_training_rows(result: Mapping[str, Any]) -> None:
    base, kept = result["benchmark"]["base_rows"], result["rows"]["kept"]
    baseline, new = result["training_rows"]["baseline"], result["training_rows"]["new"]
    trained = result["baseline_model"]["source"] == "train"
    _require(
        (result["baseline_model"]["sha256"] is None) == trained,
        "baseline_model: a file's digest goes with a loaded model, and only with one",
    )
    if not trained:
        _require(baseline == 0, "a loaded baseline was not trained on rows of this benchmark")
        _require(new <= base + kept, "more training rows than base and contribution hold")
        return
    _require(baseline <= base, "the baseline has more training rows than the base set")
    # A baseline on fewer rows than the base set is a sample, and the new model's is as large.
    _require(
        baseline <= new <= base + kept and (baseline == base or new == baseline),
        "the training rows are not those of base set, contribution and one sampling limit",
    )


def _check_deltas(statement: Mapping[str, Any]) -> None:
    for name, delta in _claim(statement)["result"]["metrics"].items():
        _require(
            delta["delta_ppm"] == delta["new_ppm"] - delta["baseline_ppm"],
            f"{name}: delta_ppm is not new_ppm - baseline_ppm",
        )
        base = delta["baseline_ppm"]
        relative = round(Fraction(delta["delta_ppm"] * 1_000_000, base)) if base else None
        _require(delta["relative_delta_ppm"] == relative, f"{name}: relative_delta_ppm is wrong")
        _require(delta["low_ppm"] <= delta["high_ppm"], f"{name}: the interval is upside down")
        _require(delta["metric"] == name, f"{name}: metric is wrong")
        metric = registered_metrics()[name]
        least, most = (to_ppm(end) for end in metric.range)
        within = all(least <= delta[key] <= most for key in ("baseline_ppm", "new_ppm"))
        _require(within, f"{name}: a value is out of the metric's range")
        _require(delta["direction"] == metric.direction, f"{name}: direction is wrong")
        gain = -delta["delta_ppm"] if metric.direction == "lower" else delta["delta_ppm"]
        _require(delta["improved"] == (gain > 0), f"{name}: improved is wrong")
        methods = (delta["interval_method"], delta["p_value_method"])
        allowed = method_names(
            metric, replicas=delta["replicas"], confidence_ppm=delta["confidence_ppm"]
        )
        _require(methods in allowed, f"{name}: another method than this metric's")
    _check_adjustment(_claim(statement)["result"])
    # The primary metric is judged at the level its budget allots, all others at one.
    primary = _claim(statement)["result"]["delta_one"]["rule"]["primary"]
    confidences = {
        delta["confidence_ppm"]
        for name, delta in _claim(statement)["result"]["metrics"].items()
        if name != primary
    }
    _require(len(confidences) <= 1, "the secondary metrics' confidences differ")


def _check_adjustment(result: Mapping[str, Any]) -> None:
    primary = result["delta_one"]["rule"]["primary"]
    stated = result["metrics"]
    adjusted = holm_ppm(
        {name: delta["p_value_ppm"] for name, delta in stated.items() if name != primary}
    )
    for name, delta in stated.items():
        _require(
            delta["p_holm_ppm"] == adjusted.get(name, delta["p_value_ppm"]),
            f"{name}: p_holm_ppm does not follow from the p-values",
        )
        _require(
            delta["replicas"] > 1 or delta["training_noise_ppm"] == 0,
            f"{name}: one training shows no training noise",
        )
    _require(
        len({delta["replicas"] for delta in stated.values()}) == 1,
        "the metrics' numbers of replicas differ",
    )


def _averaging(result: Mapping[str, Any]) -> Averaging:
    benchmark = result["benchmark"]
    labels, positive = benchmark["labels"], benchmark["positive_label"]
    index = None if positive is None else labels.index(positive)
    return Averaging.of(benchmark["average"], index, classes=len(labels))


def _check_metrics(statement: Mapping[str, Any]) -> None:
    result = _claim(statement)["result"]
    labels = result["benchmark"]["labels"]
    position = {label: index for index, label in enumerate(labels)}
    averaging = _averaging(result)
    cells = result["confusion_cells"]
    size = sum(cell[3] for cell in cells) * len(labels)
    _require(size <= MAX_CHECKED_SCORES, "the confusion cells hold too many rows to be checked")
    if "accuracy" in result["metrics"]:
        gained = sum(rows for true, before, after, rows in cells if after == true != before)
        lost = sum(rows for true, before, after, rows in cells if before == true != after)
        _require(
            result["metrics"]["accuracy"]["p_value_ppm"] == to_ppm(mcnemar_exact(gained, lost)),
            "accuracy: p_value_ppm does not follow from the confusion cells",
        )
    counts = np.array([cell[3] for cell in cells])
    actual = np.repeat([position[cell[0]] for cell in result["confusion_cells"]], counts)
    for which, column in (("baseline", 1), ("new", 2)):
        predicted = np.repeat(
            [position[cell[column]] for cell in result["confusion_cells"]], counts
        )
        scores = np.eye(len(labels))[predicted]
        said = Predictions(tuple(labels), actual, predicted, scores)
        for name, delta in result["metrics"].items():
            if registered_metrics()[name].needs != "labels":
                continue
            value = to_ppm(registered_metrics()[name].value(said, averaging))
            _require(
                delta[f"{which}_ppm"] == value,
                f"{name}: {which}_ppm does not follow from the confusion cells",
            )


def _check_verdict(statement: Mapping[str, Any]) -> None:
    result = _claim(statement)["result"]
    stated = result["delta_one"]
    rule = stated["rule"]
    expected = decide(
        {name: MetricDelta(**delta) for name, delta in result["metrics"].items()},
        DeltaOneRule(
            primary=rule["primary"],
            min_examples=rule["min_examples"],
            min_delta_bps=rule["min_delta_bps"],
            guardrails=rule["guardrails_max_drop_bps"],
        ),
        test_rows=result["benchmark"]["test_rows"],
        # Both models stand on the one test_root of this statement.
        same_test_set=True,
    ).to_dict()
    for name in ("bps", "conditions", "accepted", "payable_bps"):
        _require(stated[name] == expected[name], f"{name} does not follow from rule and metrics")


def _refuse_dry_run(statement: Mapping[str, Any]) -> None:
    _require(_claim(statement)["dry_run"] is False, "this is a dry run: it attests nothing")


def _check_predictions(statement: Mapping[str, Any], path: Path) -> None:
    result = _claim(statement)["result"]
    labels = tuple(result["benchmark"]["labels"])
    table = pq.read_table(path, memory_map=False)
    digests = [bytes.fromhex(text) for text in table.column("row_digest").to_pylist()]
    _require(
        rows.table_root(digests) == result["benchmark"]["test_root"],
        "the file's rows are not those of the test set",
    )
    position = {label: index for index, label in enumerate(labels)}

    def indices(column: str) -> np.ndarray:
        return np.array([position[name] for name in table.column(column).to_pylist()])

    actual = indices("label")
    averaging = _averaging(result)
    both = []
    for which in ("baseline", "new"):
        scores = np.column_stack(
            [table.column(f"{which}_score:{label}").to_numpy() for label in labels]
        )
        said = Predictions(labels, actual, indices(f"{which}_label"), scores)
        _require(
            bool((said.predicted == scores.argmax(axis=1)).all()),
            f"{which}: a predicted label is not the one with the highest score",
        )
        root = predictions_root(
            digests, labels, said.actual, said.predicted, scores_in_billionths(said.scores)
        )
        _require(
            root == result["predictions"][f"{which}_root"],
            f"{which}: the file's predictions are not those committed to",
        )
        for name, delta in result["metrics"].items():
            _require(
                delta[f"{which}_ppm"] == to_ppm(registered_metrics()[name].value(said, averaging)),
                f"{name}: {which}_ppm does not follow from the predictions",
            )
        both.append(said)
    _check_both(result, both[0], both[1])


def _check_both(result: Mapping[str, Any], baseline: Predictions, new: Predictions) -> None:
    cells = [list(cell) for cell in confusion_cells([baseline], [new])[0]]
    _require(cells == result["confusion_cells"], "the confusion cells are not the predictions'")
    averaging = _averaging(result)
    # Resampled metrics have a bootstrap interval, whose seed only the spec holds.
    for name in (name for name in result["metrics"] if not registered_metrics()[name].is_resampled):
        stated = result["metrics"][name]
        measured = compare(
            [baseline],
            [new],
            metrics=[name],
            average=averaging.average,
            positive=averaging.positive,
            confidence=Decimal(stated["confidence_ppm"]) / 1_000_000,
            resamples=100,
            seed=0,
        )[name].to_dict()
        # The adjusted p-value depends on the other metrics' and is checked with them.
        measured["p_holm_ppm"] = stated["p_holm_ppm"]
        _require(stated == measured, f"{name}: interval or p-value is not the predictions'")
