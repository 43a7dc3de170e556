"""Values from one marginal gain per player: alone, in an order, or as the last."""

from collections.abc import Sequence
from fractions import Fraction

from hokusai_assets.evaluation.credit.games import Game


def standalone(game: Game) -> list[Fraction]:
    """Return v({i}) - v(empty) per player: what each is worth with no other.

    Two players with the same rows both get all of it, so the values may sum to more than
    v(all) - v(empty), or to less where players need each other. Evaluates n + 1 coalitions.
    """
    return [game.value({i}) - game.empty for i in range(game.players)]


def sequential(game: Game, order: Sequence[int]) -> list[Fraction]:
    """Return v(first .. i) - v(first .. i - 1) per player, for players who came in that order.

    The values telescope: they sum to v(all) - v(empty) exactly. Which of two similar players gets
    the gain depends on nothing but the order. Evaluates n + 1 coalitions.

    Args:
        game: the game.
        order: every player once, the first to come first.

    Returns:
        Values by player, not by place in the order.

    Raises:
        ValueError: a player is missing or stands twice.
    """
    if sorted(order) != list(range(game.players)):
        raise ValueError(f"an order names each of {game.players} players once, got {list(order)}")
    values = [Fraction(0)] * game.players
    before: list[int] = []
    for player in order:
        values[player] = game.value([*before, player]) - game.value(before)
        before.append(player)
    return values


def leave_one_out(game: Game) -> list[Fraction]:
    """Return v(all) - v(all without i) per player: what would be lost without each.

    Two players with the same rows both get nothing. Evaluates n + 1 coalitions.
    """
    everyone = set(range(game.players))
    return [game.all - game.value(everyone - {i}) for i in range(game.players)]
