"""Ctrl-C ends `hokusai dev` well, whenever it comes: exit 0, no fault told, nothing left behind."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from hokusai_assets_tests.integration.dev_server import (
    ROOT,
    clean_environment,
    free_port,
    processes_of,
    until,
)

pytestmark = pytest.mark.integration


def to_the_group(process: subprocess.Popen[bytes]) -> None:
    """As a terminal sends it."""
    os.killpg(process.pid, signal.SIGINT)


def to_it_alone(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGINT)


def environment_of(root: Path) -> dict[str, str]:
    return clean_environment() | {
        "HOKUSAI_HOME": str(root / "home"),
        "HOKUSAI_DATA": str(root / "data"),
    }


def started(root: Path) -> tuple[subprocess.Popen[bytes], Path]:
    """Start it in a home under a folder; return it and what it says."""
    log = root / "dev.log"
    ports = ("--port", str(free_port()), "--mlflow-port", str(free_port()))
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "hokusai_assets.cli.main", "dev", *ports],
            cwd=ROOT,
            env=environment_of(root),
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return process, log


@pytest.mark.parametrize(
    ("moment", "send"),
    [
        # It has only made its home yet.
        (b"", to_the_group),
        (b"Launching Dagster services", to_the_group),
        (b"Ctrl-C stops all", to_the_group),
        (b"Ctrl-C stops all", to_it_alone),
    ],
)
def test_ctrl_c_ends_it_well(
    moment: bytes, send: Callable[[subprocess.Popen[bytes]], None], tmp_path: Path
):
    process, log = started(tmp_path)
    try:
        until((tmp_path / "home").exists, 180, "the home")
        until(lambda: moment in log.read_bytes(), 180, "the start")
        send(process)
        assert process.wait(timeout=60) == 0
    finally:
        process.kill()
    said = log.read_bytes()
    assert b"\x1b" not in said
    assert b"Aborted" not in said and b"Traceback" not in said
    assert not processes_of(tmp_path)


def test_a_second_one_is_refused_and_servers_of_a_killed_one_end_too(tmp_path: Path):
    process, log = started(tmp_path)
    try:
        until(lambda: b"Ctrl-C stops all" in log.read_bytes(), 180, "the start")
        second = subprocess.run(
            [sys.executable, "-m", "hokusai_assets.cli.main", "dev"],
            cwd=ROOT,
            env=environment_of(tmp_path),
            capture_output=True,
            timeout=60,
            check=False,
        )
        assert second.returncode == 2
        assert b"another `hokusai dev` serves" in second.stderr
    finally:
        process.kill()
        process.wait()
    until(lambda: not processes_of(tmp_path), 60, "the end of its servers")
