"""The pictures of one contribution, drawn from what may be shown of it."""

from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from hokusai_assets.benchmarks.loading import Benchmark
from hokusai_assets.evaluation.measurement import Evaluation, in_pairs

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Pictures = Mapping[str, Callable[[], bytes]]
"""By name, what gives a picture as PNG; it is drawn when it is first asked for, and then kept."""


def plot_file(name: str) -> str:
    """Return where a picture stands among a run's artifacts in MLflow."""
    return f"plots/{name}.png"


def pictures_of(
    benchmark: Benchmark,
    document: Mapping[str, Any],
    baseline: Evaluation,
    new: Evaluation,
) -> Pictures:
    """Return the pictures of what a contribution alone changes.

    Args:
        benchmark: what was measured by.
        document: the measurement document of it.
        baseline, new: both models' predictions on the whole test set; what is shown of it is drawn.
    """
    part, positive = benchmark.split.shown, benchmark.spec.positive_index
    pair = in_pairs(baseline.on(part).replicas, new.on(part).replicas)

    def deltas() -> "Figure":
        from hokusai_assets.plots.forest import metric_forest

        return metric_forest(document["metrics"])

    def roc() -> "Figure":
        from hokusai_assets.plots.curves import roc_pair

        return roc_pair(*pair, positive=positive)

    def precision_recall() -> "Figure":
        from hokusai_assets.plots.curves import precision_recall_pair

        return precision_recall_pair(*pair, positive=positive)

    def calibration() -> "Figure":
        from hokusai_assets.plots.calibration import calibration_pair

        return calibration_pair(*pair, positive=positive)

    def confusion() -> "Figure":
        from hokusai_assets.plots.confusion import confusion_matrices

        return confusion_matrices(document["confusion_cells"], benchmark.spec.labels)

    figures = (deltas, roc, precision_recall, calibration, confusion)
    return {draw.__name__: _kept(draw) for draw in figures}


def _kept(draw: Callable[[], "Figure"]) -> Callable[[], bytes]:
    @cache
    def png() -> bytes:
        from hokusai_assets.plots.rendering import png_bytes

        return png_bytes(draw())

    return png
