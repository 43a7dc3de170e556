"""The bounds themselves: what they may be."""

from dataclasses import fields

import pytest

from hokusai_assets.tables.limits import ReadLimits


@pytest.mark.parametrize("bound", [field.name for field in fields(ReadLimits)])
@pytest.mark.parametrize("value", [0, -1])
def test_a_bound_that_lets_nothing_through_is_refused_by_name(bound: str, value: int) -> None:
    with pytest.raises(ValueError, match=bound):
        ReadLimits(**{bound: value})


def test_bounds_beyond_what_the_parsers_can_count_are_refused() -> None:
    with pytest.raises(ValueError, match="max_nesting"):
        ReadLimits(max_nesting=65)
    with pytest.raises(ValueError, match="max_row_bytes"):
        ReadLimits(max_row_bytes=2**30 + 1)
