"""10,000 worthless contributions to one test set: the chance that any of them is paid.

`python -m hokusai_assets_tests.evaluation.attacks.test_null_families` prints the table of
docs/EVALUATION.md.
"""

import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from scipy import special

from .populations import CountsRule, worthless

ROWS = 10_000
CONTRIBUTIONS = 10_000
FAMILIES = 4_000
# Of so many families the rules beside ours are counted, which need every p-value.
BESIDE = 100


@dataclass(frozen=True)
class Share:
    """How often a rule pays: the share of contributions, and of families with any payment."""

    rule: str
    contributions: float
    families: float


def shares(
    folder: Path, *, differing: float, families: int = FAMILIES, seed: int = 1
) -> list[Share]:
    """Judge families of worthless contributions by four rules.

    Args:
        folder: for ledgers.
        differing: share of test rows on which a new model differs from the baseline.
        families: how many.
        seed: of the draws.
    """
    stream = np.random.default_rng(seed)
    ours = {
        f"ours, K = {CONTRIBUTIONS:,}, from {least} bps": CountsRule(
            folder, ROWS, submissions=CONTRIBUTIONS, min_delta_bps=least
        )
        for least in (0, 100)
    }
    accepted = {rule: np.zeros(families, np.int64) for rule in ours}
    positive, significant = np.zeros(families, np.int64), np.zeros(families, np.int64)
    for family in range(families):
        gained, lost = worthless(
            stream, rows=ROWS, differing=differing, contributions=CONTRIBUTIONS
        )
        for name, rule in ours.items():
            accepted[name][family] = rule.judge(gained, lost)[0].sum()
        if family < BESIDE:
            positive[family] = (gained > lost).sum()
            # McNemar's exact p-value is twice the smaller tail of a fair coin.
            tail = special.bdtr(lost, gained + lost, 0.5)
            significant[family] = ((gained > lost) & (2 * tail < 0.05)).sum()
    beside = min(families, BESIDE)
    return [
        _share("delta > 0", positive[:beside]),
        _share("delta > 0 and p < .05", significant[:beside]),
        *(_share(name, counts) for name, counts in accepted.items()),
    ]


def _share(rule: str, accepted: np.ndarray) -> Share:
    return Share(rule, float(accepted.mean() / CONTRIBUTIONS), float((accepted > 0).mean()))


@pytest.mark.slow
@pytest.mark.parametrize("differing", [0.01, 0.05, 0.2])
def test_of_ten_thousand_worthless_contributions_seldom_any_is_accepted(
    tmp_path: Path, differing: float
):
    positive, significant, ours, by_default = shares(tmp_path, differing=differing)
    assert positive.contributions > 0.4
    assert significant.families > 0.95
    # The promise is 5% for gains and losses together, so half of it for gains.
    error = (0.025 * 0.975 / FAMILIES) ** 0.5
    assert ours.families <= 0.025 + 3 * error
    assert by_default.families <= ours.families


@pytest.mark.parametrize(("submissions", "differing"), [(10_000, 10_000), (100, 10_000)])
def test_what_is_screened_out_is_refused_by_the_exact_test(
    tmp_path: Path, submissions: int, differing: int
):
    rule = CountsRule(tmp_path, ROWS, submissions=submissions, min_delta_bps=0)
    assert rule.is_safe(differing)


def test_what_is_screened_out_is_refused_by_the_settlement(tmp_path: Path):
    rule = CountsRule(tmp_path, ROWS, submissions=CONTRIBUTIONS, min_delta_bps=0)
    stream = np.random.default_rng(7)
    drawn = [
        worthless(stream, rows=ROWS, differing=differing, contributions=40)
        for differing in (0.01, 0.05, 0.2)
    ]
    pairs = [pair for counts in drawn for pair in np.array(counts).T.tolist()]
    # And the largest gains that are left out.
    for both in (20, 50, 100, 500, 1_000, 2_000):
        gained = int(min(both, (both + rule.screen * both**0.5) // 2))
        pairs.append((gained, both - gained))
    below = [pair for pair in pairs if pair[0] - pair[1] <= rule.screen * sum(pair) ** 0.5]
    assert len(below) > 120
    assert not any(rule(gained, lost)[0] for gained, lost in below)


def test_what_passes_the_screen_may_be_accepted(tmp_path: Path):
    rule = CountsRule(tmp_path, ROWS, submissions=CONTRIBUTIONS, min_delta_bps=0)
    accepted, payable = rule.judge(np.array([400, 300, 260]), np.array([100, 200, 240]))
    assert accepted.tolist() == [True, False, False]
    assert (payable > 0).tolist() == accepted.tolist()


def _print_table(families: int) -> None:
    print("| rows that differ | rule | contributions accepted | families with any |")
    print("|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for differing in (0.01, 0.05, 0.2):
            for share in shares(Path(folder), differing=differing, families=families):
                paid = f"{share.contributions:.2g}" if share.contributions else "0"
                print(
                    f"| {differing:.0%} | {share.rule} | {paid} | {share.families:.1%} |",
                    flush=True,
                )


if __name__ == "__main__":
    _print_table(int(sys.argv[1]) if len(sys.argv) > 1 else FAMILIES)
