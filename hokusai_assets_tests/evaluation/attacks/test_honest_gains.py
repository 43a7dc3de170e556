"""Honest gains are still paid: how often, and how much of them.

`python -m hokusai_assets_tests.evaluation.attacks.test_honest_gains` prints the table of
docs/EVALUATION.md.
"""

import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from hokusai_assets.evaluation.budget import detectable_gain

from .populations import CountsRule

DRAWS = 1_000
DIFFERING = 0.1


@dataclass(frozen=True)
class Paid:
    """What becomes of contributions with one true gain.

    Attributes:
        gain: the true gain, as a share of rows.
        accepted: share of them that are accepted.
        payable: mean of what is payable over the true gain, refused ones counting 0.
    """

    gain: float
    accepted: float
    payable: float


def paid(
    folder: Path,
    *,
    rows: int,
    submissions: int,
    times: float = 1.0,
    differing: float = DIFFERING,
    draws: int = DRAWS,
    seed: int = 1,
) -> Paid:
    """Draw contributions with a gain that many times the detectable one, and settle each.

    Each is the first on its test set. Any gain is large enough, so the level alone decides.
    """
    detectable = detectable_gain(rows=rows, discordant=differing, submissions=submissions)
    # What is gained beyond it are rows that differ too.
    gain, differing = times * detectable, differing + (times - 1) * detectable
    stream = np.random.default_rng([seed, rows, submissions])
    shares = [(differing + gain) / 2, (differing - gain) / 2, 1 - differing]
    gained, lost, _ = stream.multinomial(rows, shares, size=draws).T
    rule = CountsRule(folder, rows, submissions=submissions, min_delta_bps=0)
    accepted, payable = rule.judge(gained, lost)
    return Paid(gain, float(accepted.mean()), float(payable.mean() / 10_000 / gain))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rows", "submissions"),
    [(1_000, 1), (1_000, 100), (10_000, 1), (10_000, 100), (10_000, 10_000)],
)
def test_a_detectable_gain_is_accepted_in_four_of_five_cases(
    tmp_path: Path, rows: int, submissions: int
):
    found = paid(tmp_path, rows=rows, submissions=submissions)
    assert found.accepted == pytest.approx(0.8, abs=0.05)


@pytest.mark.slow
@pytest.mark.parametrize("submissions", [100, 10_000])
def test_twice_a_detectable_gain_is_nearly_always_paid_and_never_above_its_worth(
    tmp_path: Path, submissions: int
):
    found = paid(tmp_path, rows=10_000, submissions=submissions, times=2)
    assert found.accepted > 0.99
    assert 0.4 < found.payable < 1


def test_an_honest_gain_is_paid(tmp_path: Path):
    found = paid(tmp_path, rows=10_000, submissions=100, times=1.5, draws=100)
    assert found.accepted > 0.9
    assert 0.2 < found.payable < 1


def _print_table(draws: int) -> None:
    print(
        "| rows | K | detectable | accepted at it | paid of it | at 1.5 times | paid | at twice "
        "| paid |"
    )
    print("|---" * 9 + "|")
    with tempfile.TemporaryDirectory() as folder:
        for rows in (1_000, 5_000, 10_000):
            for submissions in (1, 100, 10_000):
                found = [
                    paid(
                        Path(folder) / f"{times}",
                        rows=rows,
                        submissions=submissions,
                        times=times,
                        draws=draws,
                    )
                    for times in (1.0, 1.5, 2.0)
                ]
                cells = " | ".join(f"{one.accepted:.0%} | {one.payable:.0%}" for one in found)
                print(
                    f"| {rows:,} | {submissions:,} | {found[0].gain * 10_000:.0f} bps | {cells} |",
                    flush=True,
                )


if __name__ == "__main__":
    _print_table(int(sys.argv[1]) if len(sys.argv) > 1 else DRAWS)
