"""Intake: which files are accepted, what a report says, and that no value of a row gets out."""

import csv
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import mkdtemp

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest

from hokusai_assets.benchmarks.loading import Benchmark
from hokusai_assets.benchmarks.row_sets import RowSet
from hokusai_assets.benchmarks.spec import ColumnSpec, IntakeSpec
from hokusai_assets.contributions.identity import register
from hokusai_assets.contributions.intake import ContributedData, take_in
from hokusai_assets.contributions.intake_report import IntakeReport
from hokusai_assets.contributions.labels import BaselineOpinion
from hokusai_assets.contributions.manifest import Manifest
from hokusai_assets.contributions.row_index import RowIndex
from hokusai_assets.models.training import predict_probabilities, train
from hokusai_assets.privacy.keys import PrivacyKey

DATA = Path(__file__).resolve().parents[2] / "data"
BUNDLED = sorted(path.relative_to(DATA) for path in (DATA / "contributions").glob("*/batch-*"))
REFUSED = {
    "bad_copied_from_base.csv": ("too-few-new-rows", "Send more rows"),
    "bad_copied_from_test.csv": ("copied-from-test-set", "collected yourself"),
    "bad_empty.csv": ("empty-file", "Send at least one row"),
    "bad_empty.json": ("empty-file", "Send at least one row"),
    "bad_missing_column.csv": ("missing-column", "Add the column 'label'"),
    "bad_truncated.parquet": ("bad-parquet", "Write it again"),
    "bad_types.csv": ("wrong-type", "Write every cell of 'c3'"),
    "bad_unknown_label.json": ("unknown-label", "Use only 'bad', 'good'"),
}


@pytest.fixture
def take(tmp_path: Path, privacy_key: PrivacyKey) -> Callable[..., ContributedData]:
    def taken(
        path: Path,
        benchmark: Benchmark,
        *,
        key: PrivacyKey = privacy_key,
        name: str = "",
        index: RowIndex | None = None,
        opinion: BaselineOpinion | None = None,
    ) -> ContributedData:
        contribution = register(path, tmp_path / "store", file_name=name or None)
        scratch = Path(mkdtemp(dir=tmp_path))
        return take_in(contribution, benchmark, key, scratch=scratch, index=index, opinion=opinion)

    return taken


@pytest.fixture
def sms(bundled: Callable[[str], Benchmark]) -> Benchmark:
    return bundled("sms-spam")


def message_file(path: Path, texts: list[str], labels: list[str] | None = None) -> Path:
    labels = labels or ["good"] * len(texts)
    pa_csv.write_csv(pa.table({"text": texts, "label": labels}), path)
    return path


def new_texts(count: int) -> list[str]:
    return [f"quite another message, the {n}th of them" for n in range(count)]


def everything_told(data: ContributedData) -> str:
    return json.dumps(data.report.to_dict(), ensure_ascii=False) + repr(data.report)


@pytest.mark.parametrize("path", BUNDLED, ids=str)
def test_every_bundled_contribution_is_accepted(
    path: Path, take: Callable[..., ContributedData], bundled: Callable[[str], Benchmark]
) -> None:
    benchmark = bundled(path.parent.name)
    data = take(DATA / path, benchmark)
    report = data.report.to_dict()
    assert report["accepted"]
    assert report["reasons"] == []
    counts = report["rows"]
    assert counts["kept"] + sum(counts["removed"].values()) == counts["in"]
    assert data.rows.count == counts["kept"] > 0
    assert data.rows.table.schema == benchmark.base.table.schema
    assert RowSet.of(data.rows.table).root == data.rows.root


def test_every_refused_fixture_has_a_case() -> None:
    assert {path.name for path in (DATA / "test_fixtures").glob("bad_*")} == set(REFUSED)


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_each_bad_fixture_is_refused_by_its_rule_and_without_a_value(
    name: str, take: Callable[..., ContributedData], bundled: Callable[[str], Benchmark]
) -> None:
    benchmark = bundled("letter" if name == "bad_types.csv" else "sms-spam")
    path = DATA / "test_fixtures" / name
    data = take(path, benchmark)
    rule, fix = REFUSED[name]
    assert data.report.problems[0].rule == rule
    assert fix in data.report.problems[0].fix
    assert not data.report.accepted
    assert data.rows.count == data.report.rows_kept == 0
    told = everything_told(data)
    cells = [cell for row in rows_of(path) for cell in row if len(cell) > 6]
    assert not [cell for cell in cells if cell in told]


def rows_of(path: Path) -> list[list[str]]:
    if path.suffix == ".json":
        return [[str(cell) for cell in row.values()] for row in json.loads(path.read_text())]
    if path.suffix == ".csv":
        return list(csv.reader(path.open(newline="")))[1:]
    return []


def test_what_was_copied_is_told_by_row_numbers_and_counts(
    take: Callable[..., ContributedData], sms: Benchmark
) -> None:
    report = take(DATA / "test_fixtures/bad_copied_from_test.csv", sms).report
    (problem,) = report.problems
    assert (problem.count, problem.rows) == (200, (1, 2, 3, 4, 5))
    assert "200 of 200 rows (100.0%)" in problem.message
    assert report.test_overlap_ppm == 1_000_000
    assert report.removed["in_test_set"] == 200


def test_which_cells_do_not_fit_is_told(
    take: Callable[..., ContributedData], bundled: Callable[[str], Benchmark]
) -> None:
    (problem,) = take(DATA / "test_fixtures/bad_types.csv", bundled("letter")).report.problems
    assert (problem.column, problem.count, problem.rows[0]) == ("c3", 12, 1)
    assert "column 'c3', rows 1, 11" in problem.message
    assert "unknown" not in problem.message


def test_renaming_is_proposed_for_a_column_that_is_nearly_right(
    take: Callable[..., ContributedData], sms: Benchmark, tmp_path: Path
) -> None:
    path = tmp_path / "rows.csv"
    pa_csv.write_csv(pa.table({"Text ": new_texts(20), "lable": ["good"] * 20}), path)
    fixes = {problem.column: problem.fix for problem in take(path, sms).report.problems}
    assert fixes == {
        "text": "Rename 'Text ' to 'text'.",
        "label": "Rename 'lable' to 'label'.",
    }


def test_all_problems_are_told_at_once(
    take: Callable[..., ContributedData], sms: Benchmark, tmp_path: Path
) -> None:
    path = message_file(tmp_path / "rows.csv", ["", "one"], ["maybe", ""])
    (tmp_path / "rows.csv.contribution.yaml").write_text("nobody: 1")
    rules = [problem.rule for problem in take(path, sms).report.problems]
    assert sorted(rules) == ["bad-manifest", "missing-value", "missing-value", "unknown-label"]


def personal_data(text: str) -> set[str]:
    patterns = (
        r"[\w.+]+@[\w.]+\w",
        r"\d{3}[- ]\d{2}[- ]\d{4}",
        r"\(?\d[\d ()./-]{8,}\d",
        r"\d+\.\d+\.\d+\.\d+",
        r"2001:db8::42",
    )
    return {match for pattern in patterns for match in re.findall(pattern, text)}


def test_no_personal_data_of_a_laden_file_gets_out(
    take: Callable[..., ContributedData], sms: Benchmark
) -> None:
    path = DATA / "test_fixtures/pii_laden.csv"
    found = personal_data(path.read_text())
    assert len(found) > 100, "the patterns find what the file holds"
    data = take(path, sms)
    assert data.report.accepted
    assert data.report.rows_hashed > 40
    assert data.report.ignored_columns == 1
    cells = "\n".join(data.rows.table.column("text").to_pylist())
    told = cells + everything_told(data) + repr(data)
    assert not {value for value in found if value in told}
    assert "sender_email" not in data.rows.table.column_names
    assert cells.count("<EMAIL:") > 5


@pytest.mark.parametrize(
    "fixture", ["test_fixtures/pii_laden.csv", "contributions/letter/batch-01.csv"]
)
@pytest.mark.parametrize("ending", ["csv", "json", "jsonl", "parquet"])
def test_the_result_does_not_depend_on_row_order_format_key_or_name(
    fixture: str,
    ending: str,
    take: Callable[..., ContributedData],
    bundled: Callable[[str], Benchmark],
    tmp_path: Path,
) -> None:
    benchmark = bundled("letter" if "letter" in fixture else "sms-spam")
    original = take(DATA / fixture, benchmark)
    table = pa_csv.read_csv(DATA / fixture)
    table = table.take(pa.array(np.random.default_rng(1).permutation(table.num_rows)))
    path = tmp_path / f"Another Name.{ending}"
    if ending == "csv":
        pa_csv.write_csv(table, path)
    elif ending == "parquet":
        pq.write_table(table, path, row_group_size=7)
    else:
        records = [json.dumps(row) for row in table.to_pylist()]
        path.write_text("\n".join(records) if ending == "jsonl" else f"[{','.join(records)}]")
    other = take(path, benchmark, key=PrivacyKey.from_secret(b"another key of 32 bytes or more."))
    assert other.report.raw_digest != original.report.raw_digest
    assert other.rows.root == original.rows.root
    differing = {"contribution", "raw_digest", "file"}
    first, second = (
        {name: value for name, value in data.report.to_dict().items() if name not in differing}
        for data in (original, other)
    )
    assert first == second


def test_another_file_name_changes_the_key_alone(
    take: Callable[..., ContributedData], sms: Benchmark, tmp_path: Path, privacy_key: PrivacyKey
) -> None:
    path = DATA / "test_fixtures/test_queries.csv"
    first = take(path, sms)
    contribution = register(path, tmp_path / "other", file_name="renamed.csv")
    (tmp_path / "scratch").mkdir()
    other = take_in(contribution, sms, privacy_key, scratch=tmp_path / "scratch")
    assert other.report.contribution.startswith("renamed-")
    assert replace(other.report, contribution=first.report.contribution) == first.report
    assert other.rows.root == first.rows.root


def test_known_rows_are_taken_out_and_counted(
    take: Callable[..., ContributedData], sms: Benchmark, tmp_path: Path
) -> None:
    test = sms.test.table.column("text").to_pylist()
    plain = [text for text in test if "<" not in text and text.isascii()][:4]
    copied = [plain[0], plain[1].upper(), plain[2].replace(" ", "  \t"), f" {plain[3].lower()}\n"]
    base = sms.base.table.to_pylist()[:3]
    new = new_texts(500)
    texts = [*new, *copied, *(row["text"] for row in base), *new[:5]]
    labels = ["good"] * 504 + [row["label"] for row in base] + ["good"] * 5
    data = take(message_file(tmp_path / "rows.csv", texts, labels), sms)
    assert data.report.accepted
    assert data.report.to_dict()["rows"] == {
        "in": 512,
        "new": 500,
        "kept": 500,
        "hashed": data.report.rows_hashed,
        "unsound": 0,
        "removed": {
            "in_test_set": 4,
            "near_test_set": 0,
            "in_base_set": 3,
            "in_earlier_contribution": 0,
            "repeated_in_file": 5,
        },
    }
    assert sorted(data.rows.table.column("text").to_pylist()) == sorted(new)


@pytest.mark.parametrize(("copies", "accepted"), [(5, True), (6, False)])
def test_more_test_rows_than_the_limit_refuse_the_whole_file(
    copies: int,
    accepted: bool,
    take: Callable[..., ContributedData],
    sms: Benchmark,
    tmp_path: Path,
) -> None:
    texts = sms.test.table.column("text").to_pylist()[:copies]
    # Whatever the share, up to test_overlap_tolerance_rows (5) copies are only removed.
    report = take(message_file(tmp_path / "rows.csv", texts + new_texts(30)), sms).report
    assert report.accepted is accepted
    assert report.removed["in_test_set"] == copies


def test_a_share_of_copies_within_the_natural_one_is_accepted(
    take: Callable[..., ContributedData], sms: Benchmark, tmp_path: Path
) -> None:
    # The bundled sets share no row, so the limit is the excess (1%) and three standard errors.
    texts = sms.test.table.column("text").to_pylist()
    within = message_file(tmp_path / "within.csv", texts[:10] + new_texts(990))
    beyond = message_file(tmp_path / "beyond.csv", texts[:40] + new_texts(960))
    assert take(within, sms).report.accepted
    assert [p.rule for p in take(beyond, sms).report.problems] == ["copied-from-test-set"]


@pytest.mark.parametrize(("count", "accepted"), [(9, False), (10, True)])
def test_too_few_new_rows_are_refused(
    count: int,
    accepted: bool,
    take: Callable[..., ContributedData],
    sms: Benchmark,
    tmp_path: Path,
) -> None:
    path = message_file(tmp_path / "rows.csv", new_texts(count) + new_texts(1) * 3)
    assert take(path, sms).report.accepted is accepted


def test_a_sidecar_is_in_the_report(
    take: Callable[..., ContributedData], sms: Benchmark, tmp_path: Path
) -> None:
    path = message_file(tmp_path / "rows.csv", new_texts(20))
    (tmp_path / "rows.csv.contribution.yaml").write_text(
        "contributors: [{id: ana, weight_bps: 10000}]\nlicence: MIT"
    )
    assert take(path, sms).report.manifest == {
        "contributors": [{"id": "ana", "wallet": None, "weight_bps": 10000}],
        "licence": "MIT",
        "note": "",
        "format": {"delimiter": None, "encoding": None, "decimal": None},
    }


def test_a_rejected_contribution_names_nobody(
    take: Callable[..., ContributedData], sms: Benchmark, tmp_path: Path
) -> None:
    path = message_file(tmp_path / "rows.csv", new_texts(20), ["maybe"] * 20)
    (tmp_path / "rows.csv.contribution.yaml").write_text("licence: MIT")
    assert take(path, sms).report.manifest == Manifest().model_dump(mode="json")


def test_numbers_that_are_hashed_in_one_file_only_are_refused(
    take: Callable[..., ContributedData], sms: Benchmark, tmp_path: Path
) -> None:
    columns = dict(sms.spec.columns) | {"phone": ColumnSpec(type="integer")}
    spec = sms.spec.model_copy(update={"columns": columns})

    def with_phones(part: RowSet) -> RowSet:
        return RowSet.of(part.table.append_column("phone", pa.array([7] * part.count, pa.int64())))

    benchmark = replace(sms, spec=spec, base=with_phones(sms.base), test=with_phones(sms.test))
    texts = new_texts(20)
    table = pa.table({"text": texts, "label": ["good"] * 20, "phone": [2025550143] * 20})
    pa_csv.write_csv(table, tmp_path / "rows.csv")
    data = take(tmp_path / "rows.csv", benchmark)
    assert [problem.rule for problem in data.report.problems] == ["personal-data-in-numbers"]
    assert "2025550143" not in everything_told(data)


def opinion_of(benchmark: Benchmark) -> BaselineOpinion:
    spec, model = benchmark.spec, train(benchmark.base.table, benchmark.spec)
    test = benchmark.test.table
    actual = [spec.labels.index(label) for label in test[spec.target].to_pylist()]
    return BaselineOpinion(
        lambda rows: predict_probabilities(model, rows, spec),
        np.array(actual),
        predict_probabilities(model, test, spec),
    )


def with_intake(benchmark: Benchmark, **sections: dict[str, object]) -> Benchmark:
    intake = IntakeSpec.model_validate(sections)
    return replace(benchmark, spec=benchmark.spec.model_copy(update={"intake": intake}))


def flipped_file(folder: Path, share: float) -> Path:
    """An honest contribution of which some labels are wrong."""
    table = pa_csv.read_csv(DATA / "contributions/sms-spam/batch-01.csv")
    labels = np.array(table["label"].to_pylist())
    wrong = np.random.default_rng(3).random(len(labels)) < share
    labels[wrong] = np.where(labels[wrong] == "good", "bad", "good")
    path = folder / "flipped.csv"
    position = table.column_names.index("label")
    pa_csv.write_csv(table.set_column(position, "label", pa.array(labels.tolist())), path)
    return path


@pytest.mark.parametrize("action", ["off", "warn", "block"])
def test_thirty_percent_flipped_labels_are_told_as_the_spec_says(
    action: str, take: Callable[..., ContributedData], sms: Benchmark, tmp_path: Path
) -> None:
    # The file repeats messages, so that some then contradict each other too.
    labels = {"noise": action, "balance": "off", "conflicts": "off"}
    benchmark = with_intake(sms, labels=labels)
    data = take(flipped_file(tmp_path, 0.3), benchmark, opinion=opinion_of(sms))
    rules = {
        "off": ([], []),
        "warn": ([], ["label-noise"]),
        "block": (["label-noise"], []),
    }[action]
    report = data.report
    assert ([p.rule for p in report.problems], [p.rule for p in report.warnings]) == rules
    assert report.accepted is (action != "block")
    assert data.rows.count == (0 if action == "block" else report.rows_new)


def test_without_the_baselines_opinion_noise_is_not_judged(
    take: Callable[..., ContributedData], sms: Benchmark, tmp_path: Path
) -> None:
    report = take(flipped_file(tmp_path, 0.3), sms).report
    assert {check["name"] for check in report.labels["checks"]} == {
        "class-balance",
        "conflicting-labels",
    }


def test_honest_files_are_not_warned_of(
    take: Callable[..., ContributedData], sms: Benchmark
) -> None:
    opinion = opinion_of(sms)
    for path in sorted((DATA / "contributions/sms-spam").glob("batch-*")):
        assert take(path, sms, opinion=opinion).report.warnings == ()


@pytest.mark.parametrize("action", ["warn", "block"])
def test_another_language_is_told_as_drift(
    action: str, take: Callable[..., ContributedData], sms: Benchmark, tmp_path: Path
) -> None:
    texts = [f"bitte ruf mich morgen nachmittag zuhause an, nummer {n}" for n in range(200)]
    path = message_file(tmp_path / "german.csv", texts, ["good", "bad"] * 100)
    report = take(
        path, with_intake(sms, drift={"action": action}, labels={"balance": "off"})
    ).report
    told = report.problems if action == "block" else report.warnings
    assert {problem.rule for problem in told} == {"column-drift"}
    assert report.accepted is (action == "warn")


def test_rows_that_are_sound_are_compared_though_others_are_not(
    take: Callable[..., ContributedData], sms: Benchmark, tmp_path: Path
) -> None:
    copied = sms.test.table.column("text").to_pylist()[:30]
    path = message_file(
        tmp_path / "rows.csv", [*copied, *new_texts(50)], ["good"] * 78 + ["maybe"] * 2
    )
    report = take(path, sms).report
    assert [p.rule for p in report.problems] == ["unknown-label", "copied-from-test-set"]
    assert (report.rows_in, report.rows_unsound) == (80, 2)
    assert report.rows_new == 80 - 2 - sum(report.removed.values())
    assert report.problems[0].rows == (79, 80)


def test_limits_of_the_spec_are_kept(
    take: Callable[..., ContributedData], sms: Benchmark, tmp_path: Path
) -> None:
    path = message_file(tmp_path / "rows.csv", new_texts(50))
    for limit, rule in (("max_rows", "too-large"), ("max_cell_chars", "too-long")):
        report = take(path, with_intake(sms, limits={limit: 20})).report
        assert [p.rule for p in report.problems] == [rule]


def test_a_report_is_read_back_as_it_was(
    take: Callable[..., ContributedData], sms: Benchmark
) -> None:
    for path in ("test_fixtures/pii_laden.csv", "test_fixtures/bad_unknown_label.json"):
        report = take(DATA / path, sms).report
        document = json.loads(json.dumps(report.to_dict()))
        assert IntakeReport.from_dict(document).to_dict() == report.to_dict()
