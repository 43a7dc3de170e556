"""All contributions of a benchmark valued at once, in a real run, and what is left out."""

import json
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow.parquet as pq
import pytest

from hokusai_assets.evaluation.credit.methods import METHODS, NoCredit
from hokusai_assets.orchestration.object_store import checked_version, read_object
from hokusai_assets.orchestration.platform import Platform
from hokusai_assets.orchestration.running import read_record
from hokusai_assets.orchestration.stored_contributions import (
    NOT_A_PAYMENT,
    stored_contributions,
    value_stored,
)
from hokusai_assets.orchestration.stored_forms import STORED_FORMS, ValuedContributions
from hokusai_assets.orchestration.stored_places import location_of

from .conftest import Deployment


def parts(deployment: Deployment, count: int = 3) -> list[str]:
    """Evaluate equal parts of the contribution, the last name first; return their keys in order."""
    header, *lines = deployment.contribution_file.read_text().splitlines()
    size = len(lines) // count
    keys = []
    for number in range(count):
        file = deployment.root / f"part-{chr(ord('z') - number)}.csv"
        file.write_text("\n".join([header, *lines[number * size : (number + 1) * size]]) + "\n")
        key, outcome = deployment.run(file)
        assert outcome.status == "evaluated", outcome.faults
        keys.append(key)
    return keys


def rejected(deployment: Deployment) -> str:
    bad = deployment.root / "bad.csv"
    bad.write_text("distance_km,parcels\n1.5,2\n")
    key, outcome = deployment.run(bad)
    assert outcome.status == "rejected"
    return key


def damage(deployment: Deployment, key: str) -> None:
    location = location_of(deployment.settings.storage, "generated", "contributed_data", key)
    rows = checked_version(location, what=key, remedy="") / "rows.parquet"
    rows.write_bytes(rows.read_bytes()[:-1])


def run_values(deployment: Deployment, **config: Any) -> dg.ExecuteInProcessResult:
    job = deployment.definitions.resolve_job_def("generated_values")
    given = {"ops": {"generated__contribution_values": {"config": config}}} if config else None
    return job.execute_in_process(
        instance=deployment.instance, run_config=given, raise_on_error=False
    )


def metadata_of(result: dg.ExecuteInProcessResult) -> dict[str, Any]:
    (event,) = [
        event
        for event in result.all_events
        if event.is_step_materialization and event.asset_key.path[-1] == "contribution_values"
    ]
    return {name: value.value for name, value in event.materialization.metadata.items()}


def stored_values(deployment: Deployment) -> ValuedContributions:
    location = location_of(deployment.settings.storage, "generated", "contribution_values", None)
    return read_object(location, STORED_FORMS["contribution_values"][1], what="", remedy="")


def test_the_job_values_every_accepted_contribution_with_no_typing(deployment: Deployment):
    keys = parts(deployment)
    result = run_values(deployment)
    assert result.success
    metadata = metadata_of(result)
    value = stored_values(deployment)
    found = {entry["contribution"]: entry for entry in value.document["contributions"]}
    assert list(found) == keys
    assert metadata["method"] == value.document["method"] == "knn-shapley"
    assert metadata["contributions"] == 3
    for key, entry in found.items():
        assert metadata[f"value/{key}"] == pytest.approx(entry["value_ppm"] / 1e6)
        assert f"| {key} | {entry['rows']} |" in metadata["values"]
        assert entry["rows"] == read_record(deployment.settings, "generated", key).report.rows_kept
    assert metadata["note"] == value.document["note"] == NOT_A_PAYMENT
    assert value.rows.num_rows == 200 + sum(entry["rows"] for entry in found.values())
    location = location_of(deployment.settings.storage, "generated", "contributed_data", keys[0])
    intake = pq.read_table(checked_version(location, what="", remedy="") / "rows.parquet")
    rows = value.rows.to_pandas()
    assert set(rows[rows.contribution == keys[0]].row_digest) == {
        digest.hex() for digest in intake["hokusai:row_digest"].to_pylist()
    }
    (logged,) = [
        run
        for run in deployment.mlflow_runs("dagster_run")
        if run.data.params.get("value_method") is not None
    ]
    assert logged.info.status == "FINISHED"
    assert logged.data.params["value_method"] == "knn-shapley"


def test_rejected_damaged_and_unevaluated_contributions_hinder_no_other(deployment: Deployment):
    first, second, third = parts(deployment)
    bad = rejected(deployment)
    fresh = deployment.root / "fresh.csv"
    fresh.write_text(deployment.contribution_file.read_text().replace("porch", "hatch"))
    never_run = deployment.register(fresh).key
    damage(deployment, second)
    result = run_values(deployment)
    assert result.success
    assert set(metadata_of(result)["left_out"]) == {second, bad, never_run}
    document = stored_values(deployment).document
    assert [entry["contribution"] for entry in document["contributions"]] == [first, third]
    why = {left["contribution"]: left["why"] for left in document["left_out"]}
    assert why == {second: "damaged", bad: "rejected", never_run: "not evaluated"}
    messages = {left["contribution"]: left["message"] for left in document["left_out"]}
    assert f"hokusai backfill --benchmark generated {second}" in messages[second]
    assert "missing-column" in messages[bad]


def test_a_broken_pointer_to_the_rows_is_damage_too(deployment: Deployment):
    first, second = parts(deployment, 2)
    location = location_of(deployment.settings.storage, "generated", "contributed_data", first)
    (location / "current.json").write_text("{")
    platform = Platform.of(deployment.settings)
    benchmark, _ = platform.current_benchmark("generated")
    stored = stored_contributions(platform, benchmark)
    assert [given.key for given in stored.accepted] == [second]
    assert [(left.contribution, left.why) for left in stored.left_out] == [(first, "damaged")]


def test_config_chooses_method_contributions_and_models(deployment: Deployment):
    keys = parts(deployment)
    result = run_values(deployment, method="sequential", keys=[keys[2], keys[0]], max_models=3)
    assert result.success
    document = stored_values(deployment).document
    assert [entry["contribution"] for entry in document["contributions"]] == [keys[2], keys[0]]
    assert document["models_trained"] == 3
    alone = read_record(deployment.settings, "generated", keys[2]).measured
    # The first in line is worth what its own evaluation measured.
    assert document["contributions"][0]["value_ppm"] == alone["metrics"]["auroc"]["delta_ppm"]
    assert stored_values(deployment).rows is None


def test_what_cannot_be_valued_fails_with_one_sentence(deployment: Deployment):
    parts(deployment, 1)
    for config, said in (
        ({"method": "shapely"}, f"known are {', '.join(METHODS)}"),
        ({"keys": ["nobody"]}, "no contribution nobody; known are: part-"),
        ({"method": "standalone", "max_models": 1}, "trains 2 models, 1 are allowed"),
    ):
        (failure,) = run_values(deployment, **config).get_step_failure_events()
        assert said in failure.step_failure_data.user_failure_data.description


def test_without_contributions_it_says_what_to_do(deployment: Deployment):
    (failure,) = run_values(deployment).get_step_failure_events()
    description = failure.step_failure_data.user_failure_data.description
    assert "yet: run `hokusai evaluate` first" in description


def test_the_values_are_the_same_in_two_homes(make_deployment):
    one, two = make_deployment("one"), make_deployment("two")
    documents = []
    for deployment in (one, two):
        parts(deployment, 2)
        run_values(deployment, method="data-oob", max_models=10)
        documents.append(json.dumps(stored_values(deployment).document))
    assert documents[0] == documents[1]


def test_contributors_share_a_value_to_the_last_millionth(deployment: Deployment):
    sidecar = Path(f"{deployment.contribution_file}.contribution.yaml")
    sidecar.write_text(
        "contributors:\n"
        + "".join(f"  - {{id: c{i}, weight_bps: {w}}}\n" for i, w in enumerate((3333, 3333, 3334)))
    )
    key, _ = deployment.run()
    platform = Platform.of(deployment.settings)
    benchmark, _ = platform.current_benchmark("generated")
    stored = stored_contributions(platform, benchmark)
    assert stored.weights == {key: {"c0": 3333, "c1": 3333, "c2": 3334}}
    (entry,) = value_stored(benchmark, stored, "standalone").document["contributions"]
    assert sum(who["value_ppm"] for who in entry["contributors"]) == entry["value_ppm"]
    assert [who["id"] for who in entry["contributors"]] == ["c0", "c1", "c2"]
    # A mean is no amount.
    (mean,) = value_stored(benchmark, stored, "data-oob", max_models=10).document["contributions"]
    assert mean["contributors"] == []


def test_rows_of_other_columns_are_left_out_with_the_remedy(deployment: Deployment):
    (key,) = parts(deployment, 1)
    spec = deployment.settings.benchmarks / "generated" / "benchmark.yaml"
    spec.write_text(spec.read_text().replace("  region: {type: category}\n", ""))
    platform = Platform.of(deployment.settings)
    benchmark, reused = platform.current_benchmark("generated")
    assert not reused
    stored = stored_contributions(platform, benchmark)
    (left,) = stored.left_out
    assert (left.contribution, left.why) == (key, "other columns")
    assert "hokusai backfill" in left.message
    with pytest.raises(NoCredit, match="can be valued"):
        value_stored(benchmark, stored, "standalone")
