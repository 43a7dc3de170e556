"""Scans whole text columns for the cells worth a closer look, in a few RE2 passes."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from hokusai_assets.privacy import tokens
from hokusai_assets.privacy.array_folding import Mask, folded, folded_apart, mask
from hokusai_assets.privacy.recognition import Recogniser
from hokusai_assets.privacy.spans import BatchRecogniser

# A whole cell that is one plain number or one time stamp holds nothing a recogniser would take;
# columns of them pass the trigger, and this spares them the slow path. Cards have 12 digits.
_PLAIN_CELL = (
    r"^(?:[+-]?[1-9][0-9]{0,10}|[+-]?[0-9]+\.[0-9]+(?:[eE][+-]?[0-9]+)?"
    r"|[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[ T][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?)?"
    r"(?:Z|[+-][0-9]{2}:?[0-9]{2})?)$"
)
_TOKEN_START = "<[A-Z]+:k[a-z]+:"
# Entities whose trigger matches only where that of another one does.
_IMPLIES = {"CARD": "PHONE", "SSN": "PHONE"}
# Which triggers RE2 runs as one. Patterns that count the same characters from many starts make its
# automaton outgrow its 8 MB, and it falls back to a search a hundred times slower; these don't.
_GROUP_OF = {
    entity: group[0]
    for group in (
        ("EMAIL", "USERINFO", "PHONE"),
        ("IP", "ETHEREUM", "IBAN"),
        ("PASSPORT", "LICENCE", "DOB"),
    )
    for entity in group
}


@dataclass(frozen=True)
class Hits:
    """The cells of one column that may hold personal data.

    rows: which rows, by position. cells: the distinct texts among them, encoded, one entry per
    row in `rows`. relevant: per distinct text the recognisers to try, as bits by position.
    """

    rows: npt.NDArray[np.int64]
    cells: pa.DictionaryArray
    relevant: list[int]

    @property
    def texts(self) -> list[str]:
        """The distinct texts."""
        return list(self.cells.dictionary.to_pylist())

    @property
    def counts(self) -> npt.NDArray[np.int64]:
        """How many rows hold each distinct text."""
        return np.bincount(self.cells.indices.to_numpy(), minlength=len(self.cells.dictionary))


@dataclass(frozen=True, eq=False)
class Triggers:
    """The recognisers' triggers, prepared for columns."""

    recognisers: tuple[Recogniser, ...]

    def hits(self, column: pa.ChunkedArray) -> Hits:
        """Find the cells of a text column (any string layout, no dictionary) worth a look.

        A cell's trigger is matched on the folded text, so a character in disguise is seen too.
        """
        rows = np.flatnonzero(self._marked(column))
        taken = column.take(pa.array(rows))
        cells = encoded(taken)
        return Hits(rows, cells, self._relevant(cells.dictionary))

    @cached_property
    def _patterns(self) -> tuple[str, ...]:
        # On folded text, ASCII digits are all digits there are.
        return tuple(
            _pattern(row).replace(r"\p{Nd}", "[0-9]").replace(r"\P{Nd}", "[^0-9]")
            for row in self.recognisers
        )

    @cached_property
    def _signed(self) -> tuple[str, ...]:
        """Patterns for texts with a digit, an @ or a <, as few as RE2 runs at full speed.

        Of literals beyond ASCII, for texts whose letters and marks are apart.
        """
        groups: dict[str, list[str]] = {"EMAIL": [_TOKEN_START]}
        entities = {row.entity for row in self.recognisers}
        implied = {entity for entity, other in _IMPLIES.items() if other in entities}
        for row, pattern in zip(self.recognisers, self._patterns, strict=True):
            if pattern and row.has_sign and row.entity not in implied:
                name = _GROUP_OF.get(row.entity, row.entity)
                groups.setdefault(name, []).append(pattern)
        joined = ("|".join(dict.fromkeys(patterns)) for patterns in groups.values())
        return tuple(unicodedata.normalize("NFKD", pattern) for pattern in joined)

    @cached_property
    def _signless(self) -> tuple[str, ...]:
        """Patterns for every text, each alone, since what they hold is not known."""
        pairs = zip(self.recognisers, self._patterns, strict=True)
        return tuple(pattern for row, pattern in pairs if pattern and not row.has_sign)

    def _marked(self, column: pa.ChunkedArray) -> Mask:
        marked = np.zeros(len(column), dtype=np.bool_)
        # What is not ASCII may be such a sign in disguise.
        rows = np.flatnonzero(mask(pc.match_substring_regex(column, r"[0-9@<]|[^\x00-\x7f]")))
        if len(rows):
            texts = folded_apart(column.take(pa.array(rows)))
            plain = mask(pc.match_substring_regex(texts, _PLAIN_CELL))
            rows, texts = rows[~plain], texts.filter(pa.array(~plain))
            found = np.zeros(len(rows), dtype=np.bool_)
            for pattern in self._signed:
                found |= mask(pc.match_substring_regex(texts, pattern))
            marked[rows[found]] = True
        if self._signless:
            column = folded(column)
        for pattern in self._signless:
            marked |= mask(pc.match_substring_regex(column, pattern))
        return marked

    def _relevant(self, texts: pa.Array) -> list[int]:
        if len(texts) == 0:
            return []
        whole = folded(pa.chunked_array([texts]))
        bits = np.zeros(len(texts), dtype=object)
        found: dict[str, Mask] = {}
        for position, pattern in enumerate(self._patterns):
            if pattern:
                if pattern not in found:
                    found[pattern] = mask(pc.match_substring_regex(whole, pattern))
                bits[found[pattern]] |= 1 << position
        return [int(bit) for bit in bits]


def _pattern(recogniser: Recogniser) -> str:
    """Return a trigger; "" for an entity that only a header or a policy names."""
    if isinstance(recogniser, BatchRecogniser):
        return recogniser.trigger or r"\S"
    return recogniser.trigger


def filled_cells(column: pa.ChunkedArray) -> int:
    """Count the values of a text column that are neither null, blank nor one token."""
    start = mask(pc.match_substring_regex(column, r"^\s*(?:<[A-Z]|$)"))
    suspects = column.filter(pa.array(start))
    empty = mask(pc.match_substring_regex(suspects, rf"^\s*(?:{tokens.TOKEN_PATTERN}\s*)?$"))
    return int(len(column) - column.null_count - empty.sum())


def encoded(column: pa.ChunkedArray) -> pa.DictionaryArray:
    """Encode a column's values as one dictionary array, the dictionary without duplicates."""
    result = column.dictionary_encode().unify_dictionaries().combine_chunks()
    # An empty chunked array combines to an array as well.
    return result.chunk(0) if isinstance(result, pa.ChunkedArray) else result
