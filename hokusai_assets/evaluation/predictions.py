"""One model's predictions on the test rows, and two models' predictions side by side."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]

SCORE_UNITS = 1_000_000_000
"""Scores are whole multiples of 1 / SCORE_UNITS."""

# scikit-learn's own bound for multiclass AUROC; float32 models need it.
_SUM_TOLERANCE = 1e-5


class DifferentRows(ValueError):
    """Two sets of predictions do not stand on the same test rows."""


def round_scores(raw: ArrayLike) -> FloatArray:
    """Return scores rounded half to even to 1e-9, with -0.0 written as 0.0.

    The rule is ``rint(x * 1e9) / 1e9`` in IEEE 754 binary64; applying it twice changes
    nothing. NaN stays NaN, for Predictions to refuse.
    """
    scaled = np.rint(np.asarray(raw, dtype=np.float64) * SCORE_UNITS)
    rounded: FloatArray = scaled / SCORE_UNITS + 0.0
    return rounded


@dataclass(frozen=True, eq=False)
class Predictions:
    """What one model said about each of n test rows; metrics are computed from this alone.

    Attributes:
        labels: the K >= 2 class names, unique and in ascending order.
        actual: (n,) int64 true class of each row, an index into labels; n >= 1.
        predicted: (n,) int64 class the model chose, an index into labels.
        scores: (n, K) float64 class probabilities in [0, 1] rounded by round_scores, each
            row summing to 1 within 1e-5.

    Arrays are copied and read-only.

    Raises:
        ValueError: a shape, type, range or value is not as above.
    """

    labels: tuple[str, ...]
    actual: IntArray
    predicted: IntArray
    scores: FloatArray

    def __post_init__(self) -> None:
        """Check every attribute and take read-only copies."""
        labels = tuple(self.labels)
        if len(labels) < 2 or not all(isinstance(label, str) for label in labels):
            raise ValueError(f"labels must be at least two class names, got {labels!r}")
        if list(labels) != sorted(set(labels)):
            raise ValueError(f"labels must be unique and in ascending order, got {labels!r}")
        actual = _class_indices("actual", self.actual, len(labels))
        predicted = _class_indices("predicted", self.predicted, len(labels))
        if len(actual) == 0:
            raise ValueError("there are no test rows")
        if len(predicted) != len(actual):
            raise ValueError(f"predicted has {len(predicted)} rows where actual has {len(actual)}")
        scores = _probabilities(self.scores, (len(actual), len(labels)))
        for name, value in (
            ("labels", labels),
            ("actual", actual),
            ("predicted", predicted),
            ("scores", scores),
        ):
            object.__setattr__(self, name, value)

    @property
    def rows(self) -> int:
        """Number of test rows, n."""
        return len(self.actual)

    @property
    def classes(self) -> int:
        """Number of classes, K."""
        return len(self.labels)


@dataclass(frozen=True, eq=False)
class PairedCells:
    """Counts of rows by (true class, baseline's class, new model's class), non-zero only.

    Attributes:
        classes: K.
        label, baseline, new: (C,) int64 class indices, in ascending order of the triple.
        count: (C,) int64 number of rows, each >= 1.
    """

    classes: int
    label: IntArray
    baseline: IntArray
    new: IntArray
    count: IntArray

    @classmethod
    def of(cls, baseline: Predictions, new: Predictions) -> "PairedCells":
        """Count the cells of two models' predictions.

        Raises:
            DifferentRows: class names or true classes differ.
        """
        check_same_rows(baseline, new)
        size = baseline.classes
        code = (baseline.actual * size + baseline.predicted) * size + new.predicted
        # Not bincount: K cubed bins need gigabytes at K = 1,000.
        cell, count = np.unique(code, return_counts=True)
        return cls(
            classes=size,
            label=cell // (size * size),
            baseline=cell // size % size,
            new=cell % size,
            count=count.astype(np.int64),
        )


def check_same_rows(baseline: Predictions, new: Predictions) -> None:
    """Refuse two models' predictions that are not about the same rows in the same order.

    Raises:
        DifferentRows: class names, number of rows or true classes differ.
    """
    if baseline.labels != new.labels:
        raise DifferentRows(f"class names differ: {baseline.labels!r} and {new.labels!r}")
    if baseline.rows != new.rows:
        raise DifferentRows(f"the baseline has {baseline.rows} rows, the new model {new.rows}")
    differing = int(np.count_nonzero(baseline.actual != new.actual))
    if differing:
        raise DifferentRows(f"true classes differ in {differing} of {new.rows} rows")


def _class_indices(name: str, values: ArrayLike, classes: int) -> IntArray:
    given = np.asarray(values)
    if given.ndim != 1:
        raise ValueError(f"{name} must have one dimension, got shape {given.shape}")
    if not np.issubdtype(given.dtype, np.integer):
        raise ValueError(f"{name} must hold integer class indices, got {given.dtype}")
    if given.size and (given.min() < 0 or given.max() >= classes):
        raise ValueError(f"{name} must lie in 0..{classes - 1}, got {given.min()}..{given.max()}")
    indices = given.astype(np.int64, copy=True)
    indices.setflags(write=False)
    return indices


def _probabilities(values: ArrayLike, shape: tuple[int, int]) -> FloatArray:
    given = np.asarray(values)
    if given.dtype != np.float64:
        raise ValueError(f"scores must be float64, got {given.dtype}")
    if given.shape != shape:
        raise ValueError(f"scores must have shape {shape}, got {given.shape}")
    if not np.isfinite(given).all():
        raise ValueError("scores hold NaN or infinite values")
    if given.min() < 0 or given.max() > 1:
        raise ValueError(f"scores must lie in [0, 1], got {given.min()}..{given.max()}")
    scores = given.copy()
    if not np.array_equal(round_scores(scores), scores) or np.signbit(scores).any():
        raise ValueError("scores must be rounded to 1e-9: pass them through round_scores")
    farthest = float(np.abs(scores.sum(axis=1) - 1).max())
    if farthest > _SUM_TOLERANCE:
        raise ValueError(f"a row's scores must sum to 1, one is off by {farthest:.3g}")
    scores.setflags(write=False)
    return scores
