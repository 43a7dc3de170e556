"""Values from one gain each: what they pay in games whose answers are known."""

from fractions import Fraction
from itertools import permutations

import pytest

from hokusai_assets.evaluation.credit.games import Game
from hokusai_assets.evaluation.credit.marginals import leave_one_out, sequential, standalone

from .known_games import PUBLISHED, airport, glove


def test_alone_no_glove_is_worth_anything_and_as_the_last_only_the_rare_one():
    game = Game(3, glove)
    assert standalone(game) == [0, 0, 0]
    assert leave_one_out(game) == [0, 0, 1]


def test_of_two_copies_each_is_worth_all_alone_and_nothing_as_the_last():
    game = Game(2, lambda coalition: Fraction(bool(coalition)))
    assert standalone(game) == [1, 1]
    assert leave_one_out(game) == [0, 0]
    assert sequential(game, [1, 0]) == [0, 1]


def test_on_a_runway_each_pays_for_the_length_that_those_before_lacked():
    game = Game(4, airport([8, 11, 13, 18]))
    assert sequential(game, [0, 1, 2, 3]) == [8, 3, 2, 5]
    assert sequential(game, [3, 2, 1, 0]) == [0, 0, 0, 18]


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_gains_of_any_order_telescope(name: str):
    game, _ = PUBLISHED[name]
    for order in permutations(range(game.players)):
        assert sum(sequential(game, order)) == game.all - game.empty


@pytest.mark.parametrize("method", [standalone, leave_one_out])
def test_a_model_is_trained_for_each_player_and_for_all_or_none(method):
    game = Game(7, airport(list(range(7))))
    method(game)
    assert game.evaluated == 8


@pytest.mark.parametrize("order", [[0, 1], [0, 1, 1], [0, 1, 2, 3]])
def test_an_order_that_is_none_is_refused(order: list[int]):
    with pytest.raises(ValueError, match="each of 3 players once"):
        sequential(Game(3, glove), order)


def test_a_game_without_players_is_refused():
    with pytest.raises(ValueError, match="needs a player"):
        Game(0, glove)
