"""What changed for the rows of one class, and for the rows of one slice, as integers in ppm."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from statistics import NormalDist, variance

import numpy as np

from hokusai_assets.evaluation import intervals
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
from hokusai_assets.evaluation.rounding import PPM, ceil_to_ppm, floor_to_ppm, to_ppm


@dataclass(frozen=True)
class _Measured:
    """Exact means over replicas, and the variance of their difference (None: too few rows)."""

    before: Fraction
    after: Fraction
    variance: float | None


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
    all models treat alike; scores' metrics as `compare` has them. With k replicas the variance
    is that of rows drawn anew and of the replicas' own scatter. The order of rows does not
    matter.

    Args:
        baseline: k >= 1 models trained without the contribution.
        new: the k trained with it, in the same order; all on the same n rows in one order.
        slices: by name, (n,) which rows belong to it; at least one row each.
        metrics: names in METRICS, for the slices.
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
    if unknown := [name for name in metrics if name not in METRICS]:
        raise ValueError(f"unknown metrics {unknown}, known are {sorted(METRICS)}")
    _check_slices(slices, models[0].rows)
    pairs = _Pairs(baseline, new, Patterns.of(models))
    deltas = _by_class(pairs, confidence_ppm)
    for name, rows in sorted(slices.items()):
        deltas += _of_slice(pairs, name, rows, metrics, averaging, confidence_ppm)
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
        values, without, lambda values: jackknife_variance(values, counts), int(counts.sum())
    )


# --- slices -----------------------------------------------------------------------------------


def _of_slice(
    pairs: _Pairs,
    name: str,
    rows: BoolArray,
    metrics: Sequence[str],
    averaging: Averaging,
    confidence_ppm: int,
) -> list[GroupDelta]:
    counts = pairs.patterns.counts(rows)
    held = int(counts.sum())
    scored = [METRICS[metric].from_counts is None for metric in metrics]
    parts = _restricted(pairs, rows) if any(scored) else ([], [])
    deltas = []
    for metric in (METRICS[metric] for metric in metrics):
        try:
            found: _Measured | str = (
                _scored(metric, *parts, averaging)
                if metric.from_counts is None
                else _counted(metric, pairs, counts, averaging)
            )
        except UndefinedMetric as error:
            found = error.why
        deltas.append(_delta("slice", name, metric, held, found, confidence_ppm))
    return deltas


def _restricted(pairs: _Pairs, rows: BoolArray) -> tuple[list[Predictions], list[Predictions]]:
    return tuple(  # type: ignore[return-value]
        [model.take(rows) for model in models] for models in (pairs.baseline, pairs.new)
    )


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
    return _replicated(values, without, lambda values: jackknife_variance(values, counts), rows)


def _exact(metric: Metric, counts: ClassCounts, averaging: Averaging) -> Fraction:
    """Return a count metric as an exact rational, as its `value` has it on rows."""
    if metric.name == "accuracy":
        return Fraction(int(counts.hits.sum()), int(counts.actual.sum()))
    if metric.name not in CLASS_METRICS:
        assert metric.from_counts is not None
        table = ClassCounts(counts.hits[None, :], counts.predicted[None, :], counts.actual)
        return Fraction(float(metric.from_counts(table, averaging)[0]))
    return exact_average(metric.name, counts, averaging)


def _scored(
    metric: Metric,
    baseline: Sequence[Predictions],
    new: Sequence[Predictions],
    averaging: Averaging,
) -> _Measured:
    values = [Fraction(metric.value(model, averaging)) for model in (*baseline, *new)]
    rows = baseline[0].rows
    if metric.components is not None:
        parts = [metric.components(model, averaging) for model in (*baseline, *new)]
        strata = baseline[0].actual
    else:
        assert metric.per_row is not None
        parts = [metric.per_row(model) / rows for model in (*baseline, *new)]
        # The mean of any rows has a spread; by class, a class of one row would have none.
        strata = np.zeros(rows, dtype=np.int64)

    def spread(components: FloatArray) -> float:
        return intervals.stratified_variance(components, strata)

    try:
        return _replicated(values, parts if rows > 1 else [], spread, rows)
    except intervals.SingleRowClass as error:
        label = baseline[0].labels[error.label]
        raise UndefinedMetric(
            metric.name, f"class {label!r} has one row there, too few for its spread"
        ) from error


# --- both -------------------------------------------------------------------------------------


def _replicated(
    values: Sequence[Fraction],
    parts: Sequence[FloatArray],
    spread: Callable[[FloatArray], float],
    rows: int,
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
    """
    k = len(values) // 2
    differences = [values[k + j] - values[j] for j in range(k)]
    before, after = sum(values[:k], Fraction(0)) / k, sum(values[k:], Fraction(0)) / k
    if rows < 2:
        return _Measured(before, after, None)
    changes = [parts[k + j] - parts[j] for j in range(k)]
    total = spread(changes[0] if k == 1 else np.mean(changes, axis=0))
    if k > 1:
        alone = math.fsum(spread(change) for change in changes) / k
        scatter = float(variance(differences))
        total += max(0.0, scatter - (alone - total) * k / (k - 1)) / k
    return _Measured(before, after, total)


def _delta(
    kind: Kind,
    group: str,
    metric: Metric,
    rows: int,
    found: _Measured | str,
    confidence_ppm: int,
) -> GroupDelta:
    method = "jackknife_normal"
    if metric.from_counts is None:
        method = "delong_normal" if metric.components else "paired_normal"
    before = after = low = high = error = None
    if isinstance(found, _Measured):
        before, after = to_ppm(found.before), to_ppm(found.after)
    if isinstance(found, _Measured) and found.variance is not None:
        delta = float(found.after - found.before)
        reach = NormalDist().inv_cdf(0.5 + confidence_ppm / PPM / 2) * math.sqrt(found.variance)
        low, high = floor_to_ppm(delta - reach), ceil_to_ppm(delta + reach)
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
        interval_method=method,
        undefined=found if isinstance(found, str) else None,
    )
