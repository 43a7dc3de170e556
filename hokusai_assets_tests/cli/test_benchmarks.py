"""Tests of the list that `hokusai benchmarks` prints."""

from pathlib import Path

from click.testing import CliRunner

from hokusai_assets.cli.main import main
from hokusai_assets_tests.benchmarks.small_benchmark import SPEC_TEXT, write_small

DATA = Path(__file__).resolve().parents[2] / "data"


def listed(data: Path, home: Path) -> list[str]:
    """Return the lines at 80 columns, once seen that none is longer."""
    environment = {"COLUMNS": "80", "HOKUSAI_DATA": str(data), "HOKUSAI_HOME": str(home)}
    result = CliRunner().invoke(main, ["benchmarks"], env=environment)
    assert result.exit_code == 0, result.output
    lines = result.output.partition("Drops:")[0].splitlines()
    assert max(map(len, lines)) <= 80
    assert "…" not in result.output
    return lines


def cells(lines: list[str]) -> set[str]:
    return {cell.strip() for line in lines for cell in line.replace("┃", "│").split("│")}


def test_bundled_benchmarks_are_listed_whole_at_80_columns(tmp_path: Path):
    found = cells(listed(DATA, tmp_path))
    assert {"adult-income", "letter", "sms-spam", "auroc", "accuracy", "f1"} <= found
    assert {"Adult income", "Letter recognition", "SMS spam detection"} <= found
    assert {"version", "primary", "looks", "accepted", "100 bps", "0 of 100"} <= found


def test_a_long_title_is_broken_between_words_and_a_large_budget_is_shown(tmp_path: Path):
    title = "Is a parcel late by more than one day, by depot and by road, in winter"
    added = f"seed: 7\ntitle: {title}\ndelta_one: {{submissions: 50000}}"
    write_small(tmp_path / "benchmarks", SPEC_TEXT.replace("seed: 7", added))
    lines = listed(tmp_path, tmp_path / "home")
    first = " ".join(line.split("│")[1].strip() for line in lines if line.startswith("│"))
    assert first == f"small {title}"
    assert "0 of 50,000" in cells(lines)
