"""Checking an attestation without trusting who issued it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from hokusai_assets.attestation.envelope import NoEnvelope, is_signed_by, open_envelope
from hokusai_assets.attestation.log_proof import NoProof, check_inclusion
from hokusai_assets.attestation.measurement_checks import (
    Broken,
    check_classes,
    check_counts,
    check_deltas,
    check_metrics,
    check_predictions,
    measurements_of,
    require,
)
from hokusai_assets.attestation.settlement_checks import check_settlement, check_verdict
from hokusai_assets.attestation.statement import (
    PREDICATE_TYPE,
    SCHEMA_VERSION,
    STATEMENT_TYPE,
)
from hokusai_assets.attestation.statement_form import form_faults
from hokusai_assets.attestation.transparency_log import log_line
from hokusai_assets.canonical.canonical_json import digest
from hokusai_assets.contributions.identity import DIGEST_IN_KEY, is_partition_key
from hokusai_assets.contributions.manifest import TOTAL_BASIS_POINTS

Outcome = Literal["pass", "fail", "not checked"]


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


def verify(
    data: bytes,
    *,
    public_key: Ed25519PublicKey | None,
    predictions: Sequence[Path] = (),
    allow_dry_run: bool = False,
    log_proof: bytes | None = None,
    log_key: Ed25519PublicKey | None = None,
) -> Verification:
    """Check an attestation.

    Args:
        data: the envelope's bytes.
        public_key: the issuer's key, got by a way the verifier trusts; None leaves the
            signature unchecked, and the verification does not pass.
        predictions: the per-row Parquet files to hold against the commitments.
        allow_dry_run: accept a statement that says it is a rehearsal.
        log_proof: an inclusion proof in a log of attestations; None asks for none.
        log_key: signs the log's checkpoints; None means the issuer's key.
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
        ("rows", "rows and removals add up", _check_rows),
        ("counts", "confusion cells and training rows add up", _on_each(check_counts)),
        ("metrics", "count metrics follow from the confusion cells", _on_each(check_metrics)),
        ("classes", "what is said of classes does so too", _on_each(check_classes)),
        ("deltas", "every delta is new minus baseline", _on_each(check_deltas)),
        ("settlement", "budget, level and what was shown fit together", _step(check_settlement)),
        ("verdict", "the DeltaOne verdict follows from its rule", _step(check_verdict)),
    ]
    for name, detail, step in steps:
        checks.append(_run(name, detail, lambda step=step: step(statement)))  # type: ignore[misc]
    if allow_dry_run:
        checks.append(Check("dry_run", "not checked", "a dry run is allowed here"))
    else:
        checks.append(_run("dry_run", "not a dry run", lambda: _refuse_dry_run(statement)))
    if not predictions:
        checks.append(
            Check("predictions", "not checked", "no per-row file given: --predictions FILE")
        )
    else:
        detail = "the per-row files give the commitments and all metrics"
        checks.append(
            _run("predictions", detail, lambda: _check_predictions(statement, predictions))
        )
    if log_proof is not None:
        checks.append(_logged(log_proof, statement, data, log_key or public_key))
    return Verification(tuple(checks), statement)


def _logged(
    proof: bytes, statement: Mapping[str, Any], data: bytes, key: Ed25519PublicKey | None
) -> Check:
    if key is None:
        return Check("log", "not checked", "no public key given: --public-key FILE")
    try:
        found = check_inclusion(proof, log_line(statement, data), key)
    except NoProof as error:
        return Check("log", "fail", str(error))
    except (LookupError, TypeError, ValueError):
        return Check("log", "fail", "the statement is not of the known form")
    return Check("log", "pass", f"in the log {found.origin} of size {found.size:,}")


def _run(name: str, detail: str, step: Callable[[], None]) -> Check:
    try:
        step()
    except Broken as error:
        return Check(name, "fail", str(error))
    except (OSError, pa.ArrowException) as error:
        return Check(name, "fail", f"the file can't be read ({type(error).__name__})")
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        return Check(name, "fail", f"it is not of the known form ({error!r:.80})")
    return Check(name, "pass", detail)


def _step(
    check: Callable[[Mapping[str, Any]], None],
) -> Callable[[Mapping[str, Any]], None]:
    return lambda statement: check(_claim(statement))


def _claim(statement: Mapping[str, Any]) -> Mapping[str, Any]:
    claim: Mapping[str, Any] = statement["predicate"]["claim"]
    return claim


def _check_form(statement: Mapping[str, Any]) -> None:
    require(statement["_type"] == STATEMENT_TYPE, f"_type is not {STATEMENT_TYPE}")
    require(statement["predicateType"] == PREDICATE_TYPE, f"predicateType is not {PREDICATE_TYPE}")
    require(
        statement["predicate"]["schema_version"] == SCHEMA_VERSION,
        f"schema_version is not {SCHEMA_VERSION}: use a verifier of that version",
    )
    faults = form_faults(statement)
    require(not faults, "; ".join(faults[:3]))
    contribution = _claim(statement)["contribution"]
    subject = [{"name": contribution["key"], "digest": {"sha256": contribution["raw_sha256"]}}]
    require(statement["subject"] == subject, "the subject is not the claim's contribution")


def _check_hashes(statement: Mapping[str, Any]) -> None:
    predicate, claim = statement["predicate"], _claim(statement)
    require(predicate["result_hash"] == digest(claim["result"]), "result_hash is wrong")
    require(predicate["attestation_hash"] == digest(claim), "attestation_hash is wrong")


def _check_contributors(statement: Mapping[str, Any]) -> None:
    claim = _claim(statement)
    key, raw_digest = claim["contribution"]["key"], claim["contribution"]["raw_sha256"]
    require(
        is_partition_key(key) and key.endswith(f"-{raw_digest[:DIGEST_IN_KEY]}"),
        "the contribution's key does not end with its file's digest",
    )
    contributors = claim["contributors"]
    ids = [contributor["id"] for contributor in contributors]
    require(len(set(ids)) == len(ids), "a contributor stands twice")
    total = sum(contributor["weight_bps"] for contributor in contributors)
    require(
        not contributors or total == TOTAL_BASIS_POINTS,
        f"the contributors' weights do not sum to {TOTAL_BASIS_POINTS}",
    )
    waived = claim["waived_columns"]
    require(waived == sorted(set(waived)), "the waived columns are not sorted and unique")


def _check_rows(statement: Mapping[str, Any]) -> None:
    claim = _claim(statement)
    result, history = claim["result"], claim["history"]
    labels = result["benchmark"]["labels"]
    require(labels == sorted(set(labels)), "the labels are not sorted and unique")
    counted = result["rows"]
    require(
        counted["in"] == counted["kept"] + sum(counted["removed"].values()),
        "rows in are not rows kept plus rows removed",
    )
    require(0 <= counted["hashed"] <= counted["in"], "more rows are hashed than came in")
    require(
        history["recorded"] > 0 or counted["removed"]["in_earlier_contribution"] == 0,
        "rows of earlier contributions are removed where none was recorded",
    )
    require(
        history["checked"] or history["recorded"] == 0,
        "earlier contributions are recorded that were not compared with",
    )
    require(
        (result["baseline_model"]["sha256"] is None)
        == (result["baseline_model"]["source"] == "train"),
        "baseline_model: a file's digest goes with a loaded model, and only with one",
    )


def _measurements(statement: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the measurements that the statement shows: of the result, and of the settlement."""
    claim = _claim(statement)
    settled = claim["settlement"]["measurement"]
    return [claim["result"]["measurement"], *([settled] if settled is not None else [])]


def _on_each(
    check: Callable[[Mapping[str, Any], Mapping[str, Any]], None],
) -> Callable[[Mapping[str, Any]], None]:
    def step(statement: Mapping[str, Any]) -> None:
        for measured in _measurements(statement):
            check(measured, _claim(statement))

    return step


def _refuse_dry_run(statement: Mapping[str, Any]) -> None:
    require(_claim(statement)["dry_run"] is False, "this is a dry run: it attests nothing")


def _check_predictions(statement: Mapping[str, Any], paths: Sequence[Path]) -> None:
    shown = _measurements(statement)
    seen = [False] * len(shown)
    for path in paths:
        table = pq.read_table(path, memory_map=False)
        file, fits = measurements_of(table, shown, _claim(statement))
        for measured in fits:
            check_predictions(file, measured, _claim(statement))
            seen[[other is measured for other in shown].index(True)] = True
    require(
        all(seen),
        "a file for each measurement is needed: one of the contribution alone "
        "(metric_deltas), one of its settlement",
    )
