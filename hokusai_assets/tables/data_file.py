"""A contributed data file that can be read several times, batch by batch, in bounded memory."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from hokusai_assets.tables.csv_reading import CsvReader
from hokusai_assets.tables.decimal_mark import DecimalEvidence
from hokusai_assets.tables.formats import (
    ENDINGS_IN_WORDS,
    DeclaredFormat,
    FileFormat,
    FoundFormat,
    format_of,
)
from hokusai_assets.tables.json_reading import JsonReader
from hokusai_assets.tables.limits import ReadLimits
from hokusai_assets.tables.parquet_reading import ParquetReader
from hokusai_assets.tables.problem_log import ProblemLog
from hokusai_assets.tables.problems import UnreadableFile, refuse
from hokusai_assets.tables.raw_batches import RawBatch

_DEFAULT_LIMITS = ReadLimits()
_NOTHING_DECLARED = DeclaredFormat()


class _Reader(Protocol):
    found: FoundFormat
    column_names: tuple[str, ...] | None
    rows_seen: int

    def batches(self, columns: Sequence[str] | None, log: ProblemLog) -> Iterator[RawBatch]: ...


class DataFile:
    """A CSV, JSON, JSON Lines or Parquet file, or a folder of Parquet parts; see `open`.

    Attributes:
        display_name: what messages call the file.
        limits: the bounds it is read under.
        declared: what the sender declares of it.
    """

    def __init__(
        self,
        reader: _Reader,
        *,
        display_name: str,
        limits: ReadLimits,
        declared: DeclaredFormat,
    ) -> None:
        self._reader = reader
        self.display_name, self.limits, self.declared = display_name, limits, declared
        self._decimal_marks: dict[tuple[str, ...], str | None] = {}

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        limits: ReadLimits = _DEFAULT_LIMITS,
        declared: DeclaredFormat = _NOTHING_DECLARED,
        display_name: str | None = None,
    ) -> "DataFile":
        """Look at a file and find out how it is to be read.

        A CSV text is gone through once, if need be to its end, to find its encoding; of other
        formats little or nothing is read. Links are not followed.

        Args:
            path: the file or folder; its ending names the format (see `format_of`).
            limits: bounds on what is read.
            declared: what the sender declares; it holds for CSV only.
            display_name: what messages call the file (default: its own name, never its
                folder).

        Raises:
            UnreadableFile: the file can't be taken as a table; the problem names the rule,
                the row where there is one, and the fix.
            OSError: the file can't be opened or read, which says nothing about what it holds.
        """
        name = display_name or path.name
        kind = format_of(path.name)
        if kind is None:
            refuse(
                "unknown-format",
                f"{name}: the ending names no known format.",
                f"Send one of {ENDINGS_IN_WORDS}.",
            )
        if declared.names and kind.format != "CSV":
            refuse(
                "declared-format",
                f"{name}: {', '.join(declared.names)} is declared, which only CSV has.",
                "Take the declaration out of the sidecar.",
            )
        try:
            reader = _reader(path, kind, name, limits, declared)
            return cls(reader, display_name=name, limits=limits, declared=declared)
        except UnreadableFile as error:
            problem = error.problem
        # Raised anew, out here, so that no parser's error, which may quote the file, hangs on it.
        raise UnreadableFile(problem) from None

    @property
    def column_names(self) -> tuple[str, ...]:
        """Names of all columns of the file, wanted or not, in its order.

        Known from the start for CSV, after the first batch for Parquet, after a whole pass for
        JSON.

        Raises:
            RuntimeError: they are not known yet.
        """
        if self._reader.column_names is None:
            raise RuntimeError("the column names are known after a pass over the file")
        return self._reader.column_names

    @property
    def rows_seen(self) -> int:
        """How many rows the latest pass came across, those included that can't be read."""
        return self._reader.rows_seen

    @property
    def found(self) -> FoundFormat:
        """What was found out about how the file is to be read."""
        return self._reader.found

    def decimal_mark(self, columns: Sequence[str]) -> str | None:
        """Return the decimal mark of a file's numbers, None where the file leaves it open.

        What is declared holds. Of CSV that has no comma between its cells, the columns are
        read for it, at most once whole; all else has points.

        Args:
            columns: the columns that hold numbers.

        Raises:
            UnreadableFile, OSError: as `open` does.
        """
        if self.found.format != "CSV" or self.declared.decimal is not None:
            return self.declared.decimal or "."
        key = tuple(columns)
        if key not in self._decimal_marks:
            evidence = DecimalEvidence()
            if self.found.delimiter != ",":
                for batch in self.raw_batches(columns):
                    evidence.add(batch.table.columns)
                    if evidence.settled:
                        break
            self._decimal_marks[key] = evidence.mark
        mark = self._decimal_marks[key]
        self._reader.found = replace(self._reader.found, decimal=mark)
        return mark

    def raw_batches(
        self, columns: Collection[str] | None = None, log: ProblemLog | None = None
    ) -> Iterator[RawBatch]:
        """Read the file from its start, in batches of at most 65,536 rows and some megabytes.

        Where the batches are cut changes nothing but that. A pass is only whole once the
        iterator is used up: what is wrong with a file may show at its end.

        Args:
            columns: names of the wanted columns, None for all. Those that the file lacks are
                left out of the tables; in JSON, which has no list of columns, they are all
                null. The tables' columns stand in this order (sets: in ascending order).
            log: where problems of rows and cells are noted.

        Raises:
            UnreadableFile, OSError: as `open` does.
        """
        log = log if log is not None else ProblemLog(self.display_name)
        wanted: list[str] | None = None
        if columns is not None:
            ordered = sorted(columns) if isinstance(columns, set | frozenset) else columns
            wanted = list(dict.fromkeys(ordered))
        try:
            yield from self._reader.batches(wanted, log)
            return
        except UnreadableFile as error:
            problem = error.problem
        raise UnreadableFile(problem) from None


def _reader(
    path: Path, kind: FileFormat, name: str, limits: ReadLimits, declared: DeclaredFormat
) -> _Reader:
    if kind.is_parquet:
        return ParquetReader(path, name=name, limits=limits)
    if kind.format == "CSV":
        return CsvReader(path, kind, name=name, limits=limits, declared=declared)
    return JsonReader(path, kind, name=name, limits=limits)
