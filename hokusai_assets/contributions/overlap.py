"""Rows of a contribution that are already known: in the test set or nearly so, or in the base."""

from collections import OrderedDict
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import pyarrow as pa

from hokusai_assets.benchmarks.loading import Benchmark
from hokusai_assets.benchmarks.spec import BenchmarkSpec
from hokusai_assets.contributions.held_out_index import HeldOutIndex
from hokusai_assets.contributions.leakage_report import LeakageMeasure, LeakageReport, NaturalRate
from hokusai_assets.contributions.match_keys import ComparableRows, comparable_rows, match_keys
from hokusai_assets.contributions.near_copies import OneCellChanged
from hokusai_assets.contributions.sorted_keys import FirstOccurrence, key_words
from hokusai_assets.tables.problems import SHOWN_ROWS

# Distinct rows looked at for measures that only count.
WIDE_SAMPLE_ROWS = 4096
# Indexed test sets that are kept for the next contribution.
_CACHED = 4


@dataclass(frozen=True)
class BatchOverlap:
    """What is known of n rows.

    Attributes:
        in_test: bool (n,), the features equal those of a test row after normalisation.
        near_test: bool (n,), a near copy of a test row, to be removed.
        in_base: bool (n,), features and label equal those of a base row. The three are disjoint.
        keys: uint8 (n, 16), match key of features and label.
        feature_keys: uint8 (n, 16), of the features alone.
    """

    in_test: np.ndarray
    near_test: np.ndarray
    in_base: np.ndarray
    keys: np.ndarray
    feature_keys: np.ndarray


class _DistinctSample:
    """The rows with the smallest keys, each key once, whatever order they come in."""

    def __init__(self, levels: int) -> None:
        self._words = (np.zeros(0, np.uint64), np.zeros(0, np.uint64))
        self.found = np.zeros((0, levels), dtype=np.int64)
        self.numbers = np.zeros(0, dtype=np.int64)

    def candidates(self, keys: np.ndarray) -> np.ndarray:
        """Return positions, int64 (k,), of the rows that may enter; each key once."""
        high, low = key_words(keys)
        order = np.lexsort((low, high))
        first = np.ones(len(order), dtype=bool)
        first[1:] = (np.diff(high[order]) > 0) | (low[order][1:] != low[order][:-1])
        order = order[first][:WIDE_SAMPLE_ROWS]
        if len(self.numbers) == WIDE_SAMPLE_ROWS:
            order = order[high[order] <= self._words[0][-1]]
        return np.sort(order)

    def add(self, keys: np.ndarray, found: np.ndarray, numbers: np.ndarray) -> None:
        """Take candidates' keys (k, 16), test rows (k, levels) and row numbers (k,)."""
        mine = key_words(keys)
        high, low = (np.concatenate(pair) for pair in zip(self._words, mine, strict=True))
        found = np.concatenate([self.found, found])
        numbers = np.concatenate([self.numbers, numbers])
        order = np.lexsort((numbers, low, high))
        first = np.ones(len(order), dtype=bool)
        first[1:] = (np.diff(high[order]) > 0) | (low[order][1:] != low[order][:-1])
        order = order[first][:WIDE_SAMPLE_ROWS]
        self._words = (high[order], low[order])
        self.found, self.numbers = found[order], numbers[order]


class _Tally:
    """Counts one measure over all rows: copies, the test rows they are of, the first few."""

    def __init__(self, test_rows: int) -> None:
        self.matched = 0
        self.first_rows: list[int] = []
        self._seen = np.zeros(test_rows, dtype=bool)

    def add(self, found: np.ndarray, rows_before: int) -> None:
        hit = np.flatnonzero(found >= 0)
        self.matched += len(hit)
        self._seen[found[hit]] = True
        room = max(0, SHOWN_ROWS - len(self.first_rows))
        self.first_rows += [int(row) + rows_before + 1 for row in hit[:room]]

    @property
    def test_rows(self) -> int:
        return int(self._seen.sum())


class LeakageScan:
    """Compares the batches of one contribution with a benchmark's test set and base set.

    Memory does not grow with the rows scanned.
    """

    def __init__(self, index: HeldOutIndex, spec: BenchmarkSpec) -> None:
        self._index, self._spec = index, spec
        self._rows = 0
        self._exact = _Tally(index.test_rows)
        self._removing = {level.name: _Tally(index.test_rows) for level in index.levels}
        self._one_cell = index.one_cell
        self._wide = [level for level in index.levels if not level.removes]
        self._sample = _DistinctSample(len(self._wide) + len(index.by_column))

    @classmethod
    def of(cls, benchmark: Benchmark) -> "LeakageScan":
        """Start a scan; the index of the last few benchmarks' test sets is kept in memory."""
        name = (benchmark.base.root, benchmark.test.root, benchmark.spec.spec_hash())
        index = _INDEXES.pop(name, None) or HeldOutIndex(benchmark)
        _INDEXES[name] = index
        while len(_INDEXES) > _CACHED:
            _INDEXES.popitem(last=False)
        return cls(index, benchmark.spec)

    def add(self, batch: pa.Table) -> BatchOverlap:
        """Compare the next rows: features and target, typed and pseudonymised as the base set."""
        rows = comparable_rows(batch, self._spec)
        feature_keys = rows.feature_keys()
        keys = match_keys(feature_keys, batch.column(self._spec.target))
        exact = self._index.exact.find(feature_keys)
        self._exact.add(exact, self._rows)
        in_test = exact >= 0
        near = self._add_removing(rows, exact)
        in_base = (self._index.base.find(keys) >= 0) & ~in_test & ~near
        if self._wide:
            chosen = self._sample.candidates(keys)
            found = self._find_wide(rows.take(chosen))
            found = np.where(in_test[chosen, None], exact[chosen, None], found)
            self._sample.add(keys[chosen], found, chosen + self._rows + 1)
        self._rows += rows.count
        return BatchOverlap(in_test, near, in_base, keys, feature_keys)

    def _find_wide(self, rows: ComparableRows) -> np.ndarray:
        """Return a test row per measure that only counts, and per column where one may differ."""
        found = [
            level.matcher.find(rows) for level in self._wide if level.matcher is not self._one_cell
        ]
        if self._one_cell is not None:
            by_column = self._one_cell.find_by_column(rows)
            position = [level.matcher for level in self._wide].index(self._one_cell)
            found.insert(position, OneCellChanged.any_column(by_column))
            found += list(by_column.T)
        return np.column_stack(found)

    def _add_removing(self, rows: ComparableRows, exact: np.ndarray) -> np.ndarray:
        near = np.zeros(rows.count, dtype=bool)
        rest = np.flatnonzero(exact < 0)
        part = rows.take(rest)
        for level in self._index.levels:
            if level.removes:
                found = exact.copy()
                found[rest] = level.matcher.find(part)
                near[rest] |= found[rest] >= 0
                self._removing[level.name].add(found, self._rows)
        return near

    def report(self) -> LeakageReport:
        """Return what was found in all batches so far."""
        index = self._index
        measures = [self._measure("exact", True, self._exact, self._rows, index.natural)]
        for level in index.levels:
            if level.removes:
                tally = self._removing[level.name]
                measures.append(self._measure(level.name, True, tally, self._rows, level.natural))
            else:
                column = self._wide.index(level)
                measures.append(self._sampled(level.name, column, level.natural))
        for place, (name, natural) in enumerate(index.by_column.items()):
            measure = self._sampled(f"one-cell:{name}", len(self._wide) + place, natural)
            # Of many columns only those that say something: the others are in one-cell.
            measures += [measure] if measure.exceeded else []
        return LeakageReport(self._rows, tuple(measures))

    def _sampled(self, name: str, column: int, natural: NaturalRate) -> LeakageMeasure:
        found = self._sample.found[:, column]
        tally = _Tally(self._index.test_rows)
        tally.add(found, 0)
        tally.first_rows = np.sort(self._sample.numbers[found >= 0])[:SHOWN_ROWS].tolist()
        return self._measure(name, False, tally, len(found), natural)

    def _measure(
        self, name: str, removes: bool, tally: _Tally, rows: int, natural: NaturalRate
    ) -> LeakageMeasure:
        intake = self._spec.intake
        return LeakageMeasure(
            name,
            removes,
            rows,
            tally.matched,
            tally.test_rows,
            natural,
            Fraction(intake.max_test_overlap_excess),
            intake.test_overlap_tolerance_rows,
            tuple(tally.first_rows),
        )


_INDEXES: OrderedDict[tuple[str, str, str], HeldOutIndex] = OrderedDict()


@dataclass(frozen=True)
class Overlap:
    """Which rows of a table of n rows are known; the masks are (n,) booleans, disjoint.

    Attributes:
        in_test: the row equals or nearly equals a test row.
        in_base: the whole row, label included, stands in the base set.
        repeated: an equal row stands earlier in the same table.
        leakage: what is copied from the test set, by measure.
    """

    in_test: np.ndarray
    in_base: np.ndarray
    repeated: np.ndarray
    leakage: LeakageReport

    @property
    def known(self) -> np.ndarray:
        """Mask of all rows that bring nothing new."""
        known: np.ndarray = self.in_test | self.in_base | self.repeated
        return known


def find_overlap(table: pa.Table, benchmark: Benchmark) -> Overlap:
    """Compare a typed, pseudonymised table of n rows with the benchmark's sets and itself."""
    scan = LeakageScan.of(benchmark)
    found = scan.add(table)
    in_test = found.in_test | found.near_test
    repeated = ~FirstOccurrence().add(found.keys) & ~in_test & ~found.in_base
    return Overlap(in_test, found.in_base, repeated, scan.report())
