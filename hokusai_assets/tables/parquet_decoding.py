"""Decoding Parquet files into record batches of bounded size.

The files come from strangers and the decoder is C++: `parquet_child` runs this in a process of
its own with bounded memory and time.
"""

import os
import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from hokusai_assets.tables.column_names import check_column_names, refuse_too_many_columns
from hokusai_assets.tables.limits import ReadLimits
from hokusai_assets.tables.parquet_cells import (
    byte_lengths,
    first_too_long,
    has_bytes,
    plain,
    without_views,
)
from hokusai_assets.tables.problems import UnreadableFile, refuse
from hokusai_assets.tables.raw_batches import BATCH_ROWS, check_rows, refuse_long_cell

# A footer states some hundred bytes per column and row group.
MAX_FOOTER_BYTES = 64 * 2**20
MAX_ROW_GROUPS = 50_000
# Decoded bytes that are aimed at per batch.
_BATCH_BYTES = 8 * 2**20
# Texts stored in fewer bytes than this, on average, are read as a dictionary: they may be long
# ones that are repeated, and then their size is known before they are decoded. Of the others a
# smaller number is decoded at once.
_REPEATED_BYTES = 16
_PLAIN_ROWS = 8_192
_JUDGED_ROW_GROUPS = 100
_READ_BUFFER_BYTES = 2**20
_MAGIC = b"PAR1"


@dataclass(frozen=True)
class ParquetContents:
    """What the footers say: the flat names of all columns, and how many rows there are."""

    column_names: tuple[str, ...]
    rows: int


def decode_parts(
    openers: Sequence[Callable[[], BinaryIO]],
    columns: Sequence[str] | None,
    *,
    name: str,
    limits: ReadLimits,
) -> Iterator[ParquetContents | pa.RecordBatch | int]:
    """Yield what the footers say, then the rows of the wanted columns in the parts' order.

    A number stands for so many rows of a part that has none of the wanted columns.

    A member of a struct column is the column ``parent.child``. Text columns come as plain
    text. Lists and bytes, which no column type takes, come empty, so that they are told from
    missing ones.

    Args:
        openers: one per part; each returns the part's file, which is closed here.
        columns: flat names of the wanted columns, None for all; absent ones are left out.
        name: what messages call the file.
        limits: bounds on what is read.

    Raises:
        UnreadableFile: a limit is passed, a file is no whole Parquet (``bad-parquet``), the
            parts differ in their columns (``part-schema``), or column names break a rule.
        OSError: a file can't be read.
    """
    first: _Part | None = None
    rows = 0
    for position, opener in enumerate(openers):
        with opener() as stream:
            part = _Part(stream, name, limits)
            if first is None:
                first = part
            elif part.schema != first.schema:
                refuse(
                    "part-schema",
                    f"{name}, part {position + 1} by name: its columns or their types are not "
                    "those of the first part.",
                    "Write all parts with the same columns and types.",
                )
            rows += part.metadata.num_rows
            check_rows(rows, name, limits)
    assert first is not None
    yield ParquetContents(first.names, rows)
    decoder = _Decoder(columns, name, limits)
    for opener in openers:
        with opener() as stream:
            yield from decoder.batches(_Part(stream, name, limits))
    yield from decoder.rest()


class _Part:
    """One Parquet file: its footer, checked."""

    def __init__(self, stream: BinaryIO, name: str, limits: ReadLimits) -> None:
        self.stream = stream
        _check_footer(stream, name)
        with _decoding(name):
            file = pq.ParquetFile(stream, memory_map=False)
            self.metadata = file.metadata
            if self.metadata.num_columns > limits.max_columns:
                refuse_too_many_columns(name, limits)
            self.schema = file.schema_arrow.remove_metadata()
            self.names = tuple(
                leaf for field in self.schema for leaf in _flat_names(field, name, limits)
            )
            check_column_names(self.schema.names, name, limits)
            check_column_names(self.names, name, limits)
        if self.metadata.num_row_groups > MAX_ROW_GROUPS:
            refuse(
                "too-large",
                f"{name}: there are more than {MAX_ROW_GROUPS:,} row groups.",
                "Write it with larger row groups.",
            )


def _check_footer(stream: BinaryIO, name: str) -> None:
    size = stream.seek(0, os.SEEK_END)
    stream.seek(max(0, size - 8))
    end = stream.read(8)
    stream.seek(0)
    if size < 12 or end[4:] != _MAGIC:
        _refuse_damaged(name)
    (length,) = struct.unpack("<I", end[:4])
    if length > size - 12:
        _refuse_damaged(name)
    if length > MAX_FOOTER_BYTES:
        refuse(
            "too-large",
            f"{name}: the footer has more than {MAX_FOOTER_BYTES:,} bytes.",
            "Write it with fewer columns or larger row groups.",
        )


def _refuse_damaged(name: str) -> None:
    refuse(
        "bad-parquet",
        f"{name}: the file is no complete Parquet file.",
        "Write it again and send all of it (it must begin and end with PAR1), text as UTF-8.",
    )


@contextmanager
def _decoding(name: str) -> Iterator[None]:
    """Turn whatever the decoder raises into UnreadableFile, but for errors of the system."""
    try:
        yield
    except (MemoryError, UnreadableFile):
        raise
    except Exception as error:
        # Of Arrow's own errors none has a number of the system's.
        if getattr(error, "errno", None) is not None:
            raise
        _refuse_damaged(name)


def _flat_names(field: pa.Field, name: str, limits: ReadLimits, parents: str = "") -> Iterator[str]:
    if _depth(field.type, 0) > limits.max_nesting:
        refuse(
            "too-nested",
            f"{name}: a column is nested more than {limits.max_nesting} deep.",
            "Write its values as columns of their own.",
        )
    if not pa.types.is_struct(field.type):
        yield parents + field.name
        return
    for member in field.type:
        yield from _flat_names(member, name, limits, f"{parents}{field.name}.")


def _depth(kind: pa.DataType, depth: int) -> int:
    inner = [kind.field(position).type for position in range(kind.num_fields)]
    # Far deeper than any bound: enough to say so.
    if not inner or depth > 64:
        return depth
    return max(_depth(member, depth + 1) for member in inner)


class _Decoder:
    """Decodes parts in turn, gathering small pieces into batches of a good size."""

    def __init__(self, columns: Sequence[str] | None, name: str, limits: ReadLimits) -> None:
        self._columns, self._name, self._limits = columns, name, limits
        self._held: list[pa.Table] = []
        self._held_rows = self._held_bytes = 0
        self._rows = self._bytes = 0

    def batches(self, part: _Part) -> Iterator[pa.RecordBatch | int]:
        names = part.names
        if self._columns is not None:
            names = tuple(column for column in self._columns if column in part.names)
        if not names:
            yield part.metadata.num_rows
            return
        with _decoding(self._name):
            repeated, once = _binary_leaves(part, names)
            file = pq.ParquetFile(
                part.stream,
                memory_map=False,
                metadata=part.metadata,
                pre_buffer=False,
                buffer_size=_READ_BUFFER_BYTES,
                read_dictionary=repeated,
            )
        most = _PLAIN_ROWS if once else BATCH_ROWS
        for groups, rows, batch_rows in _row_group_runs(part.metadata, most):
            decoded = 0
            batches = file.iter_batches(
                batch_rows, row_groups=groups, columns=list(names), use_threads=False
            )
            while True:
                with _decoding(self._name):
                    batch = next(batches, None)
                if batch is None:
                    break
                decoded += batch.num_rows
                for table in self._pieces(batch, names):
                    yield from self._gathered(table)
            if decoded != rows:
                _refuse_damaged(self._name)

    def rest(self) -> Iterator[pa.RecordBatch]:
        """Yield what is still held."""
        if self._held_rows:
            table = pa.concat_tables(self._held).combine_chunks()
            self._held, self._held_rows, self._held_bytes = [], 0, 0
            yield from table.to_batches()

    def _gathered(self, table: pa.Table) -> Iterator[pa.RecordBatch]:
        if self._held_rows + table.num_rows > BATCH_ROWS:
            yield from self.rest()
        self._held.append(table)
        self._held_rows += table.num_rows
        self._held_bytes += table.nbytes
        if self._held_rows >= BATCH_ROWS or self._held_bytes >= _BATCH_BYTES:
            yield from self.rest()

    def _pieces(self, batch: pa.RecordBatch, names: Sequence[str]) -> Iterator[pa.Table]:
        """Cut a batch so that each piece stays small once its dictionaries are decoded."""
        with _decoding(self._name):
            table = pa.Table.from_batches([batch])
            while any(pa.types.is_struct(field.type) for field in table.schema):
                table = table.flatten()
            table = without_views(table.select(list(names)))
            sizes = self._row_sizes(table)
        self._check_sizes(sizes)
        ends = np.cumsum(sizes)
        cuts = np.flatnonzero(np.diff(ends // _BATCH_BYTES)) + 1
        self._rows += table.num_rows
        for start, end in zip([0, *cuts], [*cuts, table.num_rows], strict=True):
            with _decoding(self._name):
                piece = plain(table.slice(start, end - start))
            yield piece

    def _row_sizes(self, table: pa.Table) -> npt.NDArray[np.int64]:
        """Return the bytes that each row will have, checking the texts' lengths."""
        sizes = np.zeros(table.num_rows, np.int64)
        too_long: list[tuple[int, str]] = []
        for column, chunked in zip(table.column_names, table.columns, strict=True):
            cells = chunked.combine_chunks()
            if not has_bytes(cells.type):
                sizes += 8
                continue
            sizes += 5 + byte_lengths(cells)
            position = first_too_long(cells, self._limits.max_cell_chars)
            if position is not None:
                too_long.append((position, column))
        if too_long:
            position, column = min(too_long)
            refuse_long_cell(self._name, self._rows + position + 1, column, self._limits)
        return sizes

    def _check_sizes(self, sizes: npt.NDArray[np.int64]) -> None:
        if len(sizes) and sizes.max() > self._limits.max_row_bytes:
            row = self._rows + int(np.argmax(sizes)) + 1
            refuse(
                "too-long",
                f"{self._name}, row {row}: the row has more than "
                f"{self._limits.max_row_bytes:,} bytes.",
                "Shorten its texts.",
                row=row,
            )
        self._bytes += int(sizes.sum())
        if self._bytes > self._limits.max_decoded_bytes:
            refuse(
                "too-large",
                f"{self._name}: there are more than {self._limits.max_decoded_bytes:,} bytes "
                "once decoded.",
                "Send it as several files.",
            )


def _row_group_runs(metadata: pq.FileMetaData, most: int) -> Iterator[tuple[list[int], int, int]]:
    """Yield runs of row groups to read together: their numbers, rows, and rows per batch."""
    run: list[int] = []
    rows, widest = 0, 1.0
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        run.append(number)
        rows += group.num_rows
        widest = max(widest, group.total_byte_size / max(1, group.num_rows))
        if rows >= BATCH_ROWS or number == metadata.num_row_groups - 1:
            yield run, rows, int(max(1, min(most, 4 * _BATCH_BYTES / widest)))
            run, rows, widest = [], 0, 1.0


def _binary_leaves(part: _Part, names: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the wanted columns of texts or bytes: repeated ones, and others."""
    metadata = part.metadata
    groups = [
        metadata.row_group(number)
        for number in range(min(metadata.num_row_groups, _JUDGED_ROW_GROUPS))
    ]
    rows = sum(group.num_rows for group in groups)
    encoded = {field.name for field in part.schema if pa.types.is_dictionary(field.type)}
    repeated: list[str] = []
    once: list[str] = []
    for position in range(metadata.num_columns):
        column = metadata.schema.column(position)
        if column.physical_type != "BYTE_ARRAY" or column.path not in names:
            continue
        size = sum(group.column(position).total_uncompressed_size for group in groups)
        short = size < _REPEATED_BYTES * rows or column.path in encoded
        (repeated if short else once).append(column.path)
    return repeated, once
