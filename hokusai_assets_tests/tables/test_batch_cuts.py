"""Where a file is cut into blocks and batches changes nothing that comes of it."""

import random
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hokusai_assets.tables import json_reading, raw_batches
from hokusai_assets.tables.csv_reading import CsvReader
from hokusai_assets.tables.formats import DeclaredFormat, format_of
from hokusai_assets.tables.json_reading import JsonReader
from hokusai_assets.tables.limits import ReadLimits
from hokusai_assets.tables.problem_log import ProblemLog
from hokusai_assets.tables.problems import UnreadableFile

# Narrow bounds, so that short texts pass them too.
LIMITS = ReadLimits(max_row_bytes=60, max_cell_chars=30, max_columns=6, max_rows=30, max_nesting=3)
WHOLE = (2**20, 65_536)

CSV_PIECES = [b'"', b'"', b",", b",", b"\n", b"\r", b"\r\n", b"a", b"b", b"1", b";", b"xyz", b'""']
CSV_PIECES += ["é".encode(), b"\xe9", "\ufeff".encode(), b"\n\n", b"1,2\n", b'"x\ny",z\r\n', b"\0"]
JSON_PIECES = [b"{", b"}", b"[", b"]", b",", b":", b'"a"', b'"b"', b"1", b"12", b"-", b".5", b"e3"]
JSON_PIECES += [b"true", b"null", b"NaN", b'"x\\u00e9"', b'"\\ud800"', b"\n", b" ", b'"', b"\\"]
JSON_PIECES += ["é".encode(), "\ufeff".encode(), b"\xe9", b'{"a":1,"b":"x"}', b',{"b":false}']
JSON_PIECES += [b'{"a":{"b":[1,2]}}', b'{"c":"yy"}\n', b'"k":{"a":"\\ud83d\\ude00"}', b"[[[[1]]]]"]
RECORDS = [b'{"a":1,"b":"x"}', b'{"a":{"b":[1,2]}}', b'{"b":false}', b'{"a":null}', b"7"]


def outcome(path: Path, block_bytes: int, batch_rows: int, monkeypatch: pytest.MonkeyPatch):
    """Return all that reading a file gives, but for the cuts."""
    kind = format_of(path.name)
    assert kind is not None
    with monkeypatch.context() as patch:
        patch.setattr(raw_batches, "BATCH_ROWS", batch_rows)
        patch.setattr(json_reading, "BATCH_ROWS", batch_rows)
        log = ProblemLog("x")
        options = {"name": "x", "limits": LIMITS, "block_bytes": block_bytes}
        try:
            reader = (
                CsvReader(path, kind, declared=DeclaredFormat(), **options)
                if kind.format == "CSV"
                else JsonReader(path, kind, **options)
            )
            batches = list(reader.batches(None, log))
        except UnreadableFile as error:
            return error.problem
    tables = [batch.table for batch in batches]
    unreadable = [
        (name, int(row))
        for batch in batches
        for name, mask in batch.unreadable.items()
        for row in batch.rows[mask]
    ]
    return (
        pa.concat_tables(tables, promote_options="default").to_pydict() if tables else {},
        [int(row) for batch in batches for row in batch.rows],
        sorted(unreadable),
        log.problems(),
        reader.rows_seen,
        reader.column_names,
        reader.found,
    )


@st.composite
def csv_texts(draw: st.DrawFn) -> bytes:
    header = draw(st.sampled_from([b"", b"a,b\n", "\ufeffa;b\r\n".encode(), b"a\n"]))
    return header + b"".join(draw(st.lists(st.sampled_from(CSV_PIECES), max_size=50)))


@st.composite
def json_texts(draw: st.DrawFn) -> bytes:
    records = draw(st.lists(st.sampled_from(RECORDS), max_size=5))
    named = [b'"k%d" : %b' % (number, record) for number, record in enumerate(records)]
    text = draw(
        st.sampled_from(
            [
                b"[" + b", ".join(records) + b"]",
                b"{" + b",".join(named) + b"}",
                b'{"data":[' + b",\n".join(records) + b"] }\n",
                b"\n".join(records),
                b"",
            ]
        )
    )
    for piece in draw(st.lists(st.sampled_from(JSON_PIECES), max_size=12)):
        at = draw(st.integers(0, len(text)))
        text = text[:at] + piece + text[at:]
    return text


CUTS = st.tuples(st.integers(1, 40), st.integers(1, 9))


def check(folder: Path, name: str, data: bytes, cuts: list[tuple[int, int]]) -> None:
    path = folder / name
    path.write_bytes(data)
    monkeypatch = pytest.MonkeyPatch()
    expected = outcome(path, *WHOLE, monkeypatch)
    for block_bytes, batch_rows in cuts:
        assert outcome(path, block_bytes, batch_rows, monkeypatch) == expected


@settings(max_examples=300, deadline=None)
@given(data=csv_texts(), cuts=st.lists(CUTS, min_size=2, max_size=3))
def test_csv_is_the_same_however_it_is_cut(tmp_path_factory, data: bytes, cuts: list) -> None:
    check(tmp_path_factory.mktemp("cuts"), "x.csv", data, [(1, 1), *cuts])


@pytest.mark.parametrize("name", ["x.json", "x.jsonl"])
@settings(max_examples=250, deadline=None)
@given(data=json_texts(), cuts=st.lists(CUTS, min_size=2, max_size=3))
def test_json_is_the_same_however_it_is_cut(
    tmp_path_factory, name: str, data: bytes, cuts: list
) -> None:
    check(tmp_path_factory.mktemp("cuts"), name, data, [(1, 1), *cuts])


@pytest.mark.slow
@pytest.mark.parametrize("name", ["x.csv", "x.json", "x.jsonl"])
def test_thousands_of_texts_are_the_same_however_they_are_cut(tmp_path: Path, name: str) -> None:
    draw = random.Random(f"cuts of {name}")
    pieces = CSV_PIECES if name == "x.csv" else JSON_PIECES
    for _ in range(4_000):
        data = b"".join(draw.choices(pieces, k=draw.randint(1, 40)))
        if name == "x.csv" and draw.random() < 0.5:
            data = b"a,b\n" + data
        cuts = [(1, 1), (2, 3), (draw.randint(1, 40), draw.randint(1, 9))]
        check(tmp_path, name, data, cuts)
