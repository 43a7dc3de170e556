"""How far a delta may be off because the test rows are a sample: interval, test, standard error.

What training adds where a model is trained several times is in `training_noise`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from hokusai_assets.evaluation import intervals
from hokusai_assets.evaluation.bootstrap import bootstrap_differences
from hokusai_assets.evaluation.metrics import Averaging, ClassCounts, Metric, UndefinedMetric
from hokusai_assets.evaluation.predictions import FloatArray, PairedCells, Predictions


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
        """Return each count metric's bootstrap differences, all of the same draws."""
        statistics = {
            metric.name: _bound(metric.from_counts, self.averaging)
            for metric in metrics
            if metric.from_counts is not None
        }
        if not statistics:
            return {}
        return bootstrap_differences(self.cells, statistics, resamples=resamples, seed=seed)

    def of_counts(
        self, metric: Metric, differences: FloatArray, *, confidence_ppm: int
    ) -> SamplingError:
        """Return the error of a metric of counts: a paired percentile bootstrap.

        The p-value of one pair's accuracy is McNemar's exact one.
        """
        inference = intervals.bootstrap_inference(differences, confidence_ppm=confidence_ppm)
        p_value, p_value_method = inference.p_value, "paired_bootstrap"
        if metric.name == "accuracy" and self.cells.replicas == 1:
            p_value, p_value_method = _mcnemar(self.cells), "mcnemar_exact"
        return SamplingError(
            low=inference.low,
            high=inference.high,
            error=float(differences.std(ddof=1)),
            p_value=p_value,
            interval_method="paired_bootstrap_percentile",
            p_value_method=p_value_method,
        )

    def of_components(
        self, metric: Metric, delta: Fraction | float, *, confidence_ppm: int
    ) -> SamplingError:
        """Return the error of a metric of per-row parts: a normal interval and z-test.

        The parts are averaged over replicas row by row, which keeps their covariance.

        Raises:
            UndefinedMetric: a class has one test row.
        """
        try:
            variance = intervals.stratified_variance(self._parts(metric), self.new[0].actual)
        except intervals.SingleRowClass as error:
            raise UndefinedMetric(
                metric.name,
                f"the spread of class {self.new[0].labels[error.label]!r} cannot be estimated "
                "from its one test row",
            ) from error
        inference = intervals.normal_inference(
            float(delta), variance, confidence_ppm=confidence_ppm
        )
        family = "stratified" if metric.components is None else "delong"
        return SamplingError(
            low=inference.low,
            high=inference.high,
            error=variance**0.5,
            p_value=inference.p_value,
            interval_method=f"{family}_normal",
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


def _mcnemar(cells: PairedCells) -> float:
    before, after = cells.baseline[0] == cells.label, cells.new[0] == cells.label
    gained = int(cells.count[after & ~before].sum())
    lost = int(cells.count[before & ~after].sum())
    return intervals.mcnemar_exact(gained, lost)
