"""The words around a number that say what it is: the nearest one before it decides."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

REACH = 40
_STEM_START = 3
# In scripts without spaces, where words can't be told apart.
_NEAR_CHARACTERS = 8
# What may stand between a word and its number.
_BETWEEN = frozenset(
    {
        "number", "numbers", "no", "nos", "num", "nr", "nummer", "numer", "numéro", "número",
        "numero", "номер", "code", "n", "o", "is", "was", "are", "be", "ist", "lautet", "est", "es",
        "è", "er", "är", "jest", "of", "the", "a", "an", "to", "at", "de",
        "di", "du", "del", "von", "over", "about", "approx", "ca", "circa", "reads", "equals", "x",
        "new", "old", "your", "our", "my", "his", "her", "this", "that",
    }
)  # fmt: skip

# Words of letters, and signs that name a number's kind by themselves.
_LETTERS = re.compile(r"^[^\W\d_]+")
_WORD = re.compile("[^\\W\\d_]+|[#№$€£¥%°☎✆☏\U0001f4de\U0001f4f1]")
# Scripts that write words without a space between them, or whose vowels are no letters to `\w`.
_UNSPACED = re.compile("[\u0590-\u1cff\u2e80-\u9fff\uac00-\ud7ff]")


def words_before(text: str, start: int, reach: int = REACH) -> str:
    """Return up to `reach` case-folded characters before `start`, beginning with a whole word."""
    first = max(0, start - reach)
    before = text[first:start]
    if first and text[first - 1].isalpha():
        # The end of a longer word is not taken for a word.
        before = _LETTERS.sub("", before, count=1)
    return before.casefold()


@dataclass(frozen=True)
class Vocabulary:
    """Words by what they say of a number that follows.

    words: meaning -> words in lower case. One that ends in `*` stands for all that begin so; in
        scripts without spaces a word counts wherever it stands.
    near: meanings that a word has only right before the number, or with words such as "number",
        "no", "is" and "of" between: "order no. 123" is an order's, "ordered shoes, 123" is not.
    """

    words: Mapping[str, Iterable[str]]
    near: frozenset[str] = frozenset()

    @cached_property
    def _whole(self) -> dict[str, str]:
        return {
            word: meaning
            for meaning, words in self.words.items()
            for word in words
            if not word.endswith("*") and not _UNSPACED.search(word)
        }

    @cached_property
    def _stems(self) -> dict[str, list[tuple[str, str]]]:
        """Stems and their meanings by their first three letters, the longer ones first."""
        stems = [
            (word[:-1], meaning)
            for meaning, words in self.words.items()
            for word in words
            if word.endswith("*")
        ]
        by_start: dict[str, list[tuple[str, str]]] = {}
        for stem, meaning in sorted(stems, key=lambda row: -len(row[0])):
            by_start.setdefault(stem[:_STEM_START], []).append((stem, meaning))
        return by_start

    @cached_property
    def _unspaced(self) -> re.Pattern[str]:
        known = [word for words in self.words.values() for word in words if _UNSPACED.search(word)]
        # The longest first, so that no part of a word speaks for it.
        return re.compile("|".join(sorted(map(re.escape, known), key=len, reverse=True)) or "(?!)")

    @cached_property
    def _unspaced_meaning(self) -> dict[str, str]:
        return {word: meaning for meaning, words in self.words.items() for word in words}

    def nearest(self, text: str, start: int) -> str | None:
        """Return what the last known word within 40 characters before `start` says, or None."""
        before = words_before(text, start)
        if not before.isascii() and _UNSPACED.search(before):
            return self._nearest_of_all(before)
        far = False
        for part in reversed(before.split()):
            for word in (part,) if part.isalpha() else reversed(_WORD.findall(part)):
                if (meaning := self._meaning(word)) is not None:
                    return None if far and meaning in self.near else meaning
                far = far or word not in _BETWEEN
        return None

    def _nearest_of_all(self, before: str) -> str | None:
        end, meaning = -1, None
        for match in reversed(list(_WORD.finditer(before))):
            found = self._meaning(match[0])
            if found is not None:
                end, meaning = match.end(), found
                break
        for match in self._unspaced.finditer(before):
            if match.end() > end:
                end, meaning = match.end(), self._unspaced_meaning[match[0]]
        far = len(before) - end > _NEAR_CHARACTERS
        return None if far and meaning in self.near else meaning

    def _meaning(self, word: str) -> str | None:
        found = self._whole.get(word)
        if found is not None:
            return found
        for stem, meaning in self._stems.get(word[:_STEM_START], ()):
            if word.startswith(stem):
                return meaning
        return None
