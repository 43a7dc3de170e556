"""How MLflow runs end: as Dagster's event log says, also those that a killed process left."""

from collections.abc import Mapping
from typing import Any

import dagster as dg

from hokusai_assets.orchestration.run_outcome import RunEnd, how_it_ended
from hokusai_assets.orchestration.tracking import (
    KIND_TAG,
    LATEST_TAG,
    OVERVIEW,
    Tracking,
    as_metrics,
    as_tags,
)


def end_left_running(client: Any, experiment_id: str, instance: dg.DagsterInstance) -> None:
    """End the MLflow runs of Dagster runs that are over: of a killed process none ended them."""
    running = client.search_runs(
        [experiment_id],
        filter_string=f"attributes.status = 'RUNNING' and tags.{KIND_TAG} != '{OVERVIEW}'",
    )
    for left in running:
        run = instance.get_run_by_id(left.data.tags.get("dagster_run_id", ""))
        # One that is unknown here is another home's.
        if run is not None and run.is_finished:
            end = how_it_ended(instance, run)
            client.log_batch(left.info.run_id, tags=as_tags(end.tags))
            client.set_terminated(left.info.run_id, status=end.status)


def write_end(
    tracking: Tracking, run_ids: list[str], end: RunEnd, metrics: Mapping[str, float]
) -> None:
    """Write how a Dagster run ended, and what it cost, to its MLflow runs; end them.

    Args:
        tracking: the run's; what it went without is told too.
        run_ids: MLflow's.
        end: what Dagster says.
        metrics: costs of the run and its steps.
    """
    client = tracking.client
    tags = dict(end.tags)
    if incomplete := tracking.unavailable or tracking.artifacts_unavailable:
        tags["tracking_incomplete"] = incomplete
    for run_id in run_ids:
        client.log_batch(run_id, metrics=as_metrics(metrics), tags=as_tags(tags))
        client.set_terminated(run_id, status=end.status)


def make_latest(tracking: Tracking, benchmark_id: str, contribution: str) -> None:
    """Mark this as the run that holds for its contribution, and no earlier one."""
    client = tracking.client
    earlier = client.search_runs(
        [tracking.experiment_id],
        filter_string=(
            f"tags.benchmark = '{benchmark_id}' and tags.contribution = '{contribution}' "
            f"and tags.{LATEST_TAG} = 'true'"
        ),
    )
    for run in earlier:
        client.set_tag(run.info.run_id, LATEST_TAG, "false")
    client.set_tag(tracking.run_id, LATEST_TAG, "true")
