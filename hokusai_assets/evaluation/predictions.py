"""One model's predictions on the test rows, and pairs of models' predictions side by side."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import ArrayLike, NDArray

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]

SCORE_UNITS = 1_000_000_000
"""Scores are whole multiples of 1 / SCORE_UNITS."""

# scikit-learn's own bound for multiclass AUROC; float32 models need it.
_SUM_TOLERANCE = 1e-5


def label_codes(column: pa.ChunkedArray, labels: tuple[str, ...]) -> IntArray:
    """Return (n,) positions of a column's labels among the benchmark's, no text made of any.

    Raises:
        ValueError: a cell is missing or another label.
    """
    found = pc.index_in(column, value_set=pa.array(labels, column.type))
    if found.null_count:
        raise ValueError(f"labels must be among {list(labels)[:5]}")
    codes: IntArray = found.to_numpy().astype(np.int64)
    return codes


class DifferentRows(ValueError):
    """Two sets of predictions do not stand on the same test rows."""


def billionths(scores: FloatArray) -> IntArray:
    """Return rounded scores as whole multiples of 1 / SCORE_UNITS, of the same shape."""
    return np.rint(scores * SCORE_UNITS).astype(np.int64)


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

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> "Predictions":
        """Return what was said about some rows, given by positions (repeats allowed) or flags."""
        return Predictions(self.labels, self.actual[rows], self.predicted[rows], self.scores[rows])

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
    """Counts of rows by true class and what every model said, non-zero only.

    With k replicas (pairs of models) a cell is (true class, first baseline's class, first new
    model's class, second baseline's class, ...): rows are drawn jointly for all replicas.

    Attributes:
        classes: K.
        label: (C,) int64 class indices.
        baseline, new: (k, C) int64 class indices.
        count: (C,) int64 number of rows, each >= 1.

    Cells stand in ascending order of the tuple.
    """

    classes: int
    label: IntArray
    baseline: IntArray
    new: IntArray
    count: IntArray

    @classmethod
    def of(cls, baseline: Sequence[Predictions], new: Sequence[Predictions]) -> "PairedCells":
        """Count the cells of k pairs of models' predictions.

        Raises:
            DifferentRows: class names or true classes differ.
            ValueError: there are no models, or not as many new ones as baselines.
        """
        check_same_rows(baseline, new)
        columns = [baseline[0].actual]
        for before, after in zip(baseline, new, strict=True):
            columns += [before.predicted, after.predicted]
        cell, count = _distinct_tuples(columns, baseline[0].classes)
        return cls(
            classes=baseline[0].classes,
            label=cell[0],
            baseline=cell[1::2],
            new=cell[2::2],
            count=count,
        )

    @property
    def replicas(self) -> int:
        """Number of pairs of models, k."""
        return len(self.baseline)

    def of_replica(self, replica: int) -> "PairedCells":
        """Return the cells of one pair of models."""
        columns = [self.label, self.baseline[replica], self.new[replica]]
        code, _ = _codes(columns, self.classes)
        values, first, position = np.unique(code, return_index=True, return_inverse=True)
        count = np.zeros(len(values), dtype=np.int64)
        np.add.at(count, position, self.count)
        return PairedCells(
            self.classes,
            self.label[first],
            self.baseline[replica : replica + 1, first],
            self.new[replica : replica + 1, first],
            count,
        )


def check_same_rows(baseline: Sequence[Predictions], new: Sequence[Predictions]) -> None:
    """Refuse predictions that are not about the same rows in the same order.

    Raises:
        DifferentRows: class names, number of rows or true classes differ.
        ValueError: there are no models, or not as many new ones as baselines.
    """
    if len(baseline) != len(new) or not baseline:
        raise ValueError(
            f"replicas come in pairs, at least one: got {len(baseline)} baselines and "
            f"{len(new)} new models"
        )
    first = baseline[0]
    for other in (*baseline[1:], *new):
        if first.labels != other.labels:
            raise DifferentRows(f"class names differ: {first.labels!r} and {other.labels!r}")
        if first.rows != other.rows:
            raise DifferentRows(f"the baseline has {first.rows} rows, the new model {other.rows}")
        differing = int(np.count_nonzero(first.actual != other.actual))
        if differing:
            raise DifferentRows(f"true classes differ in {differing} of {first.rows} rows")


# A table of this many counts takes 32 MB and is filled faster than a million rows are sorted.
_MAX_BINS = 2**22


def _codes(columns: Sequence[IntArray], classes: int) -> tuple[IntArray, int]:
    """Return (n,) numbers in the order of the tuples of columns, and a bound above them.

    Many replicas of many classes have more tuples than int64 has numbers, so numbers are
    replaced by their ranks where they grow large.
    """
    code, bound = columns[0], classes
    for column in columns[1:]:
        if bound * classes > max(_MAX_BINS, 16 * len(code)):
            values, code = np.unique(code, return_inverse=True)
            bound = len(values)
        code, bound = code * classes + column, bound * classes
    return code, bound


def _distinct_tuples(columns: Sequence[IntArray], classes: int) -> tuple[IntArray, IntArray]:
    """Return (m, C) distinct tuples of m columns in ascending order, and their (C,) counts."""
    code, bound = _codes(columns, classes)
    if bound <= _MAX_BINS and bound == classes ** len(columns):
        counts = np.bincount(code, minlength=bound)
        values = np.flatnonzero(counts)
        tuples = np.stack(np.unravel_index(values, (classes,) * len(columns)))
        return tuples.astype(np.int64), counts[values].astype(np.int64)
    _, first, count = np.unique(code, return_index=True, return_counts=True)
    return np.stack([column[first] for column in columns]), count.astype(np.int64)


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
