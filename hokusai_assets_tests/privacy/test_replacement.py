"""Tests of the second pass over one column."""

from typing import Any

import pyarrow as pa
import pytest

from hokusai_assets.privacy.recognisers import default_recognisers
from hokusai_assets.privacy.replacement import Replacement, apply, without_unused_entries
from hokusai_assets.privacy.spans import Finding
from hokusai_assets.privacy.triggers import Triggers

TRIGGERS = Triggers(default_recognisers())
EMAIL = next(row for row in TRIGGERS.recognisers if row.entity == "EMAIL")
PHONE = next(row for row in TRIGGERS.recognisers if row.entity == "PHONE")
OWN = "<EMAIL:kabcdef:" + "a" * 40 + ">"
FOREIGN = "<IP:kabcdef:" + "b" * 40 + ">"


class Calls:
    """Records what is asked to be replaced."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str]] = []

    def __call__(self, finding: Finding) -> str:
        self.seen.append((finding.entity, finding.canonical))
        return f"[{finding.entity}]"


def chunked(*parts: list[Any], kind: pa.DataType | None = None) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(part, kind) for part in parts], kind)


def test_whole_cells_are_replaced_each_distinct_value_once() -> None:
    calls = Calls()
    column = chunked(["A@b.example", None, " "], ["A@b.example", OWN, FOREIGN, "none"])
    changes = Replacement(lambda text: text == OWN, calls).whole(column, EMAIL)
    assert changes.rows.tolist() == [True, False, False, True, False, True, True]
    assert changes.texts.to_pylist() == ["[EMAIL]", "[EMAIL]", "[IP]", "[EMAIL]"]
    # A foreign token counts for the entity it names.
    assert changes.cells == {"EMAIL": 3, "IP": 1}
    assert calls.seen == [("EMAIL", "a@b.example"), ("IP", FOREIGN), ("EMAIL", "none")]


@pytest.mark.parametrize(
    ("values", "kind", "text"),
    [
        ([4155552671], pa.int64(), "+14155552671"),
        ([4155552671.0], pa.float64(), "+14155552671"),
        ([2.5], pa.float64(), "2.5"),
        ([True], pa.bool_(), "true"),
    ],
)
def test_values_of_any_flat_type_are_spelled_as_text(
    values: list[Any], kind: pa.DataType, text: str
) -> None:
    calls = Calls()
    changes = Replacement(lambda _: False, calls).whole(chunked([*values, None], kind=kind), PHONE)
    assert calls.seen == [("PHONE", text)]
    assert changes.rows.tolist() == [True, False]


def test_values_inside_text_are_replaced_and_counted_per_cell() -> None:
    column = chunked(["mail a@b.example, c@d.example", "x"], [None, f"{OWN} from 192.0.2.1"])
    changes = Replacement(lambda text: text == OWN, Calls()).inside(column, TRIGGERS, None)
    assert changes.rows.tolist() == [True, False, False, True]
    assert changes.texts.to_pylist() == ["mail [EMAIL], [EMAIL]", f"{OWN} from [IP]"]
    assert changes.cells == {"EMAIL": 1, "IP": 1}


def test_hits_of_the_first_pass_give_the_same_changes() -> None:
    column = chunked(["mail a@b.example", "x", "192.0.2.1"])
    replacement = Replacement(lambda _: False, Calls())
    scanned = replacement.inside(column, TRIGGERS, None)
    known = replacement.inside(column, TRIGGERS, TRIGGERS.hits(column))
    assert known.rows.tolist() == scanned.rows.tolist()
    assert known.texts.equals(scanned.texts) and known.cells == scanned.cells


@pytest.mark.parametrize(
    "kind",
    [pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int8(), pa.string()),
     pa.dictionary(pa.int32(), pa.large_string())],
    ids=str,
)  # fmt: skip
def test_changes_are_put_back_chunk_by_chunk_in_the_columns_type(kind: pa.DataType) -> None:
    plain = chunked(["a@b.example", "x"], [], ["y", None, "c@d.example"], kind=pa.string())
    column = plain.cast(kind)
    changes = Replacement(lambda _: False, Calls()).inside(column, TRIGGERS, None)
    result = apply(column, changes, kind)
    assert result.type == kind
    assert result.to_pylist() == ["[EMAIL]", "x", "y", None, "[EMAIL]"]


def test_a_dictionary_of_narrow_indices_takes_more_values_than_it_can_index_at_once() -> None:
    # int8 counts to 127; each chunk has fewer values, all of them together more.
    kind = pa.dictionary(pa.int8(), pa.string())
    parts = [[f"u{part}x{row}@b.example" for row in range(100)] for part in range(3)]
    column = pa.chunked_array([pa.array(part).dictionary_encode().cast(kind) for part in parts])
    changes = Replacement(lambda _: False, lambda f: f.canonical.upper()).inside(
        column, TRIGGERS, None
    )
    result = apply(column, changes, kind)
    assert result.to_pylist() == [text.upper() for part in parts for text in part]


def test_entries_no_row_uses_are_dropped_and_used_ones_are_not_touched() -> None:
    words = pa.array(["x", "bob@example.com"])
    used = pa.chunked_array([pa.DictionaryArray.from_arrays(pa.array([1, 0], pa.int8()), words)])
    assert without_unused_entries(used) is used
    hidden = pa.chunked_array([pa.DictionaryArray.from_arrays(pa.array([0, 0], pa.int8()), words)])
    assert without_unused_entries(hidden).chunk(0).dictionary.to_pylist() == ["x"]
