"""Slices measured by metrics of other distributions, of every form."""

from pathlib import Path

import numpy as np
import pytest

from hokusai_assets.evaluation.generic_jackknife import MAX_PARTS
from hokusai_assets.evaluation.group_delta import GroupDelta
from hokusai_assets.evaluation.group_rule import GroupRule, group_checks
from hokusai_assets.evaluation.predictions import Predictions, round_scores
from hokusai_assets.evaluation.registry import registered_metrics
from hokusai_assets.evaluation.rounding import to_ppm
from hokusai_assets.evaluation.subgroups import group_deltas
from hokusai_assets_tests.evaluation.generated_predictions import many, named, reordered
from hokusai_assets_tests.evaluation.plug_in_distribution import (
    ENTRIES,
    FRAGILE,
    installed,
    write_distribution,
)

ROWS = 1_200
PART = np.arange(ROWS) % 3 > 0


@pytest.fixture(autouse=True)
def plug_in(tmp_path: Path):
    write_distribution(tmp_path, ENTRIES | FRAGILE)
    with installed(tmp_path):
        yield


def pair() -> tuple[Predictions, Predictions]:
    return many(ROWS, 3, seed=1, noise=1.5), many(ROWS, 3, seed=1, noise=0.5)


def on_slice(
    before: Predictions | list[Predictions],
    after: Predictions | list[Predictions],
    *metrics: str,
    rows: np.ndarray = PART,
) -> dict[str, GroupDelta]:
    found = group_deltas(
        before if isinstance(before, list) else [before],
        after if isinstance(after, list) else [after],
        slices={"part": rows},
        metrics=metrics,
        average="macro",
        positive=None,
        confidence=0.95,
    )
    return {delta.metric: delta for delta in found if delta.kind == "slice"}


def same_numbers(one: GroupDelta, other: GroupDelta) -> bool:
    names = ("rows", "baseline_ppm", "new_ppm", "delta_ppm", "low_ppm", "high_ppm", "error_ppm")
    return all(getattr(one, name) == getattr(other, name) for name in names)


def test_every_form_of_plug_in_has_a_value_and_an_interval_on_a_slice():
    models = pair()
    for name, delta in on_slice(*models, *ENTRIES).items():
        metric = registered_metrics()[name]
        for model, value in zip(models, (delta.baseline_ppm, delta.new_ppm), strict=True):
            assert value == to_ppm(metric.value(model.take(PART), None)), name
        assert delta.low_ppm < delta.delta_ppm < delta.high_ppm
        assert delta.error_ppm > 0
        assert delta.undefined is None


def test_a_plug_in_that_computes_what_a_built_in_metric_does_gets_the_same_numbers():
    found = on_slice(*pair(), "accuracy", "hit_rate", "recall", "balanced_accuracy")
    assert same_numbers(found["hit_rate"], found["accuracy"])
    # Macro recall is balanced accuracy where every class occurs; one is a jackknife over counts,
    # the other over weights.
    assert same_numbers(found["balanced_accuracy"], found["recall"])
    assert found["balanced_accuracy"].interval_method == "jackknife_normal"


def test_many_distinct_rows_are_left_out_in_groups_with_the_spread_of_single_ones():
    found = on_slice(*pair(), "mean_absolute_error", "absolute_error_by_score")
    rows, grouped = found["mean_absolute_error"], found["absolute_error_by_score"]
    assert (rows.interval_method, grouped.interval_method) == (
        "paired_normal",
        "grouped_jackknife_normal",
    )
    assert grouped.delta_ppm == rows.delta_ppm
    # 200 groups tell a standard error to 5%; three of those.
    assert grouped.error_ppm == pytest.approx(rows.error_ppm, rel=0.15)


def test_up_to_the_most_parts_each_row_is_left_out_and_the_spread_is_exact():
    rows = np.arange(ROWS) < MAX_PARTS
    found = on_slice(*pair(), "mean_absolute_error", "absolute_error_by_score", rows=rows)
    one, other = found["mean_absolute_error"], found["absolute_error_by_score"]
    assert other.interval_method == "jackknife_normal"
    # Of a mean, the jackknife's variance is that of the rows (Efron & Stein 1981).
    assert other.low_ppm == pytest.approx(one.low_ppm, abs=1)
    assert other.error_ppm == pytest.approx(one.error_ppm, abs=1)


def test_neither_the_order_of_rows_nor_replicas_that_agree_change_a_number():
    before, after = pair()
    expected = on_slice(before, after, *ENTRIES)
    order = np.random.default_rng(0).permutation(ROWS)
    moved = on_slice(reordered(before, order), reordered(after, order), *ENTRIES, rows=PART[order])
    assert moved == expected
    twice = on_slice([before] * 2, [after] * 2, *ENTRIES)
    for name, delta in twice.items():
        assert delta.low_ppm == pytest.approx(expected[name].low_ppm, abs=1)


def test_where_a_plug_in_has_no_number_the_slice_says_so_and_the_others_stand():
    actual = np.array([0] * 40 + [1] * 40)
    stream = np.random.default_rng(3)

    def model() -> Predictions:
        first = stream.uniform(size=80)
        scores = round_scores(np.column_stack([first, 1 - first]))
        return Predictions(named(2), actual, scores.argmax(axis=1), scores)

    one, other = model(), model()
    names = ("separation", "first_recall", "balanced_accuracy")
    of_b = on_slice(one, other, *names, rows=actual == 1)
    assert of_b["separation"].undefined == "tiny-metrics 0.3 gives no number there (ValueError)"
    assert of_b["first_recall"].undefined.startswith("tiny-metrics 0.3 gives no number there")
    assert of_b["balanced_accuracy"].undefined is None
    # With one row of the first class there is a value, and none without that row.
    one_a = on_slice(one, other, *names, rows=np.arange(80) >= 39)
    for name in ("separation", "first_recall"):
        assert one_a[name].delta_ppm is not None
        assert (one_a[name].low_ppm, one_a[name].error_ppm) == (None, None)


def test_a_slice_is_guarded_by_a_plug_ins_metric():
    before, after = pair()
    fallen = list(group_checks(_groups(after, before), RULE))
    risen = list(group_checks(_groups(before, after), RULE))
    for checks, passed in ((fallen, False), (risen, True)):
        ((condition, words),) = checks
        assert condition.name == "slice_drop_bps_at_most:balanced_accuracy:part"
        assert condition.passed is passed
        assert "balanced_accuracy of slice 'part'" in words


RULE = GroupRule(slices={"part": {"balanced_accuracy": 10}})


def _groups(before: Predictions, after: Predictions) -> list[GroupDelta]:
    return list(on_slice(before, after, "balanced_accuracy").values())
