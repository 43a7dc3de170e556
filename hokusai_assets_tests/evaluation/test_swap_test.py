"""Tests of the swap test against binomials, every sign, and statsmodels."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar

from hokusai_assets.evaluation.metrics import METRICS, Averaging
from hokusai_assets.evaluation.predictions import PairedCells, Predictions
from hokusai_assets.evaluation.swap_test import SwapTest, upper_tail
from hokusai_assets_tests.evaluation.generated_predictions import many, named, reordered


def by_every_sign(sizes, rows, total):
    values = np.repeat(sizes, rows)
    signs = np.array(list(itertools.product((-1, 1), repeat=len(values))))
    return float(((signs @ values) >= total).mean())


def bound(name, averaging):
    return lambda counts: METRICS[name].from_counts(counts, averaging)


def pair_of(rows):
    """Return predictions from (label, baseline, new, count) rows."""
    label, before, after, count = np.array(rows).T
    scores = np.full((count.sum(), 2), 0.5)
    actual = np.repeat(label, count)
    return tuple(
        Predictions(named(2), actual, np.repeat(said, count), scores) for said in (before, after)
    )


@given(
    st.lists(st.integers(1, 12), min_size=1, max_size=2, unique=True),
    st.lists(st.integers(1, 6), min_size=2, max_size=2),
    st.integers(-100, 100),
)
def test_one_or_two_sizes_give_the_exact_tail(sizes, rows, total):
    sizes, rows = np.array(sorted(sizes)), np.array(rows[: len(sizes)])
    expected = by_every_sign(sizes, rows, total)
    assert upper_tail(sizes, rows, total) == pytest.approx(expected, abs=1e-12)


@given(
    st.lists(st.integers(1, 12), min_size=3, max_size=3, unique=True),
    st.lists(st.integers(1, 4), min_size=3, max_size=3),
    st.integers(1, 100),
)
def test_of_many_sizes_a_small_tail_is_never_underrated(sizes, rows, total):
    sizes, rows = np.array(sorted(sizes)), np.array(rows)
    expected = by_every_sign(sizes, rows, total)
    assume(0 < expected < 0.2)
    assert upper_tail(sizes, rows, total) >= expected * 0.98


@pytest.mark.parametrize(
    ("gained", "rows"), [(75, 100), (600, 1_000), (7_800, 15_000), (15_500, 30_000)]
)
def test_the_saddlepoint_nears_the_binomial_tail_with_many_rows(gained, rows):
    # A third size of no consequence sends it to the saddlepoint.
    sizes, counts = np.array([1, 2, 10**7]), np.array([1, 1, rows])
    found = upper_tail(sizes, counts, (2 * gained - rows) * 10**7)
    assert found == pytest.approx(stats.binom.sf(gained - 1, rows, 0.5), rel=0.1)


def test_all_rows_on_one_side_are_as_likely_as_that_many_heads():
    sizes, rows = np.array([1, 3, 7]), np.array([2, 5, 4])
    assert upper_tail(sizes, rows, 45) == pytest.approx(2.0**-11)
    assert upper_tail(sizes, rows, -45) == 1


@given(st.integers(0, 40), st.integers(0, 40))
def test_for_accuracy_it_is_mcnemars_exact_test(gained, lost):
    baseline, new = pair_of([(1, 1, 1, 5), (0, 0, 0, 5), (1, 0, 1, gained), (0, 0, 1, lost)])
    cells = PairedCells.of([baseline], [new])
    found = SwapTest.of(cells, bound("accuracy", Averaging("macro", None)))
    expected = mcnemar([[0, lost], [gained, 0]], exact=True).pvalue if gained + lost else 1.0
    assert found.two_sided == pytest.approx(expected, abs=1e-12)
    assert found.error == pytest.approx(math.sqrt(gained + lost) / (10 + gained + lost))


@pytest.mark.parametrize("name", ["precision", "recall", "f1"])
def test_for_ratios_of_one_class_its_tail_is_that_of_exchanging_every_row(name):
    baseline, new = pair_of(
        [(1, 0, 1, 6), (1, 1, 0, 2), (0, 1, 0, 3), (0, 0, 1, 2), (1, 1, 1, 9), (0, 0, 0, 20)]
    )
    averaging = Averaging("binary", 1)
    value = METRICS[name].value
    differing = np.flatnonzero(baseline.predicted != new.predicted)
    deltas = []
    for swapped in itertools.product((False, True), repeat=len(differing)):
        exchanged = differing[list(swapped)]
        before, after = baseline.predicted.copy(), new.predicted.copy()
        before[exchanged], after[exchanged] = after[exchanged], before[exchanged]
        models = [Predictions(new.labels, new.actual, said, new.scores) for said in (before, after)]
        deltas.append(value(models[1], averaging) - value(models[0], averaging))
    found = SwapTest.of(PairedCells.of([baseline], [new]), bound(name, averaging))
    # The delta's size is not linear in the rows, its sign is: the tails agree closely.
    expected = np.mean([delta >= deltas[0] for delta in deltas])
    assert found.above == pytest.approx(expected, abs=0.02)


def test_models_that_agree_show_nothing():
    given, _ = pair_of([(1, 1, 1, 5), (0, 0, 0, 5)])
    found = SwapTest.of(PairedCells.of([given], [given]), bound("f1", Averaging("macro", None)))
    assert (found.above, found.below, found.error, found.two_sided) == (1, 1, 0, 1)


@pytest.mark.parametrize("classes", [3, 26])
def test_exchanging_names_of_models_exchanges_the_tails_and_row_order_does_not_show(classes):
    baseline, new = (many(500, classes, seed=1, noise=noise) for noise in (1.5, 0.5))
    statistic = bound("f1", Averaging("macro", None))
    there = SwapTest.of(PairedCells.of([baseline], [new]), statistic)
    back = SwapTest.of(PairedCells.of([new], [baseline]), statistic)
    assert there.above == pytest.approx(back.below)
    assert there.above < there.below
    order = np.random.default_rng(0).permutation(500)
    shuffled = [[reordered(model, order)] for model in (baseline, new)]
    assert SwapTest.of(PairedCells.of(*shuffled), statistic) == there


def test_the_macro_error_is_that_of_random_exchanges():
    baseline, new = (many(400, 3, seed=1, noise=noise) for noise in (1.5, 0.5))
    averaging = Averaging("macro", None)
    stream = np.random.default_rng(3)
    deltas = []
    for _ in range(2_000):
        swap = stream.random(400) < 0.5
        before = np.where(swap, new.predicted, baseline.predicted)
        after = np.where(swap, baseline.predicted, new.predicted)
        values = [
            METRICS["f1"].value(Predictions(new.labels, new.actual, said, new.scores), averaging)
            for said in (before, after)
        ]
        deltas.append(float(values[1] - values[0]))
    found = SwapTest.of(PairedCells.of([baseline], [new]), bound("f1", averaging))
    assert found.error == pytest.approx(np.std(deltas), rel=0.06)
