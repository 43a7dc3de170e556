"""`hokusai check` as a contributor runs it: no key, no server, no home, nothing recorded."""

import csv
import json
import os
import re
from html.parser import HTMLParser
from pathlib import Path

import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

from hokusai_assets.cli.check_page import check_page
from hokusai_assets.cli.check_run import empty_document
from hokusai_assets.cli.main import main
from hokusai_assets.contributions.manifest import parse_manifest

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


def test_a_page_that_can_not_be_written_is_a_fault_that_says_so(tmp_path: Path):
    done = check(BATCH, "-b", "sms-spam", "--report", tmp_path / "none" / "page.html")
    assert done.exit_code == 1
    assert "page.html can't be written: No such file or directory" in done.stderr.replace("\n", "")
    assert not (tmp_path / "none").exists()


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


class Page(HTMLParser):
    """Reads a page as a browser's accessibility tree does, roughly."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.outside: list[str] = []
        self.tables = self.headers = 0
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        self.outside += [v for k, v in given.items() if k in ("src", "href", "srcset") and v]
        self.tables += tag == "table"
        self.headers += tag == "th" and "scope" in given
        if tag not in ("meta", "br", "link", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


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
        (["--contributor", "a", "--wallet", "0x12"], "wallet"),
        (["--contributor", "a b"], "contributors.0.id"),
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


def test_an_unforeseen_error_is_told_without_its_message(monkeypatch: pytest.MonkeyPatch):
    from hokusai_assets.evaluation import contribution_check

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
