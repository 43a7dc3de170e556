"""Tests of canonical JSON against the published vectors of RFC 8785."""

import hashlib
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hokusai_assets.canonical.canonical_json import (
    NotCanonical,
    canonical_bytes,
    digest,
    with_floats_as_text,
)

INTEGERS = st.integers(-(2**53) + 1, 2**53 - 1)
VALUES = st.recursive(
    st.none() | st.booleans() | INTEGERS | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)

# RFC 8785 section 3.2.2 and 3.2.3, and the authors' test data (cyberphone/json-canonicalization,
# testdata/), as far as they hold no fractions. 56.0 of structures.json is written 56 here.
PUBLISHED = {
    "section 3.2.2": (
        r'{"string": "\u20ac$\u000F\u000aA' + r"'\u0042\u0022\u005c\\\"\/" + '", '
        '"literals": [null, true, false]}',
        '{"literals":[null,true,false],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
    ),
    "section 3.2.3": (
        r'{"\u20ac": "Euro Sign", "\r": "Carriage Return", "\ufb33": "Hebrew Letter Dalet With '
        r'Dagesh", "1": "One", "\ud83d\ude00": "Emoji: Grinning Face", "\u0080": "Control", '
        r'"\u00f6": "Latin Small Letter O With Diaeresis"}',
        '{"\\r":"Carriage Return","1":"One","\x80":"Control","ö":"Latin Small Letter O With '
        'Diaeresis","€":"Euro Sign","😀":"Emoji: Grinning Face","\ufb33":"Hebrew Letter Dalet '
        'With Dagesh"}',
    ),
    "arrays": (
        '[56, {"d": true, "10": null, "1": [ ]}]',
        '[56,{"1":[],"10":null,"d":true}]',
    ),
    "french": (
        '{"peach": "This sorting order", "péché": "is wrong according to French", '
        '"pêche": "but canonicalization MUST", "sin": "ignore locale"}',
        '{"peach":"This sorting order","péché":"is wrong according to French",'
        '"pêche":"but canonicalization MUST","sin":"ignore locale"}',
    ),
    "structures": (
        r'{"1": {"f": {"f": "hi","F": 5} ,"\n": 56}, "10": { }, "": "empty", "a": { }, '
        r'"111": [ {"e": "yes", "E": "no"} ], "A": { }}',
        '{"":"empty","1":{"\\n":56,"f":{"F":5,"f":"hi"}},"10":{},'
        '"111":[{"E":"no","e":"yes"}],"A":{},"a":{}}',
    ),
    "unicode is not normalised": (
        r'{"Unnormalized Unicode":"A\u030a"}',
        '{"Unnormalized Unicode":"A\u030a"}',
    ),
    "weird": (
        r'{"\u20ac": "Euro Sign", "1": "One", "\u0080": "Control\u007f", "\ud83d\ude02": '
        r'"Smiley", "\u00f6": "Latin Small Letter O With Diaeresis", "\ufb33": "Hebrew Letter '
        r'Dalet With Dagesh", "</script>": "Browser Challenge"}',
        '{"1":"One","</script>":"Browser Challenge","\x80":"Control\x7f","ö":"Latin Small Letter '
        'O With Diaeresis","€":"Euro Sign","😂":"Smiley","\ufb33":"Hebrew Letter Dalet With '
        'Dagesh"}',
    ),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_vectors_give_their_published_bytes(name: str) -> None:
    given_text, expected = PUBLISHED[name]
    assert canonical_bytes(json.loads(given_text)) == expected.encode()


def test_control_characters_use_the_short_escape_where_json_has_one() -> None:
    text = "".join(map(chr, range(0x20)))
    short = {8: "\\b", 9: "\\t", 10: "\\n", 12: "\\f", 13: "\\r"}
    expected = "".join(short.get(code, f"\\u{code:04x}") for code in range(0x20))
    assert canonical_bytes(text) == f'"{expected}"'.encode()


def test_keys_sort_by_utf16_units_not_by_code_points() -> None:
    # U+1F600 is written D83D DE00 in UTF-16, and so stands before U+FB33.
    assert canonical_bytes({"\ufb33": 1, "\U0001f600": 2}) == '{"😀":2,"\ufb33":1}'.encode()


@settings(max_examples=60, deadline=None)
@given(VALUES)
def test_a_json_parser_reads_the_same_value_back(value: object) -> None:
    assert json.loads(canonical_bytes(value)) == value


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.text(), VALUES, max_size=6), st.randoms())
def test_the_order_of_keys_does_not_change_the_digest(value: dict, random: object) -> None:
    items = list(value.items())
    random.shuffle(items)  # type: ignore[attr-defined]
    assert digest(dict(items)) == digest(value)


@settings(max_examples=60, deadline=None)
@given(VALUES, VALUES)
def test_digests_are_equal_just_when_the_values_are(one: object, other: object) -> None:
    # json.dumps tells True from 1, which == does not.
    same = json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
    assert (digest(one) == digest(other)) == same


def test_the_digest_is_sha256_of_the_bytes() -> None:
    assert digest({"b": [1], "a": None}) == hashlib.sha256(b'{"a":null,"b":[1]}').hexdigest()


def test_the_largest_integers_are_written_exactly() -> None:
    assert canonical_bytes([2**53 - 1, 1 - 2**53]) == b"[9007199254740991,-9007199254740991]"


@pytest.mark.parametrize(
    "bad",
    [0.5, 1.0, float("nan"), 2**53, -(2**53), b"bytes", {1}, object(), np.int64(1), 1j, "\ud800"],
)
def test_what_has_no_exact_form_is_refused_with_its_place(bad: object) -> None:
    with pytest.raises(NotCanonical, match=r"\$\.rows\[1\]\.score") as caught:
        canonical_bytes({"rows": [{}, {"score": bad}]})
    assert caught.value.__suppress_context__ or caught.value.__cause__ is None


@pytest.mark.parametrize("key", [1, None, True, ("a",), "\udfff"])
def test_keys_that_are_no_text_are_refused_with_their_place(key: object) -> None:
    with pytest.raises(NotCanonical, match=r"\$\.inner"):
        canonical_bytes({"inner": {key: 1}})


@settings(max_examples=60, deadline=None)
@given(st.floats(allow_nan=False))
def test_floats_as_text_give_the_float_back(value: float) -> None:
    text = with_floats_as_text({"a": (value,)})
    assert float(text["a"][0]) == value  # type: ignore[index]


def test_floats_as_text_leave_all_else_and_treat_equal_floats_equally() -> None:
    assert with_floats_as_text({"a": [1, True, None, "x"]}) == {"a": [1, True, None, "x"]}
    assert with_floats_as_text([1e-4, 0.0001, np.float64(0.0001)]) == ["0.0001"] * 3
