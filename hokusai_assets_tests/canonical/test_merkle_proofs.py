"""Merkle proofs against Certificate Transparency's vectors, and that nothing else passes."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hokusai_assets.canonical import merkle
from hokusai_assets.canonical.merkle_proofs import (
    consistency_path,
    continues,
    inclusion_path,
    root_by_path,
)

from .test_merkle import LEAVES, ROOTS

HASHES = [merkle.leaf_hash(bytes.fromhex(leaf)) for leaf in LEAVES]
_B = {
    "1": "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
    "23": "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
    "4567": "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    "4": "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    "67": "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
    "45": "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
}

# certificate-transparency-go/merkle and merkle_tree_test.cc: index, size, path.
INCLUSION = [
    (0, 1, []),
    (0, 8, [_B["1"], _B["23"], _B["4567"]]),
    (5, 8, [_B["4"], _B["67"], ROOTS[4]]),
    (2, 3, [ROOTS[2]]),
]
# The sizes of both trees, and the proof.
CONSISTENCY = [
    (1, 1, []),
    (1, 8, [_B["1"], _B["23"], _B["4567"]]),
    (6, 8, [_B["45"], _B["67"], ROOTS[4]]),
    (2, 5, [_B["23"], _B["4"]]),
]

sizes = st.integers(1, 40)


def tree(size: int) -> list[bytes]:
    return [merkle.leaf_hash(bytes([number])) for number in range(size)]


@pytest.mark.parametrize(("index", "size", "path"), INCLUSION)
def test_audit_paths_are_certificate_transparencys(index: int, size: int, path: list[str]):
    assert [node.hex() for node in inclusion_path(HASHES[:size], index)] == path
    found = root_by_path(HASHES[index], index, size, [bytes.fromhex(node) for node in path])
    assert found is not None and found.hex() == ROOTS[size]


@pytest.mark.parametrize(("first", "second", "path"), CONSISTENCY)
def test_consistency_proofs_are_certificate_transparencys(first: int, second: int, path: list[str]):
    assert [node.hex() for node in consistency_path(HASHES[:second], first)] == path
    old, new = bytes.fromhex(ROOTS[first]), bytes.fromhex(ROOTS[second])
    assert continues(first, old, second, new, [bytes.fromhex(node) for node in path])


@settings(deadline=None)
@given(sizes, st.data())
def test_every_leaf_leads_to_the_root_and_only_from_its_own_place(size: int, data: st.DataObject):
    leaves = tree(size)
    index = data.draw(st.integers(0, size - 1))
    path = inclusion_path(leaves, index)
    root = merkle.root(leaves)
    assert root_by_path(leaves[index], index, size, path) == root
    other = data.draw(st.integers(0, size - 1).filter(lambda place: place != index) | st.just(size))
    assert root_by_path(leaves[index], other, size, path) != root
    assert root_by_path(merkle.leaf_hash(b"other"), index, size, path) != root


@settings(deadline=None)
@given(sizes, st.data())
def test_a_path_with_a_node_more_less_or_changed_leads_nowhere(size: int, data: st.DataObject):
    leaves = tree(size)
    index = data.draw(st.integers(0, size - 1))
    path = inclusion_path(leaves, index)
    root = merkle.root(leaves)
    assert root_by_path(leaves[index], index, size, [*path, root]) != root
    if path:
        at = data.draw(st.integers(0, len(path) - 1))
        assert root_by_path(leaves[index], index, size, path[:at] + path[at + 1 :]) != root
        changed = [*path[:at], merkle.leaf_hash(b"other"), *path[at + 1 :]]
        assert root_by_path(leaves[index], index, size, changed) != root


@settings(deadline=None)
@given(sizes, sizes, st.data())
def test_a_tree_continues_its_beginning_and_nothing_else(one: int, other: int, data: st.DataObject):
    first, second = sorted((one, other))
    leaves = tree(second)
    old, new = merkle.root(leaves[:first]), merkle.root(leaves)
    path = consistency_path(leaves, first)
    assert continues(first, old, second, new, path)
    rewritten = [merkle.leaf_hash(b"rewritten"), *leaves[1:]]
    assert not continues(first, merkle.root(rewritten[:first]), second, new, path)
    assert not continues(first, old, second, merkle.root(rewritten), path)
    assert not continues(first, old, second, new, [*path, new])
    if path:
        at = data.draw(st.integers(0, len(path) - 1))
        assert not continues(first, old, second, new, path[:at] + path[at + 1 :])


def test_what_is_out_of_range_is_refused():
    leaves = tree(3)
    for index in (-1, 3):
        with pytest.raises(IndexError, match="3 leaves"):
            inclusion_path(leaves, index)
        assert root_by_path(leaves[0], index, 3, []) is None
    for first in (0, 4):
        with pytest.raises(IndexError, match="tree of 3 leaves"):
            consistency_path(leaves, first)
    assert not continues(0, merkle.root([]), 3, merkle.root(leaves), [])
