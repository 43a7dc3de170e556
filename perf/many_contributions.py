"""A home with many contributions' worth of runs and events, copied from one real run.

`hokusai evaluate` takes one contribution to its attestation; then its run and what Dagster's pages
are made from (materializations, checks, what was planned, the run's start and end) are written
again under other partition keys, by Dagster's own code into the home's own storage. Events of
single steps, about two thirds of all, are left out. One storage transaction for all: an fsync for
each event would take hours and change nothing of what is then read.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import dagster as dg
from dagster._core.events.log import EventLogEntry
from dagster._core.storage.event_log import ConsolidatedSqliteEventLogStorage
from dagster._serdes import deserialize_value, serialize_value
from sqlalchemy import create_engine, event
from sqlalchemy.pool import NullPool

from hokusai_assets.benchmarks.generated import GENERATED_ID, write_generated_benchmark
from hokusai_assets.orchestration.drop_folder import DropFolder
from hokusai_assets.orchestration.drop_ledger import DropLedger, KnownDrop
from hokusai_assets.orchestration.home import open_instance
from hokusai_assets.orchestration.partitions import contributions_of
from hokusai_assets.settings import Settings

_COPIED = {
    dg.DagsterEventType.ASSET_MATERIALIZATION,
    dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED,
    dg.DagsterEventType.ASSET_CHECK_EVALUATION,
    dg.DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED,
    dg.DagsterEventType.RUN_START,
    dg.DagsterEventType.RUN_SUCCESS,
}


class _InOneTransaction(ConsolidatedSqliteEventLogStorage):
    """The home's event storage, with one connection for all that is written."""

    _one: Any = None

    @contextmanager
    def _connect(self) -> Iterator[Any]:
        if self._one is None:
            with super()._connect() as connection:
                yield connection
        else:
            yield self._one

    @contextmanager
    def at_once(self) -> Iterator[None]:
        engine = create_engine(self._conn_string, poolclass=NullPool)
        with engine.connect() as connection, connection.begin():
            self._one = connection
            yield
        self._one = None

    def _has_asset_key_col_on_connection(self, conn: Any, column_name: str) -> bool:
        return True  # a new database has all columns; asked anew for each event otherwise


def build(root: Path, contributions: int) -> Settings:
    """Make a home under a folder, with so many evaluated contributions and their dropped files.

    Args:
        root: an empty folder; ``data/`` and ``home/`` are made in it.
        contributions: how many, at least one.
    """
    _, file = write_generated_benchmark(root / "data", seed=7)
    settings = Settings.from_environment(
        {"HOKUSAI_HOME": str(root / "home"), "HOKUSAI_DATA": str(root / "data")}
    )
    subprocess.run(
        [
            *(sys.executable, "-m", "hokusai_assets.cli.main"),
            *("evaluate", str(file), "-b", GENERATED_ID),
        ],
        env=os.environ | {"HOKUSAI_HOME": str(settings.home), "HOKUSAI_DATA": str(settings.data)},
        check=True,
        capture_output=True,
    )
    with open_instance(settings) as instance:
        (first,) = instance.get_dynamic_partitions(_partitions())
        keys = [f"batch-{number:05}-{number:012x}" for number in range(1, contributions)]
        _copy_events(instance, settings, first, keys)
        _copy_files(settings, first, file, keys)
        instance.add_dynamic_partitions(_partitions(), keys)
    return settings


def _partitions() -> str:
    name = contributions_of(GENERATED_ID).name
    assert name is not None
    return name


def _copy_events(
    instance: dg.DagsterInstance, settings: Settings, first: str, keys: list[str]
) -> None:
    (run,) = instance.get_runs(filters=dg.RunsFilter(tags={"dagster/partition": first}))
    logged = [
        entry
        for entry in instance.all_logs(run.run_id)
        if entry.dagster_event and entry.dagster_event.event_type in _COPIED
    ]
    templates = [serialize_value(entry) for entry in logged]
    run_template = serialize_value(run)
    storage = _InOneTransaction(str(settings.dagster_home))
    event.listen(_engines(), "connect", _without_fsync)
    try:
        with storage.at_once():
            for number, key in enumerate(keys):
                run_id = str(UUID(int=number + 1))

                def renamed(text: str, key: str = key, run_id: str = run_id) -> str:
                    return text.replace(first, key).replace(run.run_id, run_id)

                for template, original in zip(templates, logged, strict=True):
                    entry = deserialize_value(renamed(template), EventLogEntry)
                    earlier = original.timestamp - 60 * (len(keys) - number)
                    storage.store_event(entry._replace(timestamp=earlier))
                instance.run_storage.add_run(
                    deserialize_value(renamed(run_template), dg.DagsterRun)
                )
    finally:
        event.remove(_engines(), "connect", _without_fsync)
        storage.dispose()


def _engines() -> Any:
    from sqlalchemy.engine import Engine

    return Engine


def _without_fsync(connection: Any, _: Any) -> None:
    connection.execute("PRAGMA synchronous = OFF")


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
