"""Reading and typing a 2 GB CSV and a 10-million-row Parquet file, against whole-file readers.

Each measurement runs in a process of its own. Processor seconds and peak memory include those
of the process that decodes Parquet. The peers are told the same column types, and hold the
whole table in memory, which is what batches are there to avoid.
"""

from __future__ import annotations

import resource
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from perf.fresh_process import Measured, in_fresh_process

CSV_BYTES = 2_000_000_000
PARQUET_ROWS = 10_000_000
TYPES = {
    "order": "integer",
    "amount": "number",
    "rate": "number",
    "country": "category",
    "paid": "boolean",
    "placed": "datetime",
    "note": "text",
}
_CHUNK_ROWS = 500_000
_WORDS = np.array([f"word{number:03}" for number in range(500)])
_COUNTRIES = np.array(["DE", "FR", "GB", "IN", "JP", "US"])


def _rows(chunk: int, rows: int) -> pa.Table:
    draw = np.random.default_rng([20261123, chunk])
    words = _WORDS[draw.integers(0, len(_WORDS), (rows, 6))]
    notes = words[:, 0]
    for position in range(1, 6):
        notes = np.char.add(np.char.add(notes, " "), words[:, position])
    placed = 1_600_000_000_000_000 + draw.integers(0, 10**14, rows)
    return pa.table(
        {
            "order": np.arange(rows) + chunk * _CHUNK_ROWS + 10**9,
            "amount": np.round(draw.lognormal(4, 1, rows), 2),
            "rate": draw.normal(size=rows),
            "country": _COUNTRIES[draw.integers(0, len(_COUNTRIES), rows)],
            "paid": draw.integers(0, 2, rows).astype(bool),
            "placed": pa.array(placed, pa.timestamp("us", "UTC")),
            "note": notes,
        }
    )


def _chunks() -> Iterator[pa.Table]:
    chunk = 0
    while True:
        yield _rows(chunk, _CHUNK_ROWS)
        chunk += 1


def write_csv(path: str, size: int) -> None:
    """Write at least ``size`` bytes of CSV."""
    chunks = _chunks()
    first = next(chunks)
    with open(path, "wb") as sink, pa_csv.CSVWriter(sink, first.schema) as writer:
        writer.write_table(first)
        while sink.tell() < size:
            writer.write_table(next(chunks))


def write_parquet(path: str, rows: int) -> None:
    """Write so many rows of Parquet, with the writer's usual settings."""
    chunks = _chunks()
    with pq.ParquetWriter(path, _rows(0, 1).schema) as writer:
        while rows > 0:
            table = next(chunks).slice(0, rows)
            writer.write_table(table)
            rows -= table.num_rows


def read_here(path: Path) -> int:
    """Read and type the file as intake does, batch by batch."""
    from hokusai_assets.tables.data_file import DataFile
    from hokusai_assets.tables.problem_log import ProblemLog
    from hokusai_assets.tables.typed_batches import typed_batches

    file = DataFile.open(path)
    log = ProblemLog(file.display_name, list(TYPES))
    rows = sum(batch.table.num_rows for batch in typed_batches(file, TYPES, {}, log))
    assert not log.problems()
    return rows


def read_pandas(path: Path) -> int:
    """Read the file whole by pandas, with its own types."""
    import pandas as pd

    if path.suffix == ".parquet":
        return len(pd.read_parquet(path))
    kinds = {"order": "int64", "amount": "float64", "rate": "float64", "paid": "bool"}
    return len(
        pd.read_csv(path, dtype={**kinds, "country": str, "note": str}, parse_dates=["placed"])
    )


def read_arrow(path: Path) -> int:
    """Read the file whole by pyarrow, on one thread."""
    if path.suffix == ".parquet":
        return int(pq.read_table(path, use_threads=False).num_rows)
    kinds = {
        "order": pa.int64(),
        "amount": pa.float64(),
        "rate": pa.float64(),
        "country": pa.string(),
        "paid": pa.bool_(),
        "placed": pa.timestamp("us", "UTC"),
        "note": pa.string(),
    }
    table = pa_csv.read_csv(
        path,
        read_options=pa_csv.ReadOptions(use_threads=False),
        convert_options=pa_csv.ConvertOptions(
            column_types=kinds, timestamp_parsers=[pa_csv.ISO8601]
        ),
    )
    return int(table.num_rows)


READERS: dict[str, Callable[[Path], int]] = {
    "hokusai": read_here,
    "pandas": read_pandas,
    "pyarrow": read_arrow,
}


def read(reader: str, path: str) -> list[int]:
    """Return the rows that a reader finds, and the bytes that it and its children held at most."""
    rows = READERS[reader](Path(path))
    # ru_maxrss of a process also counts what its parent held when it was started.
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    peak = int(status.partition("VmHWM:")[2].split()[0])
    return [rows, (peak + resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss) * 1024]


def run(scale: float = 1.0) -> list[dict[str, Any]]:
    """Measure rows per processor second and peak memory, on ``scale`` times the full size."""
    with tempfile.TemporaryDirectory(prefix="hokusai-perf-") as folder:
        csv, parquet = Path(folder) / "rows.csv", Path(folder) / "rows.parquet"
        # In processes of their own, so that what they hold is charged to no reader.
        in_fresh_process(f"{__name__}:write_csv", str(csv), int(CSV_BYTES * scale))
        figures = _figures("CSV", csv)
        csv.unlink()
        in_fresh_process(f"{__name__}:write_parquet", str(parquet), int(PARQUET_ROWS * scale))
        return figures + _figures("Parquet", parquet)


def _figures(name: str, path: Path) -> list[dict[str, Any]]:
    found = {reader: in_fresh_process(f"{__name__}:read", reader, str(path)) for reader in READERS}
    rows = found["hokusai"].result[0]
    what = f"read and type {name}, {path.stat().st_size / 1e9:.2f} GB, {rows:,} rows"
    return [
        {
            "what": f"{what}: {figure}",
            "figure": value(found["hokusai"]),
            "unit": unit,
            "peer": f"{peer}, whole file",
            "peer_figure": value(found[peer]),
            "ratio": value(found["hokusai"]) / value(found[peer]),
        }
        for peer in ("pandas", "pyarrow")
        for figure, unit, value in _VALUES
    ]


_VALUES: list[tuple[str, str, Callable[[Measured], float]]] = [
    ("per processor second", "rows/s", lambda found: found.result[0] / found.cpu_seconds),
    ("processor time", "s", lambda found: found.cpu_seconds),
    ("peak memory", "MiB", lambda found: found.result[1] / 2**20),
]
