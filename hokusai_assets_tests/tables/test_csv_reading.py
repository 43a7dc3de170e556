"""CSV: records, delimiters, quotes, ragged rows and their numbers, in a stream."""

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hokusai_assets.tables.csv_records import whole_records
from hokusai_assets.tables.data_file import DataFile
from hokusai_assets.tables.formats import DeclaredFormat
from hokusai_assets.tables.limits import ReadLimits
from hokusai_assets.tables.problems import UnreadableFile
from hokusai_assets_tests.tables.read_files import (
    SECRET,
    opened,
    packed,
    raw_pass,
    read_raw,
    refused,
    written,
)

CELLS = st.text(
    st.sampled_from(list('ab1""\',;|\t\n\r é€\ufeff')) | st.characters(exclude_categories=["Cs"]),
    max_size=8,
).map(lambda text: text.replace("\0", ""))


def rows_of(columns: int) -> st.SearchStrategy[list[list[str]]]:
    return st.lists(st.lists(CELLS, min_size=columns, max_size=columns), max_size=12)


@settings(max_examples=150, deadline=None)
@given(
    rows=st.integers(2, 4).flatmap(rows_of),
    delimiter=st.sampled_from(",;\t|"),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
def test_what_pythons_writer_wrote_is_read(tmp_path_factory, rows, delimiter, end, quoting) -> None:
    width = len(rows[0]) if rows else 2
    names = [f"c{position}" for position in range(width)]
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, delimiter=delimiter, lineterminator=end, quoting=quoting)
    writer.writerow(names)
    if quoting == csv.QUOTE_MINIMAL:
        # Of line ends in cells, this writer quotes only those that it writes itself.
        rows = [[cell.replace("\r", "").replace("\n", "") for cell in row] for row in rows]
    writer.writerows(rows)
    data = stream.getvalue().encode()
    declared = DeclaredFormat(delimiter=delimiter, encoding="utf-8")
    read = read_raw(tmp_path_factory.mktemp("csv"), "x.csv", data, declared=declared)
    kept = rows
    assert read.problems == [] and read.rows == list(range(1, len(kept) + 1))
    assert read.cells == (
        {n: [row[i] for row in kept] for i, n in enumerate(names)} if kept else {}
    )


@pytest.mark.parametrize("delimiter", list(",;\t|"))
def test_the_delimiter_is_found_by_what_suits_header_and_rows(
    tmp_path: Path, delimiter: str
) -> None:
    lines = ["id{}text{}n", '1{}"a, b; c | d"{}2', "2{}it is one, two{}1.5"]
    if delimiter == ",":
        lines[2] = "2{}it is one; two{}1.5"
    data = "\n".join(line.format(delimiter, delimiter) for line in lines)
    read = read_raw(tmp_path, "x.csv", data)
    assert read.found.delimiter == delimiter
    assert read.cells["n"] == ["2", "1.5"] and read.problems == []


def test_a_decimal_comma_does_not_pass_for_a_delimiter(tmp_path: Path) -> None:
    read = read_raw(tmp_path, "x.csv", "a;b\n1,5;2,5\n3,5;4,5\n")
    assert read.found.delimiter == ";" and read.cells["b"] == ["2,5", "4,5"]


def test_the_delimiter_that_suits_more_rows_wins_and_a_comma_wins_a_tie(tmp_path: Path) -> None:
    read = read_raw(tmp_path, "x.csv", "a;x,b;y\n1;2,3;4\n1;2;4\n1;2;3\n")
    assert read.found.delimiter == ";"
    assert read_raw(tmp_path, "x.csv", "a;x,b\n1;2,3\n").found.delimiter == ","


def test_two_delimiters_that_suit_alike_are_refused_until_one_is_declared(tmp_path: Path) -> None:
    data = "a;x|b\n1;2|3\n"
    problem = refused(tmp_path, "x.csv", data)
    assert problem.rule == "unknown-delimiter" and "Declare" in problem.fix
    read = read_raw(tmp_path, "x.csv", data, declared=DeclaredFormat(delimiter="|"))
    assert read.cells == {"a;x": ["1;2"], "b": ["3"]}


def test_tsv_has_tabs_unless_declared_otherwise(tmp_path: Path) -> None:
    assert read_raw(tmp_path, "x.tsv", "a,b\tc\n1,2\t3\n").cells == {"a,b": ["1,2"], "c": ["3"]}
    declared = DeclaredFormat(delimiter=",")
    assert read_raw(tmp_path, "x.tsv", "a,b\n1,2\n", declared=declared).column_names == ("a", "b")


def test_a_declared_delimiter_is_taken_at_its_word(tmp_path: Path) -> None:
    read = read_raw(tmp_path, "x.csv", "a,b\n1,2\n", declared=DeclaredFormat(delimiter=";"))
    assert read.cells == {"a,b": ["1,2"]}


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
def test_compressed_text_may_have_several_members(tmp_path: Path, compression: str) -> None:
    ending = {"gzip": ".gz", "zstd": ".zst"}[compression]
    whole = b"a,b\n1,x\n2,y\n"
    members = b"".join(packed(part, compression) for part in (whole[:6], b"", whole[6:]))
    for data in (packed(whole, compression), members):
        read = read_raw(tmp_path, f"x.csv{ending}", data)
        assert read.cells == {"a": ["1", "2"], "b": ["x", "y"]}
        assert read.found.compression == compression


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
@pytest.mark.parametrize("damage", ["cut", "appended", "not at all"])
def test_damaged_compressed_text_is_refused(tmp_path: Path, compression: str, damage: str) -> None:
    data = packed(f"a,b\n1,{SECRET}\n".encode() * 50, compression)
    data = {"cut": data[:-6], "appended": data + b"more", "not at all": b"a,b\n1,2\n"}[damage]
    ending = {"gzip": ".gz", "zstd": ".zst"}[compression]
    assert refused(tmp_path, f"x.csv{ending}", data).rule == "bad-compression"


def test_ragged_rows_are_left_out_and_the_rows_after_them_keep_their_numbers(
    tmp_path: Path,
) -> None:
    data = f'a,"b\nb"\n1,2\n{SECRET}\n\n"x\ny",3\n1,{SECRET},3\n5,6\n'
    read = read_raw(tmp_path, "x.csv", data)
    assert read.rows == [1, 3, 5]
    assert read.cells == {"a": ["1", "x\ny", "5"], "b\nb": ["2", "3", "6"]}
    assert read.rules == {("ragged-rows", None): (2, 4)} and read.rows_seen == 5
    assert SECRET not in repr(read.problems)


def test_a_cell_that_goes_on_after_its_quotes_is_reported_and_its_row_left_out(
    tmp_path: Path,
) -> None:
    # A stray opening quote would else join this row to the next one, silently.
    data = f'a,b\n1,x\n2,"{SECRET}\n3,"y"\n4,"z"w\n\n5,5" pipe\n"6","v"\n'
    read = read_raw(tmp_path, "x.csv", data)
    assert read.rules == {("bad-csv", None): (2, 3)}
    assert read.rows == [1, 4, 5] and read.cells["b"] == ["x", '5" pipe', "v"]
    assert SECRET not in repr(read.problems)


def test_ragged_and_overrunning_rows_are_reported_once(tmp_path: Path) -> None:
    read = read_raw(tmp_path, "x.csv", 'a,b\n1,"x"y,3\n2,"x"y\n3,z\n')
    assert read.rules == {("ragged-rows", None): (1,), ("bad-csv", None): (2,)}
    assert read.rows == [3]


@pytest.mark.parametrize(
    "data",
    [
        f'a,b\n1,"{SECRET}\n2,y\n3,z\n',
        f'a,b\n1,x\n2,"{SECRET}',
        f'a,b\n1,x\n2,"{SECRET}""',
        f'a,b\n1,5" pipe\n2,"{SECRET}\n',
        f'a,b\r"{SECRET},2\r',
        '"',
        'a,"b\n1,2\n',
        "a,b\n" + "1,2\n" * 3_000_000 + '3,"x\n' + "1,2\n" * 10,
    ],
    ids=["first", "last", "doubled", "after an inch", "by CR", "alone", "header", "far"],
)
def test_a_quote_left_open_does_not_swallow_the_rest_of_the_file(tmp_path: Path, data: str) -> None:
    assert refused(tmp_path, "x.csv", data).rule == "bad-csv"


def test_an_open_quote_swallows_no_more_than_a_row_may_have(tmp_path: Path) -> None:
    data = 'a,b\n1,"x\n' + "1,2\n" * 100_000 + '2,"y"\n'
    limits = ReadLimits(max_row_bytes=100_000)
    assert refused(tmp_path, "x.csv", data, limits=limits).rule == "too-long"


@pytest.mark.parametrize("header", ['"a"x,b', '"a" ,b'])
def test_a_header_that_is_no_csv_is_refused(tmp_path: Path, header: str) -> None:
    assert refused(tmp_path, "x.csv", f"{header}\n1,2\n").rule == "bad-csv"


def test_only_wanted_columns_are_read_in_the_order_asked_for(tmp_path: Path) -> None:
    file = opened(tmp_path, "x.csv", "a,b,c\n1,2,3\n4,5\n6,7,8\n")
    read = raw_pass(file, ["c", "absent", "a", "c"])
    assert list(read.cells) == ["c", "a"] and read.cells["c"] == ["3", "8"]
    assert read.column_names == ("a", "b", "c") and read.rows == [1, 3]
    nothing = raw_pass(file, ["absent"])
    assert (nothing.cells, nothing.rows, nothing.rows_seen) == ({}, [1, 3], 3)


def test_a_byte_order_mark_within_the_text_is_data_wherever_a_block_begins(tmp_path: Path) -> None:
    rows = "\ufeffx,1\n" * 600_000  # several blocks of the reader
    read = read_raw(tmp_path, "x.csv", f"a,b\n{rows}")
    assert set(read.cells["a"]) == {"\ufeffx"} and read.rows_seen == 600_000


def test_a_file_is_read_again_from_its_start(tmp_path: Path) -> None:
    file = opened(tmp_path, "x.csv", "a,b\n1,2\n3\n")
    assert raw_pass(file) == raw_pass(file)


def test_a_pass_that_is_given_up_leaves_the_next_one_whole(tmp_path: Path) -> None:
    file = opened(tmp_path, "x.csv", "a,b\n" + "1,2\n" * 200_000)
    next(file.raw_batches())
    assert raw_pass(file).rows_seen == 200_000


def test_rows_are_numbered_through_all_batches(tmp_path: Path) -> None:
    lines = [f"{n},x" if n % 1000 else f"{n}" for n in range(1, 300_001)]
    read = read_raw(tmp_path, "x.csv", "a,b\n" + "\n".join(lines))
    assert read.rows == [int(cell) for cell in read.cells["a"]]
    (problem,) = read.problems
    assert (problem.rows, problem.count) == ((1000, 2000, 3000, 4000, 5000), 300)


@settings(max_examples=200, deadline=None)
@given(st.text(st.sampled_from(list('ab"",\n\r')), max_size=40), st.integers(1, 9))
def test_records_end_where_pythons_reader_ends_them(text: str, size: int) -> None:
    data = text.encode()
    blocks = [data[at : at + size] for at in range(0, len(data), size)]
    try:
        cut = records_of(blocks)
    except UnreadableFile:
        # A quote was left open, and one more closes it.
        records_of([*blocks, b'"'])
        return
    assert b"".join(cut) in (data, data + b"\n")
    # Cut into pieces and read one by one, they are the rows of the whole.
    found = [row for piece in cut for row in csv.reader(io.StringIO(piece.decode(), newline=""))]
    assert found == list(csv.reader(io.StringIO(text, newline="")))


def records_of(blocks: list[bytes]) -> list[bytes]:
    records = whole_records(blocks, delimiter=b",", name="x", max_row_bytes=1000)
    return [piece.data for piece in records]


@pytest.mark.parametrize("name", ["x.json", "x.jsonl", "x.parquet"])
def test_only_csv_is_declared_anything_of(tmp_path: Path, name: str) -> None:
    for declared in (DeclaredFormat(decimal=","), DeclaredFormat(encoding="utf-8")):
        problem = refused(tmp_path, name, "[]", declared=declared)
        assert problem.rule == "declared-format" and declared.names[0] in problem.message


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    written(tmp_path, "target.csv", "a\n1\n")
    (tmp_path / "x.csv").symlink_to(tmp_path / "target.csv")
    with pytest.raises(UnreadableFile, match="no regular file"):
        DataFile.open(tmp_path / "x.csv")
