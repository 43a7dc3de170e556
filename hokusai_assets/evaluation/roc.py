"""Area under the ROC curve as an exact rational, and its DeLong structural components."""

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from hokusai_assets.evaluation.predictions import FloatArray, IntArray, Predictions


class SingleClass(ValueError):
    """A class, or everything outside it, has no test row: the area does not exist."""


def doubled_placements(
    scores: FloatArray, is_positive: NDArray[np.bool_]
) -> tuple[IntArray, int, int]:
    """Return twice each row's placement among the rows of the other class.

    A positive row's placement is the number of negatives scored below it plus half of those
    scored the same; a negative row's, the number of positives above it plus half of the
    ties. They are mid-rank differences, in O(n log n) by one sort (Sun & Xu, "Fast
    Implementation of DeLong's Algorithm", IEEE Signal Processing Letters 21(11), 2014);
    doubling keeps them integers.

    Args:
        scores: (n,) score of the positive class.
        is_positive: (n,) bool.

    Returns:
        (n,) int64 doubled placements, the number of positives, the number of negatives.

    Raises:
        SingleClass: there is no positive or no negative row.
    """
    positives = int(np.count_nonzero(is_positive))
    negatives = len(is_positive) - positives
    if positives == 0 or negatives == 0:
        raise SingleClass(f"no test row {'is of' if positives == 0 else 'is outside'} class")
    values, position = np.unique(scores, return_inverse=True)
    negative_at = np.bincount(position[~is_positive], minlength=len(values))
    positive_at = np.bincount(position, minlength=len(values)) - negative_at
    won = 2 * np.cumsum(negative_at) - negative_at
    lost = 2 * (positives - np.cumsum(positive_at)) + positive_at
    doubled: IntArray = np.where(is_positive, won[position], lost[position]).astype(np.int64)
    return doubled, positives, negatives


def area_and_components(
    predictions: Predictions, classes: Sequence[int]
) -> tuple[Fraction, FloatArray]:
    """Return the mean one-vs-rest AUROC of classes, and each row's part in its error.

    The components g are such that, with rows sampled within each true class, the variance
    of the area is estimated by the sum over true classes t of ``n_t * s_t**2``, where
    s_t**2 is the sample variance (divisor n_t - 1) of g over the n_t rows of class t. For
    one class against the rest, g is DeLong's structural component (V10 or V01) over the
    number of rows on its side (DeLong, DeLong & Clarke-Pearson, Biometrics 44, 1988); over
    several classes a row's parts in each class's area add up, which keeps their covariance.
    With two true classes this is DeLong's estimate exactly.

    Args:
        predictions: n rows, K classes.
        classes: the classes whose areas are averaged: the positive one of two, or all.

    Returns:
        the area in [0, 1], exact; (n,) float64 components, of order 1 / n.

    Raises:
        SingleClass: one of classes has no test row, or has them all.
    """
    total = Fraction(0)
    components = np.zeros(predictions.rows)
    for index in classes:
        is_positive = predictions.actual == index
        try:
            doubled, positives, negatives = doubled_placements(
                predictions.scores[:, index], is_positive
            )
        except SingleClass as error:
            raise SingleClass(f"{error} {predictions.labels[index]!r}") from None
        pairs = positives * negatives
        # Summed over either side, the placements count the same pairs.
        total += Fraction(int(doubled[is_positive].sum()), 2 * pairs)
        components += doubled / (2 * pairs)
    return total / len(classes), components / len(classes)
