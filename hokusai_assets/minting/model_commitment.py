"""Commitments to a model by what it was made from, chained so that each follows from the last.

The model of a benchmark's base set has SHA-256("hokusai/model/v1" 0x00 D), D being the 32 bytes of
the benchmark's digest (`benchmark_digest`). Accepting rows of Merkle root R turns a commitment C
into SHA-256("hokusai/model/v1/accepts" 0x00 C R). Whoever holds an attestation can recompute both.
"""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from hokusai_assets.benchmarks.loading import benchmark_digest

_BASE = b"hokusai/model/v1\x00"
_ACCEPTS = b"hokusai/model/v1/accepts\x00"


def base_commitment(benchmark: str) -> str:
    """Return the commitment (64 hex) to the model of a benchmark, given its digest (64 hex)."""
    return hashlib.sha256(_BASE + bytes.fromhex(benchmark)).hexdigest()


def commitment_after(commitment: str, rows_roots: Iterable[str]) -> str:
    """Return the commitment (64 hex) after rows were accepted, given their roots in order."""
    for root in rows_roots:
        joined = _ACCEPTS + bytes.fromhex(commitment) + bytes.fromhex(root)
        commitment = hashlib.sha256(joined).hexdigest()
    return commitment


def commitments_of(claim: Mapping[str, Any]) -> tuple[str, str]:
    """Return the commitments (64 hex) to the accepted model and to it with the contribution.

    Args:
        claim: an attestation's claim, of known form.
    """
    benchmark, settled = claim["result"]["benchmark"], claim["settlement"]
    digest = benchmark_digest(
        benchmark["spec_hash"], benchmark["base_root"], benchmark["test_root"]
    )
    before = commitment_after(
        base_commitment(digest), (entry["rows_root"] for entry in settled["accepted_before"])
    )
    return before, commitment_after(before, [claim["result"]["rows"]["root"]])
