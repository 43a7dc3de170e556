"""Pruning: only what a later run replaced and what the dead left, nothing until days are set."""

import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from hokusai_assets.orchestration import retention
from hokusai_assets.orchestration.retention import prunable, prune
from hokusai_assets.orchestration.tracking import PARTITION_TAG

from .conftest import Deployment
from .test_leaderboard_asset import bad_file, refresh

LATER = timedelta(days=1)


def old(deployment: Deployment) -> list[str]:
    """Return the runs that may go, as if tomorrow were the day."""
    return prunable(deployment.instance, deployment.settings, datetime.now(UTC) + LATER).runs


def everything_kept(deployment: Deployment) -> dict[str, bytes]:
    folders = ("contributions", "storage", "attestations", "log", "ledger", "keys", "outcomes")
    return {
        str(path): path.read_bytes()
        for folder in folders
        for path in (deployment.settings.home / folder).rglob("*")
        if path.is_file()
    }


def test_the_last_run_of_each_contribution_and_job_stays(deployment: Deployment):
    deployment.run()
    deployment.run(bad_file(deployment))
    refresh(deployment)
    assert old(deployment) == []


def test_a_run_that_a_later_success_replaced_goes_and_results_stay(deployment: Deployment):
    key, first = deployment.run()
    _, second = deployment.run()
    boards = [refresh(deployment).run_id for _ in range(2)]
    found = prunable(deployment.instance, deployment.settings, datetime.now(UTC) + LATER)
    assert set(found.runs) == {first.run_id, boards[0]}
    before = everything_kept(deployment)
    prune(deployment.instance, found)
    assert everything_kept(deployment) == before
    assert {run.run_id for run in deployment.instance.get_runs()} == {second.run_id, boards[1]}
    assert not deployment.instance.all_logs(first.run_id)
    asset = dg.AssetKey(["generated", "attestation"])
    assert key in deployment.instance.get_materialized_partitions(asset)


def test_runs_that_stay_do_not_hide_those_that_may_go(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(retention, "RUNS_AT_ONCE", 2)
    # Three that stay for ever stand before the three that may go, of which two go at once.
    for number in range(3):
        add_run(deployment, f"kept-{number:012d}")
    ids = [add_run(deployment, "again-000000000000") for _ in range(4)]
    assert old(deployment) == ids[:2]
    for run_id in ids[:2]:
        deployment.instance.delete_run(run_id)
    assert old(deployment) == [ids[2]]


def add_run(deployment: Deployment, key: str) -> str:
    run = deployment.instance.create_run_for_job(
        deployment.definitions.resolve_job_def("generated_contribution"),
        status=dg.DagsterRunStatus.SUCCESS,
        tags={PARTITION_TAG: key},
    )
    return run.run_id


def test_a_young_run_stays(deployment: Deployment):
    deployment.run()
    deployment.run()
    before = datetime.now(UTC) - LATER
    assert prunable(deployment.instance, deployment.settings, before).runs == []


def test_a_later_failure_replaces_nothing(deployment: Deployment, monkeypatch: pytest.MonkeyPatch):
    from hokusai_assets.orchestration import settlement_asset

    def full_disk(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    deployment.run()
    monkeypatch.setattr(settlement_asset, "settle", full_disk)
    assert deployment.run()[1].status == "failed"
    assert old(deployment) == []


def test_leftovers_of_the_dead_go_and_those_at_work_stay(deployment: Deployment):
    home = deployment.settings.home
    paths: list[Path] = [home / "incoming" / "dead", home / "scratch" / "busy"]
    for path in paths:
        path.mkdir(parents=True)
        (path / "rows.csv").write_text("a\n1\n")
    past = time.time() - 3 * 24 * 3600
    for path in (paths[0], paths[0] / "rows.csv", paths[1]):
        os.utime(path, (past, past))
    found = prunable(deployment.instance, deployment.settings, datetime.now(UTC))
    assert found.leftovers == [paths[0]]
    prune(deployment.instance, found)
    assert not paths[0].exists()
    assert (paths[1] / "rows.csv").exists()


@pytest.mark.parametrize("given", [None, {"days": 1}, {"days": 1, "dry_run": True}])
def test_the_job_deletes_nothing_unless_it_is_told_days(deployment: Deployment, given: dict | None):
    leftover = deployment.settings.home / "incoming" / "dead"
    leftover.mkdir(parents=True)
    past = time.time() - 3 * 24 * 3600
    os.utime(leftover, (past, past))
    job = deployment.definitions.resolve_job_def("retention")
    config = {"ops": {"prune_superseded": {"config": given}}} if given else None
    assert job.execute_in_process(instance=deployment.instance, run_config=config).success
    assert leftover.exists() is (given != {"days": 1})
