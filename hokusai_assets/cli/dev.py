"""`hokusai dev`: Dagster's web UI and daemon, and MLflow's UI, for this home on loopback."""

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType
from typing import Literal

import click
from rich.console import Console

from hokusai_assets.cli.common_options import PLATFORM_FAULT, current_settings
from hokusai_assets.cli.server_output import ServerOutput, is_plain
from hokusai_assets.settings import Settings

_LOOPBACK = "127.0.0.1"
# Held beside the runs' own.
_MARK = "dev"
# Loaded here: between fork and exec only calls are safe.
_LIBC = ctypes.CDLL(None)
_PR_SET_PDEATHSIG = 1
_READY_SECONDS = 120.0
_STOP_SECONDS = 15.0


@click.command("dev")
@click.option("--port", default=3000, show_default=True, help="Port of Dagster's web UI.")
@click.option("--mlflow-port", default=5000, show_default=True, help="Port of MLflow's UI.")
def command(port: int, mlflow_port: int) -> None:
    """Start the web UI, the daemon (sensors, backfills) and MLflow's UI, until Ctrl-C.

    Listens on 127.0.0.1 only: Dagster's UI has no login. A port that is taken is replaced by the
    next free one, and said. One at a time serves a home.
    """
    # Before anything is loaded or started: what is begun is always taken down again.
    stop = _Stop()
    from hokusai_assets.orchestration.home import open_instance
    from hokusai_assets.orchestration.run_marks import (
        fail_runs_of_the_dead,
        is_marked,
        marked_as_running,
    )

    settings = current_settings()
    if is_marked(settings.run_marks, _MARK):
        raise click.UsageError(f"another `hokusai dev` serves {settings.home}: stop it first")
    with marked_as_running(settings.run_marks, _MARK):
        with open_instance(settings) as instance:
            # What a power cut left would hold its place in the queue for good.
            fail_runs_of_the_dead(instance, settings.run_marks)
        ended_well = _serve(settings, port, mlflow_port, stop)
    raise SystemExit(0 if ended_well else PLATFORM_FAULT)


def _serve(settings: Settings, port: int, mlflow_port: int, stop: "_Stop") -> bool:
    """Run all servers until they are to stop, and say whether none ended by itself before."""
    color_system: Literal["auto"] | None = None if is_plain(sys.stderr, os.environ) else "auto"
    console = Console(stderr=True, highlight=False, color_system=color_system)
    port = _free_port(port, console)
    environment = os.environ | {
        "HOKUSAI_HOME": str(settings.home),
        "HOKUSAI_DATA": str(settings.data),
        "HOKUSAI_DROPS": settings.drops,
        "HOKUSAI_DAGSTER_URL": settings.dagster_url or f"http://{_LOOPBACK}:{port}",
        "DAGSTER_HOME": str(settings.dagster_home),
        "PYTHONWARNINGS": "ignore",
    }
    dagster = [sys.executable, "-m", "dagster", "dev", "-h", _LOOPBACK, "-p", str(port)]
    commands = {"Dagster": [*dagster, *_workspace()]}
    mlflow_url = settings.mlflow_tracking_uri
    if not mlflow_url.startswith("http"):
        mlflow_port = _free_port(mlflow_port, console, taken=port)
        mlflow_url = f"http://{_LOOPBACK}:{mlflow_port}"
        commands["MLflow"] = _mlflow_server(settings, mlflow_port)
    # Unless the operator says where it is seen.
    environment.setdefault("HOKUSAI_MLFLOW_URL", mlflow_url)
    # Its own job runners are half a dozen processes of 240 MB each, for features nobody uses here.
    environment.setdefault("MLFLOW_SERVER_ENABLE_JOB_EXECUTION", "false")
    processes: dict[str, subprocess.Popen[bytes]] = {}
    output = ServerOutput(os.environ)
    try:
        for name, program in commands.items():
            if not stop.asked:
                processes[name] = _start(program, environment, output)
        if _wait_until_listening(port, processes, stop):
            console.print(f"\n[bold]Dagster[/]  http://{_LOOPBACK}:{port}")
            console.print(f"[bold]MLflow[/]   {mlflow_url}")
            console.print(f"Home     {settings.home}")
            console.print(f"Drops    {settings.drops}/<benchmark>/")
            console.print("Ctrl-C stops all.\n")
        while not stop.asked and all(process.poll() is None for process in processes.values()):
            time.sleep(0.3)
        if not stop.asked:
            ended = [name for name, process in processes.items() if process.poll() is not None]
            console.print(f"[bold red]{' and '.join(ended)} ended; stopping the rest.[/]")
    finally:
        output.ending = True
        _stop(processes)
        output.close()
    return stop.asked


class _Stop:
    """Takes Ctrl-C and SIGTERM from now on; an exception at any line would leave programs behind.

    Attributes:
        asked: whether one came.
    """

    def __init__(self) -> None:
        self.asked = False
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._ask)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self.asked = True


def _workspace() -> list[str]:
    # The checkout's workspace.yaml where there is one; else the installed module.
    if Path("workspace.yaml").is_file():
        return ["-w", "workspace.yaml"]
    return ["-m", "hokusai_assets.definitions"]


def _mlflow_server(settings: Settings, port: int) -> list[str]:
    if settings.mlflow_tracking_uri.startswith("sqlite:///"):
        Path(settings.mlflow_tracking_uri.removeprefix("sqlite:///")).parent.mkdir(
            parents=True, exist_ok=True
        )
    command = [sys.executable, "-m", "mlflow", "server", "--host", _LOOPBACK, "--port", str(port)]
    command += ["--backend-store-uri", settings.mlflow_tracking_uri, "--workers", "1"]
    if settings.mlflow_artifact_root:
        command += ["--default-artifact-root", settings.mlflow_artifact_root]
    return command


def _free_port(wanted: int, console: Console, *, taken: int = 0) -> int:
    for port in range(wanted, wanted + 50):
        if port == taken:
            continue
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((_LOOPBACK, port))
            except OSError:
                continue
        if port != wanted:
            console.print(f"Port {wanted} is taken: {port} instead.")
        return port
    raise click.UsageError(f"no free port from {wanted} to {wanted + 49}")


def _wait_until_listening(
    port: int, processes: dict[str, subprocess.Popen[bytes]], stop: _Stop
) -> bool:
    deadline = time.monotonic() + _READY_SECONDS
    while not stop.asked and time.monotonic() < deadline:
        if any(process.poll() is not None for process in processes.values()):
            return False
        try:
            socket.create_connection((_LOOPBACK, port), timeout=1).close()
            return True
        except OSError:
            time.sleep(0.3)
    return False


def _start(
    command: list[str], environment: dict[str, str], output: ServerOutput
) -> subprocess.Popen[bytes]:
    # A group of its own, so that all that it starts (daemon, code server) ends with it.
    return subprocess.Popen(
        command,
        env=environment,
        stdout=output.stdout,
        stderr=output.stderr,
        start_new_session=True,
        preexec_fn=_end_with_this_program,
    )


def _end_with_this_program() -> None:
    """Have the system stop a server if this program is killed: nobody else would."""
    # prctl(2); elsewhere than on Linux a server is left behind.
    if sys.platform == "linux":
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _stop(processes: dict[str, subprocess.Popen[bytes]]) -> None:
    for process in processes.values():
        _signal_group(process, signal.SIGTERM)
    deadline = time.monotonic() + _STOP_SECONDS
    for process in processes.values():
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=max(0.1, deadline - time.monotonic()))
        # Whatever of the group is left has had its time; runs are marked failed and restartable.
        _signal_group(process, signal.SIGKILL)
        process.wait()


def _signal_group(process: subprocess.Popen[bytes], number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)
