"""Tests that an interval and the p-value beside it say the same, and stay possible."""

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hokusai_assets.evaluation.deltas import MetricDelta, compare
from hokusai_assets.evaluation.metrics import METRICS, Averaging
from hokusai_assets.evaluation.predictions import Predictions
from hokusai_assets.evaluation.rounding import to_ppm
from hokusai_assets.evaluation.sampling_error import SampledRows, SamplingError
from hokusai_assets.evaluation.subgroups import group_deltas
from hokusai_assets_tests.evaluation.generated_predictions import named
from hokusai_assets_tests.evaluation.test_swap_test import pair_of

LEVELS = [800_000, 950_000, 999_500, 999_999]
RATIOS = ["precision", "recall", "f1"]


def of_counts(name: str, rows: list[tuple[int, int, int, int]], level: int) -> SamplingError:
    baseline, new = pair_of(rows)
    averaging = Averaging("binary", 1)
    sampled = SampledRows([baseline], [new], averaging)
    metric = METRICS[name]
    drawn = sampled.differences([metric], resamples=400, seed=3)[name]
    delta = metric.value(new, averaging) - metric.value(baseline, averaging)
    return sampled.of_counts(metric, delta, drawn, confidence_ppm=level)


few = st.integers(0, 25)


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(RATIOS), st.sampled_from(LEVELS), few, few, few, few, st.sampled_from([0, 40])
)
# Every resample of five gains is a gain, though a fair coin gives them once in 32 times.
@example("recall", 950_000, 5, 0, 0, 0, 40)
def test_a_p_value_is_at_most_alpha_just_where_the_interval_leaves_zero_out(
    name, level, won, lost, accused, cleared, both
):
    rows = [(1, 1, 1, both), (1, 0, 0, 9), (1, 0, 1, won), (1, 1, 0, lost)]
    rows += [(0, 0, 0, 300), (0, 0, 1, accused), (0, 1, 0, cleared)]
    found = of_counts(name, rows, level)
    alpha = (1_000_000 - level) / 1e6
    assert (found.p_value <= alpha) == (found.low > 0 or found.high < 0)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(LEVELS), few, few)
def test_where_accuracys_interval_leaves_zero_out_mcnemars_p_value_is_at_most_alpha(
    level, won, lost
):
    rows = [(1, 1, 1, 40), (0, 0, 0, 300), (1, 0, 1, won), (1, 1, 0, lost)]
    found = of_counts("accuracy", rows, level)
    if found.low > 0 or found.high < 0:
        assert found.p_value <= (1_000_000 - level) / 1e6


def precision_where_a_class_is_ruined(replicas: int, confidence: str) -> MetricDelta:
    """Compare with a model that gives the rare class up and is as good for the other two."""
    stream = np.random.default_rng(0)
    actual = np.repeat([0, 1, 2], [600, 300, 100])
    before = np.where(stream.random(1000) < 0.1, stream.integers(0, 3, 1000), actual)
    after = before.copy()
    given_up = np.flatnonzero(before == 2)
    after[given_up] = np.where(
        actual[given_up] == 2, stream.integers(0, 2, len(given_up)), actual[given_up]
    )
    scores = np.tile([0.5, 0.25, 0.25], (1000, 1))
    baseline, new = (Predictions(named(3), actual, said, scores) for said in (before, after))
    return compare(
        [baseline] * replicas,
        [new] * replicas,
        metrics=["precision"],
        average="macro",
        positive=None,
        confidence=0.95,
        levels={"precision": Decimal(confidence)},
        resamples=2_000,
        seed=1,
    )["precision"]


@pytest.mark.parametrize("replicas", [1, 3])
def test_of_a_ruined_class_interval_and_p_value_say_the_same(replicas):
    surely = precision_where_a_class_is_ruined(replicas, "0.95")
    assert surely.high_ppm < 0
    # One in a thousand, of the bootstrap alone, though the swap test says one in thirty.
    assert 20_000 < surely.p_value_ppm <= 50_000
    unsure = precision_where_a_class_is_ruined(replicas, "0.9995")
    assert unsure.high_ppm == 0
    assert unsure.p_value_ppm > 500


@pytest.mark.parametrize("is_gain", [True, False])
def test_a_precision_that_one_model_has_by_convention_only_proves_nothing(is_gain):
    # 10,000 rows: one model says 1 of 95 of them and is right on 85, the other never says it.
    models = pair_of([(1, 0, 1, 85), (0, 0, 1, 10), (1, 0, 0, 915), (0, 0, 0, 8_990)])
    baseline, new = models if is_gain else models[::-1]
    for level in ("0.95", "0.9995"):
        found = compare(
            [baseline],
            [new],
            metrics=["precision", "recall", "f1"],
            average="binary",
            positive=1,
            confidence=Decimal(level),
            resamples=10_000,
            seed=1,
        )
        assert abs(found["precision"].delta_ppm) == to_ppm(85 / 95)
        assert found["precision"].low_ppm <= 0 <= found["precision"].high_ppm
        assert found["precision"].p_value_ppm > 500_000
        for name in ("recall", "f1"):
            assert found[name].low_ppm > 0 or found[name].high_ppm < 0
            assert found[name].p_value_ppm < 500


def few_predictions() -> tuple[Predictions, Predictions]:
    """Return a baseline that says 1 of two rows, and a new model that says it of many."""
    return pair_of(
        [(1, 1, 0, 1), (0, 1, 0, 1), (1, 0, 1, 80), (0, 0, 1, 4), (1, 0, 0, 20), (0, 0, 0, 900)]
    )


@pytest.mark.parametrize("level", ["0.95", "0.9995", "0.999999"])
def test_no_interval_runs_past_what_the_range_of_its_metric_allows(level):
    baseline, new = few_predictions()
    found = compare(
        [baseline],
        [new],
        metrics=tuple(METRICS),
        average="binary",
        positive=1,
        confidence=Decimal(level),
        resamples=10_000,
        seed=1,
    )
    for name, delta in found.items():
        span = to_ppm(METRICS[name].range[1] - METRICS[name].range[0])
        assert -span <= delta.low_ppm <= delta.delta_ppm <= delta.high_ppm <= span, name
    if level != "0.95":
        assert found["precision"].high_ppm == 1_000_000


def test_no_interval_of_a_group_runs_past_what_the_range_allows():
    baseline, new = few_predictions()
    found = group_deltas(
        [baseline],
        [new],
        slices={},
        metrics=["accuracy"],
        average="binary",
        positive=1,
        confidence=0.9999,
    )
    precision = next(d for d in found if (d.group, d.metric) == ("b", "precision"))
    assert (precision.low_ppm, precision.high_ppm) == (-1_000_000, 1_000_000)
