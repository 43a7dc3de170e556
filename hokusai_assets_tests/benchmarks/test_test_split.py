"""The public and the private part of a test set: stratified, disjoint, fixed by rows and seed."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from hokusai_assets.benchmarks.row_sets import RowSet
from hokusai_assets.benchmarks.spec import BenchmarkSpec, SpecError
from hokusai_assets.benchmarks.test_split import TestSplit, split_test_set
from hokusai_assets.canonical import rows

from .small_benchmark import raw_spec


def spec_of(public_share: str | None, *, labels: int = 3, seed: int = 7) -> BenchmarkSpec:
    raw: dict[str, Any] = raw_spec() | {
        "task": "multiclass",
        "labels": [f"l{number}" for number in range(labels)],
        "metrics": {"primary": "accuracy"},
        "delta_one": {"min_examples": 10},
        "seed": seed,
    }
    del raw["positive_label"], raw["guardrails"]
    if public_share is not None:
        raw["test_split"] = {"public_share": public_share}
    return BenchmarkSpec.model_validate(raw)


def rows_of(*counts: int) -> pa.Table:
    labels = [f"l{number}" for number, count in enumerate(counts) for _ in range(count)]
    return pa.table({"parcels": pa.array(range(len(labels)), pa.int64()), "late": labels})


def parts_of(found: TestSplit) -> tuple[np.ndarray, np.ndarray]:
    shown, deciding = found.shown.positions, found.deciding.positions
    assert shown is not None and deciding is not None
    return shown, deciding


def test_without_test_split_all_rows_are_shown_and_decide():
    test = RowSet.of(rows_of(10, 10, 10))
    found = split_test_set(test, spec_of(None))
    assert not found.is_split and found.shown is found.deciding
    assert (found.shown.name, found.shown.positions, found.shown.root) == ("whole", None, test.root)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(25, 80), min_size=2, max_size=5),
    st.integers(5, 90),
    st.integers(0, 2**32 - 1),
)
def test_the_parts_are_disjoint_cover_all_and_keep_each_labels_share(
    counts: list[int], percent: int, seed: int
):
    # A split that leaves fewer than min_examples to decide is refused, see below.
    assume(sum(counts) - round(sum(counts) * percent / 100) >= 10)
    test = RowSet.of(rows_of(*counts))
    found = split_test_set(test, spec_of(str(percent / 100), labels=len(counts), seed=seed))
    public, private = parts_of(found)
    assert (found.shown.name, found.deciding.name, found.is_split) == ("public", "private", True)
    assert sorted([*public, *private]) == list(range(test.count))
    assert list(public) == sorted(public) and list(private) == sorted(private)
    assert len(public) == round(test.count * percent / 100)
    labels = test.table.column("late").to_numpy(zero_copy_only=False)
    for number, count in enumerate(counts):
        quota = count * len(public) / test.count
        held = int(np.sum(labels[public] == f"l{number}"))
        # Within one of the exact quota; a label takes a row from another rather than have none.
        assert abs(held - quota) < 1 or (held == 1 and quota < 1) or held == int(quota) - 1
        assert 0 < held < count


def test_the_roots_are_those_of_the_parts_rows():
    test = RowSet.of(rows_of(20, 20, 20))
    found = split_test_set(test, spec_of("0.4"))
    for part in (found.shown, found.deciding):
        alone = RowSet.of(test.table.take(pa.array(part.positions)))
        assert part.root == alone.root
        assert part.root == rows.table_root([test.digests[at] for at in part.positions])
    assert len({found.shown.root, found.deciding.root, test.root}) == 3


@settings(max_examples=20, deadline=None)
@given(st.permutations(range(60)))
def test_the_order_of_rows_in_the_file_decides_nothing(order: list[int]):
    table = rows_of(20, 20, 20)
    one = split_test_set(RowSet.of(table), spec_of("0.3"))
    other = split_test_set(RowSet.of(table.take(pa.array(order))), spec_of("0.3"))
    assert (one.shown.root, one.deciding.root) == (other.shown.root, other.deciding.root)


def test_the_seed_decides_which_rows_and_repeats():
    test = RowSet.of(rows_of(50, 50, 50))
    roots = [split_test_set(test, spec_of("0.5", seed=seed)).deciding.root for seed in range(20)]
    again = [split_test_set(test, spec_of("0.5", seed=seed)).deciding.root for seed in range(20)]
    assert roots == again and len(set(roots)) == 20


def test_over_many_seeds_every_row_is_in_the_public_part_equally_often():
    test = RowSet.of(rows_of(20, 20, 20))
    times = np.zeros(test.count)
    for seed in range(400):
        public, _ = parts_of(split_test_set(test, spec_of("0.5", seed=seed)))
        times[public] += 1
    # Four and a half standard errors of a share of one half over 400 seeds are .1125.
    assert np.abs(times / 400 - 0.5).max() < 0.1125


@pytest.mark.parametrize(
    ("counts", "share"), [((1, 40, 40), "0.5"), ((2, 40, 40), "0.9"), ((1, 1, 1), "0.5")]
)
def test_a_test_set_that_cannot_give_both_parts_every_label_is_refused(
    counts: tuple[int, ...], share: str
):
    test = RowSet.of(rows_of(*counts))
    with pytest.raises(SpecError, match=rf"public_share: the test set has {test.count} rows"):
        split_test_set(test, spec_of(share))


def test_two_rows_of_a_label_are_one_for_each_part():
    test = RowSet.of(rows_of(2, 40, 40))
    public, private = parts_of(split_test_set(test, spec_of("0.5")))
    labels = test.table.column("late").to_numpy(zero_copy_only=False)
    assert [int(np.sum(labels[part] == "l0")) for part in (public, private)] == [1, 1]


def test_a_private_part_below_min_examples_is_refused_since_nothing_could_ever_be_accepted():
    test = RowSet.of(rows_of(6, 6, 6))
    assert split_test_set(test, spec_of("0.4")).is_split
    with pytest.raises(SpecError, match=r"9 rows .* where min_examples demands 10"):
        split_test_set(test, spec_of("0.5"))


def test_a_test_set_that_is_too_small_as_a_whole_is_not_refused_for_its_split():
    assert split_test_set(RowSet.of(rows_of(3, 3, 3)), spec_of("0.4")).is_split
