"""The metrics a benchmark may name, each as scikit-learn 1.9.1 defines it.

Precision, recall and F1 follow scikit-learn's defaults with ``zero_division=0``: an average
runs over the classes that occur in the true or the predicted labels. Metrics of counts, the
AUROC and the Brier score are exact rationals of the stored labels and of the scores as
multiples of 1e-9; the log loss is a float that does not depend on the order of rows.
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from types import MappingProxyType
from typing import Any, Literal, TypeVar, get_args

import numpy as np

from hokusai_assets.evaluation import roc
from hokusai_assets.evaluation.exact_sums import exact_sum
from hokusai_assets.evaluation.predictions import (
    SCORE_UNITS,
    FloatArray,
    IntArray,
    Predictions,
    billionths,
)

Average = Literal["binary", "macro", "weighted"]
Direction = Literal["higher", "lower"]
Needs = Literal["labels", "scores"]
Averages = Literal["spec", "rows", "one_vs_rest"]

_Areas = TypeVar("_Areas")
_EPS = float(np.finfo(np.float64).eps)


class UndefinedMetric(ValueError):
    """A metric, or the error of its difference, does not exist on these test rows.

    Attributes:
        metric: the metric's name.
        why: the reason, one phrase.
    """

    def __init__(self, metric: str, why: str) -> None:
        """Name the metric and say why it is undefined."""
        super().__init__(f"{metric} is undefined: {why}")
        self.metric = metric
        self.why = why


@dataclass(frozen=True)
class Averaging:
    """How precision, recall and F1 become one number, and which class is the positive one.

    Attributes:
        average: "binary" (the positive class's value), "macro" (plain mean over classes) or
            "weighted" (mean weighted by true rows).
        positive: index of the positive class; needed by "binary". It also chooses the score
            column of a two-class AUROC, where None means class 1, the greater label.
    """

    average: Average
    positive: int | None

    @classmethod
    def of(cls, average: str, positive: int | None, *, classes: int) -> "Averaging":
        """Check an average against the number of classes.

        Raises:
            ValueError: an unknown average; "binary" without a positive class or with other
                than two classes; a positive index outside 0..classes - 1.
        """
        if average not in get_args(Average):
            raise ValueError(f"average must be one of {get_args(Average)}, got {average!r}")
        if positive is not None and not 0 <= positive < classes:
            raise ValueError(f"positive must lie in 0..{classes - 1}, got {positive}")
        if average == "binary" and (classes != 2 or positive is None):
            raise ValueError(
                f"average 'binary' needs two classes and a positive one, got {classes} "
                f"classes and positive {positive}"
            )
        return cls(average, positive)  # type: ignore[arg-type]


@dataclass(frozen=True, eq=False)
class ClassCounts:
    """What count metrics are made of, for one set of rows or for R resamples at once.

    Attributes:
        hits: (K,) or (R, K) rows of each class predicted as that class.
        predicted: (K,) or (R, K) rows predicted as each class.
        actual: (K,) true rows of each class.
    """

    hits: IntArray | FloatArray
    predicted: IntArray | FloatArray
    actual: IntArray

    @classmethod
    def of(cls, predictions: Predictions) -> "ClassCounts":
        """Count one model's predictions."""
        size = predictions.classes
        hit = predictions.actual == predictions.predicted
        return cls(
            hits=np.bincount(predictions.actual[hit], minlength=size),
            predicted=np.bincount(predictions.predicted, minlength=size),
            actual=np.bincount(predictions.actual, minlength=size),
        )


def mean_of(values: Sequence[Fraction | float]) -> Fraction:
    """Return the mean of at least one value; floats too are added exactly, in whatever order."""
    return sum((Fraction(value) for value in values), Fraction(0)) / len(values)


def _from_form(predictions: Predictions, averaging: Averaging) -> Fraction | float:
    """Stand for a value that follows from the metric's form; Metric replaces it."""
    raise NotImplementedError


@dataclass(frozen=True)
class Metric:
    """A metric, and the one form its paired interval is computed from.

    Exactly one of from_counts, per_row, components and score is given.

    Attributes:
        name: the name specs use: letters, digits and underscores, a letter first.
        direction: whether "higher" or "lower" is better.
        range: least and greatest value.
        needs: whether it reads predicted "labels" or "scores".
        value: the metric on all rows; a Fraction where it is exact. It may be left out where
            the form gives it: all but components do.
        from_counts: (R,) values from the ClassCounts of R resamples.
        per_row: (n,) values whose mean is the metric.
        components: (n,) parts in the sampling error, see roc.area_and_components.
        score: the metric from (n,) true classes, (n,) labels or (n, K) scores as needed, and
            (n,) weights, which are numbers of rows. Any metric has this form; it is slow,
            since every resample calls it.
        averages: how it becomes one number: as the "spec" says, over "rows", or over classes
            "one_vs_rest".
        source: the distribution it comes from and its version; "hokusai" for those built in.

    value, components and score raise UndefinedMetric.

    Raises:
        ValueError: none or several of the four forms are given, the name is not of that form,
            the range is upside down, or there is no value where none follows.
    """

    name: str
    direction: Direction
    range: tuple[float, float]
    needs: Needs
    value: Callable[[Predictions, Averaging], Fraction | float] = _from_form
    from_counts: Callable[[ClassCounts, Averaging], FloatArray] | None = None
    per_row: Callable[[Predictions], FloatArray] | None = None
    components: Callable[[Predictions, Averaging], FloatArray] | None = None
    score: Callable[[IntArray, Any, FloatArray], float] | None = None
    averages: Averages = "rows"
    source: str = "hokusai"

    def __post_init__(self) -> None:
        """Check what is given and take the value from the form where it is left out."""
        forms = (self.from_counts, self.per_row, self.components, self.score)
        if sum(form is not None for form in forms) != 1:
            raise ValueError(
                f"metric {self.name} must give exactly one of from_counts, per_row, components, "
                "score"
            )
        if not re.fullmatch(r"[a-z][a-z0-9_]{0,39}", self.name):
            raise ValueError(
                f"{self.name!r} is no name for a metric: a-z, 0-9 and _, a letter first"
            )
        if self.direction not in get_args(Direction) or self.needs not in get_args(Needs):
            raise ValueError(
                f"metric {self.name}: direction is one of {get_args(Direction)}, needs one of "
                f"{get_args(Needs)}"
            )
        if not self.range[0] < self.range[1]:
            raise ValueError(f"metric {self.name}: range must be (least, greatest)")
        if self.value is _from_form:
            if self.components is not None:
                raise ValueError(f"metric {self.name}: components need a value besides")
            object.__setattr__(self, "value", self._value_of_form)

    @property
    def is_resampled(self) -> bool:
        """Whether its interval comes from a bootstrap."""
        return self.from_counts is not None or self.score is not None

    def mean_value(self, replicas: Sequence[Predictions], averaging: Averaging) -> Fraction:
        """Return the mean of the metric over a model's replicas, exact where the metric is.

        Raises:
            UndefinedMetric: it has no value on these rows.
        """
        return mean_of([self.value(said, averaging) for said in replicas])

    def answers(self, predictions: Predictions) -> IntArray | FloatArray:
        """Return what score reads of a model: (n,) labels or (n, K) scores."""
        return predictions.predicted if self.needs == "labels" else predictions.scores

    def _value_of_form(self, predictions: Predictions, averaging: Averaging) -> Fraction | float:
        if self.from_counts is not None:
            counts = ClassCounts.of(predictions)
            one = ClassCounts(counts.hits[None], counts.predicted[None], counts.actual)
            return float(self.from_counts(one, averaging)[0])
        if self.per_row is not None:
            return exact_sum(self.per_row(predictions)) / predictions.rows
        assert self.score is not None
        # Equal rows are one row with a weight, in an order of their own: no order of the test
        # set shows, however the score adds up.
        answers = self.answers(predictions).reshape(predictions.rows, -1)
        rows = np.column_stack([predictions.actual, answers])
        _, first, times = np.unique(rows, axis=0, return_index=True, return_counts=True)
        return float(
            self.score(
                predictions.actual[first],
                self.answers(predictions)[first],
                times.astype(np.float64),
            )
        )


# A ratio's numerator and denominator per class, from hits, predicted and actual rows; Any,
# since one definition serves the exact value and the resamples.
_Parts = Callable[[Any, Any, Any], tuple[Any, Any]]


def _precision(hits: Any, predicted: Any, actual: Any) -> tuple[Any, Any]:
    return hits, predicted


def _recall(hits: Any, predicted: Any, actual: Any) -> tuple[Any, Any]:
    return hits, actual


def _f1(hits: Any, predicted: Any, actual: Any) -> tuple[Any, Any]:
    return 2 * hits, predicted + actual


_PARTS: Mapping[str, _Parts] = {"precision": _precision, "recall": _recall, "f1": _f1}

CLASS_METRICS = tuple(_PARTS)
"""Metrics that a single class has as well."""


def class_ratio(name: str, hits: int, predicted: int, actual: int) -> Fraction:
    """Return the precision, recall or F1 of one class; 0 where nothing is to be divided by."""
    numerator, denominator = _PARTS[name](hits, predicted, actual)
    return Fraction(numerator, denominator) if denominator > 0 else Fraction(0)


def exact_average(name: str, counts: ClassCounts, averaging: Averaging) -> Fraction:
    """Return precision, recall or F1 over classes, from (K,) counts."""
    ratios, weights = [], []
    for index, (hits, predicted, actual) in enumerate(
        zip(counts.hits.tolist(), counts.predicted.tolist(), counts.actual.tolist(), strict=True)
    ):
        ratios.append(class_ratio(name, hits, predicted, actual))
        if averaging.average == "binary":
            weights.append(int(index == averaging.positive))
        elif averaging.average == "macro":
            weights.append(int(predicted + actual > 0))
        else:
            weights.append(actual)
    weighted = [ratio * weight for ratio, weight in zip(ratios, weights, strict=True)]
    return sum(weighted, Fraction(0)) / sum(weights)


def _resampled_average(parts: _Parts, counts: ClassCounts, averaging: Averaging) -> FloatArray:
    numerator, denominator = np.broadcast_arrays(
        *parts(counts.hits, counts.predicted, counts.actual)
    )
    ratio: FloatArray = np.divide(
        numerator, denominator, out=np.zeros(numerator.shape), where=denominator > 0
    )
    if averaging.average == "binary":
        return ratio[..., averaging.positive]
    if averaging.average == "macro":
        weights = (counts.predicted + counts.actual > 0).astype(np.float64)
    else:
        weights = np.broadcast_to(counts.actual, ratio.shape).astype(np.float64)
    average: FloatArray = (ratio * weights).sum(axis=-1) / weights.sum(axis=-1)
    return average


def _ratio_metric(name: str) -> Metric:
    return Metric(
        name=name,
        direction="higher",
        range=(0.0, 1.0),
        needs="labels",
        value=lambda predictions, averaging: exact_average(
            name, ClassCounts.of(predictions), averaging
        ),
        from_counts=lambda counts, averaging: _resampled_average(_PARTS[name], counts, averaging),
        averages="spec",
    )


def _accuracy(predictions: Predictions, averaging: Averaging) -> Fraction:
    hits = int(np.count_nonzero(predictions.actual == predictions.predicted))
    return Fraction(hits, predictions.rows)


def _resampled_accuracy(counts: ClassCounts, averaging: Averaging) -> FloatArray:
    accuracy: FloatArray = counts.hits.sum(axis=-1) / counts.actual.sum()
    return accuracy


def _areas(
    of: Callable[[Predictions, Sequence[int]], _Areas],
) -> Callable[[Predictions, Averaging], _Areas]:
    """Return a function of roc as a metric's: with its choice of classes and its error."""

    def areas(predictions: Predictions, averaging: Averaging) -> _Areas:
        if predictions.classes == 2:
            classes = [1 if averaging.positive is None else averaging.positive]
        else:
            classes = list(range(predictions.classes))
        try:
            return of(predictions, classes)
        except roc.SingleClass as error:
            raise UndefinedMetric("auroc", str(error)) from error

    return areas


def log_losses(predictions: Predictions) -> FloatArray:
    """Return (n,) minus natural log of each true class's score, clipped to [eps, 1 - eps].

    eps is 2**-52, as in scikit-learn. Platforms' logarithms differ by one unit in the last
    place, near 1e-16 of the mean.
    """
    chosen = predictions.scores[np.arange(predictions.rows), predictions.actual]
    losses: FloatArray = -np.log(np.clip(chosen, _EPS, 1 - _EPS))
    return losses


def _mean_log_loss(predictions: Predictions, averaging: Averaging) -> float:
    return exact_sum(log_losses(predictions)) / predictions.rows


def _squared_errors(predictions: Predictions) -> tuple[IntArray, int]:
    """Return (n,) squared errors summed over classes, and how many of them make one unit."""
    # Scores are whole multiples of 1e-9 that sum to about 1, so a row's sum of squares is
    # at most 2.0001e18 and fits int64.
    errors = billionths(predictions.scores)
    errors[np.arange(predictions.rows), predictions.actual] -= SCORE_UNITS
    halved = 2 if predictions.classes == 2 else 1
    return (errors * errors).sum(axis=1), SCORE_UNITS**2 * halved


def brier_scores(predictions: Predictions) -> FloatArray:
    """Return (n,) squared errors summed over classes: in [0, 2], halved for two classes."""
    squares, unit = _squared_errors(predictions)
    scores: FloatArray = squares / float(unit)
    return scores


def _mean_brier_score(predictions: Predictions, averaging: Averaging) -> Fraction:
    squares, unit = _squared_errors(predictions)
    # The sum overflows int64: add high and low 32 bits apart.
    total = (int((squares >> 32).sum()) << 32) + int((squares & 0xFFFFFFFF).sum())
    return Fraction(total, unit * predictions.rows)


METRICS: Mapping[str, Metric] = MappingProxyType(
    {
        metric.name: metric
        for metric in (
            Metric(
                name="accuracy",
                direction="higher",
                range=(0.0, 1.0),
                needs="labels",
                value=_accuracy,
                from_counts=_resampled_accuracy,
            ),
            *(_ratio_metric(name) for name in CLASS_METRICS),
            Metric(
                name="auroc",
                direction="higher",
                range=(0.0, 1.0),
                needs="scores",
                value=_areas(roc.exact_area),
                components=_areas(
                    lambda given, classes: roc.area_and_components(given, classes)[1]
                ),
                averages="one_vs_rest",
            ),
            Metric(
                name="log_loss",
                direction="lower",
                range=(0.0, -math.log(_EPS)),
                needs="scores",
                value=_mean_log_loss,
                per_row=log_losses,
            ),
            Metric(
                name="brier",
                direction="lower",
                range=(0.0, 2.0),
                needs="scores",
                value=_mean_brier_score,
                per_row=brier_scores,
            ),
        )
    }
)
"""Every built-in metric by name; with plug-ins see registry.registered_metrics.

The Brier score of two classes stays within [0, 1].
"""
