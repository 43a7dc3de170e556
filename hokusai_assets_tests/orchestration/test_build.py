"""The graph of a deployment, and what a broken benchmark does to it."""

import shutil
from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pytest

from hokusai_assets.orchestration.build import build_definitions

from .conftest import Deployment

# The arrows that are drawn: one more than the chain where a box would look cut off without it.
LINEAGE = {
    "benchmark": set(),
    "baseline_model": {"benchmark"},
    "baseline_evaluation": {"baseline_model"},
    "drop": set(),
    "contributed_data": {"drop", "benchmark", "baseline_evaluation"},
    "new_model": {"contributed_data"},
    "new_evaluation": {"new_model"},
    "metric_deltas": {"baseline_evaluation", "new_evaluation"},
    "settlement": {"metric_deltas"},
    "attestation": {"settlement"},
    "contribution_values": {"benchmark", "contributed_data"},
    "leaderboard": {"contributed_data", "attestation", "contribution_values"},
}
OF_BENCHMARK = {
    "benchmark",
    "baseline_model",
    "baseline_evaluation",
    "contribution_values",
    "leaderboard",
}
PARTITIONED = set(LINEAGE) - OF_BENCHMARK - {"drop"}


def test_a_benchmark_has_the_agreed_lineage(deployment: Deployment):
    graph = deployment.definitions.resolve_asset_graph()
    found = {
        key.path[1]: {parent.path[1] for parent in graph.get(key).parent_keys}
        for key in graph.get_all_asset_keys()
    }
    assert found == LINEAGE


def test_contributions_are_partitions_run_one_at_a_time(deployment: Deployment):
    graph = deployment.definitions.resolve_asset_graph()
    nodes = [graph.get(key) for key in graph.get_all_asset_keys()]
    partitioned = [node for node in nodes if node.is_partitioned and node.is_executable]
    assert {node.key.path[1] for node in partitioned} == PARTITIONED
    assert all(node.backfill_policy.max_partitions_per_run == 1 for node in partitioned)


def test_no_run_of_one_contribution_includes_the_values_of_all(deployment: Deployment):
    definitions = deployment.definitions
    steps = {
        job: {
            key.path[1]
            for key in definitions.resolve_job_def(job).asset_layer.executable_asset_keys
        }
        for job in ("generated_contribution", "generated_values")
    }
    assert steps["generated_contribution"] == set(LINEAGE) - {
        "drop",
        "contribution_values",
        "leaderboard",
    }
    assert steps["generated_values"] == {"benchmark", "contribution_values"}


def test_every_check_of_a_contribution_is_partitioned_and_all_but_one_block(deployment: Deployment):
    graph = deployment.definitions.resolve_asset_graph()
    names = set()
    for key in graph.asset_check_keys:
        check = graph.get(key)
        names.add(key.name)
        if key.asset_key.path[1] in PARTITIONED:
            assert check.blocking is (key.name != "data_is_plausible")
            assert check.partitions_def is not None
    assert names == {
        "test_set_is_usable",
        "contribution_accepted",
        "all_personal_data_hashed",
        "no_test_row_leaks",
        "data_is_plausible",
        "metrics_recomputed_from_predictions_agree",
        "attestation_verifies",
        "no_contribution_left_failed",
        "index_agrees_with_what_is_stored",
    }


def test_jobs_and_sensors_are_named_after_the_benchmark(deployment: Deployment):
    definitions = deployment.definitions
    jobs = {job.name for job in definitions.resolve_all_job_defs()} - {"__ASSET_JOB"}
    assert jobs == {
        "generated_contribution",
        "generated_baseline",
        "generated_values",
        "generated_leaderboard",
    }
    assert {sensor.name for sensor in definitions.sensors} == {"generated_drops", "leaderboards"}
    dg.Definitions.validate_loadable(definitions)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("primary: auroc", "primary: acuracy", "metrics.primary"),
        ("task: binary", "task: binary\nsede: 3", "sede: unknown key"),
        ("version: 1", "version: [", "not valid YAML"),
    ],
)
def test_a_broken_benchmark_says_so_in_dagster_and_leaves_the_others_alone(
    deployment: Deployment, old: str, new: str, said: str
):
    folder = deployment.settings.benchmarks / "broken"
    shutil.copytree(deployment.settings.benchmarks / "generated", folder)
    spec = folder / "benchmark.yaml"
    spec.write_text(spec.read_text().replace("id: generated", "id: broken").replace(old, new))
    definitions = build_definitions(deployment.settings)
    graph = definitions.resolve_asset_graph()
    broken = graph.get(dg.AssetKey(["broken", "benchmark"]))
    assert "can't be used" in broken.description
    assert said in broken.description
    assert str(spec) in broken.description
    assert len(graph.get_all_asset_keys()) == len(LINEAGE) + 1
    _, outcome = deployment.run()
    assert outcome.status == "evaluated"


def test_materializing_a_broken_benchmark_fails_with_the_reason(deployment: Deployment):
    folder = deployment.settings.benchmarks / "broken"
    folder.mkdir()
    (folder / "benchmark.yaml").write_text("version: 1\n")
    definitions = build_definitions(deployment.settings)
    result = definitions.resolve_implicit_global_asset_job_def().execute_in_process(
        instance=deployment.instance,
        asset_selection=[dg.AssetKey(["broken", "benchmark"])],
        raise_on_error=False,
    )
    (failure,) = result.get_step_failure_events()
    assert "labels: the key is missing" in failure.step_failure_data.user_failure_data.description


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("params: {C: 1.0}", "params: {c: 1.0}", "did you mean 'C'?"),
        ("params: {C: 1.0}", "params: {C: -1.0}", "model.params"),
        ('labels: ["no", "yes"]', 'labels: ["no", "maybe"]', "positive_label"),
        ("region: {type: category}", "regoin: {type: category}", "no column 'regoin'"),
    ],
)
def test_a_wrong_parameter_or_column_fails_the_run_with_file_key_and_what_is_allowed(
    make_deployment: Callable[..., Deployment], old: str, new: str, said: str
):
    deployment = make_deployment()
    spec = deployment.settings.benchmarks / "generated" / "benchmark.yaml"
    spec.write_text(spec.read_text().replace(old, new))
    definitions = build_definitions(deployment.settings)
    job = definitions.resolve_implicit_global_asset_job_def()
    result = job.execute_in_process(
        instance=deployment.instance,
        asset_selection=[dg.AssetKey(["generated", "benchmark"])],
        raise_on_error=False,
    )
    (failure,) = result.get_step_failure_events()
    description = failure.step_failure_data.user_failure_data.description
    assert said in description
    assert str(spec) in description


def test_a_deployment_without_benchmarks_loads(make_deployment: Callable[..., Deployment]):
    deployment = make_deployment()
    shutil.rmtree(deployment.settings.benchmarks)
    assert not build_definitions(deployment.settings).assets


def test_the_workspace_file_names_a_module_that_loads():
    from ruamel.yaml import YAML

    workspace = YAML(typ="safe").load(
        (Path(__file__).resolve().parents[2] / "workspace.yaml").read_text()
    )
    entry = workspace["load_from"][0]["python_module"]
    import importlib

    module = importlib.import_module(entry["module_name"])
    assert isinstance(getattr(module, entry["attribute"]), dg.Definitions)
