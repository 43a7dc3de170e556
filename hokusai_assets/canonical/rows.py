"""Canonical bytes, digests and order of table rows, the same for any format or row order.

A row's bytes are its cells in ascending order of column name, each written as a kind, the
byte length of its content in decimal, a colon, the content and a comma (a netstring with a
kind); a missing cell is ``-,``. Kinds: ``i`` integer in decimal, ``f`` the IEEE 754 binary64
bits as an unsigned decimal (minus zero written as zero), ``s`` UTF-8 text, ``b`` 0 or 1,
``t`` microseconds since 1970-01-01T00:00:00Z in decimal.
"""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from hokusai_assets.canonical import merkle

# Rows per step: bounds memory, and the 2 GiB that one Arrow array of bytes can hold.
_STEP_ROWS = 16_384


def row_bytes(table: pa.Table) -> list[bytes]:
    """Return the canonical bytes of each row of a typed table.

    Raises:
        TypeError: a column is not int64, float64, string, bool or timestamp, nor a dictionary
            of these.
    """
    return [data for step in _row_bytes_by_step(table) for data in step]


def row_digests(table: pa.Table) -> list[bytes]:
    """Return each row's RFC 6962 leaf hash (32 bytes) over its canonical bytes."""
    return [merkle.leaf_hash(data) for step in _row_bytes_by_step(table) for data in step]


def digest_order(digests: list[bytes]) -> np.ndarray:
    """Return the positions that sort digests ascending, equal ones kept in given order."""
    words = np.frombuffer(b"".join(digests), dtype=">u8").reshape(len(digests), 4)
    return np.lexsort((words[:, 3], words[:, 2], words[:, 1], words[:, 0]))


def in_canonical_order(table: pa.Table, digests: list[bytes]) -> tuple[pa.Table, list[bytes]]:
    """Return the table and its row digests sorted by digest."""
    if not digests:
        return table, []
    order = digest_order(digests)
    return table.take(pa.array(order)), [digests[position] for position in order]


class RootBuilder:
    """Builds the Merkle root of a set of rows from digests that come in ascending order."""

    def __init__(self) -> None:
        self._tree = merkle.TreeHead()
        self._last = b""

    def add(self, digest: bytes) -> None:
        """Take the next digest; ValueError where it is below the one before."""
        if digest < self._last:
            raise ValueError("row digests come in ascending order")
        self._last = digest
        self._tree.add(digest)

    def root(self) -> str:
        """Return what `table_root` gives for all digests so far."""
        return self._tree.root().hex()


def table_root(digests: list[bytes]) -> str:
    """Return the Merkle root (hex) of a set of rows: over the digests in ascending order."""
    return merkle.root_hex(sorted(digests))


def _row_bytes_by_step(table: pa.Table) -> Iterator[list[bytes]]:
    names = sorted(table.column_names)
    for batch in table.to_batches(max_chunksize=_STEP_ROWS):
        cells = [_cells(name, batch.column(name)) for name in names]
        yield pc.binary_join_element_wise(*cells, pa.scalar(b"", pa.binary())).to_pylist()


def _cells(name: str, array: pa.Array) -> pa.Array:
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    kind, content = _kind_and_content(name, array)
    data = content.cast(pa.binary())
    length = pc.binary_length(data).cast(pa.string()).cast(pa.binary())
    written = pc.binary_join_element_wise(
        pa.scalar(kind, pa.binary()),
        length,
        pa.scalar(b":", pa.binary()),
        data,
        pa.scalar(b",", pa.binary()),
        pa.scalar(b"", pa.binary()),
    )
    return pc.fill_null(written, pa.scalar(b"-,", pa.binary()))


def _kind_and_content(name: str, array: pa.Array) -> tuple[bytes, pa.Array]:
    if pa.types.is_int64(array.type):
        return b"i", array.cast(pa.string())
    if pa.types.is_float64(array.type):
        # Adding 0.0 turns -0.0 into 0.0, so both write the same bits.
        values = pc.add(array, 0.0)
        bits = np.asarray(values.fill_null(0.0)).view(np.uint64)
        text = pa.array(bits, pa.uint64()).cast(pa.string())
        return b"f", pc.if_else(pc.is_valid(array), text, pa.scalar(None, pa.string()))
    if pa.types.is_string(array.type):
        return b"s", array
    if pa.types.is_boolean(array.type):
        return b"b", pc.if_else(array, "1", "0")
    if pa.types.is_timestamp(array.type):
        return b"t", array.cast(pa.timestamp("us", "UTC")).cast(pa.int64()).cast(pa.string())
    raise TypeError(f"column {name!r}: rows with {array.type} have no canonical form")
