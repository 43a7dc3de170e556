"""Files made to fill memory or time: refused early, in a process that stays small."""

import json
import os
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path

import pyarrow as pa
import pytest

from hokusai_assets.tables.limits import ReadLimits
from hokusai_assets_tests.tables.read_files import packed, read_raw, refused

ROOT = Path(__file__).resolve().parents[2]
GB = 10**9
MILLION = 10**6

# Reads a file in a fresh process; says why it is refused and the peak memory in bytes.
_READ = """
import json, sys
from pathlib import Path
from hokusai_assets.tables.data_file import DataFile
from hokusai_assets.tables.limits import ReadLimits
from hokusai_assets.tables.problems import UnreadableFile
limits = ReadLimits(**json.loads(sys.argv[3]))
rule = None
try:
    for _ in DataFile.open(Path(sys.argv[1]), limits=limits).raw_batches(json.loads(sys.argv[2])):
        pass
except UnreadableFile as error:
    rule = error.problem.rule
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(json.dumps([rule, int(peak.split()[1]) * 1024]))
"""
MOST_MEMORY = 600 * 2**20


def refused_in_little_memory(path: Path, columns: list[str] | None = None, **limits: int) -> str:
    done = subprocess.run(
        [sys.executable, "-c", _READ, str(path), json.dumps(columns), json.dumps(limits)],
        check=True,
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    rule, peak = json.loads(done.stdout)
    assert peak < MOST_MEMORY
    return str(rule)


def write_gzip(path: Path, pieces: Iterable[bytes]) -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    with path.open("wb") as stream:
        for piece in pieces:
            stream.write(packer.compress(piece))
        stream.write(packer.flush())


def write_zstd(path: Path, pieces: Iterable[bytes]) -> None:
    with pa.CompressedOutputStream(str(path), "zstd") as stream:
        for piece in pieces:
            stream.write(piece)


WRITERS: dict[str, Callable[[Path, Iterable[bytes]], None]] = {
    ".gz": write_gzip,
    ".zst": write_zstd,
}


def repeated(begin: bytes, block: bytes, size: int) -> Iterable[bytes]:
    yield begin
    block *= max(1, 2**20 // len(block))
    for _ in range(size // len(block)):
        yield block


@pytest.mark.parametrize("packing", WRITERS)
@pytest.mark.parametrize(
    ("ending", "begin", "block"),
    [
        (".csv", b"a,b\n", b"1,2\n"),
        (".csv", b"a,b\n", b"x"),
        (".csv", b'a,b\n"', b"x\n"),
        (".csv", b"a,b\n", b"\n"),
        (".json", b"[", b" "),
        (".json", b"[", b'{"a": 1},'),
        (".json", b'[{"a": "', b"x"),
        (".jsonl", b"", b"\n"),
        (".jsonl", b'{"a": "', b"x"),
    ],
    ids=["rows", "line", "quote", "blank", "spaces", "records", "string", "blank lines", "record"],
)
def test_a_decompression_bomb_is_refused_in_little_memory(
    tmp_path: Path, packing: str, ending: str, begin: bytes, block: bytes
) -> None:
    path = tmp_path / f"bomb{ending}{packing}"
    WRITERS[packing](path, repeated(begin, block, GB))
    assert path.stat().st_size < 8_000_000
    assert refused_in_little_memory(path, max_rows=MILLION) in ("too-large", "too-long")


def test_a_bomb_of_zeros_is_refused_at_its_first_block(tmp_path: Path) -> None:
    path = tmp_path / "zeros.csv.zst"
    # 131,072 RLE blocks (RFC 8878, 3.1.1.2) of 128 KiB each: 16 GiB from half a megabyte.
    block = (1 << 1 | (128 << 10) << 3).to_bytes(3, "little") + b"\0"
    path.write_bytes(b"\x28\xb5\x2f\xfd\x00\x38" + block * 131_072)
    assert refused_in_little_memory(path) == "not-text"


@pytest.mark.slow
@pytest.mark.parametrize("packing", WRITERS)
def test_a_line_of_ten_gigabytes_is_refused_in_little_memory(tmp_path: Path, packing: str) -> None:
    path = tmp_path / f"line.csv{packing}"
    WRITERS[packing](path, repeated(b"a,b\n1,", b"lorem ipsum ", 10 * GB))
    assert refused_in_little_memory(path) in ("too-large", "too-long")


def test_a_line_longer_than_a_row_may_be_is_refused_in_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "line.csv"
    with path.open("wb") as stream:
        stream.write(b"a,b\n1,")
        for _ in range(300):
            stream.write(b"x" * 2**20)
    assert refused_in_little_memory(path) == "too-long"


def test_a_file_that_claims_many_bytes_is_refused_unread(tmp_path: Path) -> None:
    for name in ("x.csv", "x.json", "x.parquet", "x.csv.gz"):
        with (tmp_path / name).open("wb") as stream:
            # A hole in the file: it has the bytes without taking the disk's.
            stream.truncate(10 * GB)
        assert refused_in_little_memory(tmp_path / name) == "too-large"
        os.unlink(tmp_path / name)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("x.csv", lambda: ",".join(f"c{n}" for n in range(MILLION)) + "\n1\n"),
        ("x.csv", lambda: "," * (MILLION - 1) + "\n1\n"),
        ("x.csv", lambda: ",".join(['"a"'] * MILLION) + "\n1\n"),
        ("x.tsv", lambda: "\t".join(f"c{n}" for n in range(MILLION)) + "\n1\n"),
        ("x.json", lambda: json.dumps([{f"c{n}": 1 for n in range(MILLION // 2)}])),
        ("x.json", lambda: json.dumps([{f"c{n}": 1} for n in range(MILLION)])),
        ("x.json", lambda: json.dumps([{"a": {f"c{n}": 1 for n in range(MILLION // 2)}}])),
        ("x.json", lambda: json.dumps([{"a": [1] * MILLION}])),
        ("x.jsonl", lambda: "\n".join(f'{{"c{n}": 1}}' for n in range(MILLION))),
    ],
    ids=["names", "empty", "quoted", "tabs", "record", "records", "members", "items", "lines"],
)
def test_a_million_columns_are_refused_in_little_memory(
    tmp_path: Path, name: str, text: Callable[[], str]
) -> None:
    path = tmp_path / name
    path.write_text(text())
    assert refused_in_little_memory(path) == "too-many-columns"


def test_a_million_items_that_nobody_wants_are_one_column(tmp_path: Path) -> None:
    data = json.dumps([{"a": [1] * MILLION, "b": 2}])
    read = read_raw(tmp_path, "x.json", data, columns=["b"])
    assert (read.cells, read.column_names) == ({"b": ["2"]}, ("a", "b"))


def test_a_record_of_many_small_values_is_read_in_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text("[" + ",".join(['{"a": [' + "[],{}," * 1_300_000 + "1]}"] * 2) + "]")
    assert refused_in_little_memory(path, ["b"]) == "None"


# --- the same bounds, at their edge -----------------------------------------------------------


@pytest.mark.parametrize("ending", [".csv", ".jsonl", ".json"])
def test_rows_are_counted_to_the_last(tmp_path: Path, ending: str) -> None:
    rows = [{"a": str(n), "b": "x"} for n in range(10)]
    texts = {
        ".csv": "a,b\n" + "".join(f"{row['a']},{row['b']}\n" for row in rows),
        ".jsonl": "\n".join(map(json.dumps, rows)),
        ".json": json.dumps(rows),
    }
    name = f"x{ending}"
    assert read_raw(tmp_path, name, texts[ending], limits=ReadLimits(max_rows=10)).rows_seen == 10
    assert refused(tmp_path, name, texts[ending], limits=ReadLimits(max_rows=9)).rule == "too-large"


@pytest.mark.parametrize("ending", [".csv", ".jsonl", ".json"])
def test_cells_are_measured_in_characters_and_named_by_row_and_column(
    tmp_path: Path, ending: str
) -> None:
    rows = [{"a": "x", "b": "y"}, {"a": "x", "b": "é" * 11}]
    texts = {
        ".csv": "a,b\n" + "".join(f"{row['a']},{row['b']}\n" for row in rows),
        ".jsonl": "\n".join(map(json.dumps, rows)),
        ".json": json.dumps(rows),
    }
    name = f"x{ending}"
    read_raw(tmp_path, name, texts[ending], limits=ReadLimits(max_cell_chars=11))
    limits = ReadLimits(max_cell_chars=10)
    problem = refused(tmp_path, name, texts[ending], limits=limits)
    assert (problem.rule, problem.rows) == ("too-long", (2,))
    assert "row 2" in problem.message and "'b'" in problem.message
    assert read_raw(tmp_path, name, texts[ending], columns=["a"], limits=limits).rows_seen == 2


@pytest.mark.parametrize("ending", [".csv", ".json", ".jsonl"])
@pytest.mark.parametrize("packing", ["", ".gz", ".zst"])
def test_bytes_are_counted_as_stored_and_as_decoded(
    tmp_path: Path, ending: str, packing: str
) -> None:
    text = {".csv": "a,b\n" + "1,2\n" * 200, ".json": "[" + '{"a":1},' * 200 + '{"a":1}]'}
    data = text.get(ending, '{"a":1}\n' * 200).encode()
    size = len(data)
    if packing:
        data = packed(data, {".gz": "gzip", ".zst": "zstd"}[packing])
    name = f"x{ending}{packing}"
    exact = ReadLimits(max_file_bytes=len(data), max_decoded_bytes=size)
    read_raw(tmp_path, name, data, limits=exact)
    for limits in (
        ReadLimits(max_file_bytes=len(data) - 1),
        ReadLimits(max_decoded_bytes=size - 1),
    ):
        assert refused(tmp_path, name, data, limits=limits).rule == "too-large"


def test_expansion_counts_only_in_large_files(tmp_path: Path) -> None:
    data = packed(b"a,b\n" + b"1,2\n" * 2_000_000, "zstd")
    read = read_raw(tmp_path, "x.csv.zst", data, columns=["a"], limits=ReadLimits(max_expansion=2))
    assert read.rows_seen == 2_000_000


def test_a_cell_longer_than_the_readers_blocks_is_read(tmp_path: Path) -> None:
    data = f"a,b\n1,{'x' * 12_000_000}\n2,y\n"
    limits = ReadLimits(max_cell_chars=12_000_000, max_row_bytes=13_000_000)
    read = read_raw(tmp_path, "x.csv", data, limits=limits)
    assert [len(text) for text in read.cells["b"]] == [12_000_000, 1]
