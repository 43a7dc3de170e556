"""Texts that say the same: letter-and-digit skeletons, and exact set similarity of shingles."""

import hashlib
import unicodedata
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy import sparse

# Two skeletons are similar from this Jaccard index of their shingles on.
SIMILARITY = 0.7
SHINGLE_BYTES = 4
# Shorter skeletons have too few shingles to say more than whether they are equal.
SHORTEST_SKELETON = 16
_VOCABULARY_BITS = 24
# Skeletons shorter than this say too little: such texts are compared as they are.
_SHORTEST_CODE = 3

# Letters that look like a Latin one, after lower case (Cyrillic, Greek, Armenian, Cherokee, IPA).
_LOOK_ALIKE = str.maketrans(
    "аеорсухіјѕһԁԛԝьвкмнтгпиαοερνικυτχηωγβօսհցոզℓıɩɑɡ",
    "aeopcyxljshdqwbbkmhtrnuaoepvlkutxnwybouhgnqlllag",
)
# What is written for another: i, l and 1 are one character here, and so are o and 0.
_SAME = {"0": "o", "1": "l", "i": "l", "|": "l"}


def _byte_table() -> np.ndarray:
    table = np.zeros(256, dtype=np.uint8)
    for point in range(128):
        character = _SAME.get(chr(point), chr(point))
        table[point] = ord(character) if character.isalnum() else 0
    # Bytes of other alphabets: what is no letter was taken out before.
    table[128:] = np.arange(128, 256)
    return table


_BYTES = _byte_table()


def skeletons(values: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    """Reduce normalised texts to letters and digits, accents and look-alikes undone.

    Args:
        values: n strings as `normalised_text` makes them, none missing.

    Returns:
        The bytes of all skeletons, uint8 (total,), and where each begins, int64 (n + 1,).
    """
    texts = values.cast(pa.large_string())
    plain = pc.string_is_ascii(texts)
    if not pc.all(plain).as_py():
        folded = [
            text if is_plain else _folded(text)
            for text, is_plain in zip(texts.to_pylist(), plain.to_pylist(), strict=True)
        ]
        texts = pa.array(folded, pa.large_string())
    _, offsets, data = texts.buffers()
    starts = np.frombuffer(offsets, dtype=np.int64)[texts.offset : texts.offset + len(texts) + 1]
    content = np.frombuffer(data or b"", dtype=np.uint8)[starts[0] : starts[-1]]
    mapped = _BYTES[content]
    kept = mapped > 0
    before = np.zeros(len(kept) + 1, dtype=np.int64)
    np.cumsum(kept, out=before[1:])
    return mapped[kept], before[starts - starts[0]]


def _folded(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text).casefold().translate(_LOOK_ALIKE)
    return "".join(
        character
        for character in decomposed
        if character.isascii() or unicodedata.category(character)[0] in "LN"
    )


def skeleton_codes(values: pa.Array) -> np.ndarray:
    """Return a word per normalised text, uint64 (n,), equal for equal skeletons."""
    content, starts = skeletons(values)
    data = content.tobytes()
    whole = values.cast(pa.binary()).to_pylist()
    codes = [
        hashlib.blake2b(
            data[start:end] if end - start >= _SHORTEST_CODE else b"\0" + text, digest_size=8
        ).digest()
        for start, end, text in zip(starts[:-1].tolist(), starts[1:].tolist(), whole, strict=True)
    ]
    return np.frombuffer(b"".join(codes), dtype="<u8").astype(np.uint64)


def joined_texts(columns: Sequence[tuple[pa.Array, np.ndarray]]) -> pa.Array:
    """Join the text columns of n rows, each as values and positions, into one string a row."""
    parts = [values.take(pa.array(positions)) for values, positions in columns]
    return parts[0] if len(parts) == 1 else pc.binary_join_element_wise(*parts, " ")


class SimilarTexts:
    """Finds the test texts whose shingle sets have a Jaccard index of `SIMILARITY` or more.

    Exact, without sketches. A text can only be similar if that share of its own shingles occurs
    in the test set at all, and if one of its rarest few does in the very text (prefix filtering,
    Chaudhuri et al. 2006, Bayardo et al. 2007); few rows are left for the sparse product.
    """

    def __init__(self, texts: pa.Array) -> None:
        """Index m normalised test texts."""
        shingles, rows = _shingles(texts)
        self._vocabulary, columns, self._frequency = np.unique(
            shingles, return_inverse=True, return_counts=True
        )
        self._bitmap = np.zeros(1 << _VOCABULARY_BITS, dtype=bool)
        self._bitmap[_short(self._vocabulary)] = True
        # Columns by ascending frequency, so that a row's first ones are its rarest.
        rank = np.empty(len(self._vocabulary), dtype=np.int64)
        rank[np.argsort(self._frequency, kind="stable")] = np.arange(len(rank))
        self._rank = rank
        shape = (len(texts), len(self._vocabulary))
        ones = np.ones(len(rows), dtype=np.int32)
        self._matrix = sparse.csr_array((ones, (rows, rank[columns.reshape(-1)])), shape=shape)
        self._matrix.sort_indices()
        self._by_shingle = self._matrix.T.tocsr()
        self._sizes = np.diff(self._matrix.indptr)

    def pairs(self, texts: pa.Array) -> tuple[np.ndarray, np.ndarray]:
        """Return all similar pairs: rows of ``texts``, and test rows, int64 (k,) each."""
        shingles, rows = _shingles(texts)
        sizes = np.bincount(rows, minlength=len(texts))
        known = self._bitmap[_short(shingles)]
        share = np.bincount(rows[known], minlength=len(texts))
        promising = (share >= SIMILARITY * sizes) & (sizes > 0)
        kept = known & promising[rows]
        shingles, rows = shingles[kept], rows[kept]
        column = np.searchsorted(self._vocabulary, shingles)
        inside = column < len(self._vocabulary)
        inside[inside] = self._vocabulary[column[inside]] == shingles[inside]
        rows, column = rows[inside], self._rank[column[inside]]
        order = np.lexsort((column, rows))
        rows, column = rows[order], column[order]
        return self._verified(rows, column, sizes)

    def _verified(
        self, rows: np.ndarray, column: np.ndarray, sizes: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        count = np.bincount(rows, minlength=len(sizes))
        starts = np.concatenate([[0], np.cumsum(count)])
        # Of `count` known shingles at least SIMILARITY * sizes must be shared, so one of the
        # rarest count - that + 1 is.
        needed = np.ceil(SIMILARITY * sizes - 1e-9).astype(np.int64)
        prefix = np.arange(len(rows)) - starts[rows] <= (count - needed)[rows]
        shape = (len(sizes), len(self._vocabulary))
        whole = _incidence(rows, column, shape)
        found: list[tuple[np.ndarray, np.ndarray]] = []
        chosen = np.unique(rows)
        # In steps, so that a file full of common words can't make one huge product.
        for part in np.array_split(chosen, max(1, len(chosen) // 1024)):
            mine = prefix & np.isin(rows, part) if len(part) < len(chosen) else prefix
            product = _incidence(rows[mine], column[mine], shape) @ self._by_shingle
            left, right = product.nonzero()
            close = np.minimum(sizes[left], self._sizes[right]) >= SIMILARITY * np.maximum(
                sizes[left], self._sizes[right]
            )
            left, right = left[close], right[close]
            shared = np.asarray(whole[left].multiply(self._matrix[right]).sum(axis=1)).reshape(-1)
            union = sizes[left] + self._sizes[right] - shared
            similar = shared >= SIMILARITY * union - 1e-9
            found.append((left[similar].astype(np.int64), right[similar].astype(np.int64)))
        if not found:
            return np.zeros(0, np.int64), np.zeros(0, np.int64)
        return np.concatenate([a for a, _ in found]), np.concatenate([b for _, b in found])


def _incidence(
    rows: np.ndarray, column: np.ndarray, shape: tuple[int, int]
) -> "sparse.csr_array[np.int32]":
    ones = np.ones(len(rows), dtype=np.int32)
    return sparse.csr_array((ones, (rows, column)), shape=shape)


def _short(shingles: np.ndarray) -> np.ndarray:
    product = shingles.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    return product >> np.uint64(64 - _VOCABULARY_BITS)


def _shingles(texts: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    """Return the distinct shingles of each text: packed bytes, uint32 (k,), and rows, int64."""
    content, starts = skeletons(texts)
    if len(content) < SHINGLE_BYTES:
        return np.zeros(0, np.uint32), np.zeros(0, np.int64)
    lengths = np.diff(starts)
    window = len(content) - SHINGLE_BYTES + 1
    packed = np.zeros(window, dtype=np.uint32)
    for byte in range(SHINGLE_BYTES):
        packed |= content[byte : byte + window].astype(np.uint32) << np.uint32(8 * byte)
    row_of = np.repeat(np.arange(len(lengths)), lengths)
    ends = starts[1:][row_of]
    whole = np.arange(window) + SHINGLE_BYTES <= ends[:window]
    long = (lengths >= SHORTEST_SKELETON)[row_of[:window]]
    kept = np.flatnonzero(whole & long)
    joined = (row_of[kept].astype(np.uint64) << np.uint64(32)) | packed[kept]
    distinct = np.unique(joined)
    return (
        (distinct & np.uint64(0xFFFFFFFF)).astype(np.uint32),
        (distinct >> np.uint64(32)).astype(np.int64),
    )
