"""Tests that docs/EVALUATION.md shows the agreement that is computed."""

from pathlib import Path

from hokusai_assets_tests.evaluation.agreement import tables

EVALUATION = Path(__file__).resolve().parents[2] / "docs" / "EVALUATION.md"


def test_the_documents_tables_are_what_is_computed():
    section = EVALUATION.read_text(encoding="utf-8").partition("\n## Agreement\n")[2]
    section = section.partition("\n## ")[0]
    shown = [block for block in section.split("\n\n") if block.startswith("|")]
    assert [block.strip() for block in shown] == tables()
