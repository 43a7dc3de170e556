"""A sample of distinct rows that does not depend on the order they come in: the smallest keys."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from hokusai_assets.contributions.sorted_keys import key_words
from hokusai_assets.privacy.tokens import is_text

# Rows kept, and their memory; of long rows fewer are kept.
SAMPLE_ROWS = 16_384
SAMPLE_BYTES = 64 * 2**20


class SmallestKeys:
    """Keeps the smallest of all keys seen, each once; what belongs to them the caller keeps."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._high, self._low = np.zeros(0, np.uint64), np.zeros(0, np.uint64)
        self._bound: tuple[np.uint64, np.uint64] | None = None

    def candidates(self, keys: np.ndarray) -> np.ndarray:
        """Return positions, int64 (k,) ascending, of rows that may enter; each key once.

        Args:
            keys: uint8 (n, 16).
        """
        high, low = key_words(keys)
        order = np.lexsort((low, high))
        order = order[_first_of_each(high[order], low[order])][: self._size]
        if len(self._high) == self._size:
            order = order[high[order] <= self._high[-1]]
        if self._bound is not None:
            most_high, most_low = self._bound
            low_enough = (high[order] == most_high) & (low[order] < most_low)
            order = order[(high[order] < most_high) | low_enough]
        return np.sort(order)

    def merge(self, keys: np.ndarray) -> np.ndarray:
        """Take in candidates' keys, uint8 (k, 16).

        Returns:
            Positions, int64 (m,) with m <= size, in what was kept so far followed by the
            candidates: what is kept now, in ascending order of key.
        """
        mine = key_words(keys)
        high, low = np.concatenate([self._high, mine[0]]), np.concatenate([self._low, mine[1]])
        order = np.lexsort((low, high))
        order = order[_first_of_each(high[order], low[order])][: self._size]
        self._high, self._low = high[order], low[order]
        return np.asarray(order)

    def cut(self, size: int) -> None:
        """Drop all but the ``size`` smallest keys, and take none beyond them from now on."""
        # A key that came before the first dropped one is still taken, so order decides nothing.
        if size < len(self._high):
            self._bound = (self._high[size], self._low[size])
        self._high, self._low = self._high[:size], self._low[:size]


class RowSample:
    """The rows with the smallest digests, as one table; `SAMPLE_ROWS` and `SAMPLE_BYTES` bound it.

    The bytes bound it by the longest beginning, in order of digest, that fits.
    """

    def __init__(self, schema: pa.Schema) -> None:
        self._keys = SmallestKeys(SAMPLE_ROWS)
        self.table = schema.remove_metadata().empty_table()

    def add(self, table: pa.Table, digests: list[bytes]) -> None:
        """Take the next n rows and their n digests (32 bytes, of which the first 16 count)."""
        if not digests:
            return
        keys = np.frombuffer(b"".join(digests), np.uint8).reshape(-1, 32)[:, :16]
        chosen = self._keys.candidates(keys)
        kept = self._keys.merge(keys[chosen])
        entering = table.replace_schema_metadata(None).take(pa.array(chosen))
        self.table = pa.concat_tables([self.table, entering]).take(pa.array(kept))
        fits = int(np.searchsorted(np.cumsum(_row_bytes(self.table)), SAMPLE_BYTES, side="right"))
        # One row at least, so that there is something to look at.
        self._keys.cut(max(1, fits))
        self.table = self.table.slice(0, max(1, fits)).combine_chunks()


def _row_bytes(table: pa.Table) -> np.ndarray:
    """Return about how much memory each row takes, int64 (n,), by its content alone."""
    total = np.full(table.num_rows, 8 * table.num_columns, dtype=np.int64)
    for column in table.columns:
        if is_text(column.type):
            total += pc.fill_null(pc.binary_length(column), 0).to_numpy().astype(np.int64)
    return total


def _first_of_each(high: np.ndarray, low: np.ndarray) -> np.ndarray:
    first = np.ones(len(high), dtype=bool)
    first[1:] = (high[1:] != high[:-1]) | (low[1:] != low[:-1])
    return first
