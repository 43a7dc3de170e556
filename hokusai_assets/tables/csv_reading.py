"""Reading a CSV file into batches of text cells, in bounded memory."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv

from hokusai_assets.tables.csv_dialect import find_delimiter, read_header
from hokusai_assets.tables.csv_records import (
    Records,
    refuse_long_row,
    structure_of,
    whole_records,
)
from hokusai_assets.tables.decompression import BLOCK_BYTES, check_file_size, decoded_blocks
from hokusai_assets.tables.file_access import open_regular_file
from hokusai_assets.tables.formats import DeclaredFormat, FileFormat, FoundFormat
from hokusai_assets.tables.limits import ReadLimits
from hokusai_assets.tables.problem_log import ProblemLog
from hokusai_assets.tables.problems import refuse
from hokusai_assets.tables.raw_batches import (
    RawBatch,
    check_cell_lengths,
    check_rows,
    sliced,
    within_limit,
)
from hokusai_assets.tables.text_encoding import (
    SAMPLE_BYTES,
    encoding_of_sample,
    is_utf8,
    refuse_other_kinds,
    utf8_blocks,
)

_BOM = b"\xef\xbb\xbf"


class CsvReader:
    """One CSV file: its encoding, delimiter and header are found when it is made.

    Raises UnreadableFile where the bytes are no text, the text no CSV, the column names can't
    be used, or a limit is passed; OSError where the file can't be read.
    """

    def __init__(
        self,
        path: Path,
        kind: FileFormat,
        *,
        name: str,
        limits: ReadLimits,
        declared: DeclaredFormat,
        block_bytes: int = BLOCK_BYTES,
    ) -> None:
        self._path, self._kind, self._name, self._limits = path, kind, name, limits
        self._block_bytes = block_bytes
        encoding, guessed = self._find_encoding(declared.encoding)
        self.found = FoundFormat(
            "CSV", kind.compression, encoding, encoding_guessed=guessed, decimal=declared.decimal
        )
        by_ending = "\t" if kind.ending.startswith(".tsv") else None
        self.delimiter = declared.delimiter or by_ending or self._find_delimiter()
        self.found = replace(self.found, delimiter=self.delimiter)
        self._header = tuple(self._find_header())
        self.column_names: tuple[str, ...] | None = self._header
        self.rows_seen = 0

    def batches(self, columns: Collection[str] | None, log: ProblemLog) -> Iterator[RawBatch]:
        """Yield the rows; see `DataFile.raw_batches`."""
        self.rows_seen = 0
        wanted = list(self._header)
        if columns is not None:
            wanted = [column for column in columns if column in self._header]
        for records in self._records(skip_header=True):
            parsed = self._parsed(records, wanted, log)
            for batch in sliced(within_limit(parsed, self._limits)):
                check_cell_lengths(batch, self._name, self._limits)
                yield batch
            check_rows(self.rows_seen, self._name, self._limits)

    def _parsed(self, records: Records, wanted: Sequence[str], log: ProblemLog) -> RawBatch:
        several = len(self._header) > 1
        table, ragged = self._parse(records.data, wanted, skip_blank=several)
        count = table.num_rows + len(ragged)
        numbers = np.delete(np.arange(1, count + 1), np.array(ragged, np.int64) - 1)
        overrun = np.setdiff1d(records.rows_with_overrun(skip_blank=several), ragged)
        kept = ~np.isin(numbers, overrun)
        before, self.rows_seen = self.rows_seen, self.rows_seen + count
        log.add(
            "ragged-rows",
            [before + row for row in ragged],
            what=f"the number of cells differs from the header's {len(self._header)}.",
            fix="Give every row one cell per column; quote cells that hold commas.",
        )
        log.add(
            "bad-csv",
            before + overrun,
            what="a quoted cell goes on after its closing quote.",
            fix='Quote the whole cell, and write a quote inside one as "".',
        )
        if len(overrun):
            table, numbers = table.filter(pa.array(kept)), numbers[kept]
        if not wanted:
            table = table.select([])
        return RawBatch(table, before + numbers)

    def _parse(
        self, data: bytes, wanted: Sequence[str], *, skip_blank: bool
    ) -> tuple[pa.Table, list[int]]:
        """Return the rows that have one cell per column, and the numbers of those that don't."""
        ragged: list[int] = []

        def note_ragged(row: pa_csv.InvalidRow) -> str:
            ragged.append(row.number)
            return "skip"

        if data.startswith(_BOM):
            # Arrow takes the first of them for a byte order mark, wherever a block begins.
            data = _BOM + data
        try:
            table = pa_csv.read_csv(
                pa.BufferReader(data),
                # One thread: only then does Arrow number the rows that do not fit.
                read_options=pa_csv.ReadOptions(
                    use_threads=False, block_size=len(data) + 1, column_names=self._header
                ),
                parse_options=pa_csv.ParseOptions(
                    delimiter=self.delimiter,
                    newlines_in_values=True,
                    ignore_empty_lines=skip_blank,
                    invalid_row_handler=note_ragged,
                ),
                convert_options=pa_csv.ConvertOptions(
                    column_types=dict.fromkeys(self._header, pa.string()),
                    strings_can_be_null=False,
                    # None named would mean all of them.
                    include_columns=list(wanted) or [self._header[0]],
                ),
            )
        except (pa.ArrowInvalid, UnicodeDecodeError):
            refuse(
                "bad-csv",
                f"{self._name}: the file is no valid CSV.",
                "Save as UTF-8 CSV, with quotes around cells that hold the delimiter, quotes or "
                "line breaks.",
            )
        return table, ragged

    # --- what is found out before the first row ---

    def _opened(self) -> tuple[BinaryIO, int]:
        stream = open_regular_file(self._path, self._name)
        size = stream.seek(0, 2)
        stream.seek(0)
        return stream, size

    def _bytes(self) -> Iterator[bytes]:
        stream, size = self._opened()
        with stream:
            check_file_size(size, self._name, self._limits)
            yield from decoded_blocks(
                stream,
                self._kind.compression,
                size=size,
                name=self._name,
                limits=self._limits,
                block_bytes=self._block_bytes,
            )

    def _text(self) -> Iterator[bytes]:
        encoding = self.found.encoding
        assert encoding is not None
        return utf8_blocks(self._bytes(), encoding, self._name, guessed=self.found.encoding_guessed)

    def _records(self, *, skip_header: bool) -> Iterator[Records]:
        """Yield whole records, without the header where that is skipped."""
        skipped = not skip_header
        delimiter = self.delimiter.encode()
        for records in whole_records(
            self._text(),
            delimiter=delimiter,
            name=self._name,
            max_row_bytes=self._limits.max_row_bytes,
        ):
            if not skipped:
                skipped = True
                records = _without_first(records, delimiter)
            if records.data:
                yield records

    def _find_encoding(self, declared: str | None) -> tuple[str, bool]:
        sample = _beginning(self._bytes(), SAMPLE_BYTES)
        if not sample:
            refuse("empty-file", f"{self._name}: the file has no bytes.", "Send a file with rows.")
        refuse_other_kinds(sample, self._name)
        encoding = encoding_of_sample(sample, declared)
        if encoding in (None, "utf-8"):
            required = encoding is not None
            lines = self._with_lines_checked(self._bytes())
            if is_utf8(lines, self._name, required=required):
                return "utf-8", False
            return "windows-1252", True
        assert encoding is not None
        return encoding, False

    def _with_lines_checked(self, blocks: Iterator[bytes]) -> Iterator[bytes]:
        """Pass blocks on, and refuse a line without end before all of it is read."""
        length = 0
        for block in blocks:
            end = max(block.rfind(b"\n"), block.rfind(b"\r"))
            length = length + len(block) if end < 0 else len(block) - end
            if length > self._limits.max_row_bytes + len(_BOM):
                refuse_long_row(self._name, self._limits.max_row_bytes)
            yield block

    def _find_delimiter(self) -> str:
        sample = _beginning(self._text(), SAMPLE_BYTES)
        return find_delimiter(sample, self._name, final=len(sample) < SAMPLE_BYTES)

    def _find_header(self) -> list[str]:
        first = next(self._records(skip_header=False), None)
        record = b"" if first is None else _first(first, self.delimiter.encode())
        return read_header(record, self.delimiter, self._name, self._limits)


def _beginning(blocks: Iterator[bytes], most: int) -> bytes:
    held = b""
    for block in blocks:
        held += block
        if len(held) >= most:
            break
    return held[:most]


def _first_end(records: Records, delimiter: bytes) -> int:
    structure = records.structure or structure_of(records.data, delimiter, final=True)
    return int(structure.record_ends[0]) + 1


def _first(records: Records, delimiter: bytes) -> bytes:
    return records.data[: _first_end(records, delimiter)]


def _without_first(records: Records, delimiter: bytes) -> Records:
    rest = records.data[_first_end(records, delimiter) :]
    structure = structure_of(rest, delimiter, final=True) if b'"' in rest else None
    return Records(rest, structure)
