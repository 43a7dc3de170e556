"""Tests of the AUROC's structural components against a slow direct implementation."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from hokusai_assets.evaluation import roc
from hokusai_assets.evaluation.intervals import stratified_variance
from hokusai_assets.evaluation.predictions import Predictions, round_scores
from hokusai_assets_tests.evaluation.generated_predictions import many, named, predictions


def slow_delong(actual, first, second):
    """Return areas and the DeLong covariance of two scores, by every pair of rows."""
    kernels = []
    for scores in (first, second):
        difference = scores[actual == 1][:, None] - scores[actual == 0][None, :]
        kernels.append((np.sign(difference) + 1) / 2)
    areas = [kernel.mean() for kernel in kernels]
    v10 = np.cov(np.stack([kernel.mean(axis=1) for kernel in kernels]))
    v01 = np.cov(np.stack([kernel.mean(axis=0) for kernel in kernels]))
    positives, negatives = kernels[0].shape
    return areas, v10 / positives + v01 / negatives


@given(
    predictions(st.just(2), max_rows=40),
    st.lists(st.integers(0, 4), min_size=40, max_size=40),
)
def test_variance_of_the_difference_is_delongs_with_ties(new, quarters):
    assume(min(np.bincount(new.actual, minlength=2)) >= 2)
    share = np.array(quarters[: new.rows]) / 4
    baseline = Predictions(
        new.labels, new.actual, new.predicted, np.column_stack([1 - share, share])
    )
    areas, covariance = slow_delong(new.actual, new.scores[:, 1], baseline.scores[:, 1])
    area_new, of_new = roc.area_and_components(new, [1])
    area_baseline, of_baseline = roc.area_and_components(baseline, [1])
    assert float(area_new) == pytest.approx(areas[0], abs=1e-14)
    assert float(area_baseline) == pytest.approx(areas[1], abs=1e-14)
    assert stratified_variance(of_new, new.actual) == pytest.approx(covariance[0, 0], abs=1e-14)
    expected = covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]
    actual = stratified_variance(of_new - of_baseline, new.actual)
    assert actual == pytest.approx(expected, abs=1e-14)


def test_a_hand_worked_case():
    # Positives .8 and .4, negatives .4 and .2: wins 1, 1, 1/2, 1, so the area is 7/8.
    score = np.array([0.8, 0.4, 0.4, 0.2])
    scores = round_scores(np.column_stack([1 - score, score]))
    given = Predictions(named(2), np.array([1, 1, 0, 0]), np.zeros(4, int), scores)
    area, components = roc.area_and_components(given, [1])
    assert area == Fraction(7, 8)
    assert components.tolist() == [1 / 2, 3 / 8, 3 / 8, 1 / 2]
    # V10 = (1, 3/4) and V01 = (3/4, 1): variances 1/32, over 2 rows each.
    assert stratified_variance(components, given.actual) == pytest.approx(1 / 32)


def test_averaging_both_of_two_classes_gives_delong_exactly():
    new, baseline = many(300, 2, seed=5, noise=0.5), many(300, 2, seed=5, noise=1.5)
    _, one_new = roc.area_and_components(new, [1])
    _, one_baseline = roc.area_and_components(baseline, [1])
    _, both_new = roc.area_and_components(new, [0, 1])
    _, both_baseline = roc.area_and_components(baseline, [0, 1])
    both = stratified_variance(both_new - both_baseline, new.actual)
    one = stratified_variance(one_new - one_baseline, new.actual)
    assert both == pytest.approx(one, rel=1e-12)
    _, covariance = slow_delong(new.actual, new.scores[:, 1], baseline.scores[:, 1])
    assert both == pytest.approx(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])


def test_multiclass_variance_matches_the_spread_over_repeated_test_sets():
    stream = np.random.default_rng(11)
    actual = np.repeat([0, 1, 2], [90, 60, 30])
    areas, variances = [], []
    for _ in range(400):
        logits = stream.normal(size=(180, 3))
        logits[np.arange(180), actual] += 1
        odds = np.exp(logits)
        scores = round_scores(odds / odds.sum(axis=1, keepdims=True))
        drawn = Predictions(named(3), actual, odds.argmax(axis=1), scores)
        area, components = roc.area_and_components(drawn, range(3))
        areas.append(float(area))
        variances.append(stratified_variance(components, actual))
    # A variance estimated from 400 draws has a relative error of 7%.
    assert np.mean(variances) == pytest.approx(np.var(areas, ddof=1), rel=0.2)


def test_placements_of_a_single_class_are_refused():
    with pytest.raises(roc.SingleClass):
        roc.doubled_placements(np.array([0.1, 0.2]), np.array([True, True]))
    with pytest.raises(roc.SingleClass):
        roc.doubled_placements(np.array([0.1, 0.2]), np.array([False, False]))
