"""Confusion matrices of two models side by side, from counts."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from numpy.typing import NDArray

from hokusai_assets.plots.style import MODEL_NAMES, NEW, WIDTH, drawn, new_figure

# Text keeps its contrast on the fill up to here, dark on a light page and light on a dark one.
_STRONGEST = 0.8
_SHADES = 20
_NUMBERED_CLASSES = 8
_SHOWN_LABEL = 12

Cell = Sequence[str | int]


def confusion_counts(
    cells: Sequence[Sequence[Cell]], labels: Sequence[str]
) -> dict[str, NDArray[np.int64]]:
    """Return each model's (K, K) counts by true class, then predicted class, over all replicas.

    Args:
        cells: a measurement's ``confusion_cells``: by replica (true class, what the baseline
            said, what the new model said, rows).
        labels: the K classes in their order.
    """
    position = {label: index for index, label in enumerate(labels)}
    counts = {name: np.zeros((len(labels), len(labels)), np.int64) for name in MODEL_NAMES}
    for replica in cells:
        for true, *said, rows in replica:
            for name, label in zip(MODEL_NAMES, said, strict=True):
                counts[name][position[str(true)], position[str(label)]] += int(rows)
    return counts


@drawn
def confusion_matrices(
    cells: Sequence[Sequence[Cell]],
    labels: Sequence[str],
    *,
    models: Sequence[str] = MODEL_NAMES,
) -> Figure:
    """Return models' confusion matrices beside one another, each row's shares as shades.

    Up to 8 classes have numbers in their cells; counts of several replicas are summed.

    Args:
        cells: see `confusion_counts`.
        labels: the K >= 2 classes in their order.
        models: which of "baseline" and "new".
    """
    counts = confusion_counts(cells, labels)
    side = WIDTH if len(models) == 1 else WIDTH * 0.8
    figure = new_figure(
        side if len(models) == 1 else side + 0.2,
        width=side * len(models),
    )
    for number, name in enumerate(models, 1):
        axes = figure.add_subplot(1, len(models), number, aspect="equal")
        _draw(axes, counts[name], labels)
        axes.set_title(name)
        axes.set_xlabel("predicted")
        if number == 1:
            axes.set_ylabel("true class")
    return figure


def _draw(axes: Axes, counts: NDArray[np.int64], labels: Sequence[str]) -> None:
    classes = len(labels)
    of_class = np.maximum(counts.sum(axis=1, keepdims=True), 1)
    shares = counts / of_class
    # The root makes single errors visible beside a full diagonal.
    shades = np.ceil(np.sqrt(shares) * _SHADES).astype(np.int64)
    for shade in np.unique(shades[shades > 0]).tolist():
        # One path for all cells of a shade: 26 classes have some 600 cells.
        squares = [_square(x, y) for y, x in np.argwhere(shades == shade).tolist()]
        axes.add_patch(
            PathPatch(
                Path.make_compound_path(*squares),
                facecolor=NEW,
                alpha=round(shade / _SHADES * _STRONGEST, 3),
                edgecolor="none",
            )
        )
    axes.set(xlim=(-0.5, classes - 0.5), ylim=(classes - 0.5, -0.5))
    axes.grid(False)
    shown = [_short(label) for label in labels]
    size = 10 if classes <= _NUMBERED_CLASSES else max(4.0, min(8.0, 200 / classes))
    # Of more classes than lines of text every second, third ... has a name.
    step = max(1, -(-classes // 40))
    ticks = range(0, classes, step)
    turn = 90 if max(map(len, shown)) * classes > 40 else 0
    axes.set_xticks(ticks, [shown[tick] for tick in ticks], fontsize=size, rotation=turn)
    axes.set_yticks(ticks, [shown[tick] for tick in ticks], fontsize=size)
    axes.tick_params(length=0)
    if classes <= _NUMBERED_CLASSES:
        for y in range(classes):
            for x in range(classes):
                axes.text(x, y, f"{counts[y, x]:,}", ha="center", va="center", fontsize=10)


def _square(x: int, y: int) -> Path:
    return Path(
        [(x - 0.5, y - 0.5), (x + 0.5, y - 0.5), (x + 0.5, y + 0.5), (x - 0.5, y + 0.5), (x, y)],
        [Path.MOVETO, Path.LINETO, Path.LINETO, Path.LINETO, Path.CLOSEPOLY],
    )


def _short(label: str) -> str:
    return label if len(label) <= _SHOWN_LABEL else label[: _SHOWN_LABEL - 1] + "…"
