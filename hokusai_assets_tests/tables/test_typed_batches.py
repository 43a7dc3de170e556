"""Typing in batches: exact cells or reported rows, and the decimal mark of a whole file."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hokusai_assets.tables.columns import ColumnType
from hokusai_assets.tables.data_file import DataFile
from hokusai_assets.tables.formats import DeclaredFormat
from hokusai_assets.tables.typed_batches import typed_batches
from hokusai_assets_tests.tables.read_files import SECRET, Pass, opened, typed_pass

NUMBER: dict[str, ColumnType] = {"n": "number"}


def typed(
    folder: Path,
    data: str,
    types: dict[str, ColumnType],
    *,
    name: str = "x.csv",
    decimal: str | None = None,
    nullable: dict[str, bool] | None = None,
) -> Pass:
    declared = DeclaredFormat(decimal=decimal)
    return typed_pass(opened(folder, name, data, declared=declared), types, nullable)


def numbers(folder: Path, *cells: str, delimiter: str = ";", decimal: str | None = None) -> Pass:
    quote = '"' if delimiter == "," else ""
    rows = "".join(f"x{delimiter}{quote}{cell}{quote}\n" for cell in cells)
    return typed(folder, f"t{delimiter}n\n{rows}", NUMBER, decimal=decimal)


# --- rows and problems ----------------------------------------------------------------------


def test_rows_with_a_problem_are_flagged_and_the_others_typed(tmp_path: Path) -> None:
    data = f"n,t,extra\n1,a,z\nx,b,z\n3\n4,,z\n{SECRET},,z\n6,f,z\n"
    found = typed(tmp_path, data, {"t": "text", "n": "integer"}, nullable={"t": False})
    assert found.cells == {
        "t": ["a", "b", None, None, "f"],
        "n": [1, None, 4, None, 6],
    }
    assert (found.rows, found.flawed, found.rows_seen) == ([1, 2, 4, 5, 6], [2, 4, 5], 6)
    assert found.rules == {
        ("ragged-rows", None): (3,),
        ("missing-value", "t"): (4, 5),
        ("wrong-type", "n"): (2, 5),
    }
    assert SECRET not in repr(found.problems)


def test_problems_name_file_column_and_rows(tmp_path: Path) -> None:
    found = typed(tmp_path, "n,t\nx,a\n,b\n", {"n": "integer"}, nullable={"n": False})
    assert [(p.message, p.fix) for p in found.problems] == [
        (
            "x.csv, column 'n', row 1: not a whole number between -2^63 and 2^63-1, such as 42.",
            "Write every cell of 'n' as a whole number between -2^63 and 2^63-1, such as 42, "
            "or remove the row.",
        ),
        (
            "x.csv, column 'n', row 2: the cell is empty.",
            "Fill every cell of 'n', or remove the row.",
        ),
    ]


def test_counts_run_over_all_batches(tmp_path: Path) -> None:
    rows = "".join(f"{'x' if n % 1000 == 0 else n},a\n" for n in range(1, 200_001))
    file = opened(tmp_path, "x.csv", f"n,t\n{rows}")
    sizes = [len(batch.rows) for batch in typed_batches(file, {"n": "integer"}, {})]
    assert len(sizes) > 2 and max(sizes) <= 65_536
    (problem,) = typed_pass(file, {"n": "integer"}).problems
    assert (problem.rows, problem.count) == ((1000, 2000, 3000, 4000, 5000), 200)


def test_a_nested_cell_is_not_called_missing_too(tmp_path: Path) -> None:
    data = '[{"a": {"b": 1}}, {"a": null}, {"a": "x"}]'
    found = typed(tmp_path, data, {"a": "text"}, name="x.json", nullable={"a": False})
    assert found.rules == {("nested-value", "a"): (1,), ("missing-value", "a"): (2,)}
    assert found.flawed == [1, 2]


@pytest.mark.parametrize(
    ("name", "data"), [("x.csv", "a,b\n1,2\n"), ("x.json", '[{"a": 1, "b": 2}]')]
)
def test_columns_the_file_lacks_are_left_to_the_caller(
    tmp_path: Path, name: str, data: str
) -> None:
    types: dict[str, ColumnType] = {"absent": "text", "a": "integer"}
    found = typed(tmp_path, data, types, name=name, nullable={"absent": False})
    assert found.cells["a"] == [1] and found.problems == []
    assert "absent" not in found.column_names


def test_a_second_pass_without_a_log_gives_the_same_rows(tmp_path: Path) -> None:
    file = opened(tmp_path, "x.csv", "n,t\n1,a\nx,b\n3\n")
    first = typed_pass(file, {"n": "integer"})
    second = list(typed_batches(file, {"n": "integer"}, {}))
    assert [batch.table.to_pydict() for batch in second] == [first.cells]
    assert [batch.flawed.tolist() for batch in second] == [[False, True]]


def test_no_declared_column_at_all_still_counts_the_rows(tmp_path: Path) -> None:
    found = typed(tmp_path, "a,b\n1,2\n3,4\n", {"c": "text"})
    assert (found.cells, found.rows) == ({}, [1, 2])


# --- the decimal mark -----------------------------------------------------------------------


def test_a_cell_that_can_only_have_a_decimal_comma_decides_for_the_file(tmp_path: Path) -> None:
    found = numbers(tmp_path, "1,5", "1,234", "7", "-,5", "2,", "1,5e3", "+0,125")
    assert found.cells["n"] == [1.5, 1.234, 7.0, -0.5, 2.0, 1500.0, 0.125]
    assert found.problems == [] and found.found.decimal == ","


def test_it_decides_for_all_columns_of_numbers(tmp_path: Path) -> None:
    types: dict[str, ColumnType] = {"a": "number", "b": "number", "i": "integer", "t": "text"}
    found = typed(tmp_path, "a;b;i;t\n1,234;0,5;42,0;1,5\n", types)
    assert found.cells == {"a": [1.234], "b": [0.5], "i": [42], "t": ["1,5"]}


def test_a_text_column_has_no_say(tmp_path: Path) -> None:
    types: dict[str, ColumnType] = {"n": "number", "t": "text"}
    found = typed(tmp_path, "n;t\n1,234;0,5\n", types)
    assert found.rules == {("ambiguous-decimal", "n"): (1,)}


@pytest.mark.parametrize("cell", ["1,234", "-12,345", "999,999", "1.234", "+1.000"])
def test_nothing_is_guessed_where_every_cell_can_be_read_two_ways(
    tmp_path: Path, cell: str
) -> None:
    found = numbers(tmp_path, "7", cell, "1234")
    assert found.cells["n"] == [7.0, None, 1234.0] and found.flawed == [2]
    (problem,) = found.problems
    assert (problem.rule, problem.rows) == ("ambiguous-decimal", (2,))
    assert "Declare decimal" in problem.fix and found.found.decimal is None


def test_declaring_the_mark_settles_it(tmp_path: Path) -> None:
    for cell in ("1,234", "1.234"):
        for mark in (",", "."):
            found = numbers(tmp_path, cell, decimal=mark)
            expected = 1.234 if mark in cell else None
            assert found.cells["n"] == [expected]
            assert [p.rule for p in found.problems] == ([] if expected else ["wrong-type"])


def test_a_cell_that_can_only_have_a_point_keeps_commas_from_being_decimal(tmp_path: Path) -> None:
    found = numbers(tmp_path, "1,5", "0.25", "1,234", "1.234")
    assert found.cells["n"] == [None, 0.25, None, 1.234] and found.found.decimal == "."
    assert found.rules == {("ambiguous-decimal", "n"): (1, 3)}


def test_points_do_not_group_digits_in_a_file_with_decimal_commas(tmp_path: Path) -> None:
    found = numbers(tmp_path, "1,5", "1.234", "1.234,5", "1.234.567", "1.5")
    # The last one can only have a point, so the file has no decimal commas after all.
    assert found.found.decimal == "."
    found = numbers(tmp_path, "1,5", "1.234", "1.234,5", "1.234.567")
    assert found.cells["n"] == [1.5, None, None, None]
    assert found.rules == {("wrong-type", "n"): (2, 3, 4)}
    assert "such as 3,5" in found.problems[0].message


def test_commas_do_not_group_digits(tmp_path: Path) -> None:
    found = numbers(tmp_path, "0.5", "1,234,567", "1,234.5")
    assert found.rules == {("ambiguous-decimal", "n"): (2, 3)}


def test_where_a_comma_delimits_a_point_is_decimal(tmp_path: Path) -> None:
    found = numbers(tmp_path, "1.234", "1,234", "1,5", delimiter=",")
    assert found.cells["n"] == [1.234, None, None] and found.found.decimal == "."
    assert found.rules == {("ambiguous-decimal", "n"): (2, 3)}
    found = numbers(tmp_path, "1.234", "1,234", "1,5", delimiter=",", decimal=",")
    assert found.cells["n"] == [None, 1.234, 1.5]


def test_a_mark_far_down_the_file_still_decides(tmp_path: Path) -> None:
    cells = ["1,234"] * 150_000
    assert numbers(tmp_path, *cells, "0,5").cells["n"][:2] == [1.234, 1.234]
    assert numbers(tmp_path, *cells, "0.5").cells["n"][:2] == [None, None]
    assert numbers(tmp_path, *cells).cells["n"][:2] == [None, None]


def test_the_file_is_read_for_its_mark_only_once(tmp_path: Path) -> None:
    file = opened(tmp_path, "x.csv", "t;n\nx;1,5\n")
    assert file.decimal_mark(["n"]) == ","
    (tmp_path / "x.csv").unlink()
    assert file.decimal_mark(["n"]) == ","
    with pytest.raises(FileNotFoundError):
        file.decimal_mark(["t"])


def test_json_and_parquet_numbers_have_points(tmp_path: Path) -> None:
    found = typed(tmp_path, '[{"n": "1,5"}, {"n": 2.5}]', NUMBER, name="x.json")
    assert found.rules == {("wrong-type", "n"): (1,)} and found.cells["n"] == [None, 2.5]
    path = tmp_path / "x.parquet"
    pa.parquet.write_table(pa.table({"n": ["1,5", "2.5"]}), path)
    found = typed_pass(DataFile.open(path), NUMBER)
    assert found.rules == {("wrong-type", "n"): (1,)} and found.cells["n"] == [None, 2.5]


FLOATS = st.floats(allow_nan=False, allow_infinity=False)


@settings(max_examples=80, deadline=None)
@given(st.lists(FLOATS, min_size=1, max_size=20), st.sampled_from(";\t|"), st.booleans())
def test_numbers_are_right_or_reported_whichever_mark_they_were_written_with(
    tmp_path_factory, values: list[float], delimiter: str, comma: bool
) -> None:
    cells = [repr(value) for value in values]
    if comma:
        cells = [cell.replace(".", ",") for cell in cells]
    found = numbers(tmp_path_factory.mktemp("marks"), *cells, delimiter=delimiter)
    for row, (value, read) in enumerate(zip(values, found.cells["n"], strict=True), start=1):
        whole = abs(value) >= 2**53 and "e" not in repr(value)
        assert read == value or row in found.flawed or whole
        assert read is None or np.float64(read).tobytes() == np.float64(value).tobytes()


@settings(max_examples=40, deadline=None)
@given(st.lists(FLOATS, min_size=1, max_size=20), st.sampled_from(".,"))
def test_numbers_come_back_to_the_last_bit_once_the_mark_is_declared(
    tmp_path_factory, values: list[float], mark: str
) -> None:
    cells = [repr(value).replace(".", mark) for value in values]
    found = numbers(tmp_path_factory.mktemp("marks"), *cells, decimal=mark)
    assert np.array(found.cells["n"]).tobytes() == np.array(values).tobytes()
