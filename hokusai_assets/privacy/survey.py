"""The first pass: learns from all batches of a column what the second one does to it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping

import pyarrow as pa

from hokusai_assets.privacy.columns import (
    HeaderEvidence,
    Plan,
    decoded,
    header_entity,
    policy_plan,
    value_type,
)
from hokusai_assets.privacy.spans import whole_entity
from hokusai_assets.privacy.tokens import is_text
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
        self._text = is_text(value_type(schema_field.type))
        entity = None
        if self._settled is None:
            entity = header_entity(schema_field.name, names.recognisers)
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
        for text, relevant, count in zip(
            hits.texts, hits.relevant, hits.counts.tolist(), strict=True
        ):
            if not relevant & self._of_words and _SENTENCE.match(text):
                continue
            entity = whole_entity(text, self._triggers.recognisers, relevant)
            if entity is not None:
                self._entire[entity] += count
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
