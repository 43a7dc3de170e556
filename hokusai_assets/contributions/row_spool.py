"""Rows of a contribution on their way into canonical order, equal ones merged, in bounded memory.

Rows come in the file's order and leave in ascending order of their digests. While they are few
they wait in memory; beyond that they wait in files, one per range of digests, each of which is
then sorted by itself. Of rows with one match key (equal but for case, white space and the like)
the one with the smallest digest stays, so the file's order decides nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa

from hokusai_assets.benchmarks.row_sets import RowsWriter, StoredRows
from hokusai_assets.canonical import rows
from hokusai_assets.contributions.growing_array import GrowingArray
from hokusai_assets.contributions.sorted_keys import SortedKeys, find_sorted, key_words
from hokusai_assets.privacy.tokens import reduce_table

# Rows wait in files once they are more than so many, or take more memory than so much.
SPILL_ROWS = 262_144
SPILL_BYTES = 128 * 2**20
# Ranges of the digest's first byte.
_RANGES = 64
_DIGEST, _KEY = "hokusai:digest", "hokusai:key"
_STEP_ROWS = 65_536


class RowSpool:
    """Takes rows batch by batch, says which are distinct, and writes those that are wanted."""

    def __init__(self, schema: pa.Schema, folder: Path) -> None:
        """Begin with no rows.

        Args:
            schema: features and target.
            folder: an existing folder for files of its own, which `close` removes; what is
                written there is pseudonymised.
        """
        self._schema = schema.remove_metadata()
        self._wide = self._schema.append(pa.field(_DIGEST, pa.binary(32))).append(
            pa.field(_KEY, pa.binary(16))
        )
        self._folder = folder
        self._waiting: list[pa.Table] = []
        self._waiting_bytes = 0
        self._writers: list[pa.ipc.RecordBatchStreamWriter] = []
        self._high, self._low = GrowingArray(np.uint64), GrowingArray(np.uint64)
        self._digest = GrowingArray(np.uint64)
        self.count = 0

    def add(self, table: pa.Table, keys: np.ndarray) -> list[bytes]:
        """Take the next n rows and their match keys, uint8 (n, 16); return their digests."""
        digests = rows.row_digests(reduce_table(table))
        high, low = key_words(keys)
        self._high.extend(high)
        self._low.extend(low)
        self._digest.extend(_first_words(digests))
        self.count += len(digests)
        key_column = pa.FixedSizeBinaryArray.from_buffers(
            pa.binary(16), len(keys), [None, pa.py_buffer(np.ascontiguousarray(keys).tobytes())]
        )
        wide = (
            table.replace_schema_metadata(None)
            .append_column(_DIGEST, pa.array(digests, pa.binary(32)))
            .append_column(_KEY, key_column)
            .cast(self._wide)
        )
        self._waiting.append(wide)
        self._waiting_bytes += wide.nbytes
        if self._writers or self.count > SPILL_ROWS or self._waiting_bytes > SPILL_BYTES:
            self._writers = self._writers or [self._writer(n) for n in range(_RANGES)]
            for part in self._waiting:
                self._spill(part)
            self._waiting, self._waiting_bytes = [], 0
        return digests

    def distinct(self) -> "DistinctRows":
        """Say, once and after all rows, which match keys there are and which row stays for each."""
        high, low, digest = self._high.take(), self._low.take(), self._digest.take()
        # One after the other, so that of each there is at most one more in memory.
        order = np.lexsort((digest, low, high))
        high = high[order]
        low = low[order]
        digest = digest[order]
        del order
        first = np.ones(len(high), dtype=bool)
        first[1:] = (high[1:] != high[:-1]) | (low[1:] != low[:-1])
        if not first.all():
            high, low, digest = high[first], low[first], digest[first]
        return DistinctRows(SortedKeys(high, low), digest)

    def write(self, path: Path, distinct: "DistinctRows", wanted: np.ndarray) -> StoredRows:
        """Write the rows that stay for the wanted keys, in canonical order.

        Args:
            path: the file to make.
            distinct: from `distinct`.
            wanted: bool (k,), which of its k keys.
        """
        writer = RowsWriter(path, self._schema)
        try:
            for part in self._ranges():
                self._write_range(part, writer, distinct, wanted)
            return writer.finish()
        except BaseException:
            writer.abandon()
            raise

    def close(self) -> None:
        """Remove all files."""
        for writer in self._writers:
            writer.close()
        for number in range(_RANGES):
            self._path(number).unlink(missing_ok=True)
        self._writers, self._waiting = [], []

    def __enter__(self) -> "RowSpool":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _path(self, number: int) -> Path:
        return self._folder / f"{number}.rows"

    def _writer(self, number: int) -> "pa.ipc.RecordBatchStreamWriter":
        options = pa.ipc.IpcWriteOptions(compression="zstd")
        return pa.ipc.new_stream(str(self._path(number)), self._wide, options=options)

    def _spill(self, wide: pa.Table) -> None:
        first_byte = wide.column(_DIGEST).combine_chunks()
        ranges = _first_words(first_byte.to_pylist()) >> np.uint64(58)
        order = np.argsort(ranges, kind="stable")
        ordered = wide.take(pa.array(order))
        bounds = np.searchsorted(ranges[order], np.arange(_RANGES + 1))
        for number, (start, end) in enumerate(pairwise(bounds)):
            if start < end:
                self._writers[number].write_table(ordered.slice(start, end - start))

    def _ranges(self) -> Iterator[pa.Table]:
        if not self._writers:
            yield pa.concat_tables([self._wide.empty_table(), *self._waiting])
            return
        for number, writer in enumerate(self._writers):
            writer.close()
            with pa.OSFile(str(self._path(number))) as file, pa.ipc.open_stream(file) as stream:
                part = stream.read_all()
            self._path(number).unlink()
            yield part

    def _write_range(
        self, part: pa.Table, writer: RowsWriter, distinct: "DistinctRows", wanted: np.ndarray
    ) -> None:
        digests = part.column(_DIGEST).to_pylist()
        order = rows.digest_order(digests) if digests else np.zeros(0, np.int64)
        keys = np.frombuffer(b"".join(part.column(_KEY).to_pylist()), np.uint8).reshape(-1, 16)
        keys = keys[order]
        ordered = [digests[position] for position in order]
        place = distinct.find(keys)
        stays = wanted[place] & (distinct.digest[place] == _first_words(ordered))
        # Of rows that are equal throughout, one.
        stays[1:] &= np.array(
            [a != b for a, b in zip(ordered[1:], ordered[:-1], strict=True)], bool
        )
        chosen = np.flatnonzero(stays)
        narrow = part.select(self._schema.names)
        for start in range(0, len(chosen), _STEP_ROWS):
            at = chosen[start : start + _STEP_ROWS]
            writer.add(narrow.take(pa.array(order[at])), [ordered[position] for position in at])


@dataclass(frozen=True)
class DistinctRows:
    """The distinct match keys of a contribution.

    Attributes:
        keys: k of them.
        digest: uint64 (k,), the first 64 bits of the smallest row digest with that key.
    """

    keys: SortedKeys
    digest: np.ndarray

    @property
    def count(self) -> int:
        """Number of distinct keys."""
        return len(self.keys)

    def find(self, keys: np.ndarray) -> np.ndarray:
        """Return each key's position, int64 (n,); uint8 (n, 16), all must be among them."""
        high, low = key_words(keys)
        return find_sorted(self.keys.high, self.keys.low, high, low)


def _first_words(digests: list[bytes]) -> np.ndarray:
    words = np.frombuffer(b"".join(digests), dtype=">u8").reshape(len(digests), 4)
    return words[:, 0].astype(np.uint64)
