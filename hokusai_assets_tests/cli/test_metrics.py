"""Tests of `hokusai metrics`."""

import json

from click.testing import CliRunner

from hokusai_assets.benchmarks.spec import METRIC_NAMES
from hokusai_assets.cli.main import main
from hokusai_assets_tests.evaluation.plug_in_distribution import (
    ENTRIES,
    installed,
    write_distribution,
)


def run(*arguments: str, exit_code: int = 0) -> str:
    result = CliRunner().invoke(main, ["metrics", *arguments], env={"COLUMNS": "160"})
    assert result.exit_code == exit_code, result.output
    return result.output


def test_every_metric_is_listed_with_what_is_done_with_it():
    text = run()
    assert all(name in text for name in METRIC_NAMES)
    listed = {entry["name"]: entry for entry in json.loads(run("--json"))["metrics"]}
    assert tuple(listed) == METRIC_NAMES
    assert listed["log_loss"]["direction"] == "lower"
    assert listed["accuracy"] == {
        "name": "accuracy",
        "direction": "higher",
        "range": [0.0, 1.0],
        "needs": "labels",
        "averages": "rows",
        "interval": "paired_bootstrap_percentile",
        "test": "mcnemar_exact",
        "source": "hokusai",
    }


def test_at_80_columns_every_word_of_the_list_is_whole(tmp_path):
    write_distribution(tmp_path, ENTRIES)
    with installed(tmp_path):
        result = CliRunner().invoke(main, ["metrics"], env={"COLUMNS": "80"})
        listed = json.loads(run("--json"))["metrics"]
    cells = [cell for line in result.output.splitlines() for cell in line.split("│")]
    words = {word.strip() for cell in cells for word in cell.split(",")}
    for entry in listed:
        shown = ("name", "source", "direction", "needs", "averages", "interval", "test")
        assert {entry[key] for key in shown} <= words
    assert max(map(len, result.output.splitlines())) <= 80
    assert "…" not in result.output


def test_a_metric_is_checked_and_the_outcome_is_the_exit_code(tmp_path):
    assert "pass: any order of rows" in run("--check", "f1")
    write_distribution(tmp_path, ENTRIES)
    broken = (tmp_path / "tiny_metrics.py").read_text().replace('"lower"', '"higher"')
    (tmp_path / "tiny_metrics.py").write_text(broken)
    with installed(tmp_path):
        document = json.loads(run("--check", "hit_rate", "--json"))
        assert document["metric"]["source"] == "tiny-metrics 0.3"
        assert {check["outcome"] for check in document["conformance"]} == {
            "pass",
            "not applicable",
        }
        text = run("--check", "mean_absolute_error", exit_code=1)
        assert "fail: direction" in text


def test_unknown_names_and_unusable_plug_ins_are_errors_that_say_what_to_do(tmp_path):
    assert "'auc' is none of accuracy" in run("--check", "auc", exit_code=2)
    write_distribution(tmp_path, {"f1": "tiny_metrics:HIT_RATE"})
    with installed(tmp_path):
        assert "uninstall one of them" in run(exit_code=1)
