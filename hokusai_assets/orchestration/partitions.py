"""Names of a benchmark's partitions, group, jobs and sensor, made in this one place."""

import dagster as dg

ASSETS_OF_CONTRIBUTION = (
    "contributed_data",
    "new_model",
    "new_evaluation",
    "metric_deltas",
    "settlement",
    "attestation",
)
# Of all contributions at once: no run of a single one includes it.
VALUES_ASSET = "contribution_values"
LEADERBOARD_ASSET = "leaderboard"
REVIEW_ASSET = "attestation_review"
ASSETS_OF_BENCHMARK = ("benchmark", "baseline_model", "baseline_evaluation")


def group_name(benchmark_id: str) -> str:
    """Return the asset group: Dagster's names take no dash, ids take no underscore."""
    return benchmark_id.replace("-", "_")


def contributions_of(benchmark_id: str) -> dg.DynamicPartitionsDefinition:
    """Return the partitions of a benchmark: one per contribution, append-only."""
    return dg.DynamicPartitionsDefinition(name=f"{benchmark_id}-contributions")


def contribution_job_name(benchmark_id: str) -> str:
    """Return the name of the job that takes one contribution to its attestation."""
    return f"{group_name(benchmark_id)}_contribution"


def baseline_job_name(benchmark_id: str) -> str:
    """Return the name of the job that prepares a benchmark without a contribution."""
    return f"{group_name(benchmark_id)}_baseline"


def values_job_name(benchmark_id: str) -> str:
    """Return the name of the job that values all contributions beside one another."""
    return f"{group_name(benchmark_id)}_values"


def reconciliation_name(benchmark_id: str) -> str:
    """Return the name of the schedule that runs unfinished contributions again."""
    return f"{group_name(benchmark_id)}_reconciliation"


def leaderboard_job_name(benchmark_id: str) -> str:
    """Return the name of the job that ranks a benchmark's contributions."""
    return f"{group_name(benchmark_id)}_leaderboard"


def drop_sensor_name(benchmark_id: str) -> str:
    """Return the name of the sensor that watches a benchmark's drops."""
    return f"{group_name(benchmark_id)}_drops"
