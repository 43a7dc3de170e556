"""Random, damaged and spliced files of every format: read, reported or refused, and never quoted.

Text formats are read in this process. Parquet is decoded in a fork per file, under the bounds
that the child has, and a sample through the child itself.
"""

import json
import random
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hokusai_assets.tables.columns import COLUMN_TYPES
from hokusai_assets.tables.data_file import DataFile
from hokusai_assets.tables.formats import DeclaredFormat
from hokusai_assets.tables.problem_log import ProblemLog
from hokusai_assets.tables.problems import UnreadableFile
from hokusai_assets.tables.typed_batches import typed_batches
from hokusai_assets_tests.tables.read_files import SECRET, packed

ROOT = Path(__file__).resolve().parents[2]
NAMES = ("a", "b", "c", "d.e", "d.f.0")
INSERTED = [b'"', b"\n", b"\0", b"\xff", b"{", b"[", b",", b"\r", b"\\ud800", b";", b"1,5", b"\xfe"]
INSERTED += [b"}", b"]", b":", b"\xef\xbb\xbf", b"\xff\xff\xff\x7f", b"\x80\x80\x80\x80\x08"]


def parquet_bytes(**options: object) -> bytes:
    # Enough rows that most of the file is pages, not footer.
    count = 300
    table = pa.table(
        {
            "a": [f"{SECRET} {number % 90}" for number in range(count)],
            "b": pa.array(
                [number * 7919 % 10_007 if number % 5 else None for number in range(count)]
            ),
            "c": pa.array([number / 7 if number % 3 else None for number in range(count)]),
            "d": [{"e": SECRET, "f": [number, 2]} for number in range(count)],
        }
    )
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, row_group_size=130, **options)
    return sink.getvalue().to_pybytes()


ROWS = [
    {"a": SECRET, "b": 1, "c": None, "d": {"e": SECRET, "f": [1, SECRET]}},
    {"a": SECRET, "b": 2, "c": 0.5},
    {"a": SECRET + "é", "b": "3,5", "c": 1.25},
]
CSV = f'a,b,c,"d.e"\n"{SECRET}",1,0.5,\n{SECRET},2,,x\n"{SECRET}\n",3,1,"y"""\n'
SEMICOLONS = f"a;b;c\n{SECRET};1,5;1.234\n{SECRET};2;3,5\n"
ORIGINALS: dict[str, list[bytes]] = {
    ".csv": [CSV.encode(), SEMICOLONS.encode(), CSV.encode("utf-16"), f"{CSV}é".encode("cp1252")],
    ".csv.gz": [packed(CSV.encode(), "gzip")],
    ".tsv.zst": [packed(CSV.replace(",", "\t").encode(), "zstd")],
    ".json": [
        json.dumps(ROWS).encode(),
        json.dumps({"x": ROWS[0], "y": ROWS[1]}, indent=1).encode(),
        json.dumps({"data": ROWS}).encode(),
    ],
    ".json.gz": [packed(json.dumps(ROWS).encode(), "gzip")],
    ".jsonl": ["\n".join(map(json.dumps, ROWS)).encode()],
    ".parquet": [
        parquet_bytes(),
        parquet_bytes(compression="zstd", data_page_version="2.0"),
        parquet_bytes(compression="none", use_dictionary=False),
        parquet_bytes(compression="gzip", use_dictionary=["a"], store_schema=False),
    ],
}
TEXT_ENDINGS = [ending for ending in ORIGINALS if ending != ".parquet"]


def mutated(draw: random.Random, originals: list[bytes]) -> bytes:
    """Return random bytes, or an original changed, cut, filled in or spliced with another."""
    if draw.random() < 0.1:
        return draw.randbytes(draw.randint(1, 300))
    data = bytearray(draw.choice(originals))
    # What moves bytes breaks a file that is full of offsets at once; half of them stay in place.
    change = draw.choice([changed_in_place, moved])
    for _ in range(draw.randint(1, 4)):
        change(draw, data, originals)
    return bytes(data) or b"x"


def changed_in_place(draw: random.Random, data: bytearray, _: list[bytes]) -> None:
    at = draw.randrange(len(data))
    how = draw.choice(["byte", "bit", "write"])
    if how == "byte":
        data[at] = draw.randrange(256)
    elif how == "bit":
        data[at] ^= 1 << draw.randrange(8)
    else:
        piece = draw.choice(INSERTED)[: len(data) - at]
        data[at : at + len(piece)] = piece


def moved(draw: random.Random, data: bytearray, originals: list[bytes]) -> None:
    at = draw.randint(0, len(data))
    how = draw.choice(["cut", "insert", "repeat", "drop", "splice"])
    if how == "cut":
        del data[at:]
    elif how == "insert":
        data[at:at] = draw.choice(INSERTED)
    elif how == "repeat":
        data[at:at] = data[at : at + 40] * draw.randint(1, 3)
    elif how == "drop":
        del data[at : at + draw.randint(1, 9)]
    else:
        other = draw.choice(originals)
        data[at:] = other[draw.randint(0, len(other)) :]


def files(ending: str, first: int, count: int) -> Iterator[bytes]:
    for number in range(first, first + count):
        draw = random.Random(f"{ending} {number}")
        yield mutated(draw, ORIGINALS[ending])


def outcome(path: Path, declared: DeclaredFormat) -> tuple[str, str]:
    """Read and type a file in every way; return what became of it and all words said."""
    said: list[str] = []
    try:
        file = DataFile.open(path, declared=declared)
        for kind in COLUMN_TYPES:
            types = dict.fromkeys(NAMES, kind)
            log = ProblemLog(file.display_name, NAMES)
            for batch in typed_batches(file, types, dict.fromkeys(NAMES, False), log):  # type: ignore[arg-type]
                assert len(batch.rows) == len(batch.flawed)
                assert not batch.table.column_names or batch.table.num_rows == len(batch.rows)
                batch.table.validate(full=True)
            said += [f"{problem!r} {problem.to_dict()}" for problem in log.problems()]
            said += [repr(file.found), *file.found.notes()]
    except UnreadableFile as error:
        return error.problem.rule, f"{error} {error.problem!r} {error.__context__!r}"
    return "read", " ".join(said)


def check(ending: str, first: int, count: int) -> Counter[str]:
    outcomes: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"x{ending}"
        for number, data in enumerate(files(ending, first, count)):
            path.write_bytes(data)
            declared = DeclaredFormat()
            if "csv" in ending and number % 5 == 0:
                encoding = ("utf-8", "utf-16", "latin-1")[number % 3]
                declared = DeclaredFormat(delimiter=";", encoding=encoding, decimal=",")
            what, said = outcome(path, declared)
            # Parts of the secret too: a parser may quote a piece of the file.
            assert SECRET[:9] not in said and SECRET[-5:] not in said
            outcomes[what] += 1
    return outcomes


@pytest.mark.parametrize("ending", TEXT_ENDINGS)
def test_damaged_text_files_are_read_or_refused_and_never_quoted(ending: str) -> None:
    outcomes = check(ending, 0, 250)
    assert outcomes["read"] and len(outcomes) > 1


def test_damaged_parquet_files_are_read_or_refused_and_never_quoted() -> None:
    outcomes = check(".parquet", 0, 12)
    assert sum(outcomes.values()) == 12 and outcomes["bad-parquet"]


@pytest.mark.slow
@pytest.mark.parametrize("ending", TEXT_ENDINGS)
def test_thousands_of_damaged_text_files(ending: str) -> None:
    count = 2_500 if ending in (".csv", ".json", ".jsonl") else 1_000
    assert sum(check(ending, 1_000, count).values()) == count


@pytest.mark.slow
def test_hundreds_of_damaged_parquet_files_through_the_child() -> None:
    assert sum(check(".parquet", 1_000, 150).values()) == 150


# Decodes what `files` yields, each file in a fork under the child's own bounds: some end the
# process, which is what the child is for. No other error is allowed, and none may hang.
_DECODE = """
import io, os, sys
from collections import Counter
from hokusai_assets.tables import parquet_child
from hokusai_assets.tables.limits import ReadLimits
from hokusai_assets.tables.parquet_decoding import decode_parts
from hokusai_assets.tables.problems import UnreadableFile
from hokusai_assets_tests.tables.test_fuzz import SECRET, files

def decode(data):
    limits = ReadLimits()
    parquet_child._bound_resources(limits)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    try:
        for _ in decode_parts([lambda: io.BytesIO(data)], None, name="x", limits=limits):
            pass
    except UnreadableFile as error:
        return 4 if SECRET[:9] in str(error) else 1
    except MemoryError:
        return 2
    except Exception:
        return 3
    return 0

outcomes = Counter()
for data in files(".parquet", int(sys.argv[1]), int(sys.argv[2])):
    process = os.fork()
    if process == 0:
        os._exit(decode(data))
    code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    outcomes["ended" if code < 0 else ("read", "refused", "memory", "error", "quoted")[code]] += 1
for name in ("read", "refused", "memory", "ended", "error", "quoted"):
    print(outcomes[name])
"""


@pytest.mark.parametrize(
    "thousand", [0, *(pytest.param(number, marks=pytest.mark.slow) for number in range(1, 5))]
)
def test_thousands_of_damaged_parquet_files_end_nothing_but_their_process(thousand: int) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _DECODE, str(10_000 + thousand * 1_000), "1000"],
        check=True,
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    read, refused, memory, ended, error, quoted = map(int, done.stdout.split())
    assert read and refused and (error, quoted) == (0, 0)
    assert read + refused + memory + ended == 1_000
