"""A contribution through the whole chain, in a real home with a real Dagster instance."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pandas as pd
import pyarrow.parquet as pq
import pytest

from hokusai_assets.attestation.key_records import DEVELOPMENT_PUBLIC_FILE
from hokusai_assets.attestation.public_keys import load_public_key
from hokusai_assets.attestation.verification import verify
from hokusai_assets.orchestration.object_store import MissingObject, checked_version
from hokusai_assets.orchestration.running import read_record
from hokusai_assets.orchestration.stored_places import location_of

from .conftest import Deployment


def test_an_honest_contribution_is_attested_and_a_stranger_can_verify_it(deployment: Deployment):
    key, outcome = deployment.run()
    assert outcome.status == "evaluated"
    record = read_record(deployment.settings, "generated", key)
    public_key = load_public_key(deployment.settings.keys / DEVELOPMENT_PUBLIC_FILE)
    verification = verify(
        record.attestation.read_bytes(),
        public_key=public_key,
        predictions=record.predictions,
        data_folder=deployment.settings.data,
    )
    assert verification.passed, verification.as_markdown()
    assert {check.outcome for check in verification.checks} == {"pass"}


def test_the_run_shows_its_attestations_checks_as_a_list(deployment: Deployment):
    _, outcome = deployment.run()
    logged = deployment.instance.all_logs(
        outcome.run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION
    )
    (shown,) = [
        event.asset_check_evaluation_data
        for event in (entry.dagster_event for entry in logged)
        if event.asset_check_evaluation_data.check_name == "attestation_verifies"
    ]
    assert shown.passed
    listed = shown.metadata["checks"]
    assert isinstance(listed, dg.MarkdownMetadataValue)
    assert "- pass: **envelope** " in listed.value


def test_the_baseline_is_made_once_and_reused_by_later_contributions(
    deployment: Deployment, tmp_path: Path
):
    part = tmp_path / "part.csv"
    part.write_text("\n".join(deployment.contribution_file.read_text().splitlines()[:200]) + "\n")
    _, first = deployment.run(part)
    assert first.reused == []
    _, second = deployment.run()
    assert set(second.reused) == {"benchmark", "baseline_model", "baseline_evaluation"}
    _, again = deployment.run()
    assert {"new_model", "new_evaluation"} <= set(again.reused)


def test_a_rejected_contribution_stops_there_and_says_why(deployment: Deployment, tmp_path: Path):
    bad = tmp_path / "bad.csv"
    bad.write_text("distance_km,parcels\n1.5,2\n")
    key, outcome = deployment.run(bad)
    assert outcome.status == "rejected"
    record = read_record(deployment.settings, "generated", key)
    assert {problem.rule for problem in record.report.problems} == {"missing-column"}
    assert record.attestation is None
    location = location_of(deployment.settings.storage, "generated", "new_model", key)
    with pytest.raises(MissingObject):
        checked_version(location, what="new_model", remedy="")
    (logged,) = deployment.mlflow_runs()
    assert logged.info.status == "FINISHED"
    assert logged.data.tags["outcome"] == "rejected"
    assert logged.data.tags["reasons"] == "missing-column"
    run = deployment.instance.get_run_by_id(outcome.run_id)
    assert run.tags["hokusai/intake"] == "rejected"
    assert "hokusai/verdict" not in run.tags


def test_a_rejected_contribution_does_not_touch_the_next_one(
    deployment: Deployment, tmp_path: Path
):
    bad = tmp_path / "bad.parquet"
    bad.write_bytes(b"PAR1 not really")
    assert deployment.run(bad)[1].status == "rejected"
    assert deployment.run()[1].status == "evaluated"


def test_a_platform_fault_is_a_failed_run_and_a_later_run_repairs_it(
    deployment: Deployment, monkeypatch
):
    from hokusai_assets.orchestration import contribution_assets

    def full_disk(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(contribution_assets, "take_in", full_disk)
        _, outcome = deployment.run()
    assert outcome.status == "failed"
    assert outcome.faults == ["contributed_data: file error 28: No space left on device"]
    assert [entry.info.status for entry in deployment.mlflow_runs()] == ["FAILED"]
    assert deployment.run()[1].status == "evaluated"


def test_an_unforeseen_error_at_intake_tells_its_place_but_not_its_message(
    deployment: Deployment, monkeypatch
):
    from hokusai_assets.contributions import rows_of_file

    def quotes_a_cell(*_: object, **__: object) -> None:
        raise ValueError("could not convert 'alice-secret@example.com'")

    monkeypatch.setattr(rows_of_file, "typed_batches", quotes_a_cell)
    _, outcome = deployment.run()
    assert outcome.status == "failed"
    assert "ValueError at contributions/rows_of_file.py:" in outcome.faults[0]
    said = "".join(str(entry) for entry in deployment.instance.all_logs(outcome.run_id))
    assert "alice-secret" not in said + str(outcome)


def test_a_planted_secret_reaches_nothing_but_the_raw_copy(deployment: Deployment, tmp_path: Path):
    frame = pd.read_csv(deployment.contribution_file, dtype=str, keep_default_na=False)
    secrets = ["zaphod.beeblebrox@example.com", "202-555-0143", "078-05-1120", "4111111111111111"]
    frame.loc[: len(secrets) - 1, "note"] = [f"reach me at {secret} please" for secret in secrets]
    mine = tmp_path / "mine.csv"
    frame.to_csv(mine, index=False)
    key, outcome = deployment.run(mine)
    assert outcome.status == "evaluated"
    record = read_record(deployment.settings, "generated", key)
    assert record.report.rows_hashed >= len(secrets)
    raw = deployment.settings.contributions("generated")
    leaks = [
        (path, secret)
        for path in deployment.settings.home.rglob("*")
        if path.is_file() and raw not in path.parents
        for secret in secrets
        if secret.encode() in path.read_bytes()
    ]
    assert leaks == []
    stored = next((deployment.settings.storage / "generated" / "contributed_data").rglob("rows.*"))
    notes = " ".join(pq.read_table(stored).column("note").to_pylist())
    assert "<EMAIL:k" in notes
    assert "zaphod" not in notes


def test_what_a_broken_file_holds_reaches_nothing_but_the_raw_copy(
    deployment: Deployment, tmp_path: Path
):
    secret = "qzvkjwpyhtrx"
    frame = pd.read_csv(deployment.contribution_file, dtype=str, keep_default_na=False)
    frame["note"] = secret
    frame["parcels"] = secret
    text = frame.to_csv(index=False)
    broken = {
        "cells.csv": text,
        "headless.csv": text.split("\n", 1)[1],
        "quote.csv": f'{text}"{secret}',
        "records.json": frame.to_json(orient="records")[:-7],
        "lines.jsonl": frame.to_json(orient="records", lines=True).replace("}", "}}", 3),
        "labels.csv": frame.assign(late=secret, parcels="1").to_csv(index=False),
    }
    for name, content in broken.items():
        (tmp_path / name).write_text(content)
        _, outcome = deployment.run(tmp_path / name)
        assert outcome.status == "rejected", name
        said = "".join(str(entry) for entry in deployment.instance.all_logs(outcome.run_id))
        assert secret not in said, name
    raw = deployment.settings.contributions("generated")
    leaks = [
        path
        for path in deployment.settings.home.rglob("*")
        if path.is_file() and raw not in path.parents and secret.encode() in path.read_bytes()
    ]
    assert leaks == []


def claims(deployment: Deployment, key: str) -> tuple[str, str]:
    record = read_record(deployment.settings, "generated", key)
    return record.attestation_hash, record.result_hash


def test_the_same_file_in_two_homes_has_the_same_attestation_hash(
    make_deployment: Callable[..., Deployment],
):
    one, two = make_deployment("one"), make_deployment("two")
    key, _ = one.run()
    assert two.run()[0] == key
    assert claims(one, key) == claims(two, key)
    # The homes' privacy keys differ, and so do their tokens: nothing attested depends on them.
    assert (one.settings.keys / "pii.key").read_bytes() != (
        two.settings.keys / "pii.key"
    ).read_bytes()


@pytest.mark.parametrize("form", ["shuffled.csv", "same.json", "same.jsonl", "same.parquet"])
def test_shuffled_rows_or_another_format_have_the_same_result_hash(
    make_deployment, tmp_path: Path, form: str
):
    # In a home each: in one, the second would bring no row that the first has not.
    deployment, elsewhere = make_deployment("one"), make_deployment("two")
    frame = pd.read_csv(deployment.contribution_file)
    other = tmp_path / form
    if form == "shuffled.csv":
        frame.sample(frac=1, random_state=3).to_csv(other, index=False)
    elif form == "same.json":
        frame.to_json(other, orient="records", double_precision=15)
    elif form == "same.jsonl":
        frame.to_json(other, orient="records", lines=True, double_precision=15)
    else:
        frame.to_parquet(other)
    first, _ = deployment.run()
    second, outcome = elsewhere.run(other)
    assert outcome.status == "evaluated"
    assert first != second
    one, two = claims(deployment, first), claims(elsewhere, second)
    assert one[1] == two[1]
    assert one[0] != two[0]


def test_the_same_rows_sent_again_are_rejected_and_the_first_contribution_is_named(
    deployment: Deployment, tmp_path: Path
):
    first, _ = deployment.run()
    again = tmp_path / "mine.parquet"
    pd.read_csv(deployment.contribution_file).to_parquet(again)
    key, outcome = deployment.run(again)
    assert outcome.status == "rejected"
    report = read_record(deployment.settings, "generated", key).report
    assert [problem.rule for problem in report.problems] == ["too-few-new-rows"]
    assert list(report.history["held"]) == [first]


def test_a_step_leaves_no_scratch_behind(deployment: Deployment, tmp_path: Path):
    deployment.run()
    bad = tmp_path / "bad.csv"
    bad.write_text("distance_km,parcels\n1.5,2\n")
    deployment.run(bad)
    assert list(deployment.settings.scratch.iterdir()) == []


def test_a_changed_benchmark_gives_a_new_attestation_and_keeps_the_old(deployment: Deployment):
    key, _ = deployment.run()
    before = read_record(deployment.settings, "generated", key).attestation
    spec = deployment.settings.benchmarks / "generated" / "benchmark.yaml"
    spec.write_text(spec.read_text().replace("C: 1.0", "C: 0.5"))
    _, outcome = deployment.run()
    after = read_record(deployment.settings, "generated", key).attestation
    assert outcome.reused == []
    assert before != after
    assert before.is_file()


KILLED_RUN = """
import os, signal, sys
from hokusai_assets.orchestration import contribution_assets, stored_forms
from hokusai_assets.orchestration.build import build_definitions
from hokusai_assets.orchestration.home import open_instance
from hokusai_assets.orchestration.running import run_contribution
from hokusai_assets.settings import Settings
asset, key = sys.argv[1], sys.argv[2]
save, load = stored_forms.STORED_FORMS[asset]
def killed(value, folder):
    save(value, folder)
    last = sorted(folder.iterdir())[-1]
    last.write_bytes(last.read_bytes()[:10])
    os.kill(os.getpid(), signal.SIGKILL)
stored_forms.STORED_FORMS[asset] = (killed, load)
settings = Settings.from_environment(os.environ)
with open_instance(settings) as instance:
    definitions, marks = build_definitions(settings), settings.run_marks
    run_contribution(definitions, instance, "generated", key, marks=marks)
"""


@pytest.mark.parametrize("asset", ["benchmark", "contributed_data", "new_model", "attestation"])
def test_a_run_killed_while_it_writes_is_repaired_by_the_next_with_an_identical_result(
    make_deployment: Callable[..., Deployment], asset: str
):
    undisturbed, disturbed = make_deployment("undisturbed"), make_deployment("disturbed")
    key, _ = undisturbed.run()
    disturbed.register()
    environment = os.environ | {
        "HOKUSAI_HOME": str(disturbed.settings.home),
        "HOKUSAI_DATA": str(disturbed.settings.data),
    }
    killed = subprocess.run(
        [sys.executable, "-c", KILLED_RUN, asset, key],
        env=environment,
        check=False,
        capture_output=True,
    )
    assert killed.returncode == -signal.SIGKILL
    with pytest.raises(MissingObject):
        read_record(disturbed.settings, "generated", key)
    assert disturbed.run()[1].status == "evaluated"
    assert claims(disturbed, key) == claims(undisturbed, key)
    assert not list(disturbed.settings.home.rglob(".draft-*"))


def test_attestations_hold_no_path_host_or_clock(deployment: Deployment):
    import base64
    import socket

    key, _ = deployment.run()
    record = read_record(deployment.settings, "generated", key)
    envelope = json.loads(record.attestation.read_bytes())
    text = base64.b64decode(envelope["payload"]).decode()
    assert str(deployment.root) not in text
    assert socket.gethostname() not in text
    claim = json.loads(text)["predicate"]["claim"]
    assert "202" + str(pd.Timestamp.now().year)[3:] + "-" not in json.dumps(claim)
