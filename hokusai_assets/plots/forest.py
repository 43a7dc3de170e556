"""Forest plots: deltas with their intervals, one line each, better to the right."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from hokusai_assets.evaluation.leaderboard import LeaderboardRow, gain_interval_of, gain_of
from hokusai_assets.evaluation.units import OWN, PERCENTAGE_POINTS, Unit, unit_of
from hokusai_assets.plots.style import BASELINE, BETTER, INK, WORSE, drawn, new_figure, say

_SHOWN_LABEL = 24


@dataclass(frozen=True)
class Gain:
    """One line of a forest plot: a change for the better, in ppm.

    Attributes:
        label: what it is of.
        gain_ppm: negative for a change for the worse.
        low_ppm, high_ppm: its interval.
    """

    label: str
    gain_ppm: int
    low_ppm: int
    high_ppm: int

    @classmethod
    def of(cls, label: str, delta: Mapping[str, Any]) -> "Gain":
        """Read a metric's delta: ``direction``, ``delta_ppm``, ``low_ppm``, ``high_ppm``."""
        if delta["direction"] == "higher":
            return cls(label, delta["delta_ppm"], delta["low_ppm"], delta["high_ppm"])
        return cls(label, -delta["delta_ppm"], -delta["high_ppm"], -delta["low_ppm"])

    @property
    def change(self) -> str:
        """``better`` or ``worse`` where the interval leaves out 0, else ``unclear``."""
        if self.low_ppm > 0:
            return "better"
        return "worse" if self.high_ppm < 0 else "unclear"


def gains_of(rows: Sequence[LeaderboardRow]) -> list[Gain]:
    """Return the gains of a leaderboard's contributions, as far as they are attested."""
    return [
        Gain(row.contribution, gain_of(row.attested), *gain_interval_of(row.attested))
        for row in rows
        if row.attested is not None
    ]


# An interval this many times as far from zero as the usual one leaves the picture, with an arrow.
_FAR = 3


def unit_of_all(metrics: Mapping[str, Mapping[str, Any]]) -> Unit:
    """Return the one unit that fits all deltas of a measurement; each metric's own, if need be."""
    units = {unit_of(name, delta["direction"]) for name, delta in metrics.items()}
    return PERCENTAGE_POINTS if units == {PERCENTAGE_POINTS} else OWN


def whole_reach(gains: Sequence[Gain], unit: Unit) -> tuple[float, float]:
    """Return the range of all intervals and zero, in a unit, with some room.

    Args:
        gains: at least one.
        unit: of what is returned.
    """
    low = min(0.0, min(gain.low_ppm for gain in gains) / unit.ppm)
    high = max(0.0, max(gain.high_ppm for gain in gains) / unit.ppm)
    room = 0.05 * (high - low) or 500 / unit.ppm
    return low - room, high + room


def usual_reach(gains: Sequence[Gain], unit: Unit) -> tuple[float, float]:
    """Return the range of gains worth showing, in a unit: all but far outliers.

    Args:
        gains: at least one.
        unit: of what is returned.
    """
    farthest = [max(abs(gain.low_ppm), abs(gain.high_ppm)) for gain in gains]
    limit = _FAR * float(np.median(farthest)) / unit.ppm
    low, high = whole_reach(gains, unit)
    return (max(low, -limit), min(high, limit)) if limit else (low, high)


_COLOURS = {"better": BETTER, "worse": WORSE, "unclear": BASELINE}
_MARKS = {"better": "o", "worse": "v", "unclear": "D"}


@drawn
def metric_forest(
    metrics: Mapping[str, Mapping[str, Any]], *, label: Callable[[str], str] = str
) -> Figure:
    """Return the metrics of one contribution by their deltas.

    A metric where lower is better has its sign turned, so that right of zero is better. They share
    an axis: of percentage points if all are shares, else of each metric's own unit.

    Args:
        metrics: a measurement document's ``metrics``, in their order.
        label: what a metric is called in the picture, by its name.
    """
    gains = [
        Gain.of(
            label(name) if delta["direction"] == "higher" else f"{label(name)}\n(less is better)",
            delta,
        )
        for name, delta in metrics.items()
    ]
    unit = unit_of_all(metrics)
    return _forest(gains, f"change, in {unit.name or 'the unit of each metric'}", unit)


@drawn
def contribution_forest(
    gains: Sequence[Gain], *, metric: str, unit: Unit, limit: int = 30
) -> Figure:
    """Return a benchmark's contributions by their gain on one metric.

    Args:
        gains: in the order they are to be shown, top first.
        metric: its name, for the axis.
        unit: of its changes.
        limit: how many are shown; a line says how many more there are.
    """
    more = len(gains) - limit
    below = f"\n{more:,} more are not shown" if more > 0 else ""
    return _forest(gains[:limit], gain_in_words(metric, unit), unit, below, far_ones_leave=True)


def gain_in_words(metric: str, unit: Unit) -> str:
    """Return what an axis of gains is of: "gain on F1 score, in percentage points"."""
    return f"gain on {metric}" + (f", in {unit.name}" if unit.name else ", in its own unit")


def _forest(
    gains: Sequence[Gain],
    axis: str,
    unit: Unit,
    below: str = "",
    *,
    far_ones_leave: bool = False,
) -> Figure:
    figure = new_figure(1.0 + 0.32 * max(len(gains), 2))
    axes = figure.add_subplot()
    if not gains:
        say(axes, "Nothing was measured yet.")
        return figure
    axes.axvline(0, color=INK, linewidth=0.9)
    left, right = usual_reach(gains, unit) if far_ones_leave else whole_reach(gains, unit)
    axes.set_xlim(left, right)
    for position, gain in enumerate(gains):
        low, middle, high = (ppm / unit.ppm for ppm in (gain.low_ppm, gain.gain_ppm, gain.high_ppm))
        colour = _COLOURS[gain.change]
        if not left <= middle <= right:
            edge, arrow = (right, ">") if middle > right else (left, "<")
            axes.plot(edge, position, marker=arrow, color=colour, markersize=8, clip_on=False)
        axes.plot([low, high], [position, position], color=colour, solid_capstyle="round")
        axes.plot(
            middle,
            position,
            marker=_MARKS[gain.change],
            markersize=7,
            color=colour,
            markerfacecolor="none" if gain.change == "unclear" else colour,
        )
        axes.annotate(
            unit.signed(gain.gain_ppm),
            (1, position),
            xycoords=("axes fraction", "data"),
            xytext=(6, 0),
            textcoords="offset points",
            va="center",
            annotation_clip=False,
        )
    axes.set_ylim(len(gains) - 0.4, -0.6)
    axes.set_yticks(range(len(gains)), [_short(gain.label) for gain in gains])
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="y", visible=False)
    axes.spines["left"].set_visible(False)
    axes.xaxis.set_major_locator(MaxNLocator(6))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _signed(value)))
    axes.set_xlabel(f"{axis}\n← worse · better →{below}")
    return figure


def _signed(value: float) -> str:
    return f"{value:+g}".replace("-", "−") if value else "0"


def _short(label: str) -> str:
    if max(map(len, label.split("\n"))) <= _SHOWN_LABEL:
        return label
    # Keys end in what tells them apart.
    return f"{label[: _SHOWN_LABEL - 9]}…{label[-8:]}"
