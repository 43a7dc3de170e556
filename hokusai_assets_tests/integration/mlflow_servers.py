"""MLflow's server as people run it, PostgreSQL behind it and an S3 API for artifacts."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hokusai_assets_tests.integration.dev_server import answers, clean_environment, free_port, until

BUCKET = "hokusai"
S3_KEYS = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "us-east-1",
}


@contextmanager
def mlflow_server(
    folder: Path, *, store: str, artifacts: list[str], environment: dict[str, str] | None = None
) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Run a server and yield its address and process.

    Args:
        folder: for its log.
        store: address of the database.
        artifacts: the options that say where artifacts are.
        environment: besides this process's, without what points to another home.
    """
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--workers", "1"]
    command += ["--port", str(port), "--backend-store-uri", store, *artifacts]
    log = folder / "mlflow-server.log"
    with log.open("wb") as output:
        server = subprocess.Popen(
            command,
            cwd=folder,
            env=clean_environment() | (environment or {}),
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        until(
            lambda: server.poll() is None and answers(f"{address}/health"),
            120,
            f"MLflow's server did not start; see {log}",
        )
        yield address, server
    finally:
        stop(server)


def stop(server: subprocess.Popen[bytes], number: int = signal.SIGKILL) -> None:
    """End a server with all that it started."""
    try:
        os.killpg(server.pid, number)
    except ProcessLookupError:
        return
    server.wait(timeout=30)


@contextmanager
def postgresql() -> Iterator[str]:
    """Run PostgreSQL in a folder of its own and yield the address of an empty database."""
    tools = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not tools:
        pytest.fail("PostgreSQL is missing: apt-get install -y postgresql")
    # It refuses to run as root; its package made a user.
    user = {"user": "postgres"} if os.geteuid() == 0 else {}
    folder = Path(tempfile.mkdtemp(prefix="hokusai-postgresql-", dir="/tmp"))
    if user:
        shutil.chown(folder, "postgres")
    data, port = folder / "data", free_port()

    def run(*command: str) -> None:
        done = subprocess.run(
            [str(tools[-1] / command[0]), *command[1:]],
            cwd=folder,
            capture_output=True,
            text=True,
            **user,
        )
        assert done.returncode == 0, done.stderr

    try:
        run("initdb", "-D", str(data), "-U", "mlflow", "--auth=trust", "--no-sync", "-E", "UTF8")
        options = f"-p {port} -c listen_addresses=127.0.0.1 -k {folder} -c fsync=off"
        run("pg_ctl", "-D", str(data), "-w", "-l", str(folder / "log"), "-o", options, "start")
        try:
            run("createdb", "-h", "127.0.0.1", "-p", str(port), "-U", "mlflow", "mlflow")
            yield f"postgresql://mlflow@127.0.0.1:{port}/mlflow"
        finally:
            run("pg_ctl", "-D", str(data), "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(folder)


@contextmanager
def s3_server() -> Iterator[tuple[str, object]]:
    """Run a server of the S3 API with an empty bucket; yield its address and itself."""
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    address = f"http://{host}:{port}"
    try:
        boto3.client(
            "s3",
            endpoint_url=address,
            region_name=S3_KEYS["AWS_DEFAULT_REGION"],
            aws_access_key_id="test",
            aws_secret_access_key="test",
        ).create_bucket(Bucket=BUCKET)
        yield address, server
    finally:
        server.stop()
