"""`hokusai value` as a user runs it: a table or JSON, what is left out, exit codes."""

import json
import shutil
import subprocess
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from hokusai_assets.benchmarks.generated import write_generated_benchmark
from hokusai_assets.orchestration.object_store import checked_version
from hokusai_assets.orchestration.stored_places import location_of

from .test_commands import hokusai

SIDECAR = """\
contributors:
  - {id: alice, weight_bps: 3333}
  - {id: bob, weight_bps: 6667}
"""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A deployment with two halves of a contribution, the first of alice's and bob's."""
    root = tmp_path_factory.mktemp("value")
    write_generated_benchmark(root / "data", seed=7)
    header, *lines = (root / "data" / "contribution.csv").read_text().splitlines()
    for name, part in (("one", lines[:200]), ("two", lines[200:])):
        (root / f"{name}.csv").write_text("\n".join([header, *part]) + "\n")
    (root / "one.csv.contribution.yaml").write_text(SIDECAR)
    bad = root / "bad.csv"
    bad.write_text("distance_km,parcels\n1.5,2\n")
    for name, code in (("one.csv", 0), ("two.csv", 0), ("bad.csv", 3)):
        done = run(root, "evaluate", root / name, "-b", "generated", "--json")
        assert done.returncode == code, done.stderr
    return root


def run(root: Path, *arguments: object, home: str = "home") -> subprocess.CompletedProcess[str]:
    return hokusai(*arguments, home=root / home, HOKUSAI_DATA=str(root / "data"), COLUMNS="120")


def value(root: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    return run(root, "value", "-b", "generated", *arguments)


def keys_of(root: Path) -> dict[str, str]:
    store = root / "home" / "contributions" / "generated"
    return {path.name.split("-")[0]: path.name for path in store.iterdir() if path.is_dir()}


def test_the_table_shows_values_shares_contributors_and_that_it_is_no_payment(root: Path):
    done = value(root, "--method", "shapley")
    assert done.returncode == 0, done.stderr
    keys = keys_of(root)
    for shown in (keys["one"], keys["two"], "alice 33.33%", "bob 66.67%", "± error", "share"):
        assert shown in done.stdout
    assert "not a payment" in done.stdout
    assert f"Left out {keys['bad']}: intake rejected it: missing-column" in done.stdout
    assert "model 4 of at most 4" in done.stderr
    quiet = value(root, "--method", "shapley", "--quiet")
    assert (quiet.stdout, quiet.stderr) == (done.stdout, "")


def test_json_is_one_object_and_contributors_sum_to_the_whole(root: Path):
    done = value(root, "-m", "sequential", "--json")
    assert done.returncode == 0
    document = json.loads(done.stdout)
    assert [entry["contribution"].split("-")[0] for entry in document["contributions"]] == [
        "one",
        "two",
    ]
    first = document["contributions"][0]
    assert sum(who["value_ppm"] for who in first["contributors"]) == first["value_ppm"]
    assert done.stderr == ""


def test_of_a_split_test_set_only_the_public_part_is_asked_and_that_is_said(
    root: Path, tmp_path: Path
):
    shutil.copytree(root / "data", tmp_path / "data")
    spec = tmp_path / "data" / "benchmarks" / "generated" / "benchmark.yaml"
    spec.write_text(f"{spec.read_text()}\ntest_split: {{public_share: 0.2}}\n")

    def split(*arguments: object) -> subprocess.CompletedProcess[str]:
        settings = {"HOKUSAI_DATA": str(tmp_path / "data"), "COLUMNS": "120"}
        return hokusai("value", "-b", "generated", *arguments, home=root / "home", **settings)

    told = json.loads(split("-m", "standalone", "--json").stdout)
    whole = json.loads(value(root, "-m", "standalone", "--json").stdout)
    assert (told["part"], whole["part"]) == ("public", "whole")
    assert told["test_rows"] == round(whole["test_rows"] / 5)
    assert told["replicas"] == whole["replicas"] == 1
    assert f"{told['test_rows']:,} rows, the public part" in " ".join(split().stdout.split())
    assert f"{whole['test_rows']:,} rows, the test set" in " ".join(value(root).stdout.split())


def test_an_order_is_followed_and_keys_choose(root: Path):
    keys = keys_of(root)
    order = f"{keys['two']},{keys['one']}"
    turned = json.loads(value(root, "-m", "sequential", "--order", order, "--json").stdout)
    assert [entry["contribution"] for entry in turned["contributions"]] == order.split(",")
    one = json.loads(value(root, "-m", "standalone", "--key", keys["two"], "--json").stdout)
    assert [entry["contribution"] for entry in one["contributions"]] == [keys["two"]]


def test_the_value_of_each_row_is_written_on_request(root: Path, tmp_path: Path):
    file = tmp_path / "rows.parquet"
    assert value(root, "--rows", file).returncode == 0
    assert pq.read_table(file).column_names == ["contribution", "row_digest", "value"]


def test_wrong_usage_exits_2_and_says_what_is_allowed(root: Path, tmp_path: Path):
    (tmp_path / "there").touch()
    for arguments, said in (
        (["-m", "shapely"], "'leave-one-out', 'shapley'"),
        (["-m", "shapley", "--order", "a,b"], "--order goes with"),
        (["--key", "nobody"], "no contribution nobody"),
        (["-m", "standalone", "--max-models", "2"], "trains 4 models, 2 are"),
        (["-m", "shapley", "--rows", tmp_path / "rows"], "values no rows"),
        (["--rows", tmp_path / "there"], "exists"),
    ):
        done = value(root, *arguments)
        assert done.returncode == 2, arguments
        assert said in done.stderr
    unknown = run(root, "value", "-b", "nosuch")
    assert unknown.returncode == 2
    assert "known are: generated" in unknown.stderr


def test_a_home_without_contributions_says_how_to_get_one(root: Path):
    done = run(root, "value", "-b", "generated", home="fresh")
    assert done.returncode == 2
    assert "hokusai evaluate FILE --benchmark generated" in done.stderr


def test_a_damaged_contribution_is_named_the_others_are_valued_and_it_exits_1(root: Path):
    keys = keys_of(root)
    location = location_of(root / "home" / "storage", "generated", "contributed_data", keys["two"])
    rows = checked_version(location, what="", remedy="") / "rows.parquet"
    whole = rows.read_bytes()
    rows.write_bytes(whole[:-1])
    try:
        done = value(root)
    finally:
        rows.write_bytes(whole)
    assert done.returncode == 1
    assert f"Left out {keys['two']}" in done.stdout
    assert f"hokusai backfill --benchmark generated {keys['two']}" in done.stdout
    assert f"{keys['one']} " in done.stdout
