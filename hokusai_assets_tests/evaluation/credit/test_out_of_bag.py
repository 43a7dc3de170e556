"""Data-OOB against a plain loop, and its error against repeated runs."""

import math

import numpy as np
import pytest

from hokusai_assets.evaluation.credit.out_of_bag import out_of_bag


def made(rows: int = 60, seed: int = 1):
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, 2, rows)
    return generator.normal(size=rows) + labels, labels


def nearest_mean(points: np.ndarray, labels: np.ndarray):
    """A model small enough to write twice: the class whose mean in the bag is nearer."""

    def predict(bag: np.ndarray, out: np.ndarray) -> np.ndarray:
        means = [points[bag][labels[bag] == label].mean() for label in (0, 1)]
        return np.array([int(abs(x - means[1]) < abs(x - means[0])) for x in points[out]])

    return predict


def bagged(bags: int, seed: int = 5, rows: int = 60):
    points, labels = made(rows)
    return out_of_bag(
        labels,
        nearest_mean(points, labels),
        bags=bags,
        bag_size=rows,
        generator=np.random.default_rng(seed),
    )


def test_it_counts_what_a_plain_loop_counts():
    points, labels = made()
    predict = nearest_mean(points, labels)
    generator = np.random.default_rng(5)
    votes, hits = [0] * 60, [0] * 60
    for _ in range(25):
        bag = [int(i) for i in generator.integers(0, 60, 60)]
        for row in range(60):
            if row not in bag:
                votes[row] += 1
                hits[row] += int(predict(np.array(bag), np.array([row]))[0] == labels[row])
    found = bagged(25)
    assert found.votes.tolist() == votes
    assert found.hits.tolist() == hits
    assert found.values == pytest.approx([h / v for h, v in zip(hits, votes, strict=True)])
    value, _ = found.mean(np.arange(60) < 20)
    assert value == pytest.approx(sum(h / v for h, v in zip(hits[:20], votes, strict=False)) / 20)


def test_a_row_is_left_out_of_a_third_of_the_bags():
    # (1 - 1/n)**n tends to 1/e.
    found = bagged(2000)
    assert found.votes.mean() / 2000 == pytest.approx((1 - 1 / 60) ** 60, abs=0.01)


def test_one_rows_error_is_that_of_a_share():
    found = bagged(200)
    row = int(np.argmin(np.abs(found.values - 0.5)))
    _, error = found.mean(np.arange(60) == row)
    share, votes = found.values[row], found.votes[row]
    expected = math.sqrt(share * (1 - share) / votes * 200 / 199)
    assert error == pytest.approx(expected)


def test_the_error_of_many_rows_is_the_spread_of_repeated_runs():
    rows = np.arange(60) < 30
    runs = [bagged(40, seed).mean(rows) for seed in range(150)]
    spread = np.std([value for value, _ in runs], ddof=1)
    assert np.mean([error for _, error in runs]) == pytest.approx(spread, rel=0.2)


def test_a_row_that_every_bag_holds_has_no_value():
    found = out_of_bag(
        np.array([0]),
        lambda bag, out: pytest.fail("nobody is left to ask"),
        bags=3,
        bag_size=1,
        generator=np.random.default_rng(0),
    )
    assert np.isnan(found.values).all()
    with pytest.raises(ValueError, match="more bags"):
        found.mean(np.array([True]))
