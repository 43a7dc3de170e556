"""One MLflow run per benchmark that compares its contributions: deltas with their intervals.

MLflow's own charts draw no intervals. This run has a picture of them, a table, and each delta with
its bounds as metrics over the order of settlement. It reads what the contributions' runs may show,
so nothing of a private test part is in it.
"""

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hokusai_assets.evaluation.metrics import Direction
from hokusai_assets.evaluation.units import unit_of
from hokusai_assets.orchestration.experiment_note import describe_experiment
from hokusai_assets.orchestration.tracking import (
    KIND_TAG,
    LATEST_TAG,
    NOTE_TAG,
    OVERVIEW,
    TABLES_TAG,
    as_metrics,
)

_PICTURE, _TABLE = "contributions.png", "contributions.json"
# Best first; the picture has fewer.
_SHOWN = 100
_PPM = 1_000_000
# Which attestation's figures a run brought into the overview's curves.
_SHOWN_TAG = "in_overview"


def refresh_overview(client: Any, experiment_id: str, benchmark_id: str, run_id: str) -> None:
    """Draw a benchmark's overview anew, after a contribution's run has settled.

    Args:
        client: MLflow's.
        experiment_id: of the runs.
        benchmark_id: whose.
        run_id: the contribution's run; runs on the same version of the benchmark are compared.
    """
    settled = client.get_run(run_id).data
    if "attestation_hash" not in settled.tags or "budget_position" not in settled.metrics:
        # MLflow was gone for a part of the run: what is missing can't be compared.
        return
    metric, version = settled.params["primary_metric"], settled.params["benchmark_digest"]
    direction = settled.tags["primary_direction"]
    rising = "ASC" if direction == "lower" else "DESC"
    runs = client.search_runs(
        [experiment_id],
        filter_string=(
            f"tags.benchmark = '{benchmark_id}' and tags.{LATEST_TAG} = 'true' "
            f"and tags.outcome = 'evaluated' and params.benchmark_digest = '{version}'"
        ),
        order_by=[f"metrics.`delta/{metric}` {rising}"],
        max_results=_SHOWN,
    )
    overview = _overview_run(client, experiment_id, benchmark_id)
    _add_point(client, experiment_id, overview, run_id, settled)
    with tempfile.TemporaryDirectory(prefix="hokusai-mlflow-") as folder:
        table = overview_table(runs, metric)
        (Path(folder) / _TABLE).write_text(json.dumps(table, indent=1), encoding="utf-8")
        (Path(folder) / _PICTURE).write_bytes(_picture(runs, metric, direction))
        client.log_artifacts(overview, folder)
    client.set_tag(overview, NOTE_TAG, _note(overview, benchmark_id, metric, runs))
    describe_experiment(client, experiment_id)


def _add_point(client: Any, experiment_id: str, overview: str, run_id: str, settled: Any) -> None:
    """Add a settled run to the curves; one of an attestation that is among them adds nothing."""
    attested, metric = settled.tags["attestation_hash"], settled.params["primary_metric"]
    if client.search_runs(
        [experiment_id], filter_string=f"tags.{_SHOWN_TAG} = '{attested}'", max_results=1
    ):
        return
    band = {
        name: value
        for name, value in settled.metrics.items()
        if name.startswith(f"delta/{metric}") or name == "payable_bps"
    }
    position = int(settled.metrics["budget_position"])
    client.log_batch(overview, metrics=as_metrics(band, step=position))
    client.set_tag(run_id, _SHOWN_TAG, attested)


def overview_table(runs: Sequence[Any], metric: str) -> dict[str, Any]:
    """Return the runs of contributions as MLflow shows a table, in their order."""
    columns = ["contribution", "accepted", "rows_kept", "baseline", "new", "delta", "low", "high"]
    columns += ["p_value", "payable_bps", "attestation_hash", "run_id"]
    names = [f"baseline/{metric}", f"new/{metric}", f"delta/{metric}"]
    names += [f"delta/{metric}.low", f"delta/{metric}.high", f"p_value/{metric}", "payable_bps"]
    rows = []
    for run in runs:
        found, tags = run.data.metrics, run.data.tags
        rows.append(
            [
                tags["contribution"],
                tags.get("delta_one_accepted") == "true",
                int(found.get("rows_kept", 0)),
                *(found.get(name) for name in names),
                tags.get("attestation_hash"),
                run.info.run_id,
            ]
        )
    return {"columns": columns, "data": rows}


def _overview_run(client: Any, experiment_id: str, benchmark_id: str) -> str:
    """Return the benchmark's one overview run, the oldest where two runs each made one."""
    found = client.search_runs(
        [experiment_id],
        filter_string=f"tags.benchmark = '{benchmark_id}' and tags.{KIND_TAG} = '{OVERVIEW}'",
        order_by=["attributes.start_time ASC"],
    )
    for spare in found[1:]:
        client.delete_run(spare.info.run_id)
    if found:
        return str(found[0].info.run_id)
    made = client.create_run(
        experiment_id,
        run_name=f"{benchmark_id} overview",
        tags={
            "benchmark": benchmark_id,
            KIND_TAG: OVERVIEW,
            TABLES_TAG: json.dumps([{"path": _TABLE, "type": "table"}]),
        },
    )
    client.set_terminated(made.info.run_id, status="FINISHED")
    return str(made.info.run_id)


def _picture(runs: Sequence[Any], metric: str, direction: Direction) -> bytes:
    from hokusai_assets.plots.forest import Gain, contribution_forest
    from hokusai_assets.plots.rendering import png_bytes

    gains = [
        Gain.of(
            run.data.tags["contribution"],
            {
                "direction": direction,
                "delta_ppm": round(run.data.metrics[f"delta/{metric}"] * _PPM),
                "low_ppm": round(run.data.metrics[f"delta/{metric}.low"] * _PPM),
                "high_ppm": round(run.data.metrics[f"delta/{metric}.high"] * _PPM),
            },
        )
        for run in runs
    ]
    return png_bytes(contribution_forest(gains, metric=metric, unit=unit_of(metric, direction)))


def _note(run_id: str, benchmark_id: str, metric: str, runs: Sequence[Any]) -> str:
    lines = [
        f"What each contribution to **{benchmark_id}** alone changes of {metric}, with its "
        "interval; best first.",
        "",
        f"![{metric} of each contribution, with its interval]"
        f"(get-artifact?path={_PICTURE}&run_uuid={run_id})",
        "",
        "| contribution | delta | interval | p | payable | accepted |",
        "|---|---|---|---|---|---|",
    ]
    for run in runs[:30]:
        found, tags = run.data.metrics, run.data.tags
        lines.append(
            f"| {tags['contribution']} | {found[f'delta/{metric}']:+.4f} "
            f"| {found[f'delta/{metric}.low']:+.4f} … {found[f'delta/{metric}.high']:+.4f} "
            f"| {found[f'p_value/{metric}']:.4f} | {found['payable_bps']:.0f} bps "
            f"| {'yes' if tags.get('delta_one_accepted') == 'true' else 'no'} |"
        )
    return "\n".join(lines)
