"""Finds personal data inside one text: folding, candidate spans, and what is left between them."""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from hokusai_assets.privacy.context import REACH
from hokusai_assets.privacy.recognition import VALUE, Recogniser, Span
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
_SIGN = re.compile("[0-9@]")


# Sorting the marks on one letter into canonical order takes quadratic time, so a longer run is
# cut short before; 30 is what Unicode's stream-safe format allows (UAX 15, section 13).
_MAX_MARKS = 30
_BASIC_PLANE = 0xFFFF


@dataclass(frozen=True)
class _Folding:
    """What folding changes.

    table: character -> its digit, a dash, or nothing. listed: the table's characters. long_run:
        too many combining marks in a row. Both as far as they are in the basic plane, since
        Python's `re` looks up only those at once; `long_run_anywhere` knows all marks.
    """

    table: dict[int, str | None]
    listed: re.Pattern[str]
    long_run: re.Pattern[str]
    long_run_anywhere: re.Pattern[str]


@lru_cache(maxsize=1)
def _folding() -> _Folding:
    table: dict[int, str | None] = {}
    marks: list[str] = []
    for point in range(0x80, sys.maxunicode + 1):
        character = chr(point)
        category = unicodedata.category(character)
        if category == "Nd":
            table[point] = str(unicodedata.decimal(character))
        elif category == "Pd" or point == 0x2212:  # Dashes, and the minus sign.
            table[point] = "-"
        elif category == "Cf":
            table[point] = None
        if unicodedata.combining(character):
            marks.append(character)
    for first, last in _INVISIBLE_RANGES:
        table.update(dict.fromkeys(range(first, last + 1)))
    listed = "".join(re.escape(chr(point)) for point in table if point <= _BASIC_PLANE)
    basic = "".join(mark for mark in marks if ord(mark) <= _BASIC_PLANE)
    return _Folding(table, re.compile(f"[{listed}]"), _long_run(basic), _long_run("".join(marks)))


def _long_run(marks: str) -> re.Pattern[str]:
    return re.compile(f"([{marks}]{{{_MAX_MARKS}}})[{marks}]+")


def fold(text: str) -> str:
    """Return the text as it is matched: NFKC, no invisible characters, ASCII digits and dashes.

    Of more than 30 combining marks in a row the rest is left out. Folding twice changes nothing
    more; ASCII text comes back as it is.
    """
    if text.isascii():
        return text
    folding = _folding()  # 0.2 s once, and only where text is not ASCII.
    basic = max(text) <= chr(_BASIC_PLANE)
    long_run = folding.long_run if basic else folding.long_run_anywhere
    if len(text) > _MAX_MARKS and long_run.search(text):
        text = long_run.sub(r"\1", text)
    normal = unicodedata.normalize("NFKC", text)
    if basic and not folding.listed.search(normal):
        return normal
    # Removing a character can bring two together that compose, or make a run: once more.
    return unicodedata.normalize("NFKC", long_run.sub(r"\1", normal.translate(folding.table)))


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

EVERY = -1  # As a set of recognisers, one bit each by position: all of them.
# A value taken out may leave its neighbour standing apart, so texts are searched again; only
# a hostile one needs this many rounds, and what it still reveals then is hashed as it stands.
_MAX_ROUNDS = 8
# Texts in work at a time: with many more, Python's collector costs as much as the search.
_CELLS_TOGETHER = 1024


@dataclass(frozen=True, kw_only=True, repr=False)
class BatchRecogniser(Recogniser):
    """An entity found by a function over many folded texts at once.

    spans_of: per text the spans found, in order and without overlap; `pattern` and `validator`
        are not used. An empty `trigger` means that every text is handed over.
    decides_columns: whether most cells of a column being this entity makes all of them it.
    """

    spans_of: Callable[[Sequence[str]], Sequence[Sequence[Span]]]
    decides_columns: bool = True
    has_sign: bool = False
    may_begin_with_word: bool = True


class _Stretch:
    """The text between two tokens: as it stands, and as pieces once something is found in it."""

    __slots__ = ("alone", "cell", "pending", "pieces", "previous", "raw", "relevant")

    def __init__(
        self, raw: str, relevant: int, alone: bool, previous: _Stretch | None = None
    ) -> None:
        self.raw = raw
        self.previous = previous
        # A number for all of one cell, not a reference: a circle is freed by collection only.
        self.cell: int = id(self) if previous is None else previous.cell
        self.relevant = relevant if len(raw) >= _MIN_LENGTH else 0
        # Those of `relevant` that have yet to see the stretch as it is now.
        self.pending = self.relevant
        self.alone = alone
        self.pieces: Pieces = [raw]
        if self.relevant and not raw.isascii():
            self._fold()

    def _fold(self) -> None:
        text = fold(self.raw)
        if text is self.raw:
            return
        self.pieces = []
        position = 0
        # Folding can only reveal a token that was disguised, which no token of ours is.
        for match in _TOKEN.finditer(text):
            self.pieces += [text[position : match.start()], Finding(match[1], match[0])]
            position = match.end()
        self.pieces.append(text[position:])

    def before(self, position: int) -> str:
        """Return the end of the text before a piece, VALUE for each value and token in it."""
        parts: list[str] = []
        size = 0
        stretch: _Stretch | None = self
        while stretch is not None and size <= REACH:
            for piece in reversed(stretch.pieces[:position]):
                parts.append(piece if isinstance(piece, str) else VALUE)
                size += len(parts[-1])
                if size > REACH:
                    break
            stretch = stretch.previous
            if stretch is not None:
                parts.append(VALUE)
                size += 1
                position = len(stretch.pieces)
        return "".join(reversed(parts))[-REACH - 1 :]

    def result(self) -> Pieces:
        return [self.raw] if len(self.pieces) == 1 and self.pieces[0] else self.pieces


def dissect(
    cell: str, recognisers: Sequence[Recogniser], is_own_token: Callable[[str], bool]
) -> Pieces | None:
    """Split a text into what stays and what is personal data; None if there is none.

    Own tokens stay. Other text that looks like a token is a finding of the entity it names. A
    stretch with a finding is folded, every other one keeps its characters. What stays holds no
    further finding, so replacing and dissecting again gives None.
    """
    return next(dissect_all([cell], recognisers, is_own_token))


def dissect_all(
    cells: Sequence[str],
    recognisers: Sequence[Recogniser],
    is_own_token: Callable[[str], bool],
    relevant: Sequence[int] | None = None,
) -> Iterator[Pieces | None]:
    """Dissect many texts, each as `dissect` does, so that a batch recogniser sees some together.

    `relevant`: per text the recognisers to try, as bits by position; the others find nothing.
    """
    masks = [EVERY] * len(cells) if relevant is None else relevant
    for start in range(0, len(cells), _CELLS_TOGETHER):
        part = slice(start, start + _CELLS_TOGETHER)
        pairs = zip(cells[part], masks[part], strict=True)
        texts = [_at_tokens(cell, mask, is_own_token) for cell, mask in pairs]
        stretches = [piece for text in texts for piece in text if isinstance(piece, _Stretch)]
        _search([stretch for stretch in stretches if stretch.relevant], recognisers)
        yield from map(_joined, texts)


def _at_tokens(
    cell: str, relevant: int, is_own_token: Callable[[str], bool]
) -> list[str | Finding | _Stretch]:
    if "<" not in cell:
        return [_Stretch(cell, relevant, alone=True)]
    parts: list[str | Finding | _Stretch] = []
    position = 0
    stretch: _Stretch | None = None
    for match in _TOKEN.finditer(cell):
        stretch = _Stretch(cell[position : match.start()], relevant, False, stretch)
        token = match[0] if is_own_token(match[0]) else Finding(match[1], match[0])
        parts += [stretch, token]
        position = match.end()
    parts.append(_Stretch(cell[position:], relevant, stretch is None, stretch))
    return parts


def _joined(parts: list[str | Finding | _Stretch]) -> Pieces | None:
    first = parts[0]
    if len(parts) == 1 and isinstance(first, _Stretch):
        # By far the commonest: a cell without a token.
        cut = len(first.pieces) > 1 or isinstance(first.pieces[0], Finding)
        return first.pieces if cut else None
    pieces: Pieces = []
    for part in parts:
        pieces.extend(part.result() if isinstance(part, _Stretch) else (part,))
    return pieces if any(isinstance(piece, Finding) for piece in pieces) else None


def _search(stretches: list[_Stretch], recognisers: Sequence[Recogniser]) -> None:
    # Those who find values without a sign too.
    signless = sum(1 << bit for bit, row in enumerate(recognisers) if not row.has_sign)
    for count in range(1, _MAX_ROUNDS + 1):
        sizes = [len(stretch.pieces) for stretch in stretches]
        last = count == _MAX_ROUNDS
        for position, recogniser in enumerate(recognisers):
            bit = 1 << position
            concerned = [stretch for stretch in stretches if stretch.pending & bit]
            for stretch in concerned:
                stretch.pending &= ~bit
            if isinstance(recogniser, BatchRecogniser):
                cut = _cut_together(concerned, recogniser, last)
            else:
                cut = [row for row in concerned if _cut_each(row, recogniser, last)]
            for stretch in cut:
                if not _has_sign(stretch.pieces):
                    stretch.relevant &= signless
                stretch.pending = stretch.relevant
        # What was found in one stretch may bring its words nearer to the cell's others.
        grown = {
            stretch.cell
            for stretch, size in zip(stretches, sizes, strict=True)
            if len(stretch.pieces) > size
        }
        stretches = [row for row in stretches if row.relevant and row.cell in grown]
        for stretch in stretches:
            if not stretch.alone:
                stretch.pending = stretch.relevant
        if not stretches:
            return


def _has_sign(pieces: Pieces) -> bool:
    return any(isinstance(piece, str) and _SIGN.search(piece) for piece in pieces)


def _cut_each(stretch: _Stretch, recogniser: Recogniser, last: bool) -> bool:
    """Cut one entity's values out of a stretch; tell whether there were any."""
    pieces = stretch.pieces
    if len(pieces) == 1 and isinstance(pieces[0], str) and stretch.previous is None:
        # By far the commonest: the text as it came.
        spans = _valid_spans(pieces[0], recogniser, stretch.alone)
        if spans:
            stretch.pieces = _cut(pieces[0], spans, recogniser, last)
        return bool(spans)
    size = len(pieces)
    for position in reversed(range(size)):
        piece = pieces[position]
        if isinstance(piece, Finding) or len(piece) < _MIN_LENGTH:
            continue
        if recogniser.has_sign and not _SIGN.search(piece):
            continue
        before = stretch.before(position) if recogniser.reads_context else ""
        found = _valid_spans(piece, recogniser, False, before)
        if found:
            pieces[position : position + 1] = _cut(piece, found, recogniser, last)
    return len(pieces) > size


def _cut_together(
    stretches: list[_Stretch], recogniser: BatchRecogniser, last: bool
) -> list[_Stretch]:
    """Do the same to many stretches; return those that held any."""
    texts = dict.fromkeys(
        piece
        for stretch in stretches
        for piece in stretch.pieces
        if isinstance(piece, str) and len(piece) >= _MIN_LENGTH and not piece.isspace()
    )
    found = dict(zip(texts, recogniser.spans_of(list(texts)), strict=True))
    cut: list[_Stretch] = []
    for stretch in stretches:
        pieces: Pieces = []
        for piece in stretch.pieces:
            spans = found.get(piece) if isinstance(piece, str) else None
            pieces += _cut(str(piece), spans, recogniser, last) if spans else [piece]
        if len(pieces) > len(stretch.pieces):
            cut.append(stretch)
        stretch.pieces = pieces
    return cut


def _valid_spans(text: str, recogniser: Recogniser, alone: bool, before: str = "") -> list[Span]:
    """Return every valid value of one entity in a folded text, from the left."""
    spans: list[Span] = []
    search, validator = recogniser.compiled.search, recogniser.validator
    passes_over = recogniser.passes_over
    match = search(text)
    if match is None:
        return spans
    if before:
        return _valid_spans_after(before, text, recogniser)
    # Stripped once: at every candidate, a long text would take quadratic time.
    # A minus before a number makes it no less a number.
    whole = text.strip().removeprefix("-") if alone else None
    while match is not None:
        start, end = match.span()
        position = start if passes_over is None else passes_over(text, start)
        if position == start:
            span = validator(text, start, end, whole is not None and match[0] == whole)
            if span is not None:
                spans.append(span)
            position = start + 1 if span is None else span[1]
        match = search(text, position) if len(text) - position >= _MIN_LENGTH else None
    return spans


def _valid_spans_after(before: str, text: str, recogniser: Recogniser) -> list[Span]:
    """Do the same for a text that stands after another one."""
    whole, begin = before + text, len(before)
    spans: list[Span] = []
    position = begin
    passes_over = recogniser.passes_over
    while match := recogniser.compiled.search(whole, position):
        start = match.start()
        position = start if passes_over is None else passes_over(whole, start)
        if position > start:
            continue
        span = recogniser.validator(whole, *match.span(), False)
        if span is not None:
            spans.append((span[0] - begin, span[1] - begin))
        position = start + 1 if span is None else span[1]
    return spans


def _cut(text: str, spans: Sequence[Span], recogniser: Recogniser, last: bool) -> Pieces:
    if last:
        return [Finding(recogniser.entity, " ".join(text.split()).casefold())]
    pieces: Pieces = []
    done = 0
    for start, end in spans:
        pieces += [
            text[done:start],
            Finding(recogniser.entity, recogniser.canonicalise(text[start:end])),
        ]
        done = end
    pieces.append(text[done:])
    return pieces
