"""Tests of the Merkle tree against Certificate Transparency's vectors and RFC 6962's words."""

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hokusai_assets.canonical import merkle

# certificate-transparency, merkle_tree_test.cc: the head after each of these leaves.
LEAVES = (
    "",
    "00",
    "10",
    "2021",
    "3031",
    "40414243",
    "5051525354555657",
    "606162636465666768696a6b6c6d6e6f",
)
ROOTS = (
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)


def tree_head(data: list[bytes]) -> bytes:
    """MTH(D[n]) as RFC 6962 section 2.1 defines it, recursively."""
    if not data:
        return hashlib.sha256(b"").digest()
    if len(data) == 1:
        return hashlib.sha256(b"\x00" + data[0]).digest()
    split = 1
    while split * 2 < len(data):
        split *= 2
    left, right = tree_head(data[:split]), tree_head(data[split:])
    return hashlib.sha256(b"\x01" + left + right).digest()


@pytest.mark.parametrize("size", range(9))
def test_certificate_transparency_vectors_give_their_roots(size: int) -> None:
    leaves = [merkle.leaf_hash(bytes.fromhex(leaf)) for leaf in LEAVES[:size]]
    assert merkle.root_hex(leaves) == ROOTS[size]
    assert merkle.root(leaves).hex() == ROOTS[size]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.binary(max_size=3), max_size=70))
def test_the_root_is_the_tree_head_the_rfc_defines(data: list[bytes]) -> None:
    assert merkle.root([merkle.leaf_hash(leaf) for leaf in data]) == tree_head(data)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.binary(max_size=2), max_size=9), st.lists(st.binary(max_size=2), max_size=9))
def test_other_leaves_or_another_order_give_another_root(
    one: list[bytes], other: list[bytes]
) -> None:
    roots = [merkle.root([merkle.leaf_hash(leaf) for leaf in leaves]) for leaves in (one, other)]
    assert (roots[0] == roots[1]) == (one == other)


def test_an_inner_node_does_not_pass_for_a_leaf() -> None:
    left, right = merkle.leaf_hash(b"a"), merkle.leaf_hash(b"b")
    assert merkle.root([merkle.leaf_hash(left + right)]) != merkle.root([left, right])


def test_the_leaves_given_are_left_as_they_were() -> None:
    leaves = [merkle.leaf_hash(bytes([i])) for i in range(5)]
    before = list(leaves)
    merkle.root(leaves)
    assert leaves == before


@given(st.lists(st.binary(max_size=3), max_size=70))
def test_one_leaf_at_a_time_gives_the_same_head(data: list[bytes]) -> None:
    head = merkle.TreeHead()
    for item in data:
        head.add(merkle.leaf_hash(item))
    assert head.root() == tree_head(data)
