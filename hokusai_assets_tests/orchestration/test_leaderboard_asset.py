"""The leaderboard of a deployment: what runs record, what it shows, and when it is refreshed."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from hokusai_assets.orchestration.leaderboard_tables import leaderboard_metadata
from hokusai_assets.orchestration.object_store import read_object
from hokusai_assets.orchestration.stored_forms import STORED_FORMS
from hokusai_assets.orchestration.stored_places import location_of
from hokusai_assets_tests.report.made_pages import board_of

from .conftest import Deployment

KEY = dg.AssetKey(["generated", "leaderboard"])


def refresh(deployment: Deployment) -> dg.ExecuteInProcessResult:
    job = deployment.definitions.resolve_job_def("generated_leaderboard")
    return job.execute_in_process(instance=deployment.instance)


def shown(result: dg.ExecuteInProcessResult) -> dict[str, Any]:
    (event,) = [event for event in result.all_events if event.is_step_materialization]
    return {name: value.value for name, value in event.materialization.metadata.items()}


def checks(result: dg.ExecuteInProcessResult) -> dict[str, dg.AssetCheckEvaluation]:
    return {one.check_name: one for one in result.get_asset_check_evaluations()}


def stored(deployment: Deployment) -> dict[str, Any]:
    location = location_of(deployment.settings.storage, "generated", "leaderboard", None)
    return read_object(location, STORED_FORMS["leaderboard"][1], what="", remedy="")


def part(deployment: Deployment, number: int, of: int = 2) -> Path:
    header, *lines = deployment.contribution_file.read_text().splitlines()
    size = len(lines) // of
    file = deployment.root / f"part-{number}.csv"
    file.write_text("\n".join([header, *lines[number * size : (number + 1) * size]]) + "\n")
    return file


def bad_file(deployment: Deployment) -> Path:
    bad = deployment.root / "bad.csv"
    bad.write_text("distance_km,parcels\n1.5,2\n")
    return bad


def test_it_ranks_what_was_attested_and_names_what_was_rejected(deployment: Deployment):
    keys = [deployment.run(part(deployment, number))[0] for number in (0, 1)]
    rejected, _ = deployment.run(bad_file(deployment))
    result = refresh(deployment)
    metadata = shown(result)
    rows = {row["contribution"]: row for row in stored(deployment)["rows"]}
    assert set(rows) == {*keys, rejected}
    assert {rows[key]["rank"] for key in keys} == {1, 2}
    assert rows[rejected]["broken_rules"] == ["missing-column"]
    best = next(row for row in rows.values() if row["rank"] == 1)
    assert metadata["best_gain"] == pytest.approx(best["gain_ppm"] / 1e6)
    assert best["gain_ppm"] == max(rows[key]["gain_ppm"] for key in keys)
    for key in keys:
        assert f"[{key}](/assets/generated/attestation?partition={key}" in metadata["leaderboard"]
    assert metadata["contributions/rejected"] == 1
    assert "missing-column" in metadata["not_ranked"]
    assert all(check.passed for check in checks(result).values())


def test_its_figures_are_those_of_the_attestations(deployment: Deployment):
    from hokusai_assets.attestation.envelope import open_envelope
    from hokusai_assets.orchestration.running import read_record

    key, _ = deployment.run()
    refresh(deployment)
    (row,) = stored(deployment)["rows"]
    record = read_record(deployment.settings, "generated", key)
    _, statement = open_envelope(record.attestation.read_bytes())
    claim = statement["predicate"]["claim"]
    delta = claim["result"]["measurement"]["metrics"]["auroc"]
    assert row["attested"]["alone"]["delta_ppm"] == delta["delta_ppm"] == row["gain_ppm"]
    assert row["attested"]["alone"]["low_ppm"] == delta["low_ppm"]
    assert row["attested"]["payable_bps"] == claim["settlement"]["delta_one"]["payable_bps"]


def test_values_are_shown_as_credit(deployment: Deployment):
    key, _ = deployment.run()
    job = deployment.definitions.resolve_job_def("generated_values")
    assert job.execute_in_process(instance=deployment.instance).success
    metadata = shown(refresh(deployment))
    (row,) = stored(deployment)["rows"]
    assert metadata["credit_method"] == "knn-shapley"
    assert row["credit_ppm"] is not None
    (line,) = [line for line in metadata["leaderboard"].splitlines() if f"[{key}]" in line]
    assert line.endswith(f"| {row['credit_ppm'] / 10_000:+.2f} |")
    measure = "the share of the 10 nearest rows with the right label"
    assert (
        f"Credit is no payment; it is by knn-shapley, in percentage points of {measure}."
        in metadata["leaderboard"]
    )


def test_credit_of_another_version_of_the_benchmark_is_not_shown(deployment: Deployment):
    deployment.run()
    job = deployment.definitions.resolve_job_def("generated_values")
    assert job.execute_in_process(instance=deployment.instance).success
    spec = deployment.settings.benchmarks / "generated" / "benchmark.yaml"
    spec.write_text(spec.read_text().replace("C: 1.0", "C: 0.5"))
    deployment.run()
    metadata = shown(refresh(deployment))
    (row,) = stored(deployment)["rows"]
    assert row["status"] in ("accepted", "not accepted")
    assert row["credit_ppm"] is None
    assert metadata["credit_method"] == "not valued on this version yet: run the values job"


def test_an_empty_benchmark_has_an_empty_leaderboard(deployment: Deployment):
    result = refresh(deployment)
    assert stored(deployment)["rows"] == []
    assert all(check.passed for check in checks(result).values())
    assert shown(result)["payable_bps"] == 0


@pytest.mark.parametrize("harm", ["lost", "garbled", "cut"])
def test_an_index_that_was_lost_or_harmed_is_made_anew(deployment: Deployment, harm: str):
    key, _ = deployment.run()
    rejected, _ = deployment.run(bad_file(deployment))
    refresh(deployment)
    before = stored(deployment)
    index = deployment.settings.outcomes("generated")
    whole = index.read_bytes()
    if harm == "lost":
        index.unlink()
    elif harm == "garbled":
        index.write_bytes(whole.replace(b'"accepted"', b'"accepteD"'))
    else:
        index.write_bytes(b"".join(whole.splitlines(keepends=True)[:-1]))
    result = refresh(deployment)
    assert stored(deployment) == before
    agrees = checks(result)["index_agrees_with_what_is_stored"]
    assert agrees.passed
    assert agrees.metadata["mended"].value >= 1
    assert "mended" in agrees.description
    again = checks(refresh(deployment))["index_agrees_with_what_is_stored"]
    assert again.metadata["mended"].value == 0
    assert {key, rejected} == {row["contribution"] for row in before["rows"]}


def test_an_attestation_that_is_not_in_the_ledger_is_told(deployment: Deployment):
    key, _ = deployment.run()
    deployment.settings.ledger("generated").unlink()
    agrees = checks(refresh(deployment))["index_agrees_with_what_is_stored"]
    assert not agrees.passed
    assert agrees.severity == dg.AssetCheckSeverity.WARN
    assert f"{key}: it is attested, but not in the ledger" in agrees.description


def test_a_contribution_that_a_fault_stopped_is_left_failed_until_it_is_run_again(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
):
    from hokusai_assets.orchestration import settlement_asset

    def full_disk(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    deployment.run(bad_file(deployment))
    with monkeypatch.context() as patch:
        patch.setattr(settlement_asset, "settle", full_disk)
        key, outcome = deployment.run()
    assert outcome.status == "failed"
    left = checks(refresh(deployment))["no_contribution_left_failed"]
    assert not left.passed
    assert left.severity == dg.AssetCheckSeverity.ERROR
    assert f"{key}: settlement failed" in left.description
    assert left.metadata["left_failed"].value == 1
    assert deployment.run()[1].status == "evaluated"
    assert checks(refresh(deployment))["no_contribution_left_failed"].passed


def test_it_is_due_at_first_and_after_each_change_even_while_partitions_are_missing(
    deployment: Deployment,
):
    def look(cursor: Any = None) -> tuple[int, Any]:
        found = dg.evaluate_automation_conditions(
            deployment.definitions, deployment.instance, cursor=cursor
        )
        return found.get_num_requested(KEY), found.cursor

    deployment.run(bad_file(deployment))
    due, cursor = look()
    assert due == 1
    refresh(deployment)
    due, cursor = look(cursor)
    assert due == 0
    deployment.run(part(deployment, 0))
    due, cursor = look(cursor)
    assert due == 1
    # A contribution that comes while that refresh runs is not lost.
    deployment.run(part(deployment, 1))
    due, cursor = look(cursor)
    assert due == 1
    refresh(deployment)
    assert look(cursor)[0] == 0


def test_no_private_figure_of_a_refused_contribution_is_in_index_or_leaderboard(
    make_deployment: Callable[..., Deployment],
):
    deployment = make_deployment()
    spec = deployment.settings.benchmarks / "generated" / "benchmark.yaml"
    spec.write_text(spec.read_text() + "test_split: {public_share: 0.2}\n")
    header, *lines = deployment.contribution_file.read_text().splitlines()
    small = deployment.root / "small.csv"
    small.write_text("\n".join([header, *lines[:40]]) + "\n")
    key, outcome = deployment.run(small)
    assert outcome.status == "evaluated"
    result = refresh(deployment)
    location = location_of(deployment.settings.storage, "generated", "settlement", key)
    version = json.loads((location / "current.json").read_bytes())["version"]
    settled = json.loads((location / version / "settlement.json").read_bytes())
    assert not settled["released"]
    private = settled["measurement"]["metrics"]["auroc"]
    told = deployment.settings.outcomes("generated").read_text() + str(shown(result))
    told += json.dumps(stored(deployment))
    for name in ("delta_ppm", "low_ppm", "high_ppm", "new_ppm"):
        assert str(private[name]) not in told
    (row,) = stored(deployment)["rows"]
    assert row["attested"]["settled"] is None
    assert row["attested"]["alone"]["part"] == "public"


@pytest.mark.parametrize(
    ("metric", "direction", "gain", "unit"),
    [
        ("f1", "higher", "**+1.36** 1.27…1.47", "percentage points of f1."),
        ("log_loss", "lower", "**+0.0136** 0.0127…0.0147", "units of log_loss."),
    ],
)
def test_gains_are_in_the_unit_of_the_metric(metric: str, direction: str, gain: str, unit: str):
    board = replace(board_of(9), metric=metric, direction=direction)
    table = leaderboard_metadata(board, metric)["leaderboard"].value
    assert gain in table.replace("\N{WORD JOINER}", "")
    assert f"Gains are in {unit}" in table


def test_of_a_long_leaderboard_the_top_is_seen_without_a_click():
    shown = leaderboard_metadata(board_of(40), "f1")
    top, whole = shown["top"].value, shown["leaderboard"].value
    # The UI's limit.
    assert len(top) < 1000 <= len(whole)
    assert top.splitlines()[2].startswith("| 1 | ")
    assert top.count("\n| ") >= 5
    assert next(iter(shown)) == "top"
    assert "top" not in leaderboard_metadata(board_of(2), "f1")
