"""Comparing a million contributed rows of 30 columns with a test set: exact and near copies.

The peer hashes the same rows with pandas, which finds exact copies only.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from hokusai_assets.benchmarks.loading import Benchmark
from hokusai_assets.benchmarks.row_sets import RowSet
from hokusai_assets.benchmarks.spec import BenchmarkSpec
from hokusai_assets.contributions.leakage.scan import LeakageScan
from perf.fresh_process import in_fresh_process

ROWS = 1_000_000
TEST_ROWS = 10_000
BATCH_ROWS = 65_536
NUMBERS, WHOLE, CATEGORIES = 16, 6, 8


def run(scale: float = 1.0) -> list[dict[str, Any]]:
    """Measure processor seconds for a table without texts, and for one with two."""
    found = []
    for texts in (0, 2):
        ours, peer = in_fresh_process(f"{__name__}:measured", int(ROWS * scale), texts).result
        kind = f"with {texts} text columns" if texts else "of numbers and categories"
        found.append(
            {
                "what": f"leakage scan, {ROWS * scale:,.0f} rows x 30 columns {kind}",
                "figure": ours,
                "unit": "CPU-s",
                "peer": "pandas.util.hash_pandas_object (exact copies only)",
                "peer_figure": peer,
                "ratio": ours / peer,
            }
        )
    return found


def measured(rows: int, texts: int) -> tuple[float, float]:
    """Return processor seconds of the scan and of the peer."""
    base, test = _table(5_000, texts, 1), _table(TEST_ROWS, texts, 2)
    benchmark = Benchmark(_spec(texts), RowSet.of(base), RowSet.of(test), "")
    scan = LeakageScan.of(benchmark)
    table = _table(rows, texts, 3)
    start = time.process_time()
    for position in range(0, rows, BATCH_ROWS):
        scan.add(table.slice(position, BATCH_ROWS))
    scan.report()
    ours = time.process_time() - start
    frame = table.to_pandas()
    start = time.process_time()
    pd.util.hash_pandas_object(frame, index=False)
    return ours, time.process_time() - start


def _spec(texts: int) -> BenchmarkSpec:
    return BenchmarkSpec.model_validate(
        {
            "version": 1,
            "id": "leakage",
            "task": "binary",
            "target": "label",
            "labels": ["a", "b"],
            "positive_label": "a",
            "data": {"train": "base.parquet", "test": "test.parquet"},
            "columns": {name: {"type": kind} for name, kind in _columns(texts)},
            "model": {"estimator": "logistic_regression"},
            "metrics": {"primary": "accuracy"},
        }
    )


def _columns(texts: int) -> list[tuple[str, str]]:
    return [
        *((f"n{i:02}", "number") for i in range(NUMBERS)),
        *((f"i{i:02}", "integer") for i in range(WHOLE)),
        *((f"c{i:02}", "category") for i in range(CATEGORIES - texts)),
        *((f"t{i:02}", "text") for i in range(texts)),
    ]


def _table(rows: int, texts: int, seed: int) -> pa.Table:
    random = np.random.default_rng(seed)
    letters = list("abcdefghijklmnop")
    words = np.array(["".join(random.choice(letters, random.integers(2, 9))) for _ in range(2000)])
    columns: dict[str, Any] = {}
    for name, kind in _columns(texts):
        if kind == "number":
            columns[name] = random.normal(size=rows) * 10
        elif kind == "integer":
            columns[name] = random.integers(0, 100, rows)
        elif kind == "category":
            columns[name] = np.array([f"kind {k}" for k in range(20)])[random.integers(0, 20, rows)]
        else:
            drawn = words[random.integers(0, len(words), (rows, 12))]
            columns[name] = pa.array([" ".join(row) for row in drawn])
    columns["label"] = np.array(["a", "b"])[random.integers(0, 2, rows)]
    return pa.table(columns)
