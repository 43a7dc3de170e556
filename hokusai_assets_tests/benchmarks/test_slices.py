"""Slices of a test set: which rows they hold, how they are written, what is refused."""

import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hokusai_assets.benchmarks.loading import load_benchmark, load_spec
from hokusai_assets.benchmarks.slices import empty_slices, slice_membership
from hokusai_assets.benchmarks.spec import BenchmarkSpec, SpecError
from hokusai_assets.privacy.keys import PrivacyKey
from hokusai_assets.privacy.tokens import token
from hokusai_assets_tests.benchmarks.small_benchmark import KEY, SPEC_TEXT, raw_spec, write_small

COLUMNS = {
    "age": {"type": "integer"},
    "km": {"type": "number"},
    "region": {"type": "category"},
    "open": {"type": "boolean"},
    "sent": {"type": "datetime"},
    "note": {"type": "text"},
}


def spec_of(slices: dict[str, Any], **changes: Any) -> BenchmarkSpec:
    return BenchmarkSpec.model_validate(
        raw_spec() | {"columns": COLUMNS, "slices": slices} | changes
    )


def day(number: int) -> datetime.datetime:
    return datetime.datetime(2024, 1, number, tzinfo=datetime.UTC)


TABLE = pa.table(
    {
        "age": pa.array([59, 60, 79, 80, None], pa.int64()),
        "km": pa.array([0.5, float("nan"), -0.0, 1e300, None], pa.float64()),
        "region": pa.array(["north", "east", "North", None, "south"]),
        "open": pa.array([True, False, None, True, False]),
        "sent": pa.array([day(1), day(2), None, day(3), day(4)], pa.timestamp("us", "UTC")),
        "note": pa.array(["", "a b", "a  b", None, "a b"]),
    }
)


@pytest.mark.parametrize(
    ("condition", "held"),
    [
        ({"column": "age", "min": 60, "max": 80}, [1, 2]),
        ({"column": "age", "max": 60}, [0]),
        ({"column": "age", "min": 60.0}, [1, 2, 3]),
        ({"column": "km", "min": 0}, [0, 2, 3]),
        ({"column": "km", "max": 0.5}, [2]),
        ({"column": "km", "missing": True}, [1, 4]),
        ({"column": "km", "missing": False}, [0, 2, 3]),
        ({"column": "region", "in": ["north", "east"]}, [0, 1]),
        ({"column": "region", "missing": True}, [3]),
        ({"column": "open", "in": [True]}, [0, 3]),
        ({"column": "open", "in": [True, False]}, [0, 1, 3, 4]),
        ({"column": "sent", "min": "2024-01-02", "max": datetime.date(2024, 1, 4)}, [1, 3]),
        ({"column": "sent", "min": "2024-01-02T01:00:00+01:00"}, [1, 3, 4]),
        ({"column": "note", "in": ["a b"]}, [1, 4]),
    ],
)
def test_a_slice_holds_the_rows_that_meet_its_condition(
    condition: dict[str, Any], held: list[int]
) -> None:
    found = slice_membership(TABLE, spec_of({"one": condition}))
    assert np.flatnonzero(found["one"]).tolist() == held
    assert found["one"].dtype == bool and len(found["one"]) == TABLE.num_rows


def test_all_conditions_of_a_slice_must_hold_and_names_come_in_order() -> None:
    slices = {
        "young": {"column": "age", "max": 60},
        "later": [{"column": "age", "min": 60}, {"column": "open", "in": [False]}],
    }
    found = slice_membership(TABLE, spec_of(slices))
    assert list(found) == ["later", "young"]
    assert np.flatnonzero(found["later"]).tolist() == [1]


@settings(deadline=None)
@given(
    st.lists(st.none() | st.integers(-5, 5), min_size=1, max_size=30),
    st.integers(-6, 6),
    st.integers(1, 6),
)
def test_a_range_holds_what_pandas_finds_between_its_bounds(
    cells: list[int | None], low: int, width: int
) -> None:
    table = pa.table({"age": pa.array(cells, pa.int64())})
    condition = {"column": "age", "min": low, "max": low + width}
    found = slice_membership(table, spec_of({"one": condition}))["one"]
    expected = pd.Series(cells, dtype="Int64").between(low, low + width, inclusive="left")
    assert found.tolist() == expected.fillna(False).tolist()


@given(st.permutations(range(TABLE.num_rows)))
def test_membership_goes_with_the_row(order: list[int]) -> None:
    spec = spec_of({"one": [{"column": "km", "min": 0}, {"column": "open", "in": [True]}]})
    moved = slice_membership(TABLE.take(pa.array(order)), spec)["one"]
    assert moved.tolist() == slice_membership(TABLE, spec)["one"][order].tolist()


def test_hashed_cells_are_compared_by_their_type_whatever_the_key() -> None:
    spec = spec_of({"mailed": {"column": "region", "in": ["<EMAIL>"]}})
    for name in ("kabcdef", "kghijkl"):
        cell = token("EMAIL", "a@example.com", PrivacyKey(name, name.encode() * 5))
        table = TABLE.set_column(2, "region", pa.array([cell, "north", cell, None, "x"]))
        assert slice_membership(table, spec)["mailed"].tolist() == [True, False, True, False, False]


def test_a_range_over_hashed_cells_is_refused_with_a_remedy() -> None:
    table = TABLE.set_column(0, "age", pa.array(["<PHONE>"] * TABLE.num_rows))
    with pytest.raises(SpecError, match=r"slices\.old: column 'age' holds hashed personal data"):
        slice_membership(table, spec_of({"old": {"column": "age", "min": 60}}))


def test_slices_without_a_row_are_named() -> None:
    slices = {"none": {"column": "age", "min": 1000}, "some": {"column": "age", "min": 60}}
    assert empty_slices(TABLE, spec_of(slices)) == ["none"]


# --- how they are written -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"column": "age", "min": 60}, [{"column": "age", "min": 60.0}]),
        ({"column": "age", "min": 60}, {"where": {"column": "age", "min": "60"}}),
        ({"column": "age", "max": 100}, {"where": [{"column": "age", "max": 1e2}]}),
        ({"column": "region", "in": ["b", "a"]}, {"column": "region", "in": ["a", "b", "a"]}),
        ({"column": "sent", "min": "2024-01-02"}, {"column": "sent", "min": day(2)}),
    ],
)
def test_the_same_slice_written_otherwise_is_the_same_spec(one: Any, other: Any) -> None:
    assert spec_of({"s": one}).spec_hash() == spec_of({"s": other}).spec_hash()


def test_a_spec_with_slices_comes_back_from_its_stored_form() -> None:
    spec = spec_of(
        {
            "a": {"column": "age", "min": 60, "max": 80},
            "b": {"where": {"column": "region", "in": ["north"]}, "guardrails": {}},
            "c": [{"column": "open", "in": [True]}, {"column": "km", "missing": False}],
        }
    )
    again = BenchmarkSpec.model_validate(spec.model_dump(mode="json"))
    assert again == spec and again.spec_hash() == spec.spec_hash()


LIMIT = "{max_drop_bps: 3}"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("slices: {Many: {column: km, min: 4}}", ["slices.Many", "^[a-z][a-z0-9_-]{0,39}$"]),
        ("slices: {s: {column: parcels, min: 4.5}}", ["slices.s", "min: found 4.5", "whole"]),
        ("slices: {s: {column: parcel, min: 4}}", ["'parcel' is no feature", "'parcels'"]),
        ("slices: {s: {column: late, in: [yes]}}", ["'late' is no feature column"]),
        ("slices: {s: {column: km, mim: 4}}", ["slices.s.mim: unknown", "'min'?", "in, max, min"]),
        ("slices: {s: [{column: km, mim: 4}]}", ["slices.s.0.mim: unknown key"]),
        ("slices: {s: {where: {column: km, mim: 4}}}", ["slices.s.where.mim: unknown key"]),
        ("slices: {s: {column: km}}", ["slices.s: exactly one is needed of 'in', 'min'"]),
        ("slices: {s: {column: km, min: 1, missing: true}}", ["slices.s: exactly one"]),
        ("slices: {s: {column: km, min: 5, max: 5}}", ["found 5, which is not below max, 5"]),
        ("slices: {s: {column: km, min: 1e999}}", ["slices.s.min: found inf"]),
        (
            "slices: {s: {column: km, min: true}}",
            ["slices.s.min: found True", "a number or a date"],
        ),
        ("slices: {s: {column: km, min: 2024-01-01}}", ["min: found '2024-01-01", "a number"]),
        ("slices: {s: {column: note, min: 5}}", ["of type text; use 'in'"]),
        ("slices: {s: {column: km, in: [a]}}", ["of type number; use min and max"]),
        ("slices: {s: {column: note, in: [1]}}", ["slices.s.in: found [1]", "texts (in quotes)"]),
        ("slices: {s: {column: note, in: [true]}}", ["a text column takes texts in quotes"]),
        ("slices: {s: {column: note, in: []}}", ["slices.s.in: found []", "at least one value"]),
        ("slices: {s: []}", ["slices.s.where: found [], at least one condition"]),
        ("slices: {s: 3}", ["slices.s: found 3, a condition such as"]),
        (
            f"slices: {{s: {{where: {{column: km, min: 1}}, guardrails: {{auc: {LIMIT}}}}}}}",
            ["slices.s.guardrails: ['auc'] not measured", "'accuracy'"],
        ),
        (f"slice_guardrails: {{f1: {LIMIT}}}", ["slice_guardrails: there are no slices"]),
        (
            f"slices: {{s: {{column: km, min: 1}}}}\nslice_guardrails: {{brier: {LIMIT}}}",
            ["slice_guardrails: ['brier'] not measured", "'accuracy'"],
        ),
        (f"class_guardrails: {{auroc: {LIMIT}}}", ["class_guardrails.auroc", "'recall' or 'f1'"]),
        ("min_group_rows: 1", ["min_group_rows: found 1", "greater than or equal to 2"]),
    ],
)
def test_what_is_wrong_with_a_slice_is_told_by_key_with_what_is_allowed(
    tmp_path: Path, text: str, words: list[str]
) -> None:
    folder = write_small(tmp_path, SPEC_TEXT + text)
    with pytest.raises(SpecError) as caught:
        load_spec(folder)
    assert [word for word in words if word not in str(caught.value)] == []
    # One fault is told once; a hint may follow its own semicolon.
    assert str(caught.value).count("; ") <= 1


def test_a_slice_of_a_dropped_column_is_refused() -> None:
    columns = COLUMNS | {"age": {"type": "integer", "pii": "drop"}}
    with pytest.raises(ValueError, match=r"column 'age' is dropped \(pii: drop\)"):
        spec_of({"old": {"column": "age", "min": 60}}, columns=columns)


def test_a_slice_that_holds_no_test_row_stops_the_loading(tmp_path: Path) -> None:
    text = SPEC_TEXT + "slices: {far: {column: km, min: 5}, farther: {column: km, min: 5000}}"
    folder = write_small(tmp_path, text)
    with pytest.raises(SpecError, match=r"slices: \['farther'\] hold none of the 20 rows of data"):
        load_benchmark(folder, KEY)
