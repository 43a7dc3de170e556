"""The one look of all figures: colours, marks, sizes, and drawing that no other thread disturbs."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import ParamSpec

import matplotlib.style
from matplotlib.axes import Axes
from matplotlib.figure import Figure

# Okabe & Ito's colours ("Color Universal Design", 2008) and a grey, each at least 3:1 on white and
# on #0d1117. Who can't tell them apart has dashes and marks.
BASELINE, NEW = "#7d7d7d", "#0072b2"
BETTER, WORSE = "#009e73", "#d55e00"
INK = "#1b1f24"
"""Text and axes; an SVG takes the colour of the page's text in its place."""

MODEL_NAMES = ("baseline", "new")
MODEL_COLOURS = {"baseline": BASELINE, "new": NEW}
MODEL_DASHES = {"baseline": (0, (4, 2)), "new": "solid"}
MODEL_MARKS = {"baseline": "s", "new": "o"}

WIDTH = 5.0
"""Inches; at 72 units an inch a phone's width shows an SVG at its own size."""

_SETTINGS: dict[str, object] = {
    "font.family": ["sans-serif"],
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 10,
    "axes.titlesize": 11,
    "axes.titlelocation": "left",
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.facecolor": "none",
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.unicode_minus": True,
    "grid.color": INK,
    "grid.alpha": 0.15,
    "grid.linewidth": 0.8,
    "xtick.color": INK,
    "ytick.color": INK,
    "text.color": INK,
    "text.parse_math": False,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
    "lines.markersize": 6,
    "figure.facecolor": "none",
    "savefig.facecolor": "none",
    "savefig.bbox": None,
    "svg.fonttype": "none",
    "svg.hashsalt": "hokusai",
    "svg.id": None,
    "path.simplify": True,
}

# matplotlib's settings are one per process; figures are drawn and written in turns.
_TURN = threading.RLock()

_Given = ParamSpec("_Given")


@contextmanager
def house_style() -> Iterator[None]:
    """Hold matplotlib to the house style for one thread, whatever a user's matplotlibrc says."""
    with _TURN, matplotlib.style.context(["default", _SETTINGS]):
        yield


def drawn(draw: Callable[_Given, Figure]) -> Callable[_Given, Figure]:
    """Make a function draw in the house style."""

    @wraps(draw)
    def in_style(*given: _Given.args, **named: _Given.kwargs) -> Figure:
        with house_style():
            return draw(*given, **named)

    return in_style


def new_figure(height: float, *, width: float = WIDTH) -> Figure:
    """Return an empty figure of a size in inches, whose parts make room for one another."""
    return Figure(figsize=(width, height), layout="constrained")


def name_lines(axes: Axes) -> None:
    """Put the legend above the picture, where no line of it or of the grid runs through a name."""
    figure = axes.get_figure(root=True)
    assert figure is not None
    figure.legend(*axes.get_legend_handles_labels(), loc="outside upper left", ncols=2)


def say(axes: Axes, sentence: str) -> None:
    """Say in the place of a picture why there is none."""
    axes.set_axis_off()
    axes.text(0.5, 0.5, sentence, ha="center", va="center", wrap=True, transform=axes.transAxes)
