"""Folds whole text columns as `spans.fold` folds one text, most of it in Arrow."""

from __future__ import annotations

import sys
import unicodedata
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from hokusai_assets.privacy.spans import INVISIBLE, fold

Mask = npt.NDArray[np.bool_]

# What NFC composes: a letter and a mark, or the parts of a Hangul syllable.
_COMPOSES = r"[\p{M}\x{1100}-\x{11ff}]"


def mask(flags: pa.Array | pa.ChunkedArray) -> Mask:
    """Turn an Arrow boolean array into numpy, null as False."""
    filled = pc.fill_null(flags, False)
    if isinstance(filled, pa.Array):
        filled = pa.chunked_array([filled])
    result: Mask = filled.to_numpy().astype(np.bool_)
    return result


def folded(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return `fold` of every text of a column; nulls and the type stay."""
    return _folded(column, composed=True)


def folded_apart(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return the same with letters and marks apart (NFKD), in a fraction of the time.

    A pattern of literals matches it where, put in NFKD too, it matches the folded text.
    """
    return _folded(column, composed=False)


def _folded(column: pa.ChunkedArray, *, composed: bool) -> pa.ChunkedArray:
    wide = ~mask(pc.string_is_ascii(column)) & mask(pc.is_valid(column))
    if not wide.any():
        return column
    whole = column.combine_chunks()
    whole = whole.chunk(0) if isinstance(whole, pa.ChunkedArray) else whole
    texts = _fold_wide(whole.filter(pa.array(wide)), composed)
    return pa.chunked_array([pc.replace_with_mask(whole, pa.array(wide), texts)])


def _fold_wide(texts: pa.Array, composed: bool) -> pa.Array:
    # One by one where the order of steps matters, or where a run of marks makes them quadratic.
    hard = mask(pc.match_substring_regex(texts, r"\p{M}"))
    if hard.any():
        # A longer pattern, which takes its time to compile.
        hard = mask(pc.match_substring_regex(texts, r"\p{M}{8}"))
    easy = pc.if_else(pa.array(~hard), texts, pa.scalar("", texts.type))
    # Arrow 25 composes nothing, whatever form it is asked for, so it is asked for what it does.
    apart = pc.utf8_normalize(easy, form="NFKD")
    for pattern in (f"[{INVISIBLE}]", _foreign_digits(), *([_COMPOSES] if composed else [])):
        hard |= mask(pc.match_substring_regex(apart, pattern))
    apart = pc.replace_substring_regex(apart, r"[\p{Pd}\x{2212}]", "-")
    if not hard.any():
        return apart
    slow = [fold(text) for text in texts.filter(pa.array(hard)).to_pylist()]
    if not composed:
        slow = [unicodedata.normalize("NFKD", text) for text in slow]
    return pc.replace_with_mask(apart, pa.array(hard), pa.array(slow, texts.type))


@lru_cache(maxsize=1)
def _foreign_digits() -> str:
    """RE2 for a decimal digit that is not ASCII."""
    points = [p for p in range(0x80, sys.maxunicode + 1) if unicodedata.category(chr(p)) == "Nd"]
    return "[" + "".join(f"\\x{{{point:x}}}" for point in points) + "]"
