"""A small made benchmark of every column type, for tests of models."""

from typing import Any

import numpy as np
import pyarrow as pa

from hokusai_assets.benchmarks.spec import BenchmarkSpec

LABELS = ("a", "b", "c")
TABULAR = {
    "amount": {"type": "number"},
    "count": {"type": "integer"},
    "kind": {"type": "category"},
    "open": {"type": "boolean"},
    "sent": {"type": "datetime"},
}
TEXTUAL = {"kind": {"type": "category"}, "note": {"type": "text"}}
MIXED = TABULAR | TEXTUAL


def spec_of(
    estimator: str,
    columns: dict[str, Any],
    *,
    params: dict[str, Any] | None = None,
    labels: tuple[str, ...] = LABELS,
    **sections: Any,
) -> BenchmarkSpec:
    return BenchmarkSpec.model_validate(
        {
            "version": 1,
            "id": "made",
            "task": "multiclass",
            "target": "label",
            "labels": list(labels),
            "data": {"train": "base.parquet", "test": "test.parquet"},
            "columns": columns,
            "model": {"estimator": estimator, "params": params or {}},
            "metrics": {"primary": "accuracy"},
            "seed": 7,
            **sections,
        }
    )


def neighbours(*, seed: int, count: int = 5) -> Any:
    """Make an estimator as an operator's factory does; it draws nothing."""
    from sklearn.neighbors import KNeighborsClassifier

    return KNeighborsClassifier(n_neighbors=count, algorithm="brute")


neighbours.hokusai_reproducible = True  # type: ignore[attr-defined]


def rows_of(count: int, seed: int) -> pa.Table:
    """Return rows of all columns and the label, a tenth of each column's cells missing."""
    generator = np.random.default_rng(seed)
    label = generator.integers(0, 3, count)

    def missing() -> np.ndarray:
        return generator.random(count) < 0.1

    words = [
        " ".join(generator.choice(["red", "green", "blue", f"word{i}"], 6).tolist()) for i in label
    ]
    return pa.table(
        {
            "amount": pa.array(generator.normal(size=count) + label, mask=missing()),
            "count": pa.array(generator.integers(0, 9, count) + label, mask=missing()),
            "kind": pa.array(np.array(["u", "v", "w"], object)[label], pa.string(), mask=missing()),
            "open": pa.array(generator.random(count) < label / 3, mask=missing()),
            "sent": pa.array(
                generator.integers(0, 10**15, count), pa.timestamp("us", "UTC"), mask=missing()
            ),
            "note": pa.array(words, mask=missing()),
            "label": pa.array(np.array(LABELS, object)[label], pa.string()),
        }
    )
