"""Copies of the test set: nearly every attack is caught, and hardly an honest file is blocked.

Sets are dealt anew from real data (the bundled benchmarks, scikit-learn's breast cancer, wine and
digits) and from made ones, two of them so coarse that honest rows equal test rows all the time.
"""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
import pyarrow as pa
import pytest

from hokusai_assets.benchmarks.loading import Benchmark
from hokusai_assets.benchmarks.row_sets import RowSet
from hokusai_assets.contributions.leakage.report import (
    LeakageReport,
    NaturalRate,
    leakage_problems,
)
from hokusai_assets.contributions.leakage.scan import LeakageScan
from hokusai_assets.privacy.keys import PrivacyKey
from hokusai_assets_tests.contributions.leakage import simulated_files
from hokusai_assets_tests.contributions.leakage.simulated_files import (
    ATTACKS,
    REWORKED_NUMBERS,
    REWORKED_TEXTS,
    Attack,
    Pool,
    bundled_contributions,
    drawn,
    new_rows,
    problems_of,
    scanned,
)

FILE_ROWS = (100, 300, 1000, 2000)
COPIED_SHARES = (0.05, 0.1, 0.25, 1.0)
REWORKED_SHARES = (0.5, 1.0)
# Two moved numbers of few are most of a row.
REWORKABLE_COLUMNS = 10
FILES_PER_POOL = 60


@cache
def pools() -> list[Pool]:
    key = PrivacyKey.from_secret(b"a key of the tests, of 32 bytes.")
    return simulated_files.pools(key, seeds=(0, 1))


@pytest.mark.slow
def test_at_most_one_percent_of_honest_files_is_blocked() -> None:
    random = np.random.default_rng(7)
    blocked: Counter[str] = Counter()
    files = 0
    for pool in pools():
        for _ in range(FILES_PER_POOL):
            honest = drawn(pool.honest, int(random.choice(FILE_ROWS)), random)
            blocked[pool.name] += bool(problems_of(honest, pool.benchmark))
            files += 1
    assert files >= 1200
    assert blocked.total() <= 0.01 * files, blocked


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(ATTACKS))
def test_at_least_99_percent_of_attacks_are_caught(name: str) -> None:
    random = np.random.default_rng(11)
    missed: Counter[str] = Counter()
    files = 0
    for pool in pools():
        for _ in range(FILES_PER_POOL // 2):
            missed[pool.name] += not is_caught(pool, ATTACKS[name], random)
            files += 1
    assert files >= 600
    assert missed.total() <= 0.01 * files, missed


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(REWORKED_TEXTS | REWORKED_NUMBERS))
def test_at_least_97_percent_of_files_with_many_reworked_copies_are_caught(name: str) -> None:
    random = np.random.default_rng(12)
    texts = name in REWORKED_TEXTS
    attack = (REWORKED_TEXTS | REWORKED_NUMBERS)[name]
    missed: Counter[str] = Counter()
    files = 0
    for pool in pools():
        kinds = [column.type for column in pool.benchmark.spec.columns.values()]
        numbers = sum(kind in ("number", "integer") for kind in kinds)
        if "text" in kinds if texts else numbers >= REWORKABLE_COLUMNS // 2 < len(kinds):
            for _ in range(FILES_PER_POOL // 2):
                missed[pool.name] += not is_caught(pool, attack, random, REWORKED_SHARES)
                files += 1
    assert files >= 60
    assert missed.total() <= 0.03 * files, missed


@pytest.mark.slow
def test_honest_files_of_one_label_are_hardly_ever_blocked() -> None:
    random = np.random.default_rng(8)
    blocked: Counter[str] = Counter()
    files = 0
    for pool in pools():
        labels = np.array(pool.honest.column(pool.benchmark.spec.target).to_pylist())
        for _ in range(FILES_PER_POOL // 2):
            only = pool.honest.filter(pa.array(labels == random.choice(labels)))
            honest = drawn(only, int(random.choice(FILE_ROWS)), random)
            blocked[pool.name] += bool(problems_of(honest, pool.benchmark))
            files += 1
    assert blocked.total() <= 0.01 * files, blocked


def is_caught(
    pool: Pool,
    attack: Attack,
    random: np.random.Generator,
    shares: Sequence[float] = COPIED_SHARES,
) -> bool:
    """Say whether a file with copies is rejected, or its copies are taken out."""
    rows, share = int(random.choice(FILE_ROWS[1:])), float(random.choice(shares))
    honest = drawn(pool.honest, rows, random)
    test = pool.benchmark.test.table.select(honest.column_names)
    copies = attack(drawn(test, max(6, int(rows * share)), random), pool.benchmark.spec, random)
    copies = copies.select(honest.column_names)
    file = copies if share == 1.0 else pa.concat_tables([honest, copies])
    report, removed = scanned(file, pool.benchmark)
    taken_out = removed[-copies.num_rows :].mean()
    return bool(leakage_problems(report, pool.benchmark.spec)) or taken_out >= 0.98


@pytest.mark.parametrize("name", sorted(ATTACKS))
@pytest.mark.parametrize("benchmark_id", ["sms-spam", "adult-income", "letter"])
def test_a_copied_test_set_is_rejected_whatever_was_done_to_it(
    benchmark_id: str, name: str, bundled: Callable[[str], Benchmark]
) -> None:
    benchmark, random = bundled(benchmark_id), np.random.default_rng(3)
    test = benchmark.test.table
    shuffled = test.take(pa.array(random.permutation(test.num_rows)))
    problems = problems_of(ATTACKS[name](shuffled, benchmark.spec, random), benchmark)
    assert problems[0].rule in ("copied-from-test-set", "near-copies-of-test-set")


@pytest.mark.parametrize(
    ("benchmark_id", "name"),
    [("sms-spam", name) for name in sorted(REWORKED_TEXTS)]
    + [(known, name) for known in ("adult-income", "letter") for name in sorted(REWORKED_NUMBERS)],
)
@pytest.mark.parametrize("copies", [400, 10_000])
def test_a_reworked_test_set_is_rejected_also_among_honest_rows(
    benchmark_id: str,
    name: str,
    copies: int,
    bundled: Callable[[str], Benchmark],
    privacy_key: PrivacyKey,
) -> None:
    benchmark, random = bundled(benchmark_id), np.random.default_rng(5)
    tables = bundled_contributions(benchmark, privacy_key).values()
    names = benchmark.base.table.column_names
    honest = pa.concat_tables([table.select(names) for table in tables])
    test = drawn(benchmark.test.table.select(names), copies, random)
    reworked = (REWORKED_TEXTS | REWORKED_NUMBERS)[name](test, benchmark.spec, random)
    file = pa.concat_tables([drawn(honest, 1000 if copies == 400 else 0, random), reworked])
    assert [p.rule for p in problems_of(file, benchmark)] == ["near-copies-of-test-set"]


@pytest.mark.parametrize("benchmark_id", ["sms-spam", "adult-income", "letter"])
def test_no_bundled_contribution_is_blocked(
    benchmark_id: str, bundled: Callable[[str], Benchmark], privacy_key: PrivacyKey
) -> None:
    benchmark = bundled(benchmark_id)
    for table in bundled_contributions(benchmark, privacy_key).values():
        assert problems_of(table, benchmark) == []


@pytest.mark.parametrize("benchmark_id", ["sms-spam", "adult-income", "letter"])
def test_batches_and_order_change_nothing_in_the_report(
    benchmark_id: str, bundled: Callable[[str], Benchmark], privacy_key: PrivacyKey
) -> None:
    benchmark, random = bundled(benchmark_id), np.random.default_rng(4)
    honest = next(iter(bundled_contributions(benchmark, privacy_key).values()))
    copies = benchmark.test.table.select(honest.column_names).slice(0, 40)
    table = pa.concat_tables([honest, copies])
    whole = scanned(table, benchmark)[0]
    shuffled = table.take(pa.array(random.permutation(table.num_rows)))
    for batch in (7, 100):
        assert in_batches(shuffled, benchmark, batch).to_dict() == whole.to_dict()


def in_batches(table: pa.Table, benchmark: Benchmark, rows: int) -> LeakageReport:
    scan = LeakageScan.of(benchmark)
    parts = [table.slice(start, rows) for start in range(0, table.num_rows, rows)]
    new = [new_rows(part, scan.add(part)) for part in parts]
    return scan.report(RowSet.of(pa.concat_tables(new)).table)


def test_what_is_told_names_rows_and_limits_but_no_value(
    bundled: Callable[[str], Benchmark],
) -> None:
    benchmark = bundled("sms-spam")
    table = benchmark.test.table.slice(0, 300)
    numbers = np.arange(1001, 1301)
    scan = LeakageScan.of(benchmark)
    scan.add(table, numbers)
    (problem,) = leakage_problems(scan.report(), benchmark.spec)
    assert problem.rows == (1001, 1002, 1003, 1004, 1005)
    assert "300 of 300 rows (100.0%)" in problem.message
    assert "at most" in problem.message
    told = problem.message + problem.fix + json.dumps(scan.report().to_dict())
    assert not [text for text in table["text"].to_pylist() if len(text) > 8 and text in told]


@pytest.mark.parametrize(
    ("base", "among_test", "share"),
    [
        # Alike: both speak, and of the test set's matches each is seen from both sides.
        ((10, 1000), (20, 1000), (10 + 10) / (1000 + 500)),
        ((0, 1000), (400, 1000), 0.0),  # Not alike: the base set alone speaks.
        ((0, 0), (40, 1000), 0.04),
        ((0, 0), (0, 0), 0.0),
    ],
)
def test_the_natural_rate_is_the_base_sets_sharpened_by_the_test_sets(
    base: tuple[int, int], among_test: tuple[int, int], share: float
) -> None:
    rate = NaturalRate.of(base, among_test)
    assert float(rate.share) == pytest.approx(share)
