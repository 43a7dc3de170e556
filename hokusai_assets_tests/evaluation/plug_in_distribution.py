"""A tiny distribution with metrics, installed into a folder as pip would leave it."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hokusai_assets.evaluation.registry import registered_metrics

MODULE = """
import numpy as np

from hokusai_assets.evaluation.metrics import Metric


def _balanced(y, labels, weight):
    recalls = [
        np.sum(weight * (y == k) * (labels == k)) / np.sum(weight * (y == k)) for k in np.unique(y)
    ]
    return float(np.mean(recalls))


def _hits(counts, averaging):
    return counts.hits.sum(axis=-1) / counts.actual.sum()


BALANCED = Metric(
    "balanced_accuracy", "higher", (0.0, 1.0), "labels", score=_balanced, averages="one_vs_rest"
)
HIT_RATE = Metric("hit_rate", "higher", (0.0, 1.0), "labels", from_counts=_hits)
ABSOLUTE = Metric(
    "mean_absolute_error",
    "lower",
    (0.0, 1.0),
    "scores",
    per_row=lambda given: 1 - given.scores[np.arange(given.rows), given.actual],
)


def _absolute(y, scores, weight):
    return float(np.sum(weight * (1 - scores[np.arange(len(y)), y])) / np.sum(weight))


BY_SCORE = Metric(
    "absolute_error_by_score", "lower", (0.0, 1.0), "scores", score=_absolute
)


def _separation(y, scores, weight):
    if len(np.unique(y)) < 2:
        raise ValueError("only one class present")
    mean = [np.average(scores[y == k, 0], weights=weight[y == k]) for k in (0, 1)]
    return float((1 + mean[0] - mean[1]) / 2)


SEPARATION = Metric("separation", "higher", (0.0, 1.0), "scores", score=_separation)
FIRST_RECALL = Metric(
    "first_recall",
    "higher",
    (0.0, 1.0),
    "labels",
    from_counts=lambda counts, averaging: counts.hits[..., 0] / counts.actual[0],
)
"""

# Not conforming: what they do on rows of one class is to be survived, not to be copied.
FRAGILE = {"separation": "tiny_metrics:SEPARATION", "first_recall": "tiny_metrics:FIRST_RECALL"}

ENTRIES = {
    "absolute_error_by_score": "tiny_metrics:BY_SCORE",
    "balanced_accuracy": "tiny_metrics:BALANCED",
    "hit_rate": "tiny_metrics:HIT_RATE",
    "mean_absolute_error": "tiny_metrics:ABSOLUTE",
}


def write_distribution(
    folder: Path, entries: dict[str, str], *, name: str = "tiny-metrics", version: str = "0.3"
) -> None:
    """Write tiny_metrics.py and the metadata that pip writes beside it."""
    (folder / "tiny_metrics.py").write_text(MODULE, encoding="utf-8")
    metadata = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n", encoding="utf-8"
    )
    lines = [f"{entry} = {value}" for entry, value in entries.items()]
    text = "\n".join(["[hokusai.metrics]", *lines, ""])
    (metadata / "entry_points.txt").write_text(text, encoding="utf-8")


@contextmanager
def installed(folder: Path) -> Iterator[None]:
    """Put a folder of distributions on the path, and forget it afterwards."""
    sys.path.insert(0, str(folder))
    registered_metrics.cache_clear()
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        sys.modules.pop("tiny_metrics", None)
        registered_metrics.cache_clear()
