"""Typing text cells: the quick ways agree with the rules they are shortcuts of."""

import datetime
import itertools
import math
import re

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hokusai_assets.tables.columns import ColumnType
from hokusai_assets.tables.text_cells import INTEGER_PATTERN, NUMBER_PATTERN, typed_from_text

_NUMBER = re.compile(NUMBER_PATTERN.replace("$", r"\Z"))
_INTEGER = re.compile(INTEGER_PATTERN.replace("$", r"\Z"))


def typed(texts: list[str], kind: ColumnType) -> list:
    array = pa.array(texts, pa.string())
    return typed_from_text(array, array, kind).to_pylist()


def number(text: str) -> float | None:
    """Return what the rule says of a number cell."""
    if not _NUMBER.match(text) or not math.isfinite(float(text)):
        return None
    whole = re.fullmatch(r"[+-]?[0-9]+", text)
    return None if whole and abs(int(text)) > 2**53 else float(text)


def integer(text: str) -> int | None:
    if not _INTEGER.match(text):
        return None
    value = int(text.partition(".")[0])
    return value if -(2**63) <= value < 2**63 else None


SHORT = [
    "".join(letters) for n in range(1, 5) for letters in itertools.product("01+-.eEx", repeat=n)
]
ODD = ["nan", "NaN", "inf", "INF", "infinity", "-inf", "nan(1)", "0x1p3", "0x10", "0X10", "1_0"]
ODD += ["1d5", "1f", "1e400", "1e-400", "٣", "1e+5", "1e5.", "½", "0b1", "0o7", "1l", "+.5", "--1"]
ODD += ["+-1", "9" * 30, "9" * 18, "9" * 19, "-" + "9" * 18, "9007199254740993", "1,5", "1 2", "−1"]


@pytest.mark.parametrize("alone", [True, False])
def test_every_short_text_is_a_number_exactly_where_the_pattern_says(alone: bool) -> None:
    texts = SHORT + ODD
    numbers, integers = [number(text) for text in texts], [integer(text) for text in texts]
    if alone:
        # One cell at a time takes the quick way wherever there is one.
        assert [typed([text], "number")[0] for text in texts] == numbers
        assert [typed([text], "integer")[0] for text in texts] == integers
    else:
        assert typed(texts, "number") == numbers
        assert typed(texts, "integer") == integers


@settings(deadline=None)
@given(st.lists(st.from_regex(r"[+-]?[0-9]{1,20}(\.[0-9]{0,3})?", fullmatch=True), max_size=8))
def test_a_cell_is_typed_the_same_whatever_stands_beside_it(texts: list[str]) -> None:
    for kind in ("integer", "number"):
        assert typed(texts, kind) == [typed([text], kind)[0] for text in texts]


MOMENTS = st.datetimes().map(lambda moment: moment.isoformat(sep="T"))
USUAL = st.builds(
    lambda text, cut, mark, zone: text.replace("T", mark)[:cut] + zone,
    MOMENTS,
    st.sampled_from([10, 16, 19, 21, 26]),
    st.sampled_from("T "),
    st.sampled_from(["", "Z", "+02:00"]),
)
UNUSUAL = st.sampled_from(
    ["2023-02-29", "2024-02-29", "0000-01-01", "0001-01-01", "2024-13-01", "2024-05-31T24:00"]
) | st.from_regex(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2})?Z?)?", fullmatch=True
)


def moment(text: str) -> datetime.datetime | None:
    """Return what Python's own parser says, for texts of the usual forms."""
    try:
        found = datetime.datetime.fromisoformat(text)
        if found.tzinfo is None:
            found = found.replace(tzinfo=datetime.UTC)
        return found.astimezone(datetime.UTC)
    except (ValueError, OverflowError):
        return None


@settings(max_examples=300, deadline=None)
@given(st.lists(USUAL | UNUSUAL, min_size=1, max_size=6))
def test_moments_are_those_of_pythons_parser_whatever_stands_beside_them(texts: list[str]) -> None:
    # A date with a zone, which is no moment of ours.
    texts = [text for text in texts if not re.fullmatch(r"[0-9-]{10}(Z|\+02:00)", text)]
    assert typed(texts, "datetime") == [moment(text) for text in texts]
