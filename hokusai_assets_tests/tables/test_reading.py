"""Tests that files are read whole and exactly, or refused with words and no values."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hokusai_assets.tables import reading
from hokusai_assets.tables.formats import ENDINGS
from hokusai_assets.tables.limits import ReadLimits
from hokusai_assets.tables.problems import Problem
from hokusai_assets.tables.reading import FORMATS, nameable, read_table
from hokusai_assets_tests.tables.read_files import SECRET, refusal, written


def refused(folder: Path, name: str, data: bytes | str) -> Problem:
    path = written(folder, name, data)
    problem = refusal(lambda: read_table(path), secrets=(SECRET, str(folder)))
    assert name in problem.message
    return problem


def cells(folder: Path, name: str, data: bytes | str) -> dict[str, list]:
    return read_table(written(folder, name, data)).to_pydict()


# --- every format ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["x.xlsx", "x.csv.bz2", "x", "csv"])
def test_an_unknown_ending_is_refused_with_the_known_ones(tmp_path: Path, name: str) -> None:
    problem = refused(tmp_path, name, f"a\n{SECRET}\n")
    assert problem.rule == "unknown-format"
    assert all(ending in problem.fix for ending in FORMATS)


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_file_without_bytes_is_refused(tmp_path: Path, ending: str) -> None:
    assert refused(tmp_path, f"x{ending}", b"").rule == "empty-file"


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_file_that_is_not_there_is_no_fault_of_what_it_holds(tmp_path: Path, ending: str) -> None:
    with pytest.raises(FileNotFoundError):
        read_table(tmp_path / f"absent{ending}")


def test_messages_use_the_display_name_instead_of_the_files(tmp_path: Path) -> None:
    path = written(tmp_path, f"{SECRET}.csv", "a,a\n")
    problem = refusal(lambda: read_table(path, display_name="sent.csv"))
    assert "sent.csv" in problem.message


@pytest.mark.parametrize("ending", ENDINGS)
def test_an_upper_case_ending_names_the_same_format(tmp_path: Path, ending: str) -> None:
    problem = refused(tmp_path, f"x{ending.upper()}", b"\xff\xfe\x00")
    assert problem.rule in ("not-utf8", "bad-parquet", "bad-compression")


def test_only_the_first_of_the_rows_that_can_not_be_read_is_told(tmp_path: Path) -> None:
    problem = refused(tmp_path, "x.csv", f'a,b\n1\n{SECRET},2,3\n1,"x"y\n')
    assert (problem.rule, problem.rows) == ("bad-csv", (3,))


def test_a_table_that_outgrows_memory_is_refused(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(reading, "_MAX_CELLS", 99)
    assert refused(tmp_path, "x.csv", "a,b\n" + "1,2\n" * 50).rule == "too-large"
    monkeypatch.setattr(reading, "_MAX_CELLS", 100)
    assert cells(tmp_path, "x.csv", "a,b\n" + "1,2\n" * 50)["a"] == ["1"] * 50


def test_limits_may_be_given(tmp_path: Path) -> None:
    path = written(tmp_path, "x.csv", "a\n1\n2\n")
    assert refusal(lambda: read_table(path, limits=ReadLimits(max_rows=1))).rule == "too-large"


# --- CSV ------------------------------------------------------------------------------------


def test_csv_cells_are_the_text_the_file_holds(tmp_path: Path) -> None:
    text = 'id,name,n\n007,"a, ""b""\nc",1.50\n, NULL ,NaN\n'
    assert cells(tmp_path, "x.csv", text) == {
        "id": ["007", ""],
        "name": ['a, "b"\nc', " NULL "],
        "n": ["1.50", "NaN"],
    }


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("bom", ["", "\ufeff"])
@pytest.mark.parametrize("last", [True, False])
def test_csv_line_ends_and_byte_order_mark_are_no_data(
    tmp_path: Path, end: str, bom: str, last: bool
) -> None:
    text = bom + end.join(['"a",b', "1,2", "3,4"]) + (end if last else "")
    assert cells(tmp_path, "x.csv", text) == {"a": ["1", "3"], "b": ["2", "4"]}


@pytest.mark.parametrize("text", ["a,b", "a,b\n", "\ufeffa,b\r\n"])
def test_a_csv_header_alone_is_a_table_without_rows(tmp_path: Path, text: str) -> None:
    assert cells(tmp_path, "x.csv", text) == {"a": [], "b": []}


def test_a_blank_line_is_a_missing_cell_in_one_column_and_nothing_in_two(tmp_path: Path) -> None:
    assert cells(tmp_path, "x.csv", "a\n1\n\n2\n") == {"a": ["1", "", "2"]}
    assert cells(tmp_path, "x.csv", "a,b\n1,2\n\n3,4\n") == {"a": ["1", "3"], "b": ["2", "4"]}


def test_ragged_csv_rows_are_refused_by_number_without_their_cells(tmp_path: Path) -> None:
    text = f'a,"b\nb"\n1,2\n{SECRET}\n"x\ny",3\n1,{SECRET},3\n'
    problem = refused(tmp_path, "x.csv", text)
    assert (problem.rule, problem.rows, problem.count) == ("ragged-rows", (2, 4), 2)
    assert "rows 2 and 4" in problem.message and "header's 2" in problem.message


def test_quotes_inside_cells_are_kept(tmp_path: Path) -> None:
    text = 'a,b\n5" pipe,"""q"""\n"","6"""\n"\n",""""\n'
    assert cells(tmp_path, "x.csv", text) == {
        "a": ['5" pipe', "", "\n"],
        "b": ['"q"', '6"', '"'],
    }


def test_a_csv_column_named_twice_is_refused_without_its_name(tmp_path: Path) -> None:
    problem = refused(tmp_path, "x.csv", f"{SECRET},b,{SECRET}\n1,2,3\n")
    assert problem.rule == "repeated-column" and "1 column name" in problem.message


def test_a_csv_without_header_is_refused(tmp_path: Path) -> None:
    assert refused(tmp_path, "x.csv", "\ufeff").rule == "empty-file"
    assert refused(tmp_path, "x.csv", "\n\n1,2\n").rule == "empty-file"


# --- JSON and JSON Lines --------------------------------------------------------------------


def test_json_numbers_keep_the_text_of_the_file(tmp_path: Path) -> None:
    text = '[{"a": 1.10, "b": 9007199254740993, "c": true, "d": "x", "e": -0},{"b": 1E400}]'
    assert cells(tmp_path, "x.json", text) == {
        "a": ["1.10", None],
        "b": ["9007199254740993", "1E400"],
        "c": ["true", None],
        "d": ["x", None],
        "e": ["-0", None],
    }


def test_json_lines_may_have_blank_lines_and_any_line_end(tmp_path: Path) -> None:
    text = '\ufeff{"a": "\u2028"}\r\n\n{"a": null}\n'
    assert cells(tmp_path, "x.ndjson", text) == {"a": ["\u2028", None]}


def test_columns_that_come_late_are_null_before(tmp_path: Path) -> None:
    rows = [{"a": 1}] * 70_000 + [{"b": 2}]
    table = read_table(written(tmp_path, "x.json", json.dumps(rows)))
    assert table.column_names == ["a", "b"] and table.num_rows == 70_001
    assert table.column("b").null_count == 70_000


def test_records_without_any_key_are_refused_and_no_records_are_no_rows(tmp_path: Path) -> None:
    assert refused(tmp_path, "x.json", "[{}]").rule == "empty-file"
    assert cells(tmp_path, "x.json", "[]") == {}


def test_a_small_json_cannot_blow_up_into_a_huge_table(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(reading, "_SPARSE_CELLS", 10_000)
    text = json.dumps([{f"k{i % 200}": 1} for i in range(1_000)])
    assert refused(tmp_path, "x.json", text).rule == "sparse-records"
    dense = json.dumps([{f"k{i}": 1 for i in range(20)}] * 1_000)
    assert len(cells(tmp_path, "x.json", dense)) == 20


# --- Parquet --------------------------------------------------------------------------------


def test_parquet_keeps_types_and_row_order(tmp_path: Path) -> None:
    table = pa.table({"a": pa.array([3, 1, 2], pa.int32()), "b": ["x", None, "z"]})
    path = tmp_path / "x.parquet"
    pq.write_table(table, path, row_group_size=1)
    assert read_table(path).equals(table)


def test_parquet_without_rows_is_a_table_without_rows(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    pq.write_table(pa.table({"a": pa.array([], pa.int32())}), path)
    assert read_table(path).to_pydict() == {"a": []}


# --- names of columns -----------------------------------------------------------------------


@pytest.mark.parametrize("name", ["age", "marital-status", "c16", "größe", "a b"])
def test_ordinary_column_names_are_shown(name: str) -> None:
    assert nameable(name) == repr(name)


@pytest.mark.parametrize("name", ["ann@example.com", "tel 555123456", "x" * 41, "a\nb", "\ud800"])
def test_column_names_that_may_hold_a_value_are_withheld(name: str) -> None:
    assert name not in nameable(name) and "withheld" in nameable(name)
