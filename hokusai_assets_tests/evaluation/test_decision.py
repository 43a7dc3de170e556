"""Tests of the DeltaOne decision."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hokusai_assets.evaluation.decision import DeltaOneRule, decide
from hokusai_assets.evaluation.deltas import MetricDelta


def measured(name="accuracy", gain=15_000, low=9_999, *, direction="higher") -> MetricDelta:
    """Return a delta with this gain and lower end of the gain's interval, in ppm."""
    sign = 1 if direction == "higher" else -1
    ends = sorted((sign * low, sign * (2 * gain - low)))
    return MetricDelta(
        metric=name,
        direction=direction,
        baseline_ppm=500_000,
        new_ppm=500_000 + sign * gain,
        delta_ppm=sign * gain,
        relative_delta_ppm=sign * gain * 2,
        low_ppm=ends[0],
        high_ppm=ends[1],
        p_value_ppm=1_000,
        p_holm_ppm=1_000,
        confidence_ppm=950_000,
        replicas=1,
        test_error_ppm=(gain - low) // 2,
        training_noise_ppm=0,
        interval_method="paired_bootstrap_percentile",
        p_value_method="mcnemar_exact",
        improved=gain > 0,
    )


RULE = DeltaOneRule("accuracy", guardrails={"recall": 50})


def decided(primary=None, guard=None, *, rule=RULE, test_rows=1_000, same_test_set=True):
    primary = primary or measured()
    guard = guard or measured("recall", 0, -20_000)
    deltas = {primary.metric: primary, guard.metric: guard}
    return decide(deltas, rule, test_rows=test_rows, same_test_set=same_test_set)


def failed(decision):
    return [condition.name for condition in decision.conditions if not condition.passed]


def test_a_gain_that_meets_every_condition_is_paid_by_its_lower_end():
    decision = decided()
    assert decision.accepted
    assert decision.bps == 150
    assert decision.payable_bps == 99
    assert failed(decision) == []
    assert decision.reason == (
        "Accepted: accuracy rose by 1.50 percentage points on 1,000 test rows, with 95% "
        "confidence by at least 0.9999 percentage points, so 99 basis points are payable."
    )


@pytest.mark.parametrize(
    ("change", "condition", "words"),
    [
        ({"same_test_set": False}, "same_test_set", "different test sets"),
        ({"test_rows": 799}, "test_rows_at_least", "799 rows where at least 800 are required"),
        (
            {"primary": measured(gain=9_949, low=10)},
            "gain_bps_at_least",
            "accuracy rose by 0.9949 percentage points where a gain of at least "
            "1.00 percentage points is required",
        ),
        (
            {"primary": measured(low=0)},
            "gain_low_ppm_at_least",
            "could be as low as 0.00 percentage points where it must be above 0",
        ),
        (
            {"primary": measured(low=-2_500)},
            "gain_low_ppm_at_least",
            "could be as low as -0.25 percentage points",
        ),
        (
            {"guard": measured("recall", -5_100, -9_000)},
            "drop_bps_at_most:recall",
            "recall fell by 0.51 percentage points where it may worsen by at most "
            "0.50 percentage points",
        ),
    ],
)
def test_one_failed_condition_rejects_pays_nothing_and_is_named(change, condition, words):
    decision = decided(**change)
    assert not decision.accepted
    assert decision.payable_bps == 0
    assert failed(decision) == [condition]
    assert decision.reason.startswith("Not accepted: ")
    assert words in decision.reason


@pytest.mark.parametrize(
    "change",
    [
        {"test_rows": 800},
        {"primary": measured(gain=9_950, low=10)},
        {"primary": measured(low=1)},
        {"guard": measured("recall", -5_000, -9_000)},
        {"guard": measured("recall", 5_000, -9_000)},
    ],
)
def test_a_condition_just_met_is_met(change):
    assert decided(**change).accepted


def test_every_failed_condition_is_in_one_sentence():
    decision = decided(
        measured(gain=-3_000, low=-8_000),
        measured("recall", -20_000, -30_000),
        test_rows=10,
        same_test_set=False,
    )
    assert len(failed(decision)) == len(decision.conditions) == 5
    assert decision.bps == -30
    assert decision.reason == (
        "Not accepted: the two models were measured on different test sets, and the test set "
        "has 10 rows where at least 800 are required, and accuracy fell by 0.30 percentage "
        "points where a gain of at least 1.00 percentage points is required, and with 95% "
        "confidence the gain in accuracy could be as low as -0.80 percentage points where it "
        "must be above 0, and recall fell by 2.00 percentage points where it may worsen by at "
        "most 0.50 percentage points."
    )


def test_a_metric_where_lower_is_better_gains_by_falling():
    rule = DeltaOneRule("log_loss")
    better = measured("log_loss", 15_000, 9_999, direction="lower")
    decision = decided(better, rule=rule)
    assert (decision.accepted, decision.bps, decision.payable_bps) == (True, 150, 99)
    assert "log_loss fell by 0.015000 on" in decision.reason
    worse = measured("log_loss", -15_000, -20_000, direction="lower")
    decision = decided(worse, rule=rule)
    assert (decision.accepted, decision.bps) == (False, -150)
    assert failed(decision) == ["gain_bps_at_least", "gain_low_ppm_at_least"]


def test_a_guardrail_where_lower_is_better_drops_by_rising():
    rule = DeltaOneRule("accuracy", guardrails={"brier": 50})
    risen = measured("brier", -6_000, -9_000, direction="lower")
    decision = decided(guard=risen, rule=rule)
    assert failed(decision) == ["drop_bps_at_most:brier"]
    assert "brier rose by 0.006000 where it may worsen by at most 0.005000" in decision.reason
    fallen = measured("brier", 6_000, 1_000, direction="lower")
    assert decided(guard=fallen, rule=rule).accepted


@given(st.integers(-40_000, 40_000), st.integers(-40_000, 40_000), st.integers(0, 2_000))
def test_payment_is_never_negative_nor_above_the_lower_end_or_the_gain(gain, low, rows):
    decision = decided(measured(gain=gain, low=low), test_rows=rows)
    assert decision.payable_bps >= 0
    if decision.payable_bps:
        assert decision.accepted
        assert decision.payable_bps * 100 <= low
        assert decision.payable_bps <= decision.bps
    assert decision.accepted == (not failed(decision))


def test_payment_stops_at_the_measured_gain_where_a_skewed_interval_lies_above_it():
    skewed = replace(measured(gain=12_000), low_ppm=13_000, high_ppm=20_000)
    decision = decided(skewed)
    assert (decision.accepted, decision.bps, decision.payable_bps) == (True, 120, 120)


def test_an_unchanged_metric_is_said_to_be_unchanged_at_the_confidence_used():
    unchanged = replace(measured(gain=0, low=-1_000), confidence_ppm=900_000)
    reason = decided(unchanged).reason
    assert "accuracy did not change where a gain" in reason
    assert "with 90% confidence" in reason


def test_the_dictionary_is_json_of_integers_strings_and_booleans():
    fields = decided(test_rows=5).to_dict()
    assert json.loads(json.dumps(fields)) == fields
    assert fields["conditions"][1] == {
        "name": "test_rows_at_least",
        "passed": False,
        "found": 5,
        "required": 800,
    }
    assert fields["conditions"][0]["found"] == "same"


def test_a_metric_the_rule_needs_but_nobody_measured_is_refused():
    with pytest.raises(ValueError, match=r"not measured: \['f1', 'recall'\]"):
        decide(
            {"accuracy": measured()},
            DeltaOneRule("accuracy", guardrails={"recall": 0, "f1": 0}),
            test_rows=1_000,
            same_test_set=True,
        )


@pytest.mark.parametrize(
    "fields",
    [
        {"primary": ""},
        {"min_examples": -1},
        {"min_delta_bps": 1.5},
        {"min_delta_bps": True},
        {"guardrails": {"recall": -1}},
    ],
)
def test_rules_that_make_no_sense_are_refused(fields):
    with pytest.raises(ValueError, match=r"rule|whole number"):
        DeltaOneRule(**({"primary": "accuracy"} | fields))


def test_a_rule_does_not_change_with_the_mapping_it_was_given():
    given = {"recall": 50}
    rule = DeltaOneRule("accuracy", guardrails=given)
    given["recall"] = 10_000
    assert rule.guardrails == {"recall": 50}
    with pytest.raises(TypeError):
        rule.guardrails["recall"] = 10_000
