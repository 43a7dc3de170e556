"""Which rows belong to which slice of a benchmark."""

from collections.abc import Iterable
from decimal import ROUND_CEILING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from hokusai_assets.benchmarks.groups import SliceCondition
from hokusai_assets.benchmarks.spec import BenchmarkSpec, SpecError
from hokusai_assets.privacy.tokens import reduce_tokens
from hokusai_assets.tables.columns import arrow_type


def slice_membership(table: pa.Table, spec: BenchmarkSpec) -> dict[str, NDArray[np.bool_]]:
    """Return for each slice of the spec, ascending by name, which rows belong to it.

    Texts are compared as they stand, keyed tokens by their type (``<EMAIL>``), so that
    membership does not depend on the privacy key. A missing cell, and a number that is none,
    belongs to no range and no list.

    Args:
        table: n typed rows, such as a benchmark's test rows.
        spec: names the slices.

    Returns:
        (n,) bool by name.

    Raises:
        SpecError: a range is asked of a column whose cells are hashed personal data.
    """
    return {
        name: _all(
            table.num_rows, (_holds(table, condition, spec, name) for condition in part.where)
        )
        for name, part in sorted(spec.slices.items())
    }


def empty_slices(table: pa.Table, spec: BenchmarkSpec) -> list[str]:
    """Return the names of slices that hold no row."""
    return [name for name, rows in slice_membership(table, spec).items() if not rows.any()]


def _all(rows: int, conditions: Iterable[NDArray[np.bool_]]) -> NDArray[np.bool_]:
    found = np.ones(rows, dtype=bool)
    for holds in conditions:
        found &= holds
    return found


def _holds(
    table: pa.Table, condition: SliceCondition, spec: BenchmarkSpec, name: str
) -> NDArray[np.bool_]:
    column = table.column(condition.column)
    if condition.missing is not None:
        missing = _flags(pc.is_null(column, nan_is_null=True))
        return missing if condition.missing else ~missing
    if condition.among is not None:
        values = pa.array(condition.among)
        if pa.types.is_boolean(column.type) or pa.types.is_boolean(values.type):
            return _flags(pc.is_in(column, value_set=values.cast(column.type)))
        return _flags(pc.is_in(reduce_tokens(column), value_set=values))
    kind = arrow_type(spec.columns[condition.column].type)
    if column.type != kind:
        raise SpecError(
            f"slices.{name}: column {condition.column!r} holds hashed personal data, which lies "
            "in no range; set its pii to not_pii, or leave the slice out"
        )
    return _in_range(column, condition, kind)


def _in_range(
    column: pa.ChunkedArray, condition: SliceCondition, kind: pa.DataType
) -> NDArray[np.bool_]:
    found = np.ones(len(column), dtype=bool)
    if (low := _bound(condition, "min", kind)) is not None:
        found &= _flags(pc.greater_equal(column, low))
    if (high := _bound(condition, "max", kind)) is not None:
        found &= _flags(pc.less(column, high))
    return found


def _bound(condition: SliceCondition, key: str, kind: pa.DataType) -> pa.Scalar | None:
    if pa.types.is_timestamp(kind):
        moment = condition.moment(key)  # type: ignore[arg-type]
        return None if moment is None else pa.scalar(moment, kind)
    number = condition.number(key)  # type: ignore[arg-type]
    if number is None:
        return None
    if pa.types.is_integer(kind):
        # The check of the spec lets whole numbers through only.
        return pa.scalar(int(number.to_integral_value(ROUND_CEILING)), kind)
    return pa.scalar(float(number), kind)


def _flags(array: pa.ChunkedArray) -> NDArray[np.bool_]:
    flags: NDArray[np.bool_] = array.fill_null(False).to_numpy().astype(bool, copy=False)
    return flags
