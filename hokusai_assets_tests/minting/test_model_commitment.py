"""Commitments to models: they chain, and an attestation alone gives them."""

import hashlib
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from hokusai_assets.benchmarks.loading import Benchmark
from hokusai_assets.minting.model_commitment import (
    base_commitment,
    commitment_after,
    commitments_of,
)
from hokusai_assets_tests.attestation.measured_contribution import Parts
from hokusai_assets_tests.minting.example_request import claimed

HASHES = st.binary(min_size=32, max_size=32).map(bytes.hex)


def by_hand(benchmark: Benchmark, roots: list[str]) -> str:
    head = hashlib.sha256(b"hokusai/model/v1\0" + bytes.fromhex(benchmark.content_digest)).digest()
    for root in roots:
        head = hashlib.sha256(b"hokusai/model/v1/accepts\0" + head + bytes.fromhex(root)).digest()
    return head.hex()


def test_an_attestation_gives_both_commitments(parts: Parts, statement: dict[str, Any]) -> None:
    root = parts.contributed.rows.root
    expected = (by_hand(parts.benchmark, []), by_hand(parts.benchmark, [root]))
    assert commitments_of(statement["predicate"]["claim"]) == expected


def test_the_candidate_of_one_is_the_baseline_of_the_next(statement: dict[str, Any]) -> None:
    claim = statement["predicate"]["claim"]
    root = claim["result"]["rows"]["root"]
    later = claimed(
        statement, ("settlement", "accepted_before"), lambda _: [{"key": "a", "rows_root": root}]
    )
    later = claimed(later, ("result", "rows", "root"), lambda _: "ab" * 32)
    assert commitments_of(later["predicate"]["claim"])[0] == commitments_of(claim)[1]


def test_the_key_of_an_accepted_contribution_does_not_matter_its_rows_do(
    statement: dict[str, Any],
) -> None:
    path = ("settlement", "accepted_before")
    found = [
        commitments_of(
            claimed(statement, path, lambda _, entry=entry: [entry])["predicate"]["claim"]
        )
        for entry in (
            {"key": "a", "rows_root": "ab" * 32},
            {"key": "b", "rows_root": "ab" * 32},
            {"key": "a", "rows_root": "cd" * 32},
        )
    ]
    assert found[0] == found[1]
    assert found[0][0] != found[2][0]


@given(base=HASHES, first=HASHES, second=HASHES)
def test_order_and_number_of_what_was_accepted_are_committed_to(
    base: str, first: str, second: str
) -> None:
    start = base_commitment(base)
    commitments = {
        start,
        commitment_after(start, [first]),
        commitment_after(start, [first, second]),
        commitment_after(start, [first, first]),
    }
    assert len(commitments) == (4 if first != second else 3)
    assert commitment_after(commitment_after(start, [first]), [second]) == commitment_after(
        start, [first, second]
    )
    if first != second:
        assert commitment_after(start, [first, second]) != commitment_after(start, [second, first])
