"""Public inputs: the documented rule, computed again by code that shares nothing with it."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hokusai_assets.attestation.public_inputs import (
    FIELD_MODULUS,
    field_element,
    limbs,
    public_inputs,
    public_inputs_document,
    public_inputs_hash,
    public_inputs_root,
)
from hokusai_assets_tests.attestation.changed_statements import another, changed
from hokusai_assets_tests.attestation.measured_contribution import measured_contribution
from hokusai_assets_tests.attestation.recomputed import (
    MODULUS,
    inputs_of,
    merkle_root,
    sha256_of_json,
)


def test_the_modulus_is_bn254s() -> None:
    # The order of a Barreto-Naehrig curve is this polynomial of its parameter.
    x = 4965661367192848881
    assert FIELD_MODULUS == MODULUS == 36 * x**4 + 36 * x**3 + 18 * x**2 + 6 * x + 1


@given(st.integers(-(2**53) + 1, 2**53 - 1))
def test_a_number_is_read_back_from_its_element(value: int) -> None:
    element = int(field_element(value))
    assert 0 <= element < MODULUS
    assert (element if element < MODULUS // 2 else element - MODULUS) == value


@pytest.mark.parametrize("value", [2**53, -(2**53), MODULUS])
def test_a_number_too_large_is_refused(value: int) -> None:
    with pytest.raises(ValueError, match="too large"):
        field_element(value)


@given(st.binary(min_size=32, max_size=32))
def test_a_hash_is_read_back_from_its_limbs(data: bytes) -> None:
    high, low = map(int, limbs(data))
    assert max(high, low) < 2**128 < MODULUS
    assert high.to_bytes(16, "big") + low.to_bytes(16, "big") == data


def test_a_hash_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        limbs(bytes(31))


def test_the_inputs_are_those_of_the_documented_rule(statement: dict[str, Any]) -> None:
    inputs = public_inputs(statement)
    assert inputs == inputs_of(statement["predicate"])
    names = [each["name"] for each in inputs]
    assert len(set(names)) == len(names)
    assert all(0 <= int(each["value"]) < MODULUS for each in inputs)
    assert public_inputs_hash(inputs) == sha256_of_json(inputs)
    leaves = [
        b'{"name":"%s","value":"%s"}' % (each["name"].encode(), each["value"].encode())
        for each in inputs
    ]
    assert public_inputs_root(inputs) == merkle_root(leaves).hex()


def test_a_loss_is_written_as_the_modulus_less_its_size(statement: dict[str, Any]) -> None:
    path = ("predicate", "claim", "result", "measurement", "metrics", "accuracy", "delta_ppm")
    lost = public_inputs(changed(statement, path, lambda _: -12_345))
    values = {each["name"]: each["value"] for each in lost}
    assert values["result.metrics.accuracy.delta_ppm"] == str(MODULUS - 12_345)


def test_what_is_kept_back_is_left_out(tmp_path: Path) -> None:
    lines = "test_split: {public_share: 0.4}\ndelta_one: {min_delta_bps: 9999, min_examples: 9}\n"
    kept_back = measured_contribution(tmp_path, spec_lines=lines).statement()
    assert kept_back["predicate"]["claim"]["settlement"]["measurement"] is None
    inputs = public_inputs(kept_back)
    assert inputs == inputs_of(kept_back["predicate"])
    names = {each["name"] for each in inputs}
    assert not any(name.startswith("settlement.") for name in names)
    assert "verdict.bps" not in names
    assert "verdict.accepted" in names


@pytest.mark.parametrize(
    "path",
    [
        ("predicate", "attestation_hash"),
        ("predicate", "claim", "settlement", "delta_one", "accepted"),
        ("predicate", "claim", "result", "rows", "root"),
        ("predicate", "claim", "result", "measurement", "confusion_cells", 0, 0, 3),
    ],
)
def test_another_statement_has_other_inputs(
    statement: dict[str, Any], path: tuple[str | int, ...]
) -> None:
    one, other = public_inputs(statement), public_inputs(changed(statement, path, another))
    assert public_inputs_hash(one) != public_inputs_hash(other)
    assert public_inputs_root(one) != public_inputs_root(other)


def test_the_document_names_field_and_attestation(statement: dict[str, Any]) -> None:
    document = public_inputs_document(statement)
    assert (document["field"], document["modulus"]) == ("BN254", str(MODULUS))
    assert document["attestation_hash"] == statement["predicate"]["attestation_hash"]
    assert document["public_inputs_hash"] == sha256_of_json(document["public_inputs"])
