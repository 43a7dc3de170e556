"""The drop sensor against a real instance: what it requests, and what it survives."""

from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest

from hokusai_assets.contributions.identity import register
from hokusai_assets.orchestration import sensors
from hokusai_assets.orchestration.drop_ledger import DropLedger
from hokusai_assets.orchestration.partitions import contributions_of
from hokusai_assets.orchestration.tracking import BENCHMARK_TAG, PARTITION_TAG

from .conftest import Deployment


@pytest.fixture
def drops(deployment: Deployment) -> Path:
    folder = Path(deployment.settings.drops) / deployment.benchmark_id
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def tick(deployment: Deployment) -> Callable[[], dg.SensorResult]:
    def one_tick() -> dg.SensorResult:
        context = dg.build_sensor_context(instance=deployment.instance)
        return sensors.tick(context, deployment.benchmark_id, deployment.settings)

    return one_tick


def as_the_daemon_does(deployment: Deployment, result: dg.SensorResult) -> None:
    """Add the partitions and record a run per request, as Dagster's daemon would."""
    for request in result.dynamic_partitions_requests or []:
        deployment.instance.add_dynamic_partitions(
            request.partitions_def_name, list(request.partition_keys)
        )
    for request in result.run_requests or []:
        tags = {
            PARTITION_TAG: request.partition_key,
            sensors.RUN_KEY_TAG: request.run_key,
            **request.tags,
        }
        deployment.instance.create_run_for_job(
            deployment.definitions.resolve_job_def("generated_contribution"), tags=tags
        )


def test_a_file_is_requested_at_its_second_tick_with_a_new_partition(drops, tick, deployment):
    (drops / "mine.csv").write_bytes(deployment.contribution_file.read_bytes())
    assert not tick().run_requests
    result = tick()
    (request,) = result.run_requests
    assert request.partition_key.startswith("mine-")
    assert request.run_key.startswith(f"{request.partition_key}:")
    assert request.tags[BENCHMARK_TAG] == "generated"
    assert list(result.dynamic_partitions_requests[0].partition_keys) == [request.partition_key]


def test_a_folder_of_parts_is_requested_once_it_is_whole(drops, tick, deployment):
    table = pa_csv.read_csv(deployment.contribution_file)
    folder = drops / "mine.parquet"
    folder.mkdir()
    pq.write_table(table.slice(0, 100), folder / "part-0.parquet")
    tick()
    pq.write_table(table.slice(100), folder / "part-1.parquet")
    assert not tick().run_requests
    (request,) = tick().run_requests
    assert request.partition_key.startswith("mine-")
    stored = deployment.settings.contributions("generated") / request.partition_key
    assert len(list((stored / "data.parquet").iterdir())) == 2


def test_a_folder_with_a_link_in_it_is_reported_once_and_not_retried(drops, tick, deployment):
    (drops / "mine.parquet").mkdir()
    (drops / "mine.parquet" / "a.parquet").symlink_to("/etc/passwd")
    tick()
    assert "1 not taken" in tick().skip_reason.skip_message
    assert "0 not taken" in tick().skip_reason.skip_message
    ledger = DropLedger(deployment.settings.home / "drops.sqlite", "generated")
    assert ledger.known()["mine.parquet"].detail == "bad-part-folder"


def test_a_file_still_being_written_is_not_taken(drops, tick):
    path = drops / "mine.csv"
    path.write_text("text,label\n")
    tick()
    path.write_text("text,label\nmore,good\n")
    assert not tick().run_requests


def test_a_daemon_that_died_before_the_run_request_asks_again(drops, tick, deployment):
    (drops / "mine.csv").write_bytes(deployment.contribution_file.read_bytes())
    tick()
    lost = tick()
    again = tick()
    assert [r.run_key for r in again.run_requests] == [r.run_key for r in lost.run_requests]


def test_once_dagster_has_the_run_nothing_more_is_requested(drops, tick, deployment):
    (drops / "mine.csv").write_bytes(deployment.contribution_file.read_bytes())
    tick()
    as_the_daemon_does(deployment, tick())
    assert not tick().run_requests
    ledger = DropLedger(deployment.settings.home / "drops.sqlite", "generated")
    assert ledger.known()["mine.csv"].status == "launched"


def test_the_same_bytes_under_another_name_are_no_second_contribution(drops, tick, deployment):
    (drops / "mine.csv").write_bytes(deployment.contribution_file.read_bytes())
    tick()
    as_the_daemon_does(deployment, tick())
    (drops / "copy.csv").write_bytes(deployment.contribution_file.read_bytes())
    tick()
    tick()
    tick()
    name = contributions_of("generated").name
    assert len(deployment.instance.get_dynamic_partitions(name)) == 1


def test_a_mended_sidecar_is_a_new_run_and_an_unchanged_one_is_not(drops, tick, deployment):
    data, sidecar = drops / "mine.csv", drops / "mine.csv.contribution.yaml"
    data.write_bytes(deployment.contribution_file.read_bytes())
    sidecar.write_text("contributors: [{id: alice, weight_bps: 9000}]\n")
    tick()
    first = tick()
    as_the_daemon_does(deployment, first)
    tick()
    sidecar.write_text("contributors: [{id: alice, weight_bps: 10000}]\n")
    tick()
    second = tick()
    (before,), (after,) = first.run_requests, second.run_requests
    assert before.partition_key == after.partition_key
    assert before.run_key != after.run_key
    as_the_daemon_does(deployment, second)
    assert not tick().run_requests
    assert not tick().run_requests


def test_a_file_deleted_between_ticks_is_forgotten(drops, tick, deployment):
    path = drops / "mine.csv"
    path.write_text("text,label\n")
    tick()
    path.unlink()
    assert not tick().run_requests
    assert DropLedger(deployment.settings.home / "drops.sqlite", "generated").known() == {}


def test_a_file_deleted_after_its_request_can_still_be_run(drops, tick, deployment):
    path = drops / "mine.csv"
    path.write_bytes(deployment.contribution_file.read_bytes())
    tick()
    (request,) = tick().run_requests
    path.unlink()
    store = deployment.settings.contributions("generated")
    assert (store / request.partition_key / "data.csv").is_file()


def test_a_file_of_unknown_format_is_reported_once_and_not_retried(drops, tick, deployment):
    (drops / "notes.docx").write_text("hello")
    tick()
    result = tick()
    assert not result.run_requests
    assert "1 not taken" in result.skip_reason.skip_message
    assert "0 not taken" in tick().skip_reason.skip_message


def test_an_unreadable_file_is_reported_and_does_not_stop_the_others(
    drops, tick, deployment, monkeypatch
):
    def register_or_refuse(path: Path, store: Path):
        if path.name == "locked.csv":
            raise PermissionError(13, "Permission denied")
        return register(path, store)

    monkeypatch.setattr(sensors, "register", register_or_refuse)
    (drops / "locked.csv").write_text("x")
    (drops / "mine.csv").write_bytes(deployment.contribution_file.read_bytes())
    tick()
    assert len(tick().run_requests) == 1
    ledger = DropLedger(deployment.settings.home / "drops.sqlite", "generated")
    assert ledger.known()["locked.csv"].status == "unreadable"


def test_a_full_disk_leaves_the_file_for_the_next_tick(drops, tick, deployment, monkeypatch):
    def no_space(path: Path, store: Path):
        raise OSError(28, "No space left on device")

    (drops / "mine.csv").write_bytes(deployment.contribution_file.read_bytes())
    tick()
    with monkeypatch.context() as patch:
        patch.setattr(sensors, "register", no_space)
        assert "1 left for the next tick" in tick().skip_reason.skip_message
    assert len(tick().run_requests) == 1


def test_thousands_of_files_are_taken_a_bounded_number_at_a_time(
    drops, tick, deployment, monkeypatch
):
    monkeypatch.setattr(sensors, "FILES_PER_TICK", 3)
    for number in range(8):
        (drops / f"{number}.csv").write_text(f"text,label\nrow {number},good\n")
    tick()
    taken = []
    for _ in range(3):
        result = tick()
        as_the_daemon_does(deployment, result)
        taken.append({request.partition_key for request in result.run_requests})
    assert [len(keys) for keys in taken] == [3, 3, 2]
    assert len(set().union(*taken)) == 8


def test_a_folder_that_cannot_be_listed_is_a_skip_and_forgets_nothing(drops, tick, deployment):
    (drops / "mine.csv").write_text("text,label\n")
    tick()
    (drops / "mine.csv").unlink()
    drops.rmdir()
    drops.write_text("a file where the folder should be")
    assert "can't be listed" in tick().skip_reason.skip_message
    ledger = DropLedger(deployment.settings.home / "drops.sqlite", "generated")
    assert "mine.csv" in ledger.known()
