"""How much of a contribution is copied from the test set, and from which share on that is told."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import sqrt

import numpy as np

from hokusai_assets.benchmarks.spec import BenchmarkSpec
from hokusai_assets.tables.problems import SHOWN_ROWS, Problem, rows_in_words

# One-sided 0.13% per measure: with up to five of them, well under 1% of honest files.
STANDARD_ERRORS = 3.0
_JOINED_ROWS = 10

_WORDS = {
    "exact": "equal rows of the benchmark's held-out test set",
    "near": "nearly equal rows of the benchmark's held-out test set (numbers moved by less than "
    "0.4%, or texts with other punctuation, spacing, accents or look-alike letters)",
    "near-integers": "equal rows of the benchmark's held-out test set, but for whole numbers "
    "moved by 1",
    "all-moved": "equal rows of the benchmark's held-out test set, but for every whole number "
    "moved by 1",
    "one-cell": "equal rows of the benchmark's held-out test set in all columns but one",
    "close": "are far closer to a row of the benchmark's held-out test set than its rows are to "
    "each other",
    "shared-cells": "share far more cells with a row of the benchmark's held-out test set than its "
    "rows share with each other",
    "similar-text": "have nearly the text of rows of the benchmark's held-out test set",
}


@dataclass(frozen=True)
class NaturalRate:
    """How often honest rows match a test row: ``matched`` of ``rows`` that were looked at."""

    matched: Fraction
    rows: Fraction

    @property
    def share(self) -> Fraction:
        """The rate, 0..1; 0 where there were no rows."""
        return self.matched / self.rows if self.rows else Fraction(0)

    @classmethod
    def of(cls, base: tuple[int, int], among_test: tuple[int, int]) -> "NaturalRate":
        """Estimate the rate from the base set, sharpened by the test set where both agree.

        A test row that matches another test row says as much as a base row that does, when both
        sets are drawn alike: left out one at a time, it has all the others but itself to match.
        Matches come in pairs there, so such rows count half. Where the two shares differ by more
        than `STANDARD_ERRORS`, the sets are not drawn alike and the base set alone speaks.

        Args:
            base: (matched, looked at) of base rows against the test set.
            among_test: (matched, looked at) of test rows against all others.
        """
        alone = cls(Fraction(base[0]), Fraction(base[1]))
        halved = cls(Fraction(among_test[0], 2), Fraction(among_test[1], 2))
        if not alone.rows or not halved.rows:
            return halved if halved.rows else alone
        error = standard_error(alone, halved)
        if abs(alone.share - halved.share) > STANDARD_ERRORS * error:
            return alone
        return cls(alone.matched + halved.matched, alone.rows + halved.rows)


@dataclass(frozen=True)
class NaturalRates:
    """The natural rate of one measure: of all honest rows, and of those with each label.

    Rows of one label may lie denser than those of another: spam is sent by template.
    """

    overall: NaturalRate
    by_label: Mapping[str, NaturalRate]

    @classmethod
    def of(cls, base: "Matched", among_test: "Matched | None" = None) -> "NaturalRates":
        """Estimate the rates from rows and their labels; see `NaturalRate.of`."""
        rates = {}
        known = [base.labels, among_test.labels if among_test else base.labels]
        for label in np.unique(np.concatenate(known)).tolist():
            theirs = among_test.count(label) if among_test else (0, 0)
            rates[label] = NaturalRate.of(base.count(label), theirs)
        return cls(
            NaturalRate.of(base.count(), among_test.count() if among_test else (0, 0)), rates
        )

    def weighed(self, counts: Mapping[str, int]) -> NaturalRate:
        """Return the rate that honest rows with so many rows of each label have.

        Few honest rows of a label say little: they are joined by as many of all labels as
        `_JOINED_ROWS`. The rows the rate stands on are as many as give its standard error.
        """
        total = sum(counts.values())
        if not total or not self.overall.rows:
            return self.overall
        share = part = Fraction(0)
        for label, count in counts.items():
            known = self.by_label.get(label, NaturalRate(Fraction(0), Fraction(0)))
            rows = known.rows + _JOINED_ROWS
            weight = Fraction(count, total)
            share += weight * (known.matched + _JOINED_ROWS * self.overall.share) / rows
            part += weight * weight / rows
        rows = min(self.overall.rows, 1 / part)
        return NaturalRate(share * rows, rows)


@dataclass(frozen=True)
class Matched:
    """Honest rows that were looked at: whether each matches, bool (n,), and its label, str (n,)."""

    hits: np.ndarray
    labels: np.ndarray

    def count(self, label: str | None = None) -> tuple[int, int]:
        """Return (matched, looked at) of all rows or of those with a label."""
        chosen = self.hits if label is None else self.hits[self.labels == label]
        return int(chosen.sum()), len(chosen)


def standard_error(first: NaturalRate, second: NaturalRate) -> float:
    """Return the pooled standard error of the difference of two shares, 0..1.

    sqrt(p (1 - p) (1/n1 + 1/n2)) with p the share of both together (two-proportion z-test).
    """
    rows = first.rows + second.rows
    if not first.rows or not second.rows:
        return 0.0
    pooled = (first.matched + second.matched) / rows
    return sqrt(float(pooled * (1 - pooled) * (1 / first.rows + 1 / second.rows)))


@dataclass(frozen=True)
class LeakageMeasure:
    """One way of being a copy, counted over a contribution.

    Attributes:
        name: ``exact``, ``near``, ``near-integers``, ``all-moved``, ``one-cell``,
            ``one-cell:<column>`` or ``similar-text``, which count the exact copies too;
            ``close`` or ``shared-cells``, which look at what no other took out.
        removes: whether such rows are taken out; where they are too common among honest rows
            they only count here.
        rows: rows looked at: all, or a sample of distinct ones where rows aren't removed.
        matched: how many of them are copies.
        test_rows: of how many distinct test rows.
        natural: how often honest rows match.
        allowed_excess: the spec's max_test_overlap_excess, 0..1.
        tolerance_rows: the spec's test_overlap_tolerance_rows.
        first_rows: the first few copies, counted from 1.
    """

    name: str
    removes: bool
    rows: int
    matched: int
    test_rows: int
    natural: NaturalRate
    allowed_excess: Fraction
    tolerance_rows: int
    first_rows: tuple[int, ...] = ()

    @property
    def share(self) -> Fraction:
        """Copies among the rows looked at, 0..1."""
        return Fraction(self.matched, max(1, self.rows))

    @property
    def limit_ppm(self) -> int:
        """The share (ppm) above which the file is told: natural + excess + 3 standard errors."""
        own = NaturalRate(Fraction(self.matched), Fraction(self.rows))
        chance = STANDARD_ERRORS * standard_error(own, self.natural)
        limit = float(self.natural.share + self.allowed_excess) + chance
        return min(1_000_000, round(limit * 1_000_000))

    @property
    def exceeded(self) -> bool:
        """Whether there are more copies than honest data has."""
        enough = self.test_rows > self.tolerance_rows
        return enough and self.share * 1_000_000 > self.limit_ppm

    def to_dict(self) -> dict[str, object]:
        """Return the JSON form, of strings, integers and truth values; without row numbers."""
        return {
            "name": self.name,
            "removes": self.removes,
            "rows": self.rows,
            "matched": self.matched,
            "test_rows": self.test_rows,
            "share_ppm": round(self.share * 1_000_000),
            "natural_ppm": round(self.natural.share * 1_000_000),
            "limit_ppm": self.limit_ppm,
            "exceeded": self.exceeded,
        }


@dataclass(frozen=True)
class LeakageReport:
    """What a contribution of ``rows`` rows shares with the test set, by measure, exact first."""

    rows: int
    measures: tuple[LeakageMeasure, ...]

    def measure(self, name: str) -> LeakageMeasure:
        """Return one measure; KeyError where the benchmark's columns have no such one."""
        for measure in self.measures:
            if measure.name == name:
                return measure
        raise KeyError(name)

    def to_dict(self) -> dict[str, object]:
        """Return the JSON form; the same whatever the order of rows and size of batches."""
        return {"rows": self.rows, "measures": [measure.to_dict() for measure in self.measures]}


def leakage_problems(report: LeakageReport, spec: BenchmarkSpec) -> list[Problem]:
    """Return why a contribution is rejected for copying the test set; empty if it isn't.

    ``copied-from-test-set`` for equal rows; ``near-copies-of-test-set`` for the measure most
    above its limit, if it has more than the exact copies and the spec's tolerance.
    """
    exact, *others = report.measures
    problems = [_problem(exact, "copied-from-test-set")] if exact.exceeded else []
    tolerance = spec.intake.test_overlap_tolerance_rows
    told = [
        measure
        for measure in others
        if measure.exceeded
        and not (exact.exceeded and measure.test_rows <= exact.test_rows + tolerance)
    ]
    if told:
        worst = max(told, key=lambda measure: measure.share * 1_000_000 - measure.limit_ppm)
        problems.append(_problem(worst, "near-copies-of-test-set"))
    return problems


def _problem(measure: LeakageMeasure, rule: str) -> Problem:
    name, _, column = measure.name.partition(":")
    words = _WORDS[name] + (f" ({column!r})" if column else "")
    looked_at = "rows" if measure.removes else "distinct rows looked at"
    where = ""
    if measure.first_rows:
        where = f" (the first in {rows_in_words(list(measure.first_rows))})"
    return Problem(
        rule,
        f"{measure.matched} of {measure.rows} {looked_at} ({float(measure.share):.1%}) "
        f"{words}{where}; at most {measure.limit_ppm / 10_000:.1f}% may.",
        "Send data that you collected yourself; remove those rows.",
        column=column or None,
        rows=measure.first_rows[:SHOWN_ROWS],
        count=measure.matched,
    )
