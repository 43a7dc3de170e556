"""ROC and precision-recall curves of two models on the same test rows."""

from collections.abc import Callable, Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from hokusai_assets.evaluation.predictions import Predictions, billionths
from hokusai_assets.plots.style import (
    MODEL_COLOURS,
    MODEL_DASHES,
    MODEL_NAMES,
    drawn,
    name_lines,
    new_figure,
    say,
)
from hokusai_assets.plots.thinning import FloatArray, corners, thinned

Curve = tuple[FloatArray, FloatArray]

_GRID = np.linspace(0, 1, 201)
_NO_CURVE = "No curve: every test row is of one class."


def roc_curve(scores: FloatArray, is_positive: NDArray[np.bool_]) -> Curve | None:
    """Return false and true positive rates at every distinct score, from (0, 0) to (1, 1).

    Args:
        scores: (n,) of the positive class.
        is_positive: (n,) bool.

    Returns:
        two (m,) arrays in [0, 1] without points on straight stretches; None where there is no
        positive row, or no other.
    """
    found, others = _counts(scores, is_positive)
    if not found[-1] or not others[-1]:
        return None
    fewer_others, fewer_found = corners(
        np.concatenate([[0.0], others]), np.concatenate([[0.0], found])
    )
    return fewer_others / others[-1], fewer_found / found[-1]


def precision_recall_curve(scores: FloatArray, is_positive: NDArray[np.bool_]) -> Curve | None:
    """Return recall and precision at every distinct score, from the highest down.

    Nothing is interpolated between scores (Davis & Goadrich, ICML 2006, on why a straight line
    would flatter); the first point repeats the first precision at recall 0.

    Args:
        scores: (n,) of the positive class.
        is_positive: (n,) bool.

    Returns:
        two (m,) arrays in [0, 1], recall not falling; None where there is no positive row.
    """
    found, others = _counts(scores, is_positive)
    if not found[-1]:
        return None
    precision = found / (found + others)
    recall = found / found[-1]
    return np.concatenate([[0.0], recall]), np.concatenate([precision[:1], precision])


@drawn
def roc_pair(
    baseline: Sequence[Predictions], new: Sequence[Predictions], *, positive: int | None
) -> Figure:
    """Return both models' ROC curves.

    Of one replica and a positive class it is the curve itself; else the mean true positive rate,
    over replicas and over classes against the rest, at each false positive rate, whose area is the
    mean of the areas.

    Args:
        baseline, new: each model's k >= 1 replicas, on the same rows.
        positive: index of the positive class; None for the mean over the classes.
    """
    figure = new_figure(4.2)
    axes = figure.add_subplot(aspect="equal")
    curves = _pair(baseline, new, positive, roc_curve, _along_roc)
    if not curves:
        say(axes, _NO_CURVE)
        return figure
    axes.plot([0, 1], [0, 1], color="#999999", linewidth=0.8, linestyle=":")
    for name, (x, y) in curves.items():
        axes.plot(x, y, color=MODEL_COLOURS[name], linestyle=MODEL_DASHES[name], label=name)
    _frame(figure, "false positive rate", "true positive rate" + _whose(baseline, positive))
    name_lines(axes)
    return figure


@drawn
def precision_recall_pair(
    baseline: Sequence[Predictions], new: Sequence[Predictions], *, positive: int | None
) -> Figure:
    """Return both models' precision-recall curves; means are taken as in `roc_pair`.

    Args:
        baseline, new: each model's k >= 1 replicas, on the same rows.
        positive: index of the positive class; None for the mean over the classes.
    """
    figure = new_figure(4.2)
    axes = figure.add_subplot(aspect="equal")
    curves = _pair(baseline, new, positive, precision_recall_curve, _along_recall)
    if not curves:
        say(axes, "No curve: no test row is of the positive class.")
        return figure
    for name, (x, y) in curves.items():
        axes.plot(
            x,
            y,
            color=MODEL_COLOURS[name],
            linestyle=MODEL_DASHES[name],
            label=name,
            # Between two scores nothing is known; a mean over many curves is smooth.
            drawstyle="default" if x is _GRID else "steps-pre",
        )
    _frame(figure, "recall", "precision" + _whose(baseline, positive))
    name_lines(axes)
    return figure


def _pair(
    baseline: Sequence[Predictions],
    new: Sequence[Predictions],
    positive: int | None,
    curve_of: Callable[[FloatArray, NDArray[np.bool_]], Curve | None],
    along: Callable[[Curve], FloatArray],
) -> dict[str, Curve]:
    """Return a curve by model's name; empty where neither has one."""
    curves = {}
    for name, replicas in zip(MODEL_NAMES, (baseline, new), strict=True):
        classes = range(replicas[0].classes) if positive is None else (positive,)
        every = [
            found
            for said in replicas
            for index in classes
            if (found := curve_of(said.scores[:, index], said.actual == index)) is not None
        ]
        if len(every) == 1:
            curves[name] = thinned(*every[0])
        elif every:
            curves[name] = (_GRID, np.mean([along(curve) for curve in every], axis=0))
    return curves


def _along_roc(curve: Curve) -> FloatArray:
    """Return the highest true positive rate at each false positive rate of the grid."""
    x, y = curve
    last = np.searchsorted(x, _GRID, side="right") - 1
    after = np.minimum(last + 1, len(x) - 1)
    width = x[after] - x[last]
    part = np.divide(_GRID - x[last], width, out=np.zeros_like(_GRID), where=width > 0)
    found: FloatArray = y[last] + part * (y[after] - y[last])
    return found


def _along_recall(curve: Curve) -> FloatArray:
    """Return the precision at the first score that reaches each recall of the grid."""
    recall, precision = curve
    # A grid point that equals a recall but for rounding must meet it.
    reached = np.searchsorted(recall, _GRID - 1e-12, side="left")
    return precision[np.minimum(reached, len(recall) - 1)]


def _counts(scores: FloatArray, is_positive: NDArray[np.bool_]) -> tuple[FloatArray, FloatArray]:
    """Return positive and other rows at or above each distinct score, highest score first."""
    keys = np.sort((billionths(scores) << 1) | is_positive)[::-1]
    last = np.flatnonzero(np.append((keys[1:] >> 1) != (keys[:-1] >> 1), True))
    found = np.cumsum(keys & 1)[last]
    return found.astype(np.float64), (last + 1 - found).astype(np.float64)


def _whose(replicas: Sequence[Predictions], positive: int | None) -> str:
    if positive is None:
        return ", mean over classes"
    return f" of “{replicas[0].labels[positive]}”"


def _frame(figure: Figure, x_label: str, y_label: str) -> None:
    (axes,) = figure.axes
    axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), xlabel=x_label, ylabel=y_label)
