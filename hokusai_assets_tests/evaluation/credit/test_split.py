"""Dividing an amount: nothing lost, nobody more than a unit off, and no order that matters."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hokusai_assets.evaluation.credit.split import split_by_weights


@st.composite
def weights(draw: st.DrawFn) -> dict[str, int]:
    cuts = sorted(draw(st.lists(st.integers(0, 10_000), max_size=8)))
    parts = [b - a for a, b in zip([0, *cuts], [*cuts, 10_000], strict=True)]
    return {f"c{number}": part for number, part in enumerate(parts)}


amounts = st.integers(-(10**12), 10**12)


@given(amounts, weights())
def test_the_parts_sum_exactly_to_the_whole(amount: int, shares: dict[str, int]):
    assert sum(split_by_weights(amount, shares).values()) == amount


@given(amounts, weights())
def test_everyone_is_less_than_a_unit_from_their_share(amount: int, shares: dict[str, int]):
    for who, part in split_by_weights(amount, shares).items():
        assert abs(part - Fraction(amount * shares[who], 10_000)) < 1
        assert part == 0 or (part > 0) == (amount > 0)


@given(amounts, weights(), st.randoms())
def test_the_order_of_contributors_changes_nothing(amount: int, shares: dict[str, int], random):
    shuffled = list(shares.items())
    random.shuffle(shuffled)
    assert split_by_weights(amount, dict(shuffled)) == split_by_weights(amount, shares)


@given(amounts, weights())
def test_a_loss_is_split_like_a_gain(amount: int, shares: dict[str, int]):
    gain = split_by_weights(amount, shares)
    assert split_by_weights(-amount, shares) == {who: -part for who, part in gain.items()}


@given(weights())
def test_nothing_is_split_into_nothing(shares: dict[str, int]):
    assert set(split_by_weights(0, shares).values()) == {0}


def test_seats_go_as_hamilton_gave_them():
    # https://en.wikipedia.org/wiki/Largest_remainders_method: 10 seats for 100,000 votes.
    votes = {"yellow": 4700, "white": 1600, "red": 1580, "green": 1200, "blue": 610, "pink": 310}
    seats = split_by_weights(10, votes)
    assert list(seats.values()) == [5, 2, 1, 1, 1, 0]


def test_equal_remainders_go_to_the_smaller_id():
    assert split_by_weights(1, {"b": 5000, "a": 5000}) == {"b": 0, "a": 1}
    assert split_by_weights(-1, {"b": 5000, "a": 5000}) == {"b": 0, "a": -1}


@pytest.mark.parametrize("wrong", [{}, {"a": 9_999}, {"a": 10_001}, {"a": 10_001, "b": -1}])
def test_weights_that_are_not_the_whole_are_refused(wrong: dict[str, int]):
    with pytest.raises(ValueError, match="sum to 10000"):
        split_by_weights(100, wrong)
