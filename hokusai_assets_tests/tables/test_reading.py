"""Tests that files are read whole and exactly, or refused with words and no values."""

import json
import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hokusai_assets.tables import reading
from hokusai_assets.tables.coercion import coerce_table
from hokusai_assets.tables.columns import COLUMN_TYPES
from hokusai_assets.tables.problems import Problem, UnreadableFile
from hokusai_assets.tables.reading import FORMATS, nameable, read_table

SECRET = "swordfish-93417"


def written(folder: Path, name: str, data: bytes | str) -> Path:
    path = folder / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def refused(folder: Path, name: str, data: bytes | str) -> Problem:
    with pytest.raises(UnreadableFile) as caught:
        read_table(written(folder, name, data))
    problem = caught.value.problem
    assert problem.message in str(caught.value) and problem.fix in str(caught.value)
    assert name in problem.message
    assert SECRET not in repr(problem) and str(folder) not in repr(problem)
    # A chained parser error would carry what the problem leaves out into a log.
    assert caught.value.__suppress_context__ and caught.value.__cause__ is None
    return problem


def cells(folder: Path, name: str, data: bytes | str) -> dict[str, list]:
    return read_table(written(folder, name, data)).to_pydict()


def parquet_of(folder: Path, table: pa.Table, name: str = "x.parquet") -> Path:
    pq.write_table(table, folder / name)
    return folder / name


# --- every format ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["x.xlsx", "x.csv.gz", "x", "csv"])
def test_an_unknown_ending_is_refused_with_the_known_ones(tmp_path: Path, name: str) -> None:
    problem = refused(tmp_path, name, f"a\n{SECRET}\n")
    assert problem.rule == "unknown-format"
    assert all(ending in problem.fix for ending in FORMATS)


@pytest.mark.parametrize("ending", FORMATS)
def test_a_file_without_bytes_is_refused(tmp_path: Path, ending: str) -> None:
    assert refused(tmp_path, f"x{ending}", b"").rule == "empty-file"


@pytest.mark.parametrize("ending", FORMATS)
def test_a_file_that_is_not_there_is_no_fault_of_what_it_holds(tmp_path: Path, ending: str) -> None:
    with pytest.raises(FileNotFoundError):
        read_table(tmp_path / f"absent{ending}")


def test_messages_use_the_display_name_instead_of_the_files(tmp_path: Path) -> None:
    path = written(tmp_path, f"{SECRET}.csv", "a,a\n")
    with pytest.raises(UnreadableFile, match=r"sent\.csv") as caught:
        read_table(path, display_name="sent.csv")
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("ending", FORMATS)
def test_an_upper_case_ending_names_the_same_format(tmp_path: Path, ending: str) -> None:
    problem = refused(tmp_path, f"x{ending.upper()}", b"\xff\xfe\x00")
    assert problem.rule in ("not-utf8", "bad-parquet")


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


def test_ragged_rows_far_into_a_large_csv_keep_their_number(tmp_path: Path) -> None:
    text = "a,b\n" + "1,2\n" * 700_000 + f"{SECRET}\n" + "1,2\n" * 3 + f"1,2,{SECRET}\n"
    assert refused(tmp_path, "x.csv", text).rows == (700_001, 700_005)


@pytest.mark.parametrize(
    "text",
    [
        f'a,b\n1,"{SECRET}\n2,y\n3,z\n',
        f'a,b\n1,x\n2,"{SECRET}',
        f'a,b\n1,x\n2,"{SECRET}""',
        f'a,b\n1,5" pipe\n2,"{SECRET}\n',
        f'a,b\r"{SECRET},2\r',
        '"',
        'a,"b\n1,2\n',
    ],
)
def test_a_quote_left_open_does_not_swallow_the_rest_of_the_file(tmp_path: Path, text: str) -> None:
    assert refused(tmp_path, "x.csv", text).rule == "bad-csv"


def test_quotes_inside_cells_are_kept(tmp_path: Path) -> None:
    text = 'a,b\n5" pipe,"""q"""\n"","6"""\n"\n",""""\n'
    assert cells(tmp_path, "x.csv", text) == {
        "a": ['5" pipe', "", "\n"],
        "b": ['"q"', '6"', '"'],
    }


@pytest.mark.parametrize("size", [2_000_000, 70_000_000])
def test_a_cell_longer_than_the_parsers_block_is_read(tmp_path: Path, size: int) -> None:
    table = read_table(written(tmp_path, "x.csv", f"a,b\n1,{'x' * size}\n2,y\n"))
    assert [len(text) for text in table.column("b").to_pylist()] == [size, 1]


@pytest.mark.parametrize(
    "where", [b"a,%b\n1,2\n", b"a,b\n1,%b\n", b"a,b\n" + b"1,2\n" * 9999 + b"%b,1"]
)
def test_csv_that_is_not_utf8_is_refused(tmp_path: Path, where: bytes) -> None:
    data = where % (SECRET.encode() + b"\xe9")
    assert refused(tmp_path, "x.csv", data).rule in ("not-utf8", "bad-csv")


def test_utf16_is_refused(tmp_path: Path) -> None:
    assert refused(tmp_path, "x.csv", f"a,b\n1,{SECRET}\n".encode("utf-16")).rule == "not-utf8"


def test_a_csv_column_named_twice_is_refused_without_its_name(tmp_path: Path) -> None:
    problem = refused(tmp_path, "x.csv", f"{SECRET},b,{SECRET}\n1,2,3\n")
    assert problem.rule == "repeated-column" and "1 column name" in problem.message


def test_a_csv_without_header_is_refused(tmp_path: Path) -> None:
    assert refused(tmp_path, "x.csv", "\ufeff").rule == "empty-file"
    assert refused(tmp_path, "x.csv", "\n\n1,2\n").rule == "empty-file"


@pytest.mark.timeout(10)
def test_a_csv_of_very_many_columns_is_read_in_linear_time(tmp_path: Path) -> None:
    names = [f"c{i}" for i in range(30_000)]
    text = ",".join(names) + "\n" + ",".join("1" for _ in names) + "\n"
    assert read_table(written(tmp_path, "x.csv", text)).num_columns == 30_000


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


@pytest.mark.parametrize(
    "bad",
    [
        f'[{{"a": "{SECRET}"}},]',
        f'[{{"a": NaN, "b": "{SECRET}"}}]',
        f'[{{"a": -Infinity, "b": "{SECRET}"}}]',
        f'[{{"a": "{SECRET}"}}',
        f'{{"a": "{SECRET}"}}',
        f'"{SECRET}"',
        f'[{{"a": 1, "a": "{SECRET}"}}]',
        f'[["{SECRET}"]]',
        f'[{{"a": 1}}, "{SECRET}"]',
        "[" * 100_000,
        '{"a":' * 100_000,
        "[" * 100_000 + "]" * 100_000,
    ],
)
def test_bad_json_is_refused(tmp_path: Path, bad: str) -> None:
    assert refused(tmp_path, "x.json", bad).rule == "bad-json"


@pytest.mark.parametrize(
    "bad",
    [
        f'{{"a": "{SECRET}"',
        f'{{"a": NaN, "b": "{SECRET}"}}',
        f'{{"a": 1, "a": "{SECRET}"}}',
        "[" * 100_000,
        '{"a":' * 100_000,
    ],
)
def test_a_bad_json_line_is_refused_with_its_number(tmp_path: Path, bad: str) -> None:
    problem = refused(tmp_path, "x.jsonl", f'{{"a": 1}}\n{bad}\n')
    assert problem.rule == "bad-json" and "line 2" in problem.message


def test_values_that_are_no_records_are_counted(tmp_path: Path) -> None:
    problem = refused(tmp_path, "x.jsonl", f'{{"a": 1}}\n"{SECRET}"\n[1]\n')
    assert (problem.rows, problem.count) == ((2, 3), 2)


def test_nested_json_is_refused_with_row_and_column(tmp_path: Path) -> None:
    text = json.dumps([{"a": 1}, {"a": {"b": SECRET}}, {"a": [SECRET]}])
    problem = refused(tmp_path, "x.json", text)
    assert (problem.rule, problem.rows, problem.count) == ("nested-value", (2, 3), 2)
    assert "'a'" in problem.message


def test_a_nested_column_with_a_telling_name_is_not_named(tmp_path: Path) -> None:
    refused(tmp_path, "x.json", json.dumps([{f"{SECRET}-5551234": [1]}]))


def test_json_bytes_that_are_not_utf8_are_refused(tmp_path: Path) -> None:
    data = f'[{{"a": "{SECRET}'.encode() + b'\xe9"}]'
    assert refused(tmp_path, "x.json", data).rule == "not-utf8"
    assert refused(tmp_path, "x.jsonl", data).rule == "not-utf8"


def test_a_json_column_name_without_utf8_form_is_refused(tmp_path: Path) -> None:
    assert refused(tmp_path, "x.json", '[{"\\ud800": 1}]').rule == "not-utf8"


def test_records_without_any_key_are_refused_and_no_records_are_no_rows(tmp_path: Path) -> None:
    assert refused(tmp_path, "x.json", "[{}]").rule == "empty-file"
    assert cells(tmp_path, "x.json", "[]") == {}


@pytest.mark.timeout(20)
def test_a_small_json_cannot_blow_up_into_a_huge_table(tmp_path: Path) -> None:
    text = json.dumps([{f"k{i}": 1} for i in range(10_000)])
    assert refused(tmp_path, "x.json", text).rule == "sparse-records"


# --- Parquet --------------------------------------------------------------------------------


def test_parquet_keeps_types_and_row_order(tmp_path: Path) -> None:
    table = pa.table({"a": pa.array([3, 1, 2], pa.int32()), "b": ["x", None, "z"]})
    path = tmp_path / "x.parquet"
    pq.write_table(table, path, row_group_size=1)
    assert read_table(path).equals(table)


@pytest.mark.parametrize("keep", [1, 4, 50, -1, -8])
def test_a_truncated_parquet_file_is_refused(tmp_path: Path, keep: int) -> None:
    data = parquet_of(tmp_path, pa.table({"a": [SECRET] * 20})).read_bytes()
    assert refused(tmp_path, "x.parquet", data[:keep]).rule == "bad-parquet"


def test_parquet_text_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    data = SECRET.encode() + b"\xff"
    offsets = pa.array([0, len(data)], pa.int32()).buffers()[1]
    bad = pa.Array.from_buffers(pa.string(), 1, [None, offsets, pa.py_buffer(data)])
    path = parquet_of(tmp_path, pa.table({"a": bad}))
    assert refused(tmp_path, "x.parquet", path.read_bytes()).rule == "bad-parquet"


def test_a_parquet_column_named_twice_is_refused(tmp_path: Path) -> None:
    table = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=[SECRET, SECRET])
    path = parquet_of(tmp_path, table)
    assert refused(tmp_path, "x.parquet", path.read_bytes()).rule == "repeated-column"


def test_parquet_without_columns_is_refused(tmp_path: Path) -> None:
    path = parquet_of(tmp_path, pa.table({}))
    assert refused(tmp_path, "x.parquet", path.read_bytes()).rule == "empty-file"


# --- anything at all ------------------------------------------------------------------------

TABLE = pa.table(
    {
        "a": pa.array([SECRET] * 4),
        "b": pa.array([1, 2, None, 4]),
        "c": pa.array([0.5, None, 1e300, 2.0]),
    }
)


def _originals() -> dict[str, bytes]:
    with tempfile.TemporaryDirectory() as folder:
        path = parquet_of(Path(folder), TABLE)
        parquet = path.read_bytes()
    rows = [{"a": SECRET, "b": 1, "c": None}, {"a": SECRET, "b": 2, "c": 0.5}]
    return {
        ".csv": f'a,b,c\n"{SECRET}",1,0.5\n{SECRET},2,\n"{SECRET}\n",3,1\n'.encode(),
        ".json": json.dumps(rows).encode(),
        ".jsonl": "\n".join(json.dumps(row) for row in rows).encode(),
        ".parquet": parquet,
    }


ORIGINALS = _originals()


def read_and_type(ending: str, data: bytes) -> str:
    """Read a file, type it every way, and return all words that came of it."""
    said = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"x{ending}"
        path.write_bytes(data)
        try:
            table = read_table(path)
        except UnreadableFile as error:
            return f"{error} {error.problem!r}"
        for kind in COLUMN_TYPES:
            # Names come from the benchmark's spec, not from the file: these three are its own.
            types = {name: kind for name in ("a", "b", "c") if name in table.column_names}
            typed, problems = coerce_table(table, types, dict.fromkeys(types, False))  # type: ignore[arg-type]
            assert typed.num_rows in (table.num_rows, 0)
            said += [repr(problem) for problem in problems]
    return " ".join(said)


@st.composite
def mutations(draw: st.DrawFn, original: bytes) -> bytes:
    data = bytearray(original)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(data)))
        how = draw(st.sampled_from(["flip", "cut", "insert", "repeat", "drop"]))
        if how == "flip" and at < len(data):
            data[at] = draw(st.integers(0, 255))
        elif how == "cut":
            del data[at:]
        elif how == "insert":
            data[at:at] = draw(
                st.sampled_from([b'"', b"\n", b"\0", b"\xff", b"{", b"[", b",", b"\r", b"\\ud800"])
                | st.binary(max_size=4)
            )
        elif how == "repeat":
            data[at:at] = data[at : at + 40]
        else:
            del data[at : at + draw(st.integers(1, 9))]
    return bytes(data)


@pytest.mark.parametrize("ending", ORIGINALS)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_a_damaged_file_is_read_or_refused_and_never_quoted(
    ending: str, data: st.DataObject
) -> None:
    said = read_and_type(ending, data.draw(mutations(ORIGINALS[ending])))
    assert SECRET not in said and SECRET[:9] not in said


@pytest.mark.parametrize("ending", ORIGINALS)
@settings(max_examples=80, deadline=None)
@given(data=st.binary(min_size=1, max_size=200) | st.text(min_size=1).map(str.encode))
def test_random_bytes_raise_nothing_but_unreadable_file(ending: str, data: bytes) -> None:
    read_and_type(ending, data)


@settings(max_examples=100, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=3),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(st.sampled_from(["a", "b", "\ud800"]), inner, max_size=3)
        ),
        max_leaves=10,
    )
)
def test_any_json_value_is_a_table_or_refused(value: object) -> None:
    read_and_type(".json", json.dumps(value).encode())


# --- names of columns -----------------------------------------------------------------------


@pytest.mark.parametrize("name", ["age", "marital-status", "c16", "größe", "a b"])
def test_ordinary_column_names_are_shown(name: str) -> None:
    assert nameable(name) == repr(name)


@pytest.mark.parametrize("name", ["ann@example.com", "tel 555123456", "x" * 41, "a\nb", "\ud800"])
def test_column_names_that_may_hold_a_value_are_withheld(name: str) -> None:
    assert name not in nameable(name) and "withheld" in nameable(name)


def test_a_small_parquet_file_that_decodes_to_gigabytes_is_refused_before_it_is(tmp_path: Path):
    path = tmp_path / "bomb.parquet"
    text = pa.DictionaryArray.from_arrays(pa.array([0] * 2_300_000, pa.int32()), ["x" * 1000])
    pq.write_table(pa.table({"text": text}), path)
    assert path.stat().st_size < 1_000_000
    with pytest.raises(UnreadableFile) as caught:
        read_table(path)
    assert caught.value.problem.rule == "too-large"


def test_a_parquet_file_of_too_many_cells_is_refused(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(reading, "MAX_CELLS", 99)
    path = tmp_path / "wide.parquet"
    pq.write_table(pa.table({"a": range(50), "b": range(50)}), path)
    with pytest.raises(UnreadableFile, match="several files"):
        read_table(path)


@pytest.mark.parametrize("ending", ["csv", "json", "jsonl"])
def test_a_text_file_over_the_limit_is_refused_unread(tmp_path: Path, monkeypatch, ending: str):
    monkeypatch.setattr(reading, "MAX_TEXT_FILE_BYTES", 10)
    path = tmp_path / f"long.{ending}"
    path.write_text("not even a table")
    with pytest.raises(UnreadableFile) as caught:
        read_table(path)
    assert caught.value.problem.rule == "too-large"
