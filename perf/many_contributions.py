"""A home with many contributions' worth of runs and events, copied from one real run.

`hokusai evaluate` takes one contribution to its attestation. Then all rows that Dagster wrote of
that run (events with their metadata, checks, tags, the run) are written again in the same tables
under other partition keys and run ids, and the raw copy and the dropped file are linked. Writing
them one by one by Dagster's own calls gives the same rows, and takes an hour for 10,000.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import UUID

import dagster as dg

from hokusai_assets.benchmarks.generated import GENERATED_ID, write_generated_benchmark
from hokusai_assets.orchestration.drop_folder import DropFolder
from hokusai_assets.orchestration.drop_ledger import DropLedger, KnownDrop
from hokusai_assets.orchestration.home import open_instance
from hokusai_assets.orchestration.partitions import contributions_of
from hokusai_assets.settings import Settings

_EVENT_TABLES = ("event_logs", "asset_check_executions", "asset_event_tags")
_RUN_TABLES = ("runs", "run_tags")
# Columns that hold the id of an event, which differs from copy to copy.
_EVENT_IDS = ("event_id", "evaluation_event_storage_id", "materialization_event_storage_id")


def build(root: Path, contributions: int) -> Settings:
    """Make a home under a folder, with so many evaluated contributions and their dropped files.

    Args:
        root: an empty folder; ``data/`` and ``home/`` are made in it.
        contributions: how many, at least one.
    """
    _, file = write_generated_benchmark(root / "data", seed=7)
    places = {"HOKUSAI_HOME": str(root / "home"), "HOKUSAI_DATA": str(root / "data")}
    settings = Settings.from_environment(places)
    command = [sys.executable, "-m", "hokusai_assets.cli.main", "evaluate", str(file)]
    subprocess.run(
        [*command, "-b", GENERATED_ID], env=os.environ | places, check=True, capture_output=True
    )
    keys = [f"batch-{number:05}-{number:012x}" for number in range(1, contributions)]
    partitions = contributions_of(GENERATED_ID).name
    assert partitions is not None
    with open_instance(settings) as instance:
        (first,) = instance.get_dynamic_partitions(partitions)
        (run,) = instance.get_runs(filters=dg.RunsFilter(tags={"dagster/partition": first}))
        instance.add_dynamic_partitions(partitions, keys)
    old = (first, run.run_id)
    new = [(key, str(UUID(int=number + 1))) for number, key in enumerate(keys)]
    _repeat(settings.dagster_home / "event_log.db", _EVENT_TABLES, old, new)
    _repeat(settings.dagster_home / "history" / "runs.db", _RUN_TABLES, old, new)
    _tell_latest(settings, new[-1][1])
    _copy_files(settings, first, file, keys)
    return settings


def _repeat(
    database: Path, tables: Sequence[str], old: tuple[str, str], new: list[tuple[str, str]]
) -> None:
    """Write a run's rows again for each new (partition key, run id), in one transaction."""
    with closing(sqlite3.connect(database)) as connection, connection:
        for table in tables:
            names = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
            rows = connection.execute(f"SELECT * FROM {table}").fetchall()
            of_run = [row for row in rows if table == "asset_event_tags" or old[1] in row]
            marks = ", ".join("?" * len(names))
            connection.executemany(
                f"INSERT INTO {table} VALUES ({marks})", _copies(names, of_run, old, new)
            )
            assert connection.total_changes >= len(of_run) * len(new)


def _copies(
    names: list[str], rows: list[Any], old: tuple[str, str], new: list[tuple[str, str]]
) -> Iterator[list[Any]]:
    for number, (key, run_id) in enumerate(new, start=1):
        for row in rows:
            copied = []
            for name, value in zip(names, row, strict=True):
                if isinstance(value, str):
                    value = value.replace(old[0], key).replace(old[1], run_id)
                elif value is not None and (name == "id" or name in _EVENT_IDS):
                    # A gap wider than any run's number of events.
                    value += number * 1000
                copied.append(value)
            yield copied


def _tell_latest(settings: Settings, run_id: str) -> None:
    """Let Dagster note the last copy's events as each asset's latest."""
    with open_instance(settings) as instance:
        storage: Any = instance.event_log_storage
        for record in storage.get_records_for_run(run_id).records:
            event = record.event_log_entry.dagster_event
            if event is not None and event.is_step_materialization:
                storage.store_asset_event(record.event_log_entry, record.storage_id)


def _copy_files(settings: Settings, first: str, file: Path, keys: list[str]) -> None:
    """Give each key its raw copy and its file among the drops, known to the sensor."""
    store = settings.contributions(GENERATED_ID)
    drops = Path(settings.drops) / GENERATED_ID
    drops.mkdir(parents=True)
    for key in keys:
        shutil.copytree(store / first, store / key, copy_function=os.link)
        (drops / f"{key}.csv").hardlink_to(file)
    listing = DropFolder(settings.drops, GENERATED_ID).listing()
    DropLedger(settings.home / "drops.sqlite", GENERATED_ID).note(
        KnownDrop(found, "launched", found.name.removesuffix(".csv"), found.name)
        for found in listing
    )
