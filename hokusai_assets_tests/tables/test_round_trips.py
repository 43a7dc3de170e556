"""The same rows come back typed the same from every format, encoding and compression."""

import tempfile
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hokusai_assets.tables.coercion import coerce_table
from hokusai_assets.tables.data_file import DataFile
from hokusai_assets.tables.problem_log import ProblemLog
from hokusai_assets.tables.reading import read_table
from hokusai_assets.tables.typed_batches import typed_batches
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


def read_back(rows: list[dict], writer: str) -> pa.Table:
    """Write rows, and return what both ways of reading make of the file."""
    ending, write, declared = WRITERS[writer]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"rows{ending}"
        write(rows, path)
        file = DataFile.open(path, declared=declared)
        log = ProblemLog(file.display_name, list(TYPES))
        batches = list(typed_batches(file, TYPES, {}, log))
        numbers = [int(row) for batch in batches for row in batch.rows]
        assert numbers == list(range(1, len(rows) + 1))
        assert log.problems() == [] and not any(batch.flawed.any() for batch in batches)
        table = pa.concat_tables([batch.table for batch in batches]).combine_chunks()
        # A second child per example would double the time of the Parquet ones.
        if not declared.names and file.found.format != "Parquet":
            whole, problems = coerce_table(read_table(path), TYPES, {})
            assert problems == [] and whole.combine_chunks().equals(table)
    return table


@pytest.mark.parametrize("writer", WRITERS)
@settings(max_examples=20, deadline=None)
@given(st.lists(ROWS, min_size=1, max_size=6))
def test_the_same_rows_give_the_same_typed_table(writer: str, rows: list[dict]) -> None:
    assert read_back(rows, writer).equals(typed_table(rows))


@pytest.mark.parametrize("writer", WRITERS)
def test_extremes_come_back_to_the_last_digit(writer: str) -> None:
    assert read_back(EXTREMES, writer).to_pylist() == EXTREMES
