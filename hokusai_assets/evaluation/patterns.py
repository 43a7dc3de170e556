"""Rows that several models treat alike, counted, and what leaving one of them out changes.

A pattern is a true class with every model's predicted class. There are far fewer patterns than
rows, and whatever is made of counts has the same value after any row of a pattern is left out,
so a jackknife over patterns is the jackknife over rows.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hokusai_assets.evaluation.metrics import ClassCounts
from hokusai_assets.evaluation.predictions import FloatArray, IntArray, Predictions

BoolArray = NDArray[np.bool_]

# What ClassCounts of R sets of rows become, (R,).
Statistic = Callable[[ClassCounts], FloatArray]


@dataclass(frozen=True, eq=False)
class Patterns:
    """The distinct patterns of n rows under J models, in ascending order.

    Attributes:
        classes: K.
        actual: (P,) true class of each pattern.
        predicted: (J, P) each model's class.
        of_row: (n,) the pattern of each row.
    """

    classes: int
    actual: IntArray
    predicted: IntArray
    of_row: IntArray

    @classmethod
    def of(cls, models: Sequence[Predictions]) -> "Patterns":
        """Find the patterns of models' predictions on the same rows."""
        size = models[0].classes
        columns = [models[0].actual, *(model.predicted for model in models)]
        code, codes = columns[0], size
        for column in columns[1:]:
            code, codes = code * size + column, codes * size
            # Dense again before the product of classes overflows or outgrows the rows.
            if codes > 4 * len(code) + 65_536:
                code, first = _dense(code, codes)
                codes = len(first)
        code, first = _dense(code, codes)
        return cls(size, columns[0][first], np.stack([c[first] for c in columns[1:]]), code)

    def counts(self, rows: BoolArray | None = None) -> IntArray:
        """Return (P,) how many rows have each pattern, of all rows or of a part."""
        chosen = self.of_row if rows is None else self.of_row[rows]
        return np.bincount(chosen, minlength=len(self.actual))


def _dense(code: IntArray, codes: int) -> tuple[IntArray, IntArray]:
    """Return each row's rank among the codes that occur, and a row of each."""
    if codes > 4 * len(code) + 65_536:
        _, first, ranks = np.unique(code, return_index=True, return_inverse=True)
        return ranks, first
    some_row = np.full(codes, -1)
    some_row[code] = np.arange(len(code))
    found = some_row >= 0
    return (np.cumsum(found) - 1)[code], some_row[found]


def class_counts(patterns: Patterns, counts: IntArray, model: int) -> ClassCounts:
    """Return what one model's count metrics are made of, on rows given by pattern counts."""
    predicted = patterns.predicted[model]
    hit = patterns.actual == predicted
    return ClassCounts(
        hits=_totals(patterns.actual[hit], counts[hit], patterns.classes),
        predicted=_totals(predicted, counts, patterns.classes),
        actual=_totals(patterns.actual, counts, patterns.classes),
    )


def _totals(index: IntArray, counts: IntArray, size: int) -> IntArray:
    # bincount adds as float64, exact below 2**53 rows.
    return np.bincount(index, weights=counts, minlength=size).astype(np.int64)


def left_out(patterns: Patterns, counts: IntArray, model: int, statistic: Statistic) -> FloatArray:
    """Return (P,) a model's statistic after one row of each pattern is left out.

    Patterns that the counts lack get 0.
    """
    size = patterns.classes
    whole = class_counts(patterns, counts, model)
    held = np.flatnonzero(counts)
    pairs, pair_of = np.unique(
        patterns.actual[held] * size + patterns.predicted[model][held], return_inverse=True
    )
    values = np.zeros(len(pairs))
    for label in np.unique(pairs // size):
        at = np.flatnonzero(pairs // size == label)
        guess = pairs[at] % size
        hits: FloatArray = np.repeat(whole.hits[None, :], len(at), axis=0).astype(np.float64)
        predicted: FloatArray = np.repeat(whole.predicted[None, :], len(at), axis=0).astype(
            np.float64
        )
        predicted[np.arange(len(at)), guess] -= 1
        hits[:, label] -= guess == label
        actual = whole.actual.copy()
        actual[label] -= 1
        values[at] = statistic(ClassCounts(hits, predicted, actual))
    result = np.zeros(len(counts))
    result[held] = values[pair_of]
    return result


def jackknife_variance(without_one: FloatArray, counts: IntArray) -> float:
    """Return ``(n - 1) / n`` times the sum of squares of leave-one-out values about their mean.

    Efron & Stein, "The Jackknife Estimate of Variance", Annals of Statistics 9, 1981.

    Args:
        without_one: (P,) the statistic without one row of each pattern.
        counts: (P,) rows of each pattern, n >= 2 in all.
    """
    rows = int(counts.sum())
    mean = float((counts * without_one).sum()) / rows
    return (rows - 1) / rows * float((counts * np.square(without_one - mean)).sum())
