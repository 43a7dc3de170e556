"""Texts that say the same: which test texts a text shares most of its shingles with."""

import numpy as np

from hokusai_assets.contributions.leakage.text_skeletons import Skeletons
from hokusai_assets.contributions.sorted_keys import distinct

# Two skeletons are similar from this Jaccard index of their shingles on ...
SIMILARITY = 0.7
# ... or where this share of a test text's shingles stands in the other, whatever else does.
CONTAINMENT = 0.8
SHINGLE_BYTES = 4
# Shorter skeletons have too few shingles to say more than whether they are equal.
SHORTEST_SKELETON = 16
SHORTEST_CONTAINED = 32
# Candidates are found by windows twice as wide as a shingle, which honest texts share seldom: of
# every four in a row of a test text the rarest. At the Jaccard index above at most 30% of the
# test text's shingles are missing. A changed letter breaks four of them, and eight windows in a
# row, so three of the chosen ones at most: of n / 4 at most 3 * 0.3 n / 4 are lost, not all.
_WINDOW_BYTES = 8
_GROUP = 4
# A window that more test texts share tells them apart too badly: the first so many count.
_LONGEST_POSTING = 8
# From so many chosen windows on, one shared is chance: two at least have to be.
_MANY_WINDOWS = 8
# Of the test texts that a text shares windows with, the so many with most are compared.
_CANDIDATES = 4
_FILTER_BITS = 23
_STEP = 1 << 20


class SimilarTexts:
    """Finds the test texts that a text is similar to, or holds; see the constants."""

    def __init__(self, texts: Skeletons) -> None:
        """Index the skeletons of m test texts."""
        self._shingles, rows = shingles_of(texts, np.arange(texts.count))
        self._sizes = np.bincount(rows, minlength=texts.count)
        self._starts = np.concatenate([[0], np.cumsum(self._sizes)])
        windows, owners = _chosen_windows(texts)
        chosen = np.bincount(owners, minlength=texts.count)
        self._needed = np.where(chosen < _MANY_WINDOWS, 1, 2)
        # A window's place in its posting list, to cut long ones.
        first = np.searchsorted(windows, windows)
        kept = np.arange(len(windows)) - first < _LONGEST_POSTING
        self._windows, posted = distinct(windows[kept])
        self._postings_end = np.cumsum(posted)
        self._owners = owners[kept].astype(np.uint64)
        self._bitmap = np.zeros(1 << _FILTER_BITS, dtype=bool)
        self._bitmap[_slots(self._windows)] = True

    def pairs(
        self, texts: Skeletons, *, other_than: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return similar pairs, at most four per text: texts and test texts, int64 (k,) each.

        Args:
            texts: n skeletons.
            other_than: int64 (n,), per text a test text that doesn't count.
        """
        left, right = self._candidates(texts, other_than)
        if not len(left):
            return left, right
        shared, sizes = self._shared(texts, left, right)
        theirs = self._sizes[right]
        similar = shared >= SIMILARITY * (sizes + theirs - shared) - 1e-9
        long = theirs >= SHORTEST_CONTAINED - SHINGLE_BYTES + 1
        similar |= long & (shared >= CONTAINMENT * theirs - 1e-9)
        return left[similar], right[similar]

    def _candidates(
        self, texts: Skeletons, other_than: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return pairs that share a chosen window, the best few per text, ascending by text."""
        found: list[np.ndarray] = []
        counts: list[np.ndarray] = []
        view = _window_view(texts.content)
        for start in range(0, len(view), _STEP):
            words = view[start : start + _STEP]
            at = np.flatnonzero(self._bitmap[_slots(words)])
            if len(at):
                pairs, count = distinct(self._postings(texts, at + start, words[at]))
                found.append(pairs)
                counts.append(count)
        pairs, hits = _merged(found, counts)
        right = (pairs & np.uint64(0xFFFFFFFF)).astype(np.int64)
        enough = hits >= self._needed[right]
        pairs, right, hits = pairs[enough], right[enough], hits[enough]
        left = (pairs >> np.uint64(32)).astype(np.int64)
        if other_than is not None:
            kept = right != other_than[left]
            left, right, hits = left[kept], right[kept], hits[kept]
        order = np.lexsort((right, -hits, left))
        left, right = left[order], right[order]
        rank = np.arange(len(left)) - np.searchsorted(left, left)
        return left[rank < _CANDIDATES], right[rank < _CANDIDATES]

    def _postings(self, texts: Skeletons, positions: np.ndarray, words: np.ndarray) -> np.ndarray:
        """Return a word per (text, test text with that window): high half and low half."""
        place = np.minimum(np.searchsorted(self._windows, words), len(self._windows) - 1)
        rows = np.searchsorted(texts.starts, positions, side="right") - 1
        # The filter lets some words pass that are not here, and windows over two texts.
        held = self._windows[place] == words
        held &= positions + _WINDOW_BYTES <= texts.starts[rows + 1]
        place, rows = place[held], rows[held].astype(np.uint64)
        begin = np.where(place > 0, self._postings_end[place - 1], 0)
        count = self._postings_end[place] - begin
        at = np.repeat(begin, count) + _ranks(count)
        return np.asarray((np.repeat(rows, count) << np.uint64(32)) | self._owners[at])

    def _shared(
        self, texts: Skeletons, left: np.ndarray, right: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return how many shingles each pair shares and how many the text has, int64 (k,) each."""
        rows, _ = distinct(left.astype(np.uint64))
        rows = rows.astype(np.int64)
        shingles, owners = shingles_of(texts, rows)
        if not len(shingles):
            return np.zeros(len(left), np.int64), np.zeros(len(left), np.int64)
        place = np.searchsorted(rows, left)
        mine = (owners.astype(np.uint64) << np.uint64(32)) | shingles
        shared = np.zeros(len(left), dtype=np.int64)
        lengths = self._sizes[right]
        ends = np.cumsum(lengths)
        start = 0
        while start < len(left):
            # So many pairs at a time that their shingles fit into one step; one at least.
            before = ends[start - 1] if start else 0
            stop = max(start + 1, int(np.searchsorted(ends, before + _STEP, side="right")))
            count = lengths[start:stop]
            pair = np.repeat(np.arange(start, stop), count)
            theirs = self._shingles[
                np.repeat(self._starts[right[start:stop]], count) + _ranks(count)
            ]
            want = (place[pair].astype(np.uint64) << np.uint64(32)) | theirs
            at = np.minimum(np.searchsorted(mine, want), len(mine) - 1)
            hit = mine[at] == want
            shared[start:stop] = np.bincount(pair[hit] - start, minlength=stop - start)
            start = stop
        sizes = np.bincount(owners, minlength=len(rows))
        return shared, sizes[place]


def shingles_of(texts: Skeletons, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the distinct shingles of some texts: uint32 (k,), and positions in ``rows``, int64.

    Ascending by position, then shingle; texts shorter than `SHORTEST_SKELETON` have none.
    """
    lengths = texts.starts[rows + 1] - texts.starts[rows]
    count = np.where(lengths >= SHORTEST_SKELETON, lengths - SHINGLE_BYTES + 1, 0)
    if not count.sum():
        return np.zeros(0, np.uint32), np.zeros(0, np.int64)
    at = np.repeat(texts.starts[rows], count) + _ranks(count)
    packed = _view(texts.content, SHINGLE_BYTES)[at]
    owner = np.repeat(np.arange(len(rows), dtype=np.uint64), count)
    joined, _ = distinct((owner << np.uint64(32)) | packed)
    return (
        (joined & np.uint64(0xFFFFFFFF)).astype(np.uint32),
        (joined >> np.uint64(32)).astype(np.int64),
    )


def _chosen_windows(texts: Skeletons) -> tuple[np.ndarray, np.ndarray]:
    """Return of every few windows the rarest, uint64 (k,), and the texts they are of, int64."""
    lengths = np.diff(texts.starts)
    count = np.where(lengths >= SHORTEST_SKELETON, lengths - _WINDOW_BYTES + 1, 0)
    if not count.sum():
        return np.zeros(0, np.uint64), np.zeros(0, np.int64)
    owners = np.repeat(np.arange(len(lengths)), count)
    rank = _ranks(count)
    words = _window_view(texts.content)[np.repeat(texts.starts[:-1], count) + rank]
    known, frequency = distinct(words.copy())
    often = frequency[np.searchsorted(known, words)]
    group = rank // _GROUP
    order = np.lexsort((words, often, group, owners))
    first = np.ones(len(order), dtype=bool)
    ordered_owners, ordered_group = owners[order], group[order]
    first[1:] = (ordered_owners[1:] != ordered_owners[:-1]) | (
        ordered_group[1:] != ordered_group[:-1]
    )
    words, owners = words[order][first], ordered_owners[first]
    # A text that repeats itself counts once per window.
    order = np.lexsort((owners, words))
    words, owners = words[order], owners[order]
    new = np.ones(len(words), dtype=bool)
    new[1:] = (words[1:] != words[:-1]) | (owners[1:] != owners[:-1])
    return words[new], owners[new]


def _merged(found: list[np.ndarray], counts: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Join distinct pairs of several steps, counts of equal ones added up; ascending."""
    pairs = np.concatenate([np.zeros(0, np.uint64), *found])
    hits = np.concatenate([np.zeros(0, np.int64), *counts])
    if not len(pairs):
        return pairs, hits
    order = np.argsort(pairs, kind="stable")
    pairs, hits = pairs[order], hits[order]
    starts = np.flatnonzero(np.append(True, pairs[1:] != pairs[:-1]))
    return pairs[starts], np.add.reduceat(hits, starts)


def _ranks(count: np.ndarray) -> np.ndarray:
    """Return 0..c-1 for each count c, joined."""
    ends = np.cumsum(count)
    total = int(ends[-1]) if len(ends) else 0
    return np.asarray(np.arange(total) - np.repeat(ends - count, count))


def _view(content: np.ndarray, width: int) -> np.ndarray:
    """Return every ``width`` bytes from every position on as one word, without copying."""
    count = max(0, len(content) - width + 1)
    return np.ndarray((count,), f"<u{width}", np.ascontiguousarray(content), strides=(1,))


def _window_view(content: np.ndarray) -> np.ndarray:
    return _view(content, _WINDOW_BYTES)


def _slots(words: np.ndarray) -> np.ndarray:
    return (words * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(64 - _FILTER_BITS)
