"""A contributed file as typed rows: which are sound, and what is wrong with the others."""

import difflib
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from hokusai_assets.benchmarks.loading import column_types, nullable_columns
from hokusai_assets.benchmarks.spec import BenchmarkSpec
from hokusai_assets.contributions.identity import Contribution
from hokusai_assets.contributions.manifest import Manifest
from hokusai_assets.contributions.row_progress import tell_rows
from hokusai_assets.tables.data_file import DataFile
from hokusai_assets.tables.problem_log import ProblemLog
from hokusai_assets.tables.problems import Problem, nameable
from hokusai_assets.tables.typed_batches import typed_batches

# Of the file's own column names only one that is nearly the wanted one is shown: without a header
# the first row's cells stand in their place.
_ALIKE = 0.75


class RowsOfFile:
    """Reads a contribution's file, as often as wanted, in typed batches.

    Attributes:
        rows: data rows, sound or not; known after a pass.
        unsound: rows that break a rule or can't be read; known after the first pass.
    """

    def __init__(self, file: DataFile, spec: BenchmarkSpec) -> None:
        self._file, self._spec = file, spec
        self._types = column_types(spec)
        self._labels = pa.array(spec.labels, pa.string())
        self._log = ProblemLog(file.display_name, list(self._types))
        self.rows = self.unsound = 0

    @classmethod
    def open(
        cls, contribution: Contribution, spec: BenchmarkSpec, manifest: Manifest
    ) -> "RowsOfFile":
        """Look at a contribution's file.

        Raises:
            UnreadableFile, OSError: as `DataFile.open` does.
        """
        file = DataFile.open(
            contribution.path,
            limits=spec.intake.limits.read_limits(),
            declared=manifest.format.declared(),
            display_name=contribution.display_name,
        )
        return cls(file, spec)

    def first_pass(self) -> Iterator[pa.Table]:
        """Read the file and note what is wrong; yield the sound rows of batches.

        Tables lack the columns that the file lacks; a pass that is broken off notes nothing.

        Raises:
            UnreadableFile, OSError: as `DataFile.raw_batches` does.
        """
        sound = 0
        for table, _ in self._batches(self._log):
            sound += table.num_rows
            yield table
        self.rows = self._file.rows_seen
        self.unsound = self.rows - sound

    def batches(self) -> Iterator[tuple[pa.Table, np.ndarray]]:
        """Read the file again; yield its sound rows with their numbers, int64, from 1.

        Raises:
            UnreadableFile, OSError: as `DataFile.raw_batches` does.
        """
        return self._batches(None)

    def _batches(self, log: ProblemLog | None) -> Iterator[tuple[pa.Table, np.ndarray]]:
        nullable = nullable_columns(self._spec)
        for batch in typed_batches(self._file, self._types, nullable, log):
            tell_rows(self._file.rows_seen, self.rows or None)
            flawed = batch.flawed
            if self._spec.target in batch.table.column_names:
                unknown = self._unknown_labels(batch.table.column(self._spec.target))
                flawed = flawed | unknown
                if log is not None:
                    self._note_unknown(log, batch.rows[unknown])
            # Without any of the benchmark's columns there is nothing to filter.
            sound = (
                batch.table.filter(pa.array(~flawed)) if batch.table.num_columns else batch.table
            )
            yield sound, batch.rows[~flawed]

    def _unknown_labels(self, labels: pa.ChunkedArray) -> np.ndarray:
        known = pc.is_in(labels, value_set=self._labels)
        unknown = pc.and_(pc.invert(known), pc.is_valid(labels))
        return np.asarray(unknown.combine_chunks()).astype(bool)

    def _note_unknown(self, log: ProblemLog, rows: np.ndarray) -> None:
        log.add(
            "unknown-label",
            rows,
            column=self._spec.target,
            what="not a label of this benchmark.",
            fix=f"Use only {', '.join(map(repr, self._spec.labels))} (exactly so written), "
            "or remove the row.",
        )

    @property
    def missing(self) -> list[str]:
        """The benchmark's columns that the file lacks; known after a pass."""
        found = set(self._file.column_names)
        return [name for name in self._types if name not in found]

    @property
    def ignored_columns(self) -> int:
        """How many columns the benchmark does not know."""
        return sum(name not in self._types for name in self._file.column_names)

    def facts(self) -> Mapping[str, Any]:
        """Return how the file was read."""
        return self._file.found.to_dict()

    def warnings(self) -> list[Problem]:
        """Return what the sender should know about how the file was read."""
        return [
            Problem("guessed-format", f"{self._file.display_name}: {note}", _DECLARE)
            for note in self._file.found.notes()
        ]

    def problems(self) -> list[Problem]:
        """Return all that the first pass found wrong."""
        name = self._file.display_name
        empty = Problem("empty-file", f"{name}: the file has no rows.", "Send at least one row.")
        found = [] if self.rows else [empty]
        if self._file.column_names:
            # An empty array names no columns; that it is empty is all there is to say.
            found += [self._missing_column(column) for column in self.missing]
        return found + self._log.problems()

    def _missing_column(self, name: str) -> Problem:
        names = self._file.column_names
        unknown = [other for other in names if other not in self._types]
        near = [other for other in unknown if other.strip().casefold() == name.casefold()]
        near = near or difflib.get_close_matches(name, unknown, n=1, cutoff=_ALIKE)
        fix = (
            f"Rename {nameable(near[0])} to {name!r}."
            if near
            else f"Add the column {name!r} ({self._kind(name)}); the file needs "
            f"{', '.join(map(repr, self._types))}."
        )
        found = (
            "its one column is not" if len(names) == 1 else f"none of its {len(names)} columns is"
        )
        return Problem(
            "missing-column",
            f"{self._file.display_name}: column {name!r} is missing; {found} called so.",
            fix,
            column=name,
        )

    def _kind(self, name: str) -> str:
        return "the label" if name == self._spec.target else self._spec.columns[name].type


_DECLARE = "Declare it in the sidecar: format: {encoding: latin-1}, or save the file as UTF-8."
