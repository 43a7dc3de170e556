"""Reading JSON and JSON Lines files into batches of text cells, in bounded memory."""

from collections.abc import Collection, Iterator
from itertools import chain
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from hokusai_assets.tables.column_names import check_column_names
from hokusai_assets.tables.decompression import BLOCK_BYTES, check_file_size, decoded_blocks
from hokusai_assets.tables.file_access import open_regular_file
from hokusai_assets.tables.formats import FileFormat, FoundFormat
from hokusai_assets.tables.json_flattening import RecordFlattener
from hokusai_assets.tables.json_records import (
    Flaw,
    JsonRecord,
    records_of_document,
    records_of_lines,
)
from hokusai_assets.tables.limits import ReadLimits
from hokusai_assets.tables.problem_log import ProblemLog
from hokusai_assets.tables.problems import UnreadableFile, refuse
from hokusai_assets.tables.raw_batches import (
    BATCH_ROWS,
    RawBatch,
    check_cell_lengths,
    check_rows,
)
from hokusai_assets.tables.text_encoding import refuse_other_kinds

# A batch ends with whichever comes first.
_BATCH_CHARS = 8 * 2**20
_BATCH_CELLS = 4 * 2**20


class JsonReader:
    """One JSON or JSON Lines file; nothing of it is read when it is made."""

    def __init__(
        self,
        path: Path,
        kind: FileFormat,
        *,
        name: str,
        limits: ReadLimits,
        block_bytes: int = BLOCK_BYTES,
    ) -> None:
        self._path, self._kind, self._name, self._limits = path, kind, name, limits
        self._block_bytes = block_bytes
        self.found = FoundFormat(kind.format, kind.compression, "utf-8")
        self.column_names: tuple[str, ...] | None = None
        self.rows_seen = 0

    def batches(self, columns: Collection[str] | None, log: ProblemLog) -> Iterator[RawBatch]:
        """Yield the rows; see `DataFile.raw_batches`."""
        self.rows_seen = 0
        flattener = RecordFlattener(columns, self._name, self._limits)
        batch = _Batch(columns, flattener)
        problem = None
        try:
            for record in self._records(columns):
                self.rows_seen += 1
                check_rows(self.rows_seen, self._name, self._limits)
                if isinstance(record, Flaw):
                    log.add("bad-json", [self.rows_seen], what=record.what, fix=record.fix)
                    continue
                batch.add(record, self.rows_seen)
                if batch.is_full:
                    full, batch = batch, _Batch(columns, flattener)
                    yield self._finished(full, log)
        except UnreadableFile as error:
            problem = error.problem
        # What stands before the row that can't be read comes first, wherever batches are cut.
        if batch.numbers:
            yield self._finished(batch, log)
        if problem is not None:
            raise UnreadableFile(problem)
        if self.rows_seen and not flattener.names and not log:
            check_column_names((), self._name, self._limits)
        self.column_names = tuple(flattener.names)

    def _finished(self, batch: "_Batch", log: ProblemLog) -> RawBatch:
        finished = batch.finished(log)
        check_cell_lengths(finished, self._name, self._limits)
        return finished

    def _records(self, columns: Collection[str] | None) -> Iterator[JsonRecord | Flaw]:
        if self._kind.format == "JSON Lines":
            return records_of_lines(self._blocks(), self._name, self._limits)
        return records_of_document(self._blocks(), self._name, self._limits, columns)

    def _blocks(self) -> Iterator[bytes]:
        with open_regular_file(self._path, self._name) as stream:
            size = stream.seek(0, 2)
            stream.seek(0)
            check_file_size(size, self._name, self._limits)
            blocks = decoded_blocks(
                stream,
                self._kind.compression,
                size=size,
                name=self._name,
                limits=self._limits,
                block_bytes=self._block_bytes,
            )
            first = next(blocks, b"")
            if not first:
                refuse(
                    "empty-file", f"{self._name}: the file has no bytes.", "Send a file with rows."
                )
            refuse_other_kinds(first, self._name)
            yield from chain([first], blocks)


class _Batch:
    """Rows being gathered, and what was wrong with them."""

    def __init__(self, columns: Collection[str] | None, flattener: RecordFlattener) -> None:
        self._columns = None if columns is None else dict.fromkeys(columns)
        self._flattener = flattener
        self._cells: list[dict[str, object]] = []
        self.numbers: list[int] = []
        self._chars = 0
        # By column, the rows of it that can't be read, and why.
        self._nested: dict[str, list[int]] = {}
        self._clashing: dict[str, list[int]] = {}
        self._broken: dict[str, list[int]] = {}

    @property
    def is_full(self) -> bool:
        rows = len(self.numbers)
        width = len(self._flattener.names if self._columns is None else self._columns)
        return rows >= BATCH_ROWS or self._chars >= _BATCH_CHARS or rows * width >= _BATCH_CELLS

    def add(self, record: JsonRecord, number: int) -> None:
        flattener = self._flattener
        cells = record.members
        if record.nested:
            cells = flattener.flat(cells, number)
            for column in flattener.nested:
                self._nested.setdefault(column, []).append(number)
            for column in flattener.clashing:
                if self._columns is None or column in self._columns:
                    self._clashing.setdefault(column, []).append(number)
        elif not flattener.names.keys() >= cells.keys():
            flattener.note_names(cells)
        if self._columns is not None and len(cells) > 2 * len(self._columns):
            # Only what is wanted is kept.
            cells = {name: cells[name] for name in self._columns if name in cells}
        self._cells.append(cells)
        self.numbers.append(number)
        self._chars += record.size

    def finished(self, log: ProblemLog) -> RawBatch:
        rows = np.array(self.numbers, np.int64)
        unreadable: dict[str, npt.NDArray[np.bool_]] = {}
        columns = list(self._flattener.names if self._columns is None else self._columns)
        arrays = []
        for column in columns:
            array, not_text = _text_array([cells.get(column) for cells in self._cells])
            arrays.append(array)
            if not_text:
                self._broken[column] = [self.numbers[at] for at in not_text]
        self._note_flaws(log)
        for flaws in (self._nested, self._clashing, self._broken):
            for column, numbers in flaws.items():
                mask = unreadable.setdefault(column, np.zeros(len(rows), np.bool_))
                mask[np.searchsorted(rows, numbers)] = True
        return RawBatch(pa.Table.from_arrays(arrays, names=columns), rows, unreadable)

    def _note_flaws(self, log: ProblemLog) -> None:
        for column, numbers in self._nested.items():
            log.add(
                "nested-value",
                numbers,
                column=column,
                what="a list or an object stands where one value belongs.",
                fix="Give every cell of {column} one text, number, true, false or null.",
            )
        for column, numbers in self._clashing.items():
            log.add(
                "name-clash",
                sorted(set(numbers)),
                column=column,
                what="two members of the record stand for this column.",
                fix="Write {column} once, either as one name or as nested members.",
            )
        for column, numbers in self._broken.items():
            log.add(
                "not-utf8",
                numbers,
                column=column,
                what="the cell is no Unicode text.",
                fix="Write whole characters: an escaped surrogate (\\ud800) needs its pair.",
            )


def _text_array(cells: list[object]) -> tuple[pa.Array, list[int]]:
    """Return the cells as text, and the positions of those that are no Unicode text."""
    try:
        return pa.array(cells, pa.string()), []
    except (pa.ArrowException, UnicodeEncodeError, TypeError):
        # One of them is true, false or half a surrogate pair.
        pass
    texts = [_cell_text(cell) for cell in cells]
    unreadable = [
        position
        for position, (cell, text) in enumerate(zip(cells, texts, strict=True))
        if text is None and cell is not None
    ]
    return pa.array(texts, pa.string()), unreadable


def _cell_text(cell: object) -> str | None:
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if not isinstance(cell, str):
        return None
    try:
        cell.encode()
    except UnicodeEncodeError:
        return None
    return cell
