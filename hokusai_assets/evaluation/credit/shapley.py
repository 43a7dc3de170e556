"""The Shapley value, exactly over all coalitions or estimated from random orders.

Shapley, L. S. (1953). A value for n-person games. Contributions to the Theory of Games II.
Castro, Gomez & Tejada (2009). Polynomial calculation of the Shapley value based on sampling.
Ghorbani, A. & Zou, J. (2019). Data Shapley: equitable valuation of data for machine learning. ICML.
"""

import math
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations

import numpy as np

from hokusai_assets.evaluation.credit.games import Game

# Fewer orders can miss a player's rare but large gain and then seem sure of it.
MIN_PERMUTATIONS = 30


@dataclass(frozen=True)
class ShapleyEstimate:
    """Shapley values estimated from random orders.

    Attributes:
        values: per player, the mean marginal gain over the orders.
        errors: per player, the standard error of that mean (for orders drawn anew, not for
            another test set).
        permutations: orders that were walked.
        truncated: marginal gains that were taken for 0 without asking for the value.
    """

    values: list[float]
    errors: list[float]
    permutations: int
    truncated: int


def exact_shapley(game: Game) -> list[Fraction]:
    """Return the Shapley value of every player, from all 2**n coalitions.

    phi_i = sum over S without i of |S|! (n - |S| - 1)! / n! * (v(S + i) - v(S)); exact, so the
    values sum to v(all) - v(empty) exactly.
    """
    n = game.players
    weights = [
        Fraction(math.factorial(size) * math.factorial(n - size - 1), math.factorial(n))
        for size in range(n)
    ]
    values = []
    for player in range(n):
        others = [other for other in range(n) if other != player]
        total = Fraction(0)
        for size, weight in enumerate(weights):
            for members in combinations(others, size):
                total += weight * (game.value([*members, player]) - game.value(members))
        values.append(total)
    return values


def truncated_monte_carlo(
    game: Game,
    generator: np.random.Generator,
    *,
    max_permutations: int,
    max_values: int,
    truncate_within: float = 0.0,
    max_error: float = 0.0,
) -> ShapleyEstimate:
    """Estimate the Shapley value from random orders (Ghorbani & Zou 2019, algorithm 1).

    Walks the players in random orders and averages each one's marginal gain. Along an order, once
    v(those before) is within ``truncate_within`` of v(all), the rest is taken to gain nothing; so
    an order's gains sum to v(all) - v(empty) but for that much. Stops after ``max_permutations``
    orders, or when another one could need more than ``max_values`` coalitions in all, or, from
    `MIN_PERMUTATIONS` on, when the largest standard error is at most ``max_error``.

    Args:
        game: the game.
        generator: draws the orders.
        max_permutations: at least 2.
        max_values: coalitions evaluated at most, at least 2 n + 2.
        truncate_within: in the utility's unit; 0 truncates nowhere.
        max_error: in the utility's unit; 0 never stops early unless no gain varied.

    Raises:
        ValueError: fewer than two orders or 2 n + 2 values are allowed: no error could be told.
    """
    n = game.players
    if max_permutations < 2 or max_values < 2 * n + 2:
        raise ValueError(f"two orders of {n} players need 2 permutations and {2 * n + 2} values")
    empty, everything = game.empty, game.all
    tolerance = Fraction(truncate_within)
    gains: list[list[float]] = []
    truncated = 0
    errors = [math.inf] * n
    while len(gains) < max_permutations and (
        len(gains) < 2 or game.evaluated + n - 1 <= max_values
    ):
        order = [int(player) for player in generator.permutation(n)]
        walked = [0.0] * n
        before = empty
        for place, player in enumerate(order):
            # At 0 even an equal value says nothing of the rest: a utility may fall and rise again.
            if tolerance > 0 and abs(everything - before) <= tolerance:
                truncated += n - place
                break
            after = game.value(order[: place + 1])
            walked[player] = float(after - before)
            before = after
        gains.append(walked)
        errors = _standard_errors(gains)
        if len(gains) >= MIN_PERMUTATIONS and max(errors) <= max_error:
            break
    values = [math.fsum(column) / len(gains) for column in zip(*gains, strict=True)]
    return ShapleyEstimate(values, errors, len(gains), truncated)


def _standard_errors(gains: list[list[float]]) -> list[float]:
    count = len(gains)
    if count < 2:
        return [math.inf] * len(gains[0])
    spread = np.std(np.array(gains), axis=0, ddof=1) / math.sqrt(count)
    return [float(error) for error in spread]
