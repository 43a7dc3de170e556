"""Parquet: types, pushdown, folders of parts, and files made to end or fill the reader."""

import io
import os
import struct
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hokusai_assets.tables import parquet_child, parquet_reading
from hokusai_assets.tables.data_file import DataFile
from hokusai_assets.tables.limits import ReadLimits
from hokusai_assets.tables.problems import Problem
from hokusai_assets_tests.tables import crafted_parquet as crafted
from hokusai_assets_tests.tables.read_files import (
    SECRET,
    Pass,
    raw_pass,
    refusal,
    refused,
    typed_pass,
    written,
)


def bytes_of(table: pa.Table, **options: object) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink, **options)
    return sink.getvalue()


def read(
    folder: Path, table: pa.Table, columns: list[str] | None = None, **options: object
) -> Pass:
    path = written(folder, "x.parquet", bytes_of(table, **options))
    return raw_pass(DataFile.open(path), columns)


def folder_of(path: Path, *tables: pa.Table) -> Path:
    path.mkdir()
    for number, table in enumerate(tables):
        pq.write_table(table, path / f"part-{number}.parquet")
    return path


def refused_path(path: Path, limits: ReadLimits | None = None) -> Problem:
    return refusal(
        lambda: raw_pass(DataFile.open(path, limits=limits or ReadLimits())),
        secrets=(SECRET, str(path.parent)),
    )


# --- what is read ---------------------------------------------------------------------------


@pytest.mark.parametrize("row_group_size", [1, 7, 100_000])
@pytest.mark.parametrize("dictionary", [True, False])
@pytest.mark.parametrize("version", ["1.0", "2.0"])
def test_rows_keep_their_order_types_and_numbers(
    tmp_path: Path, row_group_size: int, dictionary: bool, version: str
) -> None:
    table = pa.table(
        {
            "i": pa.array(range(500), pa.int32()),
            "u": pa.array([2**64 - 1, None] * 250, pa.uint64()),
            "t": [f"text {n % 7}" if n % 3 else None for n in range(500)],
            "f": [n / 7 for n in range(500)],
        }
    )
    found = read(
        tmp_path,
        table,
        row_group_size=row_group_size,
        use_dictionary=dictionary,
        data_page_version=version,
    )
    assert found.cells == table.to_pydict() and found.rows == list(range(1, 501))
    assert found.column_names == ("i", "u", "t", "f") and found.problems == []


def test_only_wanted_columns_are_read_in_the_order_asked_for(tmp_path: Path) -> None:
    table = pa.table({"a": [1, 2], "b": [[1], []], "c": ["x", "y"]})
    found = read(tmp_path, table, ["c", "absent", "a"])
    assert list(found.cells) == ["c", "a"] and found.column_names == ("a", "b", "c")
    nothing = read(tmp_path, table, ["absent"])
    assert (nothing.cells, nothing.rows, nothing.rows_seen) == ({}, [1, 2], 2)


def test_a_column_that_is_not_wanted_is_not_decoded(tmp_path: Path) -> None:
    bomb = pa.DictionaryArray.from_arrays(pa.array([0] * 50_000, pa.int32()), ["x" * 900_000])
    table = pa.table({"a": range(50_000), "bomb": bomb})
    path = written(tmp_path, "x.parquet", bytes_of(table))
    assert raw_pass(DataFile.open(path), ["a"]).rows_seen == 50_000
    assert "once decoded" in refused_path(path).message


def test_members_of_structs_are_columns_as_in_json(tmp_path: Path) -> None:
    table = pa.table({"id": [1, 2], "who": [{"name": {"first": "A"}, "age": 3}, None]})
    assert read(tmp_path, table).cells == {
        "id": [1, 2],
        "who.name.first": ["A", None],
        "who.age": [3, None],
    }
    assert read(tmp_path, table, ["who.name.first"]).cells == {"who.name.first": ["A", None]}


def test_names_with_dots_are_not_mistaken_for_members(tmp_path: Path) -> None:
    table = pa.table({"a": [1], "a.b": [2], "a.b.c": ["x"]})
    assert read(tmp_path, table).cells == table.to_pydict()
    assert read(tmp_path, table, ["a"]).cells == {"a": [1]}


def test_a_member_that_clashes_with_a_real_name_is_refused(tmp_path: Path) -> None:
    table = pa.table({"a.b": [1], "a": [{"b": 2}]})
    assert refused(tmp_path, "x.parquet", bytes_of(table)).rule == "repeated-column"


ODD = pa.table(
    {
        "list": [[1], None, []],
        "bytes": [b"x", None, b""],
        "map": pa.array([[("k", 1)], None, []], pa.map_(pa.string(), pa.int64())),
        "time": pa.array([1, None, 2], pa.time32("s")),
        "uuid": pa.array([b"0123456789abcdef", None, b"0123456789abcdef"], pa.uuid()),
    }
)


@pytest.mark.parametrize("column", ODD.column_names)
def test_cells_that_no_type_takes_are_told_from_missing_ones(tmp_path: Path, column: str) -> None:
    path = written(tmp_path, "x.parquet", bytes_of(ODD))
    found = typed_pass(DataFile.open(path), {column: "text"}, {column: False})
    assert found.rules == {("wrong-type", column): (1, 3), ("missing-value", column): (2,)}


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.string_view()])
def test_every_layout_of_text_comes_as_text(tmp_path: Path, kind: pa.DataType) -> None:
    table = pa.table({"t": pa.array(["a", None, "é" * 50, "a"], kind)})
    assert read(tmp_path, table).cells == table.to_pydict()
    encoded = pa.table({"t": table["t"].cast(pa.string()).dictionary_encode()})
    assert read(tmp_path, encoded).cells == table.to_pydict()


def test_text_that_is_no_utf8_is_reported_by_row_and_its_cell_empty(tmp_path: Path) -> None:
    broken = SECRET.encode() + b"\xff"
    data = b"fine" + broken + b"too"
    offsets = pa.array([0, 4, 4 + len(broken), len(data)], pa.int32()).buffers()[1]
    text = pa.Array.from_buffers(pa.string(), 3, [None, offsets, pa.py_buffer(data)])
    table = pa.table({"a": text, "b": ["x", "y", "z"]})
    for dictionary in (True, False):
        found = read(tmp_path, table, use_dictionary=dictionary)
        assert found.cells == {"a": ["fine", None, "too"], "b": ["x", "y", "z"]}
        assert [(p.rule, p.rows) for p in found.problems] == [("not-utf8", (2,))]
        assert found.unreadable == {"a": [2]} and SECRET not in repr(found.problems)


def test_many_rows_come_in_bounded_batches(tmp_path: Path) -> None:
    table = pa.table({"n": range(300_000), "t": ["some text"] * 300_000})
    path = written(tmp_path, "x.parquet", bytes_of(table, row_group_size=1_000))
    sizes = [len(batch.rows) for batch in DataFile.open(path).raw_batches()]
    assert max(sizes) <= 65_536 and sum(sizes) == 300_000 and len(sizes) < 12


# --- folders of parts -----------------------------------------------------------------------


def test_parts_are_one_table_in_the_order_of_their_names(tmp_path: Path) -> None:
    path = folder_of(tmp_path / "x.parquet", pa.table({"n": [1, 2]}), pa.table({"n": [3]}))
    (path / "_SUCCESS").write_bytes(b"")
    (path / ".part-9.parquet.crc").write_bytes(b"crc")
    found = raw_pass(DataFile.open(path))
    assert (found.cells, found.rows, found.found.parts) == ({"n": [1, 2, 3]}, [1, 2, 3], 2)


def test_thousands_of_small_parts_are_read_in_few_batches(tmp_path: Path) -> None:
    table = pa.table({"n": [1, 2], "t": ["x", "y"]})
    path = folder_of(tmp_path / "x.parquet", *[table] * 2_000)
    assert [len(batch.rows) for batch in DataFile.open(path).raw_batches()] == [4_000]


@pytest.mark.parametrize(
    "other", [pa.table({"m": [1]}), pa.table({"n": ["1"]}), pa.table({"n": [1], "m": [1]})]
)
def test_parts_with_other_columns_or_types_are_refused(tmp_path: Path, other: pa.Table) -> None:
    path = folder_of(tmp_path / "x.parquet", pa.table({"n": [1]}), other)
    problem = refused_path(path)
    assert problem.rule == "part-schema" and "part 2" in problem.message


def test_a_damaged_part_is_refused(tmp_path: Path) -> None:
    path = folder_of(tmp_path / "x.parquet", pa.table({"n": [1]}))
    (path / "part-1.parquet").write_bytes(b"PAR1 or so")
    assert refused_path(path).rule == "bad-parquet"


def test_links_folders_and_other_files_in_a_folder_are_refused(tmp_path: Path) -> None:
    outside = written(tmp_path, "outside.parquet", bytes_of(pa.table({"n": [1]})))
    path = folder_of(tmp_path / "x.parquet", pa.table({"n": [1]}))
    (path / "z.parquet").symlink_to(outside)
    assert refused_path(path).rule == "bad-part-folder"


def test_a_link_to_a_file_or_folder_is_not_followed(tmp_path: Path) -> None:
    path = folder_of(tmp_path / "real.parquet", pa.table({"n": [1]}))
    (tmp_path / "x.parquet").symlink_to(path)
    assert refused_path(tmp_path / "x.parquet").rule == "not-a-file"
    (tmp_path / "y.parquet").symlink_to(path / "part-0.parquet")
    assert refused_path(tmp_path / "y.parquet").rule == "not-a-file"


def test_limits_hold_for_all_parts_together(tmp_path: Path) -> None:
    path = folder_of(tmp_path / "x.parquet", *[pa.table({"n": range(10)})] * 3)
    size = sum(part.stat().st_size for part in path.iterdir())
    for limits in (
        ReadLimits(max_rows=29),
        ReadLimits(max_file_bytes=size - 1),
        ReadLimits(max_parts=2),
        ReadLimits(max_decoded_bytes=239),
    ):
        assert refused_path(path, limits).rule == "too-large"
    exact = ReadLimits(max_rows=30, max_file_bytes=size, max_parts=3, max_decoded_bytes=240)
    assert raw_pass(DataFile.open(path, limits=exact)).rows_seen == 30


# --- what is refused ------------------------------------------------------------------------


@pytest.mark.parametrize("keep", [1, 4, 11, 12, 50, -1, -8])
def test_a_truncated_file_is_refused(tmp_path: Path, keep: int) -> None:
    data = bytes_of(pa.table({"a": [SECRET] * 20}))
    assert refused(tmp_path, "x.parquet", data[:keep]).rule == "bad-parquet"


def test_a_column_named_twice_is_refused(tmp_path: Path) -> None:
    table = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=[SECRET, SECRET])
    assert refused(tmp_path, "x.parquet", bytes_of(table)).rule == "repeated-column"


def test_a_file_without_columns_is_refused(tmp_path: Path) -> None:
    assert refused(tmp_path, "x.parquet", bytes_of(pa.table({}))).rule == "empty-file"


TWO_COLUMNS = ([crafted.group(b"schema", 2), crafted.leaf(b"a"), crafted.leaf(b"b")], 3)


def test_a_footer_by_hand_is_read(tmp_path: Path) -> None:
    path = written(tmp_path, "x.parquet", crafted.file_of(*TWO_COLUMNS))
    assert raw_pass(DataFile.open(path)).column_names == ("a", "b")


@pytest.mark.parametrize("rows", [1, 5, -5, 2**62])
def test_a_footer_that_lies_about_its_rows_is_refused(tmp_path: Path, rows: int) -> None:
    data = crafted.file_of(*TWO_COLUMNS, rows=rows)
    assert refused(tmp_path, "x.parquet", data).rule in ("bad-parquet", "too-large")


@pytest.mark.parametrize("columns", [2_001, 90_000, 1_000_000])
def test_very_many_columns_are_refused(tmp_path: Path, columns: int) -> None:
    schema = [crafted.group(b"schema", columns)]
    schema += [crafted.leaf(b"c%d" % number) for number in range(columns)]
    data = crafted.file_of(schema, columns + 1)
    # Arrow itself takes no million.
    assert refused(tmp_path, "x.parquet", data).rule in ("too-many-columns", "bad-parquet")


@pytest.mark.parametrize("levels", [9, 1_000, 100_000, 900_000])
def test_very_deep_nesting_is_refused_and_ends_nothing_but_the_child(
    tmp_path: Path, levels: int
) -> None:
    # From some ten thousand levels on, the decoder runs out of stack: the process dies.
    schema = [crafted.group(b"schema", 1), *[crafted.group(b"g", 1)] * levels, crafted.leaf(b"x")]
    data = crafted.file_of(schema, levels + 2)
    assert refused(tmp_path, "x.parquet", data).rule in ("too-nested", "bad-parquet")


def test_a_nested_column_is_refused_beyond_the_bound_only(tmp_path: Path) -> None:
    value: object = 1
    for _ in range(3):
        value = [value]
    data = bytes_of(pa.table({"a": [value]}))
    path = written(tmp_path, "x.parquet", data)
    assert raw_pass(DataFile.open(path, limits=ReadLimits(max_nesting=3))).rows_seen == 1
    problem = refused(tmp_path, "x.parquet", data, limits=ReadLimits(max_nesting=2))
    assert problem.rule == "too-nested"


@pytest.mark.parametrize("name", [b"\xff\xfe", b"\x80"])
def test_a_column_name_that_is_no_text_is_refused(tmp_path: Path, name: bytes) -> None:
    data = crafted.file_of([crafted.group(b"schema", 1), crafted.leaf(name)], 2)
    assert refused(tmp_path, "x.parquet", data).rule == "bad-parquet"


@pytest.mark.parametrize("length", [0, 99, 101, 2**31 - 1, 2**32 - 1])
def test_a_footer_that_lies_about_its_length_is_refused(tmp_path: Path, length: int) -> None:
    data = crafted.with_footer(b"x" * 100, length=length)
    assert refused(tmp_path, "x.parquet", data).rule == "bad-parquet"


def test_a_footer_too_long_to_be_read_is_refused(tmp_path: Path, monkeypatch) -> None:
    path = tmp_path / "x.parquet"
    with path.open("wb") as stream:
        # A hole in the file: it has the bytes without taking the disk's.
        stream.write(b"PAR1")
        stream.truncate(4 + 65 * 2**20)
        stream.seek(0, os.SEEK_END)
        stream.write(struct.pack("<I", 65 * 2**20) + b"PAR1")
    assert refused_path(path).rule == "too-large"


@pytest.mark.parametrize("length", [1_000, 900_000])
def test_a_repeated_long_text_is_refused_before_it_is_decoded(tmp_path: Path, length: int) -> None:
    indices = pa.array([0] * 2_000_000, pa.int32())
    text = pa.DictionaryArray.from_arrays(indices, ["x" * length])
    path = tmp_path / "x.parquet"
    pq.write_table(pa.table({"text": text}), path)
    assert path.stat().st_size < 1_000_000
    assert refused_path(path, ReadLimits(max_decoded_bytes=2**30)).rule == "too-large"


@pytest.mark.slow  # writing it takes its time
def test_a_page_that_decompresses_to_more_than_memory_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    page = pa.table({"text": ["x" * 1_000_000] * 1_200})
    pq.write_table(page, path, use_dictionary=False, compression="zstd", data_page_size=2**31 - 1)
    assert path.stat().st_size < 200_000
    assert refused_path(path).rule == "too-large"


def test_long_cells_and_rows_are_refused_by_row(tmp_path: Path) -> None:
    for dictionary in (True, False):
        data = bytes_of(pa.table({"a": ["x", "é" * 11, "y"]}), use_dictionary=dictionary)
        problem = refused(tmp_path, "x.parquet", data, limits=ReadLimits(max_cell_chars=10))
        assert (problem.rule, problem.rows) == ("too-long", (2,)) and "'a'" in problem.message
        problem = refused(tmp_path, "x.parquet", data, limits=ReadLimits(max_row_bytes=20))
        assert (problem.rule, problem.rows) == ("too-long", (2,))


def test_a_child_that_takes_too_long_is_ended(tmp_path: Path, monkeypatch) -> None:
    # In the child's place, since its bounds are set by the code that it imports.
    code = parquet_reading._CHILD.replace(
        "serve(task, answers)",
        "import hokusai_assets.tables.parquet_child as child\n"
        "child.SECONDS_PER_BATCH = 0.2\n"
        "def endless(*_, **__):\n"
        "    while True:\n"
        "        pass\n"
        "child._decode = endless\n"
        "serve(task, answers)",
    )
    monkeypatch.setattr(parquet_reading, "_CHILD", code)
    path = written(tmp_path, "x.parquet", bytes_of(pa.table({"a": [1]})))
    assert refused_path(path).rule == "too-large"


def test_a_child_that_takes_too_much_memory_is_refused(tmp_path: Path, monkeypatch) -> None:
    code = parquet_reading._CHILD.replace(
        "serve(task, answers)",
        "import hokusai_assets.tables.parquet_child as child\n"
        "child._decode = lambda *_: bytearray(3 << 30)\n"
        "serve(task, answers)",
    )
    monkeypatch.setattr(parquet_reading, "_CHILD", code)
    path = written(tmp_path, "x.parquet", bytes_of(pa.table({"a": [1]})))
    assert refused_path(path).rule == "too-large"


def test_a_fault_of_ours_in_the_child_is_not_the_files(tmp_path: Path, monkeypatch) -> None:
    code = parquet_reading._CHILD.replace("serve(task, answers)", "raise RuntimeError('ours')")
    monkeypatch.setattr(parquet_reading, "_CHILD", code)
    path = written(tmp_path, "x.parquet", bytes_of(pa.table({"a": [1]})))
    with pytest.raises(RuntimeError, match="decodes Parquet"):
        raw_pass(DataFile.open(path))


def test_the_child_gets_nothing_of_the_environment_and_may_write_nothing(
    tmp_path: Path, monkeypatch
) -> None:
    said = tmp_path / "said"
    said.write_bytes(b"")
    code = parquet_reading._CHILD.replace(
        "serve(task, answers)",
        "import json\n"
        "import hokusai_assets.tables.parquet_child as child\n"
        "def tell(task, limits, answers):\n"
        "    try:\n"
        f"        os.write(os.open({str(said)!r}, os.O_WRONLY), b'x')\n"
        "        wrote = True\n"
        "    except OSError:\n"
        "        wrote = False\n"
        "    names = sorted(os.environ) + [str(wrote)]\n"
        "    info = {'column_names': names, 'rows': 0}\n"
        "    child._send(answers, b'I', json.dumps(info).encode())\n"
        "    child._send(answers, b'E', b'')\n"
        "import signal\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "child._decode = tell\n"
        "serve(task, answers)",
    )
    monkeypatch.setattr(parquet_reading, "_CHILD", code)
    monkeypatch.setenv("HOKUSAI_PII_KEY", SECRET)
    path = written(tmp_path, "x.parquet", bytes_of(pa.table({"a": [1]})))
    *names, wrote = raw_pass(DataFile.open(path)).column_names
    assert "HOKUSAI_PII_KEY" not in names and "PATH" not in names
    assert "ARROW_DEFAULT_MEMORY_POOL" in names
    assert wrote == "False" and said.read_bytes() == b""


def test_no_process_is_left_behind(tmp_path: Path) -> None:
    path = written(tmp_path, "x.parquet", bytes_of(pa.table({"a": range(400_000)})))
    file = DataFile.open(path)
    batches = file.raw_batches()
    next(batches)
    batches.close()
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def test_the_frames_of_parent_and_child_are_the_same() -> None:
    assert parquet_reading.FRAME is parquet_child.FRAME


@settings(max_examples=25, deadline=None)
@given(
    rows=st.lists(st.none() | st.text(max_size=30), max_size=60),
    size=st.integers(1, 20),
    dictionary=st.booleans(),
)
def test_text_comes_back_whole_whatever_the_row_groups(tmp_path_factory, rows, size, dictionary):
    folder = tmp_path_factory.mktemp("parquet")
    table = pa.table({"t": pa.array(rows, pa.string())})
    found = read(folder, table, row_group_size=size, use_dictionary=dictionary)
    assert found.cells.get("t", []) == rows
