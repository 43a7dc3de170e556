import base64
import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from hokusai_assets.attestation.verification import verify
from hokusai_assets.contributions.intake_report import IntakeReport
from hokusai_assets.report.contribution_page import Issued, contribution_page
from hokusai_assets.report.words import signed
from hokusai_assets.tables.problems import Problem
from hokusai_assets_tests.attestation.measured_contribution import (
    SIGNING_KEY,
    Parts,
    measured_contribution,
    resign,
)
from hokusai_assets_tests.report.made_pages import (
    PRIVATE,
    bundled_spec,
    issued,
    page_of,
    rejected_page,
)
from hokusai_assets_tests.report.read_page import Page


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Parts:
    return measured_contribution(tmp_path_factory.mktemp("parts"))


@pytest.fixture(scope="module")
def private(tmp_path_factory: pytest.TempPathFactory) -> Parts:
    found = measured_contribution(tmp_path_factory.mktemp("private"), spec_lines=PRIVATE)
    assert not found.settled["delta_one"]["accepted"]
    assert not found.settled["released"]
    return found


def test_equal_inputs_give_equal_bytes(parts: Parts):
    assert page_of(parts) == page_of(parts)


def test_a_page_is_whole_and_asks_for_nothing(parts: Parts, private: Parts):
    for text in (page_of(parts), page_of(private), rejected_page()):
        page = Page(text)
        assert page.open == []
        assert all(link.startswith("data:application/json;base64,") for link in page.outside)
        assert "<script" not in text
        assert "prefers-color-scheme: dark" in text
        assert "@media print" in text
        assert len(set(page.ids)) == len(page.ids)


def test_headings_go_down_one_step_at_a_time(parts: Parts):
    for text in (page_of(parts), rejected_page()):
        levels = Page(text).headings
        assert levels[0] == 1
        assert levels.count(1) == 1
        assert all(after - before <= 1 for before, after in pairwise(levels))


def test_the_verdict_is_a_plain_sentence(parts: Parts):
    text = page_of(parts)
    delta = parts.settled["measurement"]["metrics"]["auroc"]
    before, after = (f"{delta[name] / 1e6:.4f}" for name in ("baseline_ppm", "new_ppm"))
    assert f"its AUROC rises from {before} to {after}, and chance is all but ruled out." in text
    assert f"{parts.settled['delta_one']['payable_bps']} basis points are payable for it." in text


def test_every_metric_stands_with_its_interval_the_primary_one_first(parts: Parts):
    text = page_of(parts)
    for delta in parts.settled["measurement"]["metrics"].values():
        assert f"{signed(delta['low_ppm'])} … {signed(delta['high_ppm'])}" in text
    names = re.findall(r'<th scope="row" role="rowheader">(AUROC|accuracy|F1 score)</th>', text)
    assert names == ["AUROC", "accuracy", "F1 score"]


def test_it_shows_both_models_and_who_contributed(parts: Parts):
    text = page_of(parts)
    for name in ("deltas", "roc", "precision-recall", "calibration", "confusion-new"):
        assert f'aria-labelledby="{name}-title {name}-desc"' in text
    assert "ana" in text
    assert "70.0%" in text
    assert "Licence of the rows: MIT." in text


def test_the_attestation_in_the_page_verifies(parts: Parts):
    text = page_of(parts)
    (link,) = Page(text).outside
    envelope = base64.b64decode(link.partition("base64,")[2])
    assert verify(envelope, public_key=SIGNING_KEY.public_key).passed
    name = re.search(r'download="([^"]+)"', text)
    assert name is not None
    command = f"hokusai verify {name[1]} \\\n  --public-key public_key."
    assert command in text
    predicate = parts.statement()["predicate"]
    assert predicate["attestation_hash"] in text
    assert predicate["result_hash"] in text


def test_no_figure_of_a_private_part_that_did_not_accept_is_told(private: Parts):
    text = page_of(private)
    assert "stays private" in text
    assert "public part of the test set" in text
    shown = {
        signed(value)
        for delta in private.measured["metrics"].values()
        for value in (delta["delta_ppm"], delta["low_ppm"], delta["high_ppm"])
    }
    for delta in private.settled["measurement"]["metrics"].values():
        for name in ("delta_ppm", "low_ppm", "high_ppm"):
            if signed(delta[name]) not in shown:
                assert signed(delta[name]) not in text
    assert private.settled["measurement"]["predictions"]["new_root"] not in text
    assert private.settled["delta_one"]["reason"] not in text


def test_no_value_of_a_row_is_told(parts: Parts):
    text = page_of(parts)
    table = issued(parts).predictions
    assert table is not None
    for digest in table.column("row_digest").to_pylist():
        assert digest not in text


def test_a_rehearsal_says_that_it_is_one(parts: Parts):
    text = page_of(parts, dry_run=True)
    assert "A rehearsal." in text
    assert "--allow-dry-run" in text
    assert "A rehearsal." not in page_of(parts)


def test_a_rejected_contribution_shows_reasons_and_fixes_and_no_figures():
    text = rejected_page(
        Problem("missing-column", "Column 'text' is missing.", "Add the column."),
        Problem("unknown-label", "Row 3 has another label.", "Use good or bad."),
    )
    assert "The file breaks 2 rules of the benchmark" in text
    for told in ("Add the column.", "Use good or bad.", "unknown-label"):
        assert told in text
    assert "<svg" not in text
    assert "How to verify" not in text


def personal(report: IntakeReport) -> IntakeReport:
    """Return a report of a file in 48 rows of which a telephone number was replaced."""
    column = {"column": "text", "entity": "PHONE", "cells": 50, "share_ppm": 9, "how": "spans"}
    return replace(
        report,
        rows_hashed=48,
        privacy={"columns": [column], "waived": [], "dropped": []},
    )


def test_personal_data_is_replaced_not_the_rows_that_held_it(parts: Parts):
    report = personal(parts.contributed.report)
    text = contribution_page(parts.benchmark.spec, report, issued(parts))
    said = " ".join(text.split())
    assert "48 rows held personal data. Each cell or part of a cell that held it was" in said
    assert "replaced by a token before anything was trained" in said


def test_the_page_of_a_rejected_file_does_not_speak_of_a_training():
    problem = Problem("missing-column", "Column 'text' is missing.", "Add it.")
    report = personal(IntakeReport("mine-0123456789ab", "ab" * 32, rows_in=99, problems=(problem,)))
    said = " ".join(contribution_page(bundled_spec("sms-spam"), report, None).split())
    assert "nothing was trained or measured" in said
    assert "before anything was trained" not in said
    assert "nothing was trained with the file" in said


def test_the_figure_of_changes_calls_metrics_what_the_table_calls_them(parts: Parts):
    text = page_of(parts)
    figure = text[text.index('aria-labelledby="deltas-title') :]
    figure = figure[: figure.index("</svg>")]
    assert ">AUROC<" in figure
    assert ">auroc<" not in figure


def test_a_spent_budget_is_not_the_files_fault():
    text = rejected_page(Problem("budget-spent", "All looks are spent.", "Wait."))
    assert "The file breaks no rule" in text


def test_what_a_file_brings_is_text_only():
    text = rejected_page(Problem("r", "<img src=x onerror=alert(1)>", "</main><script>"))
    assert "<img" not in text
    assert "<script" not in text
    assert Page(text).open == []


def test_without_predictions_there_are_no_curves(parts: Parts):
    found = replace(issued(parts), predictions=None)
    text = contribution_page(parts.benchmark.spec, parts.contributed.report, found)
    assert "roc-title" not in text
    assert "confusion-new-title" in text


def test_an_accepted_report_without_an_attestation_is_refused(parts: Parts):
    with pytest.raises(ValueError, match="an attestation belongs to"):
        contribution_page(parts.benchmark.spec, parts.contributed.report, None)


def test_a_failed_guard_is_named_first(tmp_path: Path):
    found = measured_contribution(tmp_path, spec_lines="delta_one: {min_delta_bps: 5000}\n")
    text = page_of(found)
    assert "less than the gain of 50 percentage points that is asked for" in text
    asked = text[text.index("What was asked for") :]
    assert asked.index(">no<") < asked.index(">yes<")


def test_a_loss_is_told_in_its_own_unit(tmp_path: Path):
    found = measured_contribution(tmp_path, metrics="{primary: log_loss, secondary: [accuracy]}")
    text = page_of(found)
    delta = found.settled["measurement"]["metrics"]["log_loss"]
    assert found.settled["delta_one"]["accepted"]
    assert f"the gain is at least {-delta['high_ppm'] / 1e6:.4f}." in text
    assert f"at least +{-delta['high_ppm'] / 1e6:.4f}</td><td>above 0</td>" in text
    assert "basis points (100 are 0.01)" in text
    assert "percentage points" not in text
    assert "one point" not in text


def test_the_page_of_another_benchmarks_spec_still_has_every_metric(parts: Parts):
    found = Issued(resign(parts.statement()), None)
    text = contribution_page(bundled_spec("letter"), parts.contributed.report, found)
    assert text.count('<th scope="row" role="rowheader">AUROC</th>') == 1
