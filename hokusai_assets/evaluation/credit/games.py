"""A cooperative game: players, and what each coalition of them is worth."""

from collections.abc import Callable, Iterable
from fractions import Fraction

Coalition = frozenset[int]


class Game:
    """A game of n players, 0 to n - 1, that asks for each coalition's value once.

    Attributes:
        players: n, at least 1.
        evaluated: coalitions whose value was asked for so far.
    """

    def __init__(
        self,
        players: int,
        utility: Callable[[Coalition], Fraction | float],
        *,
        on_value: Callable[[int], None] = lambda evaluated: None,
    ) -> None:
        """Make a game.

        Args:
            players: n.
            utility: the value of a coalition; called once for each.
            on_value: told how many coalitions were evaluated, after each.

        Raises:
            ValueError: there are no players.
        """
        if players < 1:
            raise ValueError(f"a game needs a player, got {players}")
        self.players = players
        self._utility = utility
        self._on_value = on_value
        self._known: dict[Coalition, Fraction] = {}

    @property
    def evaluated(self) -> int:
        """Coalitions whose value was asked for so far."""
        return len(self._known)

    def value(self, coalition: Iterable[int]) -> Fraction:
        """Return v(S): a float is taken as the exact binary number it is."""
        members = frozenset(coalition)
        if members not in self._known:
            self._known[members] = Fraction(self._utility(members))
            self._on_value(self.evaluated)
        return self._known[members]

    @property
    def empty(self) -> Fraction:
        """The value of no player, v(empty)."""
        return self.value(())

    @property
    def all(self) -> Fraction:
        """The value of all players, v(all)."""
        return self.value(range(self.players))
