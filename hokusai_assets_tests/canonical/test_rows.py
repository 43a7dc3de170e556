"""Tests of the canonical bytes, digests and order of rows."""

import datetime
import hashlib
import struct

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hokusai_assets.canonical import rows

SCHEMA = pa.schema(
    [
        ("b", pa.bool_()),
        ("f", pa.float64()),
        ("i", pa.int64()),
        ("s", pa.string()),
        ("t", pa.timestamp("us", "UTC")),
        ("u", pa.string()),
    ]
)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=6) | st.sampled_from(
    ["", "-,", "s1:a,", "1", ",", "\0"]
)
ROW = st.tuples(
    st.none() | st.booleans(),
    st.none() | st.floats(allow_nan=False),
    st.none() | st.integers(-(2**63), 2**63 - 1),
    st.none() | TEXT,
    st.none() | st.datetimes(timezones=st.just(datetime.UTC)),
    st.none() | TEXT,
)


def table_of(typed: list[tuple]) -> pa.Table:
    columns = list(zip(*typed, strict=True)) if typed else [()] * len(SCHEMA)
    arrays = [
        pa.array(list(column), field.type) for column, field in zip(columns, SCHEMA, strict=True)
    ]
    return pa.table(arrays, schema=SCHEMA)


def netstring_cell(value: object) -> bytes:
    """Write one cell as the module's words define it."""
    if value is None:
        return b"-,"
    if isinstance(value, bool):
        kind, content = b"b", b"1" if value else b"0"
    elif isinstance(value, int):
        kind, content = b"i", str(value).encode()
    elif isinstance(value, float):
        (bits,) = struct.unpack(">Q", struct.pack(">d", value if value else 0.0))
        kind, content = b"f", str(bits).encode()
    elif isinstance(value, datetime.datetime):
        since = value - datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
        kind, content = b"t", str(since // datetime.timedelta(microseconds=1)).encode()
    else:
        kind, content = b"s", str(value).encode()
    return kind + str(len(content)).encode() + b":" + content + b","


def test_the_documented_format_by_example() -> None:
    table = pa.table(
        {
            "z": pa.array(["é,", None, ""]),
            "a": pa.array([-12, 0, None], pa.int64()),
            "m": pa.array([1.0, -0.0, None], pa.float64()),
            "t": pa.array([1, None, -1], pa.timestamp("us", "UTC")),
            "k": pa.array([True, False, None], pa.bool_()),
        }
    )
    assert rows.row_bytes(table) == [
        b"i3:-12,b1:1,f19:4607182418800017408,t1:1,s3:\xc3\xa9,,",
        b"i1:0,b1:0,f1:0,-,-,",
        b"-,-,-,t2:-1,s0:,",
    ]


@settings(max_examples=60, deadline=None)
@given(st.lists(ROW, max_size=5))
def test_every_row_is_the_netstrings_of_its_cells(typed: list[tuple]) -> None:
    expected = [b"".join(map(netstring_cell, row)) for row in typed]
    assert rows.row_bytes(table_of(typed)) == expected


@settings(max_examples=60, deadline=None)
@given(ROW, ROW)
def test_bytes_are_equal_just_when_the_typed_rows_are(one: tuple, other: tuple) -> None:
    first, second = rows.row_bytes(table_of([one, other]))
    assert (first == second) == (one == other)


@settings(max_examples=60, deadline=None)
@given(TEXT, TEXT, st.integers(0, 12))
def test_text_cannot_move_from_one_cell_to_the_next(left: str, right: str, cut: int) -> None:
    joined = left + right
    table = pa.table({"a": [left, joined[:cut]], "b": [right, joined[cut:]]})
    first, second = rows.row_bytes(table)
    assert (first == second) == (left == joined[:cut])


def test_null_empty_text_and_the_text_that_marks_a_null_differ() -> None:
    data = rows.row_bytes(pa.table({"a": pa.array([None, "", "-,", "-"])}))
    assert data == [b"-,", b"s0:,", b"s2:-,,", b"s1:-,"]


def test_minus_zero_is_zero() -> None:
    zero, minus = rows.row_digests(pa.table({"a": [0.0, -0.0]}))
    assert zero == minus


@settings(max_examples=60, deadline=None)
@given(st.lists(ROW, min_size=1, max_size=6), st.permutations(range(len(SCHEMA))))
def test_the_order_of_columns_does_not_matter(typed: list[tuple], order: list[int]) -> None:
    table = table_of(typed)
    assert rows.row_digests(table.select([SCHEMA.names[i] for i in order])) == rows.row_digests(
        table
    )


@settings(max_examples=60, deadline=None)
@given(st.lists(ROW, max_size=8), st.randoms())
def test_the_order_of_rows_does_not_change_root_or_canonical_order(
    typed: list[tuple], random: object
) -> None:
    shuffled = list(typed)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    one, other = table_of(typed), table_of(shuffled)
    digests, other_digests = rows.row_digests(one), rows.row_digests(other)
    assert rows.table_root(digests) == rows.table_root(other_digests)
    ordered, in_order = rows.in_canonical_order(one, digests)
    assert in_order == sorted(digests) == rows.row_digests(ordered)
    assert rows.row_bytes(rows.in_canonical_order(other, other_digests)[0]) == rows.row_bytes(
        ordered
    )


@settings(max_examples=60, deadline=None)
@given(st.lists(ROW, min_size=1, max_size=8), st.integers(1, 4))
def test_chunks_and_dictionaries_do_not_matter(typed: list[tuple], size: int) -> None:
    table = table_of(typed)
    chunked = pa.concat_tables([table.slice(at, size) for at in range(0, len(typed), size)])
    encoded = chunked
    for name in ("i", "s", "u"):
        position = SCHEMA.get_field_index(name)
        encoded = encoded.set_column(position, name, chunked.column(name).dictionary_encode())
    assert encoded.schema != table.schema
    assert rows.row_digests(table) == rows.row_digests(chunked) == rows.row_digests(encoded)


def test_rows_beyond_one_step_keep_their_order_and_number() -> None:
    count = 2 * rows._STEP_ROWS + 3
    data = rows.row_bytes(pa.table({"a": pa.array(np.arange(count))}))
    assert data == [netstring_cell(i) for i in range(count)]


def test_adding_or_removing_a_repeated_row_changes_the_root() -> None:
    once = rows.row_digests(pa.table({"a": [1, 2]}))
    twice = rows.row_digests(pa.table({"a": [1, 2, 2]}))
    assert rows.table_root(once) != rows.table_root(twice)


def test_a_row_digest_is_its_rfc_6962_leaf_hash() -> None:
    (found,) = rows.row_digests(pa.table({"a": ["x"]}))
    assert found == hashlib.sha256(b"\x00" + b"s1:x,").digest()


@settings(max_examples=50, deadline=None)
@given(st.lists(st.binary(min_size=32, max_size=32) | st.just(b"\xff" * 32), max_size=20))
def test_digest_order_sorts_bytes_and_keeps_equal_ones_in_place(digests: list[bytes]) -> None:
    expected = sorted(range(len(digests)), key=lambda i: (digests[i], i))
    assert rows.digest_order(digests).tolist() == expected


def test_no_rows_give_no_bytes_and_the_empty_root() -> None:
    assert rows.row_bytes(table_of([])) == []
    assert rows.in_canonical_order(table_of([]), [])[0].num_rows == 0
    assert rows.table_root([]) == hashlib.sha256(b"").hexdigest()


@pytest.mark.parametrize(
    "array", [pa.array([1], pa.int32()), pa.array([[1]]), pa.array([b"x"]), pa.array([1.0], "f4")]
)
def test_other_arrow_types_are_refused_with_the_column(array: pa.Array) -> None:
    with pytest.raises(TypeError, match="'odd'"):
        rows.row_bytes(pa.table({"odd": array}))
