"""Writing typed rows as a file that reading gives back cell for cell."""

import json
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from hokusai_assets.drafts import draft_name
from hokusai_assets.tables.formats import ENDINGS_IN_WORDS, FileFormat, format_of


class UnwritableFile(ValueError):
    """The name's ending is no known format, or something is there; the message says which."""


def write_rows(path: Path, schema: pa.Schema, batches: Iterable[pa.Table]) -> int:
    """Write typed rows in the format that a file's ending names; whole or not at all.

    Args:
        path: a name that nothing has yet.
        schema: the columns.
        batches: the rows.

    Returns:
        The number of rows.

    Raises:
        UnwritableFile: the ending names no known format, or the path exists.
    """
    kind = format_of(path.name)
    if kind is None:
        raise UnwritableFile(f"{path.name}: the ending is none of {ENDINGS_IN_WORDS}")
    draft = path.with_name(draft_name(f".{path.name}-"))
    try:
        rows = _write(draft, kind, schema, batches)
        with draft.open("rb") as stream:
            os.fsync(stream.fileno())
        # A link fails where the name is taken; a rename would replace what is there.
        os.link(draft, path)
        return rows
    except FileExistsError:
        raise UnwritableFile(f"{path} exists; choose another name or remove it") from None
    finally:
        draft.unlink(missing_ok=True)


def _write(path: Path, kind: FileFormat, schema: pa.Schema, batches: Iterable[pa.Table]) -> int:
    rows = 0
    with ExitStack() as stack:
        sink: Any = stack.enter_context(pa.OSFile(str(path), "wb"))
        if kind.compression is not None:
            sink = stack.enter_context(pa.CompressedOutputStream(sink, kind.compression))
        write = stack.enter_context(_WRITERS[kind.format](sink, schema, kind))
        for batch in batches:
            write(batch)
            rows += batch.num_rows
    return rows


Write = Callable[[pa.Table], None]


@contextmanager
def _parquet(sink: Any, schema: pa.Schema, kind: FileFormat) -> Iterator[Write]:
    with pq.ParquetWriter(sink, schema, compression="zstd") as writer:
        yield writer.write_table


@contextmanager
def _csv(sink: Any, schema: pa.Schema, kind: FileFormat) -> Iterator[Write]:
    delimiter = "\t" if kind.ending.startswith(".tsv") else ","
    options = pa_csv.WriteOptions(delimiter=delimiter, quoting_style="needed")
    texts = pa.schema([(field.name, pa.string()) for field in schema])
    with pa_csv.CSVWriter(sink, texts, write_options=options) as writer:
        yield lambda batch: writer.write_table(_as_text(batch, texts))


def _as_text(batch: pa.Table, texts: pa.Schema) -> pa.Table:
    columns = []
    for column in batch.columns:
        if pa.types.is_floating(column.type):
            # Arrow's own text of a float is its shortest, and reads back to the same bits.
            column = column.cast(pa.string())
        elif pa.types.is_timestamp(column.type):
            column = pc.strftime(column, format="%Y-%m-%dT%H:%M:%SZ")
        columns.append(column.cast(pa.string()))
    return pa.table(columns, schema=texts)


@contextmanager
def _json_lines(sink: Any, schema: pa.Schema, kind: FileFormat) -> Iterator[Write]:
    def write(batch: pa.Table) -> None:
        sink.write("".join(f"{record}\n" for record in _records(batch)).encode())

    yield write


@contextmanager
def _json(sink: Any, schema: pa.Schema, kind: FileFormat) -> Iterator[Write]:
    separator = "[\n"

    def write(batch: pa.Table) -> None:
        nonlocal separator
        for record in _records(batch):
            sink.write(f"{separator}{record}".encode())
            separator = ",\n"

    yield write
    sink.write(b"[]\n" if separator == "[\n" else b"\n]\n")


def _records(batch: pa.Table) -> Iterator[str]:
    for row in batch.to_pylist():
        yield json.dumps(row, ensure_ascii=False, allow_nan=False, default=_moment)


def _moment(value: Any) -> str:
    return str(value.isoformat())


_WRITERS: dict[str, Any] = {
    "CSV": _csv,
    "JSON": _json,
    "JSON Lines": _json_lines,
    "Parquet": _parquet,
}
