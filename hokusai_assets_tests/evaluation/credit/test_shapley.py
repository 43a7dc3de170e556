"""The Shapley value: published games, its axioms, and error bars that hold what they promise."""

import itertools
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hokusai_assets.evaluation.credit.games import Game
from hokusai_assets.evaluation.credit.shapley import (
    MIN_PERMUTATIONS,
    exact_shapley,
    truncated_monte_carlo,
)

from .known_games import PUBLISHED, SECURITY_COUNCIL, airport, glove

EVERYTHING = 10**9


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_games_have_their_published_values(name: str):
    game, expected = PUBLISHED[name]
    assert exact_shapley(game) == expected


def any_game(values: list[int], players: int) -> Game:
    names = [
        frozenset(s) for k in range(players + 1) for s in itertools.combinations(range(players), k)
    ]
    table = dict(zip(names, values, strict=False))
    return Game(players, lambda coalition: Fraction(table[coalition], 7))


worths = st.lists(st.integers(-1000, 1000), min_size=16, max_size=16)


@given(worths)
def test_the_values_of_any_game_share_out_all_of_it(values: list[int]):
    game = any_game(values, 4)
    assert sum(exact_shapley(game)) == game.all - game.empty


@given(worths)
def test_any_game_has_the_mean_marginal_gain_over_all_orders(values: list[int]):
    game = any_game(values, 4)
    total = [Fraction(0)] * 4
    for order in itertools.permutations(range(4)):
        for place, player in enumerate(order):
            total[player] += game.value(order[: place + 1]) - game.value(order[:place])
    assert exact_shapley(game) == [value / 24 for value in total]


@given(st.lists(st.fractions(max_denominator=50), min_size=1, max_size=6))
def test_in_an_additive_game_everyone_gets_their_own(own: list[Fraction]):
    game = Game(len(own), lambda coalition: sum((own[i] for i in coalition), Fraction(3)))
    assert exact_shapley(game) == own


@given(worths)
def test_a_dummy_gets_nothing_and_changes_no_other(values: list[int]):
    game = any_game(values, 4)
    with_dummy = Game(5, lambda coalition: game.value(coalition - {4}))
    assert exact_shapley(with_dummy) == [*exact_shapley(game), 0]


@given(worths)
def test_two_players_who_bring_the_same_get_the_same(values: list[int]):
    game = any_game(values, 4)
    # Player 4 is a copy of 3: either of them is 3, both are no more.
    both = Game(5, lambda coalition: game.value({min(i, 3) for i in coalition}))
    found = exact_shapley(both)
    assert found[3] == found[4]


def test_each_coalition_is_asked_for_once():
    asked = []
    game = Game(5, lambda coalition: asked.append(coalition) or Fraction(len(coalition)))
    exact_shapley(game)
    assert len(asked) == len(set(asked)) == game.evaluated == 32


def estimate(game: Game, seed: int, **settings: float):
    limits = {"max_permutations": 40, "max_values": EVERYTHING} | settings
    return truncated_monte_carlo(game, np.random.default_rng(seed), **limits)


def test_the_error_bar_covers_the_exact_value_at_its_level():
    game, exact = PUBLISHED["airport"]
    covered = []
    for seed in range(400):
        found = estimate(game, seed)
        covered += [
            abs(value - float(truth)) <= 1.96 * error
            for value, error, truth in zip(found.values, found.errors, exact, strict=True)
        ]
    # 95% for a normal mean; of 40 skewed gains a little less, and the seeds scatter it.
    assert 0.91 <= np.mean(covered) <= 0.98


def test_the_veto_powers_of_the_security_council_are_estimated():
    # Shapley & Shubik's index for the enlarged council: 421/2145 and 4/2145.
    found = estimate(Game(15, SECURITY_COUNCIL), 3, max_permutations=3_000)
    permanent, others = np.array(found.values[:5]), np.array(found.values[5:])
    assert np.abs(permanent - 421 / 2145).max() < 4 * max(found.errors[:5])
    assert abs(others.sum() - 10 * 4 / 2145) < 0.01


def test_without_truncation_the_estimates_share_out_all_of_it():
    found = estimate(Game(3, glove), 1)
    assert sum(found.values) == pytest.approx(1, abs=1e-12)
    assert found.truncated == 0


@pytest.mark.parametrize("within", [0.5, 2, 5])
def test_truncation_saves_values_and_loses_at_most_its_tolerance(within: float):
    whole, cut = (Game(8, airport([1, 2, 3, 4, 5, 6, 7, 8])) for _ in range(2))
    estimate(whole, 5)
    found = estimate(cut, 5, truncate_within=within)
    assert cut.evaluated < whole.evaluated
    assert found.truncated > 0
    assert 0 <= 8 - sum(found.values) <= within + 1e-12


def test_it_stops_when_the_largest_error_is_small_enough():
    found = estimate(PUBLISHED["airport"][0], 1, max_permutations=100_000, max_error=0.2)
    assert max(found.errors) <= 0.2
    assert MIN_PERMUTATIONS < found.permutations < 5_000


def test_it_asks_for_no_more_values_than_allowed():
    game = Game(12, airport(list(range(1, 13))))
    found = estimate(game, 1, max_permutations=1000, max_values=60)
    assert 2 <= found.permutations < 1000
    assert game.evaluated <= 60


def test_the_same_seed_gives_the_same_estimate():
    assert estimate(PUBLISHED["europe"][0], 9) == estimate(PUBLISHED["europe"][0], 9)


def test_too_few_values_for_an_error_are_refused():
    with pytest.raises(ValueError, match="10 values"):
        estimate(PUBLISHED["airport"][0], 1, max_values=9)
