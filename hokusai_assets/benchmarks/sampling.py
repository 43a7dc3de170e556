"""Stratified sampling with exact largest-remainder allocation, seeded by purpose."""

import hashlib

import numpy as np
import pyarrow as pa


def seed_sequence(seed: int, purpose: str) -> np.random.SeedSequence:
    """Return the stream of randomness for one purpose under the spec's one seed.

    The purpose enters by its SHA-256, so streams of different purposes are independent and a
    new purpose changes no other.
    """
    words = np.frombuffer(hashlib.sha256(purpose.encode()).digest(), dtype=">u4")
    return np.random.SeedSequence([seed, *(int(word) for word in words)])


def allocate(counts: np.ndarray, size: int) -> np.ndarray:
    """Split ``size`` over strata in proportion to their counts, every stratum keeping one.

    Hamilton's largest-remainder rule on exact integers; ties go to the earlier stratum. A
    stratum that this leaves without a row then takes one from the one that holds most.

    Args:
        counts: rows per stratum, each >= 1.
        size: rows to choose, from len(counts) to sum(counts).

    Raises:
        ValueError: size is outside that range.
    """
    total = int(counts.sum())
    if not len(counts) <= size <= total:
        raise ValueError(f"a sample of {size} from {total} rows in {len(counts)} strata")
    shares = [int(count) * size for count in counts]
    given: np.ndarray = np.array([share // total for share in shares], dtype=np.int64)
    order = sorted(range(len(counts)), key=lambda i: (-(shares[i] % total), i))
    given[order[: size - int(given.sum())]] += 1
    for stratum in np.flatnonzero(given == 0):
        given[int(np.argmax(given))] -= 1
        given[stratum] = 1
    return given


def stratified_positions(
    labels: np.ndarray | pa.Array | pa.ChunkedArray, size: int, *, seed: int, purpose: str
) -> np.ndarray:
    """Choose ``size`` row positions, stratified by label, ascending.

    Every row of a stratum is equally likely. Of Arrow labels no Python object is made, and
    beside a code of 4 bytes per row only one stratum's positions are held at a time.

    Args:
        labels: (n,) labels of rows in canonical order, none missing.
        size: rows to choose, at least one per label.
        seed: the spec's seed.
        purpose: names the stream, such as ``test-sample``.

    Raises:
        ValueError: size is below the number of labels or above n.
    """
    codes, counts = _strata(labels)
    generator = np.random.default_rng(seed_sequence(seed, purpose))
    chosen = []
    for stratum, take in enumerate(allocate(counts, size)):
        members = np.flatnonzero(codes == stratum)
        chosen.append(generator.choice(members, size=int(take), replace=False, shuffle=False))
    return np.sort(np.concatenate(chosen))


def _strata(labels: np.ndarray | pa.Array | pa.ChunkedArray) -> tuple[np.ndarray, np.ndarray]:
    """Return each row's stratum, and rows per stratum; strata ascend by label."""
    if isinstance(labels, np.ndarray):
        _, codes, counts = np.unique(labels, return_inverse=True, return_counts=True)
        return codes, counts
    # Arrow's array and dictionary stand in the order of first appearance, which is the rows'.
    encoded = labels.dictionary_encode()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
    names = encoded.dictionary.to_pylist()
    ranks = np.empty(len(names), dtype=np.int32)
    ranks[sorted(range(len(names)), key=names.__getitem__)] = np.arange(len(names), dtype=np.int32)
    codes = ranks[encoded.indices.to_numpy()]
    return codes, np.bincount(codes, minlength=len(names))
