"""Rows that lie far closer to a test row than test rows lie to each other: copies, reworked.

A copy whose words were shuffled, cut or misspelt, or with several cells changed, equals nothing,
but it stays close. How close is telling depends on how densely the rows lie there: so a row's
distance to a test row is held against that test row's distance to its own nearest neighbour.
Honest rows are hardly ever so much closer, whatever their region or label (compare the
data-copying test of Meehan, Chaudhuri & Dasgupta 2020); how often, the base set says.
"""

import numpy as np

from hokusai_assets.contributions.leakage.match_keys import ComparableRows
from hokusai_assets.contributions.leakage.report import Matched, NaturalRates
from hokusai_assets.contributions.leakage.row_distances import CELL_CHARS, Distances, cell_values

# A row is close when it is nearer to a test row than this part of that one's spacing.
CLOSE = 0.4
# Test rows compared with, and base rows that say what is natural; of long texts fewer.
REFERENCE_ROWS, HONEST_ROWS = 4096, 4096
_TEXT_CHARS = 2_000_000
# With fewer rows, spacing and natural rate say nothing.
FEWEST_ROWS = 50


class CloseRows:
    """Says by one distance which rows are close to a benchmark's test rows; never changes.

    Attributes:
        natural: how often honest rows are close.
    """

    def __init__(
        self,
        distances: Distances,
        reference: ComparableRows,
        honest: ComparableRows,
        labels: np.ndarray,
    ) -> None:
        """Prepare.

        Args:
            distances: from the reference rows.
            reference: m test rows.
            honest: n base rows that equal no test row.
            labels: their labels, str (n,).
        """
        self._distances = distances
        self._radius = np.empty(reference.count, dtype=np.float32)
        row = 0
        for block in distances.blocks(reference):
            rows = np.arange(row, row + len(block))
            block[np.arange(len(block)), rows] = np.inf
            self._radius[rows] = CLOSE * block.min(axis=1)
            row += len(block)
        self.natural = NaturalRates.of(Matched(self.find(honest) >= 0, labels))

    def find(self, rows: ComparableRows) -> np.ndarray:
        """Return the number of the test row each row is close to, int64 (n,), -1 for none."""
        found = [np.zeros(0, dtype=np.int64)]
        for block in self._distances.blocks(rows):
            # A part below a half of the spacing: no row is close to two.
            close = block < self._radius
            found.append(np.where(close.any(axis=1), close.argmax(axis=1), -1))
        return np.concatenate(found)


def first_rows(rows: ComparableRows, most: int) -> ComparableRows:
    """Return the first rows, so many that their texts can be compared in bounded time."""
    chars = np.zeros(rows.count, dtype=np.int64)
    for name in rows.texts:
        sizes = [min(len(text), CELL_CHARS) for text in cell_values(rows, name)]
        chars += np.array(sizes, dtype=np.int64)
    fits = int(np.searchsorted(np.cumsum(chars), _TEXT_CHARS, side="right"))
    return rows.take(np.arange(min(most, fits, rows.count)))
