"""Replaces the personal data of a table by tokens, reports what was done, and checks it after."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache

import numpy as np
import pyarrow as pa

from hokusai_assets.privacy import tokens
from hokusai_assets.privacy.columns import (
    Plan,
    PrivacyError,
    check_column_names,
    deciding,
    value_type,
)
from hokusai_assets.privacy.keys import PrivacyKey
from hokusai_assets.privacy.recognisers import default_recognisers
from hokusai_assets.privacy.recognition import Recogniser
from hokusai_assets.privacy.replacement import (
    Changes,
    Replacement,
    apply,
    without_unused_entries,
)
from hokusai_assets.privacy.reports import ColumnReport, PrivacyReport, ResidualFinding
from hokusai_assets.privacy.survey import ColumnSurvey
from hokusai_assets.privacy.triggers import Hits, Triggers

__all__ = [
    "BATCH_ROWS",
    "ColumnReport",
    "PrivacyError",
    "PrivacyReport",
    "Pseudonymiser",
    "ResidualFinding",
    "pseudonymise",
    "residual_personal_data",
]

BATCH_ROWS = 65_536


class _Survey:
    """The first pass over all columns of one file."""

    def __init__(
        self,
        policies: Mapping[str, str],
        protected: Collection[str],
        recognisers: Sequence[Recogniser] | None,
    ) -> None:
        self.triggers = _default() if recognisers is None else Triggers(tuple(recognisers))
        deciders = deciding(self.triggers.recognisers)
        # The same object where all decide, so that what it finds serves the second pass too.
        same = len(deciders) == len(self.triggers.recognisers)
        self._deciders = self.triggers if same else Triggers(deciders)
        self._policies = policies
        self._protected = protected
        self._columns: list[ColumnSurvey] = []
        self.schema: pa.Schema | None = None

    def add(self, batch: pa.Table) -> list[Hits | None]:
        """Take in one batch; per column the hits that the second pass can use again."""
        if self.schema is None:
            check_column_names(batch.column_names, self.triggers.recognisers)
            self._columns = [
                ColumnSurvey(
                    field,
                    policies=self._policies,
                    protected=self._protected,
                    triggers=self._deciders,
                    names=self.triggers,
                )
                for field in batch.schema
            ]
            self.schema = batch.schema.remove_metadata()
        _check_same_columns(self.schema, batch.schema)
        hits = [
            survey.add(column) for survey, column in zip(self._columns, batch.columns, strict=True)
        ]
        return hits if self._deciders is self.triggers else [None] * len(hits)

    def plans(self) -> list[Plan]:
        return [survey.plan() for survey in self._columns]


def _check_same_columns(first: pa.Schema, other: pa.Schema) -> None:
    """Raise PrivacyError where two batches of one file differ in column names or types."""
    if first.names != other.names or first.types != other.types:
        raise PrivacyError(
            "a batch has other columns or types than the file's first one: "
            "read all of a file by one schema"
        )


class Pseudonymiser:
    """Replaces personal data in a file that is read batch by batch, twice.

    First `survey` every batch, then `replace` every batch; the order of rows and where they are
    cut into batches change nothing. Rules and errors are those of `pseudonymise`, which does
    both passes for a table in memory. Holds counts per column, and one batch at most.

    Raises PrivacyError from `survey` as `pseudonymise` does, and where batches differ in column
    names or types; RuntimeError for a pass out of turn.
    """

    def __init__(
        self,
        *,
        policies: Mapping[str, str],
        key: PrivacyKey,
        protected: Collection[str] = (),
        recognisers: Sequence[Recogniser] | None = None,
    ) -> None:
        self._survey = _Survey(policies, protected, recognisers)
        self._replacement = Replacement(
            is_own_token=lambda text: tokens.is_own_token(text, key),
            replace=lambda finding: tokens.token(finding.entity, finding.canonical, key),
        )
        self._plans: list[Plan] | None = None
        # Of a file that is one batch, the first pass's finds serve the second.
        self._memo: tuple[pa.Table, list[Hits | None]] | None = None
        self._rows = 0
        self._rows_hashed = 0
        self._cells: Counter[tuple[str, str, str]] = Counter()

    def survey(self, batch: pa.Table) -> None:
        """Take in one batch of the first pass."""
        if self._plans is not None:
            raise RuntimeError("survey all batches before the first one is replaced")
        first = self._survey.schema is None
        hits = self._survey.add(batch)
        self._memo = (batch, hits) if first else None

    def replace(self, batch: pa.Table) -> pa.Table:
        """Return a surveyed batch without personal data; the same column types every time."""
        plans = self._settled_plans()
        schema = self._survey.schema
        assert schema is not None
        _check_same_columns(schema, batch.schema)
        known: list[Hits | None] = [None] * len(plans)
        if self._memo is not None and self._memo[0] is batch:
            known = self._memo[1]
        self._memo = None
        fields: list[pa.Field] = []
        columns: list[pa.ChunkedArray] = []
        hashed = np.zeros(batch.num_rows, dtype=np.bool_)
        for field, column, plan, hits in zip(schema, batch.columns, plans, known, strict=True):
            if plan.treatment == "drop":
                continue
            changes = _changes(column, plan, self._survey.triggers, self._replacement, hits)
            if changes is None:
                column = without_unused_entries(column)
            else:
                column = apply(column, changes, _replaced_type(field.type, plan))
                np.logical_or(hashed, changes.rows, out=hashed)
                for entity, cells in changes.cells.items():
                    self._cells[field.name, entity, plan.how or "spans"] += cells
            fields.append(pa.field(field.name, column.type, field.nullable))
            columns.append(column)
        self._rows += batch.num_rows
        self._rows_hashed += int(hashed.sum())
        if not columns:
            # A table without columns must still know its row count.
            return batch.select([]).replace_schema_metadata(None)
        return pa.table(columns, schema=pa.schema(fields))

    def replaced_schema(self) -> pa.Schema:
        """Return the columns that `replace` gives; no more batches can be surveyed after it."""
        plans = self._settled_plans()
        assert self._survey.schema is not None
        return pa.schema(
            [
                pa.field(field.name, _replaced_type(field.type, plan), field.nullable)
                for field, plan in zip(self._survey.schema, plans, strict=True)
                if plan.treatment != "drop"
            ]
        )

    def residual(self, batch: pa.Table) -> list[ResidualFinding]:
        """Return what `replace` would change in a replaced batch, under this file's decisions.

        `batch` has the surveyed columns, or those that `replace` leaves. Empty if clean; sorted
        by column and entity. A dropped column is not searched.
        """
        plans = self._settled_plans()
        schema = self._survey.schema
        assert schema is not None
        if batch.column_names != schema.names:
            plans = [plan for plan in plans if plan.treatment != "drop"]
        if len(plans) != batch.num_columns:
            raise PrivacyError("the batch has other columns than the file that was surveyed")
        silent = Replacement(self._replacement.is_own_token, lambda _: "")
        return _residual(batch, plans, self._survey.triggers, silent)

    @property
    def report(self) -> PrivacyReport:
        """What was done to all batches replaced so far."""
        plans = self._settled_plans()
        schema = self._survey.schema
        assert schema is not None
        by_treatment = {
            treatment: tuple(
                sorted(
                    name
                    for name, plan in zip(schema.names, plans, strict=True)
                    if plan.treatment == treatment
                )
            )
            for treatment in ("waive", "drop")
        }
        return PrivacyReport(
            rows_hashed=self._rows_hashed,
            columns=tuple(
                ColumnReport(column, entity, cells, cells * 1_000_000 // self._rows, how)
                for (column, entity, how), cells in sorted(self._cells.items())
            ),
            waived=by_treatment["waive"],
            dropped=by_treatment["drop"],
        )

    def _settled_plans(self) -> list[Plan]:
        if self._plans is None:
            if self._survey.schema is None:
                raise RuntimeError("survey every batch first")
            self._plans = self._survey.plans()
        return self._plans


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
    replaced. Number, boolean and time columns change by header or policy only, and become text;
    times by header only where it names a date of birth.

    Cells without personal data stay byte-identical; null and blank cells stay; rows, their
    order and the columns' order stay. A second pass with the same key changes nothing. Schema
    metadata is removed, since it may hold values, and so are dictionary entries no row uses.

    Raises PrivacyError for an unknown policy, for policy drop or pii on a protected column, for
    a nested or binary column that is neither dropped, waived nor protected, and for a column
    name that holds personal data.
    """
    worker = Pseudonymiser(policies=policies, key=key, protected=protected, recognisers=recognisers)
    batches = list(_batches(table))
    for batch in batches:
        worker.survey(batch)
    done = pa.concat_tables([worker.replace(batch) for batch in batches])
    return done, worker.report


def residual_personal_data(
    table: pa.Table | Callable[[], Iterable[pa.Table]],
    *,
    policies: Mapping[str, str],
    protected: Collection[str] = (),
    recognisers: Sequence[Recogniser] | None = None,
) -> list[ResidualFinding]:
    """Return what `pseudonymise` would still replace, by column and entity; empty if clean.

    Takes every token for one of ours, since it has no key. A dropped column that is still there
    is not searched. Raises PrivacyError as `pseudonymise` does.

    Args:
        table: the rows, or what gives them in batches each time it is called.
        policies, protected, recognisers: as `pseudonymise` has them.
    """
    survey = _Survey(policies, protected, recognisers)

    def batches() -> Iterator[pa.Table]:
        for part in [table] if isinstance(table, pa.Table) else table():
            yield from _batches(part)

    for batch in batches():
        survey.add(batch)
    if survey.schema is None:
        return []
    silent = Replacement(lambda _: True, lambda _: "")
    found: Counter[tuple[str, str]] = Counter()
    plans = survey.plans()
    for batch in batches():
        for finding in _residual(batch, plans, survey.triggers, silent):
            found[finding.column, finding.entity] += finding.cells
    return [ResidualFinding(*key, cells) for key, cells in sorted(found.items())]


@lru_cache(maxsize=1)
def _default() -> Triggers:
    return Triggers(default_recognisers())


def _batches(table: pa.Table) -> Iterator[pa.Table]:
    """Cut a table; one without rows is one batch, so that its columns are looked at."""
    if table.num_rows <= BATCH_ROWS:
        yield table
        return
    for start in range(0, table.num_rows, BATCH_ROWS):
        yield table.slice(start, BATCH_ROWS)


def _replaced_type(kind: pa.DataType, plan: Plan) -> pa.DataType:
    """Return what replacing makes of a column's type: only text can hold tokens."""
    text = tokens.is_text(value_type(kind))
    return kind if text or plan.treatment != "whole" else pa.string()


def _changes(
    column: pa.ChunkedArray,
    plan: Plan,
    triggers: Triggers,
    replacement: Replacement,
    hits: Hits | None,
) -> Changes | None:
    if plan.treatment == "whole":
        recogniser = next(row for row in triggers.recognisers if row.entity == plan.entity)
        return replacement.whole(column, recogniser)
    if plan.treatment == "text":
        return replacement.inside(column, triggers, hits)
    return None


def _residual(
    table: pa.Table, plans: Sequence[Plan], triggers: Triggers, silent: Replacement
) -> list[ResidualFinding]:
    found: Counter[tuple[str, str]] = Counter()
    for batch in _batches(table):
        for name, column, plan in zip(table.column_names, batch.columns, plans, strict=True):
            changes = _changes(column, plan, triggers, silent, None)
            if changes is not None:
                for entity, cells in changes.cells.items():
                    found[name, entity] += cells
    return [
        ResidualFinding(column, entity, cells) for (column, entity), cells in sorted(found.items())
    ]
