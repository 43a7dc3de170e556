"""The boosting attack: a majority vote of the random guesses that scored above one half.

Blum & Hardt, "The Ladder: A Reliable Leaderboard for Machine Learning Competitions", ICML 2015.
`python -m hokusai_assets_tests.evaluation.attacks.test_boosting` prints the table of
docs/EVALUATION.md.
"""

import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from hokusai_assets.benchmarks.loading import Benchmark
from hokusai_assets.evaluation.predictions import FloatArray, IntArray

from .populations import Chain, Told, answering, benchmark_of, spec_of, truth_of

DECIDING = 10_000
PUBLIC_SHARE = "0.2"
QUERIES = 1_000
SEEDS = (1, 2, 3)


@dataclass(frozen=True)
class Boosted:
    """Accuracy of the vote on the part that is shown and on the one that decides; what was paid."""

    release: str
    seed: int
    shown: float
    deciding: float
    paid_bps: int


def guesses(benchmark: Benchmark, queries: int, seed: int) -> IntArray:
    """Return (q, n) random predictions, 0 or 1."""
    stream = np.random.default_rng([seed, 1])
    return stream.integers(0, 2, (queries, benchmark.test.count))


def vote(said: IntArray, chosen: np.ndarray) -> IntArray:
    """Return (n,) what most of the chosen guesses say; 1 on a tie."""
    return (2 * said[chosen].sum(axis=0) >= chosen.sum()).astype(np.int64)


def boosted(
    folder: Path, seed: int, *, public_share: str | None, queries: int = QUERIES
) -> Boosted:
    """Send random guesses, vote by what is told of them, and send the vote.

    What is told: the figures of each on the part that may be shown, which is the whole test set
    where the spec makes no parts, and the verdict.
    """
    rows = DECIDING if public_share is None else round(DECIDING / (1 - float(public_share)))
    spec = spec_of(submissions=QUERIES + 1, public_share=public_share)
    benchmark = benchmark_of(spec, rows, seed=seed)
    said = guesses(benchmark, queries + 1, seed)
    chain = Chain(folder / f"{seed}-{public_share}", benchmark, answering(benchmark, said[-1], "b"))
    said = said[:-1]
    told = [
        chain.told(answering(benchmark, one, f"q{at}"), f"q{at}") for at, one in enumerate(said)
    ]
    boosting = vote(said, np.array([_looks_good(one) for one in told]))
    chain.told(answering(benchmark, boosting, "vote"), "vote")
    right = boosting == truth_of(benchmark)
    split = benchmark.split
    name = "no split: all is released" if public_share is None else "private part decides"
    if split.is_split:
        return Boosted(
            name,
            seed,
            float(right[split.shown.positions].mean()),
            float(right[split.deciding.positions].mean()),
            chain.paid_bps,
        )
    return Boosted(name, seed, float(right.mean()), float(right.mean()), chain.paid_bps)


def _looks_good(told: Told) -> bool:
    return told.accepted or told.shown.deltas["accuracy"].new_ppm > 500_000


def leaderboards(seed: int, queries: int = QUERIES) -> list[Boosted]:
    """Attack leaderboards that answer with a number: rounded, and by the Ladder's rule.

    These stand in for what others do, on the same guesses; nothing of Hokusai's is in them.
    """
    benchmark = benchmark_of(spec_of(submissions=1), DECIDING, seed=seed)
    said = guesses(benchmark, queries, seed)
    truth = truth_of(benchmark)
    scores = (said == truth).mean(axis=1)
    found = []
    rules: dict[str, Callable[[FloatArray], np.ndarray]] = {
        "leaderboard to two decimals": lambda scores: np.round(scores, 2) > 0.5,
        "the Ladder, steps of .01": _raised_by_the_ladder,
    }
    for name, rule in rules.items():
        accuracy = float((vote(said, rule(scores)) == truth).mean())
        found.append(Boosted(name, seed, accuracy, accuracy, 0))
    return found


def _raised_by_the_ladder(scores: FloatArray, step: float = 0.01) -> np.ndarray:
    best, raised = 0.5, []
    for score in scores:
        raised.append(score > best + step)
        if raised[-1]:
            best = round(score / step) * step
    return np.array(raised)


@pytest.mark.slow
def test_a_vote_of_lucky_guesses_does_not_follow_on_the_private_part(tmp_path: Path):
    found = [boosted(tmp_path, seed, public_share=PUBLIC_SHARE) for seed in SEEDS]
    assert np.mean([one.deciding for one in found]) <= 0.51
    # Four standard errors of a coin on 10,000 rows.
    assert all(abs(one.deciding - 0.5) <= 0.02 for one in found)
    # The attack itself works: where figures are shown they are climbed.
    assert all(one.shown > 0.55 for one in found)
    assert all(one.paid_bps == 0 for one in found)


@pytest.mark.slow
def test_where_all_is_released_the_vote_climbs(tmp_path: Path):
    assert boosted(tmp_path, 1, public_share=None).deciding > 0.55


def test_what_is_refused_on_a_private_part_tells_no_number(tmp_path: Path):
    benchmark = benchmark_of(spec_of(submissions=10, public_share="0.2"), 2_000, seed=1)
    said = guesses(benchmark, 2, 1)
    chain = Chain(tmp_path / "l", benchmark, answering(benchmark, said[0], "b"))
    told = chain.told(answering(benchmark, said[1], "q"), "q")
    assert (told.accepted, told.payable_bps, told.bps) == (False, 0, None)
    assert told.shown.part == "public"
    public = benchmark.split.shown.positions
    right = (said[1] == truth_of(benchmark))[public]
    assert told.shown.deltas["accuracy"].new_ppm == round(right.mean() * 1_000_000)


def _print_table(seeds: list[int]) -> None:
    print("| what is released | seed | shown part | deciding part | paid (bps) |")
    print("|---|---|---|---|---|")
    for seed in seeds:
        with tempfile.TemporaryDirectory() as folder:
            rows = [boosted(Path(folder), seed, public_share=None)]
            rows += leaderboards(seed)
            rows += [boosted(Path(folder), seed, public_share=PUBLIC_SHARE)]
        for one in rows:
            print(
                f"| {one.release} | {one.seed} | {one.shown:.3f} | {one.deciding:.3f} "
                f"| {one.paid_bps} |",
                flush=True,
            )


if __name__ == "__main__":
    _print_table([int(word) for word in sys.argv[1:]] or list(SEEDS))
