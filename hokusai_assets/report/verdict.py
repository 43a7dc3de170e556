"""The verdict on a contribution: one sentence for anyone, and what a careful reader asks next."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from hokusai_assets.contributions.intake_report import IntakeReport
from hokusai_assets.evaluation.rounding import floor_ppm_to_bps
from hokusai_assets.evaluation.units import unit_of
from hokusai_assets.report.words import (
    PARTS,
    capitalised,
    confidence_in_words,
    counted,
    metric_in_words,
    metric_name,
    value_in_words,
)


@dataclass(frozen=True)
class Verdict:
    """What became of a contribution.

    Attributes:
        status: ``accepted``, ``refused`` by the DeltaOne rule, or ``rejected`` at intake.
        title: one or two words.
        sentence: for anyone.
        further: sentences that make it precise.
    """

    status: Literal["accepted", "refused", "rejected"]
    title: str
    sentence: str
    further: tuple[str, ...] = ()


def verdict_of_intake(report: IntakeReport) -> Verdict:
    """Return the verdict on a contribution that breaks a rule."""
    rules = list(dict.fromkeys(problem.rule for problem in report.problems))
    if rules == ["budget-spent"]:
        sentence = (
            "The file breaks no rule, but the test set has decided as often as it may, so nothing "
            "was measured."
        )
    else:
        broken = "a rule" if len(rules) == 1 else f"{len(rules)} rules"
        sentence = (
            f"The file breaks {broken} of the benchmark, so nothing was trained or measured; "
            "once that is mended it can be sent again."
        )
    return Verdict("rejected", "Rejected", sentence)


def verdict_of_claim(claim: Mapping[str, Any]) -> Verdict:
    """Return the verdict that an attestation's claim states, and no more than it states."""
    settled = claim["settlement"]
    if not settled["released"]:
        return Verdict("refused", "Not accepted", _PRIVATE, tuple(_around(claim)))
    primary = settled["rule"]["primary"]
    delta = settled["measurement"]["metrics"][primary]
    moved = _moved(primary, delta)
    if settled["delta_one"]["accepted"]:
        sentence = (
            f"With this contribution the model gets better: its {moved}, and chance is all but "
            "ruled out."
        )
        return Verdict(
            "accepted",
            "Accepted",
            sentence,
            tuple([_certain(primary, delta), *_paid(settled), *_around(claim)]),
        )
    failed = [row for row in settled["delta_one"]["conditions"] if not row["passed"]]
    sentence = _why(primary, delta, moved, failed)
    return Verdict("refused", "Not accepted", sentence, tuple(_around(claim)))


_PRIVATE = (
    "On the private part of the test set this contribution does not show the gain that is asked "
    "for; by how much it falls short stays private, so that nobody can climb on it."
)


def _why(
    primary: str, delta: Mapping[str, Any], moved: str, failed: list[Mapping[str, Any]]
) -> str:
    kinds = {row["name"].partition(":")[0]: row for row in failed}
    if _gain(delta) < 0:
        return f"With this contribution the model does not get better: its {moved}."
    if _gain(delta) == 0:
        return f"With this contribution the model’s {metric_name(primary)} does not change."
    if (row := kinds.get("gain_bps_at_least")) is not None:
        asked = unit_of(primary, delta["direction"]).threshold(row["required"])
        return (
            f"With this contribution the model’s {moved}: less than the gain of {asked} that is "
            "asked for."
        )
    if "gain_low_ppm_at_least" in kinds:
        return f"The model’s {moved} with this contribution, but that may be chance."
    if "test_rows_at_least" in kinds:
        return f"The model’s {moved}, but on too few test rows to decide on."
    return (
        f"The model’s {moved} with this contribution, but something else that is guarded gets "
        "worse than is allowed."
    )


def _moved(metric: str, delta: Mapping[str, Any]) -> str:
    before, after = (value_in_words(metric, delta[name]) for name in ("baseline_ppm", "new_ppm"))
    if before == after:
        before, after = (f"{delta[name] / 1_000_000:.6f}" for name in ("baseline_ppm", "new_ppm"))
    verb = "rises" if delta["delta_ppm"] > 0 else "falls"
    return f"{metric_name(metric)} {verb} from {before} to {after}"


def _gain(delta: Mapping[str, Any]) -> int:
    gain: int = delta["delta_ppm"]
    return gain if delta["direction"] == "higher" else -gain


def _certain(metric: str, delta: Mapping[str, Any]) -> str:
    low = delta["low_ppm"] if delta["direction"] == "higher" else -delta["high_ppm"]
    return (
        f"With {confidence_in_words(delta['confidence_ppm'])} confidence the gain is at least "
        f"{unit_of(metric, delta['direction']).amount(low)}."
    )


def _paid(settled: Mapping[str, Any]) -> list[str]:
    payable = settled["delta_one"]["payable_bps"]
    told = [f"{counted(payable, 'basis point is', 'basis points are')} payable for it."]
    delta = settled["measurement"]["metrics"][settled["rule"]["primary"]]
    low = delta["low_ppm"] if delta["direction"] == "higher" else -delta["high_ppm"]
    if payable < min(floor_ppm_to_bps(low), settled["delta_one"]["bps"]):
        told.append(
            f"That is what is left: of {settled['certain_total_bps']:,} basis points that are "
            f"certain of all accepted contributions together {settled['paid_before_bps']:,} were "
            f"paid before, and {settled['paid_for_it_before_bps']:,} for this one on another "
            "version of the benchmark."
        )
    return told


def _around(claim: Mapping[str, Any]) -> list[str]:
    """Say on what, against what and at which look it was measured, and what the metric means."""
    settled, result = claim["settlement"], claim["result"]
    measured = settled["measurement"] or result["measurement"]
    budget, before = settled["budget"], len(settled["accepted_before"])
    against = "the model of the base set"
    if before and settled["released"]:
        joined = counted(before, "contribution", "contributions")
        against = f"the model of the base set and {joined} accepted before"
    rows = counted(measured["test_rows"], "row", "rows")
    told = [
        f"Measured on {rows} of {PARTS[measured['part']]}, against {against}. "
        f"Look {budget['position']:,} of {budget['submissions']:,} at the test set."
    ]
    primary = settled["rule"]["primary"]
    if meaning := metric_in_words(primary):
        told.append(f"{capitalised(metric_name(primary))}: {meaning}.")
    return told
