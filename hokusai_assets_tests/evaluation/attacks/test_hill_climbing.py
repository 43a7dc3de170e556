"""Hill climbing: a contributor who keeps each change that raises what is released.

`python -m hokusai_assets_tests.evaluation.attacks.test_hill_climbing` prints the table of
docs/EVALUATION.md.
"""

import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from .populations import Chain, answering, benchmark_of, spec_of, truth_of

DECIDING = 10_000
PUBLIC_SHARE = "0.2"
ROUNDS = 1_000
# Rows whose prediction is turned over in a round.
BLOCK = 100
SEEDS = (1, 2, 3)


@dataclass(frozen=True)
class Climbed:
    """Accuracies after all rounds, changes that were kept, and what was accepted and paid."""

    shown: float
    deciding: float
    kept: int
    accepted: int
    paid_bps: int


def climbed(folder: Path, seed: int, *, public_share: str | None, rounds: int = ROUNDS) -> Climbed:
    """Start from a random guess; turn random rows over; keep what raises the released delta."""
    rows = DECIDING if public_share is None else round(DECIDING / (1 - float(public_share)))
    spec = spec_of(submissions=ROUNDS, public_share=public_share)
    benchmark = benchmark_of(spec, rows, seed=seed)
    stream = np.random.default_rng([seed, 2])
    best = stream.integers(0, 2, rows)
    chain = Chain(folder / f"{seed}-{public_share}", benchmark, answering(benchmark, best, "b"))
    delta_ppm = kept = accepted = 0
    for number in range(rounds):
        tried = best.copy()
        tried[stream.choice(rows, BLOCK, replace=False)] ^= 1
        told = chain.told(answering(benchmark, tried, f"q{number}"), f"q{number}")
        accepted += told.accepted
        rise = told.shown.deltas["accuracy"].delta_ppm
        if told.accepted or rise > delta_ppm:
            best, delta_ppm, kept = tried, rise, kept + 1
    right = best == truth_of(benchmark)
    split = benchmark.split
    shown, deciding = (
        float(right.mean() if part.positions is None else right[part.positions].mean())
        for part in (split.shown, split.deciding)
    )
    return Climbed(shown, deciding, kept, accepted, chain.paid_bps)


@pytest.mark.slow
def test_the_private_score_does_not_follow_who_climbs_on_released_deltas(tmp_path: Path):
    for seed in SEEDS[:2]:
        found = climbed(tmp_path, seed, public_share=PUBLIC_SHARE)
        assert found.shown > 0.6
        # Four standard errors of a coin on 10,000 rows.
        assert abs(found.deciding - 0.5) <= 0.02
        assert (found.accepted, found.paid_bps) == (0, 0)


@pytest.mark.slow
def test_without_a_private_part_the_score_that_decides_is_climbed(tmp_path: Path):
    found = climbed(tmp_path, 1, public_share=None)
    assert found.deciding > 0.55
    assert found.paid_bps > 0


def test_a_hundred_rounds_lift_what_is_shown_and_not_what_decides(tmp_path: Path):
    found = climbed(tmp_path, 1, public_share=PUBLIC_SHARE, rounds=100)
    assert found.shown > 0.53
    assert abs(found.deciding - 0.5) <= 0.02
    assert found.accepted == 0


def _print_table(seeds: list[int]) -> None:
    print("| test set | seed | kept | shown part | deciding part | accepted | paid (bps) |")
    print("|---|---|---|---|---|---|---|")
    for name, share in (("no split", None), ("private part decides", PUBLIC_SHARE)):
        for seed in seeds:
            with tempfile.TemporaryDirectory() as folder:
                one = climbed(Path(folder), seed, public_share=share)
            print(
                f"| {name} | {seed} | {one.kept} | {one.shown:.3f} | {one.deciding:.3f} "
                f"| {one.accepted} | {one.paid_bps} |",
                flush=True,
            )


if __name__ == "__main__":
    _print_table([int(word) for word in sys.argv[1:]] or list(SEEDS))
