"""Merkle tree hashing as RFC 6962 (Certificate Transparency) section 2.1 defines it."""

import hashlib
from collections.abc import Iterable, Sequence


def leaf_hash(data: bytes) -> bytes:
    """Return SHA-256(0x00 || data): the hash of one leaf, 32 bytes."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return SHA-256(0x01 || left || right): the hash of an inner node, 32 bytes."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def root(leaves: Sequence[bytes]) -> bytes:
    """Return the tree head over leaf hashes, in their order; SHA-256 of nothing if empty.

    Carrying an odd last node up unchanged gives the tree of RFC 6962, which splits at the
    largest power of two below the size.
    """
    if not leaves:
        return hashlib.sha256(b"").digest()
    level = list(leaves)
    while len(level) > 1:
        above = [node_hash(level[i], level[i + 1]) for i in range(0, len(level) - 1, 2)]
        if len(level) % 2:
            above.append(level[-1])
        level = above
    return level[0]


class TreeHead:
    """Computes `root` over leaf hashes that come one at a time; holds one hash per level."""

    def __init__(self) -> None:
        self._count = 0
        # Roots of complete subtrees, the largest first: one per set bit of the count.
        self._complete: list[bytes] = []

    def add(self, leaf: bytes) -> None:
        """Take the next leaf hash."""
        self._count += 1
        size = self._count
        while size % 2 == 0:
            leaf = node_hash(self._complete.pop(), leaf)
            size //= 2
        self._complete.append(leaf)

    def root(self) -> bytes:
        """Return the tree head over the leaves so far."""
        if not self._complete:
            return hashlib.sha256(b"").digest()
        head = self._complete[-1]
        for left in reversed(self._complete[:-1]):
            head = node_hash(left, head)
        return head


def root_hex(leaves: Iterable[bytes]) -> str:
    """Return the tree head over leaf hashes as 64 lower-case hex characters."""
    return root(list(leaves)).hex()
