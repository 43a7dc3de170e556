import itertools

import numpy as np
import pytest

from hokusai_assets.plots.thinning import corners, thinned


@pytest.fixture
def walk():
    random = np.random.default_rng(3)
    return np.sort(random.random(1_000_000)), np.cumsum(random.normal(size=1_000_000))


def test_both_ends_stay(walk):
    x, y = walk
    fewer_x, fewer_y = thinned(x, y)
    assert (fewer_x[0], fewer_y[0]) == (x[0], y[0])
    assert (fewer_x[-1], fewer_y[-1]) == (x[-1], y[-1])


def test_a_million_points_become_a_thousand(walk):
    assert len(thinned(*walk)[0]) <= 4 * 256


def test_every_part_keeps_its_lowest_and_highest_point(walk):
    x, y = walk
    fewer_x, fewer_y = thinned(x, y, bins=64)
    edges = np.linspace(x[0], x[-1], 65)
    for low, high in itertools.pairwise(edges):
        # Clear of the edges themselves, where rounding may put a point into either part.
        inside = (x > low + 1e-9) & (x < high - 1e-9)
        kept = fewer_y[(fewer_x > low - 1e-9) & (fewer_x < high + 1e-9)]
        assert kept.min() <= y[inside].min()
        assert kept.max() >= y[inside].max()


def test_a_jump_in_one_place_keeps_its_height():
    x = np.zeros(5000)
    y = np.linspace(0, 1, 5000)
    assert thinned(x, y)[1].tolist() == [0.0, 1.0]


def test_few_points_stay_as_they_are():
    x, y = np.arange(10.0), np.arange(10.0) ** 2
    assert thinned(x, y)[1].tolist() == y.tolist()


def test_points_on_a_straight_stretch_go():
    x = np.array([0.0, 0, 0, 1, 2, 3, 3])
    y = np.array([0.0, 1, 2, 2, 2, 3, 4])
    fewer_x, fewer_y = corners(x, y)
    assert list(zip(fewer_x, fewer_y, strict=True)) == [(0, 0), (0, 2), (2, 2), (3, 3), (3, 4)]
