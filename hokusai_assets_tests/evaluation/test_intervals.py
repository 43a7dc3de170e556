"""Tests of intervals and paired tests, with their coverage by simulation."""

import math
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests

from hokusai_assets.evaluation import intervals, roc
from hokusai_assets.evaluation.bootstrap import bootstrap_differences
from hokusai_assets.evaluation.metrics import METRICS, Averaging, brier_scores
from hokusai_assets.evaluation.predictions import PairedCells, Predictions, round_scores
from hokusai_assets_tests.evaluation.generated_predictions import many, named


def test_mcnemar_gives_the_published_values_of_fagerland_2013():
    # Airway hyper-responsiveness before and after transplantation: 1 and 7 discordant.
    assert intervals.mcnemar_exact(7, 1) == pytest.approx(18 / 256)
    assert intervals.mcnemar_mid_p(7, 1) == pytest.approx(10 / 256)
    assert f"{intervals.mcnemar_exact(7, 1):.3f}" == "0.070"
    assert f"{intervals.mcnemar_mid_p(7, 1):.3f}" == "0.039"


@given(st.integers(0, 60), st.integers(0, 60))
def test_mcnemar_is_twice_the_binomial_tail_and_symmetric(gained, lost):
    exact = intervals.mcnemar_exact(gained, lost)
    tail = sum(math.comb(gained + lost, k) for k in range(min(gained, lost) + 1))
    assert exact == pytest.approx(min(1.0, 2 * tail / 2 ** (gained + lost)), rel=1e-9)
    assert intervals.mcnemar_exact(lost, gained) == exact
    assert intervals.mcnemar_mid_p(lost, gained) == intervals.mcnemar_mid_p(gained, lost)
    if gained + lost:
        observed = math.comb(gained + lost, gained) / 2 ** (gained + lost)
        less = observed if gained != lost else observed / 2
        assert intervals.mcnemar_mid_p(gained, lost) == pytest.approx(exact - less, abs=1e-12)


@given(st.integers(0, 200), st.integers(0, 200))
def test_mcnemar_exact_and_mid_p_are_statsmodels(gained, lost):
    assume(gained + lost > 0)
    table = [[50, lost], [gained, 50]]
    exact = mcnemar(table, exact=True).pvalue
    assert intervals.mcnemar_exact(gained, lost) == pytest.approx(exact, abs=1e-12)
    # statsmodels has no mid-p for this table; it is the exact one less the observed split.
    observed = stats.binom.pmf(min(gained, lost), gained + lost, 0.5)
    expected = 1 - observed / 2 if gained == lost else exact - observed
    assert intervals.mcnemar_mid_p(gained, lost) == pytest.approx(expected, abs=1e-12)


def test_mcnemar_without_discordant_rows_sees_no_difference():
    assert intervals.mcnemar_exact(0, 0) == intervals.mcnemar_mid_p(0, 0) == 1


def test_the_percentile_interval_is_the_symmetric_pair_of_order_statistics():
    shuffled = np.random.default_rng(0).permutation(np.arange(-100, 899)).astype(float)
    inference = intervals.bootstrap_inference(shuffled, confidence_ppm=950_000)
    # 999 resamples: k = 25 from either end; 101 are at or below zero.
    assert (inference.low, inference.high) == (-76.0, 874.0)
    assert inference.p_value == pytest.approx(2 * 102 / 1000)


def test_the_bootstrap_p_value_is_never_zero_nor_above_one():
    ones, zeros = np.ones(999), np.zeros(999)
    assert intervals.bootstrap_inference(ones, confidence_ppm=950_000).p_value == 0.002
    assert intervals.bootstrap_inference(zeros, confidence_ppm=950_000).p_value == 1


def test_too_few_resamples_for_a_confidence_are_refused():
    with pytest.raises(intervals.TooFewResamples, match="at least 1999 are needed"):
        intervals.check_resamples(1998, confidence_ppm=999_000)
    intervals.check_resamples(1999, confidence_ppm=999_000)


@pytest.mark.parametrize(
    "confidence", [0.95, Decimal("0.95"), Decimal("0.950000"), np.float64(0.95)]
)
def test_confidence_becomes_whole_ppm(confidence):
    assert intervals.confidence_to_ppm(confidence) == 950_000


@pytest.mark.parametrize("confidence", [0, 1, -0.5, 95, math.nan, 0.95000001, math.inf])
def test_confidence_outside_or_between_ppm_is_refused(confidence):
    with pytest.raises(ValueError, match="confidence must"):
        intervals.confidence_to_ppm(confidence)


def test_the_normal_interval_and_p_value_are_the_textbook_ones():
    inference = intervals.normal_inference(0.03, 0.0001, confidence_ppm=950_000)
    assert inference.low == pytest.approx(0.03 - 1.959964 * 0.01, abs=1e-8)
    assert inference.high == pytest.approx(0.03 + 1.959964 * 0.01, abs=1e-8)
    assert inference.p_value == pytest.approx(0.0026998, abs=1e-7)


def test_without_variance_the_interval_is_a_point():
    same = intervals.normal_inference(0.0, 0.0, confidence_ppm=950_000)
    assert same == intervals.Inference(0.0, 0.0, 1.0)
    other = intervals.normal_inference(0.25, 0.0, confidence_ppm=950_000)
    assert other == intervals.Inference(0.25, 0.25, 0.0)


def test_float_noise_is_no_variance_and_no_difference():
    noise = intervals.normal_inference(1e-17, 1e-36, confidence_ppm=950_000)
    assert noise == intervals.Inference(1e-17, 1e-17, 1.0)


def test_stratified_variance_adds_up_the_classes_and_ignores_row_order():
    stream = np.random.default_rng(4)
    actual = np.repeat([0, 2, 5], [40, 30, 2])
    values = stream.normal(size=72) + actual
    expected = sum(
        (actual == label).sum() * values[actual == label].var(ddof=1) for label in (0, 2, 5)
    )
    variance = intervals.stratified_variance(values, actual)
    assert variance == pytest.approx(expected)
    order = stream.permutation(72)
    assert intervals.stratified_variance(values[order], actual[order]) == variance


@given(st.floats(-1, 1), st.integers(2, 50))
def test_equal_components_have_exactly_no_variance(value, size):
    constant = np.full(size, value)
    assert intervals.stratified_variance(constant, np.zeros(size, int)) == 0


def test_a_class_with_one_row_has_no_estimable_spread():
    with pytest.raises(intervals.SingleRowClass, match="class 3"):
        intervals.stratified_variance(np.array([1.0, 2.0, 3.0]), np.array([0, 0, 3]))


def test_for_one_class_a_mean_has_the_paired_t_tests_error():
    given, other = many(200, 2, seed=1), many(200, 2, seed=1, noise=2.0)
    difference = brier_scores(given) - brier_scores(other)
    variance = intervals.stratified_variance(difference / 200, np.zeros(200, int))
    statistic = stats.ttest_1samp(difference, 0).statistic
    assert difference.mean() / math.sqrt(variance) == pytest.approx(statistic)


REPLICATIONS = 400


def coverage(truth: float, draw) -> float:
    """Return the share of replications whose 95% interval holds the truth."""
    stream = np.random.default_rng(2024)
    found = [draw(stream) for _ in range(REPLICATIONS)]
    return float(np.mean([one.low <= truth <= one.high for one in found]))


# Cells (true, baseline, new) of two classes with 150 and 250 rows, and their shares.
CELLS = np.array([(t, b, n) for t in (0, 1) for b in (0, 1) for n in (0, 1)])
SHARES = np.array([[0.60, 0.15, 0.20, 0.05], [0.10, 0.20, 0.10, 0.60]])
SIZES = (150, 250)


def cells_of(counts) -> PairedCells:
    label, baseline, new = CELLS.T
    kept = counts > 0
    return PairedCells(2, label[kept], baseline[None, kept], new[None, kept], counts[kept])


@pytest.mark.parametrize(
    ("name", "average", "positive"),
    [("accuracy", "macro", None), ("f1", "binary", 1), ("f1", "macro", None)],
)
def test_bootstrap_intervals_cover_at_their_level(name, average, positive):
    averaging = Averaging(average, positive)
    expected = np.concatenate([SHARES[0] * SIZES[0], SHARES[1] * SIZES[1]])
    rows = np.repeat(CELLS, np.rint(expected * 10).astype(int), axis=0)
    scores = np.full((len(rows), 2), 0.5)
    before, after = (
        METRICS[name].value(Predictions(named(2), rows[:, 0], rows[:, column], scores), averaging)
        for column in (1, 2)
    )

    def draw(stream):
        counts = np.concatenate(
            [stream.multinomial(size, share) for size, share in zip(SIZES, SHARES, strict=True)]
        )
        differences = bootstrap_differences(
            cells_of(counts),
            {name: lambda drawn: METRICS[name].from_counts(drawn, averaging)},
            resamples=999,
            seed=int(stream.integers(2**32)),
        )[name]
        return intervals.bootstrap_inference(differences, confidence_ppm=950_000)

    assert 0.92 <= coverage(float(after - before), draw) <= 0.98


def scored(actual, share) -> Predictions:
    scores = round_scores(np.column_stack([1 - share, share]))
    return Predictions(named(2), actual, np.zeros(len(actual), int), scores)


def test_delong_intervals_cover_at_their_level():
    # Two correlated normal scores a row, class means 1.0 and 1.4 apart.
    actual = np.repeat([0, 1], [120, 80])
    truth = stats.norm.cdf(1.4 / math.sqrt(2)) - stats.norm.cdf(1.0 / math.sqrt(2))

    def draw(stream):
        common, own = stream.normal(size=200), stream.normal(size=(2, 200))
        baseline, new = (
            scored(actual, stats.norm.cdf(math.sqrt(0.5) * (common + noise) + apart * actual))
            for noise, apart in zip(own, (1.0, 1.4), strict=True)
        )
        area_new, of_new = roc.area_and_components(new, [1])
        area_baseline, of_baseline = roc.area_and_components(baseline, [1])
        variance = intervals.stratified_variance(of_new - of_baseline, actual)
        delta = float(area_new - area_baseline)
        return intervals.normal_inference(delta, variance, confidence_ppm=950_000)

    assert 0.92 <= coverage(truth, draw) <= 0.98


def test_intervals_of_means_cover_at_their_level():
    # A positive row's score is u ** power, u uniform, a negative row's one minus that: the
    # expected square of 1 - u ** power is 1 - 2 / (power + 1) + 1 / (2 * power + 1).
    actual = np.repeat([0, 1], [120, 80])

    def expected(power):
        return 1 - 2 / (power + 1) + 1 / (2 * power + 1)

    def draw(stream):
        uniform = stream.uniform(size=200)
        baseline, new = (
            scored(actual, np.where(actual == 1, uniform**power, 1 - uniform**power))
            for power in (0.6, 0.4)
        )
        difference = brier_scores(new) - brier_scores(baseline)
        variance = intervals.stratified_variance(difference / 200, actual)
        return intervals.normal_inference(difference.mean(), variance, confidence_ppm=950_000)

    assert 0.92 <= coverage(expected(0.4) - expected(0.6), draw) <= 0.98


@given(st.lists(st.integers(0, 1_000_000), min_size=1, max_size=8))
def test_holm_is_statsmodels(p_values):
    adjusted = intervals.holm_ppm({str(index): value for index, value in enumerate(p_values)})
    expected = multipletests(np.array(p_values) / 1e6, method="holm")[1]
    found = [adjusted[str(index)] / 1e6 for index in range(len(p_values))]
    assert found == pytest.approx(expected, abs=1e-9)


def test_holm_of_nothing_is_nothing():
    assert intervals.holm_ppm({}) == {}
