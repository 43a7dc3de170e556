"""Taking in a ten-million-row Parquet file and a 2 GB CSV, from the file to the stored rows.

All of intake: reading, typing, hashing personal data, comparison with the test set, the base set
and earlier contributions, labels, drift, and canonical order. Peak memory is of the whole process
and counts the pages of mapped files. There is no peer that does the same.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from hokusai_assets.benchmarks.loading import load_benchmark
from hokusai_assets.contributions.identity import unregistered
from hokusai_assets.contributions.intake import examine
from hokusai_assets.contributions.row_index import RowIndex
from hokusai_assets.privacy.keys import PrivacyKey
from perf.fresh_process import in_fresh_process

PARQUET_ROWS = 10_000_000
CSV_BYTES = 2_000_000_000
CHUNK_ROWS = 250_000
_NUMBERS, _WHOLE, _CATEGORIES = 4, 3, 2
_SPEC = """\
version: 1
id: large
task: binary
target: label
labels: ["no", "yes"]
positive_label: "yes"
data: {train: base.parquet, test: test.parquet}
columns:
"""


def run(scale: float = 1.0) -> list[dict[str, Any]]:
    """Measure rows per second and peak memory for both files."""
    found: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="hokusai-perf-") as folder:
        root = Path(folder)
        _write_benchmark(root / "large")
        for name in ("large.parquet", "large.csv"):
            rows = _write(root / name, scale)
            size = (root / name).stat().st_size
            measured = in_fresh_process(f"{__name__}:taken_in", folder, name)
            assert measured.result == rows
            (root / name).unlink()
            what = f"intake of {name.partition('.')[2]}, {rows:,} rows, {size / 1e9:.1f} GB"
            for figure, unit in (
                (rows / measured.cpu_seconds, "rows/CPU-s"),
                (measured.peak_bytes / 2**20, "MiB at most"),
            ):
                found.append(
                    {
                        "what": what,
                        "figure": figure,
                        "unit": unit,
                        "peer": None,
                        "peer_figure": None,
                        "ratio": None,
                    }
                )
    return found


def taken_in(folder: str, name: str) -> int:
    """Take in a file as the platform does; return how many rows are new."""
    root = Path(folder)
    key = PrivacyKey.from_secret(b"a key of the benchmarks, 32 byte")
    benchmark = load_benchmark(root / "large", key)
    with tempfile.TemporaryDirectory(dir=root) as scratch:
        rows = Path(scratch) / "rows"
        rows.mkdir()
        found = examine(
            unregistered(root / name),
            benchmark,
            key,
            scratch=rows,
            index=RowIndex(Path(scratch) / "index"),
            record=True,
        )
    assert found.report.accepted, found.report.problems
    return found.report.rows_new


def _write_benchmark(folder: Path) -> None:
    folder.mkdir()
    for number, name in enumerate(("base", "test")):
        pq.write_table(_rows(5_000, number), folder / f"{name}.parquet")
    columns = [
        *(f"  n{i}: {{type: number}}" for i in range(_NUMBERS)),
        *(f"  i{i}: {{type: integer}}" for i in range(_WHOLE)),
        *(f"  c{i}: {{type: category}}" for i in range(_CATEGORIES)),
        "  note: {type: text}",
    ]
    rest = "model: {estimator: logistic_regression}\nmetrics: {primary: auroc}\n"
    (folder / "benchmark.yaml").write_text(_SPEC + "\n".join(columns) + "\n" + rest)


def _write(path: Path, scale: float) -> int:
    rows = 0
    if path.suffix == ".parquet":
        with pq.ParquetWriter(path, _rows(1, 2).schema) as writer:
            for chunk in _chunks(int(PARQUET_ROWS * scale)):
                writer.write_table(chunk)
                rows += chunk.num_rows
        return rows
    with pa_csv.CSVWriter(path, _rows(1, 2).schema) as writer:
        for chunk in _chunks(None):
            writer.write_table(chunk)
            rows += chunk.num_rows
            if path.stat().st_size >= CSV_BYTES * scale:
                break
    return rows


def _chunks(rows: int | None) -> Iterator[pa.Table]:
    done, seed = 0, 100
    while rows is None or done < rows:
        count = CHUNK_ROWS if rows is None else min(CHUNK_ROWS, rows - done)
        yield _rows(count, seed)
        done, seed = done + count, seed + 1


def _rows(count: int, seed: int) -> pa.Table:
    random = np.random.default_rng(seed)
    # The same words for every file: only what is drawn from them differs.
    spelling = np.random.default_rng(0)
    letters = np.array(list("aeioubdfgklmnprst"))
    words = np.array(
        ["".join(spelling.choice(letters, spelling.integers(2, 9))) for _ in range(3000)]
    )
    columns: dict[str, Any] = {}
    for i in range(_NUMBERS):
        columns[f"n{i}"] = (random.normal(size=count) * 10).round(3)
    for i in range(_WHOLE):
        columns[f"i{i}"] = random.integers(0, 10_000, count)
    for i in range(_CATEGORIES):
        columns[f"c{i}"] = np.array([f"kind {k}" for k in range(30)])[random.integers(0, 30, count)]
    notes = [" ".join(row) for row in words[random.integers(0, len(words), (count, 6))]]
    for row in np.flatnonzero(random.random(count) < 0.01):
        notes[row] += f" mail user{random.integers(10**9)}@example.com"
    columns["note"] = notes
    likely = columns["n0"] + columns["n1"] + random.normal(size=count) * 10 > 0
    columns["label"] = np.where(likely, "yes", "no")
    return pa.table(columns)
