"""Which rows of a contribution stand in the test set, or nearly so, or in the base set."""

from collections import Counter, OrderedDict
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from hokusai_assets.benchmarks.loading import Benchmark
from hokusai_assets.benchmarks.spec import BenchmarkSpec
from hokusai_assets.contributions.leakage.closeness import first_rows
from hokusai_assets.contributions.leakage.held_out_index import HeldOutIndex
from hokusai_assets.contributions.leakage.match_keys import (
    ComparableRows,
    comparable_rows,
    match_keys,
)
from hokusai_assets.contributions.leakage.near_copies import OneCellChanged
from hokusai_assets.contributions.leakage.report import (
    LeakageMeasure,
    LeakageReport,
    NaturalRate,
    NaturalRates,
)
from hokusai_assets.contributions.row_sample import SmallestKeys
from hokusai_assets.tables.problems import SHOWN_ROWS

# Distinct rows looked at for measures that only count.
WIDE_SAMPLE_ROWS = 4096
# Rows whose closeness is looked at.
CLOSENESS_ROWS = 2048
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
    """For the rows with the smallest keys: the test rows found, and the rows' numbers."""

    def __init__(self, levels: int) -> None:
        self._keys = SmallestKeys(WIDE_SAMPLE_ROWS)
        self.candidates = self._keys.candidates
        self.found = np.zeros((0, levels), dtype=np.int64)
        self.numbers = np.zeros(0, dtype=np.int64)

    def add(self, keys: np.ndarray, found: np.ndarray, numbers: np.ndarray) -> None:
        """Take candidates' keys (k, 16), test rows (k, levels) and row numbers (k,)."""
        kept = self._keys.merge(keys)
        self.found = np.concatenate([self.found, found])[kept]
        self.numbers = np.concatenate([self.numbers, numbers])[kept]


class _Tally:
    """Counts one measure over all rows: copies, the test rows they are of, the first few."""

    def __init__(self, test_rows: int) -> None:
        self.matched = 0
        self.first_rows: list[int] = []
        self._seen = np.zeros(test_rows, dtype=bool)

    def add(self, found: np.ndarray, numbers: np.ndarray | None) -> None:
        """Take test rows found, -1 for none, and the numbers of the rows, None if not known."""
        hit = found >= 0
        self.matched += int(hit.sum())
        self._seen[found[hit]] = True
        if numbers is None:
            return
        room = max(0, SHOWN_ROWS - len(self.first_rows))
        self.first_rows += [int(row) for row in numbers[hit][:room]]

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
        self._labels: Counter[str] = Counter()
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

    @property
    def base_feature_keys(self) -> np.ndarray:
        """Feature keys of the base set's rows, uint8 (m, 16)."""
        return self._index.base_feature_keys

    def add(self, batch: pa.Table, numbers: np.ndarray | None = None) -> BatchOverlap:
        """Compare the next n rows.

        Args:
            batch: features and target, typed and pseudonymised as the base set.
            numbers: int64 (n,), the rows' numbers for people; from 1 on in order if left out.
        """
        rows = comparable_rows(batch, self._spec)
        if numbers is None:
            numbers = np.arange(self._rows + 1, self._rows + 1 + rows.count)
        feature_keys = rows.feature_keys()
        keys = match_keys(feature_keys, batch.column(self._spec.target))
        exact = self._index.exact.find(feature_keys)
        self._exact.add(exact, numbers)
        in_test = exact >= 0
        near = self._add_removing(rows, exact, numbers)
        in_base = (self._index.base.find(keys) >= 0) & ~in_test & ~near
        if self._wide:
            chosen = self._sample.candidates(keys)
            found = self._find_wide(rows.take(chosen))
            found = np.where(in_test[chosen, None], exact[chosen, None], found)
            self._sample.add(keys[chosen], found, numbers[chosen])
        self._rows += rows.count
        for entry in pc.value_counts(batch.column(self._spec.target)).to_pylist():
            self._labels[entry["values"]] += entry["counts"]
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

    def _add_removing(
        self, rows: ComparableRows, exact: np.ndarray, numbers: np.ndarray
    ) -> np.ndarray:
        near = np.zeros(rows.count, dtype=bool)
        rest = np.flatnonzero(exact < 0)
        part = rows.take(rest)
        for level in self._index.levels:
            if level.removes:
                found = exact.copy()
                found[rest] = level.matcher.find(part)
                near[rest] |= found[rest] >= 0
                self._removing[level.name].add(found, numbers)
        return near

    def report(self, sample: pa.Table | None = None) -> LeakageReport:
        """Return what was found in all batches so far.

        Args:
            sample: some of the rows that were not taken out, with their labels, by which
                closeness is judged; None leaves that out.
        """
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
        if sample is not None and sample.num_rows:
            measures += self._closeness(sample.slice(0, CLOSENESS_ROWS))
        return LeakageReport(self._rows, tuple(measures))

    def _closeness(self, sample: pa.Table) -> list[LeakageMeasure]:
        rows = first_rows(comparable_rows(sample, self._spec), sample.num_rows)
        labels = Counter(sample.column(self._spec.target).slice(0, rows.count).to_pylist())
        measures = []
        for name, close in self._index.close.items():
            tally = _Tally(self._index.test_rows)
            # A sample's rows have no numbers any more.
            tally.add(close.find(rows), None)
            rate = close.natural.weighed(labels)
            measures.append(self._measured(name, False, tally, rows.count, rate))
        return measures

    def _sampled(self, name: str, column: int, natural: NaturalRates) -> LeakageMeasure:
        found = self._sample.found[:, column]
        tally = _Tally(self._index.test_rows)
        order = np.argsort(self._sample.numbers)
        tally.add(found[order], self._sample.numbers[order])
        return self._measure(name, False, tally, len(found), natural)

    def _measure(
        self, name: str, removes: bool, tally: _Tally, rows: int, natural: NaturalRates
    ) -> LeakageMeasure:
        return self._measured(name, removes, tally, rows, natural.weighed(self._labels))

    def _measured(
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
