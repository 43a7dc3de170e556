"""Proofs of a log: they hold without the log, and only for what they are of."""

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from hokusai_assets.attestation.checkpoint import Checkpoint
from hokusai_assets.attestation.envelope import sign_statement
from hokusai_assets.attestation.log_check import check_log
from hokusai_assets.attestation.log_proof import (
    NoProof,
    check_consistency,
    check_inclusion,
    consistency_proof,
    inclusion_proof,
)
from hokusai_assets.attestation.transparency_log import log_line
from hokusai_assets.attestation.verification import verify
from hokusai_assets.canonical import merkle
from hokusai_assets_tests.attestation.changed_statements import PUBLIC, failed
from hokusai_assets_tests.attestation.logged_entries import LOG_KEY, line_of
from hokusai_assets_tests.attestation.measured_contribution import SIGNING_KEY, resign

LOG_PUBLIC = LOG_KEY.public_key()
sizes = st.integers(1, 12)


def checkpoint_of(lines: list[bytes], key: Ed25519PrivateKey = LOG_KEY) -> Checkpoint:
    root = merkle.root([merkle.leaf_hash(line) for line in lines])
    return Checkpoint("a.log", len(lines), root).signed(key)


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
    assert check_inclusion(proof, lines[index], LOG_PUBLIC) == checkpoint_of(lines)
    with pytest.raises(NoProof, match="does not lead"):
        check_inclusion(proof, line_of(index, attested=1), LOG_PUBLIC)
    with pytest.raises(NoProof, match="given key"):
        check_inclusion(proof, lines[index], PUBLIC)


@settings(deadline=None)
@given(sizes, sizes)
def test_a_consistency_proof_holds_for_its_own_past_alone(one: int, other: int) -> None:
    first, second = sorted((one, other))
    lines = lines_of(second)
    proof = as_bytes(consistency_proof(lines, first, checkpoint_of(lines)))
    earlier = checkpoint_of(lines[:first])
    assert check_consistency(proof, earlier, LOG_PUBLIC) == checkpoint_of(lines)
    rewritten = checkpoint_of([line_of(0, attested=1), *lines[1:first]])
    with pytest.raises(NoProof, match="does not continue"):
        check_consistency(proof, rewritten, LOG_PUBLIC)
    with pytest.raises(NoProof, match="another"):
        check_consistency(proof, checkpoint_of(lines_of(first + 1)), LOG_PUBLIC)


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
        check_inclusion(as_bytes(proof | change), lines[1], LOG_PUBLIC)


@pytest.mark.parametrize("data", [b"", b"[]", b"7", b"\xff", b"[" * 100_000, b" " * 300_000])
def test_other_bytes_prove_nothing(data: bytes) -> None:
    with pytest.raises(NoProof):
        check_inclusion(data, line_of(0), LOG_PUBLIC)


def test_a_verification_takes_a_proof_by_the_issuers_key_or_the_logs_own(
    statement: dict[str, Any],
) -> None:
    data = resign(statement)
    lines = [line_of(0), log_line(statement, data)]
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
    # The same claim, signed into another file, is another entry.
    other = resign(statement) + b"\n"
    assert failed(verify(other, public_key=PUBLIC, log_proof=by_issuer)) == ["log"]


@pytest.mark.parametrize("payload", [{}, {"predicate": 7}, {"predicate": {"claim": []}}])
def test_a_statement_of_another_form_fails_and_does_not_crash(payload: dict[str, Any]) -> None:
    lines = lines_of(1)
    proof = as_bytes(inclusion_proof(lines, 0, checkpoint_of(lines, SIGNING_KEY)))
    found = verify(sign_statement(payload, SIGNING_KEY), public_key=PUBLIC, log_proof=proof)
    assert "log" in failed(found)


def test_a_monitor_is_told_of_every_break_and_every_double() -> None:
    lines = [*lines_of(3), line_of(1, attested=1)]
    whole = checkpoint_of(lines)
    report = check_log(lines, whole, key=LOG_PUBLIC)
    assert [check.outcome for check in report.checks] == ["pass"] * 3
    assert [[e["index"] for e in entries] for entries in report.doubles] == [[1, 3]]
    assert not report.passed
    # Whoever has seen it before is not told again.
    assert check_log(lines, whole, since=whole, key=LOG_PUBLIC).passed
    assert not check_log(lines, whole, since=checkpoint_of(lines[:3]), key=LOG_PUBLIC).passed


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
    assert outcomes(lines, whole, key=PUBLIC) == {"signature": "fail"}
    other = Checkpoint("b.log", 4, whole.root).signed(LOG_KEY)
    assert outcomes(lines, whole, since=other, key=LOG_PUBLIC) == {"past": "fail"}
    assert outcomes([b"x"], checkpoint_of([b"x"])) == {"lines": "fail"}


def test_an_empty_log_and_one_ahead_of_its_checkpoint_pass() -> None:
    assert check_log([], None).passed
    ahead = check_log(lines_of(4), checkpoint_of(lines_of(3)), key=LOG_PUBLIC)
    assert ahead.passed
    assert "1 more" in ahead.checks[1].detail
