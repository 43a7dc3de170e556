"""Finds personal data inside one text: folding, candidate spans, and what is left between them."""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hokusai_assets.privacy.recognisers import Recogniser
from hokusai_assets.privacy.tokens import TOKEN_PATTERN

# Characters that show nothing and so can hide a value: Cf, and the default-ignorable rest
# (Unicode DerivedCoreProperties): joiner, Hangul fillers, Khmer vowels, variation selectors.
INVISIBLE = r"\p{Cf}\x{34F}\x{115F}\x{1160}\x{17B4}\x{17B5}\x{180B}-\x{180D}\x{3164}\x{FFA0}" + (
    r"\x{FE00}-\x{FE0F}\x{E0100}-\x{E01EF}"
)
_INVISIBLE_RANGES = (
    (0x34F, 0x34F), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180D), (0x3164, 0x3164),
    (0xFE00, 0xFE0F), (0xFFA0, 0xFFA0), (0xE0100, 0xE01EF),
)  # fmt: skip

_TOKEN = re.compile(TOKEN_PATTERN)
# The shortest value any recogniser takes, `1::`.
_MIN_LENGTH = 3


def _folding() -> dict[int, str | None]:
    table: dict[int, str | None] = {}
    for point in range(0x80, sys.maxunicode + 1):
        category = unicodedata.category(chr(point))
        if category == "Nd":
            table[point] = str(unicodedata.decimal(chr(point)))
        elif category == "Pd" or point == 0x2212:  # Dashes, and the minus sign.
            table[point] = "-"
        elif category == "Cf":
            table[point] = None
    for first, last in _INVISIBLE_RANGES:
        table.update(dict.fromkeys(range(first, last + 1)))
    return table


_FOLDING: dict[int, str | None] = {}


def fold(text: str) -> str:
    """Return the text as it is matched: NFKC, no invisible characters, ASCII digits and dashes.

    Folding twice changes nothing more; ASCII text comes back as it is.
    """
    if text.isascii():
        return text
    if not _FOLDING:
        _FOLDING.update(_folding())  # 0.2 s once, and only where text is not ASCII.
    # Removing a character can bring two together that compose: normalise again.
    normal = unicodedata.normalize("NFKC", text).translate(_FOLDING)
    return unicodedata.normalize("NFKC", normal)


@dataclass(frozen=True)
class Finding:
    """One value found in a text: its entity and canonical spelling (never shown)."""

    entity: str
    canonical: str

    def __repr__(self) -> str:
        """Name the entity only."""
        return f"Finding({self.entity!r})"


# A text in order: what stays (str) and what is replaced (Finding).
Pieces = list["str | Finding"]


def dissect(
    cell: str, recognisers: Sequence[Recogniser], is_own_token: Callable[[str], bool]
) -> Pieces | None:
    """Split a text into what stays and what is personal data; None if there is none.

    Own tokens stay. Other text that looks like a token is a finding of the entity it names. A
    stretch with a finding is folded, every other one keeps its characters. What stays holds no
    further finding, so replacing and dissecting again gives None.
    """
    pieces: Pieces = []
    position = 0
    for match in _TOKEN.finditer(cell):
        _add_stretch(pieces, cell[position : match.start()], recognisers, alone=False)
        if is_own_token(match[0]):
            pieces.append(match[0])
        else:
            pieces.append(Finding(match[1], match[0]))
        position = match.end()
    _add_stretch(pieces, cell[position:], recognisers, alone=position == 0)
    found = any(isinstance(piece, Finding) for piece in pieces)
    return pieces if found else None


def _add_stretch(
    pieces: Pieces, stretch: str, recognisers: Sequence[Recogniser], *, alone: bool
) -> None:
    if len(stretch) < _MIN_LENGTH:
        pieces.append(stretch)
        return
    split = _split(fold(stretch), recognisers, alone)
    pieces.extend([stretch] if len(split) == 1 and isinstance(split[0], str) else split)


def _split(text: str, recognisers: Sequence[Recogniser], alone: bool) -> Pieces:
    # Folding can only reveal a token that was disguised, which no token of ours is.
    pieces: Pieces = []
    position = 0
    for match in () if text.isascii() and alone else _TOKEN.finditer(text):
        pieces += [text[position : match.start()], Finding(match[1], match[0])]
        position = match.end()
    pieces.append(text[position:])
    # A value that is taken out can leave its neighbour standing apart: until nothing is found.
    while True:
        count = len(pieces)
        for recogniser in recognisers:
            pieces = [
                part
                for piece in pieces
                for part in (
                    _cut(piece, recogniser, alone and len(pieces) == 1)
                    if isinstance(piece, str)
                    else (piece,)
                )
            ]
        if len(pieces) == count:
            return pieces


def _cut(text: str, recogniser: Recogniser, alone: bool) -> Pieces:
    """Split a folded text at every valid value of one entity, from the left."""
    pieces: Pieces = []
    done = position = 0
    while len(text) - position >= _MIN_LENGTH:
        match = recogniser.compiled.search(text, position)
        if match is None:
            break
        start, end = match.span()
        only = alone and text.strip() == match[0]
        span = recogniser.validator(text, start, end, only)
        if span is None:
            position = start + 1
            continue
        value = Finding(recogniser.entity, recogniser.canonicalise(text[slice(*span)]))
        pieces += [text[done : span[0]], value]
        done = position = span[1]
    pieces.append(text[done:])
    return pieces
