"""Cells as they come out of Parquet: their sizes before they are decoded, and their plain form."""

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from hokusai_assets.privacy.tokens import is_text


def _value_type(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def has_bytes(kind: pa.DataType) -> bool:
    """Say whether cells of a type have a length each: texts and bytes, dictionaries of them too."""
    kind = _value_type(kind)
    return is_text(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind)


def first_too_long(cells: pa.Array, most: int) -> int | None:
    """Return the position of the first text with more characters, by its dictionary if any."""
    entries = cells.dictionary if pa.types.is_dictionary(cells.type) else cells
    if not is_text(entries.type) or (pc.max(pc.binary_length(entries)).as_py() or 0) <= most:
        return None
    over = pc.greater(pc.utf8_length(entries), most)
    if entries is not cells:
        over = over.take(cells.indices)
    mask = np.asarray(over.fill_null(False))
    return int(np.argmax(mask)) if mask.any() else None


def byte_lengths(chunk: pa.Array) -> npt.NDArray[np.int64]:
    """Return the bytes of each text or bytes cell once decoded, 0 where it is missing."""
    if pa.types.is_dictionary(chunk.type):
        lengths = pc.binary_length(chunk.dictionary).take(chunk.indices)
    else:
        lengths = pc.binary_length(chunk)
    return np.asarray(lengths.cast(pa.int64()).fill_null(0))


def without_views(table: pa.Table) -> pa.Table:
    """Return the table with string views, of which Arrow takes no lengths, as large strings."""
    for position, field in enumerate(table.schema):
        if field.type == pa.string_view():
            table = table.set_column(
                position, field.name, table.column(position).cast(pa.large_string())
            )
    return table


def plain(table: pa.Table) -> pa.Table:
    """Return a piece with its dictionaries decoded, and without cells that nothing can use."""
    arrays = []
    for array in table.columns:
        kind = _value_type(array.type)
        if pa.types.is_dictionary(array.type):
            array = array.cast(kind)
        if is_text(kind):
            array = array.cast(pa.string())
        elif not _is_small(kind):
            array = _emptied(array)
        arrays.append(array)
    return pa.Table.from_arrays(arrays, names=table.column_names)


def _is_small(kind: pa.DataType) -> bool:
    """Say whether cells of a type are plain and of few bytes."""
    return bool(pa.types.is_primitive(kind) or pa.types.is_decimal(kind) or pa.types.is_null(kind))


def _emptied(array: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return the cells without what they hold, so that only missing ones are told apart.

    Lists become empty lists; all else (bytes, maps, types of the sender's own) empty bytes.
    """
    if not (pa.types.is_list(array.type) or pa.types.is_large_list(array.type)):
        return pc.if_else(array.is_null(), pa.scalar(None, pa.binary()), b"")
    of_lists = pa.ListArray if pa.types.is_list(array.type) else pa.LargeListArray
    offsets = np.zeros(len(array) + 1, np.int32 if of_lists is pa.ListArray else np.int64)
    return of_lists.from_arrays(
        pa.array(offsets),
        pa.nulls(0, array.type.value_type),
        type=array.type,
        mask=array.is_null().combine_chunks(),
    )
