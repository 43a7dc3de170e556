"""Pages of measured, private, rehearsed and rejected contributions, and of benchmarks."""

from collections.abc import Sequence
from pathlib import Path

from hokusai_assets.attestation.prediction_commitment import predictions_table
from hokusai_assets.benchmarks.loading import load_spec
from hokusai_assets.benchmarks.spec import BenchmarkSpec
from hokusai_assets.contributions.intake_report import IntakeReport
from hokusai_assets.evaluation.leaderboard import Leaderboard, build_leaderboard
from hokusai_assets.evaluation.measurement import slices_on
from hokusai_assets.evaluation.outcomes import Outcome
from hokusai_assets.report.contribution_page import Issued, contribution_page
from hokusai_assets.tables.problems import Problem
from hokusai_assets_tests.attestation.measured_contribution import Parts, resign
from hokusai_assets_tests.evaluation.made_outcomes import (
    VERSION,
    entry_for,
    made_attested,
    made_intake,
)

BENCHMARKS = Path(__file__).resolve().parents[2] / "data" / "benchmarks"
# No contribution to it gains as much as is asked for.
PRIVATE = "test_split: {public_share: 0.2}\ndelta_one: {min_delta_bps: 5000}\n"


def issued(parts: Parts, *, dry_run: bool = False) -> Issued:
    """Return the attestation of measured parts with the rows that may be shown."""
    split = parts.benchmark.split
    part = split.deciding if parts.settled["released"] else split.shown
    table = predictions_table(
        *(evaluation.on(part) for evaluation in parts.evaluations), slices_on(parts.benchmark, part)
    )
    return Issued(resign(parts.statement(dry_run=dry_run)), table)


def page_of(parts: Parts, *, dry_run: bool = False) -> str:
    return contribution_page(
        parts.benchmark.spec,
        parts.contributed.report,
        issued(parts, dry_run=dry_run),
        dry_run=dry_run,
    )


def bundled_spec(benchmark_id: str) -> BenchmarkSpec:
    return load_spec(BENCHMARKS / benchmark_id)


def rejected_page(*problems: Problem) -> str:
    found = problems or (Problem("missing-column", "Column 'text' is missing.", "Add it."),)
    report = IntakeReport("mine-0123456789ab", "ab" * 32, rows_in=12, problems=found)
    return contribution_page(bundled_spec("sms-spam"), report, None)


def board_of(count: int, *, rejected: Sequence[str] = ()) -> Leaderboard:
    """Return a board whose every third contribution is accepted."""
    attested = [
        made_attested(
            f"batch-{number:05d}-0123456789ab",
            number,
            delta=(number * 7919) % 20_000 - 6_000,
            payable=40 if number % 3 == 0 else 0,
        )
        for number in range(1, count + 1)
    ]
    outcomes: list[Outcome] = [*attested, *(made_intake(key, "missing-column") for key in rejected)]
    return build_leaderboard("sms-spam", VERSION, outcomes, [entry_for(one) for one in attested])
