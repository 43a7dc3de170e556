"""Recording ten million rows in the index of earlier contributions, and looking them up.

The peer is a table of the same keys in SQLite, written and asked in the same order, in one
transaction per contribution.
"""

from __future__ import annotations

import sqlite3
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from hokusai_assets.contributions.row_index import RowIndex
from perf.fresh_process import Measured, in_fresh_process

ROWS = 10_000_000
CONTRIBUTIONS = 10


def run(scale: float = 1.0) -> list[dict[str, Any]]:
    """Measure rows recorded and looked up per second, bytes per row on disk, and peak memory."""
    per_contribution = int(ROWS * scale) // CONTRIBUTIONS
    with tempfile.TemporaryDirectory(prefix="hokusai-perf-") as folder:
        ours, peer = (
            _figures(
                per_contribution, in_fresh_process(f"{__name__}:{name}", folder, per_contribution)
            )
            for name in ("index", "sqlite")
        )
    what = f"row index, {per_contribution * CONTRIBUTIONS:,} rows in {CONTRIBUTIONS} contributions"
    units = {
        "recorded": "rows/s",
        "looked up": "rows/s",
        "on disk": "bytes/row",
        "peak memory": "MiB",
    }
    return [
        {
            "what": f"{what}: {name}",
            "figure": ours[name],
            "unit": unit,
            "peer": "SQLite table with a primary key",
            "peer_figure": peer[name],
            "ratio": ours[name] / peer[name],
        }
        for name, unit in units.items()
    ]


def _keys(number: int, rows: int) -> np.ndarray:
    return np.random.default_rng(number).integers(0, 256, (rows, 16), dtype=np.uint8)


def index(folder: str, rows: int) -> list[float]:
    """Return seconds of recording and of looking up, and bytes on disk."""
    place = Path(folder) / "index"
    held = RowIndex(place)
    recorded = 0.0
    for number in range(CONTRIBUTIONS):
        keys = _keys(number, rows)
        start = time.perf_counter()
        held.claim(f"contribution-{number}", keys)
        recorded += time.perf_counter() - start
    keys = _mixed(rows)
    start = time.perf_counter()
    holders = held.look_up(keys).holders
    looked_up = time.perf_counter() - start
    assert (holders >= 0).sum() == rows // 2
    size = sum(path.stat().st_size for path in place.iterdir())
    return [recorded, looked_up, size]


def sqlite(folder: str, rows: int) -> list[float]:
    """Do the same with SQLite."""
    path = Path(folder) / "rows.sqlite"
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("CREATE TABLE rows (key BLOB PRIMARY KEY, sequence INT) WITHOUT ROWID")
    recorded = 0.0
    for number in range(CONTRIBUTIONS):
        keys = _keys(number, rows)
        start = time.perf_counter()
        with connection:
            connection.executemany(
                "INSERT OR IGNORE INTO rows VALUES (?, ?)",
                ((key.tobytes(), number) for key in keys),
            )
        recorded += time.perf_counter() - start
    keys = _mixed(rows)
    start = time.perf_counter()
    ask = "SELECT sequence FROM rows WHERE key = ?"
    found = sum(connection.execute(ask, (key.tobytes(),)).fetchone() is not None for key in keys)
    looked_up = time.perf_counter() - start
    assert found == rows // 2
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return [recorded, looked_up, path.stat().st_size]


def _mixed(rows: int) -> np.ndarray:
    """Return keys of which the first half is recorded."""
    keys = _keys(CONTRIBUTIONS + 1, rows)
    keys[: rows // 2] = _keys(CONTRIBUTIONS // 2, rows)[: rows // 2]
    return keys


def _figures(rows: int, measured: Measured) -> dict[str, float]:
    recorded, looked_up, size = measured.result
    return {
        "recorded": rows * CONTRIBUTIONS / recorded,
        "looked up": rows / looked_up,
        "on disk": size / (rows * CONTRIBUTIONS),
        "peak memory": measured.peak_bytes / 2**20,
    }
