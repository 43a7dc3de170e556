"""The Shapley value of every training row for a nearest-neighbour classifier, in closed form.

Jia, R. et al. (2019). Efficient task-specific data valuation for nearest neighbor algorithms.
PVLDB 12(11), theorem 1.
"""

from typing import Any

import numpy as np

from hokusai_assets.evaluation.predictions import FloatArray, IntArray

# Cells of a matrix over a batch; about seven of them live at once, of 8 bytes a cell.
_CELLS = 1_000_000
# Distances are compared as whole multiples of this: equal rows tie whatever BLAS's rounding.
_DISTANCE_DECIMALS = 9


def nearest_neighbour_utility(match: FloatArray, neighbours: int) -> FloatArray:
    """Return (m,) shares of the K places that the nearest rows with the right label take.

    v(S) = 1/K * (right labels among the min(K, |S|) nearest of S); 0 for no rows.

    Args:
        match: (n, m) 1 where a training row's label is that of the test row, nearest row first.
        neighbours: K >= 1.
    """
    shares: FloatArray = match[:neighbours].sum(axis=0) / neighbours
    return shares


def nearest_neighbour_shapley(
    train: Any, train_labels: IntArray, test: Any, test_labels: IntArray, *, neighbours: int
) -> tuple[FloatArray, float]:
    """Return each training row's Shapley value, and the utility of all rows.

    Per test row, with training rows from nearest (1) to farthest (n), m_i whether row i has the
    right label: s_n = m_n min(K, n) / (K n), s_i = s_{i+1} + (m_i - m_{i+1}) min(K, i) / (K i).
    A row's value is the mean over test rows; the values sum to the utility of all rows.

    Equally near rows stand in the order given. Takes O(m n log n) time, and memory for a batch of
    test rows whatever their number.

    Args:
        train: (n, p) features, an array or a SciPy CSR matrix; n >= 1.
        train_labels: (n,) class indices.
        test: (m, p) features of the same kind; m >= 1.
        test_labels: (m,) class indices.
        neighbours: K >= 1.

    Returns:
        (n,) values in [-1, 1], and the utility of all rows in [0, 1].
    """
    n, m = train.shape[0], test.shape[0]
    place = np.arange(1, n)
    weights = (np.minimum(neighbours, place) / (neighbours * place))[:, None]
    last = min(neighbours, n) / (neighbours * n)
    train_norms, test_norms = _squared_norms(train), _squared_norms(test)
    totals, utility = np.zeros(n), 0.0
    step = max(1, _CELLS // n)
    for start in range(0, m, step):
        part = slice(start, start + step)
        products = train @ test[part].T
        products = products.toarray() if hasattr(products, "toarray") else products
        distances = train_norms[:, None] + test_norms[None, part] - 2 * products
        order = np.argsort(np.round(distances, _DISTANCE_DECIMALS), axis=0, kind="stable")
        match = (train_labels[order] == test_labels[None, part]).astype(np.float64)
        utility += float(nearest_neighbour_utility(match, neighbours).sum())
        # Sums from the farthest row inwards.
        steps = np.vstack([(match[:-1] - match[1:]) * weights, match[-1:] * last])
        values = np.cumsum(steps[::-1], axis=0)[::-1]
        by_row = np.empty_like(values)
        np.put_along_axis(by_row, order, values, axis=0)
        totals += by_row.sum(axis=1)
    return totals / m, utility / m


def _squared_norms(features: Any) -> FloatArray:
    if hasattr(features, "multiply"):
        squares = features.multiply(features).sum(axis=1)
    else:
        squares = (features * features).sum(axis=1)
    norms: FloatArray = np.asarray(squares, dtype=np.float64).ravel()
    return norms
