"""Raw rows as every format yields them, batch by batch, before their cells are typed."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NoReturn

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from hokusai_assets.privacy.tokens import is_text
from hokusai_assets.tables.limits import ReadLimits
from hokusai_assets.tables.problems import nameable, refuse

BATCH_ROWS = 65_536


@dataclass(frozen=True)
class RawBatch:
    """Some rows of a file, in its order; rows that could not be read are left out.

    Attributes:
        table: n rows of the wanted columns that the file has. Cells are text (CSV, JSON, JSON
            Lines) or typed (Parquet).
        rows: int64 array of n row numbers, counted from 1 without the header.
        unreadable: by column, a bool array of n that is true for cells that are there but
            could not be read (they are null in the table); columns without any are left out.
    """

    table: pa.Table
    rows: npt.NDArray[np.int64]
    unreadable: Mapping[str, npt.NDArray[np.bool_]] = field(default_factory=dict)


def sliced(batch: RawBatch) -> Iterator[RawBatch]:
    """Yield a batch in pieces of at most `BATCH_ROWS` rows; none for no rows."""
    for start in range(0, len(batch.rows), BATCH_ROWS):
        piece = slice(start, start + BATCH_ROWS)
        table = batch.table.slice(start, BATCH_ROWS)
        unreadable = {name: mask[piece] for name, mask in batch.unreadable.items()}
        yield RawBatch(table, batch.rows[piece], unreadable)


def within_limit(batch: RawBatch, limits: ReadLimits) -> RawBatch:
    """Return the rows of a batch up to the last one that may be read."""
    count = int(np.searchsorted(batch.rows, limits.max_rows, "right"))
    if count == len(batch.rows):
        return batch
    unreadable = {name: mask[:count] for name, mask in batch.unreadable.items()}
    return RawBatch(batch.table.slice(0, count), batch.rows[:count], unreadable)


def check_rows(count: int, name: str, limits: ReadLimits) -> None:
    """Raise UnreadableFile (``too-large``) for more rows than may be."""
    if count > limits.max_rows:
        refuse(
            "too-large",
            f"{name}: there are more than {limits.max_rows:,} rows.",
            "Send them as several files.",
        )


def check_cell_lengths(batch: RawBatch, name: str, limits: ReadLimits) -> None:
    """Raise UnreadableFile (``too-long``) for a text cell with more characters than may be."""
    found = [
        (position, column)
        for column, array in zip(batch.table.column_names, batch.table.columns, strict=True)
        if (position := _first_too_long(array, limits.max_cell_chars)) is not None
    ]
    if found:
        position, column = min(found, key=lambda cell: cell[0])
        refuse_long_cell(name, int(batch.rows[position]), column, limits)


def refuse_long_cell(name: str, row: int, column: str, limits: ReadLimits) -> NoReturn:
    """Raise UnreadableFile (``too-long``) for a text cell with more characters than may be."""
    refuse(
        "too-long",
        f"{name}, row {row}, column {nameable(column)}: the cell has more than "
        f"{limits.max_cell_chars:,} characters.",
        "Shorten it, and look for a missing closing quote.",
        row=row,
    )


def _first_too_long(cells: pa.ChunkedArray, most: int) -> int | None:
    # Bytes first: they are known without a look at the text, and are never fewer.
    if not is_text(cells.type) or (pc.max(pc.binary_length(cells)).as_py() or 0) <= most:
        return None
    over = np.asarray(pc.greater(pc.utf8_length(cells), most).fill_null(False))
    return int(np.argmax(over)) if over.any() else None
