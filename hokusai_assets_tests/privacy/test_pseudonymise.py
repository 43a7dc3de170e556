"""Tests of whole tables: what changes, what does not, and what is reported."""

import json
import random
import re
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hokusai_assets.privacy.keys import PrivacyKey
from hokusai_assets.privacy.pseudonymise import (
    PrivacyError,
    PrivacyReport,
    pseudonymise,
    residual_personal_data,
)
from hokusai_assets.privacy.tokens import reduce_table, token

KEY = PrivacyKey.from_secret(bytes(range(32)))
OTHER = PrivacyKey.from_secret(bytes(range(1, 33)))

CLEAN = [
    "plain words",
    "",
    " ",
    "\uff11\uff12 caf\u0065\u0301",
    "2024-01-15 10:30",
    "7",
    "\ufb01x",
    None,
]
PERSONAL = [
    "a@b.example", "mail C@D.example!", "ring 020 7946 0000", "192.0.2.1 and 192.0.2.2",
    "4111-1111-1111-1111", "ssn 123456789 \ufb01", "x\u200b@y.example", "4155552671",
    token("EMAIL", "x", KEY), "see " + token("PHONE", "y", OTHER),
]  # fmt: skip
CELLS = st.sampled_from(CLEAN + PERSONAL)


@st.composite
def tables(draw: st.DrawFn) -> pa.Table:
    rows = draw(st.integers(0, 8))
    columns = {
        name: draw(st.lists(CELLS, min_size=rows, max_size=rows))
        for name in ("text", "email", "phone")
    }
    table = pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()})
    return table.append_column("cat", table["text"].dictionary_encode()).append_column(
        "n", pa.array(range(4155552671, 4155552671 + rows), pa.int64())
    )


def run(table: pa.Table, key: PrivacyKey = KEY, **policies: str) -> tuple[pa.Table, PrivacyReport]:
    return pseudonymise(table, policies=policies, key=key)


def column(values: Any, name: str = "text", **policies: str) -> list[Any]:
    table, _ = pseudonymise(pa.table({name: values}), policies=policies, key=KEY)
    return list(table[name].to_pylist())


@given(tables())
@settings(deadline=None, max_examples=50)
def test_a_second_pass_changes_nothing_and_no_personal_data_is_left(table: pa.Table) -> None:
    once, _ = run(table)
    twice, report = run(once)
    assert twice.equals(once)
    assert report.rows_hashed == 0 and report.columns == ()
    assert residual_personal_data(once, policies={}) == []


@given(tables(), st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=50)
def test_row_order_does_not_matter(table: pa.Table, shuffler: random.Random) -> None:
    order = list(range(table.num_rows))
    shuffler.shuffle(order)
    order_array = pa.array(order, pa.int64())
    straight, report = run(table)
    shuffled, shuffled_report = run(table.take(order_array))
    assert shuffled.to_pydict() == straight.take(order_array).to_pydict()
    assert shuffled_report == report


@given(tables(), st.integers(0, 8))
@settings(deadline=None, max_examples=50)
def test_chunking_does_not_matter(table: pa.Table, cut: int) -> None:
    pieces = pa.concat_tables([table.slice(0, cut), table.slice(cut), table.slice(0, 0)])
    assert run(pieces)[0].to_pydict() == run(table)[0].to_pydict()
    assert run(pieces)[1] == run(table)[1]


@given(tables())
@settings(deadline=None, max_examples=50)
def test_the_reduced_table_does_not_depend_on_the_key(table: pa.Table) -> None:
    assert reduce_table(run(table, KEY)[0]).equals(reduce_table(run(table, OTHER)[0]))


@given(st.lists(CELLS, max_size=12))
@settings(deadline=None, max_examples=50)
def test_cells_without_personal_data_are_byte_identical(cells: list[str | None]) -> None:
    # Enough plain cells that the column is never taken for a column of one entity.
    padded = [*cells, *["word"] * (len(cells) + 1)]
    for before, after in zip(padded, column(padded), strict=True):
        if before is None or before in CLEAN or before in ("word", "4155552671", PERSONAL[8]):
            assert after == before
        else:
            assert after != before


@given(st.lists(st.text(alphabet="abc \u00e9\u200b\uff11.,-@/"), max_size=6))
@settings(deadline=None, max_examples=50)
def test_text_without_values_is_byte_identical(cells: list[str]) -> None:
    table = pa.table({"text": pa.array(cells, pa.string())})
    result, report = run(table)
    if report.rows_hashed == 0:
        assert result.equals(table)
    for before, after in zip(cells, result["text"].to_pylist(), strict=True):
        assert before == after or "<EMAIL:" in after


def test_spellings_of_one_value_give_one_token_in_text_and_under_a_header() -> None:
    table = pa.table(
        {
            "note": ["ring (415) 555-2671 or", "nothing", "nothing"],
            "phone": ["415.555.2671", "+1 415 555 2671", "4155552671"],
            "tel": pa.array([4155552671, 14155552671, None], pa.int64()),
        }
    )
    text = run(table)[0].to_pydict()
    expected = token("PHONE", "+14155552671", KEY)
    assert text["note"] == [f"ring {expected} or", "nothing", "nothing"]
    assert text["phone"] == [expected] * 3
    assert text["tel"] == [expected, expected, None]


def test_a_header_hashes_values_that_are_not_valid_too_but_not_blanks() -> None:
    result = column(["a@b.example", "none of yours", "", "  ", None], "email")
    assert result == [
        token("EMAIL", "a@b.example", KEY), token("EMAIL", "none of yours", KEY), "", "  ", None,
    ]  # fmt: skip


def test_a_column_where_most_values_match_is_hashed_whole_and_half_is_not_most() -> None:
    mails = ["a@b.example", " c@d.example "]
    assert column([*mails, "zed", None, ""])[2] == token("EMAIL", "zed", KEY)
    assert column([*mails, "zed", "ypsilon"])[2:] == ["zed", "ypsilon"]
    _, report = run(pa.table({"text": [*mails, "zed"]}))
    assert [(entry.how, entry.cells) for entry in report.columns] == [("values", 3)]


def test_numbers_booleans_and_times_never_change_on_shape() -> None:
    table = pa.table(
        {
            "a": [4155552671, 4111111111111111],
            "b": [4155552671.0, None],
            "c": [True, None],
            "d": pa.array([1, 2], pa.timestamp("us")),
            "ids": ["4155552671", "2125550123"],
        }
    )
    result, report = run(table)
    assert result.equals(table)
    assert report.rows_hashed == 0


@pytest.mark.parametrize(
    ("values", "text"),
    [([4155552671], "+14155552671"), ([4155552671.0], "+14155552671"), ([True], "true")],
)
def test_a_policy_hashes_a_column_of_any_flat_type(values: Any, text: str) -> None:
    assert column([*values, None], "x", x="pii:phone") == [token("PHONE", text, KEY), None]


def test_waived_and_dropped_columns_are_named() -> None:
    table = pa.table({"email": ["a@b.example"], "b": ["c@d.example"], "z": [1]})
    result, report = run(table, email="not_pii", b="drop", absent="drop")
    assert result.to_pydict() == {"email": ["a@b.example"], "z": [1]}
    assert (report.waived, report.dropped, report.rows_hashed) == (("email",), ("b",), 0)
    assert residual_personal_data(result, policies={"email": "not_pii"}) == []


def test_a_protected_column_is_never_altered() -> None:
    table = pa.table({"email": ["a@b.example"]})
    result, report = pseudonymise(table, policies={}, key=KEY, protected=("email",))
    assert result.equals(table) and report.columns == ()
    assert residual_personal_data(table, policies={}, protected=("email",)) == []
    assert len(residual_personal_data(table, policies={})) == 1


def test_the_report_counts_rows_once_and_cells_per_entity() -> None:
    table = pa.table(
        {
            "a": ["x a@b.example a@b.example 192.0.2.1", "x", "x", "from c@d.example"],
            "b": ["x", "x", "to 192.0.2.9 x", "x 192.0.2.9"],
        }
    )
    _, report = run(table)
    assert json.loads(json.dumps(report.to_dict())) == {
        "rows_hashed": 3,
        "columns": [
            {"column": "a", "entity": "EMAIL", "cells": 2, "share_ppm": 500000, "how": "spans"},
            {"column": "a", "entity": "IP", "cells": 1, "share_ppm": 250000, "how": "spans"},
            {"column": "b", "entity": "IP", "cells": 2, "share_ppm": 500000, "how": "spans"},
        ],
        "waived": [],
        "dropped": [],
    }


def test_the_residual_names_column_entity_and_count_but_no_value() -> None:
    table = pa.table(
        {"text": ["x a@b.example", "y c@d.example 192.0.2.1", "z"], "ssn": [123456789] * 3}
    )
    found = residual_personal_data(table, policies={})
    assert [(item.column, item.entity, item.cells) for item in found] == [
        ("ssn", "SSN", 3), ("text", "EMAIL", 2), ("text", "IP", 1),
    ]  # fmt: skip
    assert not re.search(r"@|192|123456789", repr(found))


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.string_view()], ids=str)
def test_the_arrow_type_of_text_is_kept(kind: pa.DataType) -> None:
    table = pa.table({"text": pa.array(["x a@b.example", None, "y"], kind)})
    result, _ = run(table)
    assert result.schema == table.schema
    assert result["text"].to_pylist() == [f"x {token('EMAIL', 'a@b.example', KEY)}", None, "y"]


def test_a_dictionary_column_stays_one_and_loses_entries_no_row_uses() -> None:
    kind = pa.dictionary(pa.int8(), pa.string())
    words = pa.array(["x", "bob@example.com", "x 192.0.2.1"])
    hidden = pa.DictionaryArray.from_arrays(pa.array([0, None], pa.int8()), words)
    used = pa.DictionaryArray.from_arrays(pa.array([0, 2, 0], pa.int8()), words)
    for array, expected in (
        (hidden, ["x", None]),
        (used, ["x", f"x {token('IP', '192.0.2.1', KEY)}", "x"]),
    ):
        result = run(pa.table({"text": array}))[0]["text"]
        assert result.type == kind
        assert result.to_pylist() == expected
        assert "bob@example.com" not in str([chunk.dictionary for chunk in result.chunks])


def test_metadata_is_removed() -> None:
    field = pa.field("n", pa.int64(), metadata={"owner": "bob@example.com"})
    table = pa.table([[1]], schema=pa.schema([field], metadata={"by": "bob@example.com"}))
    schema = run(table)[0].schema
    assert schema.metadata is None and schema.field("n").metadata is None


@pytest.mark.parametrize("rows", [0, 3])
def test_empty_tables_and_null_columns_pass(rows: int) -> None:
    table = pa.table(
        {"text": pa.array([None] * rows, pa.string()), "email": pa.nulls(rows), "c":
         pa.array([None] * rows, pa.dictionary(pa.int32(), pa.string()))}
    )  # fmt: skip
    assert run(table)[0].equals(table)
    dropped, report = run(table.select(["text"]), text="drop")
    assert (dropped.num_columns, report.dropped) == (0, ("text",))


def test_errors_hold_no_value() -> None:
    with pytest.raises(PrivacyError) as caught:
        run(pa.table({"x": [["bob@example.com"]]}))
    assert "bob" not in str(caught.value)


def test_every_candidate_of_every_entity_reaches_the_slow_path_from_any_column() -> None:
    values = [
        "a@b.example", "::ffff:c000:201", "2001:db8:1:2:3:4:5:6", "192.0.2.1",
        "4111 1111 1111 1111",
        "ssn is 123 45 6789", "+44 (0) 20 7946 0000", "(0)20 - 7946 - 0000",
        "\uff0b44\u00a020\u00a07946\u00a00000",
        "192\uff0e0\uff0e2\uff0e1", "b\u200b@\u200bc.example", "123\u201145\u20116789",
    ]  # fmt: skip
    for value in values:
        assert "<" in column([f"x {value} y", "x", "x"])[0], value
