"""Tests that the same rows come back typed the same from every format."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hokusai_assets.tables.coercion import coerce_table
from hokusai_assets.tables.reading import read_table
from hokusai_assets_tests.tables.written_files import ROWS, TYPES, WRITERS, typed_table

EXTREMES = [
    dict.fromkeys(TYPES, None)
    | {
        "a integer": 2**63 - 1,
        "a number": 0.1 + 0.2,
        "a category": "007",
        "a text": "0x10",
    },
    dict.fromkeys(TYPES, None)
    | {"a integer": -(2**63), "a number": 5e-324, "a category": "1.0", "a text": " 7 "},
    dict.fromkeys(TYPES, None)
    | {"a integer": 2**53 + 1, "a number": 1.7976931348623157e308, "a text": '"\n,"\r\n'},
    dict.fromkeys(TYPES, None) | {"a integer": 0, "a number": 12345678901234567.0},
]


def read_back(rows: list[dict], writer: str) -> object:
    ending, write = WRITERS[writer]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"rows{ending}"
        write(rows, path)
        raw = read_table(path)
    table, problems = coerce_table(raw, TYPES, {})
    assert problems == []
    return table


@pytest.mark.parametrize("writer", WRITERS)
@settings(max_examples=30, deadline=None)
@given(st.lists(ROWS, min_size=1, max_size=6))
def test_the_same_rows_give_the_same_typed_table(writer: str, rows: list[dict]) -> None:
    assert read_back(rows, writer).equals(typed_table(rows))  # type: ignore[attr-defined]


@pytest.mark.parametrize("writer", WRITERS)
def test_extremes_come_back_to_the_last_digit(writer: str) -> None:
    assert read_back(EXTREMES, writer).to_pylist() == EXTREMES  # type: ignore[attr-defined]
