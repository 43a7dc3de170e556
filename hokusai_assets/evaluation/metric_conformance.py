"""What every metric must hold to be measured and paid by, checked on made-up predictions.

For authors of metrics, in their tests (``assert_conforms(METRIC)``) and by ``hokusai metrics
--check NAME``. It cannot tell whether a metric means what its name says.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import numpy as np

from hokusai_assets.evaluation.intervals import stratified_variance
from hokusai_assets.evaluation.metrics import Averaging, ClassCounts, Metric, UndefinedMetric
from hokusai_assets.evaluation.predictions import FloatArray, IntArray, Predictions, round_scores

Outcome = Literal["pass", "fail", "not applicable"]
_CLOSE = 1e-9


@dataclass(frozen=True)
class Conformance:
    """One requirement, how it came out, and what was found."""

    requirement: str
    outcome: Outcome
    detail: str

    def to_dict(self) -> dict[str, str]:
        """Return the attributes by name."""
        return {
            "requirement": self.requirement,
            "outcome": self.outcome,
            "detail": self.detail,
        }


class _Broken(Exception):
    """A requirement does not hold; the message says how."""


class _NotApplicable(Exception):
    """A requirement is about another form of metric."""


def assert_conforms(metric: Metric) -> None:
    """Raise AssertionError with every requirement that the metric breaks."""
    broken = [found for found in check_conformance(metric) if found.outcome == "fail"]
    assert not broken, "; ".join(f"{found.requirement}: {found.detail}" for found in broken)


def check_conformance(metric: Metric) -> tuple[Conformance, ...]:
    """Check a metric for 2 and 4 classes, every average, and tests sets with odd corners.

    Requirements: "any order of rows" gives the same value, and "repeated rows", which is what
    weights mean; values stay "in range", and are never NaN; "one class only" gives a value or
    UndefinedMetric, nothing else; "resamples" of the form agree with the value on the rows they
    stand for; "direction": being right beats guessing beats being wrong; "error": the form's
    standard error is that of resampled rows.
    """
    steps: list[tuple[str, Callable[[Metric], str]]] = [
        ("any order of rows", _order),
        ("repeated rows", _repetition),
        ("in range", _range),
        ("one class only", _one_class),
        ("resamples", _resamples),
        ("direction", _direction),
        ("error", _error),
    ]
    return tuple(_run(name, step, metric) for name, step in steps)


def _run(requirement: str, step: Callable[[Metric], str], metric: Metric) -> Conformance:
    try:
        return Conformance(requirement, "pass", step(metric))
    except _NotApplicable as reason:
        return Conformance(requirement, "not applicable", str(reason))
    except _Broken as error:
        return Conformance(requirement, "fail", str(error))
    except Exception as error:  # whatever a foreign metric does
        return Conformance(requirement, "fail", f"{type(error).__name__}: {error}")


def _require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise _Broken(otherwise)


def _averagings(classes: int) -> Iterator[Averaging]:
    if classes == 2:
        yield Averaging("binary", 0)
        yield Averaging("binary", 1)
    yield Averaging("macro", None)
    yield Averaging("weighted", None)


def _model(rows: int, classes: int, *, seed: int, skill: float = 1.5) -> Predictions:
    stream = np.random.default_rng(seed)
    actual = np.concatenate([np.arange(classes), stream.integers(0, classes, rows - classes)])
    return _answers(actual, stream.normal(size=(rows, classes)), skill)


def _answers(actual: IntArray, noise: FloatArray, skill: float) -> Predictions:
    logits = noise.copy()
    logits[np.arange(len(actual)), actual] += skill
    odds = np.exp(logits)
    # Few distinct scores: ties are where metrics go wrong.
    scores = np.floor(odds / odds.sum(axis=1, keepdims=True) * 16) + 1
    scores = round_scores(scores / scores.sum(axis=1, keepdims=True))
    labels = tuple(f"{index:02d}" for index in range(noise.shape[1]))
    return Predictions(labels, actual, scores.argmax(axis=1).astype(np.int64), scores)


def _taken(given: Predictions, rows: IntArray) -> Predictions:
    return Predictions(given.labels, given.actual[rows], given.predicted[rows], given.scores[rows])


def _cases() -> Iterator[tuple[str, Predictions, Averaging]]:
    for classes in (2, 4):
        plain = _model(240, classes, seed=classes)
        never = Predictions(plain.labels, plain.actual, np.zeros(240, dtype=np.int64), plain.scores)
        even = round_scores(np.full((240, classes), 1 / classes))
        constant = Predictions(plain.labels, plain.actual, never.predicted, even)
        for name, given in (
            ("a model", plain),
            ("a guesser", _model(240, classes, seed=7, skill=0.0)),
            ("a model that is always wrong", _model(240, classes, seed=8, skill=-30.0)),
            ("a model that never says most classes", never),
            ("constant scores", constant),
        ):
            for averaging in _averagings(classes):
                yield f"{name}, {classes} classes, {averaging.average}", given, averaging


def _same(one: Fraction | float, other: Fraction | float) -> bool:
    return math.isclose(float(one), float(other), rel_tol=_CLOSE, abs_tol=_CLOSE)


def _order(metric: Metric) -> str:
    stream = np.random.default_rng(1)
    for name, given, averaging in _cases():
        value = metric.value(given, averaging)
        for _ in range(3):
            turned = metric.value(_taken(given, stream.permutation(given.rows)), averaging)
            _require(
                value == turned,
                f"{name}: {float(value)!r} became {float(turned)!r} in another order of rows "
                "(add up with hokusai_assets.evaluation.exact_sums.exact_sum)",
            )
    return "the value does not depend on it"


def _repetition(metric: Metric) -> str:
    for name, given, averaging in _cases():
        value = metric.value(given, averaging)
        thrice = metric.value(_taken(given, np.tile(np.arange(given.rows), 3)), averaging)
        _require(
            _same(value, thrice),
            f"{name}: {float(value)!r} became {float(thrice)!r} when every row came three times",
        )
        if metric.score is not None:
            weighted = metric.score(given.actual, metric.answers(given), np.full(given.rows, 3.0))
            _require(
                _same(value, weighted),
                f"{name}: {float(value)!r} became {weighted!r} with weights of 3",
            )
    return "three times every row, or a weight of three, changes nothing"


def _range(metric: Metric) -> str:
    least, most = metric.range
    for name, given, averaging in _cases():
        value = float(metric.value(given, averaging))
        _require(math.isfinite(value), f"{name}: the value is {value}")
        _require(least <= value <= most, f"{name}: {value!r} is outside of {least!r} to {most!r}")
    return "every value lies between the two ends"


def _one_class(metric: Metric) -> str:
    said = []
    for classes in (2, 4):
        given = _model(60, classes, seed=3)
        only = Predictions(
            given.labels, np.zeros(60, dtype=np.int64), given.predicted, given.scores
        )
        for averaging in _averagings(classes):
            try:
                value = float(metric.value(only, averaging))
            except UndefinedMetric:
                said.append("undefined")
                continue
            _require(
                metric.range[0] <= value <= metric.range[1],
                f"rows of one class only give {value!r}: raise UndefinedMetric",
            )
            said.append("a value")
    return f"rows of one class only give {' or '.join(sorted(set(said)))}"


def _resamples(metric: Metric) -> str:
    if metric.components is not None:
        raise _NotApplicable("components have no resamples")
    for name, given, averaging in _cases():
        if metric.from_counts is not None:
            _counted(metric, name, given, averaging)
        elif metric.per_row is not None:
            rows = metric.per_row(given)
            _require(rows.shape == (given.rows,), f"{name}: per_row has the shape {rows.shape}")
            mean = math.fsum(rows.tolist()) / given.rows
            _require(
                _same(mean, metric.value(given, averaging)), f"{name}: per_row's mean is {mean!r}"
            )
        else:
            assert metric.score is not None
            chosen = np.random.default_rng(2).integers(0, given.rows, given.rows)
            weights = np.bincount(chosen, minlength=given.rows).astype(np.float64)
            weighted = metric.score(given.actual, metric.answers(given), weights)
            value = metric.value(_taken(given, chosen), averaging)
            _require(
                _same(weighted, value),
                f"{name}: {weighted!r} with weights, {float(value)!r} on the rows they stand for",
            )
    return "they agree with the value on the rows they stand for"


def _counted(metric: Metric, name: str, given: Predictions, averaging: Averaging) -> None:
    """Compare from_counts on several resamples at once with the value on each."""
    assert metric.from_counts is not None
    stream = np.random.default_rng(2)
    strata = [np.flatnonzero(given.actual == label) for label in range(given.classes)]
    models = [
        _taken(given, np.concatenate([stream.choice(rows, len(rows)) for rows in strata]))
        for _ in range(4)
    ]
    counts = [ClassCounts.of(model) for model in models]
    stacked = ClassCounts(
        np.stack([one.hits for one in counts]).astype(np.float64),
        np.stack([one.predicted for one in counts]).astype(np.float64),
        counts[0].actual,
    )
    values = metric.from_counts(stacked, averaging)
    _require(values.shape == (4,), f"{name}: from_counts of 4 resamples has shape {values.shape}")
    for found, model in zip(values.tolist(), models, strict=True):
        expected = metric.value(model, averaging)
        _require(
            _same(found, expected),
            f"{name}: from_counts gives {found!r} where the value is {float(expected)!r}",
        )


def _direction(metric: Metric) -> str:
    sign = 1 if metric.direction == "higher" else -1
    for classes in (2, 4):
        stream = np.random.default_rng(4)
        actual = np.tile(np.arange(classes), 100)
        noise = stream.normal(size=(len(actual), classes))
        for averaging in _averagings(classes):
            wrong, guessing, right = (
                sign * float(metric.value(_answers(actual, noise, skill), averaging))
                for skill in (-6.0, 0.0, 6.0)
            )
            _require(
                wrong < guessing < right,
                f"{classes} classes, {averaging.average}: being wrong gives {sign * wrong:.6g}, "
                f"guessing {sign * guessing:.6g}, being right {sign * right:.6g}, though "
                f"{metric.direction} is better",
            )
    return f"{metric.direction} is better"


def _error(metric: Metric) -> str:
    if metric.is_resampled:
        raise _NotApplicable("its error is that of resampled rows")
    given = _model(400, 2, seed=9)
    averaging = Averaging("binary", 1)
    if metric.components is not None:
        parts = metric.components(given, averaging)
    else:
        assert metric.per_row is not None
        parts = metric.per_row(given) / given.rows
    error = math.sqrt(stratified_variance(parts, given.actual))
    stream = np.random.default_rng(5)
    strata = [np.flatnonzero(given.actual == label) for label in range(2)]
    values = []
    for _ in range(400):
        rows = np.concatenate([stream.choice(stratum, len(stratum)) for stratum in strata])
        values.append(float(metric.value(_taken(given, rows), averaging)))
    resampled = float(np.std(values, ddof=1))
    # 400 resamples tell a standard error to 3.5%.
    _require(
        abs(error / resampled - 1) < 0.2 if resampled > 0 else error == 0,
        f"the form's standard error is {error:.6g}, that of resampled rows {resampled:.6g}",
    )
    return f"{error:.3g}, of resampled rows {resampled:.3g}"
