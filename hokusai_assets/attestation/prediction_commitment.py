"""The commitment to a model's predictions: one Merkle leaf per test row.

A leaf's data is ``<row digest in hex>|<label>|<predicted label>|<s1>,<s2>,...`` in UTF-8, with
labels percent-encoded (RFC 3986) and scores in billionths as integers, in the order of the
benchmark's sorted labels. Leaves stand in the order of the test set's row digests.
"""

from collections.abc import Sequence
from urllib.parse import quote

import numpy as np

from hokusai_assets.canonical import merkle

BILLION = 1_000_000_000


def scores_in_billionths(scores: np.ndarray) -> np.ndarray:
    """Return (n, K) scores, already rounded to 1e-9, as int64 billionths."""
    billionths: np.ndarray = np.rint(scores * BILLION).astype(np.int64)
    return billionths


def predictions_root(
    row_digests: Sequence[bytes],
    labels: Sequence[str],
    actual: np.ndarray,
    predicted: np.ndarray,
    billionths: np.ndarray,
) -> str:
    """Return the Merkle root (hex) over n predictions.

    Args:
        row_digests: n row digests of the test set, ascending.
        labels: K class names, sorted.
        actual: (n,) class indices.
        predicted: (n,) class indices.
        billionths: (n, K) integers from `scores_in_billionths`.
    """
    names = [quote(label, safe="") for label in labels]
    leaves = []
    for position, row in enumerate(row_digests):
        scores = ",".join(map(str, billionths[position].tolist()))
        text = f"{row.hex()}|{names[actual[position]]}|{names[predicted[position]]}|{scores}"
        leaves.append(merkle.leaf_hash(text.encode()))
    return merkle.root_hex(leaves)
