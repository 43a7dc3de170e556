"""Tests of the AUROC's structural components against a slow direct implementation."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from hokusai_assets.evaluation import roc
from hokusai_assets.evaluation.deltas import MetricDelta, compare
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


@given(predictions(st.integers(2, 4), max_rows=40))
def test_the_area_alone_is_the_area_with_its_components(given):
    assume(len(set(given.actual.tolist())) == given.classes)
    classes = range(given.classes)
    assert roc.exact_area(given, classes) == roc.area_and_components(given, classes)[0]


@given(st.lists(st.integers(0, 6), min_size=2, max_size=30), st.integers(0, 2**30))
def test_placements_count_the_pairs_won_and_tied(levels, bits):
    scores = np.array(levels) / 10
    is_positive = np.array([bool(bits >> index & 1) for index in range(len(levels))])
    assume(0 < is_positive.sum() < len(levels))
    doubled, _, _ = roc.doubled_placements(scores, is_positive)
    for score, positive, found in zip(scores, is_positive, doubled, strict=True):
        others = scores[is_positive != positive]
        won = others < score if positive else others > score
        assert found == 2 * won.sum() + (others == score).sum()


def test_placements_of_a_single_class_are_refused():
    with pytest.raises(roc.SingleClass):
        roc.doubled_placements(np.array([0.1, 0.2]), np.array([True, True]))
    with pytest.raises(roc.SingleClass):
        roc.doubled_placements(np.array([0.1, 0.2]), np.array([False, False]))


# DeLong, DeLong & Clarke-Pearson 1988: albumin, total protein and K-G score of 43 patients with
# all three measured, and whether surgery helped. Rows and results as SAS/STAT documents them for
# PROC LOGISTIC, "Comparing Receiver Operating Characteristic Curves".
OVARIAN_CANCER = """
3.0 5.8 10 0  3.2 6.3 5 1  3.9 6.8 3 1  2.8 4.8 6 0  3.2 5.8 3 1  0.9 4.0 5 0  2.5 5.7 8 0
1.6 5.6 5 1  3.8 5.7 5 1  3.7 6.7 6 1  3.2 5.4 4 1  3.8 6.6 6 1  4.1 6.6 5 1  3.6 5.7 5 1
4.3 7.0 4 1  3.6 6.7 4 0  2.3 4.4 6 1  4.2 7.6 4 0  4.0 6.6 6 0  3.5 5.8 6 1  3.8 6.8 7 1
3.0 4.7 8 0  4.5 7.4 5 1  3.7 7.4 5 1  3.1 6.6 6 1  4.1 8.2 6 1  4.3 7.0 5 1  4.3 6.5 4 1
3.2 5.1 5 1  2.6 4.7 6 1  3.3 6.8 6 0  1.7 4.0 7 0  3.7 6.1 5 1  3.3 6.3 7 1  4.2 7.7 6 1
3.5 6.2 5 1  2.9 5.7 9 0  2.1 4.8 7 1  2.8 6.2 8 0  4.0 7.0 7 1  3.3 5.7 6 1  3.7 6.9 5 1
3.6 6.6 5 1
"""


def ovarian_cancer() -> dict[str, Predictions]:
    rows = np.array(OVARIAN_CANCER.split(), float).reshape(-1, 4)
    actual = rows[:, 3].astype(int)
    tests = {"albumin": rows[:, 0], "total protein": rows[:, 1], "K-G": 10 - rows[:, 2]}
    return {
        name: Predictions(
            named(2), actual, actual, round_scores(np.column_stack([10 - value, value]) / 10)
        )
        for name, value in tests.items()
    }


# Test, area, standard error.
PUBLISHED_AREAS = [
    ("K-G", 0.7258, 0.1028),
    ("albumin", 0.7366, 0.0927),
    ("total protein", 0.6478, 0.1000),
]
# Test, its area less that of K-G, standard error, ends of the 95% interval, p-value.
PUBLISHED_CONTRASTS = [
    ("albumin", 0.0108, 0.0953, -0.1761, 0.1976, 0.9102),
    ("total protein", -0.0780, 0.1046, -0.2830, 0.1271, 0.4561),
]


def contrast_with_kg(test: str) -> MetricDelta:
    """Return the delta of a test's area over that of K-G."""
    tests = ovarian_cancer()
    return compare(
        [tests["K-G"]],
        [tests[test]],
        metrics=["auroc"],
        average="binary",
        positive=1,
        confidence=0.95,
        resamples=100,
        seed=0,
    )["auroc"]


@pytest.mark.parametrize(("test", "area", "error"), PUBLISHED_AREAS)
def test_areas_and_errors_are_the_published_ones_of_delong_1988(test, area, error):
    given = ovarian_cancer()[test]
    found, components = roc.area_and_components(given, [1])
    assert float(found) == pytest.approx(area, abs=5e-5)
    assert stratified_variance(components, given.actual) ** 0.5 == pytest.approx(error, abs=5e-5)


@pytest.mark.parametrize(("test", "delta", "error", "low", "high", "p_value"), PUBLISHED_CONTRASTS)
def test_contrasts_are_the_published_ones_of_delong_1988(test, delta, error, low, high, p_value):
    found = contrast_with_kg(test)
    assert found.delta_ppm / 1e6 == pytest.approx(delta, abs=6e-5)
    assert found.test_error_ppm / 1e6 == pytest.approx(error, abs=6e-5)
    assert found.low_ppm / 1e6 == pytest.approx(low, abs=6e-5)
    assert found.high_ppm / 1e6 == pytest.approx(high, abs=6e-5)
    assert found.p_value_ppm / 1e6 == pytest.approx(p_value, abs=6e-5)


def test_the_area_is_mann_whitneys_statistic_over_the_pairs():
    given = many(400, 2, seed=8)
    area, _ = roc.area_and_components(given, [1])
    score = given.scores[:, 1]
    ours = stats.mannwhitneyu(score[given.actual == 1], score[given.actual == 0])
    pairs = (given.actual == 1).sum() * (given.actual == 0).sum()
    assert float(area) == pytest.approx(ours.statistic / pairs, abs=1e-14)
