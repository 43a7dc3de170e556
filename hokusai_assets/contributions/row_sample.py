"""A sample of distinct rows that does not depend on the order they come in: the smallest keys."""

import numpy as np
import pyarrow as pa

from hokusai_assets.contributions.sorted_keys import key_words

# Rows kept, and their memory; of long rows fewer are kept.
SAMPLE_ROWS = 16_384
SAMPLE_BYTES = 64 * 2**20


class SmallestKeys:
    """Keeps the smallest of all keys seen, each once; what belongs to them the caller keeps."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._high, self._low = np.zeros(0, np.uint64), np.zeros(0, np.uint64)

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
        """Keep from now on no more than ``size`` keys, the smallest."""
        self._size = min(self._size, size)
        self._high, self._low = self._high[: self._size], self._low[: self._size]


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
        self.table = pa.concat_tables([self.table, entering]).take(pa.array(kept)).combine_chunks()
        if self.table.nbytes > SAMPLE_BYTES:
            self._cut()

    def _cut(self) -> None:
        low, high = 0, self.table.num_rows
        while low < high:
            middle = (low + high + 1) // 2
            fits = self.table.slice(0, middle).nbytes <= SAMPLE_BYTES
            low, high = (middle, high) if fits else (low, middle - 1)
        # One row at least, so that there is something to look at.
        size = max(1, low)
        self._keys.cut(size)
        self.table = self.table.slice(0, size)


def _first_of_each(high: np.ndarray, low: np.ndarray) -> np.ndarray:
    first = np.ones(len(high), dtype=bool)
    first[1:] = (high[1:] != high[:-1]) | (low[1:] != low[:-1])
    return first
