"""`hokusai promote` as an operator runs it: shown first, done on --yes, and what comes after."""

import json
import subprocess
from pathlib import Path

import pytest

from hokusai_assets.benchmarks.generated import write_generated_benchmark

from .test_commands import hokusai


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A deployment whose benchmark accepts the generated contribution."""
    root = tmp_path_factory.mktemp("promote")
    folder, _ = write_generated_benchmark(root / "data", seed=7)
    with (folder / "benchmark.yaml").open("a") as stream:
        stream.write("delta_one: {min_delta_bps: 0, submissions: 5}\n")
    return root


def run(root: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    return hokusai(*arguments, home=root / "home", HOKUSAI_DATA=str(root / "data"), COLUMNS="120")


def aliases(root: Path, role: str) -> dict[str, str]:
    from mlflow.tracking import MlflowClient

    uri = f"sqlite:///{root / 'home' / 'mlflow' / 'mlflow.db'}"
    client = MlflowClient(tracking_uri=uri, registry_uri=uri)
    found = client.get_registered_model(f"hokusai.generated.{role}").aliases
    return {alias: str(version) for alias, version in found.items()}


def evaluated(root: Path, file: Path) -> tuple[int, dict]:
    done = run(root, "evaluate", file, "-b", "generated", "--json")
    return done.returncode, json.loads(done.stdout)


def test_from_nothing_to_a_new_version_whose_baseline_holds_the_accepted_rows(root: Path):
    nothing = run(root, "promote", "-b", "generated", "--yes")
    assert nothing.returncode == 2
    assert "no contribution to generated was accepted" in nothing.stderr

    file = root / "data" / "contribution.csv"
    code, first = evaluated(root, file)
    assert code == 0 and first["delta_one"]["accepted"]
    key = first["contribution"]
    spec = root / "data" / "benchmarks" / "generated" / "benchmark.yaml"
    before = spec.read_bytes()

    shown = run(root, "promote", "-b", "generated")
    assert shown.returncode == 0
    assert "version 1 -> 2" in shown.stdout and key in shown.stdout
    assert "Base set: 200 rows -> " in shown.stdout
    assert "1 of 5 looks are spent" in shown.stdout
    assert "Nothing was changed" in shown.stdout
    assert spec.read_bytes() == before

    asked = json.loads(run(root, "promote", "-b", "generated", "--json").stdout)
    assert asked["promoted"] is False
    assert aliases(root, "candidate") == {"challenger": "1"}
    assert spec.read_bytes() == before

    done = run(root, "promote", "-b", "generated", "--yes", "--json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["promoted"] is True
    # The model that was accepted is the champion of the candidates, and nobody's challenger.
    assert (document["champion"], document["warnings"]) == ("1", [])
    assert aliases(root, "candidate") == {"champion": "1"}
    assert aliases(root, "baseline") == {"champion": "1"}
    assert [entry["key"] for entry in document["contributions"]] == [key]
    assert b"promoted/" + key.encode() in spec.read_bytes()

    listed = json.loads(run(root, "benchmarks", "--json").stdout)["benchmarks"][0]
    assert listed["version"] == 2
    assert listed["budget"] == {"submissions": 5, "spent": 1, "accepted": 0}

    # Its rows stand in the base set now: nobody is paid for them twice.
    code, again = evaluated(root, file)
    assert code == 3
    assert [reason["rule"] for reason in again["reasons"]] == ["too-few-new-rows"]

    # The new baseline is the model that was accepted, and the old attestation stands.
    other = root / "other.csv"
    header, *lines = file.read_text().splitlines()
    other.write_text("\n".join([header, *(f"9{line}" for line in lines[:60])]) + "\n")
    _, second = evaluated(root, other)
    for name, value in first["metrics"].items():
        assert second["metrics"][name]["baseline"] == pytest.approx(value["new"], abs=1e-9)
    assert second["budget"]["position"] == 2 and second["accepted_before"] == []
    attestation = Path(first["attestation"])
    (public_key,) = attestation.parent.glob("public_key.*.pem")
    verified = run(root, "verify", attestation, "--public-key", public_key)
    assert verified.returncode == 0, verified.stdout


def test_wrong_usage_names_what_is_allowed(root: Path):
    unknown = run(root, "promote", "-b", "nosuch")
    assert unknown.returncode == 2 and "known are: generated" in unknown.stderr
    without = run(root, "promote", "-b", "generated", "--without", "nobody")
    assert without.returncode == 2 and "nobody was not accepted" in without.stderr
