"""Tests of order-independent sums against exact rationals."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hokusai_assets.evaluation.exact_sums import exact_sum


@given(st.lists(st.floats(-1e6, 1e6), max_size=60), st.randoms(use_true_random=False))
def test_the_sum_is_the_exact_one_in_any_order(values, random):
    found = exact_sum(np.array(values))
    exact = float(sum(map(Fraction, values), Fraction(0)))
    greatest = max(map(abs, values), default=0)
    assert found == pytest.approx(exact, rel=1e-15, abs=greatest * 2.0**-80)
    shuffled = random.sample(values, len(values))
    assert exact_sum(np.array(shuffled)) == found


@pytest.mark.parametrize("scale", [1e-300, 1e-12, 1.0, 1e300])
def test_a_million_values_add_up_as_fsum_does(scale):
    values = np.random.default_rng(1).normal(size=200_000) * scale
    assert exact_sum(values) == pytest.approx(math.fsum(values), rel=1e-14)


def test_nothing_and_zeros_add_up_to_nothing():
    assert exact_sum(np.array([])) == exact_sum(np.zeros(9)) == 0
