"""Reading CSV, JSON, JSON Lines and Parquet files into raw Arrow tables.

CSV and JSON cells are kept as the text the file holds (numbers included), so that no parser
guesses a type; Parquet columns keep their types. Rows keep the file's order.
"""

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from hokusai_assets.privacy.tokens import is_text
from hokusai_assets.tables.problems import SHOWN_ROWS, Problem, UnreadableFile, rows_in_words

_UTF8_BOM = b"\xef\xbb\xbf"
# A quoted cell begins at a delimiter; group 1 is its closing quote, empty where it has none.
_QUOTED_CELL = re.compile(rb'"(?<![^,\r\n]")(?:[^"]++|"")*+("?)')
# A row must fit into one of Arrow's blocks, which small ones keep fast.
_BLOCK_BYTES = (1 << 20, 1 << 26, 1 << 30)
# Records that share few keys make a table far larger than their file.
_SPARSE_CELLS = 20_000_000

# A table is held in memory whole; these bounds keep one file from taking the machine down.
MAX_TEXT_FILE_BYTES = 512 * 2**20
MAX_DECODED_BYTES = 2**30
MAX_CELLS = 200_000_000
FORMATS = {
    ".csv": "CSV",
    ".json": "JSON",
    ".jsonl": "JSON Lines",
    ".ndjson": "JSON Lines",
    ".parquet": "Parquet",
    ".pq": "Parquet",
}


def read_table(path: Path, *, display_name: str | None = None) -> pa.Table:
    """Read a data file whole.

    Args:
        path: the file; its ending (``.csv .json .jsonl .ndjson .parquet .pq``) names the format.
        display_name: what messages call the file (default: its own name, never its folder).

    Returns:
        A table of n rows; columns are text (CSV, JSON, JSON Lines) or typed (Parquet).

    Raises:
        UnreadableFile: the file is no table of that format; the problem names the rule,
            the row where there is one, and the fix.
        OSError: the file can't be opened or read, which says nothing about what it holds.
    """
    name = display_name or path.name
    file_format = FORMATS.get(path.suffix.lower())
    if file_format is None:
        _refuse(
            "unknown-format",
            f"{name}: the ending names no known format.",
            f"Send one of {', '.join(sorted(FORMATS))}.",
        )
    if path.stat().st_size == 0:
        _refuse("empty-file", f"{name}: the file has no bytes.", "Send a file with rows.")
    if file_format != "Parquet" and path.stat().st_size > MAX_TEXT_FILE_BYTES:
        _refuse_too_large(name)
    if file_format == "CSV":
        return _read_csv(path, name)
    if file_format == "Parquet":
        return _read_parquet(path, name)
    return _read_json(path, name, lines=file_format == "JSON Lines")


def _refuse(
    rule: str, message: str, fix: str, rows: tuple[int, ...] = (), count: int = 0
) -> NoReturn:
    # "from None": a parser's own error may quote the file, and so a person's data.
    raise UnreadableFile(Problem(rule, message, fix, rows=rows, count=count)) from None


def _read_csv(path: Path, name: str) -> pa.Table:
    data = path.read_bytes().removeprefix(_UTF8_BOM)
    try:
        with io.TextIOWrapper(io.BytesIO(data), encoding="utf-8", newline="") as stream:
            header = next(csv.reader(stream), [])
    except UnicodeDecodeError:
        _refuse("not-utf8", f"{name}: the text is not UTF-8.", "Save the file as UTF-8.")
    except csv.Error:
        _refuse("bad-csv", f"{name}: the header is no CSV.", "Write column names, comma-separated.")
    _refuse_bad_column_names(header, name)
    if any(not cell[1] for cell in _QUOTED_CELL.finditer(data)):
        # Arrow would take the rest of the file for one cell.
        _refuse(
            "bad-csv",
            f"{name}: a quoted cell has no closing quote.",
            'Close every quoted cell, and write a quote inside one as "".',
        )
    table, ragged = _parse_csv(data, header, name)
    if ragged:
        _refuse(
            "ragged-rows",
            f"{name}, {rows_in_words(ragged)}: the number of cells differs from the header's "
            f"{len(header)}.",
            "Give every row one cell per column; quote cells that hold commas.",
            rows=tuple(ragged[:SHOWN_ROWS]),
            count=len(ragged),
        )
    return table


def _parse_csv(data: bytes, header: list[str], name: str) -> tuple[pa.Table, list[int]]:
    """Return the rows that have one cell per column, and the numbers of those that don't."""
    ragged: list[int] = []

    def note_ragged(row: pa_csv.InvalidRow) -> str:
        ragged.append((row.number or 1) - 1)
        return "skip"

    # Without its line end, a header alone would not be skipped as a row.
    source = pa.py_buffer(data if data.endswith((b"\n", b"\r")) else data + b"\n")
    for block_size in _BLOCK_BYTES:
        ragged.clear()
        try:
            table = pa_csv.read_csv(
                pa.BufferReader(source),
                # One thread: only then does Arrow number the rows that do not fit.
                read_options=pa_csv.ReadOptions(
                    use_threads=False,
                    block_size=block_size,
                    column_names=header,
                    skip_rows_after_names=1,
                ),
                parse_options=pa_csv.ParseOptions(
                    newlines_in_values=True,
                    ignore_empty_lines=len(header) > 1,
                    invalid_row_handler=note_ragged,
                ),
                convert_options=pa_csv.ConvertOptions(
                    column_types={column: pa.string() for column in header},
                    strings_can_be_null=False,
                ),
            )
            return table, ragged
        except (pa.ArrowInvalid, UnicodeDecodeError):
            if block_size > len(data):
                break
    _refuse(
        "bad-csv",
        f"{name}: the file is no valid UTF-8 CSV.",
        "Save as UTF-8 CSV, comma-separated, with quotes around cells that hold commas, "
        "quotes or line breaks.",
    )


def _read_parquet(path: Path, name: str) -> pa.Table:
    try:
        # memory_map off: a file that shrinks while mapped would end the process, not the read.
        # ParquetFile, not read_table, which calls a repeated column an invalid file.
        with pq.ParquetFile(path, memory_map=False) as parquet:
            schema, metadata = parquet.schema_arrow, parquet.metadata
            _refuse_bad_column_names(schema.names, name)
            declared = sum(
                metadata.row_group(i).total_byte_size for i in range(metadata.num_row_groups)
            )
            cells = metadata.num_rows * len(schema.names)
            if declared > MAX_DECODED_BYTES or cells > MAX_CELLS:
                _refuse_too_large(name)
        # A repeated long text is small as a dictionary; its full size is known before decoding.
        texts = [field.name for field in schema if is_text(field.type)]
        with pq.ParquetFile(path, memory_map=False, read_dictionary=texts) as parquet:
            table = parquet.read()
        if any(_decoded_bytes(column) > MAX_DECODED_BYTES for column in table.columns):
            _refuse_too_large(name)
        table = table.cast(schema)
        # Parquet's text is not checked as it is read.
        table.validate(full=True)
    except (pa.ArrowException, OSError, ValueError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        _refuse(
            "bad-parquet",
            f"{name}: the file is no complete Parquet file.",
            "Write it again and send all of it (it must begin and end with PAR1), text as UTF-8.",
        )
    return table


def _decoded_bytes(column: pa.ChunkedArray) -> int:
    if not (pa.types.is_dictionary(column.type) and is_text(column.type.value_type)):
        return int(column.nbytes)
    lengths = (
        pc.sum(pc.binary_length(chunk.dictionary).take(chunk.indices).cast(pa.int64())).as_py()
        for chunk in column.chunks
    )
    return sum(length or 0 for length in lengths)


def _refuse_too_large(name: str) -> NoReturn:
    _refuse(
        "too-large",
        f"{name}: the file is larger than one contribution may be "
        f"({MAX_TEXT_FILE_BYTES >> 20} MiB of CSV or JSON, {MAX_DECODED_BYTES >> 20} MiB of "
        f"Parquet in all or of one column decoded, {MAX_CELLS:,} cells).",
        "Send it as several files.",
    )


def _read_json(path: Path, name: str, *, lines: bool) -> pa.Table:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        _refuse("not-utf8", f"{name}: the text is not UTF-8.", "Save the file as UTF-8.")
    if lines:
        records: object = [
            _parse_json(line, f"{name}, line {number}")
            for number, line in enumerate(text.split("\n"), start=1)
            if line.strip()
        ]
    else:
        records = _parse_json(text, name)
    if not isinstance(records, list):
        _refuse("bad-json", f"{name}: not an array of records.", 'Write [{"column": value}, ...].')
    return _table_of_records(records, name)


class _RepeatedKey(ValueError):
    pass


def _unique_keys(pairs: list[tuple[str, object]]) -> dict[str, object]:
    record = dict(pairs)
    if len(record) != len(pairs):
        raise _RepeatedKey
    return record


def _no_constant(_: str) -> NoReturn:
    raise ValueError


def _parse_json(text: str, where: str) -> object:
    try:
        return json.loads(
            text,
            parse_int=str,
            parse_float=str,
            parse_constant=_no_constant,
            object_pairs_hook=_unique_keys,
        )
    except _RepeatedKey:
        _refuse("bad-json", f"{where}: a record names one column twice.", "Name each column once.")
    except (ValueError, RecursionError):
        _refuse(
            "bad-json",
            f"{where}: not valid JSON (RFC 8259).",
            "Write valid JSON: no NaN or Infinity (use null), no trailing commas.",
        )


def _table_of_records(records: list[object], name: str) -> pa.Table:
    columns: dict[str, None] = {}
    not_records: list[int] = []
    nested: dict[str, list[int]] = {}
    for number, record in enumerate(records, start=1):
        if not isinstance(record, dict):
            not_records.append(number)
            continue
        for key, value in record.items():
            columns.setdefault(key)
            if isinstance(value, dict | list):
                nested.setdefault(key, []).append(number)
    if not_records:
        _refuse(
            "bad-json",
            f"{name}, {rows_in_words(not_records)}: not a record.",
            'Write every row as {"column": value, ...}.',
            rows=tuple(not_records[:SHOWN_ROWS]),
            count=len(not_records),
        )
    if nested:
        column, rows = next(iter(nested.items()))
        _refuse(
            "nested-value",
            f"{name}, {rows_in_words(rows)}, column {nameable(column)}: a list or an object "
            "stands where one value belongs.",
            "Give every cell one text, number, true, false or null.",
            rows=tuple(rows[:SHOWN_ROWS]),
            count=len(rows),
        )
    _refuse_bad_column_names(list(columns), name, may_be_empty=not records)
    size, present = len(records) * len(columns), sum(map(len, records))  # type: ignore[arg-type]
    if size > max(_SPARSE_CELLS, 100 * present):
        _refuse(
            "sparse-records",
            f"{name}: {len(records)} records name {len(columns)} different columns, few of them "
            "in common.",
            "Name the same columns in every record.",
        )
    arrays = {
        column: pa.array([_cell_text(record.get(column)) for record in records], pa.string())  # type: ignore[attr-defined]
        for column in columns
    }
    return pa.table(arrays)


def _cell_text(value: object) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    # A lone surrogate has no UTF-8; the replacement keeps the row readable.
    return None if value is None else str(value).encode("utf-8", "replace").decode("utf-8")


def _refuse_bad_column_names(
    names: Sequence[str], name: str, *, may_be_empty: bool = False
) -> None:
    if not names and not may_be_empty:
        _refuse("empty-file", f"{name}: no column names.", "Send a file with a header and rows.")
    # A lone surrogate, which JSON can escape, has no UTF-8.
    if any("\ud800" <= character <= "\udfff" for column in names for character in column):
        _refuse("not-utf8", f"{name}: a column name is no Unicode text.", "Rename the column.")
    repeated = sum(count > 1 for count in Counter(names).values())
    if repeated:
        _refuse(
            "repeated-column",
            f"{name}: {repeated} column name(s) stand more than once.",
            "Name each column once.",
        )


def nameable(column: str) -> str:
    """Return how messages may show a column name that a file brought, or that it is withheld."""
    # A hostile file may hide a value in a column name; long or odd names are not echoed.
    plain = column.isprintable() and len(column) <= 40 and "@" not in column
    plain = plain and sum(character.isdigit() for character in column) < 6
    return repr(column) if plain else "(name withheld)"
