"""Rows of a test set that come back with their numbers nudged, or with one cell changed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy.spatial import cKDTree

from hokusai_assets.contributions.leakage.match_keys import ComparableRows
from hokusai_assets.contributions.leakage.similar_text import SimilarTexts
from hokusai_assets.contributions.leakage.text_skeletons import Skeletons, skeletons_of
from hokusai_assets.contributions.sorted_keys import distinct

# A number is near another within 0.4% of its own size or of the column's SD: jitter of 0.1%
# (one SD of it) stays inside at 3.5 SDs, so it does in nearly every one of 30 columns.
RELATIVE_TOLERANCE = 0.004
# Beyond so many SDs from zero the tolerance grows no more: years are all near each other else.
_LARGEST_SDS = 20.0
# Whole numbers with an SD below this are exact at the first level: +-1 is another age.
FINE_GRAINED_SD = 100.0
_SLACK = 1.0 + 1e-6
_FARTHEST = float(2**40)
# Beyond it squares overflow; such numbers are all the same here.
_LARGEST = 1e150
# Cells of the filter are so many tolerances wide; columns per filter, and its largest size.
_CELL_WIDTH = 4.0
_FILTER_COLUMNS = 3
_FILTER_BITS = 26


@dataclass(frozen=True)
class NumericScale:
    """Maps a numeric column so that a distance of 1 is its tolerance.

    The tolerance at v is r * sqrt(v^2 + s^2) with r = `RELATIVE_TOLERANCE`, so the map is its
    reciprocal's integral, asinh(v / s) / r, continued straight where |v| > limit.

    Attributes:
        centre: subtracted first; 0 but for times, which have no natural zero.
        spread: s, in the column's unit.
        limit: where the map goes on as a straight line.
    """

    centre: float
    spread: float
    limit: float

    @classmethod
    def of(cls, values: np.ndarray, kind: str, *, nudge_integers: bool) -> "NumericScale":
        """Fit the scale to a column's present values, float64 (m,).

        Args:
            values: the test set's values.
            kind: the column's type in the spec.
            nudge_integers: whole numbers are near at a distance of 1 even if coarse.
        """
        finite = values[np.abs(values) < _LARGEST]
        deviation = float(np.std(finite)) if len(finite) else 0.0
        mean = float(np.mean(finite)) if len(finite) else 0.0
        # Six digits: sums differ in the last ones from machine to machine. Equal values may have
        # a deviation by rounding alone.
        deviation = float(f"{deviation:.6g}") if deviation > 1e-9 * abs(mean) else 0.0
        spread = max(deviation or abs(float(f"{mean:.6g}")) or 1.0, 1 / _LARGEST)
        if kind == "integer" and (nudge_integers or deviation >= FINE_GRAINED_SD):
            spread = max(spread, 1.05 / RELATIVE_TOLERANCE)
        centre = float(f"{mean:.6g}") if kind == "datetime" else 0.0
        return cls(centre, spread, max(_LARGEST_SDS * deviation, spread))

    def transform(self, values: np.ndarray) -> np.ndarray:
        """Map values, float64 (n,), to units of their tolerance."""
        shifted = np.clip(values, -_LARGEST, _LARGEST) - self.centre
        inner = np.clip(shifted, -self.limit, self.limit)
        mapped: np.ndarray = np.arcsinh(inner / self.spread) / RELATIVE_TOLERANCE
        slope = RELATIVE_TOLERANCE * float(np.hypot(self.limit, self.spread))
        mapped += (shifted - inner) / slope
        return np.asarray(np.clip(mapped, -_FARTHEST, _FARTHEST))


def mixed(words: np.ndarray) -> np.ndarray:
    """Scramble uint64 words one to one (the SplitMix64 finaliser, Steele et al. 2014)."""
    result: np.ndarray = words ^ (words >> np.uint64(30))
    result *= np.uint64(0xBF58476D1CE4E5B9)
    result ^= result >> np.uint64(27)
    result *= np.uint64(0x94D049BB133111EB)
    result ^= result >> np.uint64(31)
    return result


def cell_words(rows: ComparableRows) -> list[np.ndarray]:
    """Return per column a word for each cell, uint64 (n,), equal for equal cells."""
    return [
        _column_words(index, codes[:, 0], rows.missing[:, index])
        for index, codes in enumerate(rows.codes)
    ]


def _column_words(index: int, codes: np.ndarray, missing: np.ndarray) -> np.ndarray:
    """Return a word per cell; a missing one's is that of no usual value."""
    salt = np.uint64((index + 1) * 0x9E3779B97F4A7C15 & (2**64 - 1))
    absent = missing.astype(np.uint64) * np.uint64(0xD1B54A32D192ED03)
    return mixed(mixed(codes) + salt + absent)


class WordTable:
    """Words of m rows, looked up by a bitmap first, which nearly every row fails."""

    def __init__(self, words: np.ndarray, origins: np.ndarray) -> None:
        """Index words, uint64 (m,), that belong to the rows ``origins``, int64 (m,)."""
        order = np.lexsort((origins, words))
        self._words, self._origins = words[order], origins[order]
        bits = min(_FILTER_BITS, max(12, int(64 * max(1, len(words))).bit_length()))
        self._shift = np.uint64(64 - bits)
        self._bitmap = np.zeros(1 << bits, dtype=bool)
        self._bitmap[mixed(words) >> self._shift] = True

    def may_hold(self, words: np.ndarray) -> np.ndarray:
        """Return bool (n,): False only for words that aren't here."""
        held: np.ndarray = self._bitmap[mixed(words) >> self._shift]
        return held

    def find(self, words: np.ndarray, *, other_than: np.ndarray | None = None) -> np.ndarray:
        """Return the first row with each word, int64 (n,), -1 where none.

        Args:
            words: uint64 (n,).
            other_than: int64 (n,), a row that doesn't count for each word.
        """
        found = np.full(len(words), -1, dtype=np.int64)
        chosen = np.flatnonzero(self.may_hold(words))
        place = np.searchsorted(self._words, words[chosen])
        # With one row that doesn't count, the answer is the first or the second of a run.
        for step in range(1 if other_than is None else 2):
            at = np.minimum(place + step, len(self._words) - 1)
            hit = (place + step < len(self._words)) & (self._words[at] == words[chosen])
            if other_than is not None:
                hit &= self._origins[at] != other_than[chosen]
            hit &= found[chosen] < 0
            found[chosen[hit]] = self._origins[at[hit]]
        return found


def group_words(
    rows: ComparableRows, *, left_out: frozenset[str], skeletons: frozenset[str]
) -> np.ndarray:
    """Return a word per row, uint64 (n,), over all that must be equal in a near copy.

    That is which cells are missing, and every column but those left out; the columns in
    ``skeletons`` by their texts' skeletons.
    """
    words = np.zeros(rows.count, dtype=np.uint64)
    for index, name in enumerate(rows.names):
        if name in skeletons:
            cells = rows.texts[name]
            code = cells.values.skeleton_codes[cells.positions]
        elif name in left_out:
            code = np.zeros(rows.count, dtype=np.uint64)
        else:
            code = rows.codes[index][:, 0]
        words += _column_words(index, code, rows.missing[:, index])
    return mixed(words)


class NearRows:
    """Finds the test row that a row nearly equals: groups equal, numbers within tolerance."""

    def __init__(
        self,
        test: ComparableRows,
        scales: Mapping[str, NumericScale],
        skeletons: frozenset[str],
        moved: tuple[str, ...] = (),
    ) -> None:
        """Index the test rows.

        Args:
            test: the m test rows.
            scales: of every numeric column that need not be equal.
            skeletons: the columns of running text, compared by their skeletons.
            moved: columns of whole numbers that must *all* be odd where the test row's is even
                and the other way round: within a tolerance of 1, that is moved by exactly 1.
        """
        self._test, self._skeletons, self._left_out = test, skeletons, frozenset(scales)
        self._moved = moved
        words = self._group_words(test, 1.0)
        self._groups, _ = distinct(words.copy())
        points = np.column_stack(
            [
                np.searchsorted(self._groups, words) * _CELL_WIDTH,
                *(scale.transform(test.numbers[name]) for name, scale in scales.items()),
            ]
        )
        # Many equal points would make the tree deep.
        points, self._first, self._of_row, self._repeats = np.unique(
            points, axis=0, return_index=True, return_inverse=True, return_counts=True
        )
        self._of_row = self._of_row.reshape(-1)
        self._points = points
        self._tree = cKDTree(points)
        spread = [len(np.unique(np.floor(column / _CELL_WIDTH))) for column in points[:, 1:].T]
        # The columns with most cells filter best; ties by name, as the mapping is ordered.
        order = sorted(range(len(spread)), key=lambda i: (-spread[i], i))
        named = list(scales.items())
        self._order = [(position + 1, *named[position]) for position in order]
        self._filters = [
            _cell_filter(points[:, [column for column, _, _ in part]])
            for part in _split(self._order, _FILTER_COLUMNS)
        ]

    def find(self, rows: ComparableRows) -> np.ndarray:
        """Return a near test row of each row, int64 (n,), -1 where there is none."""
        found = np.full(rows.count, -1, dtype=np.int64)
        words = self._group_words(rows, 0.0)
        group = np.searchsorted(self._groups, words)
        inside = group < len(self._groups)
        inside[inside] = self._groups[group[inside]] == words[inside]
        chosen = np.flatnonzero(inside)
        points = np.zeros((len(chosen), self._points.shape[1]))
        points[:, 0] = group[chosen] * _CELL_WIDTH
        for part, table in zip(_split(self._order, _FILTER_COLUMNS), self._filters, strict=True):
            for column, name, scale in part:
                points[:, column] = scale.transform(rows.numbers[name][chosen])
            cells = np.floor(points[:, [column for column, _, _ in part]] / _CELL_WIDTH)
            kept = table.may_hold(_cell_word(cells))
            chosen, points = chosen[kept], points[kept]
        if len(chosen):
            distance, nearest = self._tree.query(points, p=np.inf, distance_upper_bound=_SLACK)
            hit = np.isfinite(distance)
            found[chosen[hit]] = self._first[nearest[hit]]
        return found

    def find_others(self, positions: np.ndarray) -> np.ndarray:
        """Return bool (k,): whether each of these test rows is near to *another* test row."""
        if self._moved:
            return self.find(self._test.take(positions)) >= 0
        which = self._of_row[positions]
        if len(self._points) < 2:
            return np.asarray(self._repeats[which] > 1)
        distance, _ = self._tree.query(
            self._points[which], k=[2], p=np.inf, distance_upper_bound=_SLACK
        )
        return np.asarray((self._repeats[which] > 1) | np.isfinite(distance[:, 0]))

    def _group_words(self, rows: ComparableRows, step: float) -> np.ndarray:
        words = group_words(rows, left_out=self._left_out, skeletons=self._skeletons)
        for name in self._moved:
            odd = np.mod(rows.numbers[name] + step, 2.0) >= 1.0
            words = mixed(words + odd.astype(np.uint64))
        return words


def _split(items: Sequence, size: int) -> list:
    return [items[start : start + size] for start in range(0, len(items), size)]


def _cell_word(cells: np.ndarray) -> np.ndarray:
    words = np.zeros(len(cells), dtype=np.uint64)
    for column in range(cells.shape[1]):
        words = mixed(words + cells[:, column].astype(np.int64).view(np.uint64)) + np.uint64(1)
    return words


def _cell_filter(points: np.ndarray) -> WordTable:
    """Index every grid cell that a point within tolerance of one of ``points`` may lie in."""
    words = []
    for corner in np.ndindex(*(2,) * points.shape[1]):
        shift = (np.array(corner) * 2.0 - 1.0) * _SLACK
        words.append(_cell_word(np.floor((points + shift) / _CELL_WIDTH)))
    cells, _ = distinct(np.concatenate(words))
    return WordTable(cells, np.zeros(len(cells), dtype=np.int64))


class OneCellChanged:
    """Finds the test row that a row equals in all columns but at most one.

    A row's words add up, so the sum without a column's word stands for the other columns.
    """

    def __init__(self, test: ComparableRows) -> None:
        """Index the m test rows, each once per column."""
        origins = np.arange(test.count)
        self._test = test
        self._tables = [WordTable(words, origins) for words in _leave_one_out(test)]

    def find(self, rows: ComparableRows) -> np.ndarray:
        """Return such a test row of each row, int64 (n,), -1 where there is none."""
        return self.any_column(self.find_by_column(rows))

    def find_others(self, positions: np.ndarray) -> np.ndarray:
        """Return bool (k,): whether each of these test rows has *another* one like it."""
        return np.asarray(self.find_others_by_column(positions).any(axis=1))

    def find_by_column(self, rows: ComparableRows) -> np.ndarray:
        """Return a test row equal but for each column, int64 (n, columns), -1 where none."""
        found = [
            table.find(words)
            for words, table in zip(_leave_one_out(rows), self._tables, strict=True)
        ]
        return np.column_stack(found)

    def find_others_by_column(self, positions: np.ndarray) -> np.ndarray:
        """Return bool (k, columns): whether *another* test row is equal but for the column."""
        rows = self._test.take(positions)
        found = [
            table.find(words, other_than=positions) >= 0
            for words, table in zip(_leave_one_out(rows), self._tables, strict=True)
        ]
        return np.column_stack(found)

    @staticmethod
    def any_column(found: np.ndarray) -> np.ndarray:
        """Reduce `find_by_column`'s answer to the row of the first column that has one."""
        first = np.argmax(found >= 0, axis=1)
        return np.asarray(found[np.arange(len(found)), first])


def _leave_one_out(rows: ComparableRows) -> Iterator[np.ndarray]:
    words = cell_words(rows)
    total = np.zeros(rows.count, dtype=np.uint64)
    for word in words:
        total += word
    for word in words:
        yield total - word


class SimilarRows:
    """Finds the test row whose running text is similar, its other cells equal or near."""

    def __init__(
        self,
        test: ComparableRows,
        scales: Mapping[str, NumericScale],
        texts: tuple[str, ...],
    ) -> None:
        """Index the m test rows.

        Args:
            test: the test rows.
            scales: of every numeric column that need not be equal.
            texts: the columns of running text.
        """
        self._test, self._scales, self._names = test, scales, texts
        self._texts = SimilarTexts(_joined(test, texts))
        self._left_out = frozenset({*scales, *texts})
        self._groups = group_words(test, left_out=self._left_out, skeletons=frozenset())

    def find(self, rows: ComparableRows) -> np.ndarray:
        """Return the first such test row of each row, int64 (n,), -1 where there is none."""
        found = np.full(rows.count, -1, dtype=np.int64)
        mine, theirs = self._pairs(rows, None)
        order = np.lexsort((theirs, mine))
        first, at = np.unique(mine[order], return_index=True)
        found[first] = theirs[order][at]
        return found

    def find_others(self, positions: np.ndarray) -> np.ndarray:
        """Return bool (k,): whether each of these test rows is similar to *another* one."""
        mine, _ = self._pairs(self._test.take(positions), positions)
        return np.isin(np.arange(len(positions)), mine)

    def _pairs(
        self, rows: ComparableRows, other_than: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray]:
        texts = _joined(rows, self._names)
        mine, theirs = self._texts.pairs(texts, other_than=other_than)
        groups = group_words(rows, left_out=self._left_out, skeletons=frozenset())
        near = groups[mine] == self._groups[theirs]
        for name, scale in self._scales.items():
            ours = scale.transform(rows.numbers[name][mine])
            near &= np.abs(ours - scale.transform(self._test.numbers[name][theirs])) <= _SLACK
        return mine[near], theirs[near]


def _joined(rows: ComparableRows, names: tuple[str, ...]) -> Skeletons:
    """Return the skeletons of each row's texts, joined."""
    columns = [rows.texts[name] for name in names]
    texts = [column.values.values.take(pa.array(column.positions)) for column in columns]
    return skeletons_of(texts[0] if len(texts) == 1 else pc.binary_join_element_wise(*texts, " "))
