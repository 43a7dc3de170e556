"""Skeletons of texts: their letters and digits alone, accents and look-alike letters undone."""

import hashlib
import unicodedata
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

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


@dataclass(frozen=True)
class Skeletons:
    """The skeletons of n texts.

    Attributes:
        content: the bytes of all of them, uint8 (total,).
        starts: where each begins, int64 (n + 1,).
    """

    content: np.ndarray
    starts: np.ndarray

    @property
    def count(self) -> int:
        """Number of texts."""
        return len(self.starts) - 1


@dataclass(frozen=True)
class NormalisedTexts:
    """Texts as `match_keys.normalised_text` makes them, none missing; codes are kept."""

    values: pa.Array

    @cached_property
    def skeleton_codes(self) -> np.ndarray:
        """A word per text, uint64 (n,), equal for equal skeletons."""
        skeletons = skeletons_of(self.values)
        data, starts = skeletons.content.tobytes(), skeletons.starts.tolist()
        whole = self.values.cast(pa.binary()).to_pylist()
        codes = [
            hashlib.blake2b(
                data[start:end] if end - start >= _SHORTEST_CODE else b"\0" + text, digest_size=8
            ).digest()
            for start, end, text in zip(starts[:-1], starts[1:], whole, strict=True)
        ]
        return np.frombuffer(b"".join(codes), dtype="<u8").astype(np.uint64)


def skeletons_of(values: pa.Array) -> Skeletons:
    """Reduce n normalised texts, none missing, to letters and digits."""
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
    return Skeletons(mapped[kept], before[starts - starts[0]])


def _folded(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text).casefold().translate(_LOOK_ALIKE)
    return "".join(
        character
        for character in decomposed
        if character.isascii() or unicodedata.category(character)[0] in "LN"
    )
