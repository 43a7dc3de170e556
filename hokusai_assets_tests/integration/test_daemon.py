"""`hokusai dev` for real: a dropped file becomes an attestation, a backfill over all of them.

Dagster's webserver and daemon and MLflow's server are started by the test; they come with the
project's own dependencies.
"""

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
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from hokusai_assets.benchmarks.generated import write_generated_benchmark

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("daemon")]
_PARTITIONED = ("contributed_data", "new_model", "new_evaluation", "metric_deltas", "attestation")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(holds: Callable[[], Any], seconds: float, what: str) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := holds():
            return found
        time.sleep(1)
    pytest.fail(f"{what}: not within {seconds:.0f} s")


@dataclass
class Server:
    """A running `hokusai dev`."""

    root: Path
    dagster: str
    mlflow: str
    process: subprocess.Popen[bytes]

    def query(self, text: str, **variables: object) -> dict[str, Any]:
        request = urllib.request.Request(
            f"{self.dagster}/graphql",
            json.dumps({"query": text, "variables": variables}).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)["data"]

    def answers(self, url: str) -> bool:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return answer.status == 200
        except (urllib.error.URLError, OSError):
            return False

    def runs(self) -> dict[str, str]:
        """Return the status of the latest run of each contribution."""
        found = self.query("{runsOrError{... on Runs{results{status tags{key value}}}}}")
        latest: dict[str, str] = {}
        for run in found["runsOrError"]["results"]:
            tags = {tag["key"]: tag["value"] for tag in run["tags"]}
            latest.setdefault(tags.get("dagster/partition", ""), run["status"])
        return latest


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    root = tmp_path_factory.mktemp("dev")
    write_generated_benchmark(root / "data", seed=7)
    drops = root / "data" / "drops" / "generated"
    drops.mkdir(parents=True)
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("HOKUSAI_", "MLFLOW_", "DAGSTER_"))
    }
    ports = free_port(), free_port()
    with (root / "dev.log").open("wb") as log:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "hokusai_assets.cli.main", "dev"),
                *("--port", str(ports[0]), "--mlflow-port", str(ports[1])),
            ],
            cwd=Path(__file__).resolve().parents[2],
            env=environment
            | {"HOKUSAI_HOME": str(root / "home"), "HOKUSAI_DATA": str(root / "data")},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        running = Server(
            root, f"http://127.0.0.1:{ports[0]}", f"http://127.0.0.1:{ports[1]}", process
        )
        try:
            until(lambda: running.answers(f"{running.dagster}/server_info"), 180, "the web UI")
            yield running
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=60)
    assert not list_processes_of(root), "hokusai dev left processes behind"


def list_processes_of(root: Path) -> list[str]:
    left = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            environment = (folder / "environ").read_bytes()
            if str(root / "home").encode() in environment and folder.name != str(os.getpid()):
                left.append((folder / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue
    return left


@pytest.fixture(scope="module")
def dropped(server: Server) -> set[str]:
    """Drop a good file, a rejected one and one of unknown format; return the partition keys."""
    drops = server.root / "data" / "drops" / "generated"
    good = (server.root / "data" / "contribution.csv").read_bytes()
    half = drops / ".good.csv"
    half.write_bytes(good)
    half.rename(drops / "good.csv")
    (drops / "bad.csv").write_text("distance_km,parcels\n1.5,2\n")
    (drops / "notes.docx").write_text("no table")

    def both_ended() -> dict[str, str]:
        ended = {
            key: status
            for key, status in server.runs().items()
            if key and status in ("SUCCESS", "FAILURE")
        }
        return ended if len(ended) == 2 else {}

    ended = until(both_ended, 240, "the runs of two drops")
    assert {key.rsplit("-", 1)[0]: status for key, status in ended.items()} == {
        "good": "SUCCESS",
        "bad": "FAILURE",
    }
    return set(ended)


def test_both_user_interfaces_answer(server: Server):
    assert server.answers(f"{server.dagster}/server_info")
    until(lambda: server.answers(f"{server.mlflow}/health"), 120, "MLflow's server")


def test_a_dropped_file_is_attested(server: Server, dropped: set[str]):
    issued = list((server.root / "home" / "attestations" / "generated").glob("*.dsse.json"))
    assert [path.name.startswith("good-") for path in issued] == [True]


def test_its_delta_and_row_counts_stand_in_the_metadata(server: Server, dropped: set[str]):
    found = server.query(
        'query{assetNodes(assetKeys:[{path:["generated","metric_deltas"]}])'
        "{assetMaterializations{partition metadataEntries{label "
        "... on FloatMetadataEntry{floatValue} ... on IntMetadataEntry{intValue}}}}}"
    )
    (materialization,) = found["assetNodes"][0]["assetMaterializations"]
    assert materialization["partition"].startswith("good-")
    values = {entry["label"]: entry for entry in materialization["metadataEntries"]}
    assert isinstance(values["delta/auroc"]["floatValue"], float)
    assert values["dagster/partition_row_count"]["intValue"] == 1000


def test_the_rejected_ones_check_failed_and_says_why(server: Server, dropped: set[str]):
    found = server.query(
        'query{assetNodes(assetKeys:[{path:["generated","contributed_data"]}])'
        "{assetMaterializations{partition metadataEntries{label "
        "... on MarkdownMetadataEntry{mdStr}}}}}"
    )
    texts = {
        entry["label"]: entry.get("mdStr")
        for materialization in found["assetNodes"][0]["assetMaterializations"]
        if materialization["partition"].startswith("bad-")
        for entry in materialization["metadataEntries"]
    }
    assert "missing-column" in texts["rejected_because"]


def test_a_backfill_from_the_ui_ends_with_the_bad_one_failing_alone(
    server: Server, dropped: set[str]
):
    launched = server.query(
        "mutation($p:LaunchBackfillParams!){launchPartitionBackfill(backfillParams:$p)"
        "{__typename ... on LaunchBackfillSuccess{backfillId} ... on PythonError{message}}}",
        p={
            "partitionNames": sorted(dropped),
            "assetSelection": [{"path": ["generated", name]} for name in _PARTITIONED],
            "tags": [],
        },
    )["launchPartitionBackfill"]
    assert launched["__typename"] == "LaunchBackfillSuccess", launched

    def ended() -> list[dict[str, Any]] | None:
        backfill = server.query(
            "query($b:String!){partitionBackfillOrError(backfillId:$b)"
            "{... on PartitionBackfill{status runs{status tags{key value}}}}}",
            b=launched["backfillId"],
        )["partitionBackfillOrError"]
        return None if backfill["status"] == "REQUESTED" else backfill["runs"]

    runs = until(ended, 240, "the backfill")
    outcomes = {}
    for run in runs:
        tags = {tag["key"]: tag["value"] for tag in run["tags"]}
        key = tags.get("dagster/partition") or tags["dagster/asset_partition_range_start"]
        outcomes[key.rsplit("-", 1)[0]] = (run["status"], tags["hokusai/outcome"])
    assert outcomes == {"good": ("SUCCESS", "accepted"), "bad": ("FAILURE", "rejected")}
