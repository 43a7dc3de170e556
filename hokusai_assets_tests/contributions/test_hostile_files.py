"""Ten thousand broken files: each gets a report, says nothing of what it holds, leaves nothing."""

import gzip
import io
import json
import logging
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest

from hokusai_assets.benchmarks.generated import write_generated_benchmark
from hokusai_assets.benchmarks.loading import Benchmark, load_benchmark
from hokusai_assets.contributions.identity import Contribution
from hokusai_assets.contributions.intake import examine
from hokusai_assets.privacy.keys import PrivacyKey

# Planted in every text cell and as a label: a word that no message of ours holds.
SECRET = "qzvkjwpyhtrx"
ROWS = 30
N = range(ROWS)
COUNTS = {
    "csv": 3200,
    "tsv": 700,
    "json": 2200,
    "jsonl": 2200,
    "csv.gz": 900,
    "jsonl.zst": 900,
    "parquet": 500,
}


@pytest.fixture(scope="module")
def benchmark(tmp_path_factory: pytest.TempPathFactory, privacy_key: PrivacyKey) -> Benchmark:
    folder, _ = write_generated_benchmark(tmp_path_factory.mktemp("generated"), seed=3)
    return load_benchmark(folder, privacy_key)


def sound_table() -> pa.Table:
    random = np.random.default_rng(5)
    return pa.table(
        {
            "distance_km": random.gamma(2.0, 15.0, ROWS).round(1),
            "parcels": random.integers(1, 9, ROWS),
            "region": random.choice(["north", "south"], ROWS).tolist(),
            "note": [f"{SECRET} {n} mail {SECRET}{n}@example.com, 202-555-01{n:02}" for n in N],
            "late": random.choice(["yes", "no"], ROWS).tolist(),
            "extra": [SECRET] * ROWS,
        }
    )


def sound_bytes(ending: str) -> bytes:
    """The file before it is compressed."""
    table = sound_table()
    plain = ending.split(".")[0]
    sink = io.BytesIO()
    if plain == "parquet":
        pq.write_table(table, sink, row_group_size=11)
    elif plain in ("csv", "tsv"):
        options = pa_csv.WriteOptions(delimiter="\t" if plain == "tsv" else ",")
        pa_csv.write_csv(table, sink, options)
    else:
        records = [json.dumps(row) for row in table.to_pylist()]
        text = "\n".join(records) if plain == "jsonl" else f"[{','.join(records)}]"
        sink.write(text.encode())
    return sink.getvalue()


def compressed(data: bytes, ending: str) -> bytes:
    if ending.endswith(".gz"):
        return gzip.compress(data, mtime=0)
    return pa.compress(data, codec="zstd", asbytes=True) if ending.endswith(".zst") else data


def broken(number: int, sound: bytes, ending: str, random: np.random.Generator) -> bytes:
    """Return the next input: broken before it is compressed, and sometimes after."""
    mutation = MUTATIONS[number % len(MUTATIONS)]
    if ending.count(".") and number % 3 == 0:
        return mutation(compressed(sound, ending), random)
    return compressed(mutation(sound, random), ending)


def truncated(data: bytes, random: np.random.Generator) -> bytes:
    return data[: int(random.integers(0, len(data)))]


def flipped(data: bytes, random: np.random.Generator) -> bytes:
    changed = bytearray(data)
    for _ in range(int(random.integers(1, 12))):
        changed[int(random.integers(len(changed)))] = int(random.integers(256))
    return bytes(changed)


def spliced(data: bytes, random: np.random.Generator) -> bytes:
    """Take a piece out, or put it in once more somewhere else."""
    start, end = sorted(int(n) for n in random.integers(0, len(data), 2))
    piece = data[start:end]
    if random.random() < 0.5:
        return data[:start] + data[end:]
    place = int(random.integers(len(data)))
    return data[:place] + piece + data[place:]


def sprinkled(data: bytes, random: np.random.Generator) -> bytes:
    """Put in characters that mean something to a parser."""
    signs = (
        *(b'"', b"\n", b"\r", b",", b"{", b"}", b"[", b"]", b":", b"\0", b"\\", b"\xff", b";"),
        *(b"\xef\xbb\xbf", b"\xff\xfe", b"\xe2\x80\xa8", b"1e999", b"NaN", b"\\ud800"),
    )
    for _ in range(int(random.integers(1, 6))):
        place = int(random.integers(len(data)))
        data = data[:place] + signs[int(random.integers(len(signs)))] + data[place:]
    return data


def random_bytes(data: bytes, random: np.random.Generator) -> bytes:
    return random.bytes(int(random.integers(0, 600)))


MUTATIONS: list[Callable[[bytes, np.random.Generator], bytes]] = [
    truncated,
    flipped,
    spliced,
    sprinkled,
    random_bytes,
]


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("ending", COUNTS)
def test_a_broken_file_is_reported_and_tells_nothing(
    ending: str,
    benchmark: Benchmark,
    privacy_key: PrivacyKey,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    caplog.set_level(logging.DEBUG)
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    random, sound = np.random.default_rng(list(COUNTS).index(ending)), sound_bytes(ending)
    path = tmp_path / f"data.{ending}"
    outcomes: Counter[str] = Counter()
    for number in range(COUNTS[ending]):
        path.write_bytes(broken(number, sound, ending, random))
        contribution = Contribution("mutated-000000000000", "0" * 64, path, None)
        with TemporaryDirectory(dir=tmp_path) as scratch:
            found = examine(contribution, benchmark, privacy_key, scratch=Path(scratch))
            assert [left.name for left in Path(scratch).iterdir()] == ["rows.parquet"]
            cells = found.rows.table.to_pydict()
        report = found.report
        said = json.dumps(report.to_dict(), ensure_ascii=False) + repr(report)
        assert SECRET not in said, f"{ending}, input {number}"
        # What is stored holds no address that intake could have seen.
        assert f"{SECRET}1@example.com" not in str(cells)
        outcomes["accepted" if report.accepted else report.problems[0].rule] += 1
    assert list((tmp_path / "tmp").iterdir()) == []
    printed = capfd.readouterr()
    assert SECRET not in printed.out + printed.err + caplog.text
    # The inputs are broken in many ways, and not all beyond use.
    assert len(outcomes) >= 3, outcomes


def test_there_are_ten_thousand_inputs_at_least() -> None:
    assert sum(COUNTS.values()) >= 10_000


@pytest.mark.parametrize("ending", COUNTS)
def test_the_sound_file_is_accepted_and_its_personal_data_hashed(
    ending: str, benchmark: Benchmark, privacy_key: PrivacyKey, tmp_path: Path
) -> None:
    path = tmp_path / f"data.{ending}"
    path.write_bytes(compressed(sound_bytes(ending), ending))
    (tmp_path / "scratch").mkdir()
    contribution = Contribution("sound-000000000000", "0" * 64, path, None)
    found = examine(contribution, benchmark, privacy_key, scratch=tmp_path / "scratch")
    assert found.report.accepted, found.report.problems
    assert found.report.rows_hashed == ROWS
    assert f"{SECRET}1@example.com" not in str(found.rows.table.to_pydict())


def test_a_file_without_a_header_does_not_have_its_first_row_told(
    benchmark: Benchmark, privacy_key: PrivacyKey, tmp_path: Path
) -> None:
    path = tmp_path / "data.csv"
    path.write_bytes(sound_bytes("csv").split(b"\n", 1)[1])
    (tmp_path / "scratch").mkdir()
    contribution = Contribution("headless-000000000000", "0" * 64, path, None)
    report = examine(contribution, benchmark, privacy_key, scratch=tmp_path / "scratch").report
    assert {problem.rule for problem in report.problems} == {"missing-column"}
    assert SECRET not in json.dumps(report.to_dict())
