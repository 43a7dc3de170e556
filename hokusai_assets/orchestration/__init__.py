"""The Dagster layer: assets, checks, sensors, jobs, storage and MLflow tracking.

Belongs here: wiring, metadata, what a run logs. Does not belong here: any decision about data,
models or deltas; those are in the domain packages, which import neither Dagster nor MLflow.
"""
