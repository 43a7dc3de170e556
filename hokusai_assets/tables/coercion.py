"""Typing the cells of a raw table exactly as a schema says, or saying which rows do not fit.

Every format reaches the same typed cells: CSV and JSON cells arrive as the text written in
the file, Parquet cells as typed values. A cell that is empty or holds only white space is
missing in every format. Nothing is guessed and nothing is rounded: a cell that has no exact
value of the declared type is a problem.
"""

import datetime
import re
from collections.abc import Callable, Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from hokusai_assets.tables.columns import ColumnType, arrow_type
from hokusai_assets.tables.problems import SHOWN_ROWS, Problem, rows_in_words

INTEGER_PATTERN = r"^[+-]?[0-9]+(\.0+)?$"
NUMBER_PATTERN = r"^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?$"

_EXPECTED = {
    "integer": "a whole number between -2^63 and 2^63-1, such as 42",
    "number": "a finite decimal number, such as 3.5 (whole numbers up to 2^53)",
    "category": "a text or a whole number",
    "boolean": "true or false (or 1 or 0)",
    "datetime": "an ISO 8601 date or time to the microsecond, such as 2024-05-31 or "
    "2024-05-31T12:00:00Z",
    "text": "a text or a whole number",
}
_MAX_INTEGER_DIGITS = 18

# Compact and week dates are left out: an identifier such as 1512121291234 would pass for one.
_MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"(?:[T ][0-9]{2}(?::[0-9]{2}(?::[0-9]{2}(?:[.,](?P<fraction>[0-9]+))?)?)?"
    r"(?:Z|[+-][0-9]{2}(?::?[0-9]{2})?)?)?"
)
_FIRST_SECOND, _END_SECOND = -62_135_596_800, 253_402_300_800  # years 1 to 9999
_PER_SECOND = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}


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
    raw = pa.concat_arrays(array.chunks) if array.num_chunks else pa.array([], array.type)
    if pa.types.is_dictionary(raw.type):
        raw = raw.dictionary_decode()
    if pa.types.is_null(raw.type):
        raw = raw.cast(pa.string())
    if pa.types.is_large_string(raw.type) or pa.types.is_string_view(raw.type):
        raw = raw.cast(pa.string())
    missing = pc.is_null(raw, nan_is_null=True)
    if pa.types.is_string(raw.type):
        missing = pc.or_(missing, pc.equal(pc.utf8_trim_whitespace(raw.fill_null("")), ""))
        raw = pc.if_else(missing, pa.scalar(None, pa.string()), raw)
        typed = _FROM_TEXT[column_type](raw)
    else:
        typed = _from_typed(raw, column_type)
    problems = []
    misfit = pc.and_(pc.is_null(typed), pc.invert(missing))
    if rows := _row_numbers(misfit):
        problems.append(
            Problem(
                rule="wrong-type",
                message=f"column {name!r}, {rows_in_words(rows)}: not {_EXPECTED[column_type]}.",
                fix=f"Write every cell of {name!r} as {_EXPECTED[column_type]}, or remove the row.",
                column=name,
                rows=tuple(rows[:SHOWN_ROWS]),
                count=len(rows),
            )
        )
    if not nullable and (rows := _row_numbers(missing)):
        problems.append(
            Problem(
                rule="missing-value",
                message=f"column {name!r}, {rows_in_words(rows)}: the cell is empty.",
                fix=f"Fill every cell of {name!r}, or remove the row.",
                column=name,
                rows=tuple(rows[:SHOWN_ROWS]),
                count=len(rows),
            )
        )
    return typed, problems


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


def _row_numbers(mask: pa.Array) -> list[int]:
    return [int(i) + 1 for i in np.flatnonzero(np.asarray(mask.fill_null(False)))]


def _where(mask: pa.Array, values: pa.Array) -> pa.Array:
    return pc.if_else(mask, values, pa.scalar(None, values.type))


def _integer_from_text(raw: pa.Array) -> pa.Array:
    trimmed = pc.utf8_trim_whitespace(raw)
    fits = pc.match_substring_regex(trimmed, INTEGER_PATTERN).fill_null(False)
    digits = pc.replace_substring_regex(_where(fits, trimmed), r"(^\+)|(\.0+$)", "")
    short = pc.less_equal(pc.utf8_length(digits), _MAX_INTEGER_DIGITS).fill_null(True)
    values = _where(short, digits).cast(pa.int64())
    if pc.all(short).as_py() is not False:
        return values
    return pa.array([_exact_int64(text) for text in digits.to_pylist()], pa.int64())


def _exact_int64(text: str | None) -> int | None:
    if text is None:
        return None
    # int() of a long text is quadratic, and refused from 4300 digits on, zeros included.
    digits = text.lstrip("-0")
    if len(digits) > _MAX_INTEGER_DIGITS + 1:
        return None
    value = int(digits or "0") * (-1 if text.startswith("-") else 1)
    return value if -(2**63) <= value < 2**63 else None


def _number_from_text(raw: pa.Array) -> pa.Array:
    trimmed = pc.utf8_trim_whitespace(raw)
    fits = pc.match_substring_regex(trimmed, NUMBER_PATTERN).fill_null(False)
    # Arrow's parser takes no leading plus sign; it rounds decimals correctly otherwise.
    text = pc.replace_substring_regex(_where(fits, trimmed), r"^\+", "")
    values = text.cast(pa.float64())
    # As in Parquet: a whole number over 2^53 would be rounded, and is an identifier more likely.
    rounded = pc.and_(
        pc.greater_equal(pc.abs(values), 2.0**53),
        pc.and_(
            pc.match_substring_regex(text, r"^-?[0-9]+$"),
            pc.invert(pc.match_substring_regex(text, f"^-?0*{2**53}$")),
        ),
    )
    return _where(pc.and_not(pc.is_finite(values), rounded).fill_null(False), values)


def _boolean_from_text(raw: pa.Array) -> pa.Array:
    lowered = pc.utf8_lower(pc.utf8_trim_whitespace(raw))
    true = pc.is_in(lowered, value_set=pa.array(["true", "1"]))
    false = pc.is_in(lowered, value_set=pa.array(["false", "0"]))
    return _where(pc.or_(true, false), true)


def _datetime_from_text(raw: pa.Array) -> pa.Array:
    encoded = raw.dictionary_encode()
    moments = [_exact_moment(text) for text in encoded.dictionary.to_pylist()]
    return pa.array(moments, pa.timestamp("us", "UTC")).take(encoded.indices)


def _exact_moment(text: str) -> datetime.datetime | None:
    match = _MOMENT.fullmatch(text.strip())
    if match is None or (match["fraction"] or "")[6:].strip("0"):
        return None
    try:
        moment = datetime.datetime.fromisoformat(match[0])
        # A time without a zone is taken as UTC, so that the reading machine's zone is no input.
        if moment.tzinfo is None:
            return moment.replace(tzinfo=datetime.UTC)
        return moment.astimezone(datetime.UTC)
    except (ValueError, OverflowError):
        return None


def _category_from_text(raw: pa.Array) -> pa.Array:
    return pc.utf8_trim_whitespace(raw)


def _text_from_text(raw: pa.Array) -> pa.Array:
    return raw


_FROM_TEXT: dict[str, Callable[[pa.Array], pa.Array]] = {
    "integer": _integer_from_text,
    "number": _number_from_text,
    "category": _category_from_text,
    "boolean": _boolean_from_text,
    "datetime": _datetime_from_text,
    "text": _text_from_text,
}


def _from_typed(raw: pa.Array, column_type: ColumnType) -> pa.Array:
    if pa.types.is_decimal(raw.type):
        # Decimal text is exact, so the one path for text decides what fits.
        return _FROM_TEXT[column_type](raw.cast(pa.string()))
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
    low = max(_FIRST_SECOND * per_second, -(2**63))
    high = min(_END_SECOND * per_second - 1, 2**63 - 1)
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
