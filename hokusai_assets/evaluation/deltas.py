"""What changed between a baseline and a new model on the same rows, as integers in ppm."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from decimal import Decimal
from fractions import Fraction
from types import MappingProxyType

from hokusai_assets.evaluation import intervals, tails
from hokusai_assets.evaluation.metrics import Averaging, Direction, Metric, mean_of
from hokusai_assets.evaluation.predictions import PairedCells, Predictions
from hokusai_assets.evaluation.registry import registered_metrics
from hokusai_assets.evaluation.rounding import PPM, ceil_to_ppm, interval_to_ppm, to_ppm
from hokusai_assets.evaluation.sampling_error import SampledRows, SamplingError
from hokusai_assets.evaluation.training_noise import TrainingNoise, with_training_noise


@dataclass(frozen=True)
class MetricDelta:
    """One metric of both models, their difference and how sure it is. All integers are ppm.

    Attributes:
        metric: name in registered_metrics().
        direction: whether "higher" or "lower" values are better.
        baseline_ppm, new_ppm: the metric's values, means over the replicas, rounded half to
            even.
        delta_ppm: new_ppm - baseline_ppm.
        relative_delta_ppm: delta_ppm over baseline_ppm, rounded half to even; None where
            baseline_ppm is 0.
        low_ppm, high_ppm: the interval of the difference new - baseline, rounded outward,
            so that a bound stays a bound, and within what the metric's range allows.
        p_value_ppm: two-sided, of no difference, rounded half to even.
        p_holm_ppm: p_value_ppm adjusted for the number of metrics asked for besides the
            first one (Holm, Scandinavian Journal of Statistics 6, 1979); the first one, the
            primary, keeps its own.
        confidence_ppm: of the interval.
        replicas: pairs of models that were trained, k >= 1.
        test_error_ppm: standard error of the delta from the sampling of test rows, rounded up.
        training_noise_ppm: standard error of the mean delta from training, rounded up; 0
            where k = 1.
        interval_method, p_value_method: what was done, see sampling_error.method_names:
            "paired_bootstrap_percentile", "delong_normal" or "stratified_normal"; where the
            level needs it "discordant_clopper_pearson", "paired_bootstrap_normal", "delong_t"
            or "stratified_t"; with "_mover" where training noise is in it. "mcnemar_exact",
            "paired_bootstrap", "bootstrap_z", either with "_swap" where a swap test has its say,
            "delong_z" or "stratified_z"; "welch_t" where training noise is in it.
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
    p_holm_ppm: int
    confidence_ppm: int
    replicas: int
    test_error_ppm: int
    training_noise_ppm: int
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
    baseline: Sequence[Predictions],
    new: Sequence[Predictions],
    *,
    metrics: Sequence[str],
    average: str,
    positive: int | None,
    confidence: Decimal | float,
    resamples: int,
    seed: int,
    levels: Mapping[str, Decimal] = MappingProxyType({}),
) -> dict[str, MetricDelta]:
    """Return each metric's delta, in the order of metrics.

    Count metrics get a paired bootstrap, with McNemar's exact p-value for accuracy; AUROC
    gets DeLong; log loss and Brier score get a normal interval from the rows' differences.
    All are stratified by true class. With k > 1 replicas everything is about the mean of the
    k paired deltas, and the scatter of training widens interval and test, see
    training_noise.with_training_noise. But for p_holm_ppm a metric's result does not depend
    on which others are asked for; nothing depends on the order of rows.

    Args:
        baseline: the model measured against, trained k >= 1 times.
        new: the model measured, trained as often; the i-th is paired with the i-th baseline.
            All are about the same rows in the same order.
        metrics: names in registered_metrics(), the primary one first.
        average: "binary", "macro" or "weighted", for precision, recall and F1.
        positive: index of the positive class, see Averaging.
        confidence: of the intervals, in (0, 1), a whole number of ppm.
        resamples: of the bootstrap.
        seed: of the bootstrap, >= 0.
        levels: confidence by metric where it is another one, up to 0.999999; see tails for
            what becomes of intervals there.

    Raises:
        DifferentRows: class names or true classes differ between any two.
        UndefinedMetric: AUROC with a class missing, or a metric of scores where a class
            has only one test row and so no estimable spread.
        TooFewResamples: for a confidence up to 0.95.
        ValueError: an unknown metric, average, positive class or confidence; a level of a
            metric not asked for; no models, or not as many new ones as baselines.
    """
    sampled = SampledRows(baseline, new, averaging=_averaging(new, average, positive))
    chosen = _chosen(metrics)
    if strange := sorted(set(levels) - set(metrics)):
        raise ValueError(f"levels are given for metrics that are not asked for: {strange}")
    level_of = {name: intervals.confidence_to_ppm(levels.get(name, confidence)) for name in metrics}
    for metric in chosen:
        if metric.is_resampled and not tails.is_in_tail(level_of[metric.name]):
            intervals.check_resamples(resamples, confidence_ppm=level_of[metric.name])
    differences = sampled.differences(chosen, resamples=resamples, seed=seed)
    deltas = {}
    for metric in chosen:
        level, values = level_of[metric.name], _Values.of(metric, sampled)
        drawn = differences.get(metric.name)
        if drawn is None:
            error = sampled.of_components(metric, values.delta, confidence_ppm=level)
        elif metric.score is None:
            error = sampled.of_counts(metric, values.delta, drawn, confidence_ppm=level)
        else:
            error = sampled.of_score(values.delta, drawn, confidence_ppm=level)
        deltas[metric.name] = _delta(metric, values, error, level)
    adjusted = intervals.holm_ppm(
        {name: delta.p_value_ppm for name, delta in list(deltas.items())[1:]}
    )
    return {
        name: replace(delta, p_holm_ppm=adjusted.get(name, delta.p_value_ppm))
        for name, delta in deltas.items()
    }


def confusion_cells(
    baseline: Sequence[Predictions], new: Sequence[Predictions]
) -> list[list[tuple[str, str, str, int]]]:
    """Return each replica's (true class, baseline's class, new model's class, rows >= 1).

    A replica's cells are sorted.

    Raises:
        DifferentRows: class names or true classes differ between any two.
        ValueError: there are no models, or not as many new ones as baselines.
    """
    joint = PairedCells.of(baseline, new)
    names = new[0].labels
    every = []
    for replica in range(joint.replicas):
        cells = joint.of_replica(replica)
        columns = (cells.label, cells.baseline[0], cells.new[0], cells.count)
        every.append(
            [
                (names[label], names[before], names[after], count)
                for label, before, after, count in zip(
                    *(column.tolist() for column in columns), strict=True
                )
            ]
        )
    return every


def _chosen(metrics: Sequence[str]) -> list[Metric]:
    known = registered_metrics()
    unknown = [name for name in metrics if name not in known]
    if unknown:
        raise ValueError(f"unknown metrics {unknown}, known are {sorted(known)}")
    return [known[name] for name in metrics]


def _averaging(new: Sequence[Predictions], average: str, positive: int | None) -> Averaging:
    if not new:
        raise ValueError("there is no new model")
    return Averaging.of(average, positive, classes=new[0].classes)


@dataclass(frozen=True)
class _Values:
    """One metric of k pairs of models, exact where the metric is."""

    baseline: list[Fraction | float]
    new: list[Fraction | float]

    @classmethod
    def of(cls, metric: Metric, sampled: SampledRows) -> "_Values":
        return cls(
            [metric.value(model, sampled.averaging) for model in sampled.baseline],
            [metric.value(model, sampled.averaging) for model in sampled.new],
        )

    @property
    def deltas(self) -> list[Fraction | float]:
        return [after - before for before, after in zip(self.baseline, self.new, strict=True)]

    @property
    def delta(self) -> Fraction:
        return mean_of(self.deltas)


def _delta(
    metric: Metric, values: _Values, error: SamplingError, confidence_ppm: int
) -> MetricDelta:
    """Return the delta, its p-value not yet adjusted."""
    noise = None
    if len(values.new) > 1:
        noise = TrainingNoise.of(values.deltas)
        error = with_training_noise(
            error, noise, float(values.delta), confidence_ppm=confidence_ppm
        )
    baseline_ppm, new_ppm = to_ppm(mean_of(values.baseline)), to_ppm(mean_of(values.new))
    delta_ppm = new_ppm - baseline_ppm
    low_ppm, high_ppm = interval_to_ppm(error.low, error.high, within=metric.range)
    return MetricDelta(
        metric=metric.name,
        direction=metric.direction,
        baseline_ppm=baseline_ppm,
        new_ppm=new_ppm,
        delta_ppm=delta_ppm,
        relative_delta_ppm=(
            round(Fraction(delta_ppm * PPM, baseline_ppm)) if baseline_ppm else None
        ),
        low_ppm=low_ppm,
        high_ppm=high_ppm,
        p_value_ppm=to_ppm(error.p_value),
        p_holm_ppm=to_ppm(error.p_value),
        confidence_ppm=confidence_ppm,
        replicas=len(values.new),
        test_error_ppm=ceil_to_ppm(error.error),
        training_noise_ppm=0 if noise is None else ceil_to_ppm(noise.error),
        interval_method=error.interval_method,
        p_value_method=error.p_value_method,
        improved=delta_ppm > 0 if metric.direction == "higher" else delta_ppm < 0,
    )
