"""Verification: passes on a real attestation, and says why not for every change of one."""

import base64
import json
import re
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from securesystemslib.signer import CryptoSigner  # type: ignore[attr-defined]

from hokusai_assets.attestation.envelope import sign_statement
from hokusai_assets.attestation.key_files import dry_run_signer, generate
from hokusai_assets.attestation.public_keys import KEY_TYPES, KeyType, public_pem
from hokusai_assets.attestation.trust_policy import TrustPolicy
from hokusai_assets.attestation.verification import verify
from hokusai_assets.canonical.canonical_json import canonical_bytes, digest
from hokusai_assets_tests.attestation.changed_statements import (
    PUBLIC,
    KeyPath,
    another,
    changed,
    details,
    failed,
)
from hokusai_assets_tests.attestation.measured_contribution import SIGNING_KEY, Parts, resign

# Only the holder of the key can change these so that nothing else in the statement tells: they
# name things outside of it (files, roots, code, people) or follow from a seed that the spec holds.
NOT_RELATED = r"""
claim\.code\.sha256
claim\.contribution\.licence
claim\.contributors\.\d+\.(id|wallet)
claim\.history\.(checked|recorded|digest)
claim\.waived_columns\.\d+
claim\.result\.estimator\.(name|seed|seeds|reproducible)
claim\.result\.rows\.(root|hashed)
claim\.result\.measurement\.metrics\.auroc\.(low|high)_ppm
claim\.settlement\.budget\.(ledger_digest|position)
claim\.settlement\.rule\.groups\.min_group_rows
environment\.(python|machine)
environment\.packages\.[\w-]+\.(version|sha256)
"""
UNRELATED = re.compile("|".join(NOT_RELATED.split()))


def leaf_paths(node: Any, path: KeyPath = ()) -> Iterator[KeyPath]:
    if isinstance(node, dict | list):
        for key, value in node.items() if isinstance(node, dict) else enumerate(node):
            yield from leaf_paths(value, (*path, key))
    else:
        yield path


def test_a_real_attestation_passes(
    parts: Parts, statement: dict[str, Any], predictions: Path
) -> None:
    verification = verify(resign(statement), public_key=PUBLIC, predictions=[predictions])
    assert failed(verification) == []
    assert verification.passed
    # No data folder is given.
    unchecked = [check.name for check in verification.checks if check.outcome != "pass"]
    assert unchecked == ["benchmark", "intervals"]
    assert verification.statement == statement
    assert "- pass: **signature**" in verification.as_markdown()


def test_without_a_key_nothing_passes(statement: dict[str, Any]) -> None:
    verification = verify(resign(statement), public_key=None)
    assert failed(verification) == []
    assert not verification.passed


@pytest.mark.parametrize("key_type", KEY_TYPES)
def test_another_key_fails(key_type: KeyType, statement: dict[str, Any]) -> None:
    other = generate(key_type).public_key
    verification = verify(resign(statement), public_key=other)
    assert failed(verification) == ["signature"]
    assert not verification.passed


def policy(*signers: CryptoSigner, threshold: int = 1, **changes: Any) -> TrustPolicy:
    keys = [
        {
            "id": signer.public_key.keyid,
            "owner": "Example Org",
            "public_key": public_pem(signer.public_key).decode(),
        }
        | changes
        for signer in signers
    ]
    return TrustPolicy.model_validate({"version": 1, "threshold": threshold, "keys": keys})


TODAY = date(2026, 11, 27)
SECOND_KEY = generate("ecdsa-p256")


def test_a_policys_key_passes(statement: dict[str, Any]) -> None:
    verification = verify(resign(statement), trust=(policy(SIGNING_KEY), TODAY))
    assert verification.passed
    assert [check.name for check in verification.checks][1:3] == ["signature", "key trust"]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"valid_until": "2026-11-26"}, "(Example Org) expired after 2026-11-26"),
        ({"valid_from": "2026-11-28"}, "(Example Org) counts only from 2026-11-28"),
        ({"revoked": {"at": "2026-11-28", "reason": "lost"}}, "is revoked since 2026-11-28: lost"),
    ],
)
def test_a_key_that_does_not_count_fails_by_trust_and_not_by_signature(
    statement: dict[str, Any], changes: dict[str, Any], told: str
) -> None:
    verification = verify(resign(statement), trust=(policy(SIGNING_KEY, **changes), TODAY))
    assert failed(verification) == ["key trust"]
    assert told in details(verification)
    assert not verification.passed


def test_an_expired_key_passes_as_of_a_day_on_which_it_counted(statement: dict[str, Any]) -> None:
    expired = policy(SIGNING_KEY, valid_until="2026-11-26")
    assert verify(resign(statement), trust=(expired, date(2026, 11, 26))).passed


def test_a_policy_without_the_key_fails_and_names_the_key(statement: dict[str, Any]) -> None:
    verification = verify(resign(statement), trust=(policy(SECOND_KEY), TODAY))
    assert failed(verification) == ["signature", "key trust"]
    assert f"key {SIGNING_KEY.public_key.keyid[:12]} is not in the policy" in details(verification)


def test_two_of_two_keys_must_sign_where_the_policy_says_so(statement: dict[str, Any]) -> None:
    both = policy(SIGNING_KEY, SECOND_KEY, threshold=2)
    alone = verify(resign(statement), trust=(both, TODAY))
    assert failed(alone) == ["signature", "key trust"]
    assert "1, 2 needed" in details(alone)
    assert verify(sign_statement(statement, SIGNING_KEY, SECOND_KEY), trust=(both, TODAY)).passed
    # Any of the two suffices for whoever knows only one.
    assert verify(
        sign_statement(statement, SIGNING_KEY, SECOND_KEY), public_key=SECOND_KEY.public_key
    ).passed


def test_the_published_key_proves_nothing_even_if_it_is_given(parts: Parts) -> None:
    key = dry_run_signer()
    data = sign_statement(parts.statement(), key)
    verification = verify(data, public_key=key.public_key)
    assert failed(verification) == ["signature"]
    assert "anyone can sign" in details(verification)
    assert verify(data, public_key=key.public_key, allow_dry_run=True).passed


def test_a_dry_run_is_refused_unless_it_is_asked_for(parts: Parts) -> None:
    data = resign(parts.statement(dry_run=True))
    assert failed(verify(data, public_key=PUBLIC)) == ["dry_run"]
    assert "attests nothing" in details(verify(data, public_key=PUBLIC))
    assert verify(data, public_key=PUBLIC, allow_dry_run=True).passed


def test_every_changed_leaf_breaks_the_signature(statement: dict[str, Any]) -> None:
    signed = json.loads(resign(statement))
    paths = list(leaf_paths(statement))
    assert len(paths) > 150
    for path in paths:
        payload = canonical_bytes(changed(statement, path, another))
        data = json.dumps(signed | {"payload": base64.b64encode(payload).decode()}).encode()
        verification = verify(data, public_key=PUBLIC)
        assert "signature" in failed(verification), path
        assert not verification.passed


def test_every_changed_leaf_that_is_related_is_caught_though_it_is_signed_again(
    statement: dict[str, Any],
) -> None:
    uncaught = []
    for path in leaf_paths(statement):
        hashes = path[-1] not in ("result_hash", "attestation_hash")
        data = resign(changed(statement, path, another), hashes=hashes)
        verification = verify(data, public_key=PUBLIC)
        assert "signature" not in failed(verification)
        name = ".".join(map(str, path[1:] if path[0] == "predicate" else path))
        if verification.passed:
            uncaught.append(name)
        else:
            assert details(verification), name
    assert [name for name in uncaught if not UNRELATED.fullmatch(name)] == []
    # No pattern is there in vain.
    assert [p for p in NOT_RELATED.split() if not any(re.fullmatch(p, n) for n in uncaught)] == []


def test_a_change_of_the_claim_alone_breaks_the_hashes(statement: dict[str, Any]) -> None:
    for path in leaf_paths(statement):
        if path[:2] != ("predicate", "claim"):
            continue
        verification = verify(
            resign(changed(statement, path, another), hashes=False), public_key=PUBLIC
        )
        assert "hashes" in failed(verification), path


def test_values_that_python_holds_equal_are_told_apart(statement: dict[str, Any]) -> None:
    for path in leaf_paths(statement):
        leaf: Any = statement
        for key in path:
            leaf = leaf[key]
        if isinstance(leaf, bool):
            data = resign(changed(statement, path, int))
        elif isinstance(leaf, int) and leaf in (0, 1):
            data = resign(changed(statement, path, bool))
        else:
            continue
        verification = verify(data, public_key=PUBLIC)
        assert "statement" in failed(verification), path


def dict_paths(node: Any, path: KeyPath = ()) -> Iterator[KeyPath]:
    if isinstance(node, dict):
        yield path
    if isinstance(node, dict | list):
        for key, value in node.items() if isinstance(node, dict) else enumerate(node):
            yield from dict_paths(value, (*path, key))


# Which metrics are measured, which guardrails hold and which packages are named is not fixed.
OPEN = {
    ("environment", "packages"),
    ("rule", "guardrails_max_drop_bps"),
    ("measurement", "metrics"),
    ("claim", "metric_sources"),
    ("groups", "classes"),
    ("groups", "slices"),
}


def test_extra_and_missing_keys_are_caught(statement: dict[str, Any]) -> None:
    for path in dict_paths(statement):
        node: Any = statement
        for key in path:
            node = node[key]
        if path[-2:] in OPEN:
            continue
        for change in (
            lambda value: value | {"extra": 1},
            *(lambda v, name=name: {k: x for k, x in v.items() if k != name} for name in node),
        ):
            other = changed(statement, path, change) if path else change(statement)
            # Where the hashes can be made to fit, they are.
            inside = path[:2] == ("predicate", "claim") and path != ("predicate", "claim")
            data = resign(other) if inside else sign_statement(other, SIGNING_KEY)
            verification = verify(data, public_key=PUBLIC)
            assert "statement" in failed(verification), path


def test_a_metric_taken_out_or_renamed_is_caught(statement: dict[str, Any]) -> None:
    path = ("predicate", "claim", "result", "measurement", "metrics")
    for change in (
        lambda metrics: {k: v for k, v in metrics.items() if k != "auroc"},
        lambda metrics: {k: v for k, v in metrics.items() if k != "accuracy"},
        lambda metrics: metrics | {"brier": metrics["auroc"]},
        lambda metrics: metrics | {"invented": metrics["auroc"]},
    ):
        verification = verify(resign(changed(statement, path, change)), public_key=PUBLIC)
        assert not verification.passed


@pytest.mark.parametrize(
    "change",
    [
        lambda cells: cells[::-1],
        lambda cells: [*cells, cells[-1]],
        lambda cells: [[*cells[0][:3], cells[0][3] - 1], *cells[1:], [*cells[0][:3], 1]],
        lambda cells: cells[1:],
        lambda cells: [],
        lambda cells: [[*cells[0][:3], 2**52], *cells[1:]],
        lambda cells: [["maybe", *cells[0][1:]], *cells[1:]],
        lambda cells: [[*cells[0], 1], *cells[1:]],
        lambda cells: [[*cells[0][:3], -1], *cells[1:]],
    ],
)
def test_reordered_repeated_missing_or_absurd_cells_are_caught(
    statement: dict[str, Any], change: Callable[[Any], Any]
) -> None:
    path = ("predicate", "claim", "result", "measurement", "confusion_cells", 0)
    verification = verify(resign(changed(statement, path, change)), public_key=PUBLIC)
    assert not verification.passed
    assert {"counts", "statement"} & set(failed(verification))


@pytest.mark.parametrize("cells_of", [2**52, 200_000_000])
def test_a_statement_of_absurd_size_is_refused_without_the_memory(
    statement: dict[str, Any], cells_of: int
) -> None:
    measured = ("predicate", "claim", "result", "measurement")
    path = (*measured, "confusion_cells", 0, 0)
    other = changed(statement, path, lambda cell: [*cell[:3], cells_of])
    (cells,) = other["predicate"]["claim"]["result"]["measurement"]["confusion_cells"]
    other = changed(other, (*measured, "test_rows"), lambda _: sum(cell[3] for cell in cells))
    verification = verify(resign(other), public_key=PUBLIC)
    assert "too many rows to be checked" in details(verification)


@pytest.mark.parametrize(
    "rewrite",
    [
        lambda text: text.replace(b'{"_type"', b'{ "_type"', 1),
        lambda text: text.replace(b'"schema_version":2', b'"schema_version":2.0', 1),
        lambda text: text.replace(b'"schema_version":2', b'"schema_version":2,"schema_version":2'),
        lambda text: text.replace(b'"dry_run":false', b'"dry_run":true,"dry_run":false', 1),
        lambda text: json.dumps(dict(reversed(json.loads(text).items()))).encode(),
        lambda text: text + b"\n",
    ],
)
def test_a_payload_in_another_form_fails_even_if_it_is_signed(
    statement: dict[str, Any], rewrite: Callable[[bytes], bytes]
) -> None:
    from securesystemslib.dsse import Envelope

    payload = canonical_bytes(statement)
    assert rewrite(payload) != payload
    envelope = Envelope(rewrite(payload), "application/vnd.in-toto+json", {})
    envelope.sign(SIGNING_KEY)
    verification = verify(json.dumps(envelope.to_dict()).encode(), public_key=PUBLIC)
    assert failed(verification) == ["envelope"]
    assert not verification.passed


@pytest.mark.parametrize("body", [{}, {"predicate": {}}, {"predicate": 1}, {"predicate": None}])
def test_another_statement_fails_and_does_not_crash(body: dict[str, Any]) -> None:
    verification = verify(sign_statement(body, SIGNING_KEY), public_key=PUBLIC)
    assert "statement" in failed(verification)
    assert not verification.passed


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"source": "file"}, "a file's digest goes with a loaded model"),
        ({"sha256": "0" * 64}, "a file's digest goes with a loaded model"),
        ({"source": "mlflow", "sha256": "0" * 64}, "a loaded baseline was not trained here"),
    ],
)
def test_a_baseline_that_is_not_what_it_says_is_caught(
    statement: dict[str, Any], changes: dict[str, Any], told: str
) -> None:
    path = ("predicate", "claim", "result", "baseline_model")
    data = resign(changed(statement, path, lambda model: model | changes))
    assert told in details(verify(data, public_key=PUBLIC))


@pytest.mark.parametrize(
    ("baseline", "new", "holds"),
    [(200, 0, False), (200, 199, False), (200, 201, True), (150, 150, True), (201, 300, False)],
)
def test_training_rows_follow_from_the_sets_and_one_sampling_limit(
    statement: dict[str, Any], baseline: int, new: int, holds: bool
) -> None:
    # Nothing was accepted before: both measurements are of the same two models.
    for part in ("result", "settlement"):
        path = ("predicate", "claim", part, "measurement", "training_rows")
        statement = changed(statement, path, lambda _: {"baseline": baseline, "new": new})
    measured = statement["predicate"]["claim"]["settlement"]
    measured["measurement_sha256"] = digest(measured["measurement"])
    assert verify(resign(statement), public_key=PUBLIC).passed is holds


def test_weights_that_do_not_sum_up_are_caught(statement: dict[str, Any]) -> None:
    path = ("predicate", "claim", "contributors")
    for change in (
        lambda people: people[:1],
        lambda people: [people[0], people[0] | {"weight_bps": 3000}],
    ):
        verification = verify(resign(changed(statement, path, change)), public_key=PUBLIC)
        assert failed(verification) == ["contributors"]
    assert verify(resign(changed(statement, path, lambda _: [])), public_key=PUBLIC).passed


# An example of EIP-55, https://eips.ethereum.org/EIPS/eip-55.
CHECKSUMMED = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"wallet": "0x5AAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"}, "EIP-55 checksum"),
        ({"wallet": "0x" + CHECKSUMMED[2:].swapcase()}, "EIP-55 checksum"),
        ({"wallet": "0x" + "0" * 40}, "is zero"),
        ({"id": "an\x1b[2Ja"}, "a contributor's id"),
        ({"id": "ana\n"}, "a contributor's id"),
        ({"id": "a\u202ena"}, "a contributor's id"),
        ({"id": ""}, "a contributor's id"),
    ],
)
def test_a_contributor_who_could_not_be_paid_or_named_is_caught(
    statement: dict[str, Any], changes: dict[str, str], told: str
) -> None:
    path = ("predicate", "claim", "contributors", 0)
    data = resign(changed(statement, path, lambda who: who | changes))
    verification = verify(data, public_key=PUBLIC)
    assert failed(verification) == ["contributors"]
    assert told in details(verification)
    assert not any(value in details(verification) for value in changes.values() if value)


@pytest.mark.parametrize(
    "wallet", [CHECKSUMMED, CHECKSUMMED.lower(), "0x" + CHECKSUMMED[2:].upper(), None]
)
def test_a_wallet_with_its_checksum_or_without_case_passes(
    statement: dict[str, Any], wallet: str | None
) -> None:
    path = ("predicate", "claim", "contributors", 0, "wallet")
    data = resign(changed(statement, path, lambda _: wallet))
    assert verify(data, public_key=PUBLIC).passed
