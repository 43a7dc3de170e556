"""Scans whole text columns for the cells worth a closer look, in a few RE2 passes."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from hokusai_assets.privacy import tokens
from hokusai_assets.privacy.array_folding import Mask, folded, folded_apart, mask
from hokusai_assets.privacy.recognition import Recogniser
from hokusai_assets.privacy.spans import BatchRecogniser

# A whole cell that is one plain number or one time stamp holds nothing a recogniser would take;
# columns of them pass the trigger, and this spares them the slow path. Cards have 12 digits, and
# eight after a plus can be a phone. Only what is a day passes, as 0155-55-26 71:00 is none.
_PLAIN_CELL = (
    r"^(?:-?[1-9][0-9]{0,10}|\+[0-9]{1,7}|[+-]?[0-9]+\.[0-9]+(?:[eE][+-]?[0-9]+)?"
    r"|[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])"
    r"(?:[ T][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?)?(?:Z|[+-][0-9]{2}:?[0-9]{2})?)$"
)
_TOKEN_START = "<[A-Z]+:k[a-z]+:"
# Entities whose trigger matches only where that of another one does.
_IMPLIES = {"CARD": "PHONE"}
# Which triggers RE2 runs as one. Patterns that count the same characters from many starts make its
# automaton outgrow its 8 MB, and it falls back to a search a hundred times slower; these don't.
_GROUPS = (
    ("EMAIL", "USERINFO", "PHONE", "CARD", "SSN"),
    ("IP", "ETHEREUM", "IBAN"),
    ("PASSPORT", "LICENCE", "DOB"),
)
_GROUP_OF = {entity: group[0] for group in _GROUPS for entity in group}


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


@dataclass(frozen=True)
class _Group:
    """Triggers that are searched for as one.

    pattern: all of them, for texts whose letters and marks are apart if `signed`. members: each
    one's position among the recognisers and its own trigger.
    """

    pattern: str
    members: tuple[tuple[int, str], ...]
    signed: bool


@dataclass(frozen=True, eq=False)
class Triggers:
    """The recognisers' triggers, prepared for columns."""

    recognisers: tuple[Recogniser, ...]

    def hits(self, column: pa.ChunkedArray) -> Hits:
        """Find the cells of a text column (any string layout, no dictionary) worth a look.

        A cell's trigger is matched on the folded text, so a character in disguise is seen too.
        """
        groups = self._matched(column)
        rows = np.flatnonzero(groups)
        cells = encoded(column.take(pa.array(rows)))
        # Equal texts match equal groups.
        by_text = np.zeros(len(cells.dictionary), groups.dtype)
        by_text[cells.indices.to_numpy()] = groups[rows]
        return Hits(rows, cells, self._relevant(cells.dictionary, by_text))

    @cached_property
    def _groups(self) -> tuple[_Group, ...]:
        """The triggers in as few groups as RE2 runs at full speed; the tokens' own start is in one.

        What any text may hold, sign or not, is a group each, since what it holds is not known.
        """
        members: dict[str, list[tuple[int, str]]] = {_GROUPS[0][0]: []}
        for position, row in enumerate(self.recognisers):
            if trigger := _trigger(row):
                name = _GROUP_OF.get(row.entity, row.entity) if row.has_sign else f" {position}"
                members.setdefault(name, []).append((position, trigger))
        return tuple(self._group(name, tuple(found)) for name, found in members.items())

    def _group(self, name: str, members: tuple[tuple[int, str], ...]) -> _Group:
        if name.startswith(" "):
            return _Group(members[0][1], members, signed=False)
        entities = {self.recognisers[position].entity for position, _ in members}
        patterns = [_TOKEN_START] if name == _GROUPS[0][0] else []
        patterns += [
            trigger
            for position, trigger in members
            if _IMPLIES.get(self.recognisers[position].entity) not in entities
        ]
        joined = "|".join(dict.fromkeys(patterns))
        return _Group(unicodedata.normalize("NFKD", joined), members, signed=True)

    @property
    def _bits(self) -> type:
        """A type that has a bit for each group and each recogniser."""
        return np.int64 if len(self.recognisers) < 62 else object

    def _matched(self, column: pa.ChunkedArray) -> npt.NDArray[Any]:
        """Return per row the groups that match, as bits by position."""
        matched: npt.NDArray[Any] = np.zeros(len(column), self._bits)
        rows = np.flatnonzero(_may_hold_sign(column))
        texts = folded_apart(column.take(pa.array(rows)))
        if len(rows):
            plain = mask(pc.match_substring_regex(texts, _PLAIN_CELL))
            rows, texts = rows[~plain], texts.filter(pa.array(~plain))
        if not all(group.signed for group in self._groups):
            column = folded(column)
        for position, group in enumerate(self._groups):
            found = mask(pc.match_substring_regex(texts if group.signed else column, group.pattern))
            matched[rows[found] if group.signed else found] |= 1 << position
        return matched

    def _relevant(self, texts: pa.Array, groups: npt.NDArray[Any]) -> list[int]:
        """Return per text the recognisers whose own trigger matches, as bits by position."""
        relevant: npt.NDArray[Any] = np.zeros(len(texts), self._bits)
        for position, group in enumerate(self._groups):
            places = np.flatnonzero(groups & (1 << position))
            if len(group.members) == 1 and group.pattern == group.members[0][1]:
                relevant[places] |= 1 << group.members[0][0]
                continue
            part = folded(pa.chunked_array([texts.take(pa.array(places))]))
            for member, trigger in group.members:
                found = mask(pc.match_substring_regex(part, trigger))
                relevant[places[found]] |= 1 << member
        return [int(bits) for bits in relevant.tolist()]


def _trigger(recogniser: Recogniser) -> str:
    """Return a trigger; "" for an entity that only a header or a policy names."""
    if isinstance(recogniser, BatchRecogniser) and not recogniser.trigger:
        return r"\S"
    # On folded text, ASCII digits are all digits there are.
    return recogniser.trigger.replace(r"\p{Nd}", "[0-9]").replace(r"\P{Nd}", "[^0-9]")


def _may_hold_sign(column: pa.ChunkedArray) -> Mask:
    """Tell which texts hold a byte 0 to @ (digits, <, @ and a few more), or one beyond ASCII.

    What is not ASCII may be such a sign in disguise. An empty text may be told to hold one.
    """
    marked = [np.zeros(0, np.bool_)]
    for chunk in column.chunks:
        kind = np.int64 if pa.types.is_large_string(chunk.type) else np.int32
        _, ends, data = chunk.buffers()
        offsets = np.zeros(1, kind) if ends is None else np.frombuffer(ends, kind)
        offsets = offsets[chunk.offset : chunk.offset + len(chunk) + 1]
        if len(chunk) == 0 or data is None or offsets[0] == offsets[-1]:
            marked.append(np.zeros(len(chunk), np.bool_))
            continue
        text = np.frombuffer(data, np.uint8)[offsets[0] : offsets[-1]]
        # One more, so that empty texts at the end have a byte to begin at.
        signs = np.zeros(len(text) + 1, np.bool_)
        np.less(text - np.uint8(ord("0")), ord("@") - ord("0") + 1, out=signs[:-1])
        signs[:-1] |= text >= 0x80
        marked.append(np.maximum.reduceat(signs, offsets[:-1] - offsets[0]))
    return np.concatenate(marked)


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
