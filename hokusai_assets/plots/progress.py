"""A benchmark over time: what each settled contribution gained, and what that adds up to."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.markers import CARETDOWN, CARETUP  # type: ignore[attr-defined]
from matplotlib.ticker import MaxNLocator

from hokusai_assets.evaluation.units import Unit
from hokusai_assets.plots.forest import Gain, gain_in_words, usual_reach
from hokusai_assets.plots.style import (
    BASELINE,
    BETTER,
    INK,
    NEW,
    WORSE,
    drawn,
    name_lines,
    new_figure,
    say,
)
from hokusai_assets.plots.thinning import thinned

_NOTHING = "Nothing was settled yet."
_DOTS = 400
_PPM_PER_BPS = 100


@dataclass(frozen=True)
class Settlement:
    """One settled contribution, as much of it as may be shown.

    Attributes:
        gain: what it alone changes of the baseline, on the primary metric; None where no
            attestation shows it.
        accepted: whether it joined the accepted model.
        bps: what it added to the accepted model, 0 if it was not accepted.
        payable_bps: what of that is payable.
    """

    gain: Gain | None
    accepted: bool
    bps: int
    payable_bps: int


@drawn
def gain_over_time(
    settled: Sequence[Settlement], *, metric: str, unit: Unit, nothing: str = _NOTHING
) -> Figure:
    """Return each contribution's gain with its interval, in the order they were settled.

    Accepted ones are filled circles, the others hollow triangles; of more than 400 the intervals
    are left out.

    Args:
        settled: in order, the first one's look being 1.
        metric: the primary metric's name.
        unit: of its changes.
        nothing: what is said where nothing was settled.
    """
    figure = new_figure(3.2)
    axes = figure.add_subplot()
    if not settled:
        say(axes, nothing)
        return figure
    axes.axhline(0, color=INK, linewidth=0.9)
    for accepted, colour, mark, name in (
        (True, BETTER, "o", "accepted"),
        (False, WORSE, "v", "not accepted"),
    ):
        shown = [
            (position, one.gain)
            for position, one in enumerate(settled, 1)
            if one.accepted == accepted and one.gain is not None
        ]
        if shown:
            _dots(axes, shown, unit, colour, mark, name)
    axes.set(
        xlabel="contribution, in the order settled",
        ylabel=gain_in_words(metric, unit).replace(", ", ",\n"),
    )
    _count_axis(axes, len(settled))
    if every := [one.gain for one in settled if one.gain is not None]:
        _leave_out_far_ones(axes, settled, unit, *usual_reach(every, unit))
    if axes.get_legend_handles_labels()[0]:
        name_lines(axes)
    return figure


@drawn
def cumulative_gain(
    settled: Sequence[Settlement], *, metric: str, unit: Unit, nothing: str = _NOTHING
) -> Figure:
    """Return what accepted contributions add up to: their gains, and what is payable for them.

    Args:
        settled: in order, the first one's look being 1.
        metric: the primary metric's name.
        unit: of its changes.
        nothing: what is said where nothing was settled.
    """
    figure = new_figure(3.2)
    axes = figure.add_subplot()
    if not settled:
        say(axes, nothing)
        return figure
    # One step more, so that the last level has a width.
    looks = np.arange(len(settled) + 2, dtype=np.float64)
    for values, colour, dash, name in (
        ([one.bps for one in settled], NEW, "solid", "gain"),
        ([one.payable_bps for one in settled], BASELINE, (0, (4, 2)), "payable"),
    ):
        added = np.cumsum(values) * _PPM_PER_BPS / unit.ppm
        total = np.concatenate([[0.0], added, added[-1:]])
        axes.plot(
            *thinned(looks, total),
            color=colour,
            linestyle=dash,
            drawstyle="steps-post",
            label=name,
        )
    if not any(one.bps or one.payable_bps for one in settled):
        # Else the axis shows thousandths around nothing.
        axes.set_ylim(0, 1)
    axes.set(xlabel="contributions settled", ylabel=f"{metric}, in\n{unit.name or 'its own unit'}")
    _count_axis(axes, len(settled))
    name_lines(axes)
    return figure


def _dots(
    axes: Axes,
    shown: Sequence[tuple[int, Gain]],
    unit: Unit,
    colour: str,
    mark: str,
    name: str,
) -> None:
    many = len(shown) > _DOTS
    middle = np.array([gain.gain_ppm for _, gain in shown]) / unit.ppm
    low = middle - np.array([gain.low_ppm for _, gain in shown]) / unit.ppm
    high = np.array([gain.high_ppm for _, gain in shown]) / unit.ppm - middle
    x = np.array([position for position, _ in shown], dtype=np.float64)
    if many:
        x, middle = thinned(x, middle, bins=128)
    axes.errorbar(
        x,
        middle,
        yerr=None if many else np.maximum([low, high], 0),
        linestyle="none",
        marker=mark,
        markersize=3 if many else 6,
        color=colour,
        markerfacecolor=colour if mark == "o" else "none",
        elinewidth=1.2,
        label=name,
    )


def _leave_out_far_ones(
    axes: Axes, settled: Sequence[Settlement], unit: Unit, bottom: float, top: float
) -> None:
    """Hold the picture to a range; what lies beyond has a mark at its edge."""
    axes.set_ylim(bottom, top)
    for position, one in enumerate(settled, 1):
        if one.gain is None:
            continue
        gain = one.gain.gain_ppm / unit.ppm
        if not bottom <= gain <= top:
            axes.plot(
                position,
                top if gain > top else bottom,
                marker=CARETUP if gain > top else CARETDOWN,
                color=BETTER if one.accepted else WORSE,
                markersize=8,
                clip_on=False,
            )


def _count_axis(axes: Axes, count: int) -> None:
    axes.set_xlim(0, count + max(1.0, 0.02 * count))
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
