"""A benchmark whose spec is wrong, at the command line."""

import json
import shutil
from pathlib import Path

import pytest

from .test_commands import DATA, FIXTURES, KEYS, hokusai


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data" / "benchmarks"
    for name in ("sms-spam", "letter"):
        shutil.copytree(DATA / "benchmarks" / name, folder / name)
    spec = folder / "letter" / "benchmark.yaml"
    spec.write_text(spec.read_text().replace("primary: accuracy", "primary: acuracy"))
    return tmp_path / "data"


def test_it_is_a_platform_fault_that_names_file_key_found_and_allowed(data: Path, tmp_path: Path):
    done = hokusai(
        "evaluate", FIXTURES / "bad_types.csv", "-b", "letter", "--json",
        home=tmp_path / "home", HOKUSAI_DATA=str(data),
    )  # fmt: skip
    assert done.returncode == 1
    document = json.loads(done.stdout)
    assert set(document) >= KEYS
    (fault,) = document["faults"]
    for word in ("letter/benchmark.yaml", "metrics.primary", "'acuracy'", "accuracy"):
        assert word in fault
    assert not (tmp_path / "home" / "contributions").exists()


def test_it_is_listed_as_broken_beside_the_others(data: Path, tmp_path: Path):
    done = hokusai("benchmarks", home=tmp_path, HOKUSAI_DATA=str(data))
    assert done.returncode == 0
    assert "letter can't be used" in done.stdout
    assert "sms-spam" in done.stdout


def test_a_backfill_of_it_says_why_not(data: Path, tmp_path: Path):
    done = hokusai("backfill", "-b", "letter", "--all", home=tmp_path, HOKUSAI_DATA=str(data))
    assert done.returncode == 1
    assert "metrics.primary" in done.stderr
