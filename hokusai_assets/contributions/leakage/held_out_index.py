"""A benchmark's test set, indexed for every measure of copying, with what honest rows share."""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

import numpy as np
import pyarrow as pa

from hokusai_assets.benchmarks.loading import Benchmark
from hokusai_assets.benchmarks.spec import BenchmarkSpec
from hokusai_assets.contributions.leakage.closeness import (
    FEWEST_ROWS,
    HONEST_ROWS,
    REFERENCE_ROWS,
    CloseRows,
    first_rows,
)
from hokusai_assets.contributions.leakage.match_keys import (
    ComparableRows,
    comparable_rows,
    match_keys,
)
from hokusai_assets.contributions.leakage.near_copies import (
    FINE_GRAINED_SD,
    NearRows,
    NumericScale,
    OneCellChanged,
    SimilarRows,
)
from hokusai_assets.contributions.leakage.report import Matched, NaturalRate, NaturalRates
from hokusai_assets.contributions.leakage.row_distances import (
    CellDistances,
    Distances,
    ValueDistances,
)
from hokusai_assets.contributions.sorted_keys import KeySet, key_words

# A measure takes rows out only where at most this share of honest rows would go with them.
REMOVAL_NATURAL_SHARE = Fraction(1, 100)
# Base rows and test rows looked at for the natural rates.
NATURAL_SAMPLE_ROWS = 8192
# With fewer columns, all but one say too little.
MIN_COLUMNS = 4


class Matcher(Protocol):
    """Finds the test row that a row is a copy of, in one sense of the word."""

    def find(self, rows: ComparableRows) -> np.ndarray:
        """Return a test row's position for each row, int64 (n,), -1 where there is none."""

    def find_others(self, positions: np.ndarray) -> np.ndarray:
        """Return bool (k,): whether each of these test rows is a copy of *another* one."""


@dataclass(frozen=True)
class Level:
    """A measure wider than equality, how often honest rows meet it, and whether it removes."""

    name: str
    matcher: Matcher
    natural: NaturalRates
    removes: bool


class HeldOutIndex:
    """The indexed sets of one benchmark; never changes.

    Attributes:
        test_rows: how many rows the test set has.
        exact: feature keys of the test set.
        base: match keys of the base set.
        base_feature_keys: uint8 (m, 16), of the base set's rows.
        natural: how often honest rows equal a test row.
        levels: the wider measures, the narrowest first.
        one_cell: the matcher of the level ``one-cell`` where that only counts.
        by_column: then, per feature column, how often honest rows equal a test row but for it.
        close: by measure, which rows are closer to a test row than test rows are to each other;
            none where there are too few rows.
    """

    def __init__(self, benchmark: Benchmark) -> None:
        spec = benchmark.spec
        test = comparable_rows(benchmark.test.table, spec)
        keys = test.feature_keys()
        self.test_rows = test.count
        self.exact = KeySet(keys)
        base = comparable_rows(benchmark.base.table, spec)
        base_keys = base.feature_keys()
        self.base = KeySet(match_keys(base_keys, benchmark.base.table.column(spec.target)))
        self.base_feature_keys = base_keys
        base_sample = _smallest(base_keys)
        test_sample = _smallest(keys)
        labels = _Labels(benchmark, base_sample, test_sample)
        base_in_test = self.exact.find(base_keys) >= 0
        in_test = base_in_test[base_sample]
        _, first, position, repeats = np.unique(
            keys, axis=0, return_index=True, return_inverse=True, return_counts=True
        )
        repeated = (repeats > 1)[position.reshape(-1)][test_sample]
        self.natural = labels.rates(in_test, repeated)
        sample = _HonestSample(base.take(base_sample), in_test, test_sample, repeated, labels)
        levels: list[Level] = []
        self.by_column: dict[str, NaturalRates] = {}
        self.one_cell: OneCellChanged | None = None
        for name, make in _matchers(test, spec).items():
            if name == "all-moved" and levels[-1].removes:
                continue  # They are among those that near-integers takes out.
            matcher = make()
            levels.append(sample.level(name, matcher))
            if isinstance(matcher, OneCellChanged) and not levels[-1].removes:
                self.one_cell = matcher
                self.by_column = dict(zip(test.names, sample.by_column(matcher), strict=True))
        self.levels = tuple(levels)
        apart = np.flatnonzero(~base_in_test)
        # Sets are in canonical order, so the first rows are as good as drawn.
        reference = first_rows(test.take(np.sort(first)), REFERENCE_ROWS)
        honest = first_rows(base.take(apart), HONEST_ROWS)
        targets = _labels_of(benchmark.base.table.column(spec.target), apart[: honest.count])
        self.close: dict[str, CloseRows] = {}
        if min(reference.count, honest.count) < FEWEST_ROWS:
            return
        measures: dict[str, Distances] = {"close": ValueDistances(reference, spec)}
        if len(test.names) >= MIN_COLUMNS:
            measures["shared-cells"] = CellDistances(reference)
        for name, distances in measures.items():
            self.close[name] = CloseRows(distances, reference, honest, targets)


class _Labels:
    """The labels of sampled base rows and test rows."""

    def __init__(self, benchmark: Benchmark, base: np.ndarray, test: np.ndarray) -> None:
        target = benchmark.spec.target
        self._base = _labels_of(benchmark.base.table.column(target), base)
        self._test = _labels_of(benchmark.test.table.column(target), test)

    def rates(self, base: np.ndarray, test: np.ndarray) -> NaturalRates:
        """Return the natural rates by which of the base rows and of the test rows match."""
        return NaturalRates.of(Matched(base, self._base), Matched(test, self._test))


@dataclass(frozen=True)
class _HonestSample:
    """Base rows and test rows by which natural rates are measured."""

    base: ComparableRows
    in_test: np.ndarray
    test_sample: np.ndarray
    repeated: np.ndarray
    labels: _Labels

    def level(self, name: str, matcher: Matcher) -> Level:
        matched = self.in_test | (matcher.find(self.base) >= 0)
        others = self.repeated | matcher.find_others(self.test_sample)
        natural = self.labels.rates(matched, others)
        beyond = NaturalRate.of(
            _counted(matched & ~self.in_test), _counted(others & ~self.repeated)
        )
        return Level(name, matcher, natural, beyond.share <= REMOVAL_NATURAL_SHARE)

    def by_column(self, matcher: OneCellChanged) -> list[NaturalRates]:
        matched = self.in_test[:, None] | (matcher.find_by_column(self.base) >= 0)
        others = self.repeated[:, None] | matcher.find_others_by_column(self.test_sample)
        return [
            self.labels.rates(mine, theirs)
            for mine, theirs in zip(matched.T, others.T, strict=True)
        ]


def _labels_of(column: pa.ChunkedArray, rows: np.ndarray) -> np.ndarray:
    return np.array(column.take(pa.array(rows)).to_pylist(), dtype=str)


def _counted(mask: np.ndarray) -> tuple[int, int]:
    return int(mask.sum()), len(mask)


def _smallest(keys: np.ndarray) -> np.ndarray:
    high, low = key_words(keys)
    return np.sort(np.lexsort((low, high))[:NATURAL_SAMPLE_ROWS])


def _matchers(test: ComparableRows, spec: BenchmarkSpec) -> dict[str, Callable[[], Matcher]]:
    """Return the measures that a benchmark's columns allow, the narrowest first."""
    kinds = {name: _kind(test, name, spec) for name in test.names}
    texts = tuple(n for n in test.names if kinds[n] == "text" and n in test.texts)
    numeric = [n for n in test.names if n in test.numbers and kinds[n] != "boolean"]
    coarse = tuple(
        name
        for name in numeric
        if kinds[name] == "integer" and np.std(_present(test, name)) < FINE_GRAINED_SD
    )
    fine = [name for name in numeric if spec.columns[name].type == "number" or name not in coarse]
    narrow = {n: NumericScale.of(_present(test, n), kinds[n], nudge_integers=False) for n in fine}
    wide = {n: NumericScale.of(_present(test, n), kinds[n], nudge_integers=True) for n in numeric}
    running = frozenset(texts)
    matchers: dict[str, Callable[[], Matcher]] = {}
    if narrow or texts:
        matchers["near"] = lambda: NearRows(test, narrow, running)
    if coarse:
        matchers["near-integers"] = lambda: NearRows(test, wide, running)
    if len(coarse) >= MIN_COLUMNS:
        matchers["all-moved"] = lambda: NearRows(test, wide, running, coarse)
    if len(test.names) >= MIN_COLUMNS:
        matchers["one-cell"] = lambda: OneCellChanged(test)
    if texts:
        matchers["similar-text"] = lambda: SimilarRows(test, narrow, texts)
    return matchers


def _kind(test: ComparableRows, name: str, spec: BenchmarkSpec) -> str:
    kind = spec.columns[name].type
    if kind != "number" or name not in test.numbers:
        return kind
    # Whole numbers held as floating point are nudged by 1 as well.
    values = _present(test, name)
    return "integer" if len(values) and np.array_equal(values, np.round(values)) else kind


def _present(test: ComparableRows, name: str) -> np.ndarray:
    present = ~test.missing[:, test.names.index(name)]
    values = test.numbers[name][present]
    # A column without a value has no spread to scale by.
    return values if len(values) else np.zeros(1)
