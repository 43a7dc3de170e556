"""The commitment to predictions: one leaf per row, opened without the rest, moved by any change."""

import hashlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hokusai_assets.attestation.prediction_commitment import (
    PerRowFile,
    predictions_root,
    predictions_table,
    row_digests_of,
)
from hokusai_assets.evaluation.measurement import Evaluation
from hokusai_assets.evaluation.predictions import Predictions

LABELS = ("ham|spam", "é")
ROWS = [bytes([i]) * 32 for i in range(3)]
ACTUAL = np.array([0, 1, 1])
PREDICTED = np.array([0, 0, 1])
SCORES = np.array([[1.0, 0.0], [0.6, 0.4], [0.123456789, 0.876543211]])


def said(**changed: object) -> Predictions:
    arguments = {"labels": LABELS, "actual": ACTUAL, "predicted": PREDICTED, "scores": SCORES}
    return Predictions(**(arguments | changed))  # type: ignore[arg-type]


def root(row_digests: list[bytes] = ROWS, **changed: object) -> str:
    return predictions_root(row_digests, [said(**changed)])


def test_the_root_is_what_the_written_form_of_a_leaf_gives() -> None:
    def leaf(text: str) -> bytes:
        return hashlib.sha256(b"\x00" + text.encode()).digest()

    def node(left: bytes, right: bytes) -> bytes:
        return hashlib.sha256(b"\x01" + left + right).digest()

    first = leaf(f"{'00' * 32}|ham%7Cspam|ham%7Cspam|1000000000,0")
    second = leaf(f"{'01' * 32}|%C3%A9|ham%7Cspam|600000000,400000000")
    third = leaf(f"{'02' * 32}|%C3%A9|%C3%A9|123456789,876543211")
    assert root() == node(node(first, second), third).hex()


def test_each_further_replica_adds_its_label_and_scores_to_the_leaf() -> None:
    second = said(predicted=np.array([1, 0, 1]), scores=SCORES[::-1].copy())
    leaf = f"{'00' * 32}|ham%7Cspam|ham%7Cspam|1000000000,0|%C3%A9|123456789,876543211"
    one = Predictions(LABELS, ACTUAL[:1], PREDICTED[:1], SCORES[:1])
    two = Predictions(LABELS, ACTUAL[:1], second.predicted[:1], second.scores[:1])
    found = predictions_root(ROWS[:1], [one, two])
    assert found == hashlib.sha256(b"\x00" + leaf.encode()).hexdigest()
    assert predictions_root(ROWS, [said(), second]) != predictions_root(ROWS, [second, said()])


@pytest.mark.parametrize(
    "changed",
    [
        {"row_digests": [ROWS[0], ROWS[2], ROWS[1]]},
        {"labels": ("ham", "spam")},
        {"actual": np.array([0, 1, 0])},
        {"predicted": np.array([1, 0, 1])},
        {"scores": SCORES + np.array([[0, 0], [0, 0], [-1e-9, 1e-9]])},
    ],
)
def test_any_change_moves_the_root(changed: dict[str, object]) -> None:
    if "scores" in changed:
        changed = {"scores": np.rint(changed["scores"] * 1e9) / 1e9}  # type: ignore[operator]
    assert root(**changed) != root()  # type: ignore[arg-type]


@settings(max_examples=200)
@given(st.integers(0, 1_000_000_000))
def test_scores_of_whole_billionths_are_written_exactly(units: int) -> None:
    score = np.rint(units) / 1_000_000_000
    other = np.rint(1_000_000_000 - units) / 1_000_000_000
    row = Predictions(("a", "b"), np.array([0]), np.array([0]), np.array([[score, other]]))
    leaf = f"{'00' * 32}|a|a|{units},{1_000_000_000 - units}"
    found = predictions_root(ROWS[:1], [row])
    assert found == hashlib.sha256(b"\x00" + leaf.encode()).hexdigest()


@pytest.mark.parametrize("replicas", [1, 3])
def test_a_table_of_predictions_reads_back_as_they_were(replicas: int) -> None:
    model = Evaluation((said(),) * replicas, ROWS, "0" * 64, "1" * 64)
    slices = {"rare": np.array([True, False, False])}
    table = predictions_table(model, model, slices)
    assert row_digests_of(table) == ROWS
    file = PerRowFile.of(table, LABELS)
    for which in ("baseline", "new"):
        found = file.replicas[which]
        assert len(found) == replicas
        assert predictions_root(ROWS, found) == predictions_root(ROWS, model.replicas)
        assert file.roots[f"{which}_root"] == predictions_root(ROWS, model.replicas)
    assert {name: rows.tolist() for name, rows in file.slices.items()} == {
        "rare": [True, False, False]
    }
