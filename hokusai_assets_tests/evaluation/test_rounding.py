"""Tests of rounding to ppm and basis points."""

from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hokusai_assets.evaluation import rounding


@pytest.mark.parametrize(
    ("value", "ppm"),
    [
        (Fraction(1, 3), 333_333),
        (Fraction(5, 10**7), 0),
        (Fraction(15, 10**7), 2),
        (Fraction(25, 10**7), 2),
        (Fraction(-15, 10**7), -2),
        (Fraction(1), 1_000_000),
    ],
)
def test_fractions_round_half_to_even(value, ppm):
    assert rounding.to_ppm(value) == ppm


def test_a_float_is_rounded_as_the_binary_number_it_is():
    # 2.5e-6 is a little below the tie as a float, 4.5e-6 a little above.
    for text in ("2.5e-6", "4.5e-6", "0.0000005"):
        exact = Decimal(float(text)) * 1_000_000
        expected = int(exact.quantize(Decimal(1), rounding=ROUND_HALF_EVEN))
        assert rounding.to_ppm(float(text)) == expected
    assert rounding.to_ppm(float("4.5e-6")) == 5 != rounding.to_ppm(Fraction(9, 2_000_000))


@given(st.integers(-(10**9), 10**9))
def test_bps_round_half_to_even(ppm):
    expected = (Decimal(ppm) / 100).quantize(Decimal(1), rounding=ROUND_HALF_EVEN)
    assert rounding.ppm_to_bps(ppm) == int(expected)


@pytest.mark.parametrize(("ppm", "bps"), [(199, 1), (100, 1), (99, 0), (-1, -1), (-100, -1)])
def test_bps_floor_downward_for_losses_too(ppm, bps):
    assert rounding.floor_ppm_to_bps(ppm) == bps


@given(st.floats(-40, 40))
def test_outward_rounding_encloses_the_value_within_one_ppm(value):
    low, high = rounding.floor_to_ppm(value), rounding.ceil_to_ppm(value)
    assert low <= value * 1e6 + 1e-6
    assert high >= value * 1e6 - 1e-6
    assert high - low in (0, 1)


def test_outward_rounding_ignores_float_noise():
    # 0.57 - 0.56 is 0.0099999999999999: without the snap its floor is 9,999.
    assert 0.57 - 0.56 < 0.01
    assert rounding.floor_to_ppm(0.57 - 0.56) == 10_000
    assert rounding.ceil_to_ppm(0.92 - 0.91) == 10_000


def test_an_interval_stops_at_what_two_values_of_the_range_can_differ_by():
    found = rounding.interval_to_ppm(-1.5, 1.79, within=(0.0, 1.0))
    assert found == (-1_000_000, 1_000_000)
    assert rounding.interval_to_ppm(-1.5, 1.79, within=(0.0, 2.0)) == (-1_500_000, 1_790_000)
    endless = rounding.interval_to_ppm(-7.0, 9.0, within=(0.0, float("inf")))
    assert endless == (-7_000_000, 9_000_000)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_no_integer_stands_for_nan_or_infinity(value):
    with pytest.raises((ValueError, OverflowError)):
        rounding.to_ppm(value)
