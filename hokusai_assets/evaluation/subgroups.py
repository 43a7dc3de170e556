"""What changed for the rows of one class, and for the rows of one slice, as integers in ppm."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from statistics import NormalDist, variance

import numpy as np

from hokusai_assets.evaluation import intervals
from hokusai_assets.evaluation.distinct_rows import DistinctRows
from hokusai_assets.evaluation.generic_jackknife import MAX_PARTS, scores_without_parts
from hokusai_assets.evaluation.group_delta import GroupDelta, Kind
from hokusai_assets.evaluation.metrics import (
    CLASS_METRICS,
    METRICS,
    Averaging,
    ClassCounts,
    Metric,
    UndefinedMetric,
    class_ratio,
    exact_average,
)
from hokusai_assets.evaluation.patterns import (
    BoolArray,
    Patterns,
    Statistic,
    class_counts,
    jackknife_variance,
    left_out,
)
from hokusai_assets.evaluation.predictions import FloatArray, IntArray, Predictions, check_same_rows
from hokusai_assets.evaluation.registry import registered_metrics
from hokusai_assets.evaluation.rounding import PPM, ceil_to_ppm, interval_to_ppm, to_ppm


@dataclass(frozen=True)
class _Measured:
    """Exact means over replicas, and the variance of their difference.

    The variance is None where there is none: too few rows, or no value without some of them.
    """

    before: Fraction
    after: Fraction
    variance: float | None
    method: str


@dataclass(frozen=True)
class _Pairs:
    """k pairs of models on the same n rows.

    Attributes:
        baseline, new: k each.
        patterns: of the 2k models, the baselines first.
    """

    baseline: Sequence[Predictions]
    new: Sequence[Predictions]
    patterns: Patterns

    @property
    def replicas(self) -> int:
        return len(self.baseline)


def group_deltas(
    baseline: Sequence[Predictions],
    new: Sequence[Predictions],
    *,
    slices: Mapping[str, BoolArray],
    metrics: Sequence[str],
    average: str,
    positive: int | None,
    confidence: Decimal | float,
) -> tuple[GroupDelta, ...]:
    """Return each class's precision, recall and F1, then each slice's metrics.

    Metrics of counts are exact, with a paired jackknife variance over the counts of rows that
    all models treat alike; AUROC and means over rows as `compare` has them; a plug-in's `score`
    with a jackknife of its own, see `generic_jackknife`. With k replicas the variance
    is that of rows drawn anew and of the replicas' own scatter. The order of rows does not
    matter.

    Args:
        baseline: k >= 1 models trained without the contribution.
        new: the k trained with it, in the same order; all on the same n rows in one order.
        slices: by name, (n,) which rows belong to it; at least one row each.
        metrics: names in registered_metrics(), for the slices.
        average: "binary", "macro" or "weighted".
        positive: index of the positive class, see Averaging.
        confidence: of the intervals, in (0, 1), a whole number of ppm.

    Returns:
        classes in label order, then slices ascending by name, metrics in the order given.

    Raises:
        DifferentRows: class names, or true classes, differ between two models.
        ValueError: no replicas or not as many of both; a slice of another length or without a
            row; an unknown metric, average, positive class or confidence.
    """
    if not baseline or len(baseline) != len(new):
        raise ValueError(f"as many of both models are needed, got {len(baseline)} and {len(new)}")
    models = (*baseline, *new)
    check_same_rows(baseline, new)
    averaging = Averaging.of(average, positive, classes=models[0].classes)
    confidence_ppm = intervals.confidence_to_ppm(confidence)
    known = registered_metrics()
    if unknown := [name for name in metrics if name not in known]:
        raise ValueError(f"unknown metrics {unknown}, known are {sorted(known)}")
    _check_slices(slices, models[0].rows)
    pairs = _Pairs(baseline, new, Patterns.of(models))
    deltas = _by_class(pairs, confidence_ppm)
    for name, rows in sorted(slices.items()):
        chosen = [known[metric] for metric in metrics]
        deltas += _of_slice(pairs, name, rows, chosen, averaging, confidence_ppm)
    return tuple(deltas)


def _check_slices(slices: Mapping[str, BoolArray], rows: int) -> None:
    for name, held in slices.items():
        if held.shape != (rows,) or held.dtype != np.bool_:
            raise ValueError(
                f"slice {name!r} must hold {rows} booleans, got {held.dtype} {held.shape}"
            )
        if not held.any():
            raise ValueError(f"slice {name!r} holds no test row")


# --- classes ----------------------------------------------------------------------------------


def _by_class(pairs: _Pairs, confidence_ppm: int) -> list[GroupDelta]:
    counts = pairs.patterns.counts()
    per_model = [class_counts(pairs.patterns, counts, model) for model in range(2 * pairs.replicas)]
    deltas = []
    for index, label in enumerate(pairs.baseline[0].labels):
        rows = int(per_model[0].actual[index])
        for name in CLASS_METRICS:
            found = _class_measured(pairs, counts, per_model, index, name) if rows else None
            deltas.append(
                _delta(
                    "class",
                    label,
                    METRICS[name],
                    rows,
                    found if found else f"no test row is of class {label!r}",
                    confidence_ppm,
                )
            )
    return deltas


def _class_measured(
    pairs: _Pairs, counts: IntArray, per_model: Sequence[ClassCounts], index: int, name: str
) -> _Measured:
    patterns, values, without = pairs.patterns, [], []
    truly = (patterns.actual == index).astype(np.int64)
    for model, held in enumerate(per_model):
        hits, predicted, actual = (
            int(part[index]) for part in (held.hits, held.predicted, held.actual)
        )
        values.append(class_ratio(name, hits, predicted, actual))
        # What leaving a row out changes depends only on whether it is of the class and on
        # whether it is taken for it. Entries of rows that don't exist have no denominator.
        table = np.array(
            [
                [float(class_ratio(name, hits - t * p, predicted - p, actual - t)) for p in (0, 1)]
                for t in (0, 1)
            ]
        )
        without.append(table[truly, (patterns.predicted[model] == index).astype(np.int64)])
    return _replicated(
        values,
        without,
        lambda values: jackknife_variance(values, counts),
        int(counts.sum()),
        "jackknife_normal",
    )


# --- slices -----------------------------------------------------------------------------------


def _of_slice(
    pairs: _Pairs,
    name: str,
    rows: BoolArray,
    metrics: Sequence[Metric],
    averaging: Averaging,
    confidence_ppm: int,
) -> list[GroupDelta]:
    counts = pairs.patterns.counts(rows)
    held = int(counts.sum())
    scored = any(metric.from_counts is None for metric in metrics)
    models = _restricted(pairs, rows) if scored else []
    deltas = []
    for metric in metrics:
        try:
            found: _Measured | str = _measured(metric, pairs, counts, models, averaging)
        except UndefinedMetric as error:
            found = error.why
        except (ValueError, ArithmeticError) as error:
            # Of foreign code, which may choke on a slice of one class, or give NaN.
            if metric.name in METRICS:
                raise
            found = f"{metric.source} gives no number there ({type(error).__name__})"
        deltas.append(_delta("slice", name, metric, held, found, confidence_ppm))
    return deltas


def _measured(
    metric: Metric,
    pairs: _Pairs,
    counts: IntArray,
    models: Sequence[Predictions],
    averaging: Averaging,
) -> _Measured:
    # Foreign code may divide by a count of zero; what comes of it is looked at.
    with np.errstate(divide="ignore", invalid="ignore"):
        if metric.from_counts is not None:
            return _counted(metric, pairs, counts, averaging)
        if metric.score is not None:
            return _weighted(metric, models, averaging)
        return _scored(metric, models, averaging)


def _restricted(pairs: _Pairs, rows: BoolArray) -> list[Predictions]:
    """Return what all models said of some rows, the baselines first."""
    return [model.take(rows) for model in (*pairs.baseline, *pairs.new)]


def _counted(metric: Metric, pairs: _Pairs, counts: IntArray, averaging: Averaging) -> _Measured:
    statistic = metric.from_counts
    assert statistic is not None
    models = range(2 * pairs.replicas)
    per_model = [class_counts(pairs.patterns, counts, model) for model in models]
    positive = averaging.positive
    if averaging.average == "binary" and metric.name in CLASS_METRICS:
        assert positive is not None  # Averaging.of demands one
        if not per_model[0].actual[positive]:
            label = pairs.baseline[0].labels[positive]
            raise UndefinedMetric(metric.name, f"no row of the slice is of class {label!r}")
    rows = int(counts.sum())
    bound: Statistic = lambda held: statistic(held, averaging)  # noqa: E731
    without = [left_out(pairs.patterns, counts, model, bound) for model in models if rows > 1]
    values = [_exact(metric, held, averaging) for held in per_model]
    return _replicated(
        values,
        without,
        lambda values: jackknife_variance(values, counts),
        rows,
        "jackknife_normal",
    )


def _weighted(metric: Metric, models: Sequence[Predictions], averaging: Averaging) -> _Measured:
    """Measure a metric that only knows weights of rows; models are the baselines, then the new."""
    values = [Fraction(metric.value(model, averaging)) for model in models]
    rows, distinct = models[0].rows, DistinctRows.of(metric, models)
    method = "jackknife_normal"
    if len(distinct.times) > MAX_PARTS:
        method = "grouped_jackknife_normal"
    without: list[FloatArray] = []
    counts = distinct.times
    if rows > 1:
        try:
            without, counts = scores_without_parts(distinct)
        except (ValueError, ArithmeticError):
            # The value stands; without one of these rows there is none, so no error is known.
            without = [np.full(1, np.nan)] * len(models)
            counts = np.ones(1, dtype=np.int64)
    return _replicated(
        values, without, lambda values: jackknife_variance(values, counts), rows, method
    )


def _exact(metric: Metric, counts: ClassCounts, averaging: Averaging) -> Fraction:
    """Return a count metric as an exact rational, as its `value` has it on rows."""
    if metric.name == "accuracy":
        return Fraction(int(counts.hits.sum()), int(counts.actual.sum()))
    if metric.name not in CLASS_METRICS:
        assert metric.from_counts is not None
        table = ClassCounts(counts.hits[None, :], counts.predicted[None, :], counts.actual)
        return Fraction(float(metric.from_counts(table, averaging)[0]))
    return exact_average(metric.name, counts, averaging)


def _scored(metric: Metric, models: Sequence[Predictions], averaging: Averaging) -> _Measured:
    values = [Fraction(metric.value(model, averaging)) for model in models]
    rows = models[0].rows
    if metric.components is not None:
        parts = [metric.components(model, averaging) for model in models]
        strata, method = models[0].actual, "delong_normal"
    else:
        assert metric.per_row is not None
        parts, method = [metric.per_row(model) / rows for model in models], "paired_normal"
        # The mean of any rows has a spread; by class, a class of one row would have none.
        strata = np.zeros(rows, dtype=np.int64)

    def spread(components: FloatArray) -> float:
        return intervals.stratified_variance(components, strata)

    try:
        return _replicated(values, parts if rows > 1 else [], spread, rows, method)
    except intervals.SingleRowClass as error:
        label = models[0].labels[error.label]
        raise UndefinedMetric(
            metric.name, f"class {label!r} has one row there, too few for its spread"
        ) from error


# --- both -------------------------------------------------------------------------------------


def _replicated(
    values: Sequence[Fraction],
    parts: Sequence[FloatArray],
    spread: Callable[[FloatArray], float],
    rows: int,
    method: str,
) -> _Measured:
    """Average k replicas; the variance is that of rows, and what replicas add to it.

    The scatter of replicas holds what rows explain of their differences, which is taken out
    (a two-way layout without repetition, rows by replicas): with V the variance of the mean
    over replicas, V_j of each alone and s2 the sample variance of the k differences, the
    result is ``V + max(0, s2 - (mean(V_j) - V) * k / (k - 1)) / k``.

    Args:
        values: 2k, the baselines' first.
        parts: 2k arrays from whose differences spread estimates a variance, or none.
        spread: that estimate.
        rows: of the group.
        method: of the interval, by its name.
    """
    k = len(values) // 2
    differences = [values[k + j] - values[j] for j in range(k)]
    before, after = sum(values[:k], Fraction(0)) / k, sum(values[k:], Fraction(0)) / k
    if rows < 2:
        return _Measured(before, after, None, method)
    changes = [parts[k + j] - parts[j] for j in range(k)]
    total = spread(changes[0] if k == 1 else np.mean(changes, axis=0))
    if k > 1:
        alone = math.fsum(spread(change) for change in changes) / k
        scatter = float(variance(differences))
        total += max(0.0, scatter - (alone - total) * k / (k - 1)) / k
    # A plug-in's form may have no number without one row; then it has no error either.
    return _Measured(before, after, total if math.isfinite(total) else None, method)


def _delta(
    kind: Kind,
    group: str,
    metric: Metric,
    rows: int,
    found: _Measured | str,
    confidence_ppm: int,
) -> GroupDelta:
    before = after = low = high = error = None
    if isinstance(found, _Measured):
        before, after = to_ppm(found.before), to_ppm(found.after)
    if isinstance(found, _Measured) and found.variance is not None:
        delta = float(found.after - found.before)
        reach = NormalDist().inv_cdf(0.5 + confidence_ppm / PPM / 2) * math.sqrt(found.variance)
        low, high = interval_to_ppm(delta - reach, delta + reach, within=metric.range)
        # Under no difference a mean's second moment is its variance and its square: McNemar's
        # statistic for recall and accuracy, where the plain variance is too small on few rows.
        error = ceil_to_ppm(math.sqrt(found.variance + delta * delta / rows))
    return GroupDelta(
        kind=kind,
        group=group,
        metric=metric.name,
        direction=metric.direction,
        rows=rows,
        baseline_ppm=before,
        new_ppm=after,
        delta_ppm=None if before is None or after is None else after - before,
        low_ppm=low,
        high_ppm=high,
        error_ppm=error,
        confidence_ppm=confidence_ppm,
        interval_method=found.method if isinstance(found, _Measured) else "none",
        undefined=found if isinstance(found, str) else None,
    )
