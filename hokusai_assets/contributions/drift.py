"""How far a contribution's columns lie from the base set's: population stability and new words."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy import stats

from hokusai_assets.benchmarks.spec import BenchmarkSpec
from hokusai_assets.contributions.leakage.match_keys import normalised_text
from hokusai_assets.tables.problems import Problem

BINS = 10
# Values of a category that have a bin of their own; the others share one.
LARGEST_CATEGORIES = 50
# A shift that chance explains more often than so is not told.
_CHANCE = 0.001
# Of fewer rows, and words of fewer texts, nothing is told: a handful shows no distribution.
MIN_ROWS = 30
# New words may be more by so much than the base set leads to expect.
UNSEEN_WORDS_EXCESS = 0.3
_WORD = r"[\p{L}\p{Nd}]+"


@dataclass(frozen=True)
class ColumnDrift:
    """One column's distance from the base set.

    Attributes:
        column: its name.
        measure: ``values`` (population stability index), or ``words`` (share of words that the
            base set lacks) for running text, whose ``values`` are its lengths.
        found_ppm: the measure, in parts per million.
        limit_ppm: above it the column is told.
    """

    column: str
    measure: str
    found_ppm: int
    limit_ppm: int

    @property
    def exceeded(self) -> bool:
        """Whether the column is told."""
        return self.found_ppm > self.limit_ppm

    def to_dict(self) -> dict[str, object]:
        """Return the JSON form."""
        return {
            "column": self.column,
            "measure": self.measure,
            "found_ppm": self.found_ppm,
            "limit_ppm": self.limit_ppm,
            "exceeded": self.exceeded,
        }


def stability_index(found: np.ndarray, expected: np.ndarray) -> float:
    """Return the population stability index of two histograms, 0 for equal shares.

    sum((p - q) ln(p / q)) over the bins (Siddiqi 2006, Credit Risk Scorecards, ch. 9: above
    0.25 is a major shift); half a row is added to each bin, so that an empty one has a share.

    Args:
        found, expected: counts, int64 (bins,).
    """
    p = (found + 0.5) / (found.sum() + 0.5 * len(found))
    q = (expected + 0.5) / (expected.sum() + 0.5 * len(expected))
    return float(np.sum((p - q) * np.log(p / q)))


def stability_limit(bins: int, found_rows: int, expected_rows: int, allowed: float) -> float:
    """Return the index above which a shift is told: what is allowed and what chance adds.

    Of two samples from one distribution the index is about chi-squared with ``bins`` - 1 degrees
    of freedom, times 1/n + 1/m (Yurdakul & Naranjo 2020).
    """
    chance = stats.chi2.ppf(1 - _CHANCE, max(1, bins - 1))
    return allowed + float(chance) * (1 / max(1, found_rows) + 1 / max(1, expected_rows))


def column_drift(
    sample: pa.Table, base: pa.Table, spec: BenchmarkSpec, allowed: float
) -> tuple[ColumnDrift, ...]:
    """Compare every feature column of a sample of rows with the base set, both typed.

    Args:
        sample: n rows of the contribution; of fewer than `MIN_ROWS` nothing is said.
        base: m rows of the base set.
        spec: names the columns and their types.
        allowed: the stability index up to which nothing is told.
    """
    if sample.num_rows < MIN_ROWS:
        return ()
    return tuple(_drifts(sample, base, spec, allowed))


def _drifts(
    sample: pa.Table, base: pa.Table, spec: BenchmarkSpec, allowed: float
) -> Iterator[ColumnDrift]:
    for name in spec.feature_names:
        kind = spec.columns[name].type
        mine, theirs = _plain(sample.column(name)), _plain(base.column(name))
        binned = _BINNED.get(kind, _numeric_bins)(mine, theirs)
        texts = len(mine) - mine.null_count
        index = stability_index(*binned)
        limit = stability_limit(len(binned[0]), len(mine), len(theirs), allowed)
        yield ColumnDrift(name, "values", _ppm(index), _ppm(limit))
        if kind == "text" and texts >= MIN_ROWS:
            unseen, expected = unseen_words(mine, theirs)
            yield ColumnDrift(name, "words", _ppm(unseen), _ppm(expected + UNSEEN_WORDS_EXCESS))


def drift_problems(drifts: tuple[ColumnDrift, ...]) -> list[Problem]:
    """Return one problem per column that lies too far off."""
    problems = []
    for drift in drifts:
        if not drift.exceeded:
            continue
        if drift.measure == "words":
            message = (
                f"column {drift.column!r}: {drift.found_ppm / 10_000:.0f}% of its words do not "
                f"occur in the base set (up to {drift.limit_ppm / 10_000:.0f}% would be usual)."
            )
        else:
            message = (
                f"column {drift.column!r}: its values lie elsewhere than the base set's "
                f"(population stability index {drift.found_ppm / 1e6:.2f}, usual up to "
                f"{drift.limit_ppm / 1e6:.2f})."
            )
        problems.append(
            Problem(
                "column-drift",
                message,
                "Check unit, coding and language of the column; if the data is meant to be "
                "different, there is nothing to do.",
                column=drift.column,
            )
        )
    return problems


def unseen_words(sample: pa.Array, base: pa.Array) -> tuple[float, float]:
    """Return the share of words that a base set lacks, and the share to expect, both 0..1.

    The expected share is Good & Turing's estimate (Good 1953): words that stand in one base text
    only, by all words, each counted once per text.

    Args:
        sample, base: texts, missing ones count as empty.
    """
    mine, theirs = _words(sample), _words(base)
    counted = pc.value_counts(theirs)
    known = counted.field("values")
    once = pc.sum(pc.equal(counted.field("counts"), 1)).as_py() or 0
    expected = once / len(theirs) if len(theirs) else 1.0
    if not len(mine):
        return 0.0, expected
    seen = pc.sum(pc.is_in(mine, value_set=known)).as_py() or 0
    return 1 - seen / len(mine), expected


def _words(texts: pa.Array) -> pa.Array:
    text = normalised_text(pc.fill_null(texts, ""))
    # Tokens of personal data are no words of the language.
    text = pc.replace_substring_regex(text, "<[a-z]+>", " ")
    split = pc.split_pattern_regex(text, r"[^\p{L}\p{Nd}]+")
    words = pc.list_flatten(split)
    rows = pc.list_parent_indices(split)
    once = pa.table({"row": rows, "word": words}).group_by(["row", "word"]).aggregate([])
    found = once.column("word").combine_chunks()
    return found.filter(pc.not_equal(found, ""))


Histograms = tuple[np.ndarray, np.ndarray]


def _plain(column: pa.ChunkedArray) -> pa.Array:
    array = column.combine_chunks()
    return array.dictionary_decode() if pa.types.is_dictionary(array.type) else array


def _numeric_bins(mine: pa.Array, theirs: pa.Array) -> Histograms:
    if pa.types.is_timestamp(theirs.type):
        mine, theirs = mine.cast(pa.int64()), theirs.cast(pa.int64())
    values = np.asarray(theirs.drop_null(), dtype=np.float64)
    # Equal parts of the base set; where a value fills several, it has one bin.
    steps = np.linspace(0, 1, BINS + 1)[1:-1]
    edges = np.unique(np.quantile(values, steps, method="lower")) if len(values) else np.zeros(0)
    return _histogram(mine, edges), _histogram(theirs, edges)


def _histogram(array: pa.Array, edges: np.ndarray) -> np.ndarray:
    values = np.asarray(array.drop_null(), dtype=np.float64)
    counts = np.bincount(np.searchsorted(edges, values, side="left"), minlength=len(edges) + 1)
    return np.append(counts, array.null_count)


def _category_bins(mine: pa.Array, theirs: pa.Array) -> Histograms:
    mine, theirs = mine.cast(pa.string()), theirs.cast(pa.string())
    counted = pc.value_counts(theirs.drop_null()).to_pylist()
    counted.sort(key=lambda item: (-item["counts"], item["values"]))
    named = pa.array([item["values"] for item in counted[:LARGEST_CATEGORIES]], pa.string())

    def histogram(array: pa.Array) -> np.ndarray:
        at = pc.index_in(array.drop_null(), value_set=named)
        counts = np.bincount(np.asarray(pc.fill_null(at, len(named))), minlength=len(named) + 1)
        return np.append(counts, array.null_count)

    return histogram(mine), histogram(theirs)


def _length_bins(mine: pa.Array, theirs: pa.Array) -> Histograms:
    return _numeric_bins(pc.utf8_length(mine), pc.utf8_length(theirs))


_BINNED: dict[str, Callable[[pa.Array, pa.Array], Histograms]] = {
    "category": _category_bins,
    "boolean": _category_bins,
    "text": _length_bins,
}


def _ppm(value: float) -> int:
    # A distance of many units is as good as infinite.
    return round(min(value, 1000.0) * 1_000_000)
