"""Rows that lie far closer to a test row than test rows lie to each other: copies, reworked.

A copy whose words were shuffled, cut or misspelt, or with several numbers moved, equals nothing,
but it stays close. How close is telling depends on how densely the rows lie there: so a row's
distance to the nearest test row is held against that test row's distance to its own nearest
neighbour. Honest rows are hardly ever so much closer, whatever their region or label (compare the
data-copying test of Meehan, Chaudhuri & Dasgupta 2020); how often, the base set says.

Distances are Gower's (1971), summed: per column 0 to 1; numbers by standard deviations, at most
one; categories equal or not; texts 1 - cosine of their weighted character n-grams.
"""

import html
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import pyarrow as pa
from scipy import sparse
from sklearn.feature_extraction.text import CountVectorizer

from hokusai_assets.benchmarks.spec import BenchmarkSpec
from hokusai_assets.contributions.leakage.match_keys import ComparableRows
from hokusai_assets.contributions.leakage.report import NaturalRate

# A row is close when it is nearer to a test row than this part of that one's spacing.
CLOSE = 0.4
# Test rows compared with, and base rows that say what is natural; of long texts fewer.
REFERENCE_ROWS, HONEST_ROWS = 4096, 4096
_TEXT_CHARS = 2_000_000
_CELL_CHARS = 4_000
# With fewer rows, spacing and natural rate say nothing.
_FEWEST_ROWS = 50
_PRIOR_ROWS = 10
_BLOCK = 256
_TAG = re.compile("<[^<>]{0,200}>")
_REPEATED = re.compile(r"(\w)\1+")
_NO_LETTERS = re.compile(r"[\W_]+")
_LEET = str.maketrans("013457@$i", "oleastasl")


@dataclass(frozen=True)
class _Placed:
    """Rows as the distance sees them.

    Attributes:
        texts: per column of running text a sparse matrix of unit rows.
        numbers: per column of numbers its values in standard deviations, float32 (n,), NaN where
            missing.
        categories: per other column a number per value of the reference, 0 where missing, -1 for
            any other value.
    """

    texts: Mapping[str, sparse.csr_matrix]
    numbers: Mapping[str, np.ndarray]
    categories: Mapping[str, np.ndarray]


class CloseRows:
    """The test set of one benchmark, ready to say which rows are close to it; never changes.

    Attributes:
        usable: whether there are enough rows in both sets to say anything.
    """

    def __init__(
        self, test: ComparableRows, base: ComparableRows, labels: Sequence[str], spec: BenchmarkSpec
    ) -> None:
        """Prepare.

        Args:
            test: rows of the test set, in an order that does not depend on the file's.
            base: n rows of the base set that equal no test row, likewise.
            labels: of the n base rows.
            spec: tells running text from categories.
        """
        reference = _beginning(test, REFERENCE_ROWS)
        honest = _beginning(base, HONEST_ROWS)
        self.usable = min(reference.count, honest.count) >= _FEWEST_ROWS
        if not self.usable:
            return
        self._running = [n for n in reference.texts if spec.columns[n].type == "text"]
        self._weights = {name: _NGramWeights(_spelled(reference, name)) for name in self._running}
        self._spread = {name: _spread(reference, name) for name in reference.numbers}
        self._codes = {
            name: {
                value: place for place, value in enumerate(sorted(set(_values(reference, name))), 1)
            }
            for name in reference.texts
            if name not in self._running
        }
        self._reference, self._count = self._placed(reference), reference.count
        _, self._spacing = self._nearest(self._reference, reference.count, apart=True)
        close = self.find(honest) >= 0
        labels = labels[: honest.count]
        self._seen = Counter(labels)
        self._close = Counter(label for label, hit in zip(labels, close, strict=True) if hit)

    def find(self, rows: ComparableRows) -> np.ndarray:
        """Return the number of the test row each row is close to, int64 (n,), -1 for none."""
        nearest, distance = self._nearest(self._placed(rows), rows.count, apart=False)
        return np.where(distance < CLOSE * self._spacing[nearest], nearest, -1)

    def natural(self, labels: Sequence[str]) -> NaturalRate:
        """Return how often honest rows with the labels of these n rows are close.

        Rows of one label may lie denser than those of another; so the base set's rates per label
        are weighed by these rows' labels. A label the base set lacks has the rate of all.
        """
        total = sum(self._seen.values())
        overall = Fraction(sum(self._close.values()), total)
        expected = Fraction(0)
        for label, count in Counter(labels).items():
            seen = self._seen[label]
            # Few rows of a label say little: they are joined by as much of all rows.
            rate = (self._close[label] + _PRIOR_ROWS * overall) / (seen + _PRIOR_ROWS)
            expected += rate * count
        return NaturalRate(expected / max(1, len(labels)) * total, Fraction(total))

    def _placed(self, rows: ComparableRows) -> _Placed:
        missing = {name: rows.missing[:, place] for place, name in enumerate(rows.names)}
        return _Placed(
            {name: self._weights[name].unit_rows(_spelled(rows, name)) for name in self._running},
            {
                name: np.where(missing[name], np.nan, values / self._spread[name]).astype(
                    np.float32
                )
                for name, values in rows.numbers.items()
            },
            {
                name: np.where(missing[name], 0, [codes.get(v, -1) for v in _values(rows, name)])
                for name, codes in self._codes.items()
            },
        )

    def _nearest(self, rows: _Placed, count: int, *, apart: bool) -> tuple[np.ndarray, np.ndarray]:
        """Return each row's nearest reference row, int64 (n,), and how far it is, float32 (n,).

        `apart`: the rows are the reference itself, and none is its own neighbour.
        """
        nearest = np.empty(count, dtype=np.int64)
        distance = np.empty(count, dtype=np.float32)
        for start in range(0, count, _BLOCK):
            part = slice(start, min(count, start + _BLOCK))
            block = self._distances(rows, part)
            if apart:
                block[np.arange(len(block)), np.arange(part.start, part.stop)] = np.inf
            nearest[part] = block.argmin(axis=1)
            distance[part] = block.min(axis=1)
        return nearest, distance

    def _distances(self, rows: _Placed, part: slice) -> np.ndarray:
        theirs = self._reference
        total = np.zeros((part.stop - part.start, self._count), dtype=np.float32)
        for name, matrix in rows.texts.items():
            total += 1.0 - (matrix[part] @ theirs.texts[name].T).toarray().astype(np.float32)
        for name, numbers in rows.numbers.items():
            total += _apart(numbers[part], theirs.numbers[name])
        for name, categories in rows.categories.items():
            total += categories[part][:, None] != theirs.categories[name][None, :]
        return total


class _NGramWeights:
    """Turns texts into unit vectors over the character n-grams that a reference knows.

    An n-gram counts once, by ln(texts / texts that have it) + 1. What the reference lacks does
    not count, so that filling in of anything else hides nothing.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        self._counter = CountVectorizer(
            analyzer="char_wb", ngram_range=(2, 4), binary=True, lowercase=False, dtype=np.float64
        )
        self._weight = np.zeros(0)
        try:
            present = self._counter.fit_transform(texts)
        except ValueError:
            # No text has a letter: then they are all alike.
            self._counter = None
            return
        frequency = np.bincount(present.indices, minlength=present.shape[1])
        # Rounded, so that a processor's own logarithm changes nothing.
        self._weight = np.round(np.log(len(texts) / frequency) + 1.0, 6)

    def unit_rows(self, texts: Sequence[str]) -> sparse.csr_matrix:
        """Return a sparse matrix, float64 (n, n-grams), rows of length 1, or 0 without any."""
        if self._counter is None:
            return sparse.csr_matrix((len(texts), 1))
        matrix = self._counter.transform(texts).tocsr()
        matrix.data = self._weight[matrix.indices]
        squares = np.asarray(matrix.multiply(matrix).sum(axis=1)).reshape(-1)
        lengths = np.sqrt(np.where(squares > 0, squares, 1.0))
        matrix.data /= np.repeat(lengths, np.diff(matrix.indptr))
        return matrix


def _beginning(rows: ComparableRows, most: int) -> ComparableRows:
    """Return the first rows, so many that their texts can be compared in bounded time."""
    chars = np.zeros(rows.count, dtype=np.int64)
    for name in rows.texts:
        sizes = [min(len(text), _CELL_CHARS) for text in _values(rows, name)]
        chars += np.array(sizes, dtype=np.int64)
    fits = int(np.searchsorted(np.cumsum(chars), _TEXT_CHARS, side="right"))
    return rows.take(np.arange(min(most, fits, rows.count)))


def _values(rows: ComparableRows, name: str) -> list[str]:
    cells = rows.texts[name]
    return list(cells.values.values.take(pa.array(cells.positions)).to_pylist())


def _spelled(rows: ComparableRows, name: str) -> list[str]:
    """Return texts without what changes and lets them still be read: mark-up, doubled letters."""
    found = []
    for text in _values(rows, name):
        plain = _TAG.sub(" ", html.unescape(text[:_CELL_CHARS]))
        plain = _REPEATED.sub(r"\1", plain.translate(_LEET))
        found.append(_NO_LETTERS.sub(" ", plain).strip())
    return found


def _spread(rows: ComparableRows, name: str) -> float:
    present = rows.numbers[name][~rows.missing[:, rows.names.index(name)]]
    deviation = float(np.std(present)) if len(present) else 0.0
    return deviation if np.isfinite(deviation) and deviation > 0 else 1.0


def _apart(mine: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    """Return how far numbers are apart, 0..1, float32 (n, m); a missing one is far from others."""
    found: np.ndarray = mine[:, None] - theirs[None, :]
    np.abs(found, out=found)
    # Takes NaN, which is any difference from a missing one, for 1.
    np.fmin(found, np.float32(1.0), out=found)
    found[np.ix_(np.isnan(mine), np.isnan(theirs))] = 0.0
    return found
