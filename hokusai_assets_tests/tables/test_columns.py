"""Tests of the column types and of guessing one for a column no spec describes."""

import datetime

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hokusai_assets.tables.coercion import coerce_column
from hokusai_assets.tables.columns import COLUMN_TYPES, arrow_type
from hokusai_assets.tables.inference import infer_column_type

MANY_WORDS = [f"word{i}" for i in range(101)] * 3


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["1", "-2", "", "30"], "integer"),
        (["1.0", "2.0"], "integer"),
        (["1", "2.5"], "number"),
        (["1e5", "2"], "number"),
        (["007", "123"], "category"),
        (["0.5", "0"], "number"),
        (["9" * 25, "9" * 25], "category"),
        ([str(2**53 + 1), "0.5"] * 2, "category"),
        (["true", "False"], "boolean"),
        (["1", "0"], "integer"),
        (["2024-05-31", "2024-06-01T10:00Z"], "datetime"),
        (["2024-05-31 10:00 PST", "2024-05-31 11:00 PST"] * 2, "category"),
        (["20240531", "20240601"], "integer"),
        (["red", "blue", "red", "blue"], "category"),
        (["red", "blue", "green"], "text"),
        (MANY_WORDS, "text"),
        (MANY_WORDS[:100] * 2, "category"),
        (["", " ", None], "category"),
    ],
)
@pytest.mark.parametrize("stored", [pa.string(), pa.large_string(), pa.string_view()], ids=str)
def test_text_is_inferred(cells: list[str], expected: str, stored: pa.DataType) -> None:
    assert infer_column_type(pa.chunked_array([pa.array(cells, stored)])) == expected


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (pa.array([True, None]), "boolean"),
        (pa.array([1], pa.uint8()), "integer"),
        (pa.array([2**63], pa.uint64()), "category"),
        (pa.array([1.0]), "number"),
        (pa.array([1], pa.decimal128(5, 0)), "number"),
        (pa.array([0], pa.timestamp("ns")), "datetime"),
        (pa.array([datetime.date(2024, 1, 1)]), "datetime"),
        (pa.array([None]), "category"),
        (pa.array(["1", "2"]).dictionary_encode(), "category"),
        (pa.array([1.5]).dictionary_encode(), "number"),
        (pa.array([[1]]), None),
        (pa.array([{"a": 1}]), None),
        (pa.array([b"\xff"]), None),
        (pa.array([1], pa.time32("s")), None),
        (pa.array([1], pa.duration("s")), None),
    ],
)
def test_stored_types_are_inferred(array: pa.Array, expected: str | None) -> None:
    assert infer_column_type(pa.chunked_array([array])) == expected


@settings(deadline=None)
@given(
    st.lists(
        st.none()
        | st.text(max_size=4)
        | st.sampled_from(["1", "-7", "2.5", "1e400", "true", "2024-01-01", "2024-01-01T99:99"])
        | st.integers(-(10**25), 10**25).map(str),
        max_size=6,
    )
)
def test_the_inferred_type_fits_the_cells_it_was_inferred_from(cells: list[str | None]) -> None:
    column = pa.chunked_array([pa.array(cells, pa.string())])
    kind = infer_column_type(column)
    assert kind is not None
    assert coerce_column("x", column, kind, nullable=True)[1] == []


def test_every_column_type_has_its_arrow_type() -> None:
    assert {name: str(arrow_type(name)) for name in COLUMN_TYPES} == {  # type: ignore[arg-type]
        "integer": "int64",
        "number": "double",
        "category": "string",
        "boolean": "bool",
        "datetime": "timestamp[us, tz=UTC]",
        "text": "string",
    }
