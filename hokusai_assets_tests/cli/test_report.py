"""`hokusai report` as its users run it."""

import json
import shutil
from pathlib import Path

import pytest

from hokusai_assets.benchmarks.generated import write_generated_benchmark

from .test_commands import hokusai


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with an evaluated and a rejected contribution, and one known to two benchmarks."""
    root = tmp_path_factory.mktemp("reported")
    folder, file = write_generated_benchmark(root / "data", seed=3)
    broken = root / "broken.csv"
    broken.write_text("a,b\n1,2\n")
    for sent in (file, broken):
        run(root, "evaluate", sent, "-b", "generated", "--json")
    twin = folder.with_name("twin")
    shutil.copytree(folder, twin)
    spec = twin / "benchmark.yaml"
    spec.write_text(spec.read_text().replace("id: generated", "id: twin"))
    run(root, "evaluate", broken, "-b", "twin", "--json")
    return root


def run(root: Path, *arguments: object):
    return hokusai(*arguments, home=root / "home", HOKUSAI_DATA=str(root / "data"))


def key_of(root: Path, name: str) -> str:
    (found,) = (root / "home" / "contributions" / "generated").glob(f"{name}-*")
    return found.name


def test_a_contribution_is_one_file_the_same_each_time(root: Path, tmp_path: Path):
    key = key_of(root, "contribution")
    first = run(root, "report", key)
    assert first.returncode == 0, first.stderr
    kept = Path(first.stdout.strip())
    assert kept.is_relative_to(root / "home" / "reports" / "generated")
    done = run(root, "report", key, "-o", tmp_path / "out.html")
    assert done.stdout.strip() == str(tmp_path / "out.html")
    assert (tmp_path / "out.html").read_bytes() == kept.read_bytes()
    assert run(root, "report", key, "-o", "-").stdout == kept.read_text()
    envelope = next((root / "home" / "attestations" / "generated").glob(f"{key}.*"))
    assert envelope.name in kept.read_text()


def test_json_says_of_what_the_page_is_and_where(root: Path, tmp_path: Path):
    page, key = tmp_path / "j.html", key_of(root, "contribution")
    done = run(root, "report", key, "-o", page, "--json")
    about = {"benchmark": "generated", "contribution": key, "report": str(page)}
    assert json.loads(done.stdout) == about
    assert page.is_file()
    both = run(root, "report", key, "-o", "-", "--json")
    assert (both.returncode, both.stdout) == (2, "")


def test_a_rejected_one_shows_why(root: Path, tmp_path: Path):
    done = run(root, "report", key_of(root, "broken"), "-b", "twin", "-o", tmp_path / "r.html")
    assert done.returncode == 0, done.stderr
    assert "missing-column" in (tmp_path / "r.html").read_text()


def test_a_benchmark_has_a_page_of_its_own(root: Path, tmp_path: Path):
    done = run(root, "report", "-b", "generated", "-o", tmp_path / "b.html")
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "b.html").read_text()
    assert key_of(root, "contribution") in text
    assert "rejected: missing-column" in text


def test_a_key_of_two_benchmarks_is_asked_about(root: Path):
    done = run(root, "report", key_of(root, "broken"))
    assert done.returncode == 2
    assert "was sent to generated, twin: say which with --benchmark ID" in done.stderr


def test_an_unknown_key_names_the_known_ones(root: Path):
    done = run(root, "report", "nobody-000000000000")
    assert done.returncode == 2
    assert key_of(root, "contribution") in done.stderr


def test_neither_key_nor_benchmark_is_wrong_usage(root: Path):
    assert run(root, "report").returncode == 2


def test_what_was_never_run_names_the_remedy(root: Path):
    store = root / "home" / "contributions" / "twin"
    (known,) = [path for path in store.iterdir() if path.name.startswith("broken-")]
    waiting = store / "waiting-111111111111"
    shutil.copytree(known, waiting)
    origin = json.loads((waiting / "origin.json").read_text())
    (waiting / "origin.json").write_text(json.dumps(origin | {"key": waiting.name}))
    done = run(root, "report", waiting.name)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert f"hokusai backfill --benchmark twin {waiting.name}" in done.stderr


def test_a_folder_that_is_not_there_to_write_in_is_made(root: Path, tmp_path: Path):
    path = tmp_path / "new" / "page.html"
    assert run(root, "report", "-b", "twin", "-o", path).returncode == 0
    assert path.is_file()
