"""Tests of intervals far out, and of which one is used at which level."""

import math
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from hokusai_assets.evaluation import tails
from hokusai_assets.evaluation.deltas import compare
from hokusai_assets.evaluation.intervals import stratified_variance
from hokusai_assets.evaluation.metrics import METRICS
from hokusai_assets_tests.evaluation.generated_predictions import many
from hokusai_assets_tests.evaluation.test_swap_test import pair_of

OPTIONS = {
    "metrics": tuple(METRICS),
    "average": "macro",
    "positive": None,
    "confidence": Decimal("0.95"),
    "resamples": 2_000,
    "seed": 7,
}
FARTHEST = Decimal("0.999999")


def pair(rows=600, classes=3):
    return [many(rows, classes, seed=1, noise=1.5)], [many(rows, classes, seed=1, noise=0.5)]


def test_up_to_95_percent_and_with_a_stable_percentile_the_bootstrap_is_as_it_was():
    assert tails.has_percentile(100, 950_000)
    assert tails.has_percentile(10_000, 995_000)
    assert not tails.has_percentile(10_000, 997_000)
    assert not tails.has_percentile(100, 950_001)


def by_statsmodels_ends(gained: int, lost: int, rows: int, level: int) -> tuple[float, float]:
    """Return MOVER's interval (Zou & Donner 2008) of Clopper and Pearson ends by statsmodels."""
    alpha = 1 - level / 1e6
    (w_low, w_high), (l_low, l_high) = (
        proportion_confint(count, rows, alpha=alpha, method="beta") for count in (gained, lost)
    )
    w, l = gained / rows, lost / rows  # noqa: E741
    rho = -math.sqrt(w * l / ((1 - w) * (1 - l)))
    down, up = w - w_low, l_high - l
    low = w - l - math.sqrt(down**2 + up**2 - 2 * rho * down * up)
    down, up = w_high - w, l - l_low
    return low, w - l + math.sqrt(down**2 + up**2 - 2 * rho * down * up)


@given(st.integers(0, 30), st.integers(0, 30), st.sampled_from([950_000, 999_000, 999_999]))
def test_the_discordant_interval_takes_clopper_pearson_ends_together(gained, lost, level):
    found = tails.discordant_interval(gained, lost, 1_000, confidence_ppm=level)
    assert found == pytest.approx(by_statsmodels_ends(gained, lost, 1_000, level), abs=1e-9)


def test_the_discordant_interval_has_a_width_where_nothing_was_lost():
    low, high = tails.discordant_interval(12, 0, 1_000, confidence_ppm=999_000)
    assert low < 0.012 < high
    assert low < 0.008


def test_students_reach_has_the_one_sample_t_tests_degrees_of_freedom():
    values = np.random.default_rng(1).normal(size=12) / 12
    actual = np.zeros(12, int)
    variance = stratified_variance(values, actual)
    reach = tails.students_reach(values, actual, variance, confidence_ppm=999_900)
    ends = stats.ttest_1samp(values * 12, 0).confidence_interval(0.9999)
    assert reach == pytest.approx((ends.high - ends.low) / 2)


def test_students_reach_has_welchs_degrees_of_freedom_for_two_classes():
    stream = np.random.default_rng(1)
    rare, common = stream.normal(size=9), stream.normal(size=200)
    ends = stats.ttest_ind(rare, common, equal_var=False).confidence_interval(0.999)
    # The means' difference: components over the size of their class.
    parts = np.concatenate([rare / 9, -common / 200])
    actual = np.repeat([0, 1], [9, 200])
    reach = tails.students_reach(
        parts, actual, stratified_variance(parts, actual), confidence_ppm=999_000
    )
    # Ours are whole: a little longer.
    width = (ends.high - ends.low) / 2
    assert width <= reach <= width * 1.05


@pytest.mark.parametrize("replicas", [1, 3])
def test_a_level_is_used_for_its_metric_alone(replicas):
    baseline, new = ([many(600, 3, seed=1, noise=noise + 0.1 * k) for k in range(replicas)]
                     for noise in (1.5, 0.5))  # fmt: skip
    plain = compare(baseline, new, **OPTIONS)
    for name in METRICS:
        found = compare(baseline, new, **OPTIONS, levels={name: FARTHEST})
        assert found[name].confidence_ppm == 999_999
        assert found[name].low_ppm < plain[name].low_ppm
        assert found[name].high_ppm > plain[name].high_ppm
        assert found[name].delta_ppm == plain[name].delta_ppm
        others = {other: delta for other, delta in found.items() if other != name}
        for other, delta in others.items():
            assert delta.low_ppm == plain[other].low_ppm
            assert delta.interval_method == plain[other].interval_method


def test_methods_are_named_for_what_was_done():
    baseline, new = pair()
    found = compare(baseline, new, **OPTIONS, levels=dict.fromkeys(METRICS, FARTHEST))
    normal = ("paired_bootstrap_normal", "bootstrap_z_swap")
    assert {name: (d.interval_method, d.p_value_method) for name, d in found.items()} == {
        "accuracy": ("discordant_clopper_pearson", "mcnemar_exact"),
        "precision": normal,
        "recall": normal,
        "f1": normal,
        "auroc": ("delong_t", "delong_z"),
        "log_loss": ("stratified_t", "stratified_z"),
        "brier": ("stratified_t", "stratified_z"),
    }
    found = compare(baseline, new, **OPTIONS, levels={"f1": Decimal("0.98")})
    assert found["f1"].interval_method == "paired_bootstrap_percentile"


def test_intervals_grow_with_the_level_through_every_change_of_method():
    baseline, new = pair()
    levels = ["0.8", "0.95", "0.98", "0.981", "0.99", "0.999", "0.9999", "0.99999", "0.999999"]
    for name in METRICS:
        ends = [
            compare(baseline, new, **(OPTIONS | {"metrics": [name]}), levels={name: Decimal(x)})[
                name
            ]
            for x in levels
        ]
        lows = [delta.low_ppm for delta in ends]
        highs = [delta.high_ppm for delta in ends]
        assert lows == sorted(lows, reverse=True), name
        assert highs == sorted(highs), name


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 25),
    st.integers(0, 25),
    st.sampled_from([Decimal("0.9"), Decimal("0.95"), Decimal("0.9995"), FARTHEST]),
)
def test_no_end_of_accuracys_interval_passes_zero_that_mcnemars_test_does_not(gained, lost, level):
    baseline, new = pair_of([(1, 1, 1, 500), (0, 0, 0, 450), (1, 0, 1, gained), (0, 0, 1, lost)])
    options = OPTIONS | {"metrics": ["accuracy"], "resamples": 200}
    (delta,) = compare([baseline], [new], **options, levels={"accuracy": level}).values()
    half = (1 - float(level)) / 2
    if delta.low_ppm > 0:
        assert stats.binom.sf(gained - 1, gained + lost, 0.5) <= half * (1 + 1e-9)
    if delta.high_ppm < 0:
        assert stats.binom.cdf(gained, gained + lost, 0.5) <= half * (1 + 1e-9)


def test_seven_gains_alone_are_no_proof_at_one_percent_though_every_resample_is_a_gain():
    baseline, new = pair_of([(1, 1, 1, 500), (0, 0, 0, 450), (1, 0, 1, 7)])
    options = OPTIONS | {"average": "binary", "positive": 1}
    options |= {"metrics": ["accuracy", "recall", "f1"], "confidence": Decimal("0.99")}
    for delta in compare([baseline], [new], **options).values():
        # Two to the minus seven is .0078, above .005.
        assert delta.low_ppm <= 0 < delta.delta_ppm


def test_levels_of_metrics_not_asked_for_are_refused():
    options = OPTIONS | {"metrics": ["f1"]}
    with pytest.raises(ValueError, match=r"not asked for: \['auroc'\]"):
        compare(*pair(), **options, levels={"auroc": FARTHEST})
