"""What MLflow holds after a contribution's run: all of the measurement, and no value of any row."""

import json
import re
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from hokusai_assets.benchmarks.loading import load_spec
from hokusai_assets.contributions.intake_report import IntakeReport
from hokusai_assets.models.pipeline import feature_frame
from hokusai_assets.orchestration.asset_storage import location_of
from hokusai_assets.orchestration.object_store import read_object
from hokusai_assets.orchestration.running import read_record
from hokusai_assets.orchestration.step_records import lineage_table
from hokusai_assets.orchestration.stored_forms import STORED_FORMS
from hokusai_assets.orchestration.tracking import Tracking
from hokusai_assets.tables.problems import Problem

from .conftest import Deployment
from .test_leaderboard_asset import part as part_of_file

SECRETS = ["zaphod.beeblebrox@example.com", "202-555-0143", "078-05-1120", "4111111111111111"]


def client(deployment: Deployment) -> Any:
    from mlflow.tracking import MlflowClient

    uri = deployment.settings.mlflow_tracking_uri
    return MlflowClient(tracking_uri=uri, registry_uri=uri)


def artifacts(run: Any) -> Path:
    return Path(run.info.artifact_uri.removeprefix("file://"))


def stored(deployment: Deployment, asset: str, key: str | None = None) -> Any:
    place = location_of(deployment.settings.storage, "generated", asset, key)
    return read_object(place, STORED_FORMS[asset][1], what=asset, remedy="")


def test_a_contributions_run_is_the_child_of_the_dagster_runs(
    make_deployment: Callable[..., Deployment],
):
    deployment = make_deployment(HOKUSAI_DAGSTER_URL="https://dagster.example/")
    key, outcome = deployment.run()
    (child,), (parent,) = deployment.mlflow_runs(), deployment.mlflow_runs("dagster_run")
    assert child.data.tags["mlflow.parentRunId"] == parent.info.run_id
    assert child.info.run_name == key
    assert parent.info.run_name == f"{key} (generated, run {outcome.run_id[:8]})"
    record = read_record(deployment.settings, "generated", key)
    for run in (child, parent):
        assert run.info.status == "FINISHED"
        assert run.data.tags["dagster_url"] == f"https://dagster.example/runs/{outcome.run_id}"
        assert run.data.tags["code_version"]
        assert run.data.metrics["step/contributed_data.wall_seconds"] > 0
    assert child.data.tags["attestation_hash"] == record.attestation_hash
    assert child.data.tags["latest"] == "true"


def test_metrics_inputs_lineage_and_artifacts_are_those_of_the_stored_parts(deployment: Deployment):
    key, _ = deployment.run()
    (run,) = deployment.mlflow_runs()
    delta = stored(deployment, "metric_deltas", key).document["metrics"]["accuracy"]
    for name, ppm in {
        "baseline/accuracy": "baseline_ppm",
        "new/accuracy": "new_ppm",
        "delta/accuracy": "delta_ppm",
        "delta/accuracy.low": "low_ppm",
        "delta/accuracy.high": "high_ppm",
        "p_value/accuracy": "p_value_ppm",
    }.items():
        assert run.data.metrics[name] == delta[ppm] / 1_000_000, name

    benchmark, data = stored(deployment, "benchmark"), stored(deployment, "contributed_data", key)
    found = {
        next(tag.value for tag in given.tags if tag.key == "mlflow.data.context"): given.dataset
        for given in run.inputs.dataset_inputs
    }
    roots = {"base": benchmark.base, "test": benchmark.test, "contribution": data.rows}
    assert set(found) == set(roots)
    for context, rows in roots.items():
        assert found[context].digest == rows.root[:36]
        assert json.loads(found[context].profile) == {
            "num_rows": rows.count,
            "merkle_root": rows.root,
        }
    columns = json.loads(found["contribution"].schema)["mlflow_colspec"]
    assert {column["name"] for column in columns} == set(data.rows.schema.names)
    base = json.loads(found["base"].source)["uri"]
    assert Path(base).is_file()

    kept = {path.relative_to(artifacts(run)).as_posix() for path in artifacts(run).rglob("*.*")}
    assert kept >= {
        "attestation.json",
        "benchmark_spec.json",
        "intake_report.json",
        "lineage.json",
        "predictions.parquet",
        "report.html",
        "plots/deltas.png",
        "plots/confusion.png",
    }
    table = json.loads((artifacts(run) / "lineage.json").read_text())["data"]
    assert table[0][-2:] == [data.report.rows_in, data.report.raw_digest]
    assert table[-1][-2:] == [data.report.rows_kept, data.rows.root]


def test_lineage_says_what_left_at_each_step_and_why():
    report = IntakeReport(
        "mine-0123",
        "aa" * 32,
        rows_in=100,
        rows_new=88,
        rows_kept=88,
        rows_hashed=7,
        removed={"in_test_set": 2, "repeated_in_file": 10},
        privacy={"columns": [{"column": "note", "entity": "EMAIL", "cells": 7}]},
    )
    assert lineage_table(report, "bb" * 32)["data"] == [
        ["read", "the file as it came", None, None, 100, "aa" * 32],
        ["hash cells", "EMAIL in note: 7 cells", 100, None, 100, None],
        ["hash", "rows with personal data", 100, 7, 100, None],
        ["remove", "in_test_set", 100, 2, 98, None],
        ["remove", "repeated_in_file", 98, 10, 88, None],
        ["keep", "goes into training", 88, None, 88, "bb" * 32],
    ]
    rejected = IntakeReport("mine-0123", "aa" * 32, 5, problems=(Problem("r", "m", "f"),))
    assert [row[0] for row in lineage_table(rejected, "")["data"]] == [
        "read",
        "hash",
        "reject",
        "keep",
    ]


def test_registered_models_predict_bit_for_bit_what_was_measured(deployment: Deployment):
    import mlflow

    key, _ = deployment.run()
    benchmark = stored(deployment, "benchmark")
    frame = feature_frame(benchmark.test.table, benchmark.spec)
    mlflow.set_tracking_uri(deployment.settings.mlflow_tracking_uri)
    record = read_record(deployment.settings, "generated", key)
    for role, asset, part in (
        ("baseline", "baseline", None),
        ("candidate", "new", key),
    ):
        name = f"hokusai.generated.{role}"
        (version,) = client(deployment).search_model_versions(f"name = '{name}'")
        assert version.tags["model_sha256"] == stored(deployment, f"{asset}_model", part).digest
        assert version.tags["attestation_hash"] == record.attestation_hash
        said = stored(deployment, f"{asset}_evaluation", part).replicas[0]
        model = mlflow.pyfunc.load_model(f"models:/{name}/{version.version}")
        answer = model.predict(frame)
        scores = answer[[f"score.{label}" for label in said.labels]].to_numpy()
        np.testing.assert_array_equal(scores, said.scores)
        assert list(answer["predicted"]) == [said.labels[code] for code in said.predicted]
        # The same archive, by MLflow's own flavour.
        plain = mlflow.sklearn.load_model(f"models:/{name}/{version.version}")
        np.testing.assert_array_equal(plain.predict_proba(frame).round(9), said.scores.round(9))
        example = model.input_example
        assert set(model.metadata.signature.inputs.input_names()) == set(example.columns)
        assert len(model.predict(example)) == 2
    assert client(deployment).get_model_version_by_alias("hokusai.generated.baseline", "champion")


def test_the_same_model_is_one_version_and_only_the_last_run_of_a_contribution_is_the_latest(
    deployment: Deployment,
):
    deployment.run()
    deployment.run()
    for role in ("baseline", "candidate"):
        found = client(deployment).search_model_versions(f"name = 'hokusai.generated.{role}'")
        assert len(found) == 1
    newest, oldest = deployment.mlflow_runs()
    assert (newest.data.tags["latest"], oldest.data.tags["latest"]) == ("true", "false")
    # A search leaves the models that went in out.
    whole = client(deployment).get_run(newest.info.run_id)
    assert whole.inputs.model_inputs and whole.outputs.model_outputs
    (overview,) = deployment.mlflow_runs("overview")
    table = json.loads((artifacts(overview) / "contributions.json").read_text())
    assert [row[-1] for row in table["data"]] == [newest.info.run_id]


def test_runs_that_log_one_model_at_once_register_it_once(deployment: Deployment, monkeypatch):
    from hokusai_assets.orchestration import model_versions

    find = model_versions._find

    def find_slowly(*asked: object) -> object:
        found = find(*asked)
        # Without the lock the other has looked too before this one registers.
        time.sleep(1)
        return found

    deployment.run()
    spec = load_spec(deployment.settings.benchmarks / "generated")
    model = stored(deployment, "baseline_model")
    experiment = deployment.mlflow_runs()[0].info.experiment_id
    runs = [client(deployment).create_run(experiment).info.run_id for _ in range(2)]
    for version in client(deployment).search_model_versions("name = 'hokusai.generated.baseline'"):
        client(deployment).delete_model_version(version.name, version.version)
    monkeypatch.setattr(model_versions, "_find", find_slowly)
    faults: list[str] = []

    def log(run_id: str) -> None:
        lock = deployment.settings.model_lock
        tracking = Tracking(required=False, warn=faults.append, model_lock=lock)
        tracking.attach(client(deployment), run_id, experiment)
        model_versions.log_baseline(tracking, spec, model)

    threads = [threading.Thread(target=log, args=(run_id,)) for run_id in runs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    found = client(deployment).search_model_versions("name = 'hokusai.generated.baseline'")
    assert len(found) == 1


def test_models_can_be_kept_out(make_deployment: Callable[..., Deployment]):
    deployment = make_deployment(HOKUSAI_LOG_MODELS="off")
    _, outcome = deployment.run()
    assert outcome.status == "evaluated" and outcome.warnings == []
    assert client(deployment).search_registered_models() == []


def test_a_rejected_contributions_run_finishes_with_the_rules_and_what_they_say(
    deployment: Deployment, tmp_path: Path
):
    bad = tmp_path / "bad.csv"
    bad.write_text("distance_km,parcels\n1.5,2\n")
    key, _ = deployment.run(bad)
    (run,), (parent,) = deployment.mlflow_runs(), deployment.mlflow_runs("dagster_run")
    (problem, *_) = read_record(deployment.settings, "generated", key).report.problems
    assert (run.info.status, parent.info.status) == ("FINISHED", "FINISHED")
    assert run.data.tags["outcome"] == parent.data.tags["outcome"] == "rejected"
    assert run.data.tags["reasons"] == "missing-column"
    assert problem.message in run.data.tags["reasons_text"]
    assert problem.message in run.data.tags["mlflow.note.content"]
    assert (artifacts(run) / "report.html").is_file()


def test_a_failed_contributions_run_fails_with_its_step_and_never_an_errors_own_words(
    deployment: Deployment, monkeypatch
):
    from hokusai_assets.orchestration import measurement_assets

    def quotes_a_cell(*_: object, **__: object) -> None:
        raise ValueError("could not convert 'alice-secret@example.com'")

    monkeypatch.setattr(measurement_assets, "measure", quotes_a_cell)
    deployment.run()
    (run,), (parent,) = deployment.mlflow_runs(), deployment.mlflow_runs("dagster_run")
    assert (run.info.status, parent.info.status) == ("FAILED", "FAILED")
    assert run.data.tags["failed_steps"] == "metric_deltas"
    assert "latest" not in run.data.tags
    assert "alice-secret" not in str(run.to_dictionary())
    assert run.data.metrics["step/metric_deltas.wall_seconds"] > 0


def everything_in(deployment: Deployment) -> Iterator[tuple[str, bytes]]:
    """Yield all that MLflow keeps: its database, and each artifact with archives opened."""
    for path in (deployment.settings.home / "mlflow").rglob("*"):
        if not path.is_file():
            continue
        content = path.read_bytes()
        yield str(path), content
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                for name in archive.namelist():
                    yield f"{path}!{name}", archive.read(name)
        if path.suffix == ".parquet":
            yield f"{path}!cells", str(pq.read_table(path).to_pydict()).encode()


def test_no_secret_and_no_contributed_cell_is_anywhere_in_mlflow(
    deployment: Deployment, tmp_path: Path
):
    frame = pd.read_csv(deployment.contribution_file, dtype=str, keep_default_na=False)
    frame.loc[: len(SECRETS) - 1, "note"] = [f"reach me at {secret} now" for secret in SECRETS]
    marker = "wrote this whole sentence about crate 77129 and nobody else ever did"
    frame.loc[10:20, "note"] = marker
    frame.loc[:, "distance_km"] = [f"{1.5 + index / 7919:.9f}" for index in range(len(frame))]
    mine = tmp_path / "mine.csv"
    frame.to_csv(mine, index=False)
    _, outcome = deployment.run(mine)
    assert outcome.status == "evaluated"
    raw = [*SECRETS, marker, *frame["distance_km"].iloc[:200]]
    leaks = [
        (where, value)
        for where, content in everything_in(deployment)
        for value in raw
        if value.encode() in content
    ]
    assert leaks == []
    assert {"report.html", "attestation.json"} <= {
        Path(where).name for where, _ in everything_in(deployment)
    }


def test_of_a_private_part_that_did_not_accept_no_figure_is_logged(deployment: Deployment):
    spec = deployment.settings.benchmarks / "generated" / "benchmark.yaml"
    more = "\ntest_split: {public_share: 0.2}\ndelta_one: {min_delta_bps: 10000}\n"
    spec.write_text(spec.read_text() + more)
    key, outcome = deployment.run()
    assert outcome.status == "evaluated"
    (run,) = deployment.mlflow_runs()
    document = stored(deployment, "settlement", key).document
    assert document["released"] is False and document["measurement"]["part"] == "private"
    told = json.loads((artifacts(run) / "settlement.json").read_text())
    assert told["measurement"] is None and told["delta_one"]["bps"] is None
    assert not [name for name in run.data.metrics if name.startswith("settled")]
    assert "delta_one_bps" not in run.data.metrics
    assert not (artifacts(run) / "settled_predictions.parquet").exists()
    shown = stored(deployment, "metric_deltas", key).document["metrics"]["accuracy"]
    for which in ("baseline", "new"):
        # Not of the whole test set: its figures and the public part's give the private part's.
        history = client(deployment).get_metric_history(run.info.run_id, f"{which}/accuracy")
        assert {point.value for point in history} == {shown[f"{which}_ppm"] / 1_000_000}
    assert str(document["delta_one"]["reason"]) not in str(run.to_dictionary())


def test_running_an_earlier_accepted_contribution_again_leaves_the_challenger(
    deployment: Deployment,
):
    spec = deployment.settings.benchmarks / "generated" / "benchmark.yaml"
    text = re.sub(r"(?m)^delta_one:.*(\n  .*)*\n", "", spec.read_text())
    lenient = "delta_one: {min_delta_bps: 1, min_examples: 9, confidence: 0.6, submissions: 2}\n"
    spec.write_text(text + lenient)

    def challenger() -> str:
        name = "hokusai.generated.candidate"
        version = client(deployment).get_model_version_by_alias(name, "challenger")
        return str(version.tags["contribution"])

    keys = []
    for number in range(2):
        key, _ = deployment.run(part_of_file(deployment, number))
        assert read_record(deployment.settings, "generated", key).settled["delta_one"]["accepted"]
        assert challenger() == key
        keys.append(key)
    deployment.run(part_of_file(deployment, 0))
    assert challenger() == keys[1]
