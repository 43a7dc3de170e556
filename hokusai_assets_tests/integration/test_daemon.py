"""`hokusai dev` for real: a dropped file becomes an attestation, a backfill over all of them.

Dagster's webserver and daemon and MLflow's server are started by the test; they come with the
project's own dependencies.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from hokusai_assets.benchmarks.generated import write_generated_benchmark
from hokusai_assets_tests.integration.dev_server import DevServer, answers, running_dev, until

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("daemon")]
_PARTITIONED = ("contributed_data", "new_model", "new_evaluation", "metric_deltas", "attestation")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DevServer]:
    root = tmp_path_factory.mktemp("dev")
    write_generated_benchmark(root / "data", seed=7)
    (root / "data" / "drops" / "generated").mkdir(parents=True)
    with running_dev(root) as running:
        yield running


@pytest.fixture(scope="module")
def dropped(server: DevServer) -> set[str]:
    """Drop a good file, a rejected one and one of unknown format; return the partition keys."""
    server.drop("generated", "good.csv", (server.data / "contribution.csv").read_bytes())
    server.drop("generated", "bad.csv", b"distance_km,parcels\n1.5,2\n")
    server.drop("generated", "notes.docx", b"no table")

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


def test_both_user_interfaces_answer(server: DevServer):
    assert answers(f"{server.dagster}/server_info")
    until(lambda: answers(f"{server.mlflow}/health"), 120, "MLflow's server")


def test_a_dropped_file_is_attested(server: DevServer, dropped: set[str]):
    issued = list((server.home / "attestations" / "generated").glob("*.dsse.json"))
    assert [path.name.startswith("good-") for path in issued] == [True]


def test_its_delta_and_row_counts_stand_in_the_metadata(server: DevServer, dropped: set[str]):
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


def test_the_rejected_ones_check_failed_and_says_why(server: DevServer, dropped: set[str]):
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
    server: DevServer, dropped: set[str]
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
        outcomes[key.rsplit("-", 1)[0]] = (run["status"], tags["hokusai/intake"])
    assert outcomes == {"good": ("SUCCESS", "taken"), "bad": ("FAILURE", "rejected")}
