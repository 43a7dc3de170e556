"""`hokusai dev` as a person starts it, in a home of its own, asked through Dagster's GraphQL."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(holds: Callable[[], Any], seconds: float, what: str) -> Any:
    """Return what a function finds as soon as it finds something; fail after some seconds."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := holds():
            return found
        time.sleep(1)
    pytest.fail(f"{what}: not within {seconds:.0f} s")


def answers(url: str) -> bool:
    """Say whether a server answers with 200."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.status == 200
    except (urllib.error.URLError, OSError):
        return False


def clean_environment() -> dict[str, str]:
    """Return the environment without what points to another home."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("HOKUSAI_", "MLFLOW_", "DAGSTER_"))
    }


@dataclass
class DevServer:
    """A running `hokusai dev`: its root folder and the addresses of both user interfaces."""

    root: Path
    dagster: str
    mlflow: str

    @property
    def home(self) -> Path:
        return self.root / "home"

    @property
    def data(self) -> Path:
        return self.root / "data"

    def query(self, text: str, **variables: object) -> dict[str, Any]:
        request = urllib.request.Request(
            f"{self.dagster}/graphql",
            json.dumps({"query": text, "variables": variables}).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)["data"]

    def runs(self) -> dict[str, str]:
        """Return the status of the latest run of each contribution."""
        found = self.query("{runsOrError{... on Runs{results{status tags{key value}}}}}")
        latest: dict[str, str] = {}
        for run in found["runsOrError"]["results"]:
            tags = {tag["key"]: tag["value"] for tag in run["tags"]}
            latest.setdefault(tags.get("dagster/partition", ""), run["status"])
        return latest

    def drop(self, benchmark_id: str, name: str, content: bytes) -> None:
        """Put a file where a sensor looks, whole at once."""
        folder = self.data / "drops" / benchmark_id
        half = folder / f".{name}"
        half.write_bytes(content)
        half.rename(folder / name)


@contextmanager
def running_dev(root: Path, **environment: str) -> Iterator[DevServer]:
    """Run `hokusai dev` over ``<root>/data`` in ``<root>/home``; what it says is in ``dev.log``."""
    ports = free_port(), free_port()
    places = {"HOKUSAI_HOME": str(root / "home"), "HOKUSAI_DATA": str(root / "data")}
    with (root / "dev.log").open("wb") as log:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "hokusai_assets.cli.main", "dev"),
                *("--port", str(ports[0]), "--mlflow-port", str(ports[1])),
            ],
            cwd=ROOT,
            env=clean_environment() | places | environment,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        running = DevServer(root, *(f"http://127.0.0.1:{port}" for port in ports))
        try:
            until(lambda: answers(f"{running.dagster}/server_info"), 180, "the web UI")
            yield running
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=60)
    assert not processes_of(root), "hokusai dev left processes behind"


def processes_of(root: Path) -> list[str]:
    """Return the command lines of other processes whose environment names this home."""
    left = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            environment = (folder / "environ").read_bytes()
            if str(root / "home").encode() in environment and folder.name != str(os.getpid()):
                left.append((folder / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue
    return left
