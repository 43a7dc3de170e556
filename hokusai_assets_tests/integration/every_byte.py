"""Searching a folder for planted words, also where they are packed, encoded or in a database."""

import base64
import binascii
import gzip
import io
import re
import sqlite3
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{40,}={0,2}")


def found_in(
    root: Path, words: Iterable[str], *, without: Iterable[Path] = ()
) -> list[tuple[str, str]]:
    """Return (file, word) for every word found under a folder, whatever the case of its letters.

    Args:
        root: the folder; also the names of its files and folders are searched.
        words: at least 6 characters each, so that no digest holds one by chance.
        without: folders that are left out.
    """
    left_out = list(without)
    wanted = [word.lower() for word in words]
    assert min(map(len, wanted)) >= 6
    hits = []
    for path in sorted(root.rglob("*")):
        if any(path.is_relative_to(folder) for folder in left_out):
            continue
        name = str(path.relative_to(root))
        hits += [(name, word) for word in wanted if word in name.lower()]
        if path.is_file():
            seen = [content.lower() for content in _contents(path.read_bytes(), path)]
            hits += [(name, word) for word in wanted if any(word.encode() in part for part in seen)]
    return sorted(set(hits))


def _contents(raw: bytes, path: Path | None) -> Iterator[bytes]:
    """Yield a file's bytes, and what is inside them where they are packed or encoded."""
    yield raw
    if b"\0" in raw:
        yield raw.replace(b"\0", b"")  # UTF-16 of ASCII
    for run in _BASE64.findall(raw):
        try:
            yield base64.b64decode(run + b"=" * (-len(run) % 4), altchars=b"-_")
            yield base64.b64decode(run + b"=" * (-len(run) % 4))
        except binascii.Error:
            continue
    if raw.startswith(b"PK\x03\x04"):
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            for member in archive.namelist():
                yield member.encode()
                yield from _contents(archive.read(member), None)
    elif raw.startswith(b"\x1f\x8b"):
        yield from _contents(gzip.decompress(raw), None)
    elif raw.startswith(b"PAR1"):
        yield _table_text(pq.read_table(io.BytesIO(raw)))
    elif raw.startswith(b"SQLite format 3\0") and path is not None:
        yield from _rows(path)


def _table_text(table: pa.Table) -> bytes:
    cells = (str(cell) for column in table.columns for cell in column.to_pylist())
    return "\n".join([*table.column_names, *cells, str(table.schema.metadata)]).encode()


def _rows(path: Path) -> Iterator[bytes]:
    # A long value is cut across a file's pages, so its bytes alone may hide a word.
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        for (table,) in tables.fetchall():
            for row in connection.execute(f'SELECT * FROM "{table}"'):
                for value in row:
                    content = value if isinstance(value, bytes) else str(value).encode()
                    yield from _contents(content, None)
    finally:
        connection.close()
