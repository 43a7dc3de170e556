"""Decoding Parquet files into record batches of bounded size.

The files come from strangers and the decoder is C++: `parquet_child` runs this in a process of
its own with bounded memory and time.
"""

import os
import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from hokusai_assets.privacy.tokens import is_text
from hokusai_assets.tables.column_names import check_column_names, refuse_too_many_columns
from hokusai_assets.tables.limits import ReadLimits
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
    text. Cells of a type that no column type takes (lists, bytes, times of day) come as empty
    bytes, so that they are told from missing ones.

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


class _decoding:  # noqa: N801 - used like a function
    """Turns whatever the decoder raises into UnreadableFile; MemoryError and OSError pass."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, _: object) -> None:
        if isinstance(error, OSError) and error.errno is not None:
            return
        if isinstance(error, Exception) and not isinstance(error, MemoryError | UnreadableFile):
            _refuse_damaged(self._name)


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
            repeated, plain = _binary_leaves(part, names)
            file = pq.ParquetFile(
                part.stream,
                memory_map=False,
                metadata=part.metadata,
                pre_buffer=False,
                buffer_size=_READ_BUFFER_BYTES,
                read_dictionary=repeated,
            )
        most = _PLAIN_ROWS if plain else BATCH_ROWS
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
            table = _without_views(table.select(list(names)))
            sizes = self._row_sizes(table)
        self._check_sizes(sizes)
        ends = np.cumsum(sizes)
        cuts = np.flatnonzero(np.diff(ends // _BATCH_BYTES)) + 1
        self._rows += table.num_rows
        for start, end in zip([0, *cuts], [*cuts, table.num_rows], strict=True):
            with _decoding(self._name):
                piece = _plain(table.slice(start, end - start))
            yield piece

    def _row_sizes(self, table: pa.Table) -> npt.NDArray[np.int64]:
        """Return the bytes that each row will have, checking the texts' lengths."""
        sizes = np.zeros(table.num_rows, np.int64)
        too_long: list[tuple[int, str]] = []
        for column, chunked in zip(table.column_names, table.columns, strict=True):
            cells = chunked.combine_chunks()
            if not _has_bytes(cells.type):
                sizes += 8
                continue
            sizes += 5 + _lengths(cells)
            position = _first_too_long(cells, self._limits.max_cell_chars)
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
    plain: list[str] = []
    for position in range(metadata.num_columns):
        column = metadata.schema.column(position)
        if column.physical_type != "BYTE_ARRAY" or column.path not in names:
            continue
        size = sum(group.column(position).total_uncompressed_size for group in groups)
        short = size < _REPEATED_BYTES * rows or column.path in encoded
        (repeated if short else plain).append(column.path)
    return repeated, plain


def _value_type(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _has_bytes(kind: pa.DataType) -> bool:
    kind = _value_type(kind)
    return is_text(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind)


def _first_too_long(cells: pa.Array, most: int) -> int | None:
    """Return the position of the first text with more characters, by its dictionary if any."""
    entries = cells.dictionary if pa.types.is_dictionary(cells.type) else cells
    if not is_text(entries.type) or (pc.max(pc.binary_length(entries)).as_py() or 0) <= most:
        return None
    over = pc.greater(pc.utf8_length(entries), most)
    if entries is not cells:
        over = over.take(cells.indices)
    mask = np.asarray(over.fill_null(False))
    return int(np.argmax(mask)) if mask.any() else None


def _lengths(chunk: pa.Array) -> npt.NDArray[np.int64]:
    if pa.types.is_dictionary(chunk.type):
        lengths = pc.binary_length(chunk.dictionary).take(chunk.indices)
    else:
        lengths = pc.binary_length(chunk)
    return np.asarray(lengths.cast(pa.int64()).fill_null(0))


def _without_views(table: pa.Table) -> pa.Table:
    # Arrow has no lengths for this layout of text.
    for position, field in enumerate(table.schema):
        if field.type == pa.string_view():
            table = table.set_column(
                position, field.name, table.column(position).cast(pa.large_string())
            )
    return table


def _plain(table: pa.Table) -> pa.Table:
    """Return a piece with its dictionaries decoded, and without cells that nothing can use."""
    arrays = []
    for array in table.columns:
        kind = _value_type(array.type)
        if not _has_a_column_type(kind):
            array = pc.if_else(array.is_null(), pa.scalar(None, pa.binary()), b"")
        elif is_text(kind):
            array = array.cast(pa.string())
        elif pa.types.is_dictionary(array.type):
            array = array.cast(kind)
        arrays.append(array)
    return pa.Table.from_arrays(arrays, names=table.column_names)


def _has_a_column_type(kind: pa.DataType) -> bool:
    return bool(
        is_text(kind)
        or pa.types.is_boolean(kind)
        or pa.types.is_integer(kind)
        or pa.types.is_floating(kind)
        or pa.types.is_decimal(kind)
        or pa.types.is_timestamp(kind)
        or pa.types.is_date(kind)
        or pa.types.is_null(kind)
    )
