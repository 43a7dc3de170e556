"""Paired bootstrap of a metric that only knows weights of rows: any metric, slowly."""

from collections.abc import Sequence

import numpy as np

from hokusai_assets.evaluation.bootstrap import random_stream
from hokusai_assets.evaluation.distinct_rows import DistinctRows
from hokusai_assets.evaluation.metrics import Metric
from hokusai_assets.evaluation.predictions import FloatArray, IntArray, Predictions

_DECIMALS = 12


def weighted_differences(
    metric: Metric,
    baseline: Sequence[Predictions],
    new: Sequence[Predictions],
    *,
    resamples: int,
    seed: int,
) -> FloatArray:
    """Return (resamples,) differences new - baseline of metric.score, means over replicas.

    The scheme of bootstrap.bootstrap_differences: rows are drawn with replacement within each
    true class, all models' answers of a row together. Rows that are equal in all of them are
    one row with a weight, in an order of their own, so that the order of the test set can't
    show. It costs 2 k calls of the score per resample.

    Args:
        metric: with a score.
        baseline, new: k models each, on the same rows.
        resamples: number of resamples, >= 1.
        seed: >= 0.

    Raises:
        UndefinedMetric: the score has no value on a resample.
    """
    rows = DistinctRows.of(
        metric, [model for pair in zip(baseline, new, strict=True) for model in pair]
    )
    strata = [
        (
            np.flatnonzero(rows.truth == label),
            random_stream(seed, f"weighted bootstrap, class {label}"),
        )
        for label in np.unique(rows.truth).tolist()
    ]
    differences = np.empty(resamples)
    for index in range(resamples):
        scores = rows.scores(_drawn(rows.times, strata))
        differences[index] = (sum(scores[1::2]) - sum(scores[::2])) / len(new)
    return np.asarray(np.round(differences, _DECIMALS))


def _drawn(times: IntArray, strata: Sequence[tuple[IntArray, np.random.Generator]]) -> IntArray:
    weights = np.zeros_like(times)
    for where, stream in strata:
        rows = int(times[where].sum())
        weights[where] = stream.multinomial(rows, times[where] / rows)
    return weights
