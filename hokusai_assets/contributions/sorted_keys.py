"""Sorted arrays of 64-bit words and 128-bit keys: distinct ones, and where they stand."""

from dataclasses import dataclass

import numpy as np

# Keys looked up at a time: what that takes beside the answer does not grow with their number.
_STEP = 1 << 20


def key_words(keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Split keys, uint8 (n, 16), into their high and low halves, uint64 (n,) each, big-endian.

    Raises:
        ValueError: the array has another shape or type.
    """
    if keys.dtype != np.uint8 or keys.ndim != 2 or keys.shape[1] != 16:
        raise ValueError(f"keys are uint8 (n, 16), not {keys.dtype} {keys.shape}")
    words = np.ascontiguousarray(keys).view(">u8")
    return words[:, 0].astype(np.uint64), words[:, 1].astype(np.uint64)


@dataclass(frozen=True)
class SortedKeys:
    """Distinct keys, ascending.

    Attributes:
        high, low: uint64 (k,), their halves.
    """

    high: np.ndarray
    low: np.ndarray

    def __len__(self) -> int:
        """Return k."""
        return len(self.high)


def distinct(words: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the distinct words, ascending, and how often each stands, int64; sorts in place.

    np.unique hashes integers before it sorts them, which takes 40 times as long here.
    """
    words.sort()
    first = np.ones(len(words), dtype=bool)
    np.not_equal(words[1:], words[:-1], out=first[1:])
    at = np.flatnonzero(first)
    return words[at], np.diff(np.append(at, len(words)))


def find_sorted(
    high: np.ndarray, low: np.ndarray, want_high: np.ndarray, want_low: np.ndarray
) -> np.ndarray:
    """Return where each wanted key stands among sorted ones, int64 (n,), -1 where it doesn't.

    Args:
        high, low: (m,) keys ascending by (high, low), each once.
        want_high, want_low: (n,) keys in any order; ascending is faster.
    """
    found = np.full(len(want_high), -1, dtype=np.int64)
    for start in range(0, len(want_high) if len(high) else 0, _STEP):
        part = slice(start, start + _STEP)
        found[part] = _find_some(high, low, want_high[part], want_low[part])
    return found


def _find_some(
    high: np.ndarray, low: np.ndarray, want_high: np.ndarray, want_low: np.ndarray
) -> np.ndarray:
    found = np.full(len(want_high), -1, dtype=np.int64)
    position = np.searchsorted(high, want_high)
    open_rows = np.arange(len(want_high))
    # Keys that share 64 bits stand side by side: nearly always one step is all there is.
    while len(open_rows):
        inside = position < len(high)
        open_rows, position = open_rows[inside], position[inside]
        same = high[position] == want_high[open_rows]
        open_rows, position = open_rows[same], position[same]
        hit = low[position] == want_low[open_rows]
        found[open_rows[hit]] = position[hit]
        open_rows, position = open_rows[~hit], position[~hit] + 1
    return found


class KeySet:
    """A fixed set of m keys, each with the position (0..m-1) it first had when given."""

    def __init__(self, keys: np.ndarray) -> None:
        """Index keys, uint8 (m, 16); a key given twice keeps its first position."""
        high, low = key_words(keys)
        order = np.lexsort((low, high))
        high, low = high[order], low[order]
        first = np.ones(len(order), dtype=bool)
        first[1:] = (high[1:] != high[:-1]) | (low[1:] != low[:-1])
        self._high, self._low, self._origin = high[first], low[first], order[first]

    def find(self, keys: np.ndarray) -> np.ndarray:
        """Return each key's position, int64 (n,), -1 for one that isn't in the set."""
        want_high, want_low = key_words(keys)
        found = find_sorted(self._high, self._low, want_high, want_low)
        if not len(self._origin):
            return found
        return np.where(found < 0, -1, self._origin[found])
