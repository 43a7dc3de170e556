"""How far rows of a benchmark are apart: by their values, and by how many cells differ."""

import html
import re
from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np
import pyarrow as pa
from scipy import sparse
from sklearn.feature_extraction.text import CountVectorizer

from hokusai_assets.benchmarks.spec import BenchmarkSpec
from hokusai_assets.contributions.leakage.match_keys import ComparableRows

# Of a text so much is looked at.
CELL_CHARS = 4_000
_BLOCK_ROWS = 256
_TAG = re.compile("<[^<>]{0,200}>")
_REPEATED = re.compile(r"(\w)\1+")
_NO_LETTERS = re.compile(r"[\W_]+")
_LEET = str.maketrans("013457@$i", "oleastasl")


class Distances(Protocol):
    """Distances of any rows from m reference rows."""

    def blocks(self, rows: ComparableRows) -> Iterator[np.ndarray]:
        """Yield the distances of the next few rows, float32 (k, m), until all n had theirs."""


class CellDistances:
    """In how many columns two rows differ."""

    def __init__(self, reference: ComparableRows) -> None:
        self._reference = reference

    def blocks(self, rows: ComparableRows) -> Iterator[np.ndarray]:
        """See `Distances`."""
        theirs = self._reference
        for part in _parts(rows.count):
            total = np.zeros((part.stop - part.start, theirs.count), dtype=np.float32)
            for place, (mine, other) in enumerate(zip(rows.codes, theirs.codes, strict=True)):
                differ = mine[part, None, 0] != other[None, :, 0]
                differ |= rows.missing[part, None, place] != theirs.missing[None, :, place]
                total += differ
            yield total


class ValueDistances:
    """Gower's distance (1971), summed over the columns.

    Per column 0 to 1: numbers by standard deviations, at most one; categories equal or not;
    running texts 1 - cosine of their weighted character n-grams. A missing cell differs from any
    value.
    """

    def __init__(self, reference: ComparableRows, spec: BenchmarkSpec) -> None:
        self._count = reference.count
        self._spread = {name: _spread(reference, name) for name in reference.numbers}
        texts = [name for name in reference.texts if spec.columns[name].type == "text"]
        self._weights = {name: _NGramWeights(_spelled(reference, name)) for name in texts}
        self._codes = {
            name: {value: place for place, value in enumerate(sorted(set(values)), 1)}
            for name in reference.texts
            if name not in texts
            for values in [cell_values(reference, name)]
        }
        self._numbers = {name: self._scaled(reference, name) for name in self._spread}
        self._texts = {name: self._unit_rows(reference, name) for name in texts}
        self._categories = {name: self._coded(reference, name) for name in self._codes}

    def blocks(self, rows: ComparableRows) -> Iterator[np.ndarray]:
        """See `Distances`."""
        numbers = {name: self._scaled(rows, name) for name in self._numbers}
        texts = {name: self._unit_rows(rows, name) for name in self._texts}
        categories = {name: self._coded(rows, name) for name in self._categories}
        for part in _parts(rows.count):
            total = np.zeros((part.stop - part.start, self._count), dtype=np.float32)
            for name, theirs in self._texts.items():
                total += 1.0 - (texts[name][part] @ theirs.T).toarray().astype(np.float32)
            for name, other in self._numbers.items():
                total += _apart(numbers[name][part], other)
            for name, codes in self._categories.items():
                total += categories[name][part][:, None] != codes[None, :]
            yield total

    def _scaled(self, rows: ComparableRows, name: str) -> np.ndarray:
        """Return numbers in standard deviations, float32 (n,), NaN where missing."""
        scaled = rows.numbers[name] / self._spread[name]
        return np.where(_missing(rows, name), np.nan, scaled).astype(np.float32)

    def _coded(self, rows: ComparableRows, name: str) -> np.ndarray:
        """Return categories as numbers, int64 (n,): 0 where missing, -1 for an unknown one."""
        codes = [self._codes[name].get(value, -1) for value in cell_values(rows, name)]
        return np.where(_missing(rows, name), 0, np.array(codes, dtype=np.int64))

    def _unit_rows(self, rows: ComparableRows, name: str) -> sparse.csr_matrix:
        return self._weights[name].unit_rows(_spelled(rows, name))


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


def cell_values(rows: ComparableRows, name: str) -> list[str]:
    """Return the normalised texts of a column of strings."""
    cells = rows.texts[name]
    return list(cells.values.values.take(pa.array(cells.positions)).to_pylist())


def _missing(rows: ComparableRows, name: str) -> np.ndarray:
    return rows.missing[:, rows.names.index(name)]


def _parts(count: int) -> Iterator[slice]:
    for start in range(0, count, _BLOCK_ROWS):
        yield slice(start, min(count, start + _BLOCK_ROWS))


def _spelled(rows: ComparableRows, name: str) -> list[str]:
    """Return texts without what changes and lets them still be read: mark-up, doubled letters."""
    found = []
    for text in cell_values(rows, name):
        plain = _TAG.sub(" ", html.unescape(text[:CELL_CHARS]))
        plain = _REPEATED.sub(r"\1", plain.translate(_LEET))
        found.append(_NO_LETTERS.sub(" ", plain).strip())
    return found


def _spread(rows: ComparableRows, name: str) -> float:
    present = rows.numbers[name][~_missing(rows, name)]
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
