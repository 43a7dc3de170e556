"""Guessing the type of a column that no spec describes yet."""

import pyarrow as pa
import pyarrow.compute as pc

from hokusai_assets.privacy.tokens import is_text
from hokusai_assets.tables.coercion import coerce_column
from hokusai_assets.tables.columns import ColumnType


def infer_column_type(array: pa.ChunkedArray) -> ColumnType | None:
    """Guess the type of a column that no spec describes yet, from its type and values.

    Text stored as numbers keeps leading zeros: a column where any value has them is a
    category. Strings are a category while they repeat (at most 100 different values and at
    most half as many as rows), else text. None: no column type holds such values (lists,
    bytes, times of day).
    """
    kind = array.type
    if pa.types.is_dictionary(kind):
        if is_text(kind.value_type):
            return "category"
        return infer_column_type(array.cast(kind.value_type))
    if pa.types.is_boolean(kind):
        return "boolean"
    if pa.types.is_integer(kind):
        # Whole numbers over 2^63-1 are identifiers.
        return "integer" if _fits(array, "integer") else "category"
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return "number"
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return "datetime"
    if is_text(kind) or pa.types.is_null(kind):
        return _infer_from_text(array)
    return None


def _fits(array: pa.ChunkedArray, column_type: ColumnType) -> bool:
    return not coerce_column("", array, column_type, nullable=True)[1]


def _infer_from_text(array: pa.ChunkedArray) -> ColumnType:
    present = pc.utf8_trim_whitespace(array.cast(pa.string()).drop_null())
    present = present.filter(pc.not_equal(present, ""))
    if len(present) == 0:
        return "category"

    leading_zero = pc.any(pc.match_substring_regex(present, r"^[+-]?0[0-9]")).as_py()
    if _fits(present, "integer"):
        return "category" if leading_zero else "integer"
    if _fits(present, "number"):
        return "category" if leading_zero else "number"
    if pc.all(pc.match_substring_regex(present, "(?i)^(true|false)$")).as_py():
        return "boolean"
    if _fits(present, "datetime"):
        return "datetime"
    different = pc.count_distinct(present).as_py()
    return "category" if different <= 100 and different * 2 <= len(present) else "text"
