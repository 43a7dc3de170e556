"""Without Dagster and MLflow: what verifies works, and what needs them says so."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from hokusai_assets.attestation.public_keys import public_pem
from hokusai_assets_tests.attestation.changed_statements import PUBLIC
from hokusai_assets_tests.attestation.measured_contribution import (
    measured_contribution,
    resign,
    write_predictions,
)
from hokusai_assets_tests.cli.test_commands import DATA, FIXTURES, clean_environment

# An import of a module that stands as None fails as if it were not installed.
PROGRAM = """
import sys
for name in ("dagster", "dagster_mlflow", "fsspec", "mlflow", "sqlalchemy"):
    sys.modules[name] = None
from hokusai_assets.cli.main import main
main()
"""


def hokusai(*arguments: object, home: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, *map(str, arguments)],
        env=clean_environment() | {"HOKUSAI_HOME": str(home), "HOKUSAI_DATA": str(DATA)},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


@pytest.fixture(scope="module")
def issued(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an attestation, its key, its per-row file, the data and the contribution."""
    root = tmp_path_factory.mktemp("issued")
    parts = measured_contribution(root)
    (root / "attestation.json").write_bytes(resign(parts.statement()))
    (root / "key.pem").write_bytes(public_pem(PUBLIC))
    write_predictions(parts, root / "predictions.parquet", lambda table: table)
    return root


def test_verify_checks_all_that_it_is_given(issued: Path, tmp_path: Path):
    opened = hokusai(
        "prove-row",
        issued / "attestation.json",
        "--predictions",
        issued / "predictions.parquet",
        "--index",
        "3",
        "-o",
        tmp_path / "row.json",
        home=tmp_path / "home",
    )
    assert opened.returncode == 0, opened.stderr
    done = hokusai(
        "verify",
        issued / "attestation.json",
        "--public-key",
        issued / "key.pem",
        "--predictions",
        issued / "predictions.parquet",
        "--data",
        issued,
        "--row-proof",
        tmp_path / "row.json",
        "--reproduce",
        "--contributions",
        issued,
        "--json",
        home=tmp_path / "home",
    )
    document = json.loads(done.stdout)
    assert document["verified"] is True, document
    outcomes = {check["name"]: check["outcome"] for check in document["checks"]}
    for name in ("signature", "predictions", "benchmark", "row", "reproduced"):
        assert outcomes[name] == "pass", name


def test_keys_and_policies_are_made_and_verified_by(issued: Path, tmp_path: Path):
    home, policy = tmp_path / "home", tmp_path / "policy.yaml"
    for arguments in (
        ("keys", "new"),
        ("keys", "list"),
        ("keys", "trust", "--owner", "Example Org", "-o", policy),
        ("log", "show"),
    ):
        done = hokusai(*arguments, home=home)
        assert done.returncode == 0, done.stderr
    # The policy is of other keys than signed.
    done = hokusai("verify", issued / "attestation.json", "--trust", policy, home=home)
    assert done.returncode == 1
    assert "is not in the policy" in done.stdout.replace("\n", " ")


@pytest.mark.parametrize("form", ["public-inputs", "zk-output", "witness"])
def test_an_attestation_is_exported(issued: Path, tmp_path: Path, form: str):
    path = tmp_path / "exported.json"
    given = ("--predictions", issued / "predictions.parquet") if form == "witness" else ()
    spec = next(issued.rglob("benchmark.yaml"))
    given += ("--spec", spec) if form == "zk-output" else ()
    done = hokusai(
        "export", issued / "attestation.json", "--format", form, "-o", path, *given,
        home=tmp_path / "home",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(path.read_text())


@pytest.mark.parametrize(
    "arguments", [("evaluate", FIXTURES / "test_queries.csv", "-b", "sms-spam"), ("dev",)]
)
def test_what_needs_the_platform_says_how_to_install_it(arguments: tuple[str, ...], tmp_path: Path):
    (tmp_path / "x.csv").write_text("a\n1\n")
    done = hokusai(*arguments, home=tmp_path / "home")
    assert done.returncode == 1
    assert "pip install 'hokusai-assets[platform]'" in done.stderr
    assert "Traceback" not in done.stderr
