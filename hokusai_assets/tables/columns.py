"""The column types a benchmark may declare, and the Arrow type each is held in."""

from typing import Literal, get_args

import pyarrow as pa

ColumnType = Literal["integer", "number", "category", "boolean", "datetime", "text"]
COLUMN_TYPES: tuple[str, ...] = get_args(ColumnType)

_ARROW_TYPES: dict[str, pa.DataType] = {
    "integer": pa.int64(),
    "number": pa.float64(),
    "category": pa.string(),
    "boolean": pa.bool_(),
    "datetime": pa.timestamp("us", "UTC"),
    "text": pa.string(),
}


def arrow_type(column_type: ColumnType) -> pa.DataType:
    """Return the Arrow type that holds a column of this type."""
    return _ARROW_TYPES[column_type]


def infer_column_type(array: pa.ChunkedArray) -> ColumnType:
    """Guess the type of a column that no spec describes yet, from its type and values.

    Text stored as numbers keeps leading zeros: a column where any value has them is a
    category. Strings are a category while they repeat (at most 100 different values and at
    most half as many as rows), else text.
    """
    kind = array.type
    if pa.types.is_boolean(kind):
        return "boolean"
    if pa.types.is_integer(kind):
        return "integer"
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return "number"
    if pa.types.is_temporal(kind):
        return "datetime"
    if pa.types.is_dictionary(kind):
        return "category"
    return _infer_from_text(array)


def _infer_from_text(array: pa.ChunkedArray) -> ColumnType:
    import pyarrow.compute as pc

    from hokusai_assets.tables.coercion import INTEGER_PATTERN, NUMBER_PATTERN

    present = pc.utf8_trim_whitespace(array.drop_null().cast(pa.string()))
    present = present.filter(pc.not_equal(present, ""))
    if len(present) == 0:
        return "category"

    def every(pattern: str) -> bool:
        return bool(pc.all(pc.match_substring_regex(present, pattern)).as_py())

    leading_zero = pc.any(pc.match_substring_regex(present, r"^[+-]?0[0-9]")).as_py()
    if every(INTEGER_PATTERN) and not leading_zero:
        return "integer"
    if every(NUMBER_PATTERN) and not leading_zero:
        return "number"
    if every("(?i)^(true|false)$"):
        return "boolean"
    if every(r"^\d{4}-\d\d-\d\d([T ]\d\d:\d\d.*)?$"):
        return "datetime"
    different = pc.count_distinct(present).as_py()
    return "category" if different <= 100 and different * 2 <= len(present) else "text"
