"""Tests of the bootstrap over cells."""

import numpy as np
import pytest

from hokusai_assets.evaluation.bootstrap import bootstrap_differences, random_stream
from hokusai_assets.evaluation.metrics import METRICS, Averaging, ClassCounts
from hokusai_assets.evaluation.predictions import PairedCells, Predictions
from hokusai_assets_tests.evaluation.generated_predictions import many, reordered


def statistics(average: str = "macro", positive: int | None = None, names=("accuracy", "f1")):
    averaging = Averaging.of(average, positive, classes=2 if average == "binary" else 3)
    return {
        name: lambda counts, form=METRICS[name].from_counts: form(counts, averaging)
        for name in names
    }


def pair(rows: int, classes: int, seed: int = 1):
    return many(rows, classes, seed=seed, noise=1.5), many(rows, classes, seed=seed, noise=0.5)


def single(baseline, new) -> PairedCells:
    return PairedCells.of([baseline], [new])


def per_row_bootstrap(baseline, new, statistic, resamples, seed):
    """Return mean differences of replicas by drawing row numbers within each true class."""
    stream = np.random.default_rng(seed)
    actual = new[0].actual
    strata = [np.flatnonzero(actual == label) for label in np.unique(actual)]
    differences = []
    for _ in range(resamples):
        rows = np.concatenate([stream.choice(stratum, len(stratum)) for stratum in strata])
        before, after = (
            np.mean([float(statistic(ClassCounts.of(reordered(m, rows)))) for m in models])
            for models in (baseline, new)
        )
        differences.append(after - before)
    return np.array(differences)


@pytest.mark.parametrize(
    ("classes", "average", "positive", "replicas"),
    [
        (2, "binary", 1, 1),
        (3, "macro", None, 1),
        (3, "weighted", None, 1),
        (2, "binary", 0, 3),
        (3, "macro", None, 2),
    ],
)
def test_cells_give_the_distribution_of_resampled_rows(classes, average, positive, replicas):
    baseline = [many(150, classes, seed=1, noise=1.5 + 0.1 * k) for k in range(replicas)]
    new = [many(150, classes, seed=1, noise=0.5 + 0.1 * k) for k in range(replicas)]
    statistic = statistics(average, positive)
    slow = per_row_bootstrap(baseline, new, statistic["f1"], 1500, seed=2)
    cells = PairedCells.of(baseline, new)
    fast = bootstrap_differences(cells, statistic, resamples=20_000, seed=3)["f1"]
    # Errors of the slow side: 2.6% of a deviation in the mean, 1.8% in the deviation.
    assert abs(slow.mean() - fast.mean()) < 0.09 * fast.std()
    assert slow.std() == pytest.approx(fast.std(), rel=0.07)
    for share in (0.05, 0.5, 0.95):
        assert np.mean(slow <= np.quantile(fast, share)) == pytest.approx(share, abs=0.045)


def test_the_same_pair_many_times_over_is_that_pair():
    baseline, new = pair(300, 3)
    once, thrice = (
        bootstrap_differences(
            PairedCells.of([baseline] * k, [new] * k), statistics(), resamples=300, seed=4
        )
        for k in (1, 3)
    )
    for name in once:
        assert np.array_equal(once[name], thrice[name])


def test_alike_classes_are_drawn_independently():
    # What class 0 gains is what class 1 loses: drawn alike, they would cancel out.
    cells = PairedCells(
        classes=2,
        label=np.array([0, 0, 1, 1]),
        baseline=np.array([[0, 1, 0, 1]]),
        new=np.array([[1, 0, 1, 0]]),
        count=np.full(4, 100),
    )
    differences = bootstrap_differences(cells, statistics(), resamples=20_000, seed=1)
    # A class's gains are binomial (200, 1/2) and count twice: 200 in each class.
    assert differences["accuracy"].var() == pytest.approx(2 * 200 / 400**2, rel=0.05)


def test_accuracy_has_the_variance_stratified_resampling_implies():
    baseline, new = pair(400, 3)
    differences = bootstrap_differences(
        PairedCells.of([baseline], [new]), statistics(), resamples=40_000, seed=1
    )["accuracy"]
    won = (new.predicted == new.actual).astype(int) - (baseline.predicted == baseline.actual)
    by_class = [won[new.actual == label] for label in range(3)]
    variance = sum(len(rows) * rows.var() for rows in by_class) / 400**2
    assert differences.mean() == pytest.approx(won.mean(), abs=5 * (variance / 40_000) ** 0.5)
    assert differences.var() == pytest.approx(variance, rel=0.04)


def test_neither_memory_bound_nor_other_statistics_nor_row_order_change_a_result():
    baseline, new = pair(300, 3)
    cells = PairedCells.of([baseline], [new])
    whole = bootstrap_differences(cells, statistics(), resamples=501, seed=9)
    for chunk_bytes in (1, 20_000):
        parts = bootstrap_differences(
            cells, statistics(), resamples=501, seed=9, chunk_bytes=chunk_bytes
        )
        assert np.array_equal(parts["f1"], whole["f1"])
    alone = bootstrap_differences(cells, statistics(names=("f1",)), resamples=501, seed=9)
    assert np.array_equal(alone["f1"], whole["f1"])
    order = np.random.default_rng(0).permutation(300)
    shuffled = single(reordered(baseline, order), reordered(new, order))
    again = bootstrap_differences(shuffled, statistics(), resamples=501, seed=9)
    assert np.array_equal(again["accuracy"], whole["accuracy"])


def test_another_seed_gives_other_resamples():
    cells = single(*pair(300, 3))
    first, second = (
        bootstrap_differences(cells, statistics(), resamples=200, seed=seed)["f1"]
        for seed in (1, 2)
    )
    assert not np.array_equal(first, second)


def test_the_same_predictions_never_differ():
    given, _ = pair(300, 3)
    differences = bootstrap_differences(
        PairedCells.of([given], [given]), statistics(), resamples=300, seed=1
    )
    assert not differences["accuracy"].any()
    assert not differences["f1"].any()


def test_equal_values_that_differ_by_float_noise_count_as_no_difference():
    given = many(60, 2, seed=1)
    right, wrong = (
        Predictions(given.labels, given.actual, predicted, given.scores)
        for predicted in (given.actual, 1 - given.actual)
    )
    differences = bootstrap_differences(
        PairedCells.of([wrong], [right]),
        {"noise": lambda counts: np.where(counts.hits[:, 0] > 0, 0.1 + 0.2, 0.3)},
        resamples=50,
        seed=1,
    )
    assert not differences["noise"].any()


def test_twenty_six_classes_work():
    baseline, new = pair(2000, 26)
    differences = bootstrap_differences(
        PairedCells.of([baseline], [new]), statistics(), resamples=500, seed=1
    )
    exact = METRICS["f1"].value
    macro = Averaging("macro", None)
    observed = float(exact(new, macro) - exact(baseline, macro))
    assert abs(differences["f1"].mean() - observed) < 3 * differences["f1"].std()
    assert differences["f1"].std() > 0


def test_streams_repeat_and_purposes_and_seeds_part_them():
    draws = {
        (seed, purpose): random_stream(seed, purpose).integers(0, 2**62)
        for seed in (0, 1)
        for purpose in ("bootstrap", "sampling")
    }
    assert len(set(draws.values())) == 4
    assert random_stream(1, "sampling").integers(0, 2**62) == draws[1, "sampling"]
    with pytest.raises(ValueError, match="non-negative"):
        random_stream(-1, "bootstrap")
