"""Sorted keys: lookups and distinct words agree with Python's dictionaries."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hokusai_assets.contributions.sorted_keys import KeySet, distinct, find_sorted, key_words

# Few values, so that keys share halves.
HALF = st.sampled_from([0, 1, 2, 2**63, 2**64 - 1])
PAIRS = st.lists(st.tuples(HALF, HALF), max_size=25)


def keys_of(pairs: list[tuple[int, int]]) -> np.ndarray:
    data = b"".join(high.to_bytes(8, "big") + low.to_bytes(8, "big") for high, low in pairs)
    return np.frombuffer(data, np.uint8).reshape(-1, 16)


@given(PAIRS, PAIRS)
def test_a_set_gives_the_first_position_of_each_key(
    held: list[tuple[int, int]], wanted: list[tuple[int, int]]
) -> None:
    expected = [held.index(pair) if pair in held else -1 for pair in wanted]
    assert KeySet(keys_of(held)).find(keys_of(wanted)).tolist() == expected


@given(PAIRS, PAIRS)
def test_sorted_keys_are_found_where_they_stand(
    held: list[tuple[int, int]], wanted: list[tuple[int, int]]
) -> None:
    ordered = sorted(set(held))
    found = find_sorted(*key_words(keys_of(ordered)), *key_words(keys_of(wanted)))
    assert found.tolist() == [ordered.index(pair) if pair in ordered else -1 for pair in wanted]


@given(st.lists(HALF, max_size=30))
def test_distinct_words_are_those_of_numpy(words: list[int]) -> None:
    values, counts = distinct(np.array(words, np.uint64))
    expected = np.unique(np.array(words, np.uint64), return_counts=True)
    assert np.array_equal(values, expected[0])
    assert np.array_equal(counts, expected[1])
