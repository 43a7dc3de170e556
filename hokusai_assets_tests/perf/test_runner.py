"""Tests of the benchmark runner: what it measures, and that each benchmark runs, if small."""

import importlib
from pathlib import Path

import pytest

from perf.__main__ import benchmarks, facts, main, table, with_section
from perf.fresh_process import in_fresh_process

ROWS = [
    {"what": "a", "figure": 1234567.8, "unit": "rows", "peer": "b", "peer_figure": 1000.0,
     "ratio": 1234.6},
    {"what": "c", "figure": 0.25, "unit": "s", "peer": None, "peer_figure": None, "ratio": None},
]  # fmt: skip


def allocate(mebibytes: int) -> int:
    """Hold so much memory for a moment."""
    held = bytearray(b"x") * (mebibytes << 20)
    return len(held)


def spin(rounds: int) -> int:
    """Keep the processor busy."""
    return sum(i * i for i in range(rounds))


def fail(word: str) -> None:
    """Fail with a word in the message."""
    raise ValueError(word)


def test_a_process_of_its_own_is_charged_with_what_it_takes() -> None:
    small = in_fresh_process(f"{__name__}:allocate", 1)
    large = in_fresh_process(f"{__name__}:allocate", 300)
    assert large.result == 300 << 20
    assert large.peak_bytes - small.peak_bytes > 250 << 20
    busy = in_fresh_process(f"{__name__}:spin", 3_000_000)
    assert busy.result == sum(i * i for i in range(3_000_000))
    assert busy.cpu_seconds > small.cpu_seconds


def test_what_fails_in_the_process_is_told() -> None:
    with pytest.raises(RuntimeError, match="ValueError: harmless"):
        in_fresh_process(f"{__name__}:fail", "harmless")


def test_the_table_has_a_line_per_row_and_no_peer_where_there_is_none() -> None:
    lines = table(ROWS).splitlines()
    assert lines[2:] == [
        "| a | 1,234,568 rows | b | 1,000 rows | 1,234.6 |",
        "| c | 0.25 s |  |  |  |",
    ]
    assert "cores" in facts(0.5) and "Scale 0.5" in facts(0.5)


def test_a_section_is_added_or_replaced_and_the_others_stay() -> None:
    one = with_section("", "letters", "| a |")
    both = with_section(one, "digits", "| b |")
    assert [line for line in both.splitlines() if line] == [
        *(line for line in one.splitlines()[:3] if line),
        "## digits",
        "| b |",
        "## letters",
        "| a |",
    ]
    again = with_section(both, "letters", "| c |")
    assert again == both.replace("| a |", "| c |")


def test_every_benchmark_file_is_found_and_can_be_run() -> None:
    files = Path(importlib.import_module("perf").__path__[0]).glob("bench_*.py")
    assert benchmarks() == sorted(path.stem.removeprefix("bench_") for path in files)
    assert "privacy" in benchmarks()
    for name in benchmarks():
        assert callable(importlib.import_module(f"perf.bench_{name}").run)


def test_an_unknown_benchmark_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["no_such"])
    assert "privacy" in capsys.readouterr().err


@pytest.mark.integration
def test_the_privacy_benchmark_runs(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("perf.bench_privacy.RUNS", 1)
    main(["privacy", "--scale", "0.001"])
    lines = capsys.readouterr().out.splitlines()
    shown = [line for line in lines if line and not line.startswith("## ")]
    assert [line.count("|") for line in shown] == [6] * len(shown)
    assert sum("Presidio" in line for line in lines) == 2
    assert "MiB" in shown[-1]
