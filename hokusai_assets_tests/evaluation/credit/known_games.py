"""Games whose Shapley values are published or follow from a closed form."""

from collections.abc import Callable
from fractions import Fraction

from hokusai_assets.evaluation.credit.games import Coalition, Game

Utility = Callable[[Coalition], Fraction | float]


def glove(coalition: Coalition) -> float:
    """Players 0 and 1 have a left glove, 2 a right one; a pair is worth 1."""
    return float(min(len(coalition & {0, 1}), len(coalition & {2})))


def airport(costs: list[int]) -> Utility:
    """A runway long enough for all who use it costs what the longest needs."""
    return lambda coalition: Fraction(max((costs[i] for i in coalition), default=0))


def voting(quota: int, weights: list[int]) -> Utility:
    """A coalition with the quota wins 1."""
    return lambda coalition: Fraction(int(sum(weights[i] for i in coalition) >= quota))


# The five permanent members can each veto; nine votes of fifteen are needed.
SECURITY_COUNCIL = voting(39, [7] * 5 + [1] * 10)

PUBLISHED: dict[str, tuple[Game, list[Fraction]]] = {
    # https://en.wikipedia.org/wiki/Shapley_value
    "glove": (Game(3, glove), [Fraction(1, 6), Fraction(1, 6), Fraction(2, 3)]),
    # Littlechild & Owen (1973); https://en.wikipedia.org/wiki/Airport_problem
    "airport": (Game(4, airport([8, 11, 13, 18])), [Fraction(v) for v in (2, 3, 4, 9)]),
    # https://en.wikipedia.org/wiki/Shapley-Shubik_power_index
    "majority": (Game(4, voting(4, [3, 2, 1, 1])), [Fraction(1, 2)] + [Fraction(1, 6)] * 3),
    # The European Council of 1958: Luxembourg's vote never counted (Felsenthal & Machover 1998).
    "europe": (
        Game(6, voting(12, [4, 4, 4, 2, 2, 1])),
        [Fraction(14, 60)] * 3 + [Fraction(9, 60)] * 2 + [Fraction(0)],
    ),
}
