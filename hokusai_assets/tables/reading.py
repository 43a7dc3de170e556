"""Reading CSV, JSON, JSON Lines and Parquet files into raw Arrow tables.

CSV and JSON cells are kept as the text the file holds (numbers included), so that no parser
guesses a type; Parquet columns keep their types. Rows keep the file's order.
"""

import csv
import json
from collections.abc import Iterable
from pathlib import Path
from typing import NoReturn

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from hokusai_assets.tables.problems import SHOWN_ROWS, Problem, UnreadableFile, rows_in_words

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
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            header = next(csv.reader(stream), [])
    except UnicodeDecodeError:
        _refuse("not-utf8", f"{name}: the text is not UTF-8.", "Save the file as UTF-8.")
    except csv.Error:
        _refuse("bad-csv", f"{name}: the header is no CSV.", "Write column names, comma-separated.")
    _refuse_bad_column_names(header, name)
    ragged: list[int] = []

    def note_ragged(row: pa_csv.InvalidRow) -> str:
        ragged.append((row.number or 1) - 1)
        return "skip"

    try:
        table = pa_csv.read_csv(
            path,
            # One thread: only then does Arrow number the rows that do not fit.
            read_options=pa_csv.ReadOptions(
                use_threads=False, column_names=header, skip_rows_after_names=1
            ),
            parse_options=pa_csv.ParseOptions(
                newlines_in_values=True,
                ignore_empty_lines=len(header) > 1,
                invalid_row_handler=note_ragged,
            ),
            convert_options=pa_csv.ConvertOptions(
                column_types={column: pa.string() for column in header}, strings_can_be_null=False
            ),
        )
    except (pa.ArrowInvalid, UnicodeDecodeError):
        _refuse(
            "bad-csv",
            f"{name}: the file is no valid UTF-8 CSV.",
            "Save as UTF-8 CSV, comma-separated, with quotes around cells that hold commas, "
            "quotes or line breaks.",
        )
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


def _read_parquet(path: Path, name: str) -> pa.Table:
    try:
        # memory_map off: a file that shrinks while mapped would end the process, not the read.
        table = pq.read_table(path, memory_map=False)
    except (pa.ArrowException, OSError, ValueError):
        _refuse(
            "bad-parquet",
            f"{name}: the file is no complete Parquet file.",
            "Write it again and send all of it (it must begin and end with PAR1).",
        )
    _refuse_bad_column_names(table.column_names, name)
    return table


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
    names: Iterable[str], name: str, *, may_be_empty: bool = False
) -> None:
    names = list(names)
    if not names and not may_be_empty:
        _refuse("empty-file", f"{name}: no column names.", "Send a file with a header and rows.")
    repeated = sorted({column for column in names if names.count(column) > 1})
    if repeated:
        _refuse(
            "repeated-column",
            f"{name}: {len(repeated)} column name(s) stand more than once.",
            "Name each column once.",
        )


def nameable(column: str) -> str:
    """Return how messages may show a column name that a file brought, or that it is withheld."""
    # A hostile file may hide a value in a column name; long or odd names are not echoed.
    plain = column.isprintable() and len(column) <= 40 and "@" not in column
    plain = plain and sum(character.isdigit() for character in column) < 6
    return repr(column) if plain else "(name withheld)"
