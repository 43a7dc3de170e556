"""Intervals at levels that no bootstrap of some thousand resamples reaches.

A benchmark that lets K contributions be judged gives each 1 / K of its error, so a level of
0.999999 is common. There a percentile is the very least of the differences, or none of them.
"""

import math

import numpy as np

from hokusai_assets.evaluation.intervals import Inference, percentile_rank
from hokusai_assets.evaluation.predictions import FloatArray
from hokusai_assets.evaluation.rounding import PPM

USUAL_CONFIDENCE_PPM = 950_000
"""Up to here every interval is the textbook's: percentile or normal."""

LEAST_RANK = 20
"""A percentile is the k-th least of the differences; its own relative error is 1 / sqrt(k)."""


def is_in_tail(confidence_ppm: int) -> bool:
    """Return whether a level lies beyond the usual one, so that tails need care."""
    return confidence_ppm > USUAL_CONFIDENCE_PPM


def has_percentile(resamples: int, confidence_ppm: int) -> bool:
    """Return whether a percentile of that many resamples is stable enough at a level."""
    rank = percentile_rank(resamples, confidence_ppm)
    return not is_in_tail(confidence_ppm) or rank >= LEAST_RANK


def beyond_percentile(differences: FloatArray, inference: Inference) -> Inference:
    """Return an interval widened to the farthest percentiles that are stable.

    So a higher level never gives a narrower interval, whatever method it takes. Where that
    takes an end past zero, the p-value becomes the bootstrap's if that is larger, so that it
    rejects no more than the interval does.

    Args:
        differences: (R,) bootstrap differences.
        inference: of the same delta, its interval symmetric but for one of discordant rows.
    """
    k = min(LEAST_RANK, (len(differences) + 1) // 2)
    ordered = np.partition(differences, [k - 1, len(differences) - k])
    is_gain = inference.low + inference.high > 0
    beyond = int(np.sum(differences <= 0 if is_gain else differences >= 0))
    p_value = inference.p_value
    if beyond >= k:
        p_value = max(p_value, min(1.0, 2 * (1 + beyond) / (len(differences) + 1)))
    return Inference(
        low=min(inference.low, float(ordered[k - 1])),
        high=max(inference.high, float(ordered[len(differences) - k])),
        p_value=p_value,
    )


def discordant_interval(
    gained: int, lost: int, rows: int, *, confidence_ppm: int
) -> tuple[float, float]:
    """Return an interval of a difference of two models' accuracies on the same rows.

    The shares of rows gained and lost get Clopper and Pearson's exact intervals (Biometrika
    26, 1934); MOVER takes their difference with the correlation of two counts of one
    multinomial (Zou & Donner, Statistics in Medicine 27, 2008, formula for dependent
    estimates): ``low = d - sqrt(a**2 + b**2 - 2 * rho * a * b)``, a from the gained share down
    to its lower end, b from the lost share up to its upper end. Unlike a normal interval it
    has a width where no row is lost.

    Args:
        gained: rows only the new model gets right.
        lost: rows only the baseline gets right.
        rows: all test rows, >= gained + lost.
        confidence_ppm: in 1..999,999.
    """
    half = (PPM - confidence_ppm) / PPM / 2
    won, won_low, won_high = _clopper_pearson(gained, rows, half)
    less, less_low, less_high = _clopper_pearson(lost, rows, half)
    variances = won * (1 - won) * less * (1 - less)
    correlation = -won * less / math.sqrt(variances) if variances > 0 else 0.0

    def reach(down: float, up: float) -> float:
        return math.sqrt(down**2 + up**2 - 2 * correlation * down * up)

    delta = won - less
    return (
        delta - reach(won - won_low, less_high - less),
        delta + reach(won_high - won, less - less_low),
    )


def _clopper_pearson(count: int, rows: int, half: float) -> tuple[float, float, float]:
    """Return a share and the ends of its exact interval, half the error outside each."""
    from scipy import special  # late, as above

    low = float(special.betaincinv(count, rows - count + 1, half)) if count else 0.0
    high = float(special.betainccinv(count + 1, rows - count, half)) if count < rows else 1.0
    return count / rows, low, high


def students_reach(
    components: FloatArray, actual: np.ndarray, variance: float, *, confidence_ppm: int
) -> float:
    """Return how far a mean's interval reaches, by Student's t instead of the normal.

    The variance is a sum of terms, one per true class, each with its own degrees of freedom;
    Satterthwaite's approximation (Biometrics Bulletin 2, 1946) gives those of the sum. With
    thousands of rows in each class this is the normal reach; with a rare class, whose few rows
    carry most of the variance, it is longer, and the more so the farther out.

    Args:
        components: (n,) as intervals.stratified_variance takes them.
        actual: (n,) true class of each row; each class has at least two.
        variance: what stratified_variance makes of them, >= 0.
        confidence_ppm: in 1..999,999.
    """
    from scipy import special  # late, as above

    # Degrees of freedom need no order-proof digits: they are rounded down to a whole number.
    spread = 0.0
    for label in np.unique(actual):
        values = np.sort(components[actual == label])
        term = len(values) * float(values.var(ddof=1))
        spread += term**2 / (len(values) - 1)
    freedom = max(1, math.floor(variance**2 / spread + 1e-6)) if spread > 0 else 1
    t = -float(special.stdtrit(freedom, (PPM - confidence_ppm) / PPM / 2))
    return t * math.sqrt(variance)
