"""How far a delta may be off because the test rows are a sample: interval, test, standard error.

What training adds where a model is trained several times is in `training_noise`.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from hokusai_assets.evaluation import intervals, tails
from hokusai_assets.evaluation.bootstrap import bootstrap_differences
from hokusai_assets.evaluation.generic_bootstrap import weighted_differences
from hokusai_assets.evaluation.metrics import Averaging, ClassCounts, Metric, UndefinedMetric
from hokusai_assets.evaluation.predictions import FloatArray, PairedCells, Predictions
from hokusai_assets.evaluation.rounding import PPM
from hokusai_assets.evaluation.swap_test import SwapTest


@dataclass(frozen=True)
class SamplingError:
    """The interval of a mean delta over replicas, from the sampling of test rows alone.

    Attributes:
        low, high: ends of the interval, in the metric's unit; low <= high.
        error: standard error of the delta, >= 0.
        p_value: two-sided, of no difference.
        interval_method, p_value_method: what was done, see deltas.MetricDelta.
    """

    low: float
    high: float
    error: float
    p_value: float
    interval_method: str
    p_value_method: str


class SampledRows:
    """k pairs of models' predictions on the same test rows, and the draws they share."""

    def __init__(
        self,
        baseline: Sequence[Predictions],
        new: Sequence[Predictions],
        averaging: Averaging,
    ) -> None:
        """Count the cells once, for all metrics.

        Raises:
            DifferentRows: class names or true classes differ.
            ValueError: there are no models, or not as many new ones as baselines.
        """
        self.baseline, self.new, self.averaging = baseline, new, averaging
        self.cells = PairedCells.of(baseline, new)

    def differences(
        self, metrics: Sequence[Metric], *, resamples: int, seed: int
    ) -> dict[str, FloatArray]:
        """Return the bootstrap differences of each metric that has any.

        All metrics of counts share the same draws; a metric with a score has its own.
        """
        statistics = {
            metric.name: _bound(metric.from_counts, self.averaging)
            for metric in metrics
            if metric.from_counts is not None
        }
        found = {}
        if statistics:
            found = bootstrap_differences(self.cells, statistics, resamples=resamples, seed=seed)
        for metric in metrics:
            if metric.score is not None:
                found[metric.name] = weighted_differences(
                    metric, self.baseline, self.new, resamples=resamples, seed=seed
                )
        return found

    def of_counts(
        self,
        metric: Metric,
        delta: Fraction | float,
        differences: FloatArray,
        *,
        confidence_ppm: int,
    ) -> SamplingError:
        """Return the error of a metric of counts: a paired percentile bootstrap.

        Where a percentile is too rare to be stable (tails.has_percentile), one pair's accuracy
        gets an interval from its discordant rows and everything else a normal one. No end is
        on the far side of zero unless the swap test, which for one pair's accuracy is
        McNemar's exact one, rejects there at alpha / 2.

        The p-value is the larger of the swap test's and of the one that goes with the interval:
        it is at most alpha just where the interval leaves zero out. One pair's accuracy has
        McNemar's: at most alpha wherever the interval leaves zero out, and with few differing
        rows sometimes where it does not.
        """
        assert metric.from_counts is not None
        swapped = SwapTest.of(self.cells, _bound(metric.from_counts, self.averaging))
        spread = float(differences.std(ddof=1))
        exact = None
        if metric.name == "accuracy" and self.cells.replicas == 1:
            exact = intervals.mcnemar_exact(*_discordant(self.cells))
        if tails.has_percentile(len(differences), confidence_ppm):
            own = intervals.bootstrap_inference(differences, confidence_ppm=confidence_ppm)
            methods = ("paired_bootstrap_percentile", "paired_bootstrap_swap")
        elif exact is not None:
            ends = tails.discordant_interval(
                *_discordant(self.cells), self.new[0].rows, confidence_ppm=confidence_ppm
            )
            own = tails.beyond_percentile(differences, intervals.Inference(*ends, exact))
            methods = ("discordant_clopper_pearson", "mcnemar_exact")
        else:
            # At least the error of exchangeable models: a bootstrap of few rows has less.
            variance = max(swapped.error, spread) ** 2
            own = intervals.normal_inference(float(delta), variance, confidence_ppm=confidence_ppm)
            own = tails.beyond_percentile(differences, own)
            methods = ("paired_bootstrap_normal", "bootstrap_z_swap")
        if exact is not None:
            p_value, methods = exact, (methods[0], "mcnemar_exact")
        else:
            is_gain = np.sum(differences <= 0) <= np.sum(differences >= 0)
            p_value = max(own.p_value, min(1.0, 2 * (swapped.above if is_gain else swapped.below)))
        half = (PPM - confidence_ppm) / PPM / 2
        return SamplingError(
            low=own.low if swapped.above <= half else min(own.low, 0.0),
            high=own.high if swapped.below <= half else max(own.high, 0.0),
            error=spread,
            p_value=p_value,
            interval_method=methods[0],
            p_value_method=methods[1],
        )

    def of_score(
        self, delta: Fraction | float, differences: FloatArray, *, confidence_ppm: int
    ) -> SamplingError:
        """Return the error of a metric with a score: a paired percentile bootstrap.

        Where a percentile is too rare it is a normal interval and z-test with the bootstrap's
        standard error. There is no swap test: a score says nothing of single rows.
        """
        error = float(differences.std(ddof=1))
        if tails.has_percentile(len(differences), confidence_ppm):
            inference = intervals.bootstrap_inference(differences, confidence_ppm=confidence_ppm)
            methods = ("paired_bootstrap_percentile", "paired_bootstrap")
        else:
            inference = intervals.normal_inference(
                float(delta), error**2, confidence_ppm=confidence_ppm
            )
            inference = tails.beyond_percentile(differences, inference)
            methods = ("paired_bootstrap_normal", "bootstrap_z")
        return SamplingError(inference.low, inference.high, error, inference.p_value, *methods)

    def of_components(
        self, metric: Metric, delta: Fraction | float, *, confidence_ppm: int
    ) -> SamplingError:
        """Return the error of a metric of per-row parts: a normal interval and z-test.

        The parts are averaged over replicas row by row, which keeps their covariance. Beyond
        95% the interval is Student's, see tails.students_reach.

        Raises:
            UndefinedMetric: a class has one test row.
        """
        parts, actual = self._parts(metric), self.new[0].actual
        try:
            variance = intervals.stratified_variance(parts, actual)
        except intervals.SingleRowClass as error:
            raise UndefinedMetric(
                metric.name,
                f"the spread of class {self.new[0].labels[error.label]!r} cannot be estimated "
                "from its one test row",
            ) from error
        inference = intervals.normal_inference(
            float(delta), variance, confidence_ppm=confidence_ppm
        )
        low, high, kind = inference.low, inference.high, "normal"
        if tails.is_in_tail(confidence_ppm):
            kind = "t"
            if low < high:
                reach = tails.students_reach(parts, actual, variance, confidence_ppm=confidence_ppm)
                low, high = float(delta) - reach, float(delta) + reach
        family = "stratified" if metric.components is None else "delong"
        return SamplingError(
            low=low,
            high=high,
            error=math.sqrt(variance),
            p_value=inference.p_value,
            interval_method=f"{family}_{kind}",
            p_value_method=f"{family}_z",
        )

    def _parts(self, metric: Metric) -> FloatArray:
        """Return (n,) parts of the mean delta in the form stratified_variance takes."""
        total = np.zeros(self.new[0].rows)
        for before, after in zip(self.baseline, self.new, strict=True):
            if metric.components is not None:
                total += metric.components(after, self.averaging)
                total -= metric.components(before, self.averaging)
            else:
                # A metric has exactly one form, and those of counts do not come here.
                assert metric.per_row is not None
                total += (metric.per_row(after) - metric.per_row(before)) / after.rows
        return total / len(self.new)


def _bound(
    from_counts: Callable[[ClassCounts, Averaging], FloatArray], averaging: Averaging
) -> Callable[[ClassCounts], FloatArray]:
    return lambda counts: from_counts(counts, averaging)


def _discordant(cells: PairedCells) -> tuple[int, int]:
    """Return the rows only the new model of the first pair gets right, and only the baseline."""
    before, after = cells.baseline[0] == cells.label, cells.new[0] == cells.label
    gained = int(cells.count[after & ~before].sum())
    lost = int(cells.count[before & ~after].sum())
    return gained, lost


def method_names(
    metric: Metric, *, replicas: int, confidence_ppm: int
) -> frozenset[tuple[str, str]]:
    """Return the pairs (interval method, p-value method) a metric may be judged by.

    Beyond 95% a metric of counts has two: which one was used depends on the resamples.
    """
    in_tail = tails.is_in_tail(confidence_ppm)
    if metric.from_counts is None and metric.score is None:
        family = "stratified" if metric.components is None else "delong"
        pairs = [(f"{family}_{'t' if in_tail else 'normal'}", f"{family}_z")]
    elif metric.name == "accuracy" and replicas == 1:
        pairs = [
            ("paired_bootstrap_percentile", "mcnemar_exact"),
            ("discordant_clopper_pearson", "mcnemar_exact"),
        ]
    else:
        swap = "" if metric.from_counts is None else "_swap"
        pairs = [
            ("paired_bootstrap_percentile", f"paired_bootstrap{swap}"),
            ("paired_bootstrap_normal", f"bootstrap_z{swap}"),
        ]
    if not in_tail:
        pairs = pairs[:1]
    if replicas > 1:
        return frozenset((f"{interval}_mover", "welch_t") for interval, _ in pairs)
    return frozenset(pairs)
