"""The paired swap test: how likely a delta is if the two models' names mean nothing.

Where two models are equally good in the sense that a row's two answers could be exchanged, each
row on which they differ counts for either side like a fair coin. For accuracy this is McNemar's
exact test. It needs no estimate of a variance, so it holds far out in the tails and with few
differing rows, where a bootstrap does not: if all seven differing rows are gains, every resample
is a gain, though coins do that once in 128 times.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from hokusai_assets.evaluation.metrics import ClassCounts
from hokusai_assets.evaluation.predictions import FloatArray, IntArray, PairedCells

# Weights are whole numbers of this share of the greatest, so that sums and ties are exact.
_UNITS = 10**7
# With more differing rows the saddlepoint's error is far below one percent of the p-value.
_MAX_EXACT = 20_000
# In rows: a quarter of what one differing row moves a pooled count by at least.
_STEP = 0.125


@dataclass(frozen=True)
class SwapTest:
    """One-sided p-values of a delta under exchange of the two models' answers row by row.

    Attributes:
        above: probability of a delta at least as large, in [0, 1].
        below: probability of a delta at most as large.
        error: standard error of the delta under exchange, in the metric's unit.
    """

    above: float
    below: float
    error: float

    @classmethod
    def of(cls, cells: PairedCells, statistic: Callable[[ClassCounts], FloatArray]) -> "SwapTest":
        """Test a metric of counts, its delta the mean over replicas.

        The statistic is the delta to first order, at the mean of both models' counts: for
        recall and F1 of one class its sign is the delta's exactly, and for precision where both
        models predict the class. Where one never does, precision's statistic is 0: there its
        precision is 0 by convention alone (zero_division), and what no prediction stands behind
        is evidence neither of a gain nor of a loss, however many rows there are. Recall and F1
        tell of such a model. A row's answers are exchanged in all replicas at once.

        Args:
            cells: the counts.
            statistic: from ClassCounts of R resamples to (R,) values.
        """
        parts = _row_parts(cells, statistic)
        greatest = float(np.abs(parts).max())
        if greatest == 0:
            return cls(1.0, 1.0, 0.0)
        weights = np.rint(parts / greatest * _UNITS).astype(np.int64)
        total = int((weights * cells.count).sum())
        sizes, place = np.unique(np.abs(weights), return_inverse=True)
        rows = np.bincount(place, weights=cells.count).astype(np.int64)
        kept = sizes > 0
        error = math.sqrt(float((parts**2 * cells.count).sum()))
        above = upper_tail(sizes[kept], rows[kept], total)
        below = upper_tail(sizes[kept], rows[kept], -total)
        return cls(above, below, error)

    @property
    def two_sided(self) -> float:
        """Twice the smaller of both, at most 1."""
        return min(1.0, 2 * min(self.above, self.below))


def _row_parts(cells: PairedCells, statistic: Callable[[ClassCounts], FloatArray]) -> FloatArray:
    """Return (C,) what one row of each cell adds to the mean delta, to first order."""
    size = cells.classes
    actual = np.bincount(cells.label, weights=cells.count, minlength=size).astype(np.int64)
    steps = np.concatenate([np.eye(size), -np.eye(size)]) * _STEP
    zeros = np.zeros_like(steps)
    parts = np.zeros(len(cells.label))
    for before, after in zip(cells.baseline, cells.new, strict=True):
        hits, predicted = np.zeros(size), np.zeros(size)
        for said in (before, after):
            right = said == cells.label
            predicted += np.bincount(said, weights=cells.count, minlength=size) / 2
            hits += np.bincount(said[right], weights=cells.count[right], minlength=size) / 2
        values = statistic(
            ClassCounts(
                hits=hits + np.concatenate([steps, zeros]),
                predicted=predicted + np.concatenate([zeros, steps]),
                actual=actual,
            )
        )
        up_hits, down_hits, up_predicted, down_predicted = np.split(values, 4)
        per_hit = (up_hits - down_hits) / (2 * _STEP)
        per_prediction = (up_predicted - down_predicted) / (2 * _STEP)
        parts += per_prediction[after] - per_prediction[before]
        hit_change = (after == cells.label).astype(int) - (before == cells.label)
        parts += per_hit[cells.label] * hit_change
    # What differs by the noise of differentiation only is no difference.
    parts[np.abs(parts) < 1e-9 * np.abs(parts).max(initial=0)] = 0
    return parts / cells.replicas


def upper_tail(sizes: IntArray, rows: IntArray, total: int) -> float:
    """Return the probability that a sum of fair ±sizes, rows[i] of sizes[i], is >= total.

    Exact for one or two sizes and at most 20,000 rows: a sum over one binomial of the other's
    tail. Else by Lugannani and Rice's saddlepoint formula (Advances in Applied Probability 12,
    1980), with total lessened by half a typical step so that what is a lattice is not
    underrated.

    Args:
        sizes: (m,) distinct positive whole numbers, ascending.
        rows: (m,) how many rows have each size, >= 1.
        total: the sum to reach.
    """
    if total <= -int((sizes * rows).sum()):
        return 1.0
    if len(sizes) == 1:
        return _one_binomial(int(sizes[0]), int(rows[0]), np.array([total]))[0]
    if len(sizes) == 2 and rows.sum() <= _MAX_EXACT:
        return _two_binomials(sizes, rows, total)
    if total <= 0:
        # The sum is symmetric, and whoever asks for a tail beyond one half wants no digits.
        return 1.0
    return _saddlepoint(sizes, rows, total)


def _one_binomial(size: int, rows: int, totals: IntArray) -> list[float]:
    """Return P(size * (2 B - rows) >= total) for each total, B of rows fair coins."""
    from scipy import special  # late: every process loads this module

    least = -(-totals // size)  # ceiling of total / size
    heads = -(-(least + rows) // 2)
    # bdtrc(k) is P(B > k); from -1 down it is 1.
    tail = special.bdtrc(np.clip(heads - 1, 0, rows), rows, 0.5)
    return [float(p) for p in np.where(heads <= 0, 1.0, tail)]


def _two_binomials(sizes: IntArray, rows: IntArray, total: int) -> float:
    from scipy import special  # late, as above

    heads = np.arange(int(rows[1]) + 1)
    count = int(rows[1])
    log_share = (
        special.gammaln(count + 1)
        - special.gammaln(heads + 1)
        - special.gammaln(count - heads + 1)
        - count * math.log(2)
    )
    left = total - int(sizes[1]) * (2 * heads - count)
    tails = _one_binomial(int(sizes[0]), int(rows[0]), left)
    return min(1.0, math.fsum((np.exp(log_share) * tails).tolist()))


def _saddlepoint(sizes: IntArray, rows: IntArray, total: int) -> float:
    from scipy import optimize, special  # late, as above

    size, count = sizes / sizes[-1], rows.astype(np.float64)
    most = float((size * count).sum())
    target = total / float(sizes[-1])
    if target >= most * (1 - 1e-12):
        return math.exp(-float(count.sum()) * math.log(2))
    target -= math.sqrt(float((size**2 * count).sum()) / count.sum())
    if target <= 0:
        return 1.0

    def excess(t: float) -> float:
        return float((count * size * np.tanh(t * size)).sum()) - target

    upper = 1.0
    while excess(upper) < 0:
        upper *= 2
    t = float(optimize.brentq(excess, 0.0, upper, xtol=1e-14, rtol=1e-12))
    # log cosh x without overflow.
    x = t * size
    log_cosh = np.abs(x) + np.log1p(np.exp(-2 * np.abs(x))) - math.log(2)
    r = math.sqrt(max(0.0, 2 * (t * target - float((count * log_cosh).sum()))))
    u = t * math.sqrt(float((count * size**2 / np.cosh(x) ** 2).sum()))
    if r < 1e-3:
        return 1.0
    density = math.exp(-r * r / 2) / math.sqrt(2 * math.pi)
    return min(1.0, max(0.0, float(special.ndtr(-r)) + density * (1 / u - 1 / r)))
