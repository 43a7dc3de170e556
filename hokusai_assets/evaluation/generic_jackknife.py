"""Jackknife of a metric that only knows weights of rows: some hundred calls, and no seed.

So whoever has the predictions gets the same numbers, though only the spec holds a seed.
"""

from collections.abc import Iterator

import numpy as np

from hokusai_assets.evaluation.distinct_rows import DistinctRows
from hokusai_assets.evaluation.predictions import FloatArray, IntArray

MAX_PARTS = 200
"""Most parts that are left out in turn; the standard error is then known to some 5%."""


def scores_without_parts(rows: DistinctRows) -> tuple[list[FloatArray], IntArray]:
    """Return each model's scores without one part of the rows at a time, for a jackknife.

    Up to `MAX_PARTS` distinct rows a part is one row: leaving out another that equals it gives
    the same score, so one call stands for all of them (Efron & Stein, Annals of Statistics 9,
    1981). Above, rows are dealt into `MAX_PARTS` parts of equal size, by random numbers that are
    the same for ever (grouped jackknife; Shao & Tu, "The Jackknife and Bootstrap", 1995, section
    2.3). Both suit scores that change little with a row: a quantile's error needs the groups.

    Args:
        rows: of J models; at least two rows in all.

    Returns:
        J arrays of P scores, and (P,) counts, as `patterns.jackknife_variance` takes them.

    Raises:
        UndefinedMetric: the score has no value without some part.
    """
    times = rows.times
    if len(times) <= MAX_PARTS:
        parts, counts = _each_alone(len(times)), times
    else:
        parts, counts = _dealt(times), np.ones(MAX_PARTS, dtype=np.int64)
    by_part = np.array([rows.scores(times - part) for part in parts], dtype=np.float64)
    return list(by_part.T), counts


def _each_alone(size: int) -> Iterator[IntArray]:
    return iter(np.eye(size, dtype=np.int64))


def _dealt(times: IntArray) -> Iterator[IntArray]:
    """Yield (P,) how many of each distinct row a part holds, for each of MAX_PARTS parts.

    One at a time: all together would take 1.6 GB of a million rows.
    """
    position = np.repeat(np.arange(len(times)), times)
    # NumPy keeps the raw stream of a bit generator between versions, unlike its draws.
    order = np.argsort(np.random.PCG64(0).random_raw(len(position)), kind="stable")
    for part in range(MAX_PARTS):
        yield np.bincount(position[order[part::MAX_PARTS]], minlength=len(times))
