"""Cutting a CSV text into whole records, exactly as the parser that reads them sees them.

RFC 4180 quoting: a quoted cell begins with a quote at the start of a cell, a quote inside it is
doubled, and line ends inside it are data. A quote elsewhere in a cell is an ordinary
character. Line ends are LF, CRLF or CR.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import NoReturn

import numpy as np
import numpy.typing as npt

from hokusai_assets.tables.problems import refuse

Positions = npt.NDArray[np.int64]
_QUOTE, _LF, _CR = ord('"'), ord("\n"), ord("\r")
_NONE: Positions = np.empty(0, np.int64)


@dataclass(frozen=True)
class Structure:
    """Where a text's quoted stretches and record ends are.

    Attributes:
        starts: positions of the quotes that open a quoted stretch, ascending.
        ends: positions of the quotes that close them; the text's length for one left open.
        overrun: positions of closing quotes after which a cell goes on, as in ``"a"b``.
        record_ends: positions of the last character of each line end outside quotes.
        line_starts: position at which each of these records begins.
    """

    starts: Positions
    ends: Positions
    overrun: Positions
    record_ends: Positions
    line_starts: Positions

    def outside(self, positions: Positions) -> npt.NDArray[np.bool_]:
        """Say which positions are outside quotes."""
        return _outside(positions, self.starts, self.ends)

    def blank(self, data: bytes) -> npt.NDArray[np.bool_]:
        """Say which records hold nothing but their line end."""
        text = np.frombuffer(data, np.uint8)
        ends, starts = self.record_ends, self.line_starts
        crlf = (text[ends] == _LF) & (ends > starts) & (text[np.maximum(ends - 1, 0)] == _CR)
        return np.asarray(ends - crlf == starts)

    def before(self, end: int) -> "Structure":
        """Return what there is of it before a position between two records."""
        parts = (self.starts, self.ends, self.overrun, self.record_ends, self.line_starts)
        return Structure(*(part[part < end] for part in parts))

    def records_of(self, positions: Positions) -> Positions:
        """Return the index of the record that each position is in, from 0."""
        return np.searchsorted(self.record_ends, positions).astype(np.int64)


def structure_of(data: bytes, delimiter: bytes, *, final: bool) -> Structure:
    """Find the quoted stretches and record ends of a text that begins with a record.

    Args:
        data: UTF-8 text.
        delimiter: the one byte between cells.
        final: whether the text ends here; a carriage return at the end is then a line end,
            where else a line feed may follow.
    """
    text = np.frombuffer(data, np.uint8)
    starts, ends, overrun = _quoted(data, text, delimiter)
    breaks = np.flatnonzero((text == _LF) | (text == _CR))
    if len(breaks):
        following = np.append(text[breaks[:-1] + 1], _next(text, breaks[-1]))
        before_lf = (text[breaks] == _CR) & (following == _LF)
        breaks = breaks[~before_lf]
    if len(breaks) and not final and breaks[-1] == len(text) - 1 and text[-1] == _CR:
        breaks = breaks[:-1]
    breaks = breaks[_outside(breaks, starts, ends)]
    return Structure(starts, ends, overrun, breaks, np.append([0], breaks[:-1] + 1)[: len(breaks)])


def _next(text: npt.NDArray[np.uint8], position: int) -> int:
    return int(text[position + 1]) if position + 1 < len(text) else 0


def _outside(positions: Positions, starts: Positions, ends: Positions) -> npt.NDArray[np.bool_]:
    # As many stretches begun as ended before it; both lists ascend and alternate.
    begun = np.searchsorted(starts, positions, "right")
    return np.asarray(begun == np.searchsorted(ends, positions, "left"))


def _quoted(
    data: bytes, text: npt.NDArray[np.uint8], delimiter: bytes
) -> tuple[Positions, Positions, Positions]:
    if b'"' not in data:
        return _NONE, _NONE, _NONE
    quotes = np.flatnonzero(text == _QUOTE)
    starts, ends = quotes[0::2], quotes[1::2]
    # With quotes only where RFC 4180 has them, they open and close in turn; a doubled one
    # closes a stretch and opens the next.
    before = text[starts - 1]
    opens = (before == delimiter[0]) | (before == _LF) | (before == _CR)
    opens[0] |= starts[0] == 0
    opens[1:] |= starts[1:] == ends[: len(starts) - 1] + 1
    if not opens.all():
        return _quoted_by_pattern(data, delimiter)
    after = text[np.minimum(ends + 1, len(text) - 1)]
    goes_on = ~((after == delimiter[0]) | (after == _LF) | (after == _CR) | (after == _QUOTE))
    goes_on &= ends + 1 < len(text)
    if len(ends) < len(starts):
        ends = np.append(ends, len(text))
    return starts, ends, quotes[1::2][goes_on]


@lru_cache(maxsize=8)
def _quoted_cell(delimiter: bytes) -> re.Pattern[bytes]:
    # A quoted cell begins at a delimiter; group 1 is its closing quote, empty where it has none.
    mark = re.escape(delimiter)
    return re.compile(rb'"(?<![^' + mark + rb'\r\n]")(?:[^"]++|"")*+("?)')


def _quoted_by_pattern(data: bytes, delimiter: bytes) -> tuple[Positions, Positions, Positions]:
    starts, ends, overrun = [], [], []
    closed_before = (delimiter[0], _LF, _CR)
    for cell in _quoted_cell(delimiter).finditer(data):
        starts.append(cell.start())
        end = cell.end()
        ends.append(end - 1 if cell[1] else len(data))
        if cell[1] and end < len(data) and data[end] not in closed_before:
            overrun.append(end - 1)
    return np.array(starts, np.int64), np.array(ends, np.int64), np.array(overrun, np.int64)


@dataclass(frozen=True)
class Records:
    """Whole records, the last with its line end; ``overrun`` as in `Structure`."""

    data: bytes
    structure: Structure | None

    def rows_with_overrun(self, *, skip_blank: bool) -> Positions:
        """Return the numbers, from 1, of the records with a cell that goes on after its quotes.

        Blank lines are counted as records unless ``skip_blank``.
        """
        if self.structure is None:
            return _NONE
        if len(self.structure.overrun) == 0:
            return _NONE
        records = self.structure.records_of(self.structure.overrun)
        numbers = records + 1
        if skip_blank:
            numbers = numbers - np.cumsum(self.structure.blank(self.data))[records]
        return np.unique(numbers)


def whole_records(
    blocks: Iterable[bytes], *, delimiter: bytes, name: str, max_row_bytes: int
) -> Iterator[Records]:
    """Yield a text's records, a block's worth at a time, however its blocks are cut.

    Args:
        blocks: UTF-8 text.
        delimiter: the one byte between cells.
        name: what messages call the file.
        max_row_bytes: the longest record, line end included.

    Raises:
        UnreadableFile: a record is longer (``too-long``), or a quoted cell is never closed
            (``bad-csv``).
    """
    held = b""
    for block in blocks:
        records, held = _cut(held + block, delimiter, final=False)
        yield from _checked(records, held, name, max_row_bytes)
    if not held:
        return
    records, rest = _cut(held + b"\n", delimiter, final=True)
    yield from _checked(records, rest, name, max_row_bytes)
    if rest:
        refuse(
            "bad-csv",
            f"{name}: a quoted cell has no closing quote.",
            'Close every quoted cell, and write a quote inside one as "".',
        )


def _cut(data: bytes, delimiter: bytes, *, final: bool) -> tuple[Records, bytes]:
    if b'"' not in data:
        # Nothing is quoted: the last line end of any kind ends a record.
        end = max(data.rfind(b"\n"), data.rfind(b"\r", 0, len(data) - (not final))) + 1
        return Records(data[:end], None), data[end:]
    structure = structure_of(data, delimiter, final=final)
    end = int(structure.record_ends[-1]) + 1 if len(structure.record_ends) else 0
    return Records(data[:end], structure.before(end)), data[end:]


def _checked(records: Records, rest: bytes, name: str, max_row_bytes: int) -> Iterator[Records]:
    """Yield records up to the first that is too long, and refuse that one."""
    data, structure = records.data, records.structure
    end = len(data)
    if len(data) > max_row_bytes:
        lengths_of = structure or structure_of(data, b",", final=True)
        lengths = lengths_of.record_ends + 1 - lengths_of.line_starts
        if (lengths > max_row_bytes).any():
            end = int(lengths_of.line_starts[np.argmax(lengths > max_row_bytes)])
    if end:
        yield Records(data[:end], structure.before(end) if structure else None)
    if end < len(data) or len(rest) > max_row_bytes:
        refuse_long_row(name, max_row_bytes)


def refuse_long_row(name: str, max_row_bytes: int) -> NoReturn:
    """Raise UnreadableFile (``too-long``) for a row with more bytes than may be."""
    refuse(
        "too-long",
        f"{name}: a row has more than {max_row_bytes:,} bytes.",
        "Shorten it, and look for a missing line end or closing quote.",
    )
