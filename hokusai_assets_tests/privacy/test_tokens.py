"""Tests of the token format and its reduction."""

import hashlib
import hmac
import re

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hokusai_assets.privacy.keys import PrivacyKey
from hokusai_assets.privacy.tokens import (
    is_own_token,
    reduce_table,
    reduce_tokens,
    token,
    token_entity,
)

KEY = PrivacyKey.from_secret(bytes(range(32)))
OTHER = PrivacyKey.from_secret(bytes(range(1, 33)))


def test_a_token_is_the_hmac_of_entity_zero_byte_and_value() -> None:
    digest = hmac.new(KEY.secret, b"EMAIL\x00a@example.com", hashlib.sha256).hexdigest()[:32]
    body = "".join("abcdefghijklmnop"[int(figure, 16)] for figure in digest)
    assert token("EMAIL", "a@example.com", KEY).startswith(f"<EMAIL:{KEY.key_id}:{body}")


def test_entity_value_and_key_each_change_the_token() -> None:
    made = {token(e, v, k) for e in ("IP", "CARD") for v in ("a", "b") for k in (KEY, OTHER)}
    assert len(made) == 8


@given(st.text())
def test_every_token_has_letters_only_and_is_known_as_own(value: str) -> None:
    made = token("PHONE", value, KEY)
    assert re.fullmatch(r"<PHONE:k[a-p]{6}:[a-p]{40}>", made)
    assert is_own_token(made, KEY)
    assert not is_own_token(made, OTHER)
    assert token_entity(made) == "PHONE"


def test_a_token_with_one_letter_or_its_entity_changed_is_not_own() -> None:
    made = token("EMAIL", "a@example.com", KEY)
    last = "a" if made[-2] != "a" else "b"
    assert not is_own_token(made[:-2] + last + ">", KEY)
    assert not is_own_token(made.replace("EMAIL", "PHONE"), KEY)


@pytest.mark.parametrize("entity", ["", "email", "E", "E-MAIL", "A" * 17])
def test_an_entity_that_would_break_the_format_is_refused(entity: str) -> None:
    with pytest.raises(ValueError, match="entity"):
        token(entity, "x", KEY)


@pytest.mark.parametrize(
    "kind",
    [pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int8(), pa.string())],
    ids=str,
)
@pytest.mark.parametrize("chunked", [False, True])
def test_reduction_leaves_the_type_of_the_token_and_the_arrow_type(
    kind: pa.DataType, chunked: bool
) -> None:
    texts = [f"to {token('EMAIL', 'a', KEY)}{token('IP', 'b', OTHER)}!", None, "<EMAIL>", ""]
    array = pa.array(texts, pa.string())
    given_array = pa.chunked_array([array.slice(0, 1), array.slice(1)]) if chunked else array
    reduced = reduce_tokens(given_array.cast(kind))
    assert reduced.type == kind
    assert isinstance(reduced, pa.ChunkedArray) == chunked
    assert reduced.to_pylist() == ["to <EMAIL><IP>!", None, "<EMAIL>", ""]


def test_an_array_without_tokens_is_returned_itself() -> None:
    array = pa.array(["<EMAIL:kabc:short>", None])
    assert reduce_tokens(array) is array


def test_reducing_numbers_is_refused() -> None:
    with pytest.raises(TypeError):
        reduce_tokens(pa.array([1]))


def test_a_table_is_reduced_in_every_string_column_and_nowhere_else() -> None:
    made = token("EMAIL", "a", KEY)
    table = pa.table(
        {"n": [1, 2], "s": [made, "x"], "d": pa.array([made, "x"]).dictionary_encode()}
    )
    assert reduce_table(table).to_pydict() == {
        "n": [1, 2],
        "s": ["<EMAIL>", "x"],
        "d": ["<EMAIL>", "x"],
    }
