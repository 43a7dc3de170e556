"""Issuing: the log holds what is out, and the witness is nowhere but where it was asked for."""

import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from click.testing import CliRunner

from hokusai_assets.attestation.envelope import open_envelope
from hokusai_assets.attestation.key_records import DEVELOPMENT_PUBLIC_FILE
from hokusai_assets.attestation.log_check import check_log
from hokusai_assets.attestation.public_keys import load_public_key
from hokusai_assets.attestation.transparency_log import TransparencyLog, log_line
from hokusai_assets.attestation.witness import check_witness
from hokusai_assets.canonical.canonical_json import canonical_bytes
from hokusai_assets.cli.main import main
from hokusai_assets.orchestration.issued import issued_here
from hokusai_assets.orchestration.running import RunOutcome, read_record

from .conftest import Deployment


def log_of(deployment: Deployment) -> TransparencyLog:
    return TransparencyLog(deployment.settings.log)


def metadata_of(deployment: Deployment, outcome: RunOutcome) -> dict[str, object]:
    events = deployment.instance.all_logs(outcome.run_id)
    (found,) = (
        entry.dagster_event.step_materialization_data.materialization
        for entry in events
        if entry.dagster_event
        and entry.dagster_event.is_step_materialization
        and entry.dagster_event.asset_key.path[-1] == "attestation"
    )
    return {name: value.value for name, value in found.metadata.items()}


def test_an_issued_attestation_is_in_the_log_once_however_often_it_runs(deployment: Deployment):
    key, first = deployment.run()
    record = read_record(deployment.settings, "generated", key)
    assert record.attestation is not None
    envelope = record.attestation.read_bytes()
    log = log_of(deployment)
    assert log.lines() == [log_line(open_envelope(envelope)[1])]
    public_key = load_public_key(deployment.settings.keys / DEVELOPMENT_PUBLIC_FILE)
    report = check_log(log.lines(), log.checkpoint(), keys=[public_key])
    assert {check.outcome for check in report.checks} == {"pass"}
    assert report.passed
    told = metadata_of(deployment, first)
    assert (told["log_index"], told["log_size"]) == (0, 1)
    assert "also_attested" not in told
    deployment.run()
    assert len(log.lines()) == 1


def test_another_attestation_of_the_same_file_and_version_is_told(
    make_deployment: Callable[..., Deployment],
):
    deployment = make_deployment()
    key, _ = deployment.run()
    first = read_record(deployment.settings, "generated", key).attestation_hash
    stored = deployment.settings.contributions("generated") / key
    assert stored.is_dir()
    # The operator changes who is paid, and issues anew.
    (stored / "sidecar.yaml").write_text("contributors: [{id: eve, weight_bps: 10000}]\n")
    _, outcome = deployment.run()
    assert outcome.status == "evaluated"
    log = log_of(deployment)
    report = check_log(log.lines(), log.checkpoint())
    assert [len(entries) for entries in report.doubles] == [2]
    assert str(first) in str(metadata_of(deployment, outcome)["also_attested"])


def test_a_damaged_log_stops_issuing_and_says_how_to_mend_it(deployment: Deployment):
    deployment.run()
    path = deployment.settings.log / "attestations.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b"generated", b"generatex"))
    _, outcome = deployment.run()
    assert outcome.status == "failed"
    assert "bring the file back from a copy" in outcome.faults[0]
    path.write_bytes(whole)
    assert deployment.run()[1].status == "evaluated"


def test_a_log_without_its_checkpoint_stops_issuing_and_says_how_to_mend_it(
    deployment: Deployment,
):
    deployment.run()
    log = log_of(deployment)
    (line,) = log.lines()
    second = json.loads(line) | {"attestation_hash": "1" * 64}
    log.append(canonical_bytes(second), None)
    checkpoint = log.folder / "checkpoint"
    kept = checkpoint.read_bytes()
    checkpoint.unlink()
    _, outcome = deployment.run()
    assert outcome.status == "failed"
    assert "bring it back from a copy" in outcome.faults[0]
    checkpoint.write_bytes(kept)
    assert deployment.run()[1].status == "evaluated"


KILLED_BETWEEN_LOG_AND_FILE = """
import os, signal, sys
from hokusai_assets.orchestration import measurement_assets
from hokusai_assets.orchestration.build import build_definitions
from hokusai_assets.orchestration.home import open_instance
from hokusai_assets.orchestration.running import run_contribution
from hokusai_assets.settings import Settings
def killed(path, data, **_):
    os.kill(os.getpid(), signal.SIGKILL)
measurement_assets.replace_file = killed
settings = Settings.from_environment(os.environ)
with open_instance(settings) as instance:
    run_contribution(
        build_definitions(settings), instance, "generated", sys.argv[1], marks=settings.run_marks
    )
"""


def test_a_crash_between_log_and_file_leaves_an_entry_that_the_next_run_fills(
    deployment: Deployment,
):
    key = deployment.register().key
    killed = subprocess.run(
        [sys.executable, "-c", KILLED_BETWEEN_LOG_AND_FILE, key],
        env=os.environ
        | {
            "HOKUSAI_HOME": str(deployment.settings.home),
            "HOKUSAI_DATA": str(deployment.settings.data),
        },
        capture_output=True,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert len(log_of(deployment).lines()) == 1
    assert not list(deployment.settings.attestations.rglob("*.dsse.json"))
    assert deployment.run()[1].status == "evaluated"
    (line,) = log_of(deployment).lines()
    (file,) = deployment.settings.attestations.rglob("*.dsse.json")
    assert line == log_line(open_envelope(file.read_bytes())[1])


def test_a_witness_is_written_only_where_it_is_asked_for_and_nowhere_else(
    make_deployment: Callable[..., Deployment],
):
    plain, asked = make_deployment("plain"), make_deployment("asked", HOKUSAI_WITNESS="on")
    plain.run()
    assert not (plain.settings.home / "witness").exists()
    key, outcome = asked.run()
    record = read_record(asked.settings, "generated", key)
    assert record.attestation is not None and record.attestation_hash is not None
    path = asked.settings.witness_file("generated", key, record.attestation_hash)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    witness = json.loads(path.read_bytes())
    check_witness(witness, open_envelope(record.attestation.read_bytes())[1])

    marker = witness["measurements"][0]["new_leaf"]["hi"][0]
    elsewhere = [
        file
        for file in asked.settings.home.rglob("*")
        if file.is_file() and file != path and marker.encode() in file.read_bytes()
    ]
    assert elsewhere == []
    assert not any("witness" in name for name in metadata_of(asked, outcome))
    (logged,) = asked.mlflow_runs()
    artifacts = [file.name for file in Path(logged.info.artifact_uri[7:]).rglob("*")]
    assert artifacts and not any("witness" in name for name in artifacts)


def test_a_dry_run_is_not_logged(deployment: Deployment):
    deployment.settings = replace(deployment.settings, dry_run=True)
    key, outcome = deployment.run()
    assert outcome.status == "evaluated"
    assert read_record(deployment.settings, "generated", key).attestation is not None
    assert not deployment.settings.log.exists()


def test_an_issuer_exports_without_naming_files_or_runs(deployment: Deployment):
    key, outcome = deployment.run()
    path = read_record(deployment.settings, "generated", key).attestation
    places = {
        "HOKUSAI_HOME": str(deployment.settings.home),
        "HOKUSAI_DATA": str(deployment.settings.data),
    }

    def exported(form: str) -> str:
        arguments = ["export", str(path), "--format", form]
        done = CliRunner().invoke(main, arguments, env=places)
        assert done.exit_code == 0, done.output
        return done.stdout

    assert json.loads(exported("zk-output"))["attestation"]["proof_ready"] is False
    assert Path(exported("witness").strip()).is_relative_to(deployment.settings.home / "witness")
    document = json.loads(exported("zk-output"))
    assert document["attestation"]["proof_ready"] is True
    assert document["metadata"]["pipeline_run_id"] == outcome.run_id
    assert document["models"]["new"]["mlflow_run_id"] == deployment.mlflow_runs()[0].info.run_id


def test_what_stands_beside_an_attestation_is_found_for_its_own_only(deployment: Deployment):
    key, outcome = deployment.run()
    record = read_record(deployment.settings, "generated", key)
    assert record.attestation_hash is not None
    here = issued_here(deployment.settings, "generated", key, record.attestation_hash)
    assert here is not None
    assert (here.dagster_run_id, here.predictions) == (outcome.run_id, record.predictions)
    assert here.mlflow_run_id == deployment.mlflow_runs()[0].info.run_id
    assert issued_here(deployment.settings, "generated", key, "0" * 64) is None
    assert issued_here(deployment.settings, "generated", "other", record.attestation_hash) is None
