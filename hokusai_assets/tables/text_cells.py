"""Typing cells that are text: each has an exact value of the declared type, or none."""

import datetime
import re
from collections.abc import Callable

import pyarrow as pa
import pyarrow.compute as pc

from hokusai_assets.tables.columns import ColumnType

INTEGER_PATTERN = r"^[+-]?[0-9]+(\.0+)?$"
NUMBER_PATTERN = r"^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?$"

_MAX_INTEGER_DIGITS = 18
_EXACT_IN_FLOAT = 2.0**53

# Compact and week dates are left out: an identifier such as 1512121291234 would pass for one.
_MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"(?:[T ][0-9]{2}(?::[0-9]{2}(?::[0-9]{2}(?:[.,](?P<fraction>[0-9]+))?)?)?"
    r"(?:Z|[+-][0-9]{2}(?::?[0-9]{2})?)?)?"
)
# The most usual forms of it, which Arrow reads too; what they have in common is UTC.
_USUAL_MOMENT = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?Z?)?$"
FIRST_SECOND, END_SECOND = -62_135_596_800, 253_402_300_800  # years 1 to 9999


def typed_from_text(trimmed: pa.Array, whole: pa.Array, column_type: ColumnType) -> pa.Array:
    """Return n cells of the column type's Arrow type, null where a text has no exact value.

    Args:
        trimmed: n texts without white space at their ends, null where missing.
        whole: the same as the file has them.
        column_type: the declared type.
    """
    if column_type == "text":
        return whole
    return _FROM_TEXT[column_type](trimmed)


def _where(mask: pa.Array, values: pa.Array) -> pa.Array:
    return pc.if_else(mask, values, pa.scalar(None, values.type))


def _all(mask: pa.Array) -> bool:
    """Say whether nothing that is there is false."""
    return pc.all(mask).as_py() is not False


def _integers(text: pa.Array) -> pa.Array:
    plain = pc.ascii_is_decimal(pc.ascii_ltrim(text, characters="-"))
    if _all(plain) and _all(pc.less_equal(pc.binary_length(text), _MAX_INTEGER_DIGITS)):
        try:
            return text.cast(pa.int64())
        except pa.ArrowInvalid:
            pass
    fits = pc.match_substring_regex(text, INTEGER_PATTERN).fill_null(False)
    digits = pc.replace_substring_regex(_where(fits, text), r"(^\+)|(\.0+$)", "")
    short = pc.less_equal(pc.utf8_length(digits), _MAX_INTEGER_DIGITS).fill_null(True)
    values = _where(short, digits).cast(pa.int64())
    if _all(short):
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


def _numbers(text: pa.Array) -> pa.Array:
    try:
        values = text.cast(pa.float64())
        # All that Arrow takes beyond the pattern is infinite or no number.
        if _all(pc.less(pc.abs(values), _EXACT_IN_FLOAT)):
            return values
    except pa.ArrowInvalid:
        pass
    fits = pc.match_substring_regex(text, NUMBER_PATTERN).fill_null(False)
    # Arrow's parser takes no leading plus sign; it rounds decimals correctly otherwise.
    text = pc.replace_substring_regex(_where(fits, text), r"^\+", "")
    values = text.cast(pa.float64())
    # As in Parquet: a whole number over 2^53 would be rounded, and is an identifier more likely.
    rounded = pc.and_(
        pc.greater_equal(pc.abs(values), _EXACT_IN_FLOAT),
        pc.and_(
            pc.match_substring_regex(text, r"^-?[0-9]+$"),
            pc.invert(pc.match_substring_regex(text, f"^-?0*{2**53}$")),
        ),
    )
    return _where(pc.and_not(pc.is_finite(values), rounded).fill_null(False), values)


def _booleans(text: pa.Array) -> pa.Array:
    lowered = pc.utf8_lower(text)
    true = pc.is_in(lowered, value_set=pa.array(["true", "1"]))
    false = pc.is_in(lowered, value_set=pa.array(["false", "0"]))
    return _where(pc.or_(true, false), true)


def _moments(text: pa.Array) -> pa.Array:
    usual = pc.match_substring_regex(text, _USUAL_MOMENT).fill_null(False)
    try:
        values = pc.utf8_rtrim(_where(usual, text), characters="Z").cast(pa.timestamp("us"))
    except pa.ArrowInvalid:
        # One is not in the calendar; which one, only looking at each can tell.
        usual = pa.array([False] * len(text))
        values = pa.nulls(len(text), pa.timestamp("us"))
    first = pa.scalar(FIRST_SECOND * 1_000_000).cast(pa.timestamp("us"))
    values = _where(pc.greater_equal(values, first), values).view(pa.timestamp("us", "UTC"))
    others = _where(pc.invert(usual), text)
    if others.null_count == len(others):
        return values
    encoded = others.dictionary_encode()
    read = [_exact_moment(other) for other in encoded.dictionary.to_pylist()]
    return pc.coalesce(values, pa.array(read, pa.timestamp("us", "UTC")).take(encoded.indices))


def _exact_moment(text: str) -> datetime.datetime | None:
    match = _MOMENT.fullmatch(text)
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


def _categories(text: pa.Array) -> pa.Array:
    return text


_FROM_TEXT: dict[str, Callable[[pa.Array], pa.Array]] = {
    "integer": _integers,
    "number": _numbers,
    "category": _categories,
    "boolean": _booleans,
    "datetime": _moments,
}
