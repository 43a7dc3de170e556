"""Tests of taking test sampling and training noise together."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from hokusai_assets.evaluation.sampling_error import SamplingError
from hokusai_assets.evaluation.training_noise import TrainingNoise, with_training_noise


def sampled(low: float, high: float, error: float, p_value: float = 0.0) -> SamplingError:
    return SamplingError(low, high, error, p_value, "delong_normal", "delong_z")


def test_the_noise_is_scipys_standard_error_of_the_mean():
    deltas = [0.01, 0.03, -0.02, 0.05]
    assert TrainingNoise.of(deltas).error == pytest.approx(stats.sem(deltas), rel=1e-14)
    exact = TrainingNoise.of([Fraction(1, 3), Fraction(1, 3), Fraction(1, 3)])
    assert exact == TrainingNoise(3, 0.0)


def test_one_delta_has_no_scatter():
    with pytest.raises(ValueError, match="scatter of 1"):
        TrainingNoise.of([0.1])


@given(st.integers(2, 50), st.floats(0.001, 0.1), st.floats(0.001, 0.1))
def test_with_normal_test_error_the_ends_are_movers(replicas, error, noise):
    reach = stats.norm.ppf(0.975) * error
    combined = with_training_noise(
        sampled(0.02 - reach, 0.02 + 2 * reach, error),
        TrainingNoise(replicas, noise),
        0.02,
        confidence_ppm=950_000,
    )
    t = stats.t.ppf(0.975, replicas - 1) * noise
    assert combined.low == pytest.approx(0.02 - math.hypot(reach, t), abs=1e-12)
    assert combined.high == pytest.approx(0.02 + math.hypot(2 * reach, t), abs=1e-12)
    assert combined.interval_method == "delong_normal_mover"


def test_without_test_error_interval_and_test_are_students():
    deltas = np.array([0.01, 0.03, -0.02, 0.05, 0.01])
    found = with_training_noise(
        sampled(deltas.mean(), deltas.mean(), 0.0),
        TrainingNoise.of(deltas.tolist()),
        float(deltas.mean()),
        confidence_ppm=990_000,
    )
    expected = stats.ttest_1samp(deltas, 0)
    ends = expected.confidence_interval(0.99)
    assert (found.low, found.high) == (pytest.approx(ends.low), pytest.approx(ends.high))
    assert found.p_value == pytest.approx(expected.pvalue)


def test_the_test_is_welchs_where_the_test_part_has_very_many_degrees_of_freedom():
    # Scatter of four numbers beside a million: the second one's error is as good as known.
    deltas = np.array([0.01, 0.03, -0.02, 0.05])
    zeros = np.random.default_rng(1).normal(size=1_000_000)
    zeros -= zeros.mean()
    zeros *= 0.01 * 1000 / zeros.std(ddof=1)
    expected = stats.ttest_ind(deltas, zeros, equal_var=False)
    found = with_training_noise(
        sampled(0.0, 0.0, 0.01),
        TrainingNoise.of(deltas.tolist()),
        float(deltas.mean()),
        confidence_ppm=950_000,
    )
    assert found.p_value == pytest.approx(expected.pvalue, rel=1e-4)


def test_without_training_noise_the_test_is_the_z_test():
    found = with_training_noise(
        sampled(0.0, 0.04, 0.01), TrainingNoise(5, 0.0), 0.02, confidence_ppm=950_000
    )
    assert (found.low, found.high) == (0.0, 0.04)
    assert found.p_value == pytest.approx(2 * stats.norm.sf(2))


def test_both_errors_together_never_show_more_than_the_sampling_of_rows_alone():
    noise = TrainingNoise(5, 0.001)
    found = with_training_noise(
        sampled(0.0, 0.03, 0.001, p_value=0.7), noise, 0.02, confidence_ppm=950_000
    )
    assert found.p_value == 0.7


def test_an_end_that_passed_the_delta_stays_where_it_was():
    found = with_training_noise(
        sampled(0.03, 0.04, 0.01), TrainingNoise(5, 0.001), 0.02, confidence_ppm=950_000
    )
    assert found.low < 0.02
    assert found.high > 0.04


def test_no_error_at_all_gives_certainty():
    for delta, p_value in ((0.0, 1.0), (0.25, 0.0)):
        found = with_training_noise(
            sampled(delta, delta, 0.0), TrainingNoise(2, 0.0), delta, confidence_ppm=950_000
        )
        assert (found.low, found.high, found.p_value) == (delta, delta, p_value)
