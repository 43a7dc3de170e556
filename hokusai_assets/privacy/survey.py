"""The first pass: learns from all batches of a column what the second one does to it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence

import pyarrow as pa

from hokusai_assets.privacy.columns import (
    HeaderEvidence,
    Plan,
    decoded,
    header_entity,
    policy_plan,
    value_type,
)
from hokusai_assets.privacy.recognition import Recogniser
from hokusai_assets.privacy.spans import BatchRecogniser, Finding, dissect_all, fold
from hokusai_assets.privacy.tokens import is_text, token_entity
from hokusai_assets.privacy.triggers import Hits, Triggers, filled_cells

_SENTENCE = re.compile(r"\s*[^\W\d_]+[ ,:;!?]")


class ColumnSurvey:
    """Counts over one column, batch by batch; holds a handful of integers and no value.

    Arguments as `pseudonymise` has them; `triggers` holds the recognisers that decide columns,
    `names` all whose entity a policy may name. Raises PrivacyError as `pseudonymise` does.
    """

    def __init__(
        self,
        schema_field: pa.Field,
        *,
        policies: Mapping[str, str],
        protected: Collection[str],
        triggers: Triggers,
        names: Triggers,
    ) -> None:
        self._triggers = triggers
        # Who may take a cell for a value that begins with a word of letters, as sentences do.
        self._of_words = sum(
            1 << bit for bit, row in enumerate(triggers.recognisers) if row.may_begin_with_word
        )
        self._settled = policy_plan(
            schema_field, policies=policies, protected=protected, recognisers=names.recognisers
        )
        kind = value_type(schema_field.type)
        self._text = is_text(kind)
        entity = None
        if self._settled is None:
            of_numbers = not (self._text or pa.types.is_temporal(kind))
            entity = header_entity(schema_field.name, names.recognisers, of_numbers=of_numbers)
        self._header = next(
            (HeaderEvidence(row) for row in names.recognisers if row.entity == entity), None
        )
        self._entire: Counter[str] = Counter()
        self._filled = 0

    def add(self, column: pa.ChunkedArray) -> Hits | None:
        """Take in one batch; return the cells worth a look where they had to be found for it."""
        if self._settled is not None:
            return None
        values = decoded(column)
        if self._header is not None:
            self._header.add(values)
        if not self._text or (self._header is not None and self._header.borne_out):
            return None
        self._filled += filled_cells(values)
        hits = self._triggers.hits(values)
        texts, relevant, counts = hits.texts, hits.relevant, hits.counts.tolist()
        places = [
            place
            for place, (text, mask) in enumerate(zip(texts, relevant, strict=True))
            if mask & self._of_words or not _SENTENCE.match(text)
        ]
        entities = whole_entities(
            [texts[place] for place in places],
            self._triggers.recognisers,
            [relevant[place] for place in places],
        )
        for place, entity in zip(places, entities, strict=True):
            if entity is not None:
                self._entire[entity] += counts[place]
        return hits

    def plan(self) -> Plan:
        """Decide by what was taken in so far."""
        if self._settled is not None:
            return self._settled
        if self._header is not None and self._header.borne_out:
            return Plan("whole", self._header.recogniser.entity, "header")
        # More than half is one entity at most, so no tie has to be broken.
        for entity, count in self._entire.items():
            if 2 * count > self._filled:
                return Plan("whole", entity, "values")
        return Plan("text") if self._text else Plan("keep")


def whole_entities(
    cells: Sequence[str], recognisers: Sequence[Recogniser], relevant: Sequence[int]
) -> list[str | None]:
    """Return per text the entity that it is, but for blanks, one value of; else None.

    A token is no value: whose token it is must not decide a column's fate. `relevant` as for
    `dissect_all`.
    """
    entities: list[str | None] = [None] * len(cells)
    # A sentence is sorted out by its first word, without a search of all of it.
    places = [
        place
        for place, (cell, mask) in enumerate(zip(cells, relevant, strict=True))
        if _may_begin(fold(cell), recognisers, mask)
    ]
    dissected = dissect_all(
        [cells[place] for place in places],
        recognisers,
        lambda _: True,
        [relevant[place] for place in places],
    )
    for place, pieces in zip(places, dissected, strict=True):
        findings = [piece for piece in pieces or () if isinstance(piece, Finding)]
        if len(findings) != 1 or token_entity(findings[0].canonical) is not None:
            continue
        if not "".join(piece for piece in pieces or () if isinstance(piece, str)).strip():
            entities[place] = findings[0].entity
    return entities


def _may_begin(text: str, recognisers: Sequence[Recogniser], relevant: int) -> bool:
    start = len(text) - len(text.lstrip())
    return any(
        relevant >> position & 1
        and (isinstance(recogniser, BatchRecogniser) or recogniser.compiled.match(text, start))
        for position, recogniser in enumerate(recognisers)
    )
