"""The pictures of one contribution, drawn from what may be shown of it, as MLflow keeps them."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from hokusai_assets.benchmarks.loading import Benchmark
from hokusai_assets.evaluation.measurement import Evaluation, in_pairs

FOLDER = "plots"


def plots_of(
    benchmark: Benchmark,
    document: Mapping[str, Any],
    baseline: Evaluation,
    new: Evaluation,
) -> dict[str, Callable[[Path], Any]]:
    """Return what writes each picture, by its path among the artifacts.

    Args:
        benchmark: what was measured by.
        document: the measurement document of what the contribution alone changes.
        baseline, new: both models' predictions on the whole test set; what is shown of it is drawn.
    """
    part, positive = benchmark.split.shown, benchmark.spec.positive_index
    pair = in_pairs(baseline.on(part).replicas, new.on(part).replicas)

    def figures() -> dict[str, Callable[[], Any]]:
        from hokusai_assets.plots.calibration import calibration_pair
        from hokusai_assets.plots.confusion import confusion_matrices
        from hokusai_assets.plots.curves import precision_recall_pair, roc_pair
        from hokusai_assets.plots.forest import metric_forest

        return {
            "deltas": lambda: metric_forest(document["metrics"]),
            "roc": lambda: roc_pair(*pair, positive=positive),
            "precision_recall": lambda: precision_recall_pair(*pair, positive=positive),
            "calibration": lambda: calibration_pair(*pair, positive=positive),
            "confusion": lambda: confusion_matrices(
                document["confusion_cells"], benchmark.spec.labels
            ),
        }

    def writer(name: str) -> Callable[[Path], Any]:
        def write(path: Path) -> None:
            from hokusai_assets.plots.rendering import png_bytes

            path.write_bytes(png_bytes(figures()[name]()))

        return write

    names = ("deltas", "roc", "precision_recall", "calibration", "confusion")
    return {f"{FOLDER}/{name}.png": writer(name) for name in names}
