import numpy as np
import pytest
from statsmodels.stats.proportion import proportion_confint

from hokusai_assets.plots.calibration import calibration_pair, reliabilities
from hokusai_assets_tests.plots.two_models import LETTERS, two_models


def test_groups_hold_every_row_once_and_at_least_twenty_each():
    random = np.random.default_rng(1)
    groups = reliabilities(random.random(997), random.random(997) < 0.5)
    assert sum(group.rows for group in groups) == 997
    assert min(group.rows for group in groups) >= 20
    assert len(groups) <= 10


def test_sparse_steps_join_their_neighbours():
    probability = np.concatenate([np.full(100, 0.01), np.full(5, 0.55), np.full(100, 0.99)])
    groups = reliabilities(probability, probability > 0.5)
    assert [group.rows for group in groups] == [100, 105]


def test_a_few_rows_make_one_group():
    (group,) = reliabilities(np.array([0.1, 0.9]), np.array([False, True]))
    assert (group.rows, group.claimed, group.true) == (2, 0.5, 0.5)


def test_what_is_claimed_in_truth_lies_on_the_diagonal():
    random = np.random.default_rng(2)
    probability = random.random(200_000)
    for group in reliabilities(probability, random.random(200_000) < probability):
        assert group.true == pytest.approx(group.claimed, abs=0.02)


def test_intervals_are_wilsons():
    (group,) = reliabilities(np.full(50, 0.5), np.arange(50) < 7)
    assert (group.low, group.high) == pytest.approx(proportion_confint(7, 50, method="wilson"))


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_intervals_stay_within_0_and_1(share):
    (group,) = reliabilities(np.full(30, 0.5), np.full(30, bool(share)))
    assert 0 <= group.low <= group.true <= group.high <= 1


def test_one_class_and_26_classes_draw():
    for pair, positive in ((two_models(only=1), 1), (two_models(LETTERS), None)):
        figure = calibration_pair([pair[0]], [pair[1]], positive=positive)
        assert {text.get_text() for text in figure.legends[0].get_texts()} == {
            "baseline",
            "new",
        }
