"""Guessing at the ledger: an attestation names the digest of the line before its own."""

import hashlib
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from hokusai_assets.canonical.canonical_json import canonical_bytes
from hokusai_assets.evaluation.settlement import Settlement

from .populations import Chain, answering, benchmark_of, spec_of, truth_of


def guessed_bps(chain: Chain, refused: Settlement, name: str, following: str) -> list[int]:
    """Return which gains, put into a line whose other fields are known, give a digest."""
    entry = refused.entry(chain.benchmark, name, name)
    known = {"kind": "settled", "previous": refused.standing.ledger_digest}
    return [
        bps
        for bps in range(-2_000, 2_001)
        if hashlib.sha256(canonical_bytes({**known, **asdict(replace(entry, bps=bps))})).hexdigest()
        == following
    ]


def test_the_gain_of_a_refused_contribution_cannot_be_guessed_from_the_next_digest(tmp_path: Path):
    benchmark = benchmark_of(spec_of(submissions=10, public_share="0.2"), 2_000, seed=1)
    truth, stream = truth_of(benchmark), np.random.default_rng(1)
    baseline = answering(benchmark, stream.integers(0, 2, 2_000), "baseline")
    guesses = []
    for name in ("one", "two"):
        # Worse than a coin, one by more than the other: refused, with gains far apart.
        said = np.where(stream.random(2_000) < (0.3 if name == "one" else 0.45), truth, 1 - truth)
        chain = Chain(tmp_path / name, benchmark, baseline)
        refused = chain.settle(answering(benchmark, said, name), "sent")
        assert not refused.decision.accepted
        assert refused.decision.bps < -100
        following = chain.judge(baseline, "next").standing.ledger_digest
        guesses.append(guessed_bps(chain, refused, "sent", following))
        assert refused.decision.bps not in guesses[-1]
    # What is guessed is the same whatever was measured.
    assert guesses == [[0], [0]]
