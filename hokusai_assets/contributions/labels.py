"""Whether the labels of a contribution are plausible: their balance, conflicts and noise."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from hokusai_assets.benchmarks.spec import BenchmarkSpec
from hokusai_assets.contributions.drift import stability_index, stability_limit
from hokusai_assets.contributions.growing_array import GrowingArray
from hokusai_assets.contributions.leakage.report import (
    STANDARD_ERRORS,
    NaturalRate,
    standard_error,
)
from hokusai_assets.contributions.sorted_keys import KeySet, key_words
from hokusai_assets.tables.problems import Problem

# Fewer doubtful rows than this are not told, whatever their share.
FEWEST_ROWS = 5
# Conflicts are looked for in one range of feature keys, by their first bits, at a time.
_KEY_RANGES = 16
_RANGE_SHIFT = np.uint64(60)


@dataclass(frozen=True)
class BaselineOpinion:
    """What the baseline thinks of rows it was not trained on.

    Attributes:
        probabilities: typed rows (n) -> float64 (n, K), columns in the order of the labels.
        test_labels: int64 (m,), the test rows' labels by position.
        test_probabilities: float64 (m, K), the baseline's on the test rows.
    """

    probabilities: Callable[[pa.Table], np.ndarray]
    test_labels: np.ndarray
    test_probabilities: np.ndarray


def class_thresholds(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Return per class how sure a model is of rows that have it, float64 (K,).

    The mean probability of class k over rows with label k (Northcutt, Jiang & Chuang 2021,
    Confident Learning, eq. 2); 1 for a class without rows.
    """
    classes = probabilities.shape[1]
    return np.array(
        [
            probabilities[labels == k, k].mean() if (labels == k).any() else 1.0
            for k in range(classes)
        ]
    )


def confident_joint(
    labels: np.ndarray, probabilities: np.ndarray, thresholds: np.ndarray
) -> np.ndarray:
    """Count rows by their label and the class a model is confident of, int64 (K, K).

    A row counts for the most probable of the classes that reach their threshold, and not at all
    if none does (Northcutt et al. 2021, eq. 1).

    Args:
        labels: int64 (n,), positions of the given labels.
        probabilities: float64 (n, K).
        thresholds: float64 (K,).
    """
    classes = len(thresholds)
    confident = np.where(probabilities >= thresholds, probabilities, -1.0)
    counted = confident.max(axis=1) >= 0
    cells = labels[counted] * classes + confident[counted].argmax(axis=1)
    return np.bincount(cells, minlength=classes * classes).reshape(classes, classes)


def noise_rate(joint: np.ndarray) -> NaturalRate:
    """Return how many of the confident rows have another label than the model is sure of."""
    total = int(joint.sum())
    return NaturalRate(Fraction(total - int(np.trace(joint))), Fraction(total))


@dataclass(frozen=True)
class LabelCheck:
    """One question about the labels.

    Attributes:
        name: ``class-balance``, ``conflicting-labels`` or ``label-noise``.
        rows: rows looked at.
        doubtful: how many of them; 0 for the balance, which is of all.
        found_ppm: the share of doubtful rows, or the stability index of the balance, in ppm.
        limit_ppm: above it the question is answered with no.
    """

    name: str
    rows: int
    doubtful: int
    found_ppm: int
    limit_ppm: int

    @property
    def exceeded(self) -> bool:
        """Whether the labels are doubtful in this respect."""
        enough = self.name == "class-balance" or self.doubtful > FEWEST_ROWS
        return enough and self.found_ppm > self.limit_ppm

    def to_dict(self) -> dict[str, object]:
        """Return the JSON form."""
        return {
            "name": self.name,
            "rows": self.rows,
            "doubtful": self.doubtful,
            "found_ppm": self.found_ppm,
            "limit_ppm": self.limit_ppm,
            "exceeded": self.exceeded,
        }


class LabelScan:
    """Counts labels and conflicts over the batches of one contribution; 10 bytes a row."""

    def __init__(self, spec: BenchmarkSpec, base: "LabelledRows") -> None:
        """Begin a scan.

        Args:
            spec: names the labels.
            base: the base set's rows.
        """
        self._labels, self._base = pa.array(spec.labels, pa.string()), base
        self._high, self._codes = GrowingArray(np.uint64), GrowingArray(np.int16)
        self._counts = np.zeros(len(spec.labels), dtype=np.int64)
        self._against_base = 0

    def add(self, labels: pa.ChunkedArray, feature_keys: np.ndarray) -> None:
        """Take the next n rows: their labels, all known, and feature keys, uint8 (n, 16)."""
        codes = label_codes(labels, self._labels)
        self._counts += np.bincount(codes, minlength=len(self._counts))
        self._codes.extend(codes)
        self._high.extend(key_words(feature_keys)[0])
        self._against_base += int(self._base.contradicts(feature_keys, codes).sum())

    def counts(self) -> np.ndarray:
        """Return rows per label, int64 (K,)."""
        return self._counts

    def balance(self, allowed: float) -> LabelCheck:
        """Compare the shares of the labels with the base set's."""
        mine, theirs = self.counts(), self._base.counts
        index = stability_index(mine, theirs)
        rows = int(mine.sum())
        limit = stability_limit(len(mine), rows, int(theirs.sum()), allowed)
        return LabelCheck(
            "class-balance", rows, 0, round(index * 1_000_000), round(limit * 1_000_000)
        )

    def conflicts(self, allowed: float) -> LabelCheck:
        """Count rows whose features stand in the file or in the base set with another label.

        To be asked once, after all rows: the keys are let go of.
        """
        rows = len(self._high)
        high, codes = self._high.take(), self._codes.take()
        doubtful = self._against_base
        for first_bits in range(_KEY_RANGES):
            chosen = high >> _RANGE_SHIFT == first_bits
            doubtful += in_conflict(high[chosen], codes[chosen])
        # A row may contradict both; it counts once at least and twice at most.
        found = NaturalRate(Fraction(min(doubtful, rows)), Fraction(rows))
        return _compared("conflicting-labels", found, self._base.natural_conflicts, allowed)


class LabelledRows:
    """A base set's feature keys with their labels.

    Attributes:
        counts: int64 (K,), rows per label.
        natural_conflicts: how many of the rows have the features of another with another label.
    """

    def __init__(self, feature_keys: np.ndarray, labels: pa.ChunkedArray, spec: BenchmarkSpec):
        """Index m rows: feature keys, uint8 (m, 16), and labels."""
        codes = label_codes(labels, pa.array(spec.labels, pa.string()))
        self.counts = np.bincount(codes, minlength=len(spec.labels))
        # Features that have several labels contradict nobody.
        high = key_words(feature_keys)[0]
        mixed = _mixed(high, codes)
        self._keys = KeySet(feature_keys[~mixed])
        self._codes = codes[~mixed]
        self.natural_conflicts = NaturalRate(Fraction(int(mixed.sum())), Fraction(len(high)))

    def contradicts(self, feature_keys: np.ndarray, codes: np.ndarray) -> np.ndarray:
        """Return bool (n,): whether the features stand here, with another label only."""
        found = self._keys.find(feature_keys)
        known = found >= 0
        contradicted = np.zeros(len(codes), dtype=bool)
        contradicted[known] = self._codes[found[known]] != codes[known]
        return contradicted


def label_codes(labels: pa.ChunkedArray | pa.Array, known: pa.Array) -> np.ndarray:
    """Return each label's position among the known ones, int64 (n,); all must be known."""
    found = pc.index_in(labels, value_set=known)
    array = found.combine_chunks() if isinstance(found, pa.ChunkedArray) else found
    return np.asarray(array).astype(np.int64)


def in_conflict(high: np.ndarray, codes: np.ndarray) -> int:
    """Count rows whose features another row has with another label.

    Args:
        high: uint64 (n,), the features' keys.
        codes: integers (n,), the labels.
    """
    return int(_mixed(high, codes).sum())


def _mixed(high: np.ndarray, codes: np.ndarray) -> np.ndarray:
    if not len(high):
        return np.zeros(0, dtype=bool)
    order = np.argsort(high, kind="stable")
    ordered = high[order]
    starts = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))
    del ordered
    ordered = codes[order]
    differ = np.minimum.reduceat(ordered, starts) != np.maximum.reduceat(ordered, starts)
    sizes = np.diff(np.append(starts, len(high)))
    mixed = np.zeros(len(high), dtype=bool)
    mixed[order] = np.repeat(differ, sizes)
    return mixed


def label_noise(
    rows: pa.Table, opinion: BaselineOpinion, spec: BenchmarkSpec, allowed: float
) -> LabelCheck:
    """Ask the baseline which labels of some rows look wrong; the test set says what is usual.

    Args:
        rows: n typed rows, features and target.
        opinion: the baseline's.
        spec: names the labels.
        allowed: how much more than usual is not told, 0..1.
    """
    thresholds = class_thresholds(opinion.test_labels, opinion.test_probabilities)
    usual = noise_rate(confident_joint(opinion.test_labels, opinion.test_probabilities, thresholds))
    if not rows.num_rows:
        return _compared("label-noise", NaturalRate(Fraction(0), Fraction(0)), usual, allowed)
    codes = label_codes(rows.column(spec.target), pa.array(spec.labels, pa.string()))
    joint = confident_joint(codes, opinion.probabilities(rows), thresholds)
    return _compared("label-noise", noise_rate(joint), usual, allowed)


def _compared(name: str, found: NaturalRate, usual: NaturalRate, allowed: float) -> LabelCheck:
    limit = float(usual.share) + allowed + STANDARD_ERRORS * standard_error(found, usual)
    return LabelCheck(
        name,
        int(found.rows),
        int(found.matched),
        round(found.share * 1_000_000),
        min(1_000_000, round(limit * 1_000_000)),
    )


_SAID = {
    "class-balance": (
        "the labels are shared out otherwise than in the base set (population stability index "
        "{found:.2f}, usual up to {limit:.2f})",
        "Check that no class was left out or collected for itself.",
    ),
    "conflicting-labels": (
        "{doubtful} of {rows} rows ({share:.1%}) have the features of another row, in the file "
        "or in the base set, but another label (usual up to {limit:.1%})",
        "Give equal rows one label, or send what tells them apart.",
    ),
    "label-noise": (
        "{doubtful} of {rows} rows ({share:.1%}) have a label that the baseline is confident is "
        "another (usual up to {limit:.1%})",
        "Check the labels; look for swapped or shifted ones first.",
    ),
}


def label_problems(checks: Sequence[LabelCheck], spec: BenchmarkSpec) -> list[Problem]:
    """Return one problem per question that is answered with no."""
    problems = []
    for check in checks:
        if check.exceeded:
            message, fix = _SAID[check.name]
            said = message.format(
                doubtful=check.doubtful,
                rows=check.rows,
                share=check.found_ppm / 1_000_000,
                found=check.found_ppm / 1_000_000,
                limit=check.limit_ppm / 1_000_000,
            )
            problems.append(
                Problem(
                    check.name,
                    f"column {spec.target!r}: {said}.",
                    fix,
                    column=spec.target,
                    count=check.doubtful,
                )
            )
    return problems
