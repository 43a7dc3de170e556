"""An array that grows batch by batch and gives its memory back as it is taken out."""

import numpy as np

# Of more than 32 MiB, the most that glibc's malloc keeps for itself: what is freed below that
# stays with the process, in holes between what is still in use (mallopt(3), M_MMAP_THRESHOLD).
_BLOCK_BYTES = 33 * 2**20


class GrowingArray:
    """Takes items at its end, and gives them all at once."""

    def __init__(self, kind: type[np.generic]) -> None:
        """Begin without items of a NumPy scalar type."""
        self._kind = np.dtype(kind)
        self._blocks: list[np.ndarray] = []
        self._filled = 0
        self._count = 0

    def __len__(self) -> int:
        """Return the number of items."""
        return self._count

    def extend(self, items: np.ndarray) -> None:
        """Take the next items, (n,) of the type or one that fits it."""
        self._count += len(items)
        while len(items):
            if not self._blocks or self._filled == len(self._blocks[-1]):
                # Memory that is not written to takes none.
                self._blocks.append(np.empty(_BLOCK_BYTES // self._kind.itemsize, self._kind))
                self._filled = 0
            part = items[: len(self._blocks[-1]) - self._filled]
            self._blocks[-1][self._filled : self._filled + len(part)] = part
            self._filled += len(part)
            items = items[len(part) :]

    def take(self) -> np.ndarray:
        """Return all items, (n,), and hold none; in between there is one block in memory twice."""
        whole = np.empty(self._count, self._kind)
        start = 0
        self._blocks.reverse()
        while self._blocks:
            block = self._blocks.pop()
            part = block if self._blocks else block[: self._filled]
            whole[start : start + len(part)] = part
            start += len(part)
        self._filled = self._count = 0
        return whole
