"""Near copies: nudged numbers, and one changed cell, against plain comparison of all pairs."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hokusai_assets.contributions.leakage.match_keys import ComparableRows, comparable_rows
from hokusai_assets.contributions.leakage.near_copies import (
    RELATIVE_TOLERANCE,
    NearRows,
    NumericScale,
    OneCellChanged,
)
from hokusai_assets_tests.contributions.leakage.simulated_files import spec_of

SPEC = spec_of(
    "near", {"x": "number", "n": "integer", "kind": "category", "note": "text"}, ["a", "b"]
)
CELLS = st.tuples(
    st.one_of(st.none(), st.floats(-1e6, 1e6), st.sampled_from([0.0, 1.0, 100.0])),
    st.one_of(st.none(), st.integers(-3, 3), st.integers(-(10**6), 10**6)),
    st.sampled_from(["red", "green", None]),
    st.sampled_from(["one note", "One note!", "another", ""]),
)
TABLES = st.lists(CELLS, min_size=1, max_size=12)


def rows_of(cells: list[tuple[float | None, int | None, str | None, str]]) -> ComparableRows:
    x, n, kind, note = zip(*cells, strict=True)
    table = pa.table(
        {
            "x": pa.array(x, pa.float64()),
            "n": pa.array(n, pa.int64()),
            "kind": pa.array(kind, pa.string()),
            "note": pa.array(note, pa.string()),
            "label": ["a"] * len(cells),
        }
    )
    return comparable_rows(table, SPEC)


def scales_of(test: ComparableRows) -> dict[str, NumericScale]:
    return {
        "x": NumericScale.of(test.numbers["x"], "number", nudge_integers=False),
        "n": NumericScale.of(test.numbers["n"], "integer", nudge_integers=True),
    }


def plainly_near(
    mine: ComparableRows, i: int, test: ComparableRows, j: int, scales: dict[str, NumericScale]
) -> bool:
    if not np.array_equal(mine.missing[i], test.missing[j]):
        return False
    kind = mine.names.index("kind")
    if not np.array_equal(mine.codes[kind][i], test.codes[kind][j]):
        return False
    notes = [
        rows.texts["note"].values.skeleton_codes[rows.texts["note"].positions[at]]
        for rows, at in ((mine, i), (test, j))
    ]
    return notes[0] == notes[1] and all(
        abs(
            scale.transform(mine.numbers[name][i : i + 1])[0]
            - scale.transform(test.numbers[name][j : j + 1])[0]
        )
        <= 1.0 + 1e-6
        for name, scale in scales.items()
    )


@settings(max_examples=150, deadline=None)
@given(test=TABLES, mine=TABLES, nudges=st.lists(st.floats(-2, 2), min_size=12, max_size=12))
def test_near_rows_are_those_that_plain_comparison_finds(
    test: list[tuple[float | None, int | None, str | None, str]],
    mine: list[tuple[float | None, int | None, str | None, str]],
    nudges: list[float],
) -> None:
    nudged = [
        (None if x is None else x * (1 + 0.003 * f), None if n is None else n + round(f), k, t)
        for (x, n, k, t), f in zip(test, nudges, strict=False)
    ]
    theirs, ours = rows_of(test), rows_of([*nudged, *mine])
    scales = scales_of(theirs)
    found = NearRows(theirs, scales, frozenset({"note"})).find(ours)
    for i in range(ours.count):
        near = [j for j in range(theirs.count) if plainly_near(ours, i, theirs, j, scales)]
        assert found[i] in near if near else found[i] == -1


@settings(max_examples=100, deadline=None)
@given(TABLES)
def test_a_test_row_is_near_another_if_one_of_the_others_is_near(
    test: list[tuple[float | None, int | None, str | None, str]],
) -> None:
    theirs = rows_of(test)
    scales = scales_of(theirs)
    others = NearRows(theirs, scales, frozenset({"note"})).find_others(np.arange(theirs.count))
    for i in range(theirs.count):
        near = [plainly_near(theirs, i, theirs, j, scales) for j in range(theirs.count) if j != i]
        assert others[i] == any(near)


@settings(max_examples=150, deadline=None)
@given(test=TABLES, mine=TABLES)
def test_rows_with_one_changed_cell_are_found_by_column(
    test: list[tuple[float | None, int | None, str | None, str]],
    mine: list[tuple[float | None, int | None, str | None, str]],
) -> None:
    theirs, ours = rows_of(test), rows_of(mine)
    found = OneCellChanged(theirs).find_by_column(ours)
    for i in range(ours.count):
        for column in range(len(ours.names)):
            expected = [
                j
                for j in range(theirs.count)
                if all(
                    ours.missing[i, c] == theirs.missing[j, c]
                    and np.array_equal(ours.codes[c][i], theirs.codes[c][j])
                    for c in range(len(ours.names))
                    if c != column
                )
            ]
            assert found[i, column] == (expected[0] if expected else -1)


@given(
    st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=20),
    st.floats(0, 1),
    st.sampled_from(["number", "integer"]),
)
def test_a_distance_of_one_is_the_stated_tolerance(
    values: list[float], share: float, kind: str
) -> None:
    scale = NumericScale.of(np.array(values), kind, nudge_integers=True)
    at = np.array([values[int(share * (len(values) - 1))]])
    inside = np.clip(at, -scale.limit, scale.limit)
    tolerance = RELATIVE_TOLERANCE * np.hypot(inside, scale.spread)
    steps = scale.transform(at + tolerance) - scale.transform(at)
    assert steps == pytest.approx(1.0, abs=0.02)


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=9))
def test_the_map_is_monotonous_and_finite(values: list[float]) -> None:
    scale = NumericScale.of(np.array(values), "number", nudge_integers=False)
    mapped = scale.transform(np.sort(np.array(values)))
    assert np.isfinite(mapped).all()
    assert (np.diff(mapped) >= 0).all()


@pytest.mark.parametrize("kind", ["integer", "number"])
def test_all_whole_numbers_moved_by_one_are_found(kind: str) -> None:
    random = np.random.default_rng(1)
    spec = spec_of("moved", {f"f{i}": kind for i in range(6)}, ["a", "b"])
    values = random.integers(0, 16, (200, 6))
    tables = [
        pa.table(
            {f"f{i}": part[:, i].astype(np.int64 if kind == "integer" else float) for i in range(6)}
            | {"label": ["a"] * 200}
        )
        for part in (values, values + random.choice([-1, 1], values.shape))
    ]
    test, mine = (comparable_rows(table, spec) for table in tables)
    names = tuple(spec.columns)
    scales = {
        name: NumericScale.of(test.numbers[name], "integer", nudge_integers=True) for name in names
    }
    found = NearRows(test, scales, frozenset(), names).find(mine)
    assert (found >= 0).mean() > 0.99
    assert (NearRows(test, scales, frozenset(), names).find(test) < 0).mean() > 0.9
