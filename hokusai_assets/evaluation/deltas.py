"""What changed between a baseline and a new model on the same rows, as integers in ppm."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from fractions import Fraction

from hokusai_assets.evaluation import intervals
from hokusai_assets.evaluation.bootstrap import bootstrap_differences
from hokusai_assets.evaluation.intervals import Inference
from hokusai_assets.evaluation.metrics import (
    METRICS,
    Averaging,
    ClassCounts,
    Direction,
    Metric,
    UndefinedMetric,
)
from hokusai_assets.evaluation.predictions import (
    FloatArray,
    PairedCells,
    Predictions,
    check_same_rows,
)
from hokusai_assets.evaluation.rounding import PPM, ceil_to_ppm, floor_to_ppm, to_ppm


@dataclass(frozen=True)
class MetricDelta:
    """One metric of both models, their difference and how sure it is. All integers are ppm.

    Attributes:
        metric: name in METRICS.
        direction: whether "higher" or "lower" values are better.
        baseline_ppm, new_ppm: the metric's values, rounded half to even.
        delta_ppm: new_ppm - baseline_ppm.
        relative_delta_ppm: delta_ppm over baseline_ppm, rounded half to even; None where
            baseline_ppm is 0.
        low_ppm, high_ppm: the interval of the difference new - baseline, rounded outward,
            so that a bound stays a bound.
        p_value_ppm: two-sided, of no difference, rounded half to even.
        confidence_ppm: of the interval.
        interval_method: "paired_bootstrap_percentile", "delong_normal" or
            "stratified_normal".
        p_value_method: "mcnemar_exact", "paired_bootstrap", "delong_z" or "stratified_z".
        improved: whether delta_ppm is a change for the better.
    """

    metric: str
    direction: Direction
    baseline_ppm: int
    new_ppm: int
    delta_ppm: int
    relative_delta_ppm: int | None
    low_ppm: int
    high_ppm: int
    p_value_ppm: int
    confidence_ppm: int
    interval_method: str
    p_value_method: str
    improved: bool

    def to_dict(self) -> dict[str, int | str | bool | None]:
        """Return the attributes by name."""
        return asdict(self)

    @property
    def gain_ppm(self) -> int:
        """The change for the better: delta_ppm, its sign turned where lower is better."""
        return self.delta_ppm if self.direction == "higher" else -self.delta_ppm

    @property
    def gain_low_ppm(self) -> int:
        """The lower end of the gain's interval."""
        return self.low_ppm if self.direction == "higher" else -self.high_ppm


def compare(
    baseline: Predictions,
    new: Predictions,
    *,
    metrics: Sequence[str],
    average: str,
    positive: int | None,
    confidence: Decimal | float,
    resamples: int,
    seed: int,
) -> dict[str, MetricDelta]:
    """Return each metric's delta, in the order of metrics.

    Count metrics get a paired bootstrap, with McNemar's exact p-value for accuracy; AUROC
    gets DeLong; log loss and Brier score get a normal interval from the rows' differences.
    All are stratified by true class. A metric's result does not depend on which others are
    asked for, nor on the order of rows.

    Args:
        baseline: the model measured against.
        new: the model measured, on the same rows in the same order.
        metrics: names in METRICS.
        average: "binary", "macro" or "weighted", for precision, recall and F1.
        positive: index of the positive class, see Averaging.
        confidence: of the intervals, in (0, 1), a whole number of ppm.
        resamples: of the bootstrap.
        seed: of the bootstrap, >= 0.

    Raises:
        DifferentRows: class names or true classes differ between the two.
        UndefinedMetric: AUROC with a class missing, or a metric of scores where a class
            has only one test row and so no estimable spread.
        TooFewResamples: for the confidence asked for.
        ValueError: an unknown metric, average, positive class or confidence.
    """
    check_same_rows(baseline, new)
    averaging = Averaging.of(average, positive, classes=new.classes)
    confidence_ppm = intervals.confidence_to_ppm(confidence)
    unknown = [name for name in metrics if name not in METRICS]
    if unknown:
        raise ValueError(f"unknown metrics {unknown}, known are {sorted(METRICS)}")
    chosen = [METRICS[name] for name in metrics]
    cells = PairedCells.of(baseline, new)
    resampled = _resampled(cells, chosen, averaging, resamples, seed, confidence_ppm)
    deltas = {}
    for metric in chosen:
        before, after = metric.value(baseline, averaging), metric.value(new, averaging)
        if metric.name in resampled:
            inference = intervals.bootstrap_inference(
                resampled[metric.name], confidence_ppm=confidence_ppm
            )
            methods = ("paired_bootstrap_percentile", "paired_bootstrap")
            if metric.name == "accuracy":
                inference = Inference(inference.low, inference.high, _mcnemar(cells))
                methods = ("paired_bootstrap_percentile", "mcnemar_exact")
        else:
            inference = _normal(metric, baseline, new, averaging, after - before, confidence_ppm)
            methods = (
                ("delong_normal", "delong_z")
                if metric.components
                else ("stratified_normal", "stratified_z")
            )
        deltas[metric.name] = _delta(metric, before, after, inference, confidence_ppm, methods)
    return deltas


def confusion_cells(baseline: Predictions, new: Predictions) -> list[tuple[str, str, str, int]]:
    """Return (true class, baseline's class, new model's class, rows), sorted, rows >= 1.

    Raises:
        DifferentRows: class names or true classes differ between the two.
    """
    cells = PairedCells.of(baseline, new)
    names = new.labels
    return [
        (names[label], names[before], names[after], count)
        for label, before, after, count in zip(
            cells.label.tolist(),
            cells.baseline.tolist(),
            cells.new.tolist(),
            cells.count.tolist(),
            strict=True,
        )
    ]


def _delta(
    metric: Metric,
    before: Fraction | float,
    after: Fraction | float,
    inference: Inference,
    confidence_ppm: int,
    methods: tuple[str, str],
) -> MetricDelta:
    baseline_ppm, new_ppm = to_ppm(before), to_ppm(after)
    delta_ppm = new_ppm - baseline_ppm
    return MetricDelta(
        metric=metric.name,
        direction=metric.direction,
        baseline_ppm=baseline_ppm,
        new_ppm=new_ppm,
        delta_ppm=delta_ppm,
        relative_delta_ppm=(
            round(Fraction(delta_ppm * PPM, baseline_ppm)) if baseline_ppm else None
        ),
        low_ppm=floor_to_ppm(inference.low),
        high_ppm=ceil_to_ppm(inference.high),
        p_value_ppm=to_ppm(inference.p_value),
        confidence_ppm=confidence_ppm,
        interval_method=methods[0],
        p_value_method=methods[1],
        improved=delta_ppm > 0 if metric.direction == "higher" else delta_ppm < 0,
    )


def _resampled(
    cells: PairedCells,
    metrics: Sequence[Metric],
    averaging: Averaging,
    resamples: int,
    seed: int,
    confidence_ppm: int,
) -> dict[str, FloatArray]:
    statistics = {
        metric.name: _bound(metric.from_counts, averaging)
        for metric in metrics
        if metric.from_counts is not None
    }
    if not statistics:
        return {}
    intervals.check_resamples(resamples, confidence_ppm=confidence_ppm)
    return bootstrap_differences(cells, statistics, resamples=resamples, seed=seed)


def _bound(
    from_counts: Callable[[ClassCounts, Averaging], FloatArray], averaging: Averaging
) -> Callable[[ClassCounts], FloatArray]:
    return lambda counts: from_counts(counts, averaging)


def _mcnemar(cells: PairedCells) -> float:
    before, after = cells.baseline == cells.label, cells.new == cells.label
    gained = int(cells.count[after & ~before].sum())
    lost = int(cells.count[before & ~after].sum())
    return intervals.mcnemar_exact(gained, lost)


def _normal(
    metric: Metric,
    baseline: Predictions,
    new: Predictions,
    averaging: Averaging,
    delta: Fraction | float,
    confidence_ppm: int,
) -> Inference:
    if metric.components is not None:
        components = metric.components(new, averaging) - metric.components(baseline, averaging)
    else:
        # A metric has exactly one form, and the resampled ones do not come here.
        assert metric.per_row is not None
        components = (metric.per_row(new) - metric.per_row(baseline)) / new.rows
    try:
        variance = intervals.stratified_variance(components, new.actual)
    except intervals.SingleRowClass as error:
        raise UndefinedMetric(
            metric.name,
            f"the spread of class {new.labels[error.label]!r} cannot be estimated from its "
            "one test row",
        ) from error
    return intervals.normal_inference(float(delta), variance, confidence_ppm=confidence_ppm)
