"""Predictions for tests: drawn by Hypothesis, or many rows from a seed."""

import string

import numpy as np
from hypothesis import strategies as st

from hokusai_assets.evaluation.predictions import FloatArray, IntArray, Predictions, round_scores


def named(classes: int) -> tuple[str, ...]:
    """Return that many class names in order."""
    if classes > len(string.ascii_lowercase):
        return tuple(f"{index:04d}" for index in range(classes))
    return tuple(string.ascii_lowercase[:classes])


def from_weights(actual: IntArray, predicted: IntArray, weights: IntArray) -> Predictions:
    """Return predictions whose scores are rows of integer weights over their sum."""
    scores = weights / weights.sum(axis=1, keepdims=True)
    return Predictions(named(weights.shape[1]), actual, predicted, round_scores(scores))


@st.composite
def predictions(
    draw: st.DrawFn, classes: st.SearchStrategy[int], *, max_rows: int = 30
) -> Predictions:
    """Draw predictions with few distinct scores, so that ties and absent classes are common."""
    size = draw(classes)
    rows = draw(st.integers(1, max_rows))
    column = st.lists(st.integers(0, size - 1), min_size=rows, max_size=rows)
    levels = draw(st.sampled_from([1, 2, 5, 1000]))
    weight = st.lists(st.integers(0, levels), min_size=size, max_size=size).filter(any)
    weights = draw(st.lists(weight, min_size=rows, max_size=rows))
    actual = draw(st.one_of(column, st.just([draw(st.integers(0, size - 1))] * rows)))
    return from_weights(np.array(actual), np.array(draw(column)), np.array(weights))


def many(rows: int, classes: int, *, seed: int, noise: float = 1.0) -> Predictions:
    """Return predictions of a model of limited skill; one seed gives one set of true classes.

    Predictions with the same seed and other noise are about the same rows and correlated.
    """
    stream = np.random.default_rng(seed)
    actual = stream.integers(0, classes, rows)
    logits = stream.normal(size=(rows, classes))
    logits[np.arange(rows), actual] += 1.5
    logits += noise * stream.normal(size=(rows, classes))
    odds = np.exp(logits)
    scores = round_scores(odds / odds.sum(axis=1, keepdims=True))
    return Predictions(named(classes), actual, odds.argmax(axis=1), scores)


def reordered(given: Predictions, order: IntArray) -> Predictions:
    """Return the same rows in another order."""
    return Predictions(
        given.labels, given.actual[order], given.predicted[order], given.scores[order]
    )


def with_scores(given: Predictions, scores: FloatArray) -> Predictions:
    """Return the same rows with other scores."""
    return Predictions(given.labels, given.actual, given.predicted, scores)
