"""Tests that cells are typed exactly as declared, or reported by row and column, never by value."""

import datetime
import decimal
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hokusai_assets.tables.coercion import coerce_column, coerce_table
from hokusai_assets.tables.columns import COLUMN_TYPES, ColumnType, arrow_type
from hokusai_assets.tables.problems import Problem

SECRET = "swordfish-93417"
UTC = datetime.UTC
MOMENT = datetime.datetime(2024, 5, 31, 12, 30, tzinfo=UTC)


def coerce(
    cells: Sequence[object],
    kind: str,
    stored: pa.DataType | None = None,
    *,
    nullable: bool = True,
) -> tuple[list, list[Problem]]:
    raw = pa.chunked_array([pa.array(cells, stored)])
    typed, problems = coerce_column("the column", raw, kind, nullable=nullable)  # type: ignore[arg-type]
    assert typed.type == arrow_type(kind) and len(typed) == len(cells)  # type: ignore[arg-type]
    return typed.to_pylist(), problems


def fits(cells: Sequence[object], kind: str, stored: pa.DataType | None = None) -> list:
    values, problems = coerce(cells, kind, stored)
    assert problems == []
    return values


def misfits(cells: Sequence[object], kind: str, stored: pa.DataType | None = None) -> list[int]:
    """Return the row numbers reported; the cells that don't fit must be null, not something."""
    values, problems = coerce(cells, kind, stored)
    if not problems:
        return []
    (problem,) = problems
    assert problem.rule == "wrong-type" and problem.column == "the column"
    assert "'the column'" in problem.message and "'the column'" in problem.fix
    assert all(values[row - 1] is None for row in problem.rows)
    assert problem.count == sum(
        value is None and not (cell is None or cell != cell or not str(cell).strip())
        for value, cell in zip(values, cells, strict=True)
    )
    return list(problem.rows)


# --- text: nothing is guessed ---------------------------------------------------------------


@pytest.mark.parametrize("kind", ["category", "text"])
def test_text_that_looks_like_something_else_stays_text(kind: str) -> None:
    cells = ["007", "1.0", "1e5", "TRUE", "NaN", "null", "N/A", "+1", "2024-01-01", "-0"]
    assert fits(cells, kind) == cells


def test_a_category_is_trimmed_and_a_text_is_not() -> None:
    assert fits([" a\t", "b"], "category") == ["a", "b"]
    assert fits([" a\t", "b"], "text") == [" a\t", "b"]


@pytest.mark.parametrize("kind", COLUMN_TYPES)
def test_null_empty_and_white_space_are_missing_in_every_type(kind: str) -> None:
    cells = [None, "", " \t\n", "\u00a0"]
    assert fits(cells, kind) == [None] * 4
    _, (problem,) = coerce([*cells, *([""] * 3)], kind, nullable=False)
    assert problem.rule == "missing-value"
    assert (problem.rows, problem.count) == ((1, 2, 3, 4, 5), 7)
    assert "rows 1, 2, 3, 4, 5 and 2 more" in problem.message


@pytest.mark.parametrize("kind", COLUMN_TYPES)
@pytest.mark.parametrize("stored", [pa.null(), pa.float64(), pa.string(), pa.int8(), pa.bool_()])
def test_a_column_of_nothing_is_missing_in_every_type(kind: str, stored: pa.DataType) -> None:
    assert fits([None, None], kind, stored) == [None, None]


# --- integers -------------------------------------------------------------------------------


@settings(deadline=None)
@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1))
def test_every_int64_keeps_every_digit_from_text_and_from_parquet(values: list[int]) -> None:
    assert fits([str(value) for value in values], "integer") == values
    assert fits(values, "integer", pa.int64()) == values


def test_whole_numbers_may_have_sign_zeros_and_an_empty_fraction() -> None:
    cells = ["+5", "-0", "007", "5.0", " 5 ", "-12.000", "0" * 5000 + "1", "-" + "0" * 30 + "1"]
    assert fits(cells, "integer") == [5, 0, 7, 5, 5, -12, 1, -1]


def test_text_that_is_no_int64_is_reported() -> None:
    cells = ["1", "5.5", "1e3", str(2**63)]
    assert misfits(cells, "integer") == [2, 3, 4]
    assert misfits(["9" * 5000, "5.", "0x10", "1_000", "1,000"], "integer") == [1, 2, 3, 4, 5]
    assert misfits(["", "--1", "+-1", "٣", "-"], "integer") == [2, 3, 4, 5]


def test_an_unsigned_number_over_int64_is_reported_not_wrapped() -> None:
    assert coerce([2**63 - 1, 2**63, 2**64 - 1], "integer", pa.uint64())[0] == [
        2**63 - 1,
        None,
        None,
    ]
    assert misfits([1, 2**63], "integer", pa.uint64()) == [2]


def test_a_float_is_a_whole_number_only_where_floats_are_exact() -> None:
    assert fits([3.0, -0.0, 2.0**53 - 1, float("nan")], "integer") == [3, 0, 2**53 - 1, None]
    assert misfits([3.5, 2.0**53, float("inf"), -1e300], "integer") == [1, 2, 3, 4]


def test_decimals_are_typed_by_their_exact_value() -> None:
    stored = pa.decimal128(38, 2)
    cells = [decimal.Decimal("9223372036854775807.00"), decimal.Decimal("1.50")]
    assert coerce(cells, "integer", stored)[0] == [2**63 - 1, None]
    assert fits(cells[1:], "number", stored) == [1.5]


# --- numbers --------------------------------------------------------------------------------


@settings(deadline=None)
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1))
def test_every_double_keeps_every_bit_from_its_text(values: list[float]) -> None:
    cells = [repr(value) for value in values]
    assert np.array(fits(cells, "number")).tobytes() == np.array(values).tobytes()


@settings(deadline=None)
@given(st.lists(st.decimals(-(10**20), 10**20, allow_nan=False, places=25), min_size=1))
def test_a_long_decimal_gives_the_nearest_double(values: list[decimal.Decimal]) -> None:
    cells = [format(value, "f") for value in values]
    assert fits(cells, "number") == [float(cell) for cell in cells]


def test_numbers_may_be_written_short() -> None:
    assert fits(["5.", ".5", "+1", "-.5e3", "1E5", " 2 ", "007"], "number") == [
        5.0,
        0.5,
        1.0,
        -500.0,
        1e5,
        2.0,
        7.0,
    ]


@pytest.mark.parametrize(
    "cell", ["NaN", "nan", "inf", "-Infinity", "1e400", "-1e999", "1,5", "0x1p3", ".", "e5", "1 2"]
)
def test_text_that_is_no_finite_number_is_reported_never_a_nan(cell: str) -> None:
    assert misfits(["1", cell], "number") == [2]


def test_infinity_is_reported_and_a_stored_nan_is_missing() -> None:
    cells = [1.5, float("inf"), float("nan")]
    assert misfits(cells, "number") == [2]
    assert coerce(cells, "number")[0] == [1.5, None, None]
    _, problems = coerce(cells, "number", nullable=False)
    assert {(p.rule, p.rows) for p in problems} == {("wrong-type", (2,)), ("missing-value", (3,))}


WHOLE = [2**53, -(2**53), 2**53 + 1, -(2**53) - 1, 2**62, 10**17]


def test_whole_numbers_that_a_float_would_round_are_reported_in_every_format() -> None:
    assert misfits(WHOLE, "number", pa.int64()) == [3, 4, 5, 6]
    assert misfits([str(value) for value in WHOLE], "number") == [3, 4, 5, 6]
    assert misfits(["0" * 9 + str(2**53), "9" * 400, "1e17", "9007199254740994.0"], "number") == [2]


def test_small_floats_widen_exactly() -> None:
    assert fits([1.5, None], "number", pa.float16()) == [1.5, None]
    assert fits([np.float32(0.1)], "number", pa.float32()) == [float(np.float32(0.1))]


# --- booleans -------------------------------------------------------------------------------


def test_booleans_are_true_false_one_and_zero() -> None:
    cells = ["true", "FALSE", " True ", "1", "0"]
    assert fits(cells, "boolean") == [True, False, True, True, False]
    assert fits([True, None, False], "boolean") == [True, None, False]
    assert fits([1, 0, None], "boolean", pa.int64()) == [True, False, None]


def test_other_words_and_numbers_are_no_booleans() -> None:
    assert misfits(["yes", "no", "t", "2", "1.0"], "boolean") == [1, 2, 3, 4, 5]
    assert misfits([0, 1, 2, -1], "boolean", pa.int8()) == [3, 4]
    assert misfits([1.0], "boolean") == [1]


def test_a_boolean_is_written_small_as_category_and_text_and_is_no_number() -> None:
    assert fits([True, False, None], "category") == ["true", "false", None]
    assert fits([True], "text") == ["true"]
    assert misfits([True], "integer") == [1]
    assert misfits([True], "number") == [1]


# --- category and text from typed columns ---------------------------------------------------


@pytest.mark.parametrize("kind", ["category", "text"])
def test_stored_whole_numbers_become_their_digits_and_floats_are_reported(kind: str) -> None:
    assert fits([7, 2**63 - 1, None], kind, pa.int64()) == ["7", "9223372036854775807", None]
    # 7.0 may have been 7 before some library held it in a float.
    assert misfits([7.0, None], kind) == [1]


@pytest.mark.parametrize("stored", [pa.large_string(), pa.string_view()])
def test_every_layout_of_text_is_text(stored: pa.DataType) -> None:
    assert fits(["007", None, " "], "text", stored) == ["007", None, None]
    assert fits(["007"], "integer", stored) == [7]


def test_dictionaries_that_differ_from_chunk_to_chunk_are_decoded() -> None:
    chunks = [pa.array(["b", "a"]).dictionary_encode(), pa.array(["c", None]).dictionary_encode()]
    typed, problems = coerce_column("x", pa.chunked_array(chunks), "category", nullable=True)
    assert (typed.to_pylist(), problems) == (["b", "a", "c", None], [])


# --- dates and times ------------------------------------------------------------------------


@settings(deadline=None)
@given(st.datetimes(timezones=st.just(UTC)))
def test_every_microsecond_keeps_its_place(moment: datetime.datetime) -> None:
    assert fits([moment.isoformat()], "datetime") == [moment]
    assert fits([moment.replace(tzinfo=None).isoformat(" ")], "datetime") == [moment]
    assert fits([moment], "datetime", pa.timestamp("us", "UTC")) == [moment]


@pytest.mark.parametrize(
    "cell",
    [
        "2024-05-31T12:30",
        "2024-05-31 12:30:00",
        "2024-05-31T12:30:00Z",
        "2024-05-31T14:30:00+02:00",
        "2024-05-31T14:30:00.000000000+0200",
        " 2024-05-31T07:30-05 ",
        "2024-05-31T12:30:00,000",
    ],
)
def test_one_moment_may_be_written_in_many_ways(cell: str) -> None:
    assert fits([cell], "datetime") == [MOMENT]


def test_a_date_is_its_first_moment_in_utc() -> None:
    midnight = datetime.datetime(2024, 5, 31, tzinfo=UTC)
    assert fits(["2024-05-31"], "datetime") == [midnight]
    for stored in (pa.date32(), pa.date64()):
        assert fits([datetime.date(2024, 5, 31)], "datetime", stored) == [midnight]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "UTC", "Europe/Paris"])
def test_stored_timestamps_of_any_unit_and_zone_are_the_same_moment(
    unit: str, zone: str | None
) -> None:
    stored = pa.timestamp(unit, zone)
    value = MOMENT.replace(tzinfo=None) if zone is None else MOMENT
    assert fits([value, None], "datetime", stored) == [MOMENT, None]


@pytest.mark.parametrize(
    "cell",
    [
        "20240531",
        "1512121291234",
        "1717113600",
        "2024-W22-5",
        "2024-05-31-07:00",
        "2024-05-31x10:00",
        "31.05.2024",
        "05/31/2024",
        "2024-02-30",
        "2024-05-31T25:00",
        "2024-05-31 10:00 PST",
        "2024-05-31T10:00:00.1234567",
        "0001-01-01T00:00:00+10:00",
        "0000-01-01",
        "٢٠٢٤-٠٥-٣١",
        "2024-05-31T10:00\n2024",
    ],
)
def test_what_might_be_another_moment_or_none_is_reported(cell: str) -> None:
    assert misfits(["2024-05-31", cell], "datetime") == [2]


def test_stored_moments_are_not_rounded_and_do_not_wrap() -> None:
    assert misfits([1_000, 1_001, -1_000, -1], "datetime", pa.timestamp("ns")) == [2, 4]
    assert misfits(
        [0, 253_402_300_800, -62_135_596_801, 10**18], "datetime", pa.timestamp("s")
    ) == [
        2,
        3,
        4,
    ]
    last = datetime.datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
    assert fits([253_402_300_799], "datetime", pa.timestamp("s")) == [last]
    assert misfits([2**31 - 1, -(2**31)], "datetime", pa.date32()) == [1, 2]


@pytest.mark.parametrize(
    "stored", [pa.int64(), pa.float64(), pa.time32("s"), pa.duration("s")], ids=str
)
def test_stored_numbers_and_durations_are_no_moments(stored: pa.DataType) -> None:
    assert misfits([1, None], "datetime", stored) == [1]


# --- what no type holds ---------------------------------------------------------------------

ODD = [
    pa.array([[1]]),
    pa.array([{"a": SECRET}]),
    pa.array([SECRET.encode()]),
    pa.array([[(SECRET, 1)]], pa.map_(pa.string(), pa.int64())),
    pa.array([b"0123456789abcdef"], pa.uuid()),
    pa.array([b"ab"], pa.binary(2)),
    pa.array([[1.0, 2.0]], pa.list_(pa.float64(), 2)),
    pa.array([SECRET.encode()]).dictionary_encode(),
]


@pytest.mark.parametrize("kind", COLUMN_TYPES)
@pytest.mark.parametrize("array", ODD, ids=lambda array: str(array.type)[:20])
def test_nested_and_binary_cells_are_reported_in_every_type(array: pa.Array, kind: str) -> None:
    typed, (problem,) = coerce_column("x", pa.chunked_array([array]), kind, nullable=False)  # type: ignore[arg-type]
    assert (typed.null_count, problem.rule, problem.rows) == (1, "wrong-type", (1,))
    assert SECRET not in repr(problem)


# --- whole tables ---------------------------------------------------------------------------


@settings(deadline=None)
@given(st.lists(st.text(max_size=5) | st.sampled_from(["1", "true", "1.5", "2024-01-01"])))
def test_each_cell_is_typed_missing_or_reported_once(cells: list[str]) -> None:
    for kind in COLUMN_TYPES:
        typed, problems = coerce(cells, kind, pa.string(), nullable=False)
        assert sum(problem.count for problem in problems) == typed.count(None)


@pytest.mark.parametrize("kind", ["integer", "number", "boolean", "datetime"])
def test_a_value_is_never_in_a_problem(kind: str) -> None:
    values, problems = coerce(["", SECRET, None, *[SECRET + "1"] * 9], kind, nullable=False)
    assert values == [None] * 12
    assert [problem.count for problem in problems] == [10, 2]
    assert "swordfish" not in repr(problems) and "93417" not in repr(problems)


def test_problems_name_the_first_rows_and_count_the_rest() -> None:
    _, (problem,) = coerce(["x"] * 12, "integer")
    assert (problem.rows, problem.count) == ((1, 2, 3, 4, 5), 12)
    assert "rows 1, 2, 3, 4, 5 and 7 more" in problem.message


def test_declared_columns_come_in_declared_order_and_others_are_left_out() -> None:
    raw = pa.table({"x": ["1"], "extra": [SECRET], "y": ["2"]})
    types: dict[str, ColumnType] = {"y": "number", "absent": "text", "x": "integer"}
    table, problems = coerce_table(raw, types, {})
    assert table.to_pydict() == {"y": [2.0], "x": [1]} and problems == []
    assert table.column_names == ["y", "x"]


def test_problems_of_all_columns_are_gathered() -> None:
    raw = pa.table({"x": ["1", "a"], "y": ["", "2"]})
    table, problems = coerce_table(raw, {"x": "integer", "y": "number"}, {"y": False})
    assert [(p.rule, p.column, p.rows) for p in problems] == [
        ("wrong-type", "x", (2,)),
        ("missing-value", "y", (1,)),
    ]
    assert table.to_pydict() == {"x": [1, None], "y": [None, 2.0]}


def test_no_rows_and_no_chunks_are_typed_too() -> None:
    nothing = pa.table({"x": pa.chunked_array([], pa.string())})
    for kind in COLUMN_TYPES:
        table, problems = coerce_table(nothing, {"x": kind}, {"x": False})  # type: ignore[dict-item]
        assert (table.num_rows, problems) == (0, [])
        assert table.schema.field("x").type == arrow_type(kind)  # type: ignore[arg-type]
