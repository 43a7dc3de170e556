"""The splitting attack: a file cut in ten is paid no more than the whole.

`python -m hokusai_assets_tests.evaluation.attacks.test_splitting` prints the tables of
docs/EVALUATION.md.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from hokusai_assets.benchmarks.loading import Benchmark
from hokusai_assets.benchmarks.row_sets import StoredRows
from hokusai_assets.evaluation.measurement import Evaluation
from hokusai_assets.evaluation.rounding import ppm_to_bps

from .populations import Chain, LearningCurve, benchmark_of, right_on, spec_of
from .trained_chains import Trained, bundled_benchmark, cut, taken_in, with_rule


@dataclass(frozen=True)
class Case:
    """Into how many parts a file is cut, and the rule that they are settled by."""

    parts: int
    submissions: int
    min_delta_bps: int


# By default's rule, and by the one that pays ten parts most readily: ten looks, any gain.
CASES = (Case(2, 100, 100), Case(10, 100, 100), Case(10, 10, 0))
# Seeds of the cuts, and the cases that the slow test repeats: letters take long to train.
CUTS = {"adult-income": ((1, 2, 3), CASES), "letter": ((1,), CASES[1:2])}
CURVE = LearningCurve()
# Of so many test rows that nearly every part is accepted.
LONG = LearningCurve(rows=100_000)


@dataclass(frozen=True)
class Split:
    """What a file is paid whole and in parts, in basis points.

    Attributes:
        whole_gain, whole: measured gain of the whole, and what is paid of it.
        parts: what its parts are paid, one after the other in one ledger.
        accepted: parts that were accepted.
        naive: sum of the parts' gains over the baseline where they are above zero: what a
            scheme pays that measures each alone.
    """

    whole_gain: float
    whole: float
    parts: float
    accepted: float
    naive: float


def mean_of(splits: Sequence[Split]) -> Split:
    """Return the mean of each figure."""
    return Split(
        *(
            float(np.mean([getattr(split, name) for split in splits]))
            for name in ("whole_gain", "whole", "parts", "accepted", "naive")
        )
    )


def trained_split(
    folder: Path, benchmark: Benchmark, trained: Trained, parts: Sequence[StoredRows]
) -> Split:
    """Settle all parts as one, and in a ledger of its own one after the other."""
    baseline = trained.on([])
    whole = Chain(folder / "whole", benchmark, baseline).settle(trained.on(parts), "whole")
    chain, joined = Chain(folder / "parts", benchmark, baseline), list[StoredRows]()
    for part in parts:
        if chain.settle(trained.on([*joined, part]), part.root).decision.accepted:
            joined.append(part)
    primary = str(benchmark.spec.metrics.primary)
    before = baseline.metrics_ppm(benchmark.spec)[primary]
    alone = [trained.on([part]).metrics_ppm(benchmark.spec)[primary] for part in parts]
    return Split(
        whole.decision.bps,
        whole.decision.payable_bps,
        chain.paid_bps,
        len(joined),
        sum(max(0, ppm_to_bps(after - before)) for after in alone),
    )


def trained_splits(
    folder: Path, name: str, *, seeds: Sequence[int], cases: Sequence[Case]
) -> dict[Case, Split]:
    """Cut the largest bundled contribution at random, once by each seed; means by case."""
    benchmark = bundled_benchmark(name)
    rows = taken_in(benchmark, "batch-04.parquet", folder / name / "intake")
    trained, found = Trained(benchmark), dict[Case, list[Split]]()
    for seed in seeds:
        for number, case in enumerate(cases):
            within = folder / name / f"{seed}-{number}"
            found.setdefault(case, []).append(
                trained_split(
                    within / "ledgers",
                    with_rule(
                        benchmark, submissions=case.submissions, min_delta_bps=case.min_delta_bps
                    ),
                    trained,
                    cut(rows, case.parts, within / "parts", seed),
                )
            )
    return {case: mean_of(splits) for case, splits in found.items()}


def drawn_splits(
    folder: Path, case: Case, *, curve: LearningCurve = CURVE, draws: int = 40, seed: int = 1
) -> Split:
    """Do the same with models of a learning curve: each draw has its own test rows."""
    spec = spec_of(submissions=case.submissions, min_delta_bps=case.min_delta_bps)
    benchmark = benchmark_of(spec, curve.rows, seed=seed)
    stream = np.random.default_rng(seed)
    return mean_of(
        [
            _drawn_split(folder / f"drawn-{draw}", benchmark, curve, case.parts, stream)
            for draw in range(draws)
        ]
    )


def _drawn_split(
    folder: Path,
    benchmark: Benchmark,
    curve: LearningCurve,
    parts: int,
    stream: np.random.Generator,
) -> Split:
    ease = curve.ease(stream)

    def model(joined: int, name: str) -> Evaluation:
        return right_on(benchmark, curve.right(stream, ease, joined / parts), name)

    baseline = model(0, "baseline")
    whole = Chain(folder / "whole", benchmark, baseline).settle(model(parts, "whole"), "whole")
    chain, joined = Chain(folder / "parts", benchmark, baseline), 0
    for part in range(parts):
        name = f"part {part}"
        joined += chain.settle(model(joined + 1, name), name).decision.accepted
    before = baseline.metrics_ppm(benchmark.spec)["accuracy"]
    alone = [model(1, f"{part}").metrics_ppm(benchmark.spec)["accuracy"] for part in range(parts)]
    return Split(
        whole.decision.bps,
        whole.decision.payable_bps,
        chain.paid_bps,
        joined,
        sum(max(0, ppm_to_bps(after - before)) for after in alone),
    )


def assert_splitting_does_not_pay(split: Split) -> None:
    assert split.whole > 0
    assert split.parts <= 1.05 * split.whole
    # A scheme that measures each part alone is what the attack is made for.
    assert split.naive > split.whole_gain


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(CUTS))
def test_a_bundled_contribution_cut_in_ten_is_paid_no_more_than_the_whole(
    tmp_path: Path, name: str
):
    seeds, cases = CUTS[name]
    for split in trained_splits(tmp_path, name, seeds=seeds, cases=cases).values():
        assert_splitting_does_not_pay(split)


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=str)
def test_on_average_parts_are_paid_no_more_than_the_whole(tmp_path: Path, case: Case):
    assert_splitting_does_not_pay(drawn_splits(tmp_path, case))


@pytest.mark.slow
def test_parts_that_are_nearly_all_accepted_are_paid_no_more_than_the_whole(tmp_path: Path):
    split = drawn_splits(tmp_path, CASES[-1], curve=LONG, draws=6)
    assert_splitting_does_not_pay(split)
    assert split.accepted > 8


def test_ten_parts_are_paid_no_more_than_the_whole(tmp_path: Path):
    assert_splitting_does_not_pay(drawn_splits(tmp_path, CASES[-1], draws=10))


def _print_table() -> None:
    print(
        "| models | parts | K, least gain | gain of the whole | paid for it | paid for the parts "
        "| ratio | parts accepted | each alone, over the gain |"
    )
    print("|---" * 9 + "|")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for case in CASES:
            _print_row("simulated, 10,000 rows", case, drawn_splits(folder / f"{case}", case))
        long = drawn_splits(folder / "long", CASES[-1], curve=LONG, draws=6)
        _print_row("simulated, 100,000 rows", CASES[-1], long)
        for benchmark, (seeds, _) in CUTS.items():
            for case, split in trained_splits(folder, benchmark, seeds=seeds, cases=CASES).items():
                _print_row(f"`{benchmark}`", case, split)


def _print_row(name: str, case: Case, split: Split) -> None:
    print(
        f"| {name} | {case.parts} | {case.submissions}, {case.min_delta_bps} bps "
        f"| {split.whole_gain:.0f} | {split.whole:.0f} | {split.parts:.0f} "
        f"| {split.parts / split.whole:.2f} | {split.accepted:.1f} "
        f"| {split.naive / split.whole_gain:.2f} |",
        flush=True,
    )


if __name__ == "__main__":
    _print_table()
