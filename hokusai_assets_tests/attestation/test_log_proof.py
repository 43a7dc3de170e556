"""Proofs of a log: they hold without the log, and only for what they are of."""

import json
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from securesystemslib.signer import Signer

from hokusai_assets.attestation.checkpoint import Checkpoint
from hokusai_assets.attestation.envelope import sign_statement
from hokusai_assets.attestation.key_files import generate
from hokusai_assets.attestation.log_check import check_log
from hokusai_assets.attestation.log_proof import (
    NoProof,
    check_consistency,
    check_inclusion,
    consistency_proof,
    inclusion_proof,
)
from hokusai_assets.attestation.public_keys import public_pem
from hokusai_assets.attestation.transparency_log import log_line
from hokusai_assets.attestation.trust_policy import TrustPolicy
from hokusai_assets.attestation.verification import verify
from hokusai_assets.canonical import merkle
from hokusai_assets_tests.attestation.changed_statements import PUBLIC, failed
from hokusai_assets_tests.attestation.logged_entries import LOG_KEY, line_of
from hokusai_assets_tests.attestation.measured_contribution import SIGNING_KEY, resign

LOG_PUBLIC = LOG_KEY.public_key
P256_SIGNER = generate("ecdsa-p256")
sizes = st.integers(1, 12)


def checkpoint_of(lines: list[bytes], signer: Signer = LOG_KEY) -> Checkpoint:
    root = merkle.root([merkle.leaf_hash(line) for line in lines])
    return Checkpoint("a.log", len(lines), root).signed(signer)


def lines_of(size: int) -> list[bytes]:
    return [line_of(number) for number in range(size)]


def as_bytes(proof: dict[str, Any]) -> bytes:
    return json.dumps(proof).encode()


@settings(deadline=None)
@given(sizes, st.data())
def test_an_inclusion_proof_holds_for_its_line_alone(size: int, data: st.DataObject) -> None:
    lines = lines_of(size)
    index = data.draw(st.integers(0, size - 1))
    # A log that has grown since proves what its checkpoint covers.
    proof = as_bytes(inclusion_proof([*lines, line_of(99)], index, checkpoint_of(lines)))
    assert check_inclusion(proof, lines[index], [LOG_PUBLIC]) == checkpoint_of(lines)
    with pytest.raises(NoProof, match="does not lead"):
        check_inclusion(proof, line_of(index, attested=1), [PUBLIC, LOG_PUBLIC])
    with pytest.raises(NoProof, match="given key"):
        check_inclusion(proof, lines[index], [PUBLIC])


@settings(deadline=None)
@given(sizes, sizes)
def test_a_consistency_proof_holds_for_its_own_past_alone(one: int, other: int) -> None:
    first, second = sorted((one, other))
    lines = lines_of(second)
    proof = as_bytes(consistency_proof(lines, first, checkpoint_of(lines)))
    earlier = checkpoint_of(lines[:first])
    assert check_consistency(proof, earlier, [LOG_PUBLIC]) == checkpoint_of(lines)
    rewritten = checkpoint_of([line_of(0, attested=1), *lines[1:first]])
    with pytest.raises(NoProof, match="does not continue"):
        check_consistency(proof, rewritten, [LOG_PUBLIC])
    with pytest.raises(NoProof, match="another"):
        check_consistency(proof, checkpoint_of(lines_of(first + 1)), [LOG_PUBLIC])


@pytest.mark.parametrize(
    "change",
    [
        {"index": True},
        {"index": "0"},
        {"index": -1},
        {"index": 3},
        {"size": 2},
        {"path": ["00"]},
        {"path": None},
        {"path": [1]},
        {"checkpoint": 7},
        {"checkpoint": "text"},
        {"more": 1},
    ],
)
def test_a_changed_proof_proves_nothing(change: dict[str, Any]) -> None:
    lines = lines_of(3)
    proof = inclusion_proof(lines, 1, checkpoint_of(lines))
    with pytest.raises(NoProof):
        check_inclusion(as_bytes(proof | change), lines[1], [LOG_PUBLIC])


@pytest.mark.parametrize("data", [b"", b"[]", b"7", b"\xff", b"[" * 100_000, b" " * 300_000])
def test_other_bytes_prove_nothing(data: bytes) -> None:
    with pytest.raises(NoProof):
        check_inclusion(data, line_of(0), [LOG_PUBLIC])


def test_a_verification_takes_a_proof_by_the_issuers_key_or_the_logs_own(
    statement: dict[str, Any],
) -> None:
    data = resign(statement)
    lines = [line_of(0), log_line(statement)]
    by_issuer = as_bytes(inclusion_proof(lines, 1, checkpoint_of(lines, SIGNING_KEY)))
    by_log = as_bytes(inclusion_proof(lines, 1, checkpoint_of(lines)))
    found = verify(data, public_key=PUBLIC, log_proof=by_issuer)
    assert found.passed
    assert found.checks[-1].to_dict() == {
        "name": "log", "outcome": "pass", "detail": "in the log a.log of size 2"
    }  # fmt: skip
    assert verify(data, public_key=PUBLIC, log_proof=by_log, log_key=LOG_PUBLIC).passed
    assert failed(verify(data, public_key=PUBLIC, log_proof=by_log)) == ["log"]
    assert not verify(data, public_key=None, log_proof=by_issuer).passed
    # What else is stated is another entry.
    statement["predicate"]["claim"]["contribution"]["licence"] += "-2"
    assert failed(verify(resign(statement), public_key=PUBLIC, log_proof=by_issuer)) == ["log"]


def test_a_signature_more_or_another_leaves_entry_and_proof_as_they_are(
    statement: dict[str, Any],
) -> None:
    proof = as_bytes(inclusion_proof(lines := [log_line(statement)], 0, checkpoint_of(lines)))
    after = sign_statement(statement, SIGNING_KEY, P256_SIGNER)
    before = sign_statement(statement, generate("ecdsa-p256"), SIGNING_KEY)
    for data in (sign_statement(statement, SIGNING_KEY), after, before):
        found = verify(data, public_key=PUBLIC, log_proof=proof, log_key=LOG_PUBLIC)
        assert found.passed
        assert found.checks[-1].name == "log"


@pytest.mark.parametrize(
    ("changes", "outcome"),
    [
        ({}, "pass"),
        ({"valid_until": "2026-11-26"}, "fail"),
        ({"revoked": {"at": "2027-01-01"}}, "fail"),
    ],
)
def test_of_a_policy_the_log_is_signed_by_a_key_that_counts(
    statement: dict[str, Any], changes: dict[str, Any], outcome: str
) -> None:
    # The first key may sign attestations only; the second has signed the log.
    data = sign_statement(statement, P256_SIGNER, SIGNING_KEY)
    lines = [line_of(0), log_line(statement)]
    proof = as_bytes(inclusion_proof(lines, 1, checkpoint_of(lines, SIGNING_KEY)))
    policy = TrustPolicy.model_validate(
        {"version": 1, "keys": [entry(P256_SIGNER), entry(SIGNING_KEY) | changes]}
    )
    found = verify(data, trust=(policy, date(2026, 11, 27)), log_proof=proof)
    assert found.checks[-1].name == "log"
    assert found.checks[-1].outcome == outcome


def entry(signer: Signer) -> dict[str, Any]:
    key = signer.public_key
    return {"id": key.keyid, "owner": "X", "public_key": public_pem(key).decode()}


def test_a_log_may_be_signed_by_a_p256_key(statement: dict[str, Any]) -> None:
    data = sign_statement(statement, P256_SIGNER)
    lines = [log_line(statement)]
    own, other = (
        as_bytes(inclusion_proof(lines, 0, checkpoint_of(lines, signer)))
        for signer in (P256_SIGNER, LOG_KEY)
    )
    assert verify(data, public_key=P256_SIGNER.public_key, log_proof=own).passed
    found = verify(data, public_key=P256_SIGNER.public_key, log_proof=other)
    assert failed(found) == ["log"]
    log_key = LOG_KEY.public_key
    assert verify(data, public_key=P256_SIGNER.public_key, log_proof=other, log_key=log_key).passed


def test_a_statement_that_no_line_can_be_made_of_fails(statement: dict[str, Any]) -> None:
    lines = [line_of(0)]
    proof = as_bytes(inclusion_proof(lines, 0, checkpoint_of(lines)))
    for body in ({}, {"predicate": {}}, {"predicate": {"claim": 1}}):
        found = verify(sign_statement(body, SIGNING_KEY), log_proof=proof, log_key=LOG_PUBLIC)
        assert "log" in failed(found)


@pytest.mark.parametrize("payload", [{}, {"predicate": 7}, {"predicate": {"claim": []}}])
def test_a_statement_of_another_form_fails_and_does_not_crash(payload: dict[str, Any]) -> None:
    lines = lines_of(1)
    proof = as_bytes(inclusion_proof(lines, 0, checkpoint_of(lines, SIGNING_KEY)))
    found = verify(sign_statement(payload, SIGNING_KEY), public_key=PUBLIC, log_proof=proof)
    assert "log" in failed(found)


def test_a_monitor_is_told_of_every_break_and_every_double() -> None:
    lines = [*lines_of(3), line_of(1, attested=1)]
    whole = checkpoint_of(lines)
    report = check_log(lines, whole, keys=[LOG_PUBLIC])
    assert [check.outcome for check in report.checks] == ["pass"] * 3
    assert [[e["index"] for e in entries] for entries in report.doubles] == [[1, 3]]
    assert not report.passed
    # Whoever has seen it before is not told again.
    assert check_log(lines, whole, since=whole, keys=[LOG_PUBLIC]).passed
    assert not check_log(lines, whole, since=checkpoint_of(lines[:3]), keys=[LOG_PUBLIC]).passed


def outcomes(*arguments: Any, **named: Any) -> dict[str, str]:
    report = check_log(*arguments, **named)
    assert not report.passed
    return {check.name: check.outcome for check in report.checks if check.outcome == "fail"}


def test_a_rewritten_cut_or_foreign_log_fails() -> None:
    lines = lines_of(4)
    whole = checkpoint_of(lines)
    rewritten = [line_of(0, attested=1), *lines[1:]]
    assert outcomes(rewritten, whole) == {"root": "fail"}
    assert outcomes(lines[:3], whole) == {"root": "fail"}
    assert outcomes(lines, None) == {"root": "fail"}
    # Signed anew it has a root, but not the past that was kept.
    assert outcomes(rewritten, checkpoint_of(rewritten), since=whole) == {"past": "fail"}
    assert outcomes(lines[:3], checkpoint_of(lines[:3]), since=whole) == {"past": "fail"}
    assert outcomes(lines, whole, keys=[PUBLIC]) == {"signature": "fail"}
    other = Checkpoint("b.log", 4, whole.root).signed(LOG_KEY)
    assert outcomes(lines, whole, since=other, keys=[LOG_PUBLIC]) == {"past": "fail"}
    assert outcomes([b"x"], checkpoint_of([b"x"])) == {"lines": "fail"}


def test_a_log_that_no_key_vouches_for_does_not_pass() -> None:
    lines = lines_of(3)
    signed = checkpoint_of(lines)
    unsigned = replace(signed, signatures=())
    assert check_log(lines, signed, keys=[LOG_PUBLIC]).passed
    assert outcomes(lines, signed) == {}
    assert outcomes(lines, unsigned) == {}
    assert outcomes(lines, unsigned, keys=[LOG_PUBLIC]) == {"signature": "fail"}
    assert outcomes(lines, signed, since=unsigned, keys=[LOG_PUBLIC]) == {"since": "fail"}
    older = checkpoint_of(lines[:2], P256_SIGNER)
    assert outcomes(lines, signed, since=older, keys=[LOG_PUBLIC]) == {"since": "fail"}
    past = [P256_SIGNER.public_key]
    assert check_log(lines, signed, since=older, keys=[LOG_PUBLIC], since_keys=past).passed
    assert outcomes(lines, None) == {"root": "fail"}
    assert outcomes(lines, None, keys=[LOG_PUBLIC]) == {"root": "fail", "signature": "fail"}
    assert outcomes([], None) == {}
    assert outcomes([], None, keys=[LOG_PUBLIC]) == {"signature": "fail"}


def test_a_log_ahead_of_its_checkpoint_passes() -> None:
    ahead = check_log(lines_of(4), checkpoint_of(lines_of(3)), keys=[LOG_PUBLIC])
    assert ahead.passed
    assert "1 more" in ahead.checks[1].detail
