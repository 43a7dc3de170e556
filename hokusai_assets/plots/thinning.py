"""Fewer points for a curve of a million, with the same picture."""

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

BINS = 256
"""Finer than a figure's pixels are wide."""


def thinned(x: FloatArray, y: FloatArray, *, bins: int = BINS) -> tuple[FloatArray, FloatArray]:
    """Return at most 4 points of each of ``bins`` equal parts of x, both ends included.

    Of each part the first, the last, the lowest and the highest point stay, so that a line through
    the rest covers what the whole line covers, to within the width of a part.

    Args:
        x: (n,) not falling, n >= 1.
        y: (n,) finite.
        bins: >= 1.
    """
    if len(x) <= 4 * bins:
        return x, y
    span = float(x[-1] - x[0])
    if span == 0:
        part = np.zeros(len(x), dtype=np.int64)
    else:
        part = np.minimum(((x - x[0]) * (bins / span)).astype(np.int64), bins - 1)
    starts = np.flatnonzero(np.diff(part, prepend=-1))
    ends = np.append(starts[1:], len(x)) - 1
    # Sorted by part, then height: each part's ends are its lowest and highest point.
    by_height = np.lexsort((y, part))
    kept = np.unique(np.concatenate([starts, ends, by_height[starts], by_height[ends]]))
    return x[kept], y[kept]


def corners(x: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return a line without the points that lie straight between their neighbours.

    Args:
        x, y: (n,) whole numbers, such as counts.
    """
    if len(x) < 3:
        return x, y
    across, up = np.diff(x), np.diff(y)
    turns = across[1:] * up[:-1] != across[:-1] * up[1:]
    kept = np.concatenate([[True], turns, [True]])
    return x[kept], y[kept]
