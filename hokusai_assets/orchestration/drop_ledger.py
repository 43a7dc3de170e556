"""What is known of the files in a drop folder, kept across ticks and restarts in SQLite.

A file goes ``seen`` (waiting for a second tick with the same size and time) -> ``requested`` (its
run was asked for) -> ``launched`` (Dagster has the run), or ``unreadable`` (reported once, left
alone until it changes). The request is repeated until Dagster has the run, so a daemon that dies
between the two loses nothing.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from hokusai_assets.contributions.manifest import SIDECAR_SUFFIX

Status = Literal["seen", "requested", "launched", "unreadable"]
_HALF_MADE_ENDINGS = (".part", ".tmp", ".partial", ".crdownload")


@dataclass(frozen=True)
class DropFile:
    """A file or folder of parts as a listing shows it.

    Attributes:
        name: its name in the drop folder.
        size: its bytes; of a folder all its parts'.
        changed: what changes when it or its sidecar does (opaque).
    """

    name: str
    size: int
    changed: str


@dataclass(frozen=True)
class KnownDrop:
    """What the ledger holds of a file; ``key`` and ``run_key`` once it is registered."""

    file: DropFile
    status: Status
    key: str = ""
    run_key: str = ""
    detail: str = ""


@dataclass(frozen=True)
class Plan:
    """What a tick does: note files as seen, register stable ones, leave the rest for later.

    Attributes:
        watch: new or changed files, to be looked at again next tick.
        register: files unchanged since the tick before, at most the tick's bound.
        waiting: how many more stable files are left for later ticks.
    """

    watch: list[DropFile]
    register: list[DropFile]
    waiting: int


def is_drop(name: str) -> bool:
    """Say whether a name is a data file: not hidden, not a sidecar, not a half-made upload."""
    hidden = name.startswith((".", "~"))
    return not (hidden or is_half_made(name) or name.lower().endswith(SIDECAR_SUFFIX))


def is_half_made(name: str) -> bool:
    """Say whether a name is one that programs give a file while they write it."""
    return name.lower().endswith(_HALF_MADE_ENDINGS)


def plan_tick(listing: Sequence[DropFile], known: Mapping[str, KnownDrop], *, at_most: int) -> Plan:
    """Decide what to do with a listing; pure, and bounded by ``at_most`` registrations."""
    watch, stable = [], []
    for file in sorted(listing, key=lambda file: file.name):
        before = known.get(file.name)
        if before is None or before.file != file:
            watch.append(file)
        elif before.status == "seen":
            stable.append(file)
    return Plan(watch, stable[:at_most], max(0, len(stable) - at_most))


class DropLedger:
    """The ledger of one benchmark's drops."""

    def __init__(self, path: Path, benchmark_id: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._benchmark = benchmark_id
        with self._open() as connection:
            connection.execute(
                "CREATE TABLE IF NOT EXISTS drops (benchmark TEXT, name TEXT, size INTEGER,"
                " changed TEXT, status TEXT, key TEXT, run_key TEXT, detail TEXT,"
                " PRIMARY KEY (benchmark, name))"
            )

    def known(self) -> dict[str, KnownDrop]:
        """Return all that is known, by file name."""
        with self._open() as connection:
            found = connection.execute(
                "SELECT name, size, changed, status, key, run_key, detail FROM drops"
                " WHERE benchmark = ?",
                (self._benchmark,),
            ).fetchall()
        return {
            name: KnownDrop(DropFile(name, size, changed), status, key, run_key, detail)
            for name, size, changed, status, key, run_key, detail in found
        }

    def note(self, drops: Iterable[KnownDrop]) -> None:
        """Insert or replace what is known of files."""
        with self._open() as connection:
            connection.executemany(
                "INSERT OR REPLACE INTO drops VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    (
                        self._benchmark,
                        drop.file.name,
                        drop.file.size,
                        drop.file.changed,
                        drop.status,
                        drop.key,
                        drop.run_key,
                        drop.detail,
                    )
                    for drop in drops
                ],
            )

    def forget(self, names: Iterable[str]) -> None:
        """Forget files that went away before they were registered."""
        with self._open() as connection:
            connection.executemany(
                "DELETE FROM drops WHERE benchmark = ? AND name = ? AND status = 'seen'",
                [(self._benchmark, name) for name in names],
            )

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        connection = sqlite3.connect(self._path, timeout=30)
        try:
            with connection:
                yield connection
        finally:
            connection.close()
