"""KNN-Shapley against the definition: every subset of rows, asked what it is worth."""

import tracemalloc
from fractions import Fraction

import numpy as np
import pytest
from scipy import sparse

from hokusai_assets.evaluation.credit import nearest_neighbours as module
from hokusai_assets.evaluation.credit.games import Coalition, Game
from hokusai_assets.evaluation.credit.nearest_neighbours import nearest_neighbour_shapley
from hokusai_assets.evaluation.credit.shapley import exact_shapley


def made(rows: int, tests: int, seed: int, classes: int = 3):
    generator = np.random.default_rng(seed)
    return (
        generator.normal(size=(rows, 2)),
        generator.integers(0, classes, rows),
        generator.normal(size=(tests, 2)),
        generator.integers(0, classes, tests),
    )


def by_enumeration(train, train_labels, test, test_labels, neighbours: int) -> list[float]:
    def utility(coalition: Coalition) -> Fraction:
        right = 0
        for row, label in zip(test, test_labels, strict=True):
            nearest = sorted(coalition, key=lambda i: float(((train[i] - row) ** 2).sum()))
            right += sum(int(train_labels[i] == label) for i in nearest[:neighbours])
        return Fraction(right, neighbours * len(test))

    return [float(value) for value in exact_shapley(Game(len(train), utility))]


@pytest.mark.parametrize("neighbours", [1, 2, 5, 7, 20])
@pytest.mark.parametrize("seed", range(3))
def test_every_row_has_the_value_that_enumerating_all_subsets_gives(neighbours: int, seed: int):
    data = made(7, 4, seed)
    values, _ = nearest_neighbour_shapley(*data, neighbours=neighbours)
    assert values == pytest.approx(by_enumeration(*data, neighbours), abs=1e-12)


def test_one_row_is_worth_its_share_of_the_places():
    one = np.zeros((1, 2)), np.array([1]), np.ones((2, 2)), np.array([1, 0])
    values, utility = nearest_neighbour_shapley(*one, neighbours=4)
    assert values.tolist() == [1 / 8]
    assert utility == 1 / 8


def test_the_values_sum_to_what_a_neighbour_classifier_of_all_rows_is_worth():
    from sklearn.neighbors import KNeighborsClassifier

    train, labels, test, wanted = made(300, 50, 1)
    values, utility = nearest_neighbour_shapley(train, labels, test, wanted, neighbours=5)
    shares = KNeighborsClassifier(5).fit(train, labels).predict_proba(test)
    assert utility == pytest.approx(shares[np.arange(50), wanted].mean(), abs=1e-12)
    assert values.sum() == pytest.approx(utility, abs=1e-12)


def test_sparse_rows_have_the_values_of_the_same_dense_ones():
    train, labels, test, wanted = made(60, 30, 2)
    train[train < 0], test[test < 0] = 0, 0
    dense = nearest_neighbour_shapley(train, labels, test, wanted, neighbours=3)
    thin = nearest_neighbour_shapley(
        sparse.csr_matrix(train), labels, sparse.csr_matrix(test), wanted, neighbours=3
    )
    assert thin[0] == pytest.approx(dense[0], abs=1e-12)


def test_batches_change_no_value(monkeypatch: pytest.MonkeyPatch):
    data = made(50, 33, 3)
    whole, _ = nearest_neighbour_shapley(*data, neighbours=3)
    monkeypatch.setattr(module, "_CELLS", 50 * 4)
    assert nearest_neighbour_shapley(*data, neighbours=3)[0] == pytest.approx(whole, abs=1e-12)


def test_memory_does_not_grow_with_the_test_set(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "_CELLS", 100_000)

    def peak(tests: int) -> int:
        data = made(1000, tests, 4)
        tracemalloc.start()
        nearest_neighbour_shapley(*data, neighbours=5)
        _, highest = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return highest

    assert peak(4000) < 1.2 * peak(1000)


def test_equal_rows_stand_in_the_order_given():
    train, labels = np.ones((3, 1)), np.array([0, 1, 1])
    values, _ = nearest_neighbour_shapley(
        train, labels, np.ones((1, 1)), np.array([1]), neighbours=1
    )
    # As in the enumeration with rows at distances 1, 2, 3.
    apart = np.array([[0.9], [0.8], [0.7]])
    expected, _ = nearest_neighbour_shapley(
        apart, labels, np.ones((1, 1)), np.array([1]), neighbours=1
    )
    assert values.tolist() == expected.tolist()
