"""Tests of the jackknife over weights: its parts, and what they cost."""

import tracemalloc

import numpy as np

from hokusai_assets.evaluation.distinct_rows import DistinctRows
from hokusai_assets.evaluation.generic_jackknife import MAX_PARTS, scores_without_parts
from hokusai_assets.evaluation.metrics import Metric
from hokusai_assets_tests.evaluation.generated_predictions import many


def mean_score(actual, scores, weight) -> float:
    return float(np.average(scores[np.arange(len(actual)), actual], weights=weight))


CHOSEN = Metric("chosen", "higher", (0.0, 1.0), "scores", score=mean_score)


def test_every_part_is_the_one_that_the_matrix_of_all_parts_has():
    rows = DistinctRows.of(CHOSEN, [many(1_500, 3, seed=1), many(1_500, 3, seed=1, noise=0.5)])
    rows.times[::7] += 2
    # All parts at once, as rows of a matrix: what is dealt one by one must be the same.
    position = np.repeat(np.arange(len(rows.times)), rows.times)
    order = np.argsort(np.random.PCG64(0).random_raw(len(position)), kind="stable")
    matrix = np.zeros((MAX_PARTS, len(rows.times)), dtype=np.int64)
    for place, row in enumerate(order):
        matrix[place % MAX_PARTS, position[row]] += 1
    assert (matrix.sum(axis=0) == rows.times).all()
    found, counts = scores_without_parts(rows)
    expected = np.array([rows.scores(rows.times - part) for part in matrix]).T
    assert np.array_equal(found, expected)
    assert counts.tolist() == [1] * MAX_PARTS


def test_memory_grows_with_the_rows_and_not_with_the_rows_times_the_parts():
    size = 50_000
    rows = DistinctRows(
        CHOSEN,
        np.zeros(size, dtype=np.int64),
        [np.full((size, 2), 0.5)],
        np.ones(size, dtype=np.int64),
    )
    tracemalloc.start()
    try:
        scores_without_parts(rows)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    # The matrix of all parts alone has 200 * 8 bytes a row.
    assert peak < 160 * size
