"""What a recogniser is: how one entity is found, checked, spelled canonically and named."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

Span = tuple[int, int]
# Stands for a value that was taken out of a text: U+FFFC, the object replacement character.
VALUE = "\ufffc"
Phrases = frozenset[tuple[str, ...]]


@dataclass(frozen=True, kw_only=True, repr=False)
class Recogniser:
    """One entity.

    Attributes:
        entity: 2 to 16 capital letters, the name in the token.
        pattern: finds candidates in folded text (Python `re`); repetition in it is bounded, so
            that none backtracks beyond a constant per start position.
        validator: (text, start, end, alone) -> the valid span within the candidate, or None.
            `alone`: the cell holds this candidate and nothing else.
        canonicalise: folded text -> one spelling per value; text that is no valid value of the
            entity comes back lower-cased with single spaces. Never raises.
        trigger: RE2 over folded text, where ASCII digits are all digits; every text in which the
            entity is found matches it. Empty: it is found by header and policy only.
        header_words: word sequences, lower case, that name the entity in a column header.
        header_names: word sequences that name it only where they are the whole header.
        header_evidence: RE2 that at least one value must match before the header is believed.
        has_sign: whether each of its values holds a digit or an @, so that a text without either
            need not be looked at.
        reads_context: whether its validator looks at the words before a candidate. Then it sees
            those before a value that was taken out, too, with VALUE in its place.
        passes_over: (text, start of a candidate) -> where the next one worth a look may begin, so
            that a long list is not tried from each of its parts on; `start` itself for most.
        may_begin_with_word: whether a value may begin with a word of letters and a blank.
    """

    entity: str
    pattern: str
    validator: Callable[[str, int, int, bool], Span | None]
    canonicalise: Callable[[str], str]
    trigger: str
    header_words: Phrases = frozenset()
    header_names: Phrases = frozenset()
    header_evidence: str = r"\S"
    has_sign: bool = True
    reads_context: bool = False
    passes_over: Callable[[str, int], int] | None = None
    may_begin_with_word: bool = False

    def __repr__(self) -> str:
        """Name the entity."""
        return f"{type(self).__name__}({self.entity!r})"

    @cached_property
    def compiled(self) -> re.Pattern[str]:
        """The pattern for Python's `re`."""
        return re.compile(self.pattern)


def phrases(*headers: str) -> Phrases:
    """Split each phrase into its words."""
    return frozenset(tuple(header.split()) for header in headers)


def digits(count: int) -> str:
    """RE2 for `count` digits of any script, at most 4 other characters apart."""
    return rf"(?:\p{{Nd}}\P{{Nd}}{{0,4}}){{{count - 1}}}\p{{Nd}}"


def plain_text(text: str) -> str:
    """Lower case, single spaces, none at the ends: the spelling of a value that is not valid."""
    return " ".join(text.split()).casefold()


# A letter, digit or underscore. Scripts that are written without spaces (Thai, Lao, Khmer, CJK,
# Hangul with its particles) end no word by standing beside a number.
WORD = r"[^\W\u0e00-\u0eff\u1780-\u17ff\u2e80-\u9fff\uac00-\ud7ff\uf900-\ufaff]"
# RE2 for a place where none of them ends, in text whose letters and marks may be apart.
NO_WORD = (
    r"(?:^|[^\pL]|[\x{0e00}-\x{0eff}\x{1100}-\x{11ff}\x{1780}-\x{17ff}\x{2e80}-\x{9fff}"
    r"\x{ac00}-\x{d7ff}\x{f900}-\x{faff}])"
)
_GLUED_LEFT = re.compile(rf"(?:{WORD}|\+)$|[0-9]\.$")
_GLUED_RIGHT = re.compile(rf"{WORD}|\.[0-9]")
_JOINED_LEFT = re.compile(r"(\w*)[,/-]$")
_JOINED_RIGHT = re.compile(r"[,-]([0-9]+)")
# A number so long is no part of the one beside it: they are a list.
_OF_A_LIST = 7


def open_left(text: str, start: int) -> bool:
    """Tell whether no longer word, number or code ends at `start` and runs on."""
    before = text[max(0, start - 16) : start]
    if not before or before[-1] == " ":
        return True
    if _GLUED_LEFT.search(before):
        return False
    # A short number joined by a comma, dash or slash: decimals, dates, codes. A long one: a list.
    joined = _JOINED_LEFT.search(before)
    if joined is None or not re.search("[0-9]", joined[1]):
        return True
    return joined[1].isdecimal() and len(joined[1]) >= _OF_A_LIST


def open_right(text: str, end: int) -> bool:
    """Tell whether no longer word, number or code begins at `end`."""
    after = text[end : end + 16]
    if not after or after[0] == " ":
        return True
    if _GLUED_RIGHT.match(after):
        return False
    joined = _JOINED_RIGHT.match(after)
    return joined is None or len(joined[1]) >= _OF_A_LIST


def stands_apart(text: str, start: int, end: int) -> bool:
    """Tell whether text[start:end] is no part of a longer word, number or code."""
    return open_left(text, start) and open_right(text, end)
