"""Reading and typing a 2 GB CSV and a 10-million-row Parquet file, against whole-file readers.

Each measurement runs in a process of its own. Processor seconds and peak memory include those
of the process that decodes Parquet. The peers are told the same column types, and hold the
whole table in memory, which is what batches are there to avoid.

`python -m perf.bench_reading` prints the figures.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

ROOT = Path(__file__).resolve().parents[1]
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


def write_csv(path: Path, size: int) -> None:
    """Write at least ``size`` bytes of CSV."""
    chunks = _chunks()
    first = next(chunks)
    with path.open("wb") as sink, pa_csv.CSVWriter(sink, first.schema) as writer:
        writer.write_table(first)
        while sink.tell() < size:
            writer.write_table(next(chunks))


def write_parquet(path: Path, rows: int) -> None:
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

_MEASURE = """
import json, resource, sys, time
from pathlib import Path
from perf.bench_reading import READERS
began = time.monotonic()
rows = READERS[sys.argv[1]](Path(sys.argv[2]))
wall = time.monotonic() - began
own, child = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
# ru_maxrss of a process also counts what its parent held when it was started.
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(json.dumps({
    "rows": rows,
    "wall": wall,
    "cpu": sum(usage.ru_utime + usage.ru_stime for usage in (own, child)),
    "peak_mb": (int(peak.split()[1]) + child.ru_maxrss) / 1000,
}))
"""


def _written(writer: str, path: Path, size: int) -> None:
    # In a process of its own, whose memory no later one is charged with.
    code = "import sys; from pathlib import Path; from perf import bench_reading as bench; "
    code += f"bench.{writer}(Path(sys.argv[1]), int(sys.argv[2]))"
    subprocess.run([sys.executable, "-c", code, str(path), str(size)], check=True, cwd=ROOT)


def measure(reader: str, path: Path) -> dict[str, float]:
    """Read a file in a fresh process: its rows, seconds, processor seconds and peak MB."""
    done = subprocess.run(
        [sys.executable, "-c", _MEASURE, reader, str(path)],
        check=True,
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    found: dict[str, float] = json.loads(done.stdout)
    return found


def run(scale: float = 1.0) -> list[dict[str, Any]]:
    """Return the figures, for files of ``scale`` times the full size."""
    with tempfile.TemporaryDirectory() as folder:
        csv, parquet = Path(folder) / "rows.csv", Path(folder) / "rows.parquet"
        _written("write_csv", csv, int(CSV_BYTES * scale))
        figures = _figures("CSV", csv)
        csv.unlink()
        _written("write_parquet", parquet, int(PARQUET_ROWS * scale))
        return figures + _figures("Parquet", parquet)


def _figures(name: str, path: Path) -> list[dict[str, Any]]:
    ours = measure("hokusai", path)
    what = f"{name}, {path.stat().st_size / 1e9:.2f} GB, {ours['rows'] / 1e6:.1f} million rows"
    figures = []
    for peer in ("pandas", "pyarrow"):
        theirs = measure(peer, path)
        for title, unit, key in (
            ("rows per processor second", "rows/s", None),
            ("processor time", "s", "cpu"),
            ("peak memory", "MB", "peak_mb"),
        ):
            mine, other = (
                found[key] if key else found["rows"] / found["cpu"] for found in (ours, theirs)
            )
            figures.append(
                {
                    "what": f"read and type {what}: {title}",
                    "figure": round(mine, 1),
                    "unit": unit,
                    "peer": f"{peer}, whole file",
                    "peer_figure": round(other, 1),
                    "ratio": round(mine / other, 3),
                }
            )
    return figures


if __name__ == "__main__":
    for figure in run(float(sys.argv[1]) if len(sys.argv) > 1 else 1.0):
        print(json.dumps(figure))
