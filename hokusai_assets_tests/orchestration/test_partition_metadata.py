"""What a contribution's run shows in the Dagster UI, how much of it there is, and what never is."""

from collections.abc import Callable
from typing import Any

import dagster as dg
import pytest

from hokusai_assets.orchestration.partition_pictures import MOST_BYTES
from hokusai_assets.orchestration.presentation import mlflow_run

from .conftest import Deployment

PLANTED = "grace.hopper@example.org"


def shown(deployment: Deployment, run_id: str) -> dict[str, dict[str, Any]]:
    """Return each materialized asset's metadata by its name."""
    events = deployment.instance.all_logs(run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION)
    found = {}
    for entry in events:
        materialization = entry.dagster_event.step_materialization_data.materialization
        found[materialization.asset_key.path[-1]] = dict(materialization.metadata)
    return found


@pytest.fixture
def evaluated(make_deployment: Callable[..., Deployment]) -> tuple[Deployment, str, dict]:
    deployment = make_deployment(HOKUSAI_MLFLOW_URL="http://mlflow.example/")
    text = deployment.contribution_file.read_text().splitlines()
    text[0] += ",sent_by"
    text[1:] = [f"{line},{PLANTED}" for line in text[1:]]
    file = deployment.root / "with-a-secret.csv"
    file.write_text("\n".join(text) + "\n")
    key, outcome = deployment.run(file)
    assert outcome.status == "evaluated", outcome.faults
    return deployment, key, shown(deployment, outcome.run_id)


def test_a_contribution_shows_tables_counts_schema_columns_pictures_and_links(evaluated: Any):
    _, key, metadata = evaluated
    intake, deltas, issued = (
        metadata[name] for name in ("contributed_data", "metric_deltas", "attestation")
    )
    lineage = intake["dagster/column_lineage"].value.deps_by_column
    names = [column.name for column in intake["dagster/column_schema"].value.columns]
    assert set(lineage) == set(names)
    assert all(one[0].asset_key.path == ["generated", "drop"] for one in lineage.values())
    assert "*1 more* | | **dropped**" in intake["columns"].value
    assert intake["dagster/partition_row_count"].value > 0
    for name in ("deltas", "roc", "calibration", "confusion"):
        picture = deltas[f"plot/{name}"].value
        assert picture.startswith("![")
        assert "](data:image/png;base64,iVBORw0KGgo" in picture
    assert isinstance(deltas["delta/auroc"].value, float)
    assert deltas["dagster/column_schema"].value.columns
    assert issued["mlflow_run"].value.startswith("http://mlflow.example/#/experiments/")
    assert key in issued["report"].value


def test_the_metadata_of_a_contribution_stays_small(evaluated: Any):
    _, _, metadata = evaluated
    pictures = sum(
        len(value.value)
        for name, value in metadata["metric_deltas"].items()
        if name.startswith("plot/")
    )
    everything = sum(
        len(str(value.value)) for asset in metadata.values() for value in asset.values()
    )
    print(f"{pictures:,} bytes of pictures, {everything:,} in all")
    assert pictures <= MOST_BYTES
    assert everything <= MOST_BYTES + 40_000


def test_no_value_of_a_row_is_in_any_event(evaluated: Any):
    deployment, _, _ = evaluated
    for run in deployment.instance.get_runs():
        said = "".join(str(entry) for entry in deployment.instance.all_logs(run.run_id))
        assert PLANTED not in said


def test_hashed_columns_are_told_by_kind_and_count():
    import pyarrow as pa

    from hokusai_assets.orchestration.column_history import columns_metadata

    schema = pa.schema([("text", pa.string()), ("label", pa.string())])
    privacy = {
        "columns": [
            {"column": "text", "entity": "PHONE", "cells": 38, "share_ppm": 1, "how": "spans"},
            {"column": "text", "entity": "EMAIL", "cells": 2, "share_ppm": 1, "how": "spans"},
        ],
        "waived": ["label"],
        "dropped": ["mail"],
    }
    found = columns_metadata("generated", schema, privacy, 0)
    text, label = found["dagster/column_schema"].value.columns
    assert text.description == "**hashed**: PHONE in 38 cells, EMAIL in 2 cells"
    assert text.tags == {"hokusai/hashed": "PHONE-EMAIL"}
    assert label.description is None
    table = found["columns"].value
    assert "| label | string | kept; exempt from the search by the spec |" in table
    assert "| mail | | **dropped** by the spec |" in table


def test_missing_columns_are_told_as_missing_and_are_not_in_the_schema():
    import pyarrow as pa

    from hokusai_assets.orchestration.column_history import columns_metadata

    schema = pa.schema([("text", pa.string()), ("label", pa.string())])
    found = columns_metadata("generated", schema, {}, 0, missing=("label",))
    assert [column.name for column in found["dagster/column_schema"].value.columns] == ["text"]
    assert set(found["dagster/column_lineage"].value.deps_by_column) == {"text"}
    table = found["columns"].value
    assert "| text | string | kept |" in table
    assert "| label | string | **missing** from the file |" in table


def test_a_file_that_lacks_columns_shows_them_as_missing(deployment: Deployment):
    bad = deployment.root / "bad.csv"
    bad.write_text("distance_km,parcels\n1.5,2\n")
    _, outcome = deployment.run(bad)
    metadata = shown(deployment, outcome.run_id)["contributed_data"]
    schema = {column.name for column in metadata["dagster/column_schema"].value.columns}
    assert schema == {"distance_km", "parcels"}
    lines = metadata["columns"].value.splitlines()[2:]
    kept = {line.split(" | ")[0].removeprefix("| ") for line in lines if "kept" in line}
    assert kept == schema
    assert any("**missing** from the file" in line for line in lines)


def test_without_an_address_of_mlflow_the_run_is_told_by_its_id():
    assert mlflow_run("", "1", "abc").value == "abc"
    assert "not reachable" in mlflow_run("http://x", None, None).value
