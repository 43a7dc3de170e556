"""Checking what an attestation says of the settlement: its budget, its level, its verdict."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from hokusai_assets.attestation.relations import require
from hokusai_assets.canonical.canonical_json import digest
from hokusai_assets.evaluation.budget import allotted_confidence_ppm
from hokusai_assets.evaluation.decision import DeltaOneRule, decide
from hokusai_assets.evaluation.deltas import MetricDelta
from hokusai_assets.evaluation.group_delta import GroupDelta
from hokusai_assets.evaluation.group_rule import GroupRule
from hokusai_assets.evaluation.rounding import PPM, floor_ppm_to_bps
from hokusai_assets.evaluation.settlement import within_total


def check_settlement(claim: Mapping[str, Any]) -> None:
    """Check that budget, level and what was shown fit together.

    Raises:
        Broken: they do not.
    """
    settled, shown = claim["settlement"], claim["result"]["measurement"]
    budget = settled["budget"]
    require(budget["position"] <= budget["submissions"], "the budget was spent before")
    require(
        budget["position"] > len(settled["accepted_before"]),
        "more contributions were accepted before than were settled",
    )
    require(settled["rule"]["primary"] in shown["metrics"], "the primary metric was not measured")
    whole = shown["part"] == "whole"
    require(shown["part"] != "private", "the result stands on the private part of the test set")
    require(
        settled["released"] == (whole or settled["delta_one"]["accepted"]),
        "what was measured is shown where it must not be, or kept back where it may be shown",
    )
    require(
        (settled["measurement"] is None) != settled["released"],
        "released does not say whether the measurement is shown",
    )
    if settled["measurement"] is None:
        stated = settled["delta_one"]
        require(
            (stated["bps"], stated["payable_bps"], stated["conditions"]) == (None, 0, [])
            and settled["certain_total_bps"] is None,
            "what was measured is kept back, yet part of it is told",
        )
        return
    _check_measurement(settled, shown, claim["result"]["benchmark"])


def _check_measurement(
    settled: Mapping[str, Any], shown: Mapping[str, Any], benchmark: Mapping[str, Any]
) -> None:
    measured, budget = settled["measurement"], settled["budget"]
    require(settled["measurement_sha256"] == digest(measured), "measurement_sha256 is wrong")
    expected = "whole" if shown["part"] == "whole" else "private"
    require(measured["part"] == expected, f"the settlement does not stand on the {expected} part")
    if expected == "private":
        require(
            shown["test_rows"] + measured["test_rows"] == benchmark["test_rows"],
            "the parts of the test set do not add up to it",
        )
    primary = settled["rule"]["primary"]
    require(
        set(measured["metrics"]) == set(shown["metrics"]),
        "the settlement has other metrics than the result",
    )
    together = {delta["confidence_ppm"] for delta in shown["metrics"].values()}
    require(len(together) == 1, "the result's metrics have different confidences")
    allotted = allotted_confidence_ppm(Decimal(together.pop()) / PPM, budget["submissions"])
    require(
        budget["confidence_ppm"] == allotted == measured["metrics"][primary]["confidence_ppm"],
        "the primary metric is not judged at the level that the budget allots",
    )
    if not settled["accepted_before"]:
        _check_same_models(measured, shown, primary)
        require(settled["paid_before_bps"] == 0, "something was paid before any was accepted")


def _check_same_models(measured: Mapping[str, Any], shown: Mapping[str, Any], primary: str) -> None:
    """Check that both measurements are of the same two models, as nothing was accepted before."""
    named = ["training_rows"]
    if measured["part"] == "whole":
        named += ["test_root", "test_rows", "predictions", "confusion_cells", "groups"]
        for name, delta in measured["metrics"].items():
            require(
                name == primary or delta == shown["metrics"][name],
                f"{name}: nothing was accepted before, yet it is not as the contribution alone",
            )
        # Of the primary metric only the level differs, and what follows from it.
        values = ("baseline_ppm", "new_ppm", "delta_ppm", "test_error_ppm", "training_noise_ppm")
        for value in values:
            require(
                measured["metrics"][primary][value] == shown["metrics"][primary][value],
                f"{primary}: nothing was accepted before, yet {value} is another",
            )
    for name in named:
        require(
            measured[name] == shown[name],
            f"nothing was accepted before, yet {name} is not as of the contribution alone",
        )


def check_verdict(claim: Mapping[str, Any]) -> None:
    """Check that the verdict follows from the rule, the deltas and what was paid before.

    Raises:
        Broken: it does not.
    """
    settled = claim["settlement"]
    measured, stated, rule = settled["measurement"], settled["delta_one"], settled["rule"]
    if measured is None:
        require(not stated["accepted"], "accepted, yet what was measured is kept back")
        return
    decision = decide(
        {name: MetricDelta(**delta) for name, delta in measured["metrics"].items()},
        DeltaOneRule(
            primary=rule["primary"],
            min_examples=rule["min_examples"],
            min_delta_bps=rule["min_delta_bps"],
            guardrails=rule["guardrails_max_drop_bps"],
            groups=GroupRule.from_dict(rule["groups"]),
        ),
        test_rows=measured["test_rows"],
        # Both models stand on the one test_root of this measurement.
        same_test_set=True,
        groups=[GroupDelta.from_dict(group) for group in measured["groups"]],
    )
    if not settled["accepted_before"]:
        own = floor_ppm_to_bps(MetricDelta(**measured["metrics"][rule["primary"]]).gain_low_ppm)
        require(settled["certain_total_bps"] == own, "certain_total_bps is not the gain's own")
    expected = within_total(
        decision,
        certain_total_bps=settled["certain_total_bps"],
        paid_before_bps=settled["paid_before_bps"],
        paid_for_it_bps=settled["paid_for_it_before_bps"],
    ).to_dict()
    for name in ("bps", "conditions", "accepted", "payable_bps"):
        require(stated[name] == expected[name], f"{name} does not follow from rule and metrics")
