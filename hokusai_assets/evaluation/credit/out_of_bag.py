"""How often models that have not seen a row give it the label it has: Data-OOB.

Kwon, Y. & Zou, J. (2023). Data-OOB: out-of-bag estimate as a simple and efficient data value. ICML.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hokusai_assets.evaluation.predictions import FloatArray, IntArray

Predict = Callable[[IntArray, IntArray], IntArray]
"""Takes positions of a bag's rows (with repeats) and of rows out of it; returns the labels that a
model of the bag gives those, as class indices."""


@dataclass(frozen=True, eq=False)
class OutOfBag:
    """Votes of bagged models on n rows, each by the models whose bag lacked the row.

    Attributes:
        votes: (n,) models that voted on each row.
        hits: (n,) votes for the label the row has.
        seen, right: (bags, ceil(n / 8)) the same by bag, a bit a row.
    """

    votes: IntArray
    hits: IntArray
    seen: NDArray[np.uint8]
    right: NDArray[np.uint8]

    @property
    def values(self) -> FloatArray:
        """(n,) share of hits, the row's value, in [0, 1]; NaN where no model voted."""
        shares: FloatArray = np.divide(
            self.hits, self.votes, out=np.full(len(self.votes), np.nan), where=self.votes > 0
        )
        return shares

    def mean(self, rows: NDArray[np.bool_]) -> tuple[float, float]:
        """Return the mean value of some rows with votes, and its standard error over bags.

        A bag's votes hang together, so the error is not that of independent rows: it is the
        delta method's for a mean of ratios, bag by bag; a single row has sqrt(p (1 - p) / votes).

        Args:
            rows: (n,) which rows.

        Raises:
            ValueError: no model voted on any of them.
        """
        chosen = rows & (self.votes > 0)
        count = int(chosen.sum())
        if not count:
            raise ValueError("no model voted on any of the rows: more bags are needed")
        values, votes = self.values[chosen], self.votes[chosen]
        influences = []
        for seen, right in zip(self.seen, self.right, strict=True):
            voted = np.unpackbits(seen, count=len(rows))[chosen]
            hit = np.unpackbits(right, count=len(rows))[chosen]
            influences.append(float(((hit - values * voted) / votes).sum()) / count)
        bags = len(influences)
        spread = math.fsum(influence**2 for influence in influences)
        error = math.sqrt(spread * bags / (bags - 1)) if bags > 1 else math.inf
        return math.fsum(values.tolist()) / count, error


def out_of_bag(
    labels: IntArray,
    predict: Predict,
    *,
    bags: int,
    bag_size: int,
    generator: np.random.Generator,
    on_bag: Callable[[int], None] = lambda done: None,
) -> OutOfBag:
    """Bag a model and let each row be judged by the models that have not seen it.

    Args:
        labels: (n,) class indices the rows have.
        predict: fits a model to a bag and asks it about the rows out of it.
        bags: models to fit, at least 1.
        bag_size: rows drawn with replacement into a bag.
        generator: draws the bags.
        on_bag: told how many bags are done.
    """
    n = len(labels)
    votes, hits = np.zeros(n, np.int64), np.zeros(n, np.int64)
    seen_by_bag, right_by_bag = [], []
    for done in range(1, bags + 1):
        bag = np.sort(generator.integers(0, n, bag_size))
        out = np.bincount(bag, minlength=n) == 0
        right = np.zeros(n, np.bool_)
        if out.any():
            positions = np.flatnonzero(out)
            right[positions] = predict(bag, positions) == labels[positions]
        votes += out
        hits += right
        seen_by_bag.append(np.packbits(out))
        right_by_bag.append(np.packbits(right))
        on_bag(done)
    return OutOfBag(votes, hits, np.array(seen_by_bag), np.array(right_by_bag))
