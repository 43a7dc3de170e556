"""Replaces the personal data of a table by tokens, reports what was done, and checks it after."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from hokusai_assets.privacy import tokens
from hokusai_assets.privacy.columns import PrivacyError, check_column_names, plan_column
from hokusai_assets.privacy.keys import PrivacyKey
from hokusai_assets.privacy.recognisers import Recogniser, default_recognisers
from hokusai_assets.privacy.spans import INVISIBLE, Finding, Pieces, dissect, fold

__all__ = [
    "ColumnReport",
    "PrivacyError",
    "PrivacyReport",
    "ResidualFinding",
    "pseudonymise",
    "residual_personal_data",
]

# A whole cell that is one plain number or one time stamp holds nothing a recogniser would take;
# columns of them pass the trigger, and this spares them the slow path. Cards have 12 digits.
_PLAIN_CELL = (
    r"^(?:[+-]?[1-9][0-9]{0,10}|[+-]?[0-9]+\.[0-9]+(?:[eE][+-]?[0-9]+)?"
    r"|[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[ T][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?)?"
    r"(?:Z|[+-][0-9]{2}:?[0-9]{2})?)$"
)
_TOKEN_START = "<[A-Z]+:k[a-z]+:"


@dataclass(frozen=True)
class ColumnReport:
    """What happened to one column for one entity.

    cells: how many hold at least one replaced value. share_ppm: of the table's rows, rounded
    down, 0 to 1000000. how: header, values (most cells matched), spans or policy.
    """

    column: str
    entity: str
    cells: int
    share_ppm: int
    how: str


@dataclass(frozen=True)
class PrivacyReport:
    """Counts and column names, never values; tuples are sorted, so row order does not matter.

    rows_hashed: rows with at least one replaced value.
    """

    rows_hashed: int
    columns: tuple[ColumnReport, ...]
    waived: tuple[str, ...]
    dropped: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return integers and strings only, ready for JSON, in a fixed order."""
        return {
            "rows_hashed": self.rows_hashed,
            "columns": [
                {
                    "column": entry.column,
                    "entity": entry.entity,
                    "cells": entry.cells,
                    "share_ppm": entry.share_ppm,
                    "how": entry.how,
                }
                for entry in self.columns
            ],
            "waived": list(self.waived),
            "dropped": list(self.dropped),
        }


@dataclass(frozen=True)
class ResidualFinding:
    """Personal data still in a table: so many cells of a column hold this entity."""

    column: str
    entity: str
    cells: int


@dataclass
class _Changes:
    """One column's outcome: which rows change, to what text, and how many cells per entity."""

    rows: npt.NDArray[np.bool_]
    texts: pa.Array  # One per changed row, in order; large_string.
    cells: Counter[str] = field(default_factory=Counter)
    how: str = "spans"


def pseudonymise(
    table: pa.Table,
    *,
    policies: Mapping[str, str],
    key: PrivacyKey,
    protected: Collection[str] = (),
    recognisers: Sequence[Recogniser] | None = None,
) -> tuple[pa.Table, PrivacyReport]:
    """Replace personal data by tokens; return the new table and the report.

    `policies`: column -> "auto" (also when absent), "not_pii" (left alone, reported as waived),
    "drop", or "pii:<entity>" (every value is hashed as that). `protected` columns are never
    altered. Policies of columns the table lacks are ignored.

    Under "auto" every non-blank cell of a column is hashed where its header names an entity and
    at least one value bears that out, or where more than half of the full column's non-blank
    values are, whole, that entity. In other text columns the values inside the text are
    replaced. Number, boolean and time columns change by header or policy only, and become text.

    Cells without personal data stay byte-identical; null and blank cells stay; rows, their
    order and the columns' order stay. A second pass with the same key changes nothing. Schema
    metadata is removed, since it may hold values.

    Raises PrivacyError for an unknown policy, for policy drop or pii on a protected column, for
    a nested or binary column that is neither dropped, waived nor protected, and for a column
    name that holds personal data.
    """
    rows_known = _recognisers(recognisers)
    check_column_names(table, rows_known)

    def own(text: str) -> bool:
        return tokens.is_own_token(text, key)

    def replace(finding: Finding) -> str:
        return tokens.token(finding.entity, finding.canonical, key)

    fields: list[pa.Field] = []
    columns: list[pa.ChunkedArray] = []
    entries: list[ColumnReport] = []
    waived: list[str] = []
    dropped: list[str] = []
    hashed = np.zeros(table.num_rows, dtype=np.bool_)
    for schema_field, column in zip(table.schema, table.columns, strict=True):
        plan = plan_column(
            schema_field, column, policies=policies, protected=protected, recognisers=rows_known
        )
        if plan.treatment == "drop":
            dropped.append(schema_field.name)
            continue
        if plan.treatment == "waive":
            waived.append(schema_field.name)
        elif plan.treatment == "whole":
            column, changes = _whole(column, plan.entity, rows_known, own, replace)
            changes.how = plan.how
            _account(entries, schema_field.name, changes, hashed)
        elif plan.treatment == "text":
            column, changes = _text(column, rows_known, own, replace)
            _account(entries, schema_field.name, changes, hashed)
        fields.append(pa.field(schema_field.name, column.type, schema_field.nullable))
        columns.append(column)
    report = PrivacyReport(
        rows_hashed=int(hashed.sum()),
        columns=tuple(sorted(entries, key=lambda entry: (entry.column, entry.entity))),
        waived=tuple(sorted(waived)),
        dropped=tuple(sorted(dropped)),
    )
    if not columns:
        # A table without columns must still know its row count.
        return table.select([]).replace_schema_metadata(None), report
    return pa.table(columns, schema=pa.schema(fields)), report


def residual_personal_data(
    table: pa.Table,
    *,
    policies: Mapping[str, str],
    protected: Collection[str] = (),
    recognisers: Sequence[Recogniser] | None = None,
) -> list[ResidualFinding]:
    """Return what `pseudonymise` would still replace, by column and entity; empty if clean.

    Takes every token for one of ours, since it has no key. A dropped column that is still there
    is not searched. Raises PrivacyError as `pseudonymise` does.
    """
    rows_known = _recognisers(recognisers)
    check_column_names(table, rows_known)
    found: list[ResidualFinding] = []
    for schema_field, column in zip(table.schema, table.columns, strict=True):
        plan = plan_column(
            schema_field, column, policies=policies, protected=protected, recognisers=rows_known
        )
        if plan.treatment == "whole":
            _, changes = _whole(column, plan.entity, rows_known, lambda _: True, lambda _: "")
        elif plan.treatment == "text":
            _, changes = _text(column, rows_known, lambda _: True, lambda _: "")
        else:
            continue
        found += [
            ResidualFinding(schema_field.name, entity, cells)
            for entity, cells in changes.cells.items()
        ]
    return sorted(found, key=lambda finding: (finding.column, finding.entity))


@lru_cache(maxsize=1)
def _default() -> tuple[Recogniser, ...]:
    return default_recognisers()


def _recognisers(given: Sequence[Recogniser] | None) -> tuple[Recogniser, ...]:
    return _default() if given is None else tuple(given)


def _account(
    entries: list[ColumnReport], name: str, changes: _Changes, hashed: npt.NDArray[np.bool_]
) -> None:
    np.logical_or(hashed, changes.rows, out=hashed)
    for entity, cells in changes.cells.items():
        share = cells * 1_000_000 // len(hashed)
        entries.append(ColumnReport(name, entity, cells, share, changes.how))


def _whole(
    column: pa.ChunkedArray,
    entity: str,
    recognisers: Sequence[Recogniser],
    own: Callable[[str], bool],
    replace: Callable[[Finding], str],
) -> tuple[pa.ChunkedArray, _Changes]:
    """Hash every value of a column, each distinct one once; the column becomes text."""
    recogniser = next(row for row in recognisers if row.entity == entity)
    decoded = column
    if pa.types.is_dictionary(column.type):
        decoded = column.cast(column.type.value_type)
    texts: list[str | None] = []
    cells: Counter[str] = Counter()
    encoded = _encode(decoded)
    counts = _counts(encoded)
    for value, count in zip(encoded.dictionary.to_pylist(), counts, strict=True):
        finding = _whole_value(_as_text(value), recogniser, own)
        texts.append(None if finding is None else replace(finding))
        if finding is not None:
            cells[finding.entity] += int(count)
    changes = _changes(encoded, texts, cells)
    if not changes.rows.any() and tokens.is_text(decoded.type):
        return _tidy(column), changes
    kind = decoded.type if tokens.is_text(decoded.type) else pa.string()
    return _apply(column, decoded.cast(kind), changes), changes


def _whole_value(text: str, recogniser: Recogniser, own: Callable[[str], bool]) -> Finding | None:
    if not text.strip():
        return None
    entity = tokens.token_entity(text)
    if entity is not None:
        # Its own entity, so that the reduced text does not depend on whose token it is.
        return None if own(text) else Finding(entity, text)
    return Finding(recogniser.entity, recogniser.canonicalise(fold(text).strip()))


def _as_text(value: object) -> str:
    if isinstance(value, float):
        return "" if value != value else str(int(value)) if value.is_integer() else repr(value)
    return str(value)


def _text(
    column: pa.ChunkedArray,
    recognisers: Sequence[Recogniser],
    own: Callable[[str], bool],
    replace: Callable[[Finding], str],
) -> tuple[pa.ChunkedArray, _Changes]:
    """Replace values inside the text, or whole cells where most cells are one entity."""
    decoded = column
    if pa.types.is_dictionary(column.type):
        decoded = column.cast(column.type.value_type)
    if decoded.type == pa.string_view():
        decoded = decoded.cast(pa.large_string())
    triggered = _triggered(decoded, recognisers)
    hits = _encode(decoded.filter(pa.array(triggered)))
    counts = _counts(hits)
    dissected: list[Pieces | None] = []
    cells: Counter[str] = Counter()
    entire: Counter[str] = Counter()
    for value, count in zip(hits.dictionary.to_pylist(), counts, strict=True):
        pieces = dissect(value, recognisers, own)
        dissected.append(pieces)
        if pieces is None:
            continue
        findings = [piece for piece in pieces if isinstance(piece, Finding)]
        for entity in {finding.entity for finding in findings}:
            cells[entity] += int(count)
        # A foreign token is no evidence: whose token it is must not decide a column's fate.
        whole = not "".join(p for p in pieces if isinstance(p, str)).strip()
        if whole and len(findings) == 1 and not tokens.token_entity(findings[0].canonical):
            entire[findings[0].entity] += int(count)
    if not cells:
        none = _Changes(np.zeros(len(column), dtype=np.bool_), pa.array([], pa.large_string()))
        return _tidy(column), none
    entity, count = max(entire.items(), key=lambda item: item[1], default=("", 0))
    if entity and 2 * count > _filled(decoded):
        column, changes = _whole(column, entity, recognisers, own, replace)
        changes.how = "values"
        return column, changes
    texts = [
        None if pieces is None else "".join(p if isinstance(p, str) else replace(p) for p in pieces)
        for pieces in dissected
    ]
    inner = _changes(hits, texts, cells)
    rows = np.zeros(len(column), dtype=np.bool_)
    rows[np.flatnonzero(triggered)] = inner.rows
    changes = _Changes(rows, inner.texts, cells)
    return _apply(column, decoded, changes), changes


def _triggered(column: pa.ChunkedArray, recognisers: Sequence[Recogniser]) -> npt.NDArray[np.bool_]:
    """Mark the rows worth a look: one RE2 pass over all, normalised where not ASCII."""
    patterns = list(dict.fromkeys([_TOKEN_START, *(row.trigger for row in recognisers)]))
    # ASCII cells in one pass, with bytes in place of Unicode classes.
    narrow = "|".join(patterns).replace(r"\p{Nd}", "[0-9]").replace(r"\P{Nd}", "[^0-9]")
    ascii_rows = _mask(pc.string_is_ascii(column))
    marked = _mask(pc.match_substring_regex(column, narrow)) & ascii_rows
    wide = np.flatnonzero(~ascii_rows & _mask(pc.is_valid(column)))
    if len(wide):
        folded = pc.utf8_normalize(column.take(pa.array(wide)), form="NFKC")
        folded = pc.replace_substring_regex(folded, f"[{INVISIBLE}]", "")
        # One by one: combined, the Unicode classes outgrow RE2's automaton and run 20 times slower.
        for pattern in patterns:
            marked[wide] |= _mask(pc.match_substring_regex(folded, pattern))
    if marked.any():
        rows = np.flatnonzero(marked)
        plain = _mask(pc.match_substring_regex(column.take(pa.array(rows)), _PLAIN_CELL))
        marked[rows[plain]] = False
    return marked


def _mask(flags: pa.ChunkedArray) -> npt.NDArray[np.bool_]:
    result: npt.NDArray[np.bool_] = pc.fill_null(flags, False).to_numpy().astype(np.bool_)
    return result


def _filled(column: pa.ChunkedArray) -> int:
    """Count the values that are neither null, blank nor a token."""
    filled = _mask(pc.match_substring_regex(column, r"\S"))
    token_rows = _mask(pc.match_substring_regex(column, rf"^\s*{tokens.TOKEN_PATTERN}\s*$"))
    return int((filled & ~token_rows).sum())


def _encode(column: pa.ChunkedArray) -> pa.DictionaryArray:
    encoded = column.dictionary_encode().unify_dictionaries().combine_chunks()
    # An empty chunked array combines to an array as well.
    return encoded.chunk(0) if isinstance(encoded, pa.ChunkedArray) else encoded


def _counts(encoded: pa.DictionaryArray) -> npt.NDArray[np.int64]:
    codes = encoded.indices.drop_null().to_numpy()
    return np.bincount(codes, minlength=len(encoded.dictionary))


def _changes(encoded: pa.DictionaryArray, texts: list[str | None], cells: Counter[str]) -> _Changes:
    spelled = pa.array(texts, pa.large_string()).take(encoded.indices)
    return _Changes(spelled.is_valid().to_numpy(zero_copy_only=False), spelled.drop_null(), cells)


def _apply(column: pa.ChunkedArray, decoded: pa.ChunkedArray, changes: _Changes) -> pa.ChunkedArray:
    """Put the new texts into the decoded column; dictionaries are built anew."""
    chunks: list[pa.Array] = []
    row = used = 0
    for chunk in decoded.chunks:
        rows = changes.rows[row : row + len(chunk)]
        size = int(rows.sum())
        texts = changes.texts.slice(used, size).cast(decoded.type)
        chunks.append(pc.replace_with_mask(chunk, pa.array(rows), texts) if size else chunk)
        row, used = row + len(chunk), used + size
    result = pa.chunked_array(chunks, decoded.type)
    if pa.types.is_dictionary(column.type) and tokens.is_text(column.type.value_type):
        return result.dictionary_encode().unify_dictionaries().cast(column.type)
    return result.cast(column.type) if column.type == pa.string_view() else result


def _tidy(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Rebuild a dictionary column that holds entries no row uses: they may be personal data."""
    if not pa.types.is_dictionary(column.type):
        return column
    if all(
        len(chunk.dictionary) == len(chunk.indices.unique().drop_null()) for chunk in column.chunks
    ):
        return column
    decoded = column.cast(column.type.value_type)
    return decoded.dictionary_encode().unify_dictionaries().cast(column.type)
