"""Tests of predictions and paired cells."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hokusai_assets.evaluation.predictions import (
    DifferentRows,
    PairedCells,
    Predictions,
    round_scores,
)
from hokusai_assets_tests.evaluation.generated_predictions import many, predictions

VALID = {
    "labels": ("no", "yes"),
    "actual": np.array([0, 1, 1]),
    "predicted": np.array([0, 1, 0]),
    "scores": np.array([[0.75, 0.25], [0.5, 0.5], [1.0, 0.0]]),
}


def test_valid_predictions_are_kept_as_read_only_copies():
    kept = Predictions(**VALID)
    assert (kept.rows, kept.classes) == (3, 2)
    for name in ("actual", "predicted", "scores"):
        array = getattr(kept, name)
        assert np.array_equal(array, VALID[name])
        assert not np.shares_memory(array, VALID[name])
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"labels": ("only",)}, "at least two class names"),
        ({"labels": ("yes", "no")}, "ascending"),
        ({"labels": ("no", "no")}, "unique"),
        ({"labels": (0, 1)}, "class names"),
        ({"actual": np.array([0, 1, 2])}, r"actual must lie in 0\.\.1"),
        ({"predicted": np.array([0, -1, 1])}, r"predicted must lie in 0\.\.1"),
        ({"actual": np.array([0.0, 1.0, 1.0])}, "integer"),
        ({"actual": np.array([False, True, True])}, "integer"),
        ({"actual": np.array([[0, 1, 1]])}, "one dimension"),
        ({"predicted": np.array([0, 1])}, "predicted has 2 rows where actual has 3"),
        ({"scores": VALID["scores"][:2]}, "shape"),
        ({"scores": VALID["scores"][:, :1]}, "shape"),
        ({"scores": VALID["scores"].astype(np.float32)}, "float64"),
        ({"scores": np.array([[0.75, 0.25], [np.nan, 0.5], [1, 0]])}, "NaN"),
        ({"scores": np.array([[1.25, -0.25], [0.5, 0.5], [1, 0]])}, r"\[0, 1\]"),
        ({"scores": np.array([[0.75, 0.25], [0.5, 0.4], [1, 0]])}, "sum to 1"),
        ({"scores": np.array([[0.75, 0.25], [1 / 3, 2 / 3], [1, 0]])}, "round_scores"),
        ({"scores": np.array([[0.75, 0.25], [0.5, 0.5], [1, -0.0]])}, "round_scores"),
    ],
)
def test_invalid_predictions_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        Predictions(**(VALID | change))


def test_no_rows_are_refused():
    empty = np.array([], dtype=int)
    with pytest.raises(ValueError, match="no test rows"):
        Predictions(("no", "yes"), empty, empty, np.zeros((0, 2)))


@given(st.floats(0, 1))
def test_rounding_scores_is_close_and_idempotent(raw):
    rounded = round_scores([raw])
    assert abs(rounded[0] - raw) <= 5.0000001e-10
    assert np.array_equal(round_scores(rounded), rounded)


def test_rounding_scores_is_half_even_without_minus_zero():
    assert round_scores([0.5e-9, 1.5e-9, 2.5e-9]).tolist() == [0.0, 2e-9, 2e-9]
    assert not np.signbit(round_scores([-0.0, -1e-12])).any()


@given(predictions(st.integers(2, 4)), st.randoms(use_true_random=False))
def test_cells_count_each_combination(baseline, random):
    predicted = [random.randrange(baseline.classes) for _ in range(baseline.rows)]
    new = Predictions(baseline.labels, baseline.actual, np.array(predicted), baseline.scores)
    cells = PairedCells.of([baseline], [new])
    counted = zip(cells.label, cells.baseline[0], cells.new[0], strict=True)
    expected = Counter(zip(baseline.actual, baseline.predicted, predicted, strict=True))
    assert dict(zip(counted, cells.count, strict=True)) == expected


def test_predictions_on_other_rows_are_refused():
    baseline = many(50, 3, seed=1)
    with pytest.raises(DifferentRows, match="true classes differ"):
        PairedCells.of([baseline], [many(50, 3, seed=2)])
    with pytest.raises(DifferentRows, match="50 rows"):
        PairedCells.of([baseline], [many(49, 3, seed=1)])
    with pytest.raises(DifferentRows, match="class names"):
        PairedCells.of([baseline], [many(50, 2, seed=1)])


@pytest.mark.parametrize(("classes", "replicas"), [(2, 2), (3, 5), (26, 3), (26, 9)])
def test_cells_of_replicas_count_each_tuple_in_order(classes, replicas):
    # 26 classes of 9 pairs have more tuples than int64 has numbers.
    baseline = [many(400, classes, seed=1, noise=0.3 + 0.1 * k) for k in range(replicas)]
    new = [many(400, classes, seed=1, noise=0.2 + 0.1 * k) for k in range(replicas)]
    cells = PairedCells.of(baseline, new)
    said = [baseline[0].actual]
    for before, after in zip(baseline, new, strict=True):
        said += [before.predicted, after.predicted]
    expected = Counter(zip(*(column.tolist() for column in said), strict=True))
    found = [cells.label]
    for before, after in zip(cells.baseline, cells.new, strict=True):
        found += [before, after]
    tuples = list(zip(*(column.tolist() for column in found), strict=True))
    assert tuples == sorted(expected)
    assert dict(zip(tuples, cells.count.tolist(), strict=True)) == expected
    for replica in range(replicas):
        one = cells.of_replica(replica)
        alone = PairedCells.of([baseline[replica]], [new[replica]])
        for name in ("label", "baseline", "new", "count"):
            assert np.array_equal(getattr(one, name), getattr(alone, name))


def test_replicas_come_in_pairs():
    given = many(50, 2, seed=1)
    for baseline, new in (([], []), ([given], [given, given])):
        with pytest.raises(ValueError, match="in pairs"):
            PairedCells.of(baseline, new)
    with pytest.raises(DifferentRows, match="true classes differ"):
        PairedCells.of([given, many(50, 2, seed=2)], [given, given])
