"""The commitment to predictions: one leaf per row, opened without the rest, moved by any change."""

import hashlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hokusai_assets.attestation.prediction_commitment import (
    predictions_root,
    scores_in_billionths,
)

LABELS = ("ham|spam", "é")
ROWS = [bytes([i]) * 32 for i in range(3)]
ACTUAL = np.array([0, 1, 1])
PREDICTED = np.array([0, 0, 1])
SCORES = np.array([[1.0, 0.0], [0.6, 0.4], [0.123456789, 0.876543211]])


def root(**changed: object) -> str:
    arguments = {
        "row_digests": ROWS,
        "labels": LABELS,
        "actual": ACTUAL,
        "predicted": PREDICTED,
        "billionths": scores_in_billionths(SCORES),
    }
    return predictions_root(**(arguments | changed))  # type: ignore[arg-type]


def test_the_root_is_what_the_written_form_of_a_leaf_gives() -> None:
    def leaf(text: str) -> bytes:
        return hashlib.sha256(b"\x00" + text.encode()).digest()

    def node(left: bytes, right: bytes) -> bytes:
        return hashlib.sha256(b"\x01" + left + right).digest()

    first = leaf(f"{'00' * 32}|ham%7Cspam|ham%7Cspam|1000000000,0")
    second = leaf(f"{'01' * 32}|%C3%A9|ham%7Cspam|600000000,400000000")
    third = leaf(f"{'02' * 32}|%C3%A9|%C3%A9|123456789,876543211")
    assert root() == node(node(first, second), third).hex()


@pytest.mark.parametrize(
    "changed",
    [
        {"row_digests": [ROWS[0], ROWS[2], ROWS[1]]},
        {"labels": ("ham", "spam")},
        {"actual": np.array([0, 1, 0])},
        {"predicted": np.array([1, 0, 1])},
        {"billionths": scores_in_billionths(SCORES) + np.array([[0, 0], [0, 0], [0, 1]])},
        {"row_digests": ROWS[:2]},
    ],
)
def test_any_change_moves_the_root(changed: dict[str, object]) -> None:
    assert root(**changed) != root()


@settings(max_examples=200)
@given(st.integers(0, 1_000_000_000))
def test_scores_of_whole_billionths_are_written_exactly(units: int) -> None:
    score = np.rint(units) / 1_000_000_000
    assert scores_in_billionths(np.array([[score]])).tolist() == [[units]]
