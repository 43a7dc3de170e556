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
