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


def root_hex(leaves: Iterable[bytes]) -> str:
    """Return the tree head over leaf hashes as 64 lower-case hex characters."""
    return root(list(leaves)).hex()
