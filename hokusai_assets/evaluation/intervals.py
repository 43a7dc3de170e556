"""Intervals and tests for the difference new - baseline of a metric on the same rows.

An interval has two sides and leaves alpha / 2 outside each, alpha = 1 - confidence.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

import numpy as np

from hokusai_assets.evaluation.exact_sums import exact_sum
from hokusai_assets.evaluation.predictions import FloatArray, IntArray
from hokusai_assets.evaluation.rounding import PPM

# Far below one ppm and far above the noise of floats.
_NOISE = 1e-12


class TooFewResamples(ValueError):
    """The bootstrap cannot reach the confidence asked for."""


class SingleRowClass(ValueError):
    """A true class has one test row, so its spread cannot be estimated.

    Attributes:
        label: the class's index.
    """

    def __init__(self, label: int) -> None:
        """Name the class by its index."""
        super().__init__(f"class {label} has one test row")
        self.label = label


@dataclass(frozen=True)
class Inference:
    """The interval of a difference and the two-sided p-value of its being zero.

    Attributes:
        low, high: ends of the interval, in the metric's unit.
        p_value: in [0, 1].
    """

    low: float
    high: float
    p_value: float


def confidence_to_ppm(confidence: Decimal | float) -> int:
    """Return a confidence in (0, 1) as whole ppm; a float counts as its shortest decimal.

    Raises:
        ValueError: it lies outside (0, 1), or is not a whole number of ppm (what is
            attested must be the level that was used).
    """
    ppm = Decimal(str(confidence)) * PPM
    if not ppm.is_finite() or not 0 < ppm < PPM:
        raise ValueError(f"confidence must lie between 0 and 1, got {confidence}")
    if ppm != int(ppm):
        raise ValueError(f"confidence must be a whole number of ppm, got {confidence}")
    return int(ppm)


def bootstrap_inference(differences: FloatArray, *, confidence_ppm: int) -> Inference:
    """Return the percentile interval and p-value from bootstrap differences.

    The ends are the k-th least and k-th greatest of the R differences, k the whole part of
    ``(R + 1) * alpha / 2`` (Efron & Tibshirani 1993, section 12.5 and 13.3). The p-value is
    ``2 * (1 + m) / (R + 1)``, m the number of differences at or beyond zero on the rarer
    side, at most 1 (Davison & Hinkley, "Bootstrap Methods and their Application", 1997, for
    the + 1).

    Args:
        differences: (R,) of a statistic.
        confidence_ppm: in 1..999,999.

    Raises:
        TooFewResamples: k is 0.
    """
    resamples = len(differences)
    k = _two_sided_rank(resamples, confidence_ppm)
    ordered = np.partition(differences, [k - 1, resamples - k])
    rarer = min(int(np.sum(differences <= 0)), int(np.sum(differences >= 0)))
    return Inference(
        low=float(ordered[k - 1]),
        high=float(ordered[resamples - k]),
        p_value=min(1.0, 2 * (1 + rarer) / (resamples + 1)),
    )


def percentile_rank(resamples: int, confidence_ppm: int) -> int:
    """Return which of the ordered differences is the lower end, counted from 1; 0 for none."""
    return math.floor((resamples + 1) * Fraction(PPM - confidence_ppm, PPM) / 2)


def check_resamples(resamples: int, *, confidence_ppm: int) -> None:
    """Refuse a number of resamples that cannot give the interval, before drawing them.

    Raises:
        TooFewResamples: ``(resamples + 1) * alpha / 2`` is below 1.
    """
    _two_sided_rank(resamples, confidence_ppm)


def mcnemar_exact(gained: int, lost: int) -> float:
    """Return the exact two-sided p-value of McNemar's test, conditional on gained + lost.

    McNemar, Psychometrika 12, 1947; under no difference the rows only one model gets right
    split as a fair coin. With no such row the value is 1.

    Args:
        gained: rows only the new model gets right, >= 0.
        lost: rows only the baseline gets right, >= 0.
    """
    from scipy import stats  # late: over a second, and every process loads this module

    if gained + lost == 0:
        return 1.0
    return float(stats.binomtest(gained, gained + lost, 0.5).pvalue)


def mcnemar_mid_p(gained: int, lost: int) -> float:
    """Return the mid-p value of McNemar's test: less conservative, not strictly valid.

    The exact value less the probability of the observed split, or 1 less half of it where
    both counts are equal (Fagerland, Lydersen & Laake, BMC Medical Research Methodology
    13:91, 2013). With no discordant row the value is 1.

    Args:
        gained: rows only the new model gets right, >= 0.
        lost: rows only the baseline gets right, >= 0.
    """
    from scipy import stats  # late: over a second, and every process loads this module

    discordant = gained + lost
    if discordant == 0:
        return 1.0
    observed = float(stats.binom.pmf(min(gained, lost), discordant, 0.5))
    if gained == lost:
        return 1.0 - observed / 2
    return mcnemar_exact(gained, lost) - observed


def holm_ppm(p_values_ppm: Mapping[str, int]) -> dict[str, int]:
    """Return p-values in ppm adjusted for their number, by name, each at least the one given.

    Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of
    Statistics 6, 1979: the i-th least of m is the greatest of ``(m - j + 1) * p_j``, j <= i,
    at most 1. Rejecting those at or below alpha keeps the chance of any false rejection at
    alpha, however the tests depend on each other. In whole ppm, so that whoever reads the
    published values can repeat it.
    """
    adjusted: dict[str, int] = {}
    reached = 0
    ordered = sorted(p_values_ppm, key=lambda name: (p_values_ppm[name], name))
    for index, name in enumerate(ordered):
        reached = min(PPM, max(reached, (len(ordered) - index) * p_values_ppm[name]))
        adjusted[name] = reached
    return adjusted


def normal_inference(delta: float, variance: float, *, confidence_ppm: int) -> Inference:
    """Return the normal interval and z-test of a difference with an estimated variance.

    Assumes many rows in every true class (a central limit). The interval is not clipped to
    what the metric can reach. With a standard error of 0 (below 1e-12) the interval is the
    point delta, and the p-value 1 where delta is 0 (below 1e-12), else 0.

    Args:
        delta: the difference, in the metric's unit.
        variance: of delta, >= 0.
        confidence_ppm: in 1..999,999.
    """
    from scipy import stats  # late: over a second, and every process loads this module

    error = math.sqrt(variance)
    if error < _NOISE:
        return Inference(delta, delta, 1.0 if abs(delta) < _NOISE else 0.0)
    reach = float(stats.norm.isf((PPM - confidence_ppm) / PPM / 2)) * error
    p_value = float(2 * stats.norm.sf(abs(delta) / error))
    return Inference(delta - reach, delta + reach, p_value)


def stratified_variance(components: FloatArray, actual: IntArray) -> float:
    """Return the variance of a sum of components of rows sampled within each true class.

    ``sum over t of n_t * s_t**2``, s_t**2 the sample variance with divisor n_t - 1. Give
    the rows' differences over n for a mean, or the difference of AUROC components for an
    AUROC (then this is DeLong's variance, see roc.area_and_components).

    Args:
        components: (n,) values.
        actual: (n,) true class of each row.

    Raises:
        SingleRowClass: a true class has only one row.
    """
    terms = []
    for label in np.unique(actual):
        values = components[actual == label]
        size = len(values)
        if size == 1:
            raise SingleRowClass(int(label))
        # Measured from the least value, equal components give exactly no variance; an exact
        # sum, so that the order of rows cannot show.
        values = values - values.min()
        mean = exact_sum(values) / size
        squares = exact_sum(np.square(values - mean))
        terms.append(size * squares / (size - 1))
    return math.fsum(terms)


def _two_sided_rank(resamples: int, confidence_ppm: int) -> int:
    rank = percentile_rank(resamples, confidence_ppm)
    if rank < 1:
        alpha = Fraction(PPM - confidence_ppm, PPM)
        needed = math.ceil(2 / alpha) - 1
        raise TooFewResamples(
            f"{resamples} resamples cannot give a {confidence_ppm / 10_000:g}% interval, "
            f"at least {needed} are needed"
        )
    return rank
