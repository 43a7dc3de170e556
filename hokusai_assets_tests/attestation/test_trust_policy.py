"""Trust policies: who counts at which date, how many must sign, and what is refused as a policy."""

import json
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML
from securesystemslib.dsse import Envelope

from hokusai_assets.attestation.envelope import open_envelope, sign_statement
from hokusai_assets.attestation.key_files import dry_run_signer, generate
from hokusai_assets.attestation.key_records import record_of
from hokusai_assets.attestation.public_keys import public_pem
from hokusai_assets.attestation.trust_policy import (
    TrustPolicy,
    TrustPolicyError,
    judge,
    parse_policy,
    policy_of,
    policy_yaml,
)

SIGNERS = [generate("ed25519"), generate("ecdsa-p256"), generate("ed25519")]
STATEMENT = {"a": 1}
DAY = date(2026, 6, 15)
ONE_DAY = timedelta(days=1)


def entry(number: int = 0, **changes: Any) -> dict[str, Any]:
    key = SIGNERS[number].public_key
    return {
        "id": key.keyid,
        "owner": f"Owner {number}",
        "public_key": public_pem(key).decode(),
    } | changes


def policy(*keys: dict[str, Any], threshold: int = 1) -> TrustPolicy:
    return TrustPolicy.model_validate({"version": 1, "threshold": threshold, "keys": keys})


def envelope_by(*numbers: int) -> Envelope:
    return open_envelope(sign_statement(STATEMENT, *(SIGNERS[number] for number in numbers)))[0]


def test_a_signature_of_a_trusted_key_counts_and_is_told_by_owner() -> None:
    found = judge(envelope_by(1), policy(entry(0), entry(1)), DAY)
    assert [key.owner for key in found.counted] == ["Owner 1"]
    assert found.met and found.faults == ()


def test_keys_that_count_are_told_from_those_that_ended() -> None:
    held = policy(entry(0, valid_until=DAY - ONE_DAY), entry(1, revoked={"at": DAY}), entry(2))
    assert [key.keyid for key in held.keys_at(DAY)] == [entry(2)["id"]]
    assert [key.keyid for key in held.all_keys()] == [entry(number)["id"] for number in range(3)]


def test_an_unknown_key_counts_for_nothing_and_against_nothing() -> None:
    found = judge(envelope_by(1), policy(entry(0)), DAY)
    assert not found.met
    assert found.faults == (f"key {SIGNERS[1].public_key.keyid[:12]} is not in the policy",)
    assert judge(envelope_by(0, 1), policy(entry(0)), DAY).met


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"valid_until": DAY - ONE_DAY}, "(Owner 0) expired after 2026-06-14"),
        ({"valid_from": DAY + ONE_DAY}, "(Owner 0) counts only from 2026-06-16"),
        ({"revoked": {"at": DAY + ONE_DAY}}, "(Owner 0) is revoked since 2026-06-16"),
        (
            {"revoked": {"at": DAY, "reason": "laptop stolen"}, "valid_until": DAY - ONE_DAY},
            "(Owner 0) is revoked since 2026-06-15: laptop stolen",
        ),
    ],
)
def test_a_key_that_does_not_count_is_named_with_the_reason(
    changes: dict[str, Any], told: str
) -> None:
    found = judge(envelope_by(0), policy(entry(0, **changes)), DAY)
    assert not found.met
    assert len(found.valid) == 1
    (fault,) = found.faults
    assert fault == f"key {SIGNERS[0].public_key.keyid[:12]} {told}"


@given(
    start=st.none() | st.dates(),
    days=st.none() | st.integers(0, 1000),
    at=st.dates(),
    revoked=st.none() | st.dates(),
)
def test_a_key_counts_on_the_days_of_its_validity_and_revoked_on_none(
    start: date | None, days: int | None, at: date, revoked: date | None
) -> None:
    first = start or date.min
    end = None if days is None else min(first.toordinal() + days, date.max.toordinal())
    until = None if end is None else date.fromordinal(end)
    key = entry(0, valid_from=start, valid_until=until)
    if revoked is not None:
        key["revoked"] = {"at": revoked}
    found = judge(envelope_by(0), policy(key), at)
    inside = first <= at <= (until or date.max)
    assert found.met == (inside and revoked is None)


@given(
    signed=st.sets(st.integers(0, 2), min_size=1),
    trusted=st.sets(st.integers(0, 2), min_size=1),
    revoked=st.sets(st.integers(0, 2)),
    threshold=st.integers(1, 3),
)
def test_as_many_distinct_keys_that_count_as_the_threshold_are_needed(
    signed: set[int], trusted: set[int], revoked: set[int], threshold: int
) -> None:
    threshold = min(threshold, len(trusted))
    keys = [
        entry(number, **({"revoked": {"at": DAY}} if number in revoked else {}))
        for number in trusted
    ]
    found = judge(envelope_by(*signed), policy(*keys, threshold=threshold), DAY)
    assert len(found.valid) == len(signed & trusted)
    assert found.met == (len((signed & trusted) - revoked) >= threshold)


def test_a_signature_that_fails_is_told_and_does_not_count() -> None:
    envelope = envelope_by(0)
    other = open_envelope(sign_statement({"a": 2}, SIGNERS[0]))[0]
    envelope.signatures = other.signatures
    found = judge(envelope, policy(entry(0)), DAY)
    assert not found.met and found.valid == ()
    assert "does not verify" in found.faults[0]


def test_what_an_envelope_writes_as_an_id_is_told_without_control_characters() -> None:
    document = json.loads(sign_statement(STATEMENT, SIGNERS[0]))
    document["signatures"].append(document["signatures"][0] | {"keyid": "\x1b[2J\n" + "x" * 9999})
    envelope, _ = open_envelope(json.dumps(document).encode())
    found = judge(envelope, policy(entry(0)), DAY)
    assert found.met
    (fault,) = found.faults
    assert fault.isprintable() and len(fault) < 80


def records() -> list[Any]:
    keys = [
        record_of(signer.public_key, "given", "file", DAY + number * ONE_DAY)
        for number, signer in enumerate(SIGNERS)
    ]
    later = DAY + 10 * ONE_DAY
    return [
        replace(keys[0], status="retired", retired=later),
        replace(keys[1], status="revoked", revoked=later, reason='a "key": lost # really'),
        keys[2],
    ]


def test_a_homes_policy_comes_back_from_its_file() -> None:
    made = policy_of(records(), "Example: Org #1", threshold=2)
    text = policy_yaml(made)
    assert parse_policy(text.encode(), name="policy.yaml") == made
    assert text.endswith("\n")
    # Another YAML reader sees the same.
    document = YAML(typ="safe").load(text)
    assert [key.get("valid_until") for key in document["keys"]] == [DAY + 10 * ONE_DAY, None, None]
    assert document["keys"][1]["revoked"]["reason"] == 'a "key": lost # really'


def test_a_retired_key_counts_up_to_the_day_it_was_retired_and_in_its_own_home_for_good() -> None:
    exported = policy_of(records(), "Owner")
    retired_on = DAY + 10 * ONE_DAY
    assert judge(envelope_by(0), exported, retired_on).met
    assert not judge(envelope_by(0), exported, retired_on + ONE_DAY).met
    own = policy_of(records(), "this home", retired_expire=False)
    assert judge(envelope_by(0), own, retired_on + 1000 * ONE_DAY).met
    for trusted in (exported, own):
        assert not judge(envelope_by(1), trusted, DAY + ONE_DAY).met


def test_a_policy_that_cannot_be_met_is_refused() -> None:
    with pytest.raises(TrustPolicyError, match="threshold 4 is more than the 3 keys"):
        policy_of(records(), "Owner", threshold=4)
    with pytest.raises(TrustPolicyError, match="keys"):
        policy_of([], "Owner")
    with pytest.raises(TrustPolicyError, match="owner"):
        policy_of(records(), "two\nlines")


def text_of(**changes: Any) -> str:
    document = {"version": 1, "keys": [entry(0)]} | changes
    return json.dumps(document, default=str)


DRY = dry_run_signer().public_key


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "policy"),
        ("- a", "policy"),
        ("a: [", "not valid YAML"),
        ("a: 1\na: 2", "not valid YAML"),
        ("a: 2024-02-31", "not valid YAML"),
        ("[" * 5000, "not valid YAML"),
        (text_of(version=2), "version"),
        (text_of(version="1"), "version"),
        (text_of(threshold=0), "threshold"),
        (text_of(threshold=True), "threshold"),
        (text_of(threshold=2), "threshold 2 is more than the 1 keys"),
        (text_of(keys=[]), "keys"),
        (text_of(keys=[entry(0), entry(0)]), "a key stands twice"),
        (text_of(extra=1), "extra: unknown key"),
        (text_of(keys=[entry(0, valid_til="2026-01-01")]), r"keys\.0\.valid_til: unknown key"),
        (text_of(keys=[entry(0, id=SIGNERS[1].public_key.keyid)]), "the id of this public key is"),
        (text_of(keys=[entry(0, public_key="-----BEGIN")]), "no public key in PEM form"),
        (text_of(keys=[entry(0, owner="")]), "owner"),
        (text_of(keys=[entry(0, valid_from=20260101)]), "a date is needed, such as"),
        (text_of(keys=[entry(0, valid_until="soon")]), "valid_until"),
        (text_of(keys=[entry(0, revoked=True)]), "revoked"),
        (text_of(keys=[entry(0, revoked={"reason": "x"})]), r"revoked\.at"),
        (
            text_of(keys=[entry(0, valid_from="2026-02-01", valid_until="2026-01-31")]),
            "valid_until is before valid_from",
        ),
        (
            text_of(keys=[entry(0, id=DRY.keyid, public_key=public_pem(DRY).decode())]),
            "published key of dry runs",
        ),
        ("x" * (1 << 20) + "y", "a policy has"),
        ("a: \udcff", "not valid YAML"),
    ],
)
def test_what_is_no_policy_is_refused_and_the_key_named(text: str, told: str) -> None:
    with pytest.raises(TrustPolicyError, match=told) as caught:
        parse_policy(text.encode("utf-8", "surrogateescape"), name="policy.yaml")
    assert str(caught.value).startswith("policy.yaml: ")
