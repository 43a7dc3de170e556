"""Match keys: the same for ever, for any spelling of a row, and different for different rows."""

import hashlib
import unicodedata

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hokusai_assets.contributions.leakage.match_keys import (
    comparable_rows,
    match_keys,
    normalised_text,
)
from hokusai_assets.privacy.keys import PrivacyKey
from hokusai_assets.privacy.tokens import token
from hokusai_assets_tests.contributions.leakage.simulated_files import spec_of

SPEC = spec_of("keys", {"number": "number", "text": "text", "whole": "integer"}, ["a", "b"])


def table_of(number: float | None, text: str | None, whole: int | None) -> pa.Table:
    return pa.table(
        {
            "number": pa.array([number], pa.float64()),
            "text": pa.array([text], pa.string()),
            "whole": pa.array([whole], pa.int64()),
            "label": ["a"],
        }
    )


def key_of(number: float | None, text: str | None, whole: int | None) -> bytes:
    return comparable_rows(table_of(number, text, whole), SPEC).feature_keys().tobytes()


def test_a_key_follows_from_its_documented_record() -> None:
    """Keys stand in indexes on disk: a change of the record needs a new KEY_SCHEME."""
    schema = hashlib.blake2b(b"1\0nsn\0number\0text\0whole", digest_size=16).digest()
    text = hashlib.blake2b(b"a b", digest_size=16).digest()
    record = (
        schema
        + bytes([0, 0, 0])
        + np.float64(2.5).tobytes()
        + text
        + (-7).to_bytes(8, "little", signed=True)
    )
    expected = hashlib.blake2b(record, digest_size=16).digest()
    assert key_of(2.5, " A \t B", -7) == expected
    label = hashlib.blake2b(b"a", digest_size=16).digest()
    found = match_keys(np.frombuffer(expected, np.uint8).reshape(1, 16), pa.chunked_array([["a"]]))
    assert found.tobytes() == hashlib.blake2b(expected + label, digest_size=16).digest()


def test_missing_cells_are_no_values() -> None:
    keys = {key_of(0.0, "", 0), key_of(None, "", 0), key_of(0.0, None, 0), key_of(0.0, "", None)}
    assert len(keys) == 4


def test_minus_zero_is_zero() -> None:
    assert key_of(-0.0, "x", 1) == key_of(0.0, "x", 1)


@given(st.text(max_size=20))
def test_case_width_and_white_space_do_not_matter(text: str) -> None:
    if not text.isascii():
        # Some letters have no one upper case: ß, final sigma.
        return
    assert key_of(1.0, f" {text.upper()}\n", 1) == key_of(1.0, text, 1)


@given(st.text("abcé １", max_size=12))
def test_normal_forms_do_not_matter(text: str) -> None:
    forms = {unicodedata.normalize(form, text) for form in ("NFC", "NFD", "NFKC", "NFKD")}
    assert len({key_of(1.0, form, 1) for form in forms}) == 1


def test_the_privacy_key_does_not_matter() -> None:
    tokens = [
        token("EMAIL", "bob@example.com", PrivacyKey.from_secret(secret * 32))
        for secret in (b"a", b"b")
    ]
    assert tokens[0] != tokens[1]
    assert len({key_of(1.0, f"write to {one}", 1) for one in tokens}) == 1


@given(st.lists(st.tuples(st.floats(), st.text(max_size=3), st.integers(-5, 5)), max_size=12))
def test_equal_rows_have_equal_keys_and_others_do_not(
    rows: list[tuple[float, str, int]],
) -> None:
    spellings: dict[bytes, tuple[object, ...]] = {}
    for number, text, whole in rows:
        same = normalised_text(pa.array([text])).to_pylist()[0]
        meant = ("nan" if number != number else number + 0.0, same, whole)
        assert spellings.setdefault(key_of(number, text, whole), meant) == meant
    assert len(set(spellings.values())) == len(spellings)


def test_the_columns_are_part_of_the_key() -> None:
    other = spec_of("keys", {"number": "number", "texts": "text", "whole": "integer"}, ["a", "b"])
    renamed = table_of(1.0, "x", 1).rename_columns(["number", "texts", "whole", "label"])
    assert comparable_rows(renamed, other).feature_keys().tobytes() != key_of(1.0, "x", 1)


@pytest.mark.parametrize("kind", [pa.int32(), pa.date32()])
def test_a_type_that_no_benchmark_has_is_refused(kind: pa.DataType) -> None:
    table = table_of(1.0, "x", 1).set_column(2, "whole", pa.array([1], pa.int32()).cast(kind))
    with pytest.raises(TypeError, match="whole"):
        comparable_rows(table, SPEC)
