"""The figures of a page, each an SVG element with words for who can't see it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hokusai_assets.evaluation.leaderboard import Leaderboard
from hokusai_assets.evaluation.predictions import Predictions
from hokusai_assets.evaluation.units import unit_of
from hokusai_assets.plots.calibration import calibration_pair
from hokusai_assets.plots.confusion import confusion_matrices
from hokusai_assets.plots.curves import precision_recall_pair, roc_pair
from hokusai_assets.plots.forest import contribution_forest, gains_of, metric_forest, unit_of_all
from hokusai_assets.plots.progress import Settlement, cumulative_gain, gain_over_time
from hokusai_assets.plots.rendering import svg_element
from hokusai_assets.report.words import counted, metric_name, value_in_words

_SHOWN_IN_FOREST = 30


@dataclass(frozen=True)
class PageFigure:
    """One figure: its SVG element and the line below it."""

    svg: str
    caption: str


def delta_figure(metrics: Mapping[str, Mapping[str, Any]]) -> PageFigure:
    """Return the deltas of a measurement as a forest plot."""
    unit = unit_of_all(metrics)
    told = "; ".join(
        f"{metric_name(name)} {unit.signed(delta['delta_ppm'])} "
        f"({unit.signed(delta['low_ppm'])} to {unit.signed(delta['high_ppm'])})"
        for name, delta in metrics.items()
    )
    return PageFigure(
        svg_element(
            metric_forest(metrics, label=metric_name),
            name="deltas",
            title="Change of each metric with its interval",
            description=f"In {unit.name or 'the unit of each metric'}: {told}.",
        ),
        "Change of each metric. A line that crosses zero may be chance.",
    )


def curve_figures(
    baseline: Sequence[Predictions],
    new: Sequence[Predictions],
    *,
    positive: int | None,
    metrics: Mapping[str, Mapping[str, Any]],
) -> list[PageFigure]:
    """Return both models' ROC, precision-recall and calibration curves."""
    area = ""
    if auroc := metrics.get("auroc"):
        before, after = (
            value_in_words("auroc", auroc[f"{which}_ppm"]) for which in ("baseline", "new")
        )
        area = f" Area under the curve: baseline {before}, new {after}."
    return [
        PageFigure(
            svg_element(
                roc_pair(baseline, new, positive=positive),
                name="roc",
                title="ROC curves of both models",
                description=f"The higher a curve, the better the model.{area}",
            ),
            "ROC: the further up and left, the better.",
        ),
        PageFigure(
            svg_element(
                precision_recall_pair(baseline, new, positive=positive),
                name="precision-recall",
                title="Precision-recall curves of both models",
                description="Precision at each share of the class that is found.",
            ),
            "Precision and recall: the further up and right, the better.",
        ),
        PageFigure(
            svg_element(
                calibration_pair(baseline, new, positive=positive),
                name="calibration",
                title="Calibration of both models",
                description="How often it is true where a model gives a probability.",
            ),
            "Calibration: the nearer to the diagonal, the truer its probabilities.",
        ),
    ]


def confusion_figures(
    cells: Sequence[Sequence[Sequence[str | int]]], labels: Sequence[str]
) -> list[PageFigure]:
    """Return both models' confusion matrices."""
    return [
        PageFigure(
            svg_element(
                confusion_matrices(cells, labels, models=(model,)),
                name=f"confusion-{model}",
                title=f"Confusion matrix, {model} model",
                description=_confusion_in_words(cells, model),
            ),
            f"{model.capitalize()}: true class by row, predicted class by column.",
        )
        for model in ("baseline", "new")
    ]


def _confusion_in_words(cells: Sequence[Sequence[Sequence[str | int]]], model: str) -> str:
    at = {"baseline": 1, "new": 2}[model]
    every = sum(int(cell[3]) for replica in cells for cell in replica)
    right = sum(int(cell[3]) for replica in cells for cell in replica if cell[0] == cell[at])
    return f"{right:,} of {every:,} predictions are on the diagonal, that is right."


def leaderboard_figures(board: Leaderboard) -> list[PageFigure]:
    """Return a benchmark's contributions by gain, over time, and added up."""
    metric = metric_name(board.metric or "the primary metric")
    unit = unit_of(board.metric or "", board.direction)
    gains = {gain.label: gain for gain in gains_of(board.rows)}
    in_order = [
        Settlement(gains.get(paid.contribution), paid.accepted, paid.bps, paid.payable_bps)
        for paid in board.settled
    ]
    accepted = sum(paid.accepted for paid in board.settled)
    # Gains on an earlier version do not add to this one's: its base set holds them.
    earlier = sum(paid.payable_bps for paid in board.payments) - sum(
        paid.payable_bps for paid in board.settled
    )
    here, before, nothing = "", "", {}
    if len(board.settled) < len(board.payments):
        here = " on this version of the benchmark"
        payable = counted(earlier, "basis point is", "basis points are")
        before = f" Another {payable} payable from earlier versions." if earlier else ""
        nothing = {"nothing": "Nothing was settled on this version yet."}
    return [
        PageFigure(
            svg_element(
                contribution_forest(
                    list(gains.values()), metric=metric, unit=unit, limit=_SHOWN_IN_FOREST
                ),
                name="contributions",
                title="Gain of each contribution alone",
                description="Best first, each with its interval; the table has the numbers.",
            ),
            "What each contribution alone changes of the baseline. A line that crosses zero may "
            "be chance.",
        ),
        PageFigure(
            svg_element(
                gain_over_time(in_order, metric=metric, unit=unit, **nothing),
                name="over-time",
                title="Gain of each contribution alone, in the order settled",
                description=f"{accepted:,} of {len(in_order):,} were accepted{here}.",
            ),
            f"The same in the order they were settled{here}.",
        ),
        PageFigure(
            svg_element(
                cumulative_gain(in_order, metric=metric, unit=unit, **nothing),
                name="cumulative",
                title=f"What accepted contributions add up to{here}",
                description=f"{sum(paid.bps for paid in board.settled):,} basis points gained, "
                f"{sum(paid.payable_bps for paid in board.settled):,} of them payable.{before}",
            ),
            f"What accepted contributions add up to{here}, and what of it is payable.{before}",
        ),
    ]
