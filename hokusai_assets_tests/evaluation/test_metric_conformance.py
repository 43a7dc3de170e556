"""Tests of the conformance kit: what is built in conforms, and each fault is found by its name."""

from dataclasses import replace

import numpy as np
import pytest

from hokusai_assets.evaluation.metric_conformance import assert_conforms, check_conformance
from hokusai_assets.evaluation.metrics import METRICS, Metric


@pytest.mark.parametrize("name", METRICS)
def test_what_is_built_in_conforms(name):
    assert_conforms(METRICS[name])


def hit_rate(y, labels, weight):
    return float(np.sum(weight * (y == labels)) / np.sum(weight))


GOOD = Metric("hit_rate", "higher", (0.0, 1.0), "labels", score=hit_rate)


def failed(metric: Metric) -> list[str]:
    return [found.requirement for found in check_conformance(metric) if found.outcome == "fail"]


def of_rows(value) -> Metric:
    """Return a metric with another value than its form gives."""
    return replace(METRICS["accuracy"], name="faulty", value=value)


def test_a_generic_score_conforms():
    assert_conforms(GOOD)


@pytest.mark.parametrize(
    ("metric", "requirement"),
    [
        (of_rows(lambda given, _: float(given.scores[0, 0])), "any order of rows"),
        (of_rows(lambda given, _: float(given.predicted.sum()) / 1e6), "resamples"),
        (of_rows(lambda given, _: float(given.predicted.sum()) / 1e6), "repeated rows"),
        (of_rows(lambda given, _: float("nan")), "in range"),
        (replace(GOOD, range=(0.0, 0.5)), "in range"),
        (replace(GOOD, direction="lower"), "direction"),
        (replace(GOOD, score=lambda y, labels, weight: float(np.mean(y == labels))), "resamples"),
        (replace(METRICS["brier"], per_row=lambda given: given.scores[:, 0]), "resamples"),
        (replace(METRICS["accuracy"], from_counts=lambda counts, _: np.zeros(1)), "resamples"),
        (
            replace(
                METRICS["auroc"],
                components=lambda given, averaging: 2
                * METRICS["auroc"].components(given, averaging),
            ),
            "error",
        ),
        (
            replace(
                METRICS["recall"],
                value=lambda given, _: 1 / len(set(given.actual.tolist()) - {0}),
            ),
            "one class only",
        ),
    ],
)  # fmt: skip
def test_a_fault_is_found_and_named(metric, requirement):
    assert requirement in failed(metric)
    with pytest.raises(AssertionError, match=requirement):
        assert_conforms(metric)


def test_requirements_of_other_forms_do_not_apply():
    outcomes = {found.requirement: found.outcome for found in check_conformance(METRICS["auroc"])}
    assert outcomes["resamples"] == "not applicable"
    outcomes = {found.requirement: found.outcome for found in check_conformance(GOOD)}
    assert outcomes["error"] == "not applicable"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": "Hit Rate"}, "no name for a metric"),
        ({"direction": "up"}, "direction is one of"),
        ({"needs": "probabilities"}, "needs one of"),
        ({"range": (1.0, 0.0)}, "least, greatest"),
        ({"per_row": lambda given: given.scores[:, 0]}, "exactly one"),
        ({"score": None}, "exactly one"),
        ({"score": None, "components": lambda given, _: given.scores[:, 0]}, "need a value"),
    ],
)
def test_an_impossible_metric_is_refused_when_it_is_made(change, words):
    parts = {
        "name": "hit_rate",
        "direction": "higher",
        "range": (0.0, 1.0),
        "needs": "labels",
        "score": hit_rate,
    }
    with pytest.raises(ValueError, match=words):
        Metric(**(parts | change))
