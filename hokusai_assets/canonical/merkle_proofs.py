"""Proofs about Merkle trees: that a leaf is in one, and that one continues another.

RFC 6962 sections 2.1.1 (audit paths) and 2.1.2 (consistency proofs); checked by the algorithms of
RFC 9162 sections 2.1.3.2 and 2.1.4.2.
"""

from collections.abc import Sequence

from hokusai_assets.canonical.merkle import node_hash, root


def inclusion_path(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """Return the audit path of a leaf: the hashes that with it give the root, from below.

    Args:
        leaves: n leaf hashes.
        index: which, from 0.

    Raises:
        IndexError: there is no such leaf.
    """
    if not 0 <= index < len(leaves):
        raise IndexError(f"there are {len(leaves)} leaves, none of index {index}")
    path: list[bytes] = []
    level, position = list(leaves), index
    while len(level) > 1:
        sibling = position ^ 1
        # An odd last node is carried up unchanged: it has no sibling on this level.
        if sibling < len(level):
            path.append(level[sibling])
        above = [node_hash(level[i], level[i + 1]) for i in range(0, len(level) - 1, 2)]
        level = above + level[-1:] if len(level) % 2 else above
        position //= 2
    return path


def root_by_path(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """Return the root that a leaf and its audit path lead to; None if the path does not fit.

    RFC 9162 section 2.1.3.2. Whoever knows the root compares it.

    Args:
        leaf: the leaf's hash.
        index: its place, from 0.
        size: leaves of the tree.
        path: from `inclusion_path`.
    """
    if not 0 <= index < size:
        return None
    place, last, found = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            return None
        if place & 1 or place == last:
            found = node_hash(sibling, found)
            while not place & 1 and place:
                place >>= 1
                last >>= 1
        else:
            found = node_hash(found, sibling)
        place >>= 1
        last >>= 1
    return found if last == 0 else None


def consistency_path(leaves: Sequence[bytes], first: int) -> list[bytes]:
    """Return the proof that a tree of n leaves continues the tree of its first m.

    Args:
        leaves: n leaf hashes.
        first: m, 1 to n.

    Raises:
        IndexError: m is not in that range.
    """
    if not 1 <= first <= len(leaves):
        raise IndexError(f"a tree of {len(leaves)} leaves continues none of {first}")
    return _subproof(leaves, first, whole=True)


def _subproof(leaves: Sequence[bytes], first: int, *, whole: bool) -> list[bytes]:
    if first == len(leaves):
        return [] if whole else [root(leaves)]
    split = 1 << (len(leaves) - 1).bit_length() - 1
    if first <= split:
        return [*_subproof(leaves[:split], first, whole=whole), root(leaves[split:])]
    return [*_subproof(leaves[split:], first - split, whole=False), root(leaves[:split])]


def continues(
    first: int, first_root: bytes, second: int, second_root: bytes, path: Sequence[bytes]
) -> bool:
    """Say whether a proof shows that the second tree begins with all leaves of the first.

    RFC 9162 section 2.1.4.2.

    Args:
        first, second: leaves of both trees.
        first_root, second_root: their roots.
        path: from `consistency_path`.
    """
    if not 1 <= first <= second:
        return False
    if first == second:
        return not path and first_root == second_root
    nodes = list(path)
    if first & (first - 1) == 0:
        # A complete tree is itself a node of the second; the proof leaves it out.
        nodes.insert(0, first_root)
    if not nodes:
        return False
    place, last = first - 1, second - 1
    while place & 1:
        place >>= 1
        last >>= 1
    old = new = nodes[0]
    for node in nodes[1:]:
        if last == 0:
            return False
        if place & 1 or place == last:
            old, new = node_hash(node, old), node_hash(node, new)
            while not place & 1 and place:
                place >>= 1
                last >>= 1
        else:
            new = node_hash(new, node)
        place >>= 1
        last >>= 1
    return last == 0 and old == first_root and new == second_root
