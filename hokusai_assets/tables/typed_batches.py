"""Typing a data file batch by batch: every cell exactly as declared, or its row is reported."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from hokusai_assets.tables.coercion import TypedCells, log_misfits, log_missing, type_cells
from hokusai_assets.tables.columns import ColumnType, arrow_type
from hokusai_assets.tables.data_file import DataFile
from hokusai_assets.tables.decimal_mark import ambiguous, with_point
from hokusai_assets.tables.problem_log import ProblemLog
from hokusai_assets.tables.raw_batches import RawBatch

_NUMBERS = ("integer", "number")


@dataclass(frozen=True)
class TypedBatch:
    """Some typed rows of a file, in its order.

    Attributes:
        table: n rows of the declared columns that the file has, in declared order; cells are
            null where they are missing or do not fit.
        rows: int64 array of n row numbers in the file, from 1.
        flawed: bool array of n; which rows have a problem.
    """

    table: pa.Table
    rows: npt.NDArray[np.int64]
    flawed: npt.NDArray[np.bool_]


def typed_batches(
    file: DataFile,
    types: Mapping[str, ColumnType],
    nullable: Mapping[str, bool],
    log: ProblemLog | None = None,
) -> Iterator[TypedBatch]:
    """Read and type the declared columns of a file from its start.

    Columns that the file lacks are the caller's concern: CSV and Parquet batches lack them
    too, JSON batches hold nulls, and nothing is logged for them. Where batches are cut changes
    nothing but that.

    Args:
        file: the file; may be read again for another pass.
        types: the declared columns.
        nullable: which of them may have missing cells (default: they may).
        log: where problems are noted, made with the declared columns; None for a pass whose
            problems are known already.

    Raises:
        UnreadableFile, OSError: as `DataFile.raw_batches` does.
    """
    log = log if log is not None else ProblemLog(file.display_name, list(types))
    typing = _BatchTyping(types, nullable, _numbers_of(file, types), log)
    for batch in file.raw_batches(list(types), log):
        yield typing.typed(batch)
    for name in set(types) - set(file.column_names):
        log.forget(name)


@dataclass(frozen=True)
class _Numbers:
    """How the numbers of a file are written: its decimal mark, and whether that is certain."""

    mark: str | None
    certain: bool


def _numbers_of(file: DataFile, types: Mapping[str, ColumnType]) -> _Numbers:
    numbers = [name for name, kind in types.items() if kind in _NUMBERS]
    if not numbers:
        return _Numbers(".", certain=True)
    certain = file.found.format != "CSV" or file.declared.decimal is not None
    return _Numbers(file.decimal_mark(numbers), certain)


class _BatchTyping:
    def __init__(
        self,
        types: Mapping[str, ColumnType],
        nullable: Mapping[str, bool],
        numbers: _Numbers,
        log: ProblemLog,
    ) -> None:
        self._types, self._nullable = types, nullable
        self._numbers, self._log = numbers, log

    def typed(self, batch: RawBatch) -> TypedBatch:
        flawed = np.zeros(len(batch.rows), np.bool_)
        arrays, fields = [], []
        for name in batch.table.column_names:
            column_type = self._types[name]
            values, bad = self._typed_column(name, column_type, batch)
            arrays.append(values)
            fields.append(pa.field(name, arrow_type(column_type)))
            flawed |= bad
        table = pa.Table.from_arrays(arrays, schema=pa.schema(fields))
        return TypedBatch(table, batch.rows, flawed)

    def _typed_column(
        self, name: str, column_type: ColumnType, batch: RawBatch
    ) -> tuple[pa.Array, npt.NDArray[np.bool_]]:
        cells = batch.table.column(name)
        unclear = np.zeros(len(batch.rows), np.bool_)
        if column_type in _NUMBERS:
            cells, unclear = self._read_as_numbers(cells)
        typed: TypedCells = type_cells(cells, column_type)
        misfit = _mask(typed.misfit) & ~unclear
        # A cell that could not be read is null by now, but not missing.
        unreadable = batch.unreadable.get(name, np.zeros(len(batch.rows), np.bool_))
        missing = _mask(typed.missing) & ~unreadable & (not self._nullable.get(name, True))
        self._log.add(
            "ambiguous-decimal",
            batch.rows[unclear],
            column=name,
            what="the mark in the number may be a decimal mark or group digits.",
            fix="Declare decimal in the sidecar (. or ,), and write numbers without digit groups.",
        )
        mark = self._numbers.mark or "."
        log_misfits(self._log, name, column_type, batch.rows[misfit], decimal=mark)
        log_missing(self._log, name, batch.rows[missing])
        values = typed.values
        if unclear.any():
            values = pc.if_else(pa.array(unclear), pa.scalar(None, values.type), values)
        return values, misfit | missing | unclear | unreadable

    def _read_as_numbers(
        self, cells: pa.ChunkedArray
    ) -> tuple[pa.ChunkedArray, npt.NDArray[np.bool_]]:
        """Return number cells with decimal points, and which of them are ambiguous."""
        nothing = np.zeros(len(cells), np.bool_)
        if self._numbers.mark == ",":
            return with_point(cells), nothing
        if self._numbers.certain:
            return cells, nothing
        if self._numbers.mark == "." and not _has_comma(cells):
            return cells, nothing
        return cells, _mask(ambiguous(cells, self._numbers.mark))


def _has_comma(cells: pa.ChunkedArray) -> bool:
    return bool(pc.any(pc.match_substring(cells, ",")).as_py())


def _mask(mask: pa.Array | pa.ChunkedArray) -> npt.NDArray[np.bool_]:
    if isinstance(mask, pa.ChunkedArray):
        mask = mask.combine_chunks()
    return np.asarray(mask.fill_null(False)).astype(np.bool_)
