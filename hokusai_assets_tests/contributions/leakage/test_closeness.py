"""Rows that lie closer to a test row than test rows lie to each other."""

from fractions import Fraction

import numpy as np
import pyarrow as pa
import pytest

from hokusai_assets.contributions.leakage import closeness
from hokusai_assets.contributions.leakage.closeness import CLOSE, CloseRows, first_rows
from hokusai_assets.contributions.leakage.match_keys import ComparableRows, comparable_rows
from hokusai_assets.contributions.leakage.report import NaturalRate
from hokusai_assets.contributions.leakage.row_distances import CellDistances, ValueDistances
from hokusai_assets_tests.contributions.leakage.simulated_files import spec_of

SPEC = spec_of("mixed", {"n": "number", "c": "category", "t": "text"}, ["a", "b"])
WORDS = np.array([f"{x}{y}{z}or" for x in "bdfg" for y in "aeiou" for z in "lmnr"])


def rows(count: int, seed: int) -> dict[str, list]:
    random = np.random.default_rng(seed)
    return {
        "n": (random.normal(size=count) * 10).tolist(),
        "c": random.choice(["red", "green", "blue"], count).tolist(),
        "t": [" ".join(random.choice(WORDS, 8)) for _ in range(count)],
    }


def comparable(columns: dict[str, list]) -> ComparableRows:
    types = {"n": pa.float64(), "c": pa.string(), "t": pa.string()}
    return comparable_rows(
        pa.table({name: pa.array(cells, types[name]) for name, cells in columns.items()}), SPEC
    )


TEST = rows(300, 1)


def close_rows(test: dict[str, list], base: dict[str, list], labels: list[str]) -> CloseRows:
    reference = comparable(test)
    return CloseRows(ValueDistances(reference, SPEC), reference, comparable(base), np.array(labels))


@pytest.fixture(scope="module")
def close() -> CloseRows:
    return close_rows(TEST, rows(300, 2), ["a", "b"] * 150)


def changed(**cells: object) -> dict[str, list]:
    """Return test row 7 with some cells changed."""
    return {name: [cells.get(name, values[7])] for name, values in TEST.items()}


@pytest.mark.parametrize(
    "cells",
    [
        {},
        {"n": TEST["n"][7] + 1.0},
        {"t": " ".join(reversed(TEST["t"][7].split()))},
        {"t": f"<p>{TEST['t'][7].replace(' ', '&nbsp;')}</p>"},
        {"t": TEST["t"][7] + " zzqx wwxy qqvz"},
        {"t": TEST["t"][7].replace("a", "4").replace("e", "3")},
    ],
)
def test_a_row_with_a_cell_changed_is_close_to_its_test_row(
    close: CloseRows, cells: dict[str, object]
) -> None:
    assert close.find(comparable(changed(**cells))).tolist() == [7]


def test_other_rows_of_the_same_kind_are_hardly_ever_close(close: CloseRows) -> None:
    assert (close.find(comparable(rows(300, 3))) >= 0).mean() < 0.02


def test_the_measure_is_the_part_of_the_test_rows_own_spacing() -> None:
    spec = spec_of("line", {"n": "number"}, ["a", "b"])
    values = [float(v) for v in range(0, 1000, 10)]

    def line(numbers: list[float]) -> ComparableRows:
        return comparable_rows(pa.table({"n": pa.array(numbers, pa.float64())}), spec)

    reference, honest = line(values), line([v + 5.0 for v in values])
    close = CloseRows(ValueDistances(reference, spec), reference, honest, np.array(["a"] * 100))
    step = 10.0 * CLOSE
    near = [200.0 + 0.99 * step, 200.0 + 1.01 * step, 200.0 - 0.99 * step, 205.0]
    assert close.find(line(near)).tolist() == [20, -1, 20, -1]


def test_what_is_natural_depends_on_the_labels_of_the_rows() -> None:
    # Of the base set, every row with the label b is a slightly changed test row.
    base = rows(200, 4)
    for name in ("c", "t"):
        base[name][100:] = TEST[name][:100]
    base["n"][100:] = [n + 0.1 for n in TEST["n"][:100]]
    labels = ["a"] * 100 + ["b"] * 100
    close = close_rows(TEST, base, labels)

    def natural(**counts: int) -> NaturalRate:
        return close.natural.weighed(counts)

    of_a, of_b = natural(a=50), natural(b=50)
    assert of_a.share < Fraction(1, 10)
    assert of_b.share > Fraction(9, 10)
    assert natural(a=25, b=25).share == (of_a.share + of_b.share) / 2
    # It stands on the rows that have the labels.
    assert of_a.rows == of_b.rows == 110
    assert natural(a=25, b=25).rows == 200
    assert of_a.share < natural(unknown=1).share < of_b.share
    assert natural(unknown=1).rows == 10


def test_rows_share_cells_as_those_of_the_test_set_do_or_more() -> None:
    random = np.random.default_rng(6)
    columns = {f"n{place}": "number" for place in range(10)}
    spec = spec_of("numbers", columns, ["a", "b"])

    def table(values: np.ndarray) -> ComparableRows:
        cells = {f"n{place}": values[:, place] for place in range(10)}
        return comparable_rows(pa.table(cells), spec)

    values = random.normal(size=(200, 10))
    moved = values.copy()
    for row in moved:
        row[random.permutation(10)[:3]] += 100.0
    four = values.copy()
    four[:, :4] += 100.0
    reference = table(values)
    honest = table(random.normal(size=(200, 10)))
    close = CloseRows(CellDistances(reference), reference, honest, np.array(["a"] * 200))
    assert close.find(table(moved)).tolist() == list(range(200))
    assert (close.find(table(four)) == -1).all()
    assert close.natural.overall.share == 0


def test_texts_without_letters_and_missing_cells_are_no_error() -> None:
    columns = {"n": [None] * 60, "c": [None] * 60, "t": ["?!"] * 60}
    close = close_rows(columns, columns, ["a"] * 60)
    # All are alike, so that none is closer than the others.
    assert (close.find(comparable(columns)) == -1).all()


def test_of_long_texts_fewer_rows_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = comparable(TEST)
    assert first_rows(whole, 1000).count == 300
    assert first_rows(whole, 20).count == 20
    monkeypatch.setattr(closeness, "_TEXT_CHARS", 60 * len(TEST["t"][0]))
    assert 40 <= first_rows(whole, 1000).count <= 70
    assert first_rows(comparable(rows(0, 1)), 10).count == 0
