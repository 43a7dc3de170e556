"""`hokusai check` as a contributor runs it: no key, no server, no home, nothing recorded."""

import csv
import errno
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

from hokusai_assets.cli import check_run
from hokusai_assets.cli.check_page import check_page
from hokusai_assets.cli.check_run import empty_document
from hokusai_assets.cli.main import main
from hokusai_assets.contributions.manifest import parse_manifest
from hokusai_assets.evaluation import contribution_check
from hokusai_assets_tests.report.read_page import Page

DATA = Path(__file__).resolve().parents[2] / "data"
FIXTURES = DATA / "test_fixtures"
BATCH = DATA / "contributions/sms-spam/batch-05.csv"
# EIP-55, test cases.
WALLET = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A contributor's machine: the benchmarks, and nothing of the platform's."""
    for name in ("HOKUSAI_PII_KEY", "HOKUSAI_PII_KEY_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOKUSAI_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HOKUSAI_DATA", str(DATA))
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()


def check(*arguments: object, answers: str | None = None) -> Result:
    return CliRunner().invoke(main, ["check", *map(str, arguments)], input=answers)


def document(*arguments: object) -> dict:
    return json.loads(check(*arguments, "--json").stdout)


def test_an_honest_file_would_be_accepted_and_nothing_is_left_behind(tmp_path: Path):
    done = check(BATCH, "-b", "sms-spam")
    assert done.exit_code == 0
    assert done.stdout.startswith("batch-05.csv would be accepted by sms-spam.")
    assert done.stderr.splitlines()[0] == "loading the benchmark ..."
    assert check(BATCH, "-b", "sms-spam", "-q").stderr == ""
    assert "count as new" in done.stdout
    assert "Would be hashed:" in done.stdout
    assert not (tmp_path / "home").exists()
    assert list((tmp_path / "tmp").iterdir()) == []


def test_the_json_document_has_every_field_whatever_the_verdict():
    good = document(BATCH, "-b", "sms-spam")
    bad = document(FIXTURES / "bad_truncated.parquet", "-b", "sms-spam")
    assert set(good) == set(bad) == set(empty_document("", ""))
    assert good["would_be_accepted"]
    assert not bad["would_be_accepted"]
    assert good["rows"]["in"] == 107
    assert [reason["rule"] for reason in bad["reasons"]] == ["bad-parquet"]
    assert good["read_as"]["delimiter"] == ","


def test_a_bad_file_is_told_all_that_is_wrong_at_once(tmp_path: Path):
    path = tmp_path / "mine.csv"
    path.write_text('text,label\n"a fine message",good\n"another",maybe\n,bad\n"third"\n')
    done = check(path, "-b", "sms-spam")
    assert done.exit_code == 3
    for rule in ("unknown-label", "missing-value", "ragged-rows"):
        assert rule in done.stdout
    assert "fix:" in done.stdout
    assert "mine.csv, column 'text', row 3: the cell is empty" in done.stdout
    assert "3 breaking a rule" in done.stdout


def test_a_file_that_was_not_looked_through_is_not_called_free_of_personal_data():
    done = check(FIXTURES / "bad_missing_column.csv", "-b", "sms-spam")
    assert done.exit_code == 3
    assert "bad_missing_column.csv: column 'label' is missing" in done.stdout.replace("\n", "")
    assert "can be looked through once that is mended" in done.stdout
    assert "personal data" not in done.stdout


@pytest.fixture
def no_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail a test whose check begins to work."""

    def works(*_: object, **__: object) -> None:
        raise AssertionError

    monkeypatch.setattr(check_run, "run_check", works)


@pytest.mark.usefixtures("no_work")
@pytest.mark.parametrize("option", ["--report", "--fix"])
def test_a_folder_that_is_not_there_is_wrong_usage_before_the_work(option: str, tmp_path: Path):
    done = check(BATCH, "-b", "sms-spam", option, tmp_path / "none" / "out.csv")
    assert done.exit_code == 2
    assert f"{option}: there is no folder {tmp_path / 'none'}" in done.stderr
    assert not (tmp_path / "none").exists()


@pytest.mark.usefixtures("no_work")
@pytest.mark.parametrize("option", ["--report", "--fix"])
def test_a_folder_that_can_not_be_written_is_wrong_usage_before_the_work(
    option: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    # Not by its mode: root may write anywhere.
    monkeypatch.setattr(os, "access", lambda _, mode: not mode & os.W_OK)
    done = check(BATCH, "-b", "sms-spam", option, tmp_path / "out.csv")
    assert done.exit_code == 2
    assert f"{option}: the folder {tmp_path} can't be written to" in done.stderr


@pytest.mark.usefixtures("no_work")
def test_an_unknown_ending_of_a_fixed_file_is_wrong_usage_before_the_work(tmp_path: Path):
    done = check(BATCH, "-b", "sms-spam", "--fix", tmp_path / "out.xlsx")
    assert done.exit_code == 2
    assert "out.xlsx must end in one of .csv" in done.stderr


@pytest.mark.parametrize(("option", "name"), [("--fix", "out.csv"), ("--report", "page.html")])
def test_an_output_that_can_not_be_written_is_a_fault_that_names_it(
    option: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    folder = tmp_path / "gone"
    folder.mkdir()
    examined = contribution_check.examine

    def examine_and_lose_the_folder(*given: Any, **named: Any) -> Any:
        folder.rmdir()
        return examined(*given, **named)

    monkeypatch.setattr(contribution_check, "examine", examine_and_lose_the_folder)
    done = check(BATCH, "-b", "sms-spam", "--json", option, folder / name)
    assert done.exit_code == 1
    (fault,) = json.loads(done.stdout)["faults"]
    assert fault.startswith(f"{option}: {folder / name} can't be written: ")
    assert "No such file or directory" in fault


def test_a_full_disk_is_not_said_of_the_contribution_alone(monkeypatch: pytest.MonkeyPatch):
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(contribution_check, "examine", full)
    done = check(BATCH, "-b", "sms-spam")
    assert done.exit_code == 1
    told = "batch-05.csv, or the temporary folder of its check: No space left on device"
    assert told in done.stderr


@pytest.mark.usefixtures("no_work")
def test_a_page_and_a_fixed_file_of_one_name_are_wrong_usage(tmp_path: Path):
    path = tmp_path / "both.csv"
    done = check(BATCH, "-b", "sms-spam", "--fix", path, "--report", path)
    assert done.exit_code == 2
    assert "name the same file" in done.stderr


@pytest.mark.parametrize("verb", ["check", "evaluate"])
def test_a_link_is_refused_and_called_by_its_own_name(verb: str, tmp_path: Path):
    link = tmp_path / "linked.csv"
    link.symlink_to(BATCH)
    done = CliRunner().invoke(main, [verb, str(link), "-b", "sms-spam", "--json"])
    assert done.exit_code == 3
    (reason,) = json.loads(done.stdout)["reasons"]
    assert reason["rule"] == "not-a-file"
    assert reason["message"].startswith("linked.csv: ")


def test_a_file_is_found_through_a_link_to_its_folder(tmp_path: Path):
    (tmp_path / "folder").symlink_to(BATCH.parent)
    assert document(tmp_path / "folder" / BATCH.name, "-b", "sms-spam")["would_be_accepted"]


@pytest.mark.parametrize(
    ("name", "rule"), [("mine.xlsx", "unknown-format"), ("mine.parquet", "bad-part-folder")]
)
def test_a_file_that_is_refused_unread_is_named(name: str, rule: str, tmp_path: Path):
    if rule == "bad-part-folder":
        (tmp_path / name / "folder").mkdir(parents=True)
    else:
        (tmp_path / name).write_bytes(b"PK")
    (reason,) = document(tmp_path / name, "-b", "sms-spam")["reasons"]
    assert reason["rule"] == rule
    assert reason["message"].startswith(f"{name}: ")


def test_a_terminated_check_leaves_nothing_behind(tmp_path: Path):
    path, fixed = tmp_path / "mine.csv", tmp_path / "fixed.csv"
    rows = "".join(f"good,a message about number {n} and {n * 7}\n" for n in range(200_000))
    path.write_text(f"label,text\n{rows}")
    command = [sys.executable, "-c", "from hokusai_assets.cli.main import main; main()"]
    process = subprocess.Popen(
        [*command, "check", str(path), "-b", "sms-spam", "--fix", str(fixed)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        patience = time.monotonic() + 60
        while not list((tmp_path / "tmp").glob("hokusai-check-*")):
            assert process.poll() is None
            assert time.monotonic() < patience
            time.sleep(0.01)
        process.terminate()
        _, told = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 128 + signal.SIGTERM == 143
    assert b"Traceback" not in told
    assert list((tmp_path / "tmp").iterdir()) == []
    assert not fixed.exists()


def test_a_file_name_that_is_no_text_is_shown_with_question_marks(tmp_path: Path):
    path = tmp_path / os.fsdecode(b"caf\xe9.csv")
    path.write_bytes(BATCH.read_bytes())
    page = tmp_path / "page.html"
    found = document(path, "-b", "sms-spam", "--report", page)
    assert found["file"] == "caf?.csv"
    assert "caf?.csv" in page.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "ending", ["csv", "tsv", "json", "jsonl", "parquet", "csv.gz", "jsonl.zst"]
)
def test_a_fixed_file_would_be_accepted_and_holds_the_new_rows_alone(ending: str, tmp_path: Path):
    path, fixed = tmp_path / "mine.csv", tmp_path / f"fixed.{ending}"
    rows = list(csv.reader(BATCH.open(newline="")))
    with path.open("w", newline="") as stream:
        csv.writer(stream).writerows([*rows, *rows[1:6], ["maybe", "no such label, nor these"]])
    before = document(path, "-b", "sms-spam", "--fix", fixed)
    assert not before["would_be_accepted"]
    assert before["fixed"]["rows"] == before["rows"]["new"]
    after = document(fixed, "-b", "sms-spam")
    assert after["would_be_accepted"]
    assert after["rows"]["in"] == after["rows"]["new"] == before["rows"]["new"]


def test_a_fixed_file_holds_no_personal_data(tmp_path: Path):
    fixed = tmp_path / "fixed.csv"
    check(FIXTURES / "pii_laden.csv", "-b", "sms-spam", "--fix", fixed)
    text = fixed.read_text()
    assert text.count("<EMAIL:") > 5
    assert not re.search(r"[\w.]+@[\w.]+|\d{3}-\d{2}-\d{4}|\d{4} \d{4} \d{4} \d{4}", text)
    assert "sender_email" not in text


def test_an_own_key_makes_the_tokens_of_a_fixed_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("HOKUSAI_PII_KEY", "ab" * 32)
    first, second = tmp_path / "one.csv", tmp_path / "two.csv"
    for path in (first, second):
        found = document(FIXTURES / "pii_laden.csv", "-b", "sms-spam", "--fix", path)
        assert found["fixed"]["own_key"]
    assert first.read_bytes() == second.read_bytes()
    again = document(first, "-b", "sms-spam")
    assert again["privacy"]["columns"] == []


def test_an_estimate_is_a_real_training_with_its_interval():
    found = document(BATCH, "-b", "sms-spam", "--estimate")
    metrics = found["estimate"]["metrics"]
    assert set(metrics) == {"f1", "accuracy", "precision", "recall", "auroc"}
    assert found["estimate"]["contributed_rows"] == found["rows"]["new"]
    f1 = metrics["f1"]
    assert f1["interval"][0] <= f1["delta"] <= f1["interval"][1]
    assert f1["delta"] == pytest.approx(f1["new"] - f1["baseline"], abs=2e-6)
    assert f1["new"] != f1["baseline"]


def test_no_estimate_without_rows_says_why():
    found = document(FIXTURES / "bad_copied_from_test.csv", "-b", "sms-spam", "--estimate")
    assert found["estimate"] is None
    assert any("No estimate" in note for note in found["notes"])


def test_the_report_is_one_page_without_anything_from_outside(tmp_path: Path):
    path = tmp_path / "report.html"
    done = check(FIXTURES / "label_flipped.csv", "-b", "sms-spam", "--report", path, "--estimate")
    assert done.exit_code == 0
    text = path.read_text()
    page = Page(text)
    assert page.open == []
    assert page.outside == []
    assert "<script" not in text
    assert page.tables >= 6
    assert page.headers > 20
    assert "It would be accepted." in text
    assert "label-noise" in text
    assert "prefers-color-scheme: dark" in text


@pytest.mark.parametrize(
    ("interval", "improved", "colour"),
    [
        ([0.001, 0.02], True, "good"),
        ([-0.02, -0.001], False, "bad"),
        ([-0.02, -0.001], True, "good"),
        ([-0.02, 0.01], False, ""),
        ([-0.01, 0.02], True, ""),
        ([-0.02, 0.0], False, ""),
    ],
)
def test_a_delta_is_coloured_only_where_its_interval_leaves_out_0(
    interval: list[float], improved: bool, colour: str
):
    found = empty_document("sms-spam", "mine.csv")
    metric = {"baseline": 0.5, "new": 0.51, "delta": 0.01, "confidence": 0.95}
    metric |= {"interval": interval, "improved": improved}
    found["estimate"] = {"base_rows": 9, "contributed_rows": 9, "metrics": {"f1": metric}}
    assert f'<td class="n {colour}">+0.0100</td>' in check_page(found)


def test_a_page_escapes_what_a_file_brings():
    hostile = empty_document("sms-spam", "<img src=x onerror=alert(1)>.csv")
    hostile["reasons"] = [{"rule": "r", "message": "<b>", "fix": "</script>"}]
    text = check_page(hostile)
    assert "<img" not in text
    assert "<b>" not in text
    assert Page(text).open == []


def test_files_that_exist_are_not_overwritten(tmp_path: Path):
    taken = tmp_path / "taken.csv"
    taken.write_text("mine")
    for option in ("--fix", "--report"):
        done = check(BATCH, "-b", "sms-spam", option, taken)
        assert done.exit_code == 2
        assert "exists" in done.stderr
    assert taken.read_text() == "mine"


def test_rows_of_an_earlier_contribution_are_found_where_there_is_a_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    from hokusai_assets.contributions.row_index import RowIndex

    assert any("no record" in note for note in document(BATCH, "-b", "sms-spam")["notes"])
    RowIndex(tmp_path / "home/row_index/sms-spam").claim("other-000000000000:0", keys_of(BATCH))
    found = document(BATCH, "-b", "sms-spam")
    assert not found["would_be_accepted"]
    assert list(found["history"]["held"]) == ["other-000000000000"]
    assert "'other-000000000000'" in found["reasons"][0]["message"]


def spend(home: Path, file: Path, *, looks: int) -> dict[str, bytes]:
    """Settle the first contributions on a copy of sms-spam's test set, the last one `file`'s."""
    from hokusai_assets.benchmarks.loading import load_benchmark
    from hokusai_assets.contributions.identity import unregistered
    from hokusai_assets.evaluation.ledger import Ledger, Settled
    from hokusai_assets.evaluation.settlement import budget_of
    from hokusai_assets.privacy.keys import PrivacyKey

    benchmark = load_benchmark(
        Path(os.environ["HOKUSAI_DATA"]) / "benchmarks" / "sms-spam",
        PrivacyKey.from_secret(b"a key for this test, long enough"),
    )
    ledger, version = Ledger(home / "ledger" / "sms-spam.jsonl"), benchmark.content_digest
    for position in range(1, looks + 1):
        key = unregistered(file).key if position == looks else f"other-{position:012x}"
        root = f"{position:064x}"
        with ledger.turn(budget_of(benchmark), version=version, key=root, rows_root=root) as turn:
            entry = Settled(benchmark.test.root, version, key, root, position, False, 0, 0)
            turn.settle(entry)
    return {path.name: path.read_bytes() for path in (home / "ledger").iterdir()}


@pytest.fixture
def two_looks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A deployment whose sms-spam may settle two contributions; its home."""
    data = tmp_path / "data"
    shutil.copytree(DATA / "benchmarks" / "sms-spam", data / "benchmarks" / "sms-spam")
    spec = data / "benchmarks" / "sms-spam" / "benchmark.yaml"
    text = spec.read_text()
    spec.write_text(text.replace("delta_one: {", "delta_one: {submissions: 2, "))
    assert spec.read_text() != text
    monkeypatch.setenv("HOKUSAI_DATA", str(data))
    return tmp_path / "home"


def test_when_every_look_is_spent_a_sound_file_is_told_so_and_what_to_do(
    two_looks: Path, tmp_path: Path
):
    before = spend(two_looks, FIXTURES / "label_flipped.csv", looks=2)
    page = tmp_path / "check.html"
    done = check(BATCH, "-b", "sms-spam", "--report", page)
    assert done.exit_code == 3
    told = " ".join(done.stdout.split())
    assert "budget-spent: All 2 looks at the benchmark's test set are spent" in told
    assert "fix: Ask the operator for a new version of the benchmark" in told
    assert "The file itself breaks no rule." in told
    assert "It would not be accepted." in page.read_text()
    assert "budget-spent" in page.read_text()
    found = document(BATCH, "-b", "sms-spam")
    assert [reason["rule"] for reason in found["reasons"]] == ["budget-spent"]
    assert found["budget"] == {"submissions": 2, "spent": 2, "left": 0}
    # Nor does it say so of a file that is bad besides, or that has its place already.
    bad = check(FIXTURES / "bad_missing_column.csv", "-b", "sms-spam").stdout
    assert "budget-spent" in bad
    assert "The file itself" not in bad
    settled = check(FIXTURES / "label_flipped.csv", "-b", "sms-spam")
    assert settled.exit_code == 0
    assert before == {path.name: path.read_bytes() for path in (two_looks / "ledger").iterdir()}


def test_looks_that_are_left_are_told_and_the_ledger_is_not_touched(two_looks: Path):
    before = spend(two_looks, FIXTURES / "label_flipped.csv", looks=1)
    done = check(BATCH, "-b", "sms-spam")
    assert done.exit_code == 0
    assert "can decide about 1 more of 2 contributions" in " ".join(done.stdout.split())
    assert document(BATCH, "-b", "sms-spam")["budget"] == {"submissions": 2, "spent": 1, "left": 1}
    assert before == {path.name: path.read_bytes() for path in (two_looks / "ledger").iterdir()}


def test_without_a_ledger_none_is_made_and_it_is_said_that_looks_were_not_counted(
    two_looks: Path,
):
    found = document(BATCH, "-b", "sms-spam")
    assert found["budget"] is None
    assert any("can still decide" in note for note in found["notes"])
    assert not two_looks.exists()


def test_a_damaged_ledger_is_a_fault_of_the_platform(two_looks: Path):
    spend(two_looks, BATCH, looks=1)
    ledger = two_looks / "ledger" / "sms-spam.jsonl"
    ledger.write_text(ledger.read_text().replace('"position":1', '"position":2') + "x\n")
    done = check(BATCH, "-b", "sms-spam")
    assert done.exit_code == 1
    assert "is not as it was written" in " ".join(done.stderr.split())


def test_a_message_names_three_earlier_contributions_and_counts_the_others(tmp_path: Path):
    from hokusai_assets.contributions.row_index import RowIndex

    index, keys = RowIndex(tmp_path / "home/row_index/sms-spam"), keys_of(BATCH)
    cuts = {"first": (0, 40), "second": (40, 70), "third": (70, 90), "fourth": (90, len(keys))}
    for name, (start, end) in cuts.items():
        index.claim(f"{name}-000000000000:0", keys[start:end])
    (reason,) = document(BATCH, "-b", "sms-spam")["reasons"]
    assert reason["rule"] == "too-few-new-rows"
    message = reason["message"]
    assert message.startswith("None of the 107 rows is new; they stand in the benchmark")
    places = [message.index(name) for name in ("first-", "second-", "third-", "the rest in 1 more")]
    assert places == sorted(places)
    assert "fourth" not in message


def test_the_only_row_of_a_file_is_told_to_stand_in_an_earlier_contribution(tmp_path: Path):
    from hokusai_assets.contributions.row_index import RowIndex

    path = tmp_path / "one.csv"
    path.write_text("label,text\ngood,an entirely unheard of message\n")
    RowIndex(tmp_path / "home/row_index/sms-spam").claim("other-000000000000:0", keys_of(path))
    (reason,) = document(path, "-b", "sms-spam")["reasons"]
    assert reason["message"] == (
        "The only row stands in the benchmark or in an earlier contribution. 1 row stands in the "
        "earlier contribution 'other-000000000000'. At least 10 new rows are needed."
    )


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        (["good,an entirely unheard of message"], "The only row is new. At least 10 new rows"),
        (
            ["good,an entirely unheard of message", "bad,and one more that nobody sent"],
            "All 2 rows are new. At least",
        ),
        (["good,twice the very same"] * 2, "1 of 2 rows is new; the other stands in the"),
        (["good,three times the same"] * 3, "1 of 3 rows is new; the others stand in the"),
    ],
)
def test_a_few_rows_are_counted_in_words_that_fit(rows: list[str], told: str, tmp_path: Path):
    path = tmp_path / "few.csv"
    path.write_text("\n".join(["label,text", *rows]) + "\n")
    found = document(path, "-b", "sms-spam")
    (reason,) = found["reasons"]
    assert reason["message"].startswith(told)
    assert not [w for w in found["warnings"] if w["rule"] == "column-drift"]


def keys_of(path: Path):
    from hokusai_assets.benchmarks.loading import load_benchmark
    from hokusai_assets.contributions.leakage.scan import LeakageScan
    from hokusai_assets.privacy.keys import PrivacyKey
    from hokusai_assets.privacy.pseudonymise import pseudonymise
    from hokusai_assets.tables.reading import read_table

    key = PrivacyKey.from_secret(b"a key of the tests, of 32 bytes.")
    benchmark = load_benchmark(DATA / "benchmarks/sms-spam", key)
    table, _ = pseudonymise(
        read_table(path).select(["label", "text"]), policies={}, key=key, protected=("label",)
    )
    return LeakageScan.of(benchmark).add(table).keys


def test_a_folder_of_parts_is_checked_as_one_file(tmp_path: Path):
    table = pa_csv.read_csv(BATCH)
    folder = tmp_path / "mine.parquet"
    folder.mkdir()
    for number in range(3):
        pq.write_table(table.slice(number * 40, 40), folder / f"part-{number}.parquet")
    found = document(folder, "-b", "sms-spam")
    assert found["would_be_accepted"]
    assert found["rows"]["in"] == 107
    assert found["read_as"]["parts"] == 3


def test_a_sidecar_is_written_from_options(tmp_path: Path):
    path = tmp_path / "mine.csv"
    path.write_bytes(BATCH.read_bytes())
    done = check(
        *("--init", path, "--contributor", "ana", "--contributor", "bob"),
        *("--wallet", WALLET.lower(), "--wallet", WALLET),
        *("--weight", 7000, "--weight", 3000, "--licence", "CC BY 4.0"),
    )
    assert done.exit_code == 0, done.output
    sidecar = tmp_path / "mine.csv.contribution.yaml"
    manifest, problems = parse_manifest(sidecar.read_bytes())
    assert problems == []
    assert [(c.id, c.wallet, c.weight_bps) for c in manifest.contributors] == [
        ("ana", WALLET, 7000),
        ("bob", WALLET, 3000),
    ]
    assert manifest.licence == "CC BY 4.0"
    assert document(path, "-b", "sms-spam")["manifest"]["contributors"][0]["id"] == "ana"


def test_a_sidecar_is_written_from_answers_and_wrong_ones_are_asked_for_again(tmp_path: Path):
    path = tmp_path / "mine.csv"
    path.write_text("text,label\n")
    mistyped = WALLET.replace("Aeb6", "Aeb7")
    answers = f"ana@example.com\nana\n{mistyped}\n{WALLET}\n12000\n6000\nbob\n\n\nMIT\n"
    done = check("--init", path, answers=answers)
    assert done.exit_code == 0, done.output
    assert "EIP-55" in done.output
    manifest, problems = parse_manifest((tmp_path / "mine.csv.contribution.yaml").read_bytes())
    assert problems == []
    assert [(c.id, c.wallet, c.weight_bps) for c in manifest.contributors] == [
        ("ana", WALLET, 6000),
        ("bob", None, 4000),
    ]
    assert manifest.licence == "MIT"


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--contributor", "a", "--weight", 9999], "sum to 9999"),
        (["--contributor", "a", "--contributor", "b"], "one --weight per"),
        (["--contributor", "a", "--wallet", "0x12"], "wallet: it must be 0x and 40 hex digits"),
        (["--contributor", "a b"], "contributor 1, id: it must be 1 to 64 letters"),
        (["--wallet", WALLET], "go with a --contributor"),
    ],
)
def test_a_sidecar_that_would_not_be_valid_is_not_written(
    options: list[object], told: str, tmp_path: Path
):
    path = tmp_path / "mine.csv"
    path.write_text("text,label\n")
    done = check("--init", path, *options)
    assert done.exit_code == 2
    assert told in done.stderr
    assert [p.name for p in tmp_path.glob("*.yaml")] == []


def test_a_sidecar_that_is_there_is_kept(tmp_path: Path):
    path = tmp_path / "mine.csv"
    path.write_text("text,label\n")
    (tmp_path / "mine.csv.contribution.yaml").write_text("note: mine\n")
    assert check("--init", path, "--contributor", "a").exit_code == 2
    assert (tmp_path / "mine.csv.contribution.yaml").read_text() == "note: mine\n"


@pytest.mark.parametrize(
    "options",
    [["--json"], ["--fix", "x.csv"], ["--report", "x.html"], ["--estimate"], ["-b", "sms-spam"]],
)
def test_a_sidecar_takes_no_options_of_a_check(options: list[str], tmp_path: Path):
    path = tmp_path / "mine.csv"
    path.write_text("text,label\n")
    done = check("--init", path, "--contributor", "a", *options)
    assert done.exit_code == 2
    assert "--init checks nothing" in done.stderr
    assert [p.name for p in tmp_path.glob("*.yaml")] == []


def test_a_file_that_can_not_be_contributed_gets_no_sidecar(tmp_path: Path):
    (tmp_path / "notes.docx").write_text("x")
    (tmp_path / "link.csv").symlink_to(BATCH)
    for name in ("notes.docx", "link.csv"):
        done = check("--init", tmp_path / name, "--contributor", "a")
        assert done.exit_code == 2
        assert name in done.stderr
    assert [p.name for p in tmp_path.glob("*.yaml")] == []


def test_a_sidecar_that_can_not_be_written_is_told_in_a_sentence_before_anything_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path = tmp_path / "mine.csv"
    path.write_text("text,label\n")
    monkeypatch.setattr(os, "access", lambda _, mode: not mode & os.W_OK)
    done = check("--init", path)
    assert done.exit_code == 1
    assert done.stdout == ""
    assert "mine.csv.contribution.yaml can't be written: permission denied" in done.stderr


def test_an_unforeseen_error_is_told_without_its_message(monkeypatch: pytest.MonkeyPatch):
    def quotes_a_cell(*_: object, **__: object) -> None:
        raise ValueError("could not convert 'alice-secret@example.com'")

    monkeypatch.setattr(contribution_check, "examine", quotes_a_cell)
    done = check(BATCH, "-b", "sms-spam")
    assert done.exit_code == 1
    assert "ValueError at evaluation/contribution_check.py:" in done.stderr
    assert "alice-secret" not in done.output


def test_options_of_a_sidecar_need_init():
    done = check(BATCH, "-b", "sms-spam", "--contributor", "a")
    assert done.exit_code == 2
    assert "--init" in done.stderr
