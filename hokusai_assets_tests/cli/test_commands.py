"""The command line as a user runs it: a process of its own, exit codes, what is printed."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

DATA = Path(__file__).resolve().parents[2] / "data"
FIXTURES = DATA / "test_fixtures"
KEYS = {
    "benchmark",
    "contribution",
    "status",
    "reasons",
    "rows",
    "metrics",
    "delta_one",
    "attestation",
    "attestation_hash",
    "result_hash",
    "predictions",
    "alone",
    "measured_on",
    "accepted_before",
    "budget",
    "dry_run",
}


ALL_KEYS = KEYS | {"report", "faults", "privacy", "reused", "warnings", "dagster_run_id"}


def hokusai(*arguments: object, home: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "hokusai_assets.cli.main", *map(str, arguments)],
        env=clean_environment()
        | {"HOKUSAI_HOME": str(home), "HOKUSAI_DATA": str(DATA)}
        | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def clean_environment() -> dict[str, str]:
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("HOKUSAI_", "MLFLOW_", "DAGSTER_"))
    }


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home that the commands of this module share, as an operator's does."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def evaluated(home: Path) -> dict:
    done = hokusai("evaluate", FIXTURES / "test_queries.csv", "-b", "sms-spam", "--json", home=home)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_evaluate_prints_one_json_object_with_all_that_is_promised(evaluated: dict):
    assert set(evaluated) >= KEYS
    assert evaluated["status"] == "evaluated"
    assert evaluated["dry_run"] is False
    rows = evaluated["rows"]
    assert rows["in"] == rows["kept"] + sum(rows["removed"].values()) == 747
    assert rows["hashed"] > 0
    for metric in evaluated["metrics"].values():
        assert metric["delta"] == pytest.approx(metric["new"] - metric["baseline"], abs=1e-9)
    assert set(evaluated["delta_one"]) >= {"bps", "accepted", "reason"}
    assert [Path(path).is_file() for path in evaluated["predictions"]] == [True]


def test_more_real_data_gives_an_accepted_gain(evaluated: dict):
    assert evaluated["delta_one"]["accepted"] is True
    assert evaluated["delta_one"]["bps"] >= 100


def test_the_attestation_verifies_with_the_key_beside_the_home(evaluated: dict, home: Path):
    key = home / "keys" / "signing.ed25519.pub.pem"
    done = hokusai(
        "verify", evaluated["attestation"], "--public-key", key,
        "--predictions", evaluated["predictions"][0], "--data", DATA, "--json", home=home,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    document = json.loads(done.stdout)
    assert document["verified"] is True
    assert {check["outcome"] for check in document["checks"]} == {"pass"}


def test_a_quiet_verification_prints_only_its_last_line(evaluated: dict, home: Path):
    given = ("verify", evaluated["attestation"], "--predictions", evaluated["predictions"][0])
    told = hokusai(*given, home=home)
    assert told.stderr == "reading the per-row files ...\n"
    quiet = hokusai(*given, "-q", home=home)
    assert (quiet.returncode, quiet.stderr) == (told.returncode, "") == (0, "")
    assert quiet.stdout == told.stdout.splitlines(keepends=True)[-1]
    assert quiet.stdout.startswith("Verified")


def test_a_quiet_verification_that_fails_says_so(evaluated: dict, tmp_path: Path):
    done = hokusai("verify", evaluated["attestation"], "-q", home=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (1, "Not verified\n", "")


def test_a_tampered_attestation_does_not_verify(evaluated: dict, home: Path, tmp_path: Path):
    envelope = json.loads(Path(evaluated["attestation"]).read_text())
    envelope["payload"] = envelope["payload"][:-8] + "AAAA" + envelope["payload"][-4:]
    tampered = tmp_path / "tampered.json"
    tampered.write_text(json.dumps(envelope))
    done = hokusai("verify", tampered, home=home)
    assert done.returncode == 1
    assert "Not verified" in done.stdout


def test_a_strangers_verification_without_a_key_is_not_a_pass(evaluated: dict, tmp_path: Path):
    done = hokusai("verify", evaluated["attestation"], home=tmp_path)
    assert done.returncode == 1
    assert "not checked signature" in done.stdout


@pytest.mark.parametrize(
    ("file", "rule"),
    [
        ("bad_missing_column.csv", "missing-column"),
        ("bad_unknown_label.json", "unknown-label"),
        ("bad_empty.csv", "empty-file"),
        ("bad_empty.json", "empty-file"),
        ("bad_truncated.parquet", "bad-parquet"),
        ("bad_copied_from_test.csv", "copied-from-test-set"),
    ],
)
def test_an_unusable_file_exits_3_with_the_rule_and_a_fix(file: str, rule: str, home: Path):
    done = hokusai("evaluate", FIXTURES / file, "-b", "sms-spam", "--json", home=home)
    assert done.returncode == 3, done.stderr
    document = json.loads(done.stdout)
    assert document["status"] == "rejected"
    assert rule in {reason["rule"] for reason in document["reasons"]}
    assert all(reason["message"] and reason["fix"] for reason in document["reasons"])
    assert document["attestation"] is None
    assert document["warnings"] == []
    assert set(document) == set(ALL_KEYS)


def test_a_file_of_unknown_format_is_rejected_with_the_known_ones(home: Path, tmp_path: Path):
    odd = tmp_path / "mine.xlsx"
    odd.write_bytes(b"PK")
    done = hokusai("evaluate", odd, "-b", "sms-spam", home=home)
    assert done.returncode == 3
    assert "unknown-format" in done.stdout
    assert ".parquet" in done.stdout


def test_personal_data_is_hashed_and_never_printed(home: Path):
    done = hokusai("evaluate", FIXTURES / "pii_laden.csv", "-b", "sms-spam", "--json", home=home)
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["rows"]["hashed"] >= 50
    assert "@example" not in done.stdout + done.stderr
    predictions = Path(document["predictions"][0]).read_bytes()
    assert b"@example" not in predictions


def test_flipped_labels_are_evaluated_to_a_loss(home: Path):
    done = hokusai(
        "evaluate", FIXTURES / "label_flipped.csv", "-b", "sms-spam", "--json", home=home
    )
    assert done.returncode == 0, done.stderr
    decision = json.loads(done.stdout)["delta_one"]
    assert decision["bps"] < -100
    assert decision["accepted"] is False


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["evaluate"], "FILE is needed"),
        (["evaluate", FIXTURES / "test_queries.csv"], "adult-income, letter, sms-spam"),
        (["evaluate", FIXTURES / "test_queries.csv", "-b", "sms"], "no benchmark 'sms'"),
        (["evaluate", "nowhere.csv", "-b", "sms-spam"], "does not exist"),
        (["backfill", "-b", "sms-spam"], "give --all or KEYs"),
        (["backfill", "-b", "sms-spam", "nobody-000000000000"], "no contribution"),
        (["evaluate", "--no-such-option"], "No such option"),
    ],
)
def test_wrong_usage_exits_2_and_says_what_is_allowed(arguments: list, said: str, home: Path):
    done = hokusai(*arguments, home=home)
    assert done.returncode == 2
    assert said in done.stderr.replace("\n", " ")


def test_a_wrong_setting_is_wrong_usage(tmp_path: Path):
    done = hokusai("benchmarks", home=tmp_path, HOKUSAI_MODE="prod")
    assert done.returncode == 2
    assert "HOKUSAI_MODE" in done.stderr


def test_production_without_given_keys_is_a_platform_fault_that_names_the_fix(tmp_path: Path):
    done = hokusai(
        "evaluate", FIXTURES / "pii_laden.csv", "-b", "sms-spam",
        home=tmp_path, HOKUSAI_MODE="production",
    )  # fmt: skip
    assert done.returncode == 1
    assert "HOKUSAI_PII_KEY" in done.stderr


def test_backfill_runs_past_contributions_and_a_rejected_one_stops_no_other(
    evaluated: dict, home: Path
):
    rejected = hokusai("evaluate", FIXTURES / "bad_empty.json", "-b", "sms-spam", home=home)
    assert rejected.returncode == 3
    done = hokusai("backfill", "-b", "sms-spam", "--all", "--json", home=home)
    assert done.returncode == 0, done.stderr
    documents = {d["contribution"]: d for d in json.loads(done.stdout)["contributions"]}
    again = documents[evaluated["contribution"]]
    assert again["status"] == "evaluated"
    assert again["attestation_hash"] == evaluated["attestation_hash"]
    assert any(document["status"] == "rejected" for document in documents.values())


def test_the_help_names_every_verb_and_the_exit_codes(tmp_path: Path):
    done = hokusai("--help", home=tmp_path)
    assert done.returncode == 0
    for word in ("evaluate", "verify", "backfill", "benchmarks", "dev", "Exit codes"):
        assert word in done.stdout


def test_benchmarks_lists_the_bundled_ones(tmp_path: Path):
    done = hokusai("benchmarks", "--json", home=tmp_path)
    listed = json.loads(done.stdout)["benchmarks"]
    assert [entry["id"] for entry in listed] == ["adult-income", "letter", "sms-spam"]
    assert all(entry["error"] is None for entry in listed)


def test_a_new_benchmark_is_scaffolded_listed_and_usable(tmp_path: Path):
    data = tmp_path / "data"
    source = DATA / "benchmarks" / "sms-spam"
    done = hokusai(
        "benchmarks", "new", "my-spam", "--train", source / "base.parquet",
        "--test", source / "test.parquet", "--target", "label",
        home=tmp_path / "home", HOKUSAI_DATA=str(data),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    spec = (data / "benchmarks" / "my-spam" / "benchmark.yaml").read_text()
    assert spec.count("#") > 10
    evaluated = hokusai(
        "evaluate", FIXTURES / "test_queries.csv", "-b", "my-spam", "--json",
        home=tmp_path / "home", HOKUSAI_DATA=str(data),
    )  # fmt: skip
    assert evaluated.returncode == 0, evaluated.stderr
    taken = hokusai(
        "benchmarks", "new", "my-spam", "--train", source / "base.parquet",
        "--test", source / "test.parquet", "--target", "label",
        home=tmp_path / "home", HOKUSAI_DATA=str(data),
    )  # fmt: skip
    assert taken.returncode == 2
    assert "exists" in taken.stderr


def dry_run(*arguments: object, home: Path) -> dict:
    done = hokusai("evaluate", *arguments, "--dry-run", "--json", home=home)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_dry_run_touches_no_home_is_marked_and_never_verifies(tmp_path: Path):
    document = dry_run(home=tmp_path / "home")
    assert document["dry_run"] is True
    assert Path(document["report"]).parent == Path(document["attestation"]).parent
    assert not (tmp_path / "home").exists()
    done = hokusai("verify", document["attestation"], home=tmp_path / "home")
    assert done.returncode == 1
    assert "this is a dry run" in done.stdout


def test_the_same_seed_gives_a_dry_run_the_same_bytes(tmp_path: Path):
    one, two = (dry_run("--seed", 5, home=tmp_path) for _ in range(2))
    other = dry_run("--seed", 6, home=tmp_path)
    assert Path(one["attestation"]).read_bytes() == Path(two["attestation"]).read_bytes()
    assert one["attestation_hash"] != other["attestation_hash"]


def test_a_dry_run_of_a_file_leaves_no_copy_of_it(tmp_path: Path, monkeypatch):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    done = hokusai(
        "evaluate", FIXTURES / "pii_laden.csv", "-b", "sms-spam", "--dry-run", "--json",
        home=tmp_path / "home", TMPDIR=str(scratch),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    kept = sorted(path for path in scratch.rglob("*") if path.is_file())
    names = ["attestation.json", "predictions.parquet", "report.html"]
    assert [path.name for path in kept] == names
    document = json.loads(done.stdout)
    assert document["report"] == str(kept[2])
    page = kept[2].read_text()
    assert document["attestation_hash"] in page
    assert "rehearsal" in page
    assert "@example" not in page


def test_a_dry_run_of_a_rejected_file_keeps_the_page_that_says_why(tmp_path: Path):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    done = hokusai(
        "evaluate", FIXTURES / "bad_missing_column.csv", "-b", "sms-spam", "--dry-run",
        home=tmp_path / "home", TMPDIR=str(scratch),
    )  # fmt: skip
    assert done.returncode == 3, done.stderr
    (kept,) = (path for path in scratch.rglob("*") if path.is_file())
    assert done.stdout.splitlines()[-1] == f"Report: {kept}"
    assert "missing-column" in kept.read_text()


def test_a_file_that_is_not_read_has_no_page(tmp_path: Path):
    odd = tmp_path / "mine.xlsx"
    odd.write_bytes(b"PK")
    for also in ((), ("--dry-run",)):
        done = hokusai("evaluate", odd, "-b", "sms-spam", *also, home=tmp_path / "home")
        assert done.returncode == 3
        assert "Report" not in done.stdout
        assert "Traceback" not in done.stderr


@pytest.mark.parametrize("threads", ["1", "2"])
def test_the_number_of_threads_moves_no_hash(threads: str, evaluated: dict, tmp_path: Path):
    done = hokusai(
        "evaluate", FIXTURES / "test_queries.csv", "-b", "sms-spam", "--json", home=tmp_path,
        OMP_NUM_THREADS=threads, OPENBLAS_NUM_THREADS=threads,
    )  # fmt: skip
    assert json.loads(done.stdout)["attestation_hash"] == evaluated["attestation_hash"]
