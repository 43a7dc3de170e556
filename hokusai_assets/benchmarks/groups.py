"""Groups of test rows that a spec names, and how far their metrics may fall; no rows here.

A group is one class (all rows of one label) or one slice (rows for which conditions on feature
columns hold). `benchmarks.slices` finds a slice's rows.
"""

import datetime
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from types import NoneType
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from hokusai_assets.tables.columns import ColumnType

ClassMetricName = Literal["precision", "recall", "f1"]
Integer = Annotated[int, Field(strict=True)]
"""A whole number, and neither true nor a number in quotes, which lax validation takes for one."""
SliceName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,39}$")]
_TEXTS = ("category", "text")
_NUMBERS = ("integer", "number")


AS_WRITTEN = {"as_written": True}
"""The validation context of a spec from a file, where a group without a value is a slip."""


class Strict(BaseModel):
    """A part of a spec: no unknown key, no change."""

    model_config = ConfigDict(extra="forbid", frozen=True, serialize_by_alias=True)

    @field_validator("*", mode="before")
    @classmethod
    def _group_is_filled(cls, value: object, info: ValidationInfo) -> object:
        if value is None and info.context == AS_WRITTEN and info.field_name is not None:
            field = cls.model_fields[info.field_name]
            if is_group(field.annotation):
                fix = "fill it" if field.is_required() else "fill it or leave it out"
                raise PydanticCustomError("empty_group", "the key is empty; {fix}", {"fix": fix})
        return value


def without_none(annotation: Any) -> Any:
    """Return X of ``X | None``, and anything else as it is."""
    kinds = [kind for kind in get_args(annotation) if kind is not NoneType]
    is_optional = NoneType in get_args(annotation) and len(kinds) == 1
    return kinds[0] if is_optional else annotation


def is_group(annotation: Any) -> bool:
    """Tell whether a key of this type has keys of its own."""
    kind = without_none(annotation)
    return get_origin(kind) is dict or (isinstance(kind, type) and issubclass(kind, BaseModel))


class GuardrailSpec(Strict):
    """How far a metric may fall, in basis points, before a contribution is not accepted."""

    max_drop_bps: Annotated[Integer, Field(ge=0, le=10000)]


class SliceCondition(Strict):
    """One condition on one feature column: ``in``, or ``min`` and ``max``, or ``missing``.

    A missing cell meets ``missing: true`` alone. Bounds are held as canonical text, a number
    without needless zeros or a UTC moment, so that 60 and 60.0 are one spec; of a range
    ``min`` belongs to it and ``max`` does not.
    """

    column: str
    among: tuple[bool | str, ...] | None = Field(default=None, alias="in")
    min: str | None = None
    max: str | None = None
    missing: bool | None = None

    @field_validator("among", mode="before")
    @classmethod
    def _texts_or_booleans(cls, value: object) -> object:
        if value is None:
            return None
        if not isinstance(value, list | tuple) or not value:
            raise ValueError("a list of at least one value is needed")
        if not all(isinstance(item, bool | str) for item in value):
            raise ValueError("allowed are texts (in quotes), true and false; numbers take min, max")
        # The order in which they are written does not matter.
        return tuple(sorted(set(value), key=lambda item: (isinstance(item, str), item)))

    @field_validator("min", "max", mode="before")
    @classmethod
    def _canonical_bound(cls, value: object) -> object:
        return None if value is None else _bound_text(value)

    @model_validator(mode="after")
    def _asks_one_thing(self) -> "SliceCondition":
        kinds = (self.among, self.min or self.max, self.missing)
        if sum(kind is not None for kind in kinds) != 1:
            raise ValueError("exactly one is needed of 'in', 'min' and/or 'max', 'missing'")
        return self

    def misfit(self, column_type: ColumnType) -> str | None:
        """Say why the condition can't be put to a column of this type; None where it can."""
        if self.among is not None:
            return self._misfit_among(self.among, column_type)
        if self.missing is not None:
            return None
        if column_type not in (*_NUMBERS, "datetime"):
            return f"found min or max, but the column is of type {column_type}; use 'in'"
        return self._misfit_range(column_type)

    def _misfit_among(self, among: tuple[bool | str, ...], column_type: str) -> str | None:
        if column_type == "boolean":
            allowed = all(isinstance(item, bool) for item in among)
            return None if allowed else "in: a boolean column takes true and false"
        if column_type in _TEXTS:
            allowed = all(isinstance(item, str) for item in among)
            return None if allowed else f"in: a {column_type} column takes texts in quotes"
        return f"found in, but the column is of type {column_type}; use min and max"

    def _misfit_range(self, column_type: str) -> str | None:
        bounds = []
        for key, text in (("min", self.min), ("max", self.max)):
            if text is None:
                continue
            number = _number(text)
            if column_type == "datetime" and number is not None:
                return f"{key}: found {text}, a datetime column takes dates such as 2024-12-31"
            if column_type != "datetime" and number is None:
                return f"{key}: found {text!r}, the column's type {column_type} takes a number"
            if column_type == "integer" and number is not None and number % 1:
                return f"{key}: found {text}, an integer column takes whole numbers"
            bounds.append(_moment(text) if number is None else number)
        if len(bounds) == 2 and not bounds[0] < bounds[1]:  # type: ignore[operator]
            return f"min: found {self.min}, which is not below max, {self.max}"
        return None

    def number(self, key: Literal["min", "max"]) -> Decimal | None:
        """Return a bound of a number column; None where there is none."""
        text = getattr(self, key)
        return None if text is None else _number(text)

    def moment(self, key: Literal["min", "max"]) -> datetime.datetime | None:
        """Return a bound of a datetime column, in UTC; None where there is none."""
        text = getattr(self, key)
        return None if text is None else _moment(text)


class SliceSpec(Strict):
    """Test rows for which all conditions hold, and limits of this slice alone.

    Also written as one condition or as a list of conditions, without ``where``.
    """

    where: tuple[SliceCondition, ...]
    guardrails: dict[str, GuardrailSpec] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _long_form(cls, value: Any) -> Any:
        if isinstance(value, list | tuple):
            return {"where": value}
        if isinstance(value, dict) and not {"where", "guardrails"} & set(value):
            return {"where": [value]}
        if isinstance(value, dict) and isinstance(value.get("where"), dict):
            return value | {"where": [value["where"]]}
        if not isinstance(value, dict | SliceSpec):
            raise ValueError("a condition such as {column: age, min: 60}, or a list of them")
        return value

    @field_validator("where")
    @classmethod
    def _has_conditions(cls, value: tuple[SliceCondition, ...]) -> tuple[SliceCondition, ...]:
        if not value:
            raise ValueError("at least one condition is needed")
        return value


def slice_misfits(
    slices: Mapping[str, SliceSpec],
    columns: Mapping[str, tuple[ColumnType, str]],
    measured: tuple[str, ...],
) -> list[str]:
    """Say what of the slices does not fit the rest of a spec, a sentence each.

    Args:
        slices: by name.
        columns: type and privacy policy of each feature column.
        measured: names of the spec's metrics.
    """
    told = []
    for name, part in slices.items():
        for condition in part.where:
            key = f"slices.{name}: column {condition.column!r}"
            if condition.column not in columns:
                told.append(f"{key} is no feature column; allowed are {sorted(columns)}")
                continue
            kind, policy = columns[condition.column]
            if policy == "drop":
                told.append(f"{key} is dropped (pii: drop), so no row has it")
            elif (why := condition.misfit(kind)) is not None:
                told.append(f"{key}: {why}")
        if unmeasured := sorted(set(part.guardrails) - set(measured)):
            told.append(
                f"slices.{name}.guardrails: {unmeasured} not measured; allowed are {list(measured)}"
            )
    return told


def _bound_text(value: object) -> str:
    if isinstance(value, datetime.datetime):
        return _iso(value)
    if isinstance(value, datetime.date):
        return _iso(datetime.datetime.combine(value, datetime.time()))
    if isinstance(value, str):
        number = _number(value)
        if number is None:
            try:
                return _iso(datetime.datetime.fromisoformat(value))
            except ValueError:
                raise ValueError("a number or a date such as 2024-12-31 is needed") from None
    elif isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        number = _number(str(value))
    else:
        number = None
    if number is None:
        raise ValueError("a number or a date such as 2024-12-31 is needed")
    return format(number.normalize() + 0, "f")


def _number(text: str) -> Decimal | None:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    # Beyond these no column has cells, and a short exponent would write gigabytes of zeros.
    return number if number.is_finite() and abs(number.adjusted()) < 330 else None


def _moment(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(text)


def _iso(moment: datetime.datetime) -> str:
    # A moment without a zone is UTC, as in data files.
    zoned = moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)
    return zoned.astimezone(datetime.UTC).isoformat()
