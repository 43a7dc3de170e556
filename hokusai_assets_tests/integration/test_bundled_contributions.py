"""Every bundled contribution through the real job: honest data helps, and mostly enough."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from hokusai_assets.contributions.identity import register
from hokusai_assets.orchestration.build import build_definitions
from hokusai_assets.orchestration.home import open_instance
from hokusai_assets.orchestration.running import read_record, run_contribution
from hokusai_assets.settings import Settings

pytestmark = [pytest.mark.slow, pytest.mark.integration]
DATA = Path(__file__).resolve().parents[2] / "data"
BENCHMARKS = ("sms-spam", "adult-income", "letter")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Settings, dg.DagsterInstance]]:
    before = os.environ.get("DAGSTER_HOME")
    settings = Settings.from_environment(
        {"HOKUSAI_HOME": str(tmp_path_factory.mktemp("home")), "HOKUSAI_DATA": str(DATA)}
    )
    with open_instance(settings) as instance:
        yield settings, instance
    if before is None:
        os.environ.pop("DAGSTER_HOME", None)
    else:
        os.environ["DAGSTER_HOME"] = before


@pytest.mark.parametrize("benchmark_id", BENCHMARKS)
def test_most_honest_contributions_show_an_accepted_gain(home, benchmark_id: str):
    settings, instance = home
    definitions = build_definitions(settings)
    files = sorted((DATA / "contributions" / benchmark_id).iterdir())
    assert len(files) >= 4
    decisions = []
    for file in files:
        # Each comes first: what it is worth beside those accepted before is the next test's.
        settings.ledger(benchmark_id).unlink(missing_ok=True)
        decisions.append(settled(settings, instance, definitions, benchmark_id, file)["delta_one"])
    gains = [decision["bps"] for decision in decisions]
    assert all(gain > 0 for gain in gains), gains
    assert sum(decision["accepted"] for decision in decisions) >= len(files) / 2, gains


@pytest.mark.parametrize("benchmark_id", BENCHMARKS)
def test_one_after_the_other_they_are_paid_no_more_than_is_certain_of_all(home, benchmark_id: str):
    settings, instance = home
    definitions = build_definitions(settings)
    settings.ledger(benchmark_id).unlink(missing_ok=True)
    accepted, paid = [], 0
    files = sorted((DATA / "contributions" / benchmark_id).iterdir())
    for position, file in enumerate(files, 1):
        found = settled(settings, instance, definitions, benchmark_id, file)
        assert found["budget"]["position"] == position
        assert [entry["key"] for entry in found["accepted_before"]] == accepted
        assert found["paid_before_bps"] == paid
        decision = found["delta_one"]
        if decision["accepted"]:
            accepted.append(register(file, settings.contributions(benchmark_id)).key)
            paid += decision["payable_bps"]
            assert paid <= found["certain_total_bps"]
        else:
            assert decision["payable_bps"] == 0
    assert paid > 0


def settled(
    settings: Settings,
    instance: dg.DagsterInstance,
    definitions: dg.Definitions,
    benchmark_id: str,
    file: Path,
) -> dict[str, Any]:
    """Run a contribution and return what is stored of its settlement."""
    key = register(file, settings.contributions(benchmark_id)).key
    outcome = run_contribution(definitions, instance, benchmark_id, key, marks=settings.run_marks)
    assert outcome.status == "evaluated", (file.name, outcome)
    document = read_record(settings, benchmark_id, key).settled
    assert document is not None
    return document
