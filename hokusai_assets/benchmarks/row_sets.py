"""Typed rows in canonical order: in memory, or in a file where there may be many."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from hokusai_assets.canonical import rows
from hokusai_assets.privacy.tokens import reduce_table

DIGEST_COLUMN = "hokusai:row_digest"
_ROOT, _COUNT = b"hokusai:rows_root", b"hokusai:rows"
BATCH_ROWS = 65_536


@dataclass(frozen=True)
class RowSet:
    """Typed rows of one set in canonical order.

    Attributes:
        table: features and target; personal data as keyed tokens.
        digests: per row, the leaf hash (32 bytes) of the row with tokens reduced to their type.
        root: Merkle root (hex) over the digests: the set's content hash, whatever its order.
    """

    table: pa.Table
    digests: list[bytes]
    root: str

    @classmethod
    def of(cls, table: pa.Table) -> "RowSet":
        """Put a typed table in canonical order and hash it."""
        digests = rows.row_digests(reduce_table(table))
        ordered, digests = rows.in_canonical_order(table, digests)
        return cls(ordered, digests, _root(digests))

    def take(self, positions: np.ndarray) -> "RowSet":
        """Return some rows as a set, without hashing them again.

        Args:
            positions: int64 (k,), ascending, each below ``count``.
        """
        digests = [self.digests[position] for position in positions.tolist()]
        return RowSet(self.table.take(pa.array(positions)), digests, _root(digests))

    @property
    def count(self) -> int:
        """Number of rows."""
        return int(self.table.num_rows)


def _root(ascending: list[bytes]) -> str:
    # Holds a hash per level of the tree; a list of each level is 73 bytes per row.
    tree = rows.RootBuilder()
    for digest in ascending:
        tree.add(digest)
    return tree.root()


@dataclass(frozen=True)
class StoredRows:
    """Typed rows of one set in canonical order, in a Parquet file that is read in parts.

    Attributes:
        path: the file; a column of row digests stands beside the features and the target.
        count: number of rows.
        root: as `RowSet.root`.
    """

    path: Path
    count: int
    root: str

    @classmethod
    def open(cls, path: Path) -> "StoredRows":
        """Open a file that `RowsWriter` wrote; its content is not read.

        Raises:
            ValueError: it is no such file.
        """
        with pq.ParquetFile(path, memory_map=False) as file:
            facts = file.metadata.metadata or {}
        if _ROOT not in facts or _COUNT not in facts:
            raise ValueError("a file of rows without their root and count")
        return cls(path, int(facts[_COUNT]), facts[_ROOT].decode())

    @cached_property
    def schema(self) -> pa.Schema:
        """Features and target."""
        with pq.ParquetFile(self.path, memory_map=False) as file:
            full = file.schema_arrow.remove_metadata()
        return full.remove(full.get_field_index(DIGEST_COLUMN))

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
        """Yield the rows in order, some `BATCH_ROWS` at a time; all columns, or those named."""
        names = self.schema.names if columns is None else list(columns)
        with pq.ParquetFile(self.path, memory_map=False) as file:
            for batch in file.iter_batches(BATCH_ROWS, columns=names, use_threads=False):
                yield pa.Table.from_batches([batch]).select(names).replace_schema_metadata(None)

    @property
    def table(self) -> pa.Table:
        """All rows at once."""
        parts = list(self.batches())
        return pa.concat_tables(parts) if parts else self.schema.empty_table()

    def take(self, positions: np.ndarray) -> pa.Table:
        """Return some rows.

        Args:
            positions: int64 (k,), ascending, each below ``count``.
        """
        parts, start = [], 0
        for batch in self.batches():
            first, last = np.searchsorted(positions, [start, start + batch.num_rows])
            if first < last:
                parts.append(batch.take(pa.array(positions[first:last] - start)))
            start += batch.num_rows
        return pa.concat_tables(parts) if parts else self.schema.empty_table()


class RowsWriter:
    """Writes rows that come in canonical order to a file for `StoredRows`."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        """Begin a file; ``schema`` has the features and the target."""
        self._path = path
        full = schema.remove_metadata().append(pa.field(DIGEST_COLUMN, pa.binary(32)))
        self._writer = pq.ParquetWriter(path, full, compression="zstd")
        self._schema = full
        self._tree = rows.RootBuilder()
        self._count = 0

    def add(self, table: pa.Table, digests: list[bytes]) -> None:
        """Write the next rows, n of them with their n digests."""
        column = pa.array(digests, pa.binary(32))
        whole = table.replace_schema_metadata(None).append_column(DIGEST_COLUMN, column)
        self._writer.write_table(whole.cast(self._schema))
        for digest in digests:
            self._tree.add(digest)
        self._count += len(digests)

    def finish(self) -> StoredRows:
        """Complete the file."""
        root = self._tree.root()
        self._writer.add_key_value_metadata({_ROOT: root, _COUNT: str(self._count)})
        self._writer.close()
        return StoredRows(self._path, self._count, root)

    def abandon(self) -> None:
        """Close the file and remove it."""
        self._writer.close()
        self._path.unlink(missing_ok=True)


def store_rows(table: pa.Table, path: Path) -> StoredRows:
    """Write a typed table, in canonical order, to a file."""
    ordered = RowSet.of(table)
    writer = RowsWriter(path, table.schema)
    writer.add(ordered.table, ordered.digests)
    return writer.finish()
