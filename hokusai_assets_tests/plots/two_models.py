"""Predictions of two models, one better than the other, and what they counted."""

import numpy as np

from hokusai_assets.evaluation.deltas import confusion_cells
from hokusai_assets.evaluation.predictions import Predictions, round_scores

LETTERS = tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
SPAM = ("ham", "spam")


def two_models(
    labels: tuple[str, ...] = SPAM, *, rows: int = 600, only: int | None = None
) -> tuple[Predictions, Predictions]:
    """Return baseline and new; with ``only`` every row is truly of that class."""
    random = np.random.default_rng(7)
    actual = random.integers(0, len(labels), rows)
    if only is not None:
        actual[:] = only
    return _model(random, actual, labels, 1.0), _model(random, actual, labels, 2.0)


def cells_of(pair: tuple[Predictions, Predictions]) -> list[list[list[str | int]]]:
    found = confusion_cells([pair[0]], [pair[1]])
    return [[list(cell) for cell in cells] for cells in found]


def _model(
    random: np.random.Generator, actual: np.ndarray, labels: tuple[str, ...], skill: float
) -> Predictions:
    raw = random.normal(size=(len(actual), len(labels)))
    raw[np.arange(len(actual)), actual] += skill
    shares = np.exp(raw)
    scores = round_scores(shares / shares.sum(axis=1, keepdims=True))
    return Predictions(labels, actual, scores.argmax(axis=1), scores)
