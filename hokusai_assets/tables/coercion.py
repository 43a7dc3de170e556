"""Typing the cells of a raw table exactly as a schema says, or saying which rows do not fit.

Every format reaches the same typed cells: CSV and JSON cells arrive as the text written in
the file, Parquet cells as typed values. A cell that is empty or holds only white space is
missing in every format. Nothing is guessed and nothing is rounded: a cell that has no exact
value of the declared type is a problem.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from hokusai_assets.tables.columns import ColumnType, arrow_type
from hokusai_assets.tables.problem_log import ProblemLog
from hokusai_assets.tables.problems import Problem
from hokusai_assets.tables.text_cells import END_SECOND, FIRST_SECOND, typed_from_text

_EXPECTED = {
    "integer": "a whole number between -2^63 and 2^63-1, such as 42",
    "number": "a finite decimal number, such as 3.5 (whole numbers up to 2^53)",
    "category": "a text or a whole number",
    "boolean": "true or false (or 1 or 0)",
    "datetime": "an ISO 8601 date or time to the microsecond, such as 2024-05-31 or "
    "2024-05-31T12:00:00Z",
    "text": "a text or a whole number",
}
_PER_SECOND = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}


@dataclass(frozen=True)
class TypedCells:
    """One column's n cells after typing.

    Attributes:
        values: of the declared Arrow type, null where a cell is missing or does not fit.
        missing: bool array; which cells are empty.
        misfit: bool array; which cells have no exact value of the type.
    """

    values: pa.Array
    missing: pa.Array
    misfit: pa.Array


def type_cells(cells: pa.ChunkedArray, column_type: ColumnType) -> TypedCells:
    """Type n raw cells of any Arrow type."""
    raw = pa.concat_arrays(cells.chunks) if cells.num_chunks else pa.array([], cells.type)
    if pa.types.is_dictionary(raw.type):
        raw = raw.dictionary_decode()
    if pa.types.is_null(raw.type):
        raw = raw.cast(pa.string())
    if pa.types.is_large_string(raw.type) or pa.types.is_string_view(raw.type):
        raw = raw.cast(pa.string())
    missing = pc.is_null(raw, nan_is_null=True)
    if pa.types.is_string(raw.type):
        trimmed = pc.utf8_trim_whitespace(raw)
        missing = pc.or_(missing, pc.equal(pc.binary_length(trimmed), 0).fill_null(True))
        trimmed, raw = _where(pc.invert(missing), trimmed), _where(pc.invert(missing), raw)
        values = typed_from_text(trimmed, raw, column_type)
    else:
        values = _from_typed(raw, column_type)
    return TypedCells(values, missing, pc.and_(pc.is_null(values), pc.invert(missing)))


def log_misfits(
    log: ProblemLog, name: str, column_type: ColumnType, rows: np.ndarray, *, decimal: str = "."
) -> None:
    """Note rows whose cell of a column has no exact value of its type (``wrong-type``)."""
    expected = _EXPECTED[column_type].replace("3.5", f"3{decimal}5")
    log.add(
        "wrong-type",
        rows,
        column=name,
        what=f"not {expected}.",
        fix=f"Write every cell of {{column}} as {expected}, or remove the row.",
    )


def log_missing(log: ProblemLog, name: str, rows: np.ndarray) -> None:
    """Note rows whose cell of a column is empty though it may not be (``missing-value``)."""
    log.add(
        "missing-value",
        rows,
        column=name,
        what="the cell is empty.",
        fix="Fill every cell of {column}, or remove the row.",
    )


def coerce_column(
    name: str, array: pa.ChunkedArray, column_type: ColumnType, *, nullable: bool
) -> tuple[pa.Array, list[Problem]]:
    """Return the column as its declared Arrow type, and the problems found.

    Args:
        name: the column's name, for messages.
        array: the raw column, n cells of any Arrow type.
        column_type: the declared type.
        nullable: whether missing cells are allowed.

    Returns:
        An array of n cells, null where a cell is missing or does not fit, and at most two
        problems (``wrong-type``, ``missing-value``).
    """
    cells = type_cells(array, column_type)
    log = ProblemLog("", [name])
    log_misfits(log, name, column_type, _row_numbers(cells.misfit))
    if not nullable:
        log_missing(log, name, _row_numbers(cells.missing))
    return cells.values, log.problems()


def coerce_table(
    table: pa.Table, types: Mapping[str, ColumnType], nullable: Mapping[str, bool]
) -> tuple[pa.Table, list[Problem]]:
    """Type every declared column of a raw table; columns it lacks are the caller's concern.

    Returns:
        A table of the declared columns that are present, in the order of ``types``, and all
        problems found.
    """
    arrays, problems, present = [], [], []
    for name, column_type in types.items():
        if name not in table.column_names:
            continue
        array, found = coerce_column(
            name, table.column(name), column_type, nullable=nullable.get(name, True)
        )
        arrays.append(array)
        present.append(pa.field(name, arrow_type(column_type)))
        problems.extend(found)
    return pa.Table.from_arrays(arrays, schema=pa.schema(present)), problems


def _row_numbers(mask: pa.Array) -> np.ndarray:
    return np.flatnonzero(np.asarray(mask.fill_null(False))) + 1


def _where(mask: pa.Array, values: pa.Array) -> pa.Array:
    return pc.if_else(mask, values, pa.scalar(None, values.type))


def _from_typed(raw: pa.Array, column_type: ColumnType) -> pa.Array:
    if pa.types.is_decimal(raw.type):
        # Decimal text is exact, so the one path for text decides what fits.
        text = raw.cast(pa.string())
        return typed_from_text(text, text, column_type)
    typed = _FROM_TYPED[column_type](raw)
    return pa.nulls(len(raw), arrow_type(column_type)) if typed is None else typed


def _boolean_from_typed(raw: pa.Array) -> pa.Array | None:
    if pa.types.is_boolean(raw.type):
        return raw
    if pa.types.is_integer(raw.type):
        return _where(pc.is_in(raw, value_set=pa.array([0, 1], raw.type)), raw.cast(pa.bool_()))
    return None


def _datetime_from_typed(raw: pa.Array) -> pa.Array | None:
    if pa.types.is_date(raw.type):
        raw = raw.cast(pa.timestamp("ms"))
    if not pa.types.is_timestamp(raw.type):
        return None
    per_second = _PER_SECOND[raw.type.unit]
    ticks = raw.cast(pa.int64())
    # Within the years that text can write; this also keeps the product below from overflowing.
    low = max(FIRST_SECOND * per_second, -(2**63))
    high = min(END_SECOND * per_second - 1, 2**63 - 1)
    fits = pc.and_(pc.greater_equal(ticks, low), pc.less_equal(ticks, high))
    if raw.type.unit == "ns":
        micros = pc.divide(ticks, 1_000)
        fits = pc.and_(fits, pc.equal(pc.multiply(micros, 1_000), ticks))
    else:
        micros = pc.multiply(_where(fits, ticks), 1_000_000 // per_second)
    return _where(fits, micros).cast(pa.timestamp("us", "UTC"))


def _text_from_typed(raw: pa.Array) -> pa.Array | None:
    if pa.types.is_boolean(raw.type):
        return pc.if_else(raw, "true", "false")
    # A float has no one text: 7.0 might have been 7. Whole numbers do.
    return raw.cast(pa.string()) if pa.types.is_integer(raw.type) else None


def _integer_from_typed(raw: pa.Array) -> pa.Array | None:
    if pa.types.is_integer(raw.type):
        return _exactly(raw, pa.int64())
    if not pa.types.is_floating(raw.type):
        return None
    values = raw.cast(pa.float64())
    whole = pc.and_(pc.equal(pc.floor(values), values), pc.less(pc.abs(values), 2.0**53))
    return _where(whole.fill_null(False), values).cast(pa.int64())


def _number_from_typed(raw: pa.Array) -> pa.Array | None:
    if pa.types.is_integer(raw.type):
        return _exactly(raw, pa.float64())
    if not pa.types.is_floating(raw.type):
        return None
    values = raw.cast(pa.float64())
    return _where(pc.is_finite(values), values)


_FROM_TYPED: dict[str, Callable[[pa.Array], pa.Array | None]] = {
    "integer": _integer_from_typed,
    "number": _number_from_typed,
    "category": _text_from_typed,
    "boolean": _boolean_from_typed,
    "datetime": _datetime_from_typed,
    "text": _text_from_typed,
}


def _exactly(raw: pa.Array, target: pa.DataType) -> pa.Array:
    try:
        return raw.cast(target, safe=True)
    except pa.ArrowInvalid:
        pass
    low, high = (-(2**63), 2**63 - 1) if pa.types.is_int64(target) else (-(2**53), 2**53)
    kept = [v if v is not None and low <= v <= high else None for v in raw.to_pylist()]
    return pa.array(kept, target)
