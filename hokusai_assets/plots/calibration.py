"""Reliability diagrams of two models: what they claim against what comes true."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from hokusai_assets.evaluation.predictions import Predictions
from hokusai_assets.plots.style import (
    MODEL_COLOURS,
    MODEL_DASHES,
    MODEL_MARKS,
    MODEL_NAMES,
    drawn,
    name_lines,
    new_figure,
)
from hokusai_assets.plots.thinning import FloatArray

_BINS = 10
_LEAST_ROWS = 20
_Z = 1.959964


@dataclass(frozen=True)
class Reliability:
    """Rows that got about the same probability, from the lowest probability up.

    Attributes:
        claimed: mean probability of the rows, in [0, 1].
        true: share of them for which it came true, in [0, 1].
        low, high: Wilson's 95% interval of that share (JASA 22, 1927).
        rows: how many there are, >= 1.
    """

    claimed: float
    true: float
    low: float
    high: float
    rows: int


def reliabilities(probability: FloatArray, came_true: NDArray[np.bool_]) -> list[Reliability]:
    """Return at most 10 groups of rows by equal steps of probability.

    A step with fewer than 20 rows joins the one above it, the last the one below.

    Args:
        probability: (n,) in [0, 1], n >= 1.
        came_true: (n,) bool.
    """
    step = np.minimum((probability * _BINS).astype(np.int64), _BINS - 1)
    rows = np.bincount(step, minlength=_BINS)
    claimed = np.bincount(step, weights=probability, minlength=_BINS)
    true = np.bincount(step, weights=came_true, minlength=_BINS)
    groups: list[tuple[int, float, float]] = []
    held = (0, 0.0, 0.0)
    for position in range(_BINS):
        held = (
            held[0] + int(rows[position]),
            held[1] + float(claimed[position]),
            held[2] + float(true[position]),
        )
        if held[0] >= _LEAST_ROWS:
            groups.append(held)
            held = (0, 0.0, 0.0)
    if held[0]:
        below = groups.pop() if groups else (0, 0.0, 0.0)
        groups.append((below[0] + held[0], below[1] + held[1], below[2] + held[2]))
    return [_reliability(*group) for group in groups]


@drawn
def calibration_pair(
    baseline: Sequence[Predictions], new: Sequence[Predictions], *, positive: int | None
) -> Figure:
    """Return both models' reliability diagrams, replicas pooled.

    With a positive class it is about its probability. Without one it is about the probability of
    the class that was predicted, for which the share is the accuracy (Guo et al., ICML 2017).

    Args:
        baseline, new: each model's k >= 1 replicas, on the same rows.
        positive: index of the positive class; None for the predicted one.
    """
    figure = new_figure(4.2)
    axes = figure.add_subplot(aspect="equal")
    axes.plot([0, 1], [0, 1], color="#999999", linewidth=0.8, linestyle=":")
    for name, replicas in zip(MODEL_NAMES, (baseline, new), strict=True):
        groups = _of_model(replicas, positive)
        true = np.array([group.true for group in groups])
        spread = [
            [group.true - group.low for group in groups],
            [group.high - group.true for group in groups],
        ]
        axes.errorbar(
            [group.claimed for group in groups],
            true,
            yerr=np.maximum(spread, 0),
            color=MODEL_COLOURS[name],
            linestyle=MODEL_DASHES[name],
            marker=MODEL_MARKS[name],
            markersize=5,
            linewidth=1.4,
            elinewidth=0.9,
            label=name,
        )
    if positive is None:
        claimed, share = "probability of the predicted class", "share that is right"
    else:
        label = baseline[0].labels[positive]
        claimed, share = f"probability of “{label}”", f"share that is “{label}”"
    axes.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03), xlabel=claimed, ylabel=share)
    name_lines(axes)
    return figure


def _of_model(replicas: Sequence[Predictions], positive: int | None) -> list[Reliability]:
    if positive is not None:
        probability = [said.scores[:, positive] for said in replicas]
        came_true = [said.actual == positive for said in replicas]
    else:
        probability = [said.scores[np.arange(said.rows), said.predicted] for said in replicas]
        came_true = [said.predicted == said.actual for said in replicas]
    return reliabilities(np.concatenate(probability), np.concatenate(came_true))


def _reliability(rows: int, claimed: float, true: float) -> Reliability:
    share = true / rows
    turned = _Z * _Z / rows
    middle = (share + turned / 2) / (1 + turned)
    half = _Z * math.sqrt(share * (1 - share) / rows + turned / (4 * rows)) / (1 + turned)
    return Reliability(
        claimed / rows, share, max(0.0, middle - half), min(1.0, middle + half), rows
    )
