"""The second pass over one column of one batch: which cells change, and to what text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from hokusai_assets.privacy import tokens
from hokusai_assets.privacy.array_folding import Mask
from hokusai_assets.privacy.columns import decoded, iso_text, value_type
from hokusai_assets.privacy.recognition import Recogniser
from hokusai_assets.privacy.spans import Finding, dissect_all, fold
from hokusai_assets.privacy.triggers import Hits, Triggers, encoded


@dataclass(frozen=True)
class Changes:
    """One column's outcome: which rows change, to what text, and how many cells per entity.

    rows: one flag per row. texts: one per changed row, in order (large_string).
    """

    rows: Mask
    texts: pa.Array
    cells: Counter[str]


@dataclass(frozen=True)
class Replacement:
    """How values are told from our own tokens, and what stands in their place."""

    is_own_token: Callable[[str], bool]
    replace: Callable[[Finding], str]

    def whole(self, column: pa.ChunkedArray, recogniser: Recogniser) -> Changes:
        """Replace every value that is neither blank nor an own token, each distinct one once."""
        values = encoded(decoded(column))
        findings = [self._value(text, recogniser) for text in _texts(values.dictionary)]
        counts = np.bincount(values.indices.drop_null().to_numpy(), minlength=len(findings))
        cells: Counter[str] = Counter()
        for finding, count in zip(findings, counts.tolist(), strict=True):
            if finding is not None and count:
                cells[finding.entity] += count
        texts = [None if finding is None else self.replace(finding) for finding in findings]
        spelled = pa.array(texts, pa.large_string()).take(values.indices)
        changed = spelled.is_valid().to_numpy(zero_copy_only=False)
        return Changes(changed, spelled.drop_null(), cells)

    def _value(self, text: str, recogniser: Recogniser) -> Finding | None:
        if not text.strip():
            return None
        entity = tokens.token_entity(text)
        if entity is not None:
            # Its own entity, so that the reduced text does not depend on whose token it is.
            return None if self.is_own_token(text) else Finding(entity, text)
        return Finding(recogniser.entity, recogniser.canonicalise(fold(text).strip()))

    def inside(self, column: pa.ChunkedArray, triggers: Triggers, hits: Hits | None) -> Changes:
        """Replace the values inside the texts of a column; `hits`, where known, spare a scan."""
        hits = triggers.hits(decoded(column)) if hits is None else hits
        dissected = dissect_all(hits.texts, triggers.recognisers, self.is_own_token, hits.relevant)
        texts: list[str | None] = []
        cells: Counter[str] = Counter()
        for pieces, count in zip(dissected, hits.counts.tolist(), strict=True):
            if pieces is None:
                texts.append(None)
                continue
            texts.append("".join([p if isinstance(p, str) else self.replace(p) for p in pieces]))
            for entity in {piece.entity for piece in pieces if isinstance(piece, Finding)}:
                cells[entity] += count
        spelled = pa.array(texts, pa.large_string()).take(hits.cells.indices)
        rows = np.zeros(len(column), dtype=np.bool_)
        rows[hits.rows] = spelled.is_valid().to_numpy(zero_copy_only=False)
        return Changes(rows, spelled.drop_null(), cells)


def _texts(values: pa.Array) -> list[str]:
    if pa.types.is_temporal(values.type):
        return list(iso_text(pa.chunked_array([values])).to_pylist())
    return [_as_text(value) for value in values.to_pylist()]


def _as_text(value: object) -> str:
    if isinstance(value, float):
        return "" if value != value else str(int(value)) if value.is_integer() else repr(value)
    return str(value)


def apply(column: pa.ChunkedArray, changes: Changes, kind: pa.DataType) -> pa.ChunkedArray:
    """Put the new texts into a column, which becomes (or stays) of the type `kind`.

    `kind`: a string layout, or the dictionary of one that the column is.
    """
    if kind == column.type and not changes.rows.any():
        return without_unused_entries(column)
    text_kind = value_type(kind)
    plain = pa.large_string() if text_kind == pa.string_view() else text_kind
    values = decoded(column)
    if pa.types.is_temporal(values.type):
        values = iso_text(values)
    values = values.cast(plain)
    chunks: list[pa.Array] = []
    row = used = 0
    for chunk in values.chunks:
        rows = changes.rows[row : row + len(chunk)]
        size = int(rows.sum())
        texts = changes.texts.slice(used, size).cast(plain)
        done = pc.replace_with_mask(chunk, pa.array(rows), texts) if size else chunk
        # Chunk by chunk, so that a narrow index type never meets more values than it has.
        chunks.append(done.dictionary_encode() if pa.types.is_dictionary(kind) else done)
        row, used = row + len(chunk), used + size
    if pa.types.is_dictionary(kind):
        return pa.chunked_array([chunk.cast(kind) for chunk in chunks], kind)
    return pa.chunked_array(chunks, plain).cast(kind)


def without_unused_entries(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Rebuild a dictionary column that holds entries no row uses: they may be personal data."""
    if not pa.types.is_dictionary(column.type):
        return column
    if all(
        len(chunk.dictionary) == len(chunk.indices.unique().drop_null()) for chunk in column.chunks
    ):
        return column
    plain = decoded(column)
    return pa.chunked_array(
        [chunk.dictionary_encode().cast(column.type) for chunk in plain.chunks], column.type
    )
