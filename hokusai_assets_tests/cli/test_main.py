"""Ctrl-C ends any verb with one line and the exit code of an interrupted program."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from hokusai_assets.cli import benchmarks, dev
from hokusai_assets.cli.main import main

from .test_commands import DATA, FIXTURES, clean_environment, hokusai


def interrupt(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def test_an_interrupted_verb_says_so_in_one_line(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(benchmarks, "current_settings", interrupt)
    done = CliRunner().invoke(main, ["benchmarks"])
    assert (done.exit_code, done.stdout, done.stderr) == (130, "", "Interrupted.\n")


def test_dev_that_is_ended_before_it_listens_to_signals_ends_well(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(dev, "_Stop", interrupt)
    done = CliRunner().invoke(main, ["dev"])
    assert (done.exit_code, done.output) == (0, "")


def test_an_interrupted_evaluation_is_taken_up_by_the_same_command(tmp_path: Path):
    arguments = ("evaluate", FIXTURES / "test_queries.csv", "-b", "sms-spam")
    places = {"HOKUSAI_HOME": str(tmp_path), "HOKUSAI_DATA": str(DATA)}
    with subprocess.Popen(
        [sys.executable, "-m", "hokusai_assets.cli.main", *map(str, arguments)],
        env=clean_environment() | places,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None and process.stdout is not None
        for line in process.stderr:
            if line.startswith("training the baseline"):
                break
        # Into the training, not between two steps.
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        told = process.stderr.read().splitlines()
        assert process.stdout.read() == ""
    assert (process.returncode, told[-1]) == (130, "Interrupted.")
    assert not any("Traceback" in line or "fault" in line for line in told)
    assert not (tmp_path / "attestations").exists()
    again = hokusai(*arguments, home=tmp_path)
    assert again.returncode == 0, again.stderr
    assert "Look 1 of 100" in again.stdout
