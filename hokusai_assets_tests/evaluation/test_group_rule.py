"""Tests of limits on classes and slices, and of how often they err."""

import json
from dataclasses import replace
from statistics import NormalDist

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from hokusai_assets.benchmarks.loading import column_types, nullable_columns
from hokusai_assets.benchmarks.spec import BenchmarkSpec
from hokusai_assets.evaluation.decision import DeltaOneRule, decide
from hokusai_assets.evaluation.deltas import MetricDelta, compare
from hokusai_assets.evaluation.group_delta import GroupDelta
from hokusai_assets.evaluation.group_rule import GroupRule, group_checks, group_rule_of
from hokusai_assets.evaluation.measurement import predictions_on, rule_of
from hokusai_assets.evaluation.predictions import Predictions
from hokusai_assets.evaluation.subgroups import group_deltas
from hokusai_assets.models.training import train
from hokusai_assets.tables.coercion import coerce_table
from hokusai_assets.tables.reading import read_table
from hokusai_assets_tests.benchmarks.small_benchmark import raw_spec

from .generated_predictions import named


def group(name="bad", drop=0, error=10_000, *, kind="class", metric="recall", rows=200):
    """Return a group's delta with this drop and error under no difference, in ppm."""
    lower = metric in ("log_loss", "brier")
    delta = drop if lower else -drop
    return GroupDelta(
        kind=kind,
        group=name,
        metric=metric,
        direction="lower" if lower else "higher",
        rows=rows,
        baseline_ppm=500_000,
        new_ppm=500_000 + delta,
        delta_ppm=delta,
        low_ppm=delta - 2 * error,
        high_ppm=delta + 2 * error,
        error_ppm=error,
        confidence_ppm=950_000,
        interval_method="jackknife_normal",
    )


GAIN = MetricDelta(
    metric="accuracy",
    direction="higher",
    baseline_ppm=500_000,
    new_ppm=520_000,
    delta_ppm=20_000,
    relative_delta_ppm=40_000,
    low_ppm=15_000,
    high_ppm=25_000,
    p_value_ppm=1_000,
    p_holm_ppm=1_000,
    replicas=1,
    test_error_ppm=2_551,
    training_noise_ppm=0,
    confidence_ppm=950_000,
    interval_method="paired_bootstrap_percentile",
    p_value_method="mcnemar_exact",
    improved=True,
)
RULE = GroupRule(classes={"recall": 500}, slices={"older": {"accuracy": 300, "log_loss": 100}})
FINE = (
    group("good"),
    group("older", kind="slice", metric="accuracy"),
    group("older", kind="slice", metric="log_loss"),
)


def decided(*groups, rule=RULE):
    return decide(
        {"accuracy": GAIN},
        DeltaOneRule("accuracy", groups=rule),
        test_rows=1_000,
        same_test_set=True,
        groups=groups,
    )


def failed(decision):
    return [condition.name for condition in decision.conditions if not condition.passed]


def test_a_gain_that_harms_no_group_is_accepted():
    decision = decided(group(), *FINE)
    assert decision.accepted and decision.payable_bps == 150
    assert [condition.name for condition in decision.conditions[4:]] == [
        "class_drop_bps_at_most:recall:bad",
        "class_drop_bps_at_most:recall:good",
        "slice_drop_bps_at_most:accuracy:older",
        "slice_drop_bps_at_most:log_loss:older",
    ]


def test_a_ruined_class_refuses_the_gain_and_is_named():
    decision = decided(group(drop=200_000), *FINE)
    assert not decision.accepted and decision.payable_bps == 0
    assert failed(decision) == ["class_drop_bps_at_most:recall:bad"]
    assert decision.reason == (
        "Not accepted: recall of class 'bad' fell by 20.00 percentage points on 200 test rows "
        "where it may worsen by at most 5.00 percentage points."
    )


def test_a_slice_that_fell_is_named_in_its_own_unit():
    older = group("older", 30_000, 4_000, kind="slice", metric="log_loss")
    decision = decided(group(), *FINE[:2], older)
    assert failed(decision) == ["slice_drop_bps_at_most:log_loss:older"]
    assert (
        "log_loss of slice 'older' rose by 0.030000 on 200 test rows where it may worsen by at "
        "most 0.010000" in decision.reason
    )


def test_a_drop_that_chance_explains_is_let_through_and_the_bound_is_shown():
    # Four conditions: one of eighty groups falls by more than 2.2414 errors by chance.
    most = 2.2414 * 40_000
    fell = group(drop=int(most), error=40_000)
    decision = decided(fell, *FINE)
    assert decision.accepted
    condition = decision.conditions[4]
    assert (condition.found, condition.required) == (897, 897)
    decision = decided(replace(fell, delta_ppm=-int(most) - 200), *FINE)
    assert failed(decision) == ["class_drop_bps_at_most:recall:bad"]
    assert "at most 5.00 percentage points, and chance explains at most 8.97" in decision.reason


def test_the_more_groups_are_guarded_the_more_chance_explains():
    rule = GroupRule(classes={"recall": 0})
    for number in (1, 5, 78):
        groups = [group(f"c{i}", error=10_000) for i in range(number)]
        bound = NormalDist().inv_cdf(1 - 0.05 / number) * 100
        found = {condition.required for condition, _ in group_checks(groups, rule)}
        assert found == {int(np.ceil(bound))}


@pytest.mark.parametrize(
    "unguarded",
    [
        group("bad", 400_000, rows=29),
        group("bad", 400_000, metric="precision"),
        replace(group("bad", 400_000), error_ppm=None),
        replace(group("bad"), delta_ppm=None, undefined="no test row"),
        group("younger", 400_000, kind="slice", metric="accuracy"),
    ],
)
def test_small_undefined_and_unlimited_groups_are_not_guarded(unguarded):
    decision = decided(unguarded, *FINE)
    assert decision.accepted
    assert len(decision.conditions) == 4 + len(FINE)


def test_a_rule_without_limits_on_groups_needs_none_measured():
    assert decided(rule=GroupRule()).accepted
    assert group_checks([group(drop=400_000)], GroupRule()) == []


def test_limits_on_what_was_not_measured_are_refused():
    with pytest.raises(ValueError, match=r"not measured: .*log_loss of slice 'older'"):
        decided(group(), *FINE[:2])
    with pytest.raises(ValueError, match="recall of each class"):
        decided(*FINE[1:])


def test_a_slices_own_limits_take_the_place_of_the_common_ones():
    many = {"column": "parcels", "min": 4}
    spec = BenchmarkSpec.model_validate(
        raw_spec()
        | {
            "slices": {
                "many": {"where": many, "guardrails": {"accuracy": {"max_drop_bps": 900}}},
                "few": {"column": "parcels", "max": 4},
            },
            "slice_guardrails": {"accuracy": {"max_drop_bps": 300}, "f1": {"max_drop_bps": 400}},
            "class_guardrails": {"recall": {"max_drop_bps": 500}},
            "min_group_rows": 40,
        }
    )
    assert group_rule_of(spec) == GroupRule(
        {"recall": 500},
        {"many": {"accuracy": 900, "f1": 400}, "few": {"accuracy": 300, "f1": 400}},
        40,
    )
    assert group_rule_of(BenchmarkSpec.model_validate(raw_spec())) == GroupRule()


def test_the_dictionary_of_a_rule_is_json_and_comes_back():
    fields = json.loads(json.dumps(RULE.to_dict()))
    assert GroupRule.from_dict(fields) == RULE


@pytest.mark.parametrize(
    "fields",
    [
        {"classes": {"recall": -1}},
        {"slices": {"s": {"f1": 1.5}}},
        {"min_group_rows": 1},
        {"min_group_rows": True},
    ],
)
def test_rules_that_make_no_sense_are_refused(fields):
    with pytest.raises(ValueError, match="must be a whole number"):
        GroupRule(**fields)


# --- error rates (docs/EVALUATION.md) ----------------------------------------------------------


def refusals(classes, rows, *, drop=0.0, churn=0.15, times=1_000, limit=500, everywhere=0.0):
    """Return how often a rule on every class's recall refuses, and how often for class 0.

    The baseline has 90% of each class right. The new model loses and gains churn / 2 of each
    class; of class 0 it loses drop more, of all others everywhere more.
    """
    stream = np.random.default_rng([classes, rows, int(drop * 100), int(churn * 100)])
    actual = np.repeat(np.arange(classes), rows)
    scores = np.zeros((len(actual), classes))
    scores[:, 0] = 1.0
    lost = churn / 2 + np.where(actual == 0, drop, everywhere)
    rule = GroupRule(classes={"recall": limit})
    refused = first = 0
    for _ in range(times):
        chance = stream.random(len(actual))
        before = chance < 0.9
        after = np.where(before, chance >= lost, chance > 1 - churn / 2)
        other = (actual + stream.integers(1, classes, len(actual))) % classes
        models = [
            Predictions(named(classes), actual, np.where(right, actual, other), scores)
            for right in (before, after)
        ]
        groups = group_deltas(
            models[:1],
            models[1:],
            slices={},
            metrics=(),
            average="macro",
            positive=None,
            confidence=0.95,
        )
        fell = [c.name for c, _ in group_checks(groups, rule) if not c.passed]
        refused += bool(fell)
        first += "class_drop_bps_at_most:recall:a" in fell
    return refused / times, first / times


@pytest.mark.slow
@pytest.mark.parametrize(("classes", "rows"), [(2, 30), (2, 200), (26, 30), (26, 173)])
def test_a_contribution_that_changes_nothing_is_refused_in_at_most_1_of_20(classes, rows):
    # Three standard errors of .05 over 1,000 times are .021.
    assert refusals(classes, rows)[0] <= 0.05 + 0.021


@pytest.mark.slow
@pytest.mark.parametrize(
    ("classes", "rows", "drop", "least"),
    [
        (2, 30, 0.6, 0.95),
        (2, 200, 0.2, 0.95),
        (26, 30, 0.7, 0.95),
        (26, 100, 0.4, 0.95),
        (26, 173, 0.25, 0.95),
    ],
)
def test_a_ruined_class_is_refused(classes, rows, drop, least):
    assert refusals(classes, rows, drop=drop)[1] >= least


@pytest.mark.slow
def test_more_letters_with_one_of_them_relabelled_gain_and_are_refused(bundled, data_folder):
    benchmark = bundled("letter")
    spec, base = benchmark.spec, benchmark.base.table
    raw = read_table(data_folder / "contributions" / "letter" / "batch-04.parquet")
    rows, problems = coerce_table(raw, column_types(spec), nullable_columns(spec))
    assert not problems
    rows = rows.select(base.column_names)
    letters = rows[spec.target]
    ruined = rows.set_column(
        rows.column_names.index(spec.target),
        spec.target,
        pc.if_else(pc.equal(letters, "A"), "B", letters),
    )
    test = benchmark.test.table
    before, honest, harmful = (
        predictions_on(train(pa.concat_tables(parts), spec), test, spec)
        for parts in ([base], [base, rows], [base, ruined])
    )
    for after, fallen in ((honest, []), (harmful, ["class_drop_bps_at_most:recall:A"])):
        shared = {"metrics": spec.metrics.names, "average": spec.average, "positive": None}
        decision = decide(
            compare([before], [after], **shared, confidence=0.95, resamples=1_000, seed=1),
            rule_of(spec),
            test_rows=before.rows,
            same_test_set=True,
            groups=group_deltas([before], [after], slices={}, **shared, confidence=0.95),
        )
        assert decision.bps > 400
        assert failed(decision) == fallen
