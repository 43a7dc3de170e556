"""Settlement: a gain counts from the accepted model, and payments add up to what is certain."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from hokusai_assets.benchmarks.test_split import TestSplit
from hokusai_assets.evaluation.decision import DeltaOneDecision
from hokusai_assets.evaluation.ledger_state import Standing
from hokusai_assets.evaluation.settlement import Settlement, settle, within_total

from .ledger_process import entry_of
from .made_evaluations import WHOLE, Settling, benchmark_of, evaluation, spec_of, split_of

ROWS = 2_000
DECISION = DeltaOneDecision(300, 120, True, "Accepted.", ())


def right_on(rows: int) -> np.ndarray:
    """Return which rows a model is right on: the first ones."""
    return np.arange(ROWS) < rows


def standing(*paid: int) -> Standing:
    accepted = tuple(entry_of(f"r{at}", at + 1, payable=bps) for at, bps in enumerate(paid))
    return Standing(len(paid) + 1, 100, accepted, "00" * 32, None)


def settled(
    baseline: int, accepted: int, candidate: int, *paid: int, split: TestSplit = WHOLE
) -> Settlement:
    """Settle models that are right on the first so many rows each."""
    models = [evaluation(right_on(rows), str(rows)) for rows in (baseline, accepted, candidate)]
    return settle(*models, benchmark=benchmark_of(), split=split, standing=standing(*paid))


# within_total


@given(st.integers(0, 10_000), st.integers(-10_000, 10_000), st.integers(0, 10_000))
def test_payable_is_the_least_of_the_step_and_what_is_left_of_the_total(
    payable: int, certain: int, paid: int
):
    decision = replace(DECISION, payable_bps=payable)
    held = within_total(decision, certain_total_bps=certain, paid_before_bps=paid)
    assert held.payable_bps == sorted([0, payable, certain - paid])[1]
    # Only the payment is held; whether the data joins the accepted model was decided before.
    assert replace(held, payable_bps=0, reason="") == replace(decision, payable_bps=0, reason="")


def test_who_is_paid_less_than_the_step_is_told_the_total_and_what_is_paid():
    held = within_total(DECISION, certain_total_bps=500, paid_before_bps=450)
    assert held.payable_bps == 50
    assert "Of the 500 basis points that are certain" in held.reason
    assert "450 are paid, so 50 remain payable" in held.reason


def test_who_is_paid_the_whole_step_is_told_nothing_more():
    assert within_total(DECISION, certain_total_bps=570, paid_before_bps=450) == DECISION


@given(st.integers(0, 10_000), st.integers(0, 10_000))
def test_what_was_paid_for_it_elsewhere_is_not_paid_again(payable: int, elsewhere: int):
    decision = replace(DECISION, payable_bps=payable)
    held = within_total(
        decision, certain_total_bps=10_000, paid_before_bps=0, paid_for_it_bps=elsewhere
    )
    assert held.payable_bps == max(0, payable - elsewhere)
    told = f"{elsewhere} basis points were paid for it, so {held.payable_bps} remain payable"
    assert (told in held.reason) == (payable > 0 and elsewhere > 0)


# settle


def test_the_first_contribution_is_measured_against_the_baseline_at_the_allotted_level():
    found = settled(1_600, 1_600, 1_680)
    assert found.confidence_ppm == 999_500
    assert found.measurement.deltas["accuracy"].confidence_ppm == 999_500
    assert (found.decision.accepted, found.decision.bps) == (True, 400)
    assert found.decision.payable_bps == found.certain_total_bps
    # 80 rows are won and none lost: the gain is a share with an exact interval.
    low = stats.binomtest(80, ROWS).proportion_ci(0.9995, method="exact").low
    assert 0.9 * low <= found.decision.payable_bps / 10_000 <= low


def test_a_later_contribution_is_measured_against_the_accepted_model():
    found = settled(1_600, 1_680, 1_740, 200)
    assert (found.decision.accepted, found.decision.bps) == (True, 300)
    assert found.certain_total_bps > found.decision.payable_bps
    assert found.certain_total_bps <= 700


def test_what_the_accepted_model_has_already_is_worth_nothing_though_it_beats_the_baseline():
    found = settled(1_600, 1_680, 1_680, 200)
    assert (found.decision.accepted, found.decision.payable_bps) == (False, 0)
    assert found.certain_total_bps > 0


def test_what_is_certain_in_all_is_not_paid_again():
    alone = settled(1_600, 1_680, 1_740)
    total = alone.certain_total_bps
    assert settled(1_600, 1_680, 1_740, total - 7).decision.payable_bps == 7
    beyond = settled(1_600, 1_680, 1_740, total + 50).decision
    assert (beyond.accepted, beyond.payable_bps) == (True, 0)


def test_only_the_private_part_decides():
    # The candidate loses on all public rows what it wins on private ones.
    before, after = right_on(1_600), right_on(1_600)
    after[:200] = False
    after[1_600:1_800] = True
    models = [evaluation(before, "a"), evaluation(before, "a"), evaluation(after, "b")]
    split = split_of(ROWS, 1_000)
    whole = settle(*models, benchmark=benchmark_of(), split=WHOLE, standing=standing())
    private = settle(*models, benchmark=benchmark_of(), split=split, standing=standing())
    assert (whole.decision.accepted, whole.decision.bps) == (False, 0)
    assert (private.decision.accepted, private.decision.bps) == (True, 2_000)
    assert (private.measurement.part, private.measurement.test_rows) == ("private", 1_000)
    assert private.measurement.test_root == split.deciding.root


def test_models_of_other_test_sets_are_not_accepted():
    models = [evaluation(right_on(1_600), "a"), evaluation(right_on(1_600), "a")]
    other = evaluation(right_on(1_900), "b", root="cd" * 32)
    found = settle(*models, other, benchmark=benchmark_of(), split=WHOLE, standing=standing())
    assert (found.decision.accepted, found.decision.payable_bps) == (False, 0)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.integers(-60, 120), min_size=1, max_size=8),
    st.integers(0, 60),
    st.sampled_from([13, 100, 10_000]),
    st.integers(0, 2**32 - 1),
)
def test_payments_add_up_to_no_more_than_is_certain_of_all_accepted_together(
    tmp_path_factory: pytest.TempPathFactory,
    gains: list[int],
    churn: int,
    submissions: int,
    seed: int,
):
    stream = np.random.default_rng(seed)
    right = right_on(1_400)
    baseline = evaluation(right, "baseline")
    path = tmp_path_factory.mktemp("ledger") / "l"
    line = Settling(path, baseline, spec_of(submissions=submissions))
    paid, most = 0, 0
    for number, gain in enumerate(gains):
        candidate = line.accepted.replicas[0].predicted == line.accepted.replicas[0].actual
        wrong, rightly = np.flatnonzero(~candidate), np.flatnonzero(candidate)
        won = stream.choice(wrong, min(len(wrong), churn + max(0, gain)), replace=False)
        lost = stream.choice(rightly, churn + max(0, -gain), replace=False)
        candidate[won], candidate[lost] = True, False
        found = line.settle(evaluation(candidate, str(number)), f"r{number}")
        assert found.standing.paid_bps == paid
        payable = found.decision.payable_bps
        paid += payable
        most = max(most, found.certain_total_bps)
        assert payable == 0 or (found.decision.accepted and paid <= found.certain_total_bps)
        assert paid <= most
        if payable:
            gained = int(candidate.sum()) - int(right.sum())
            assert paid <= gained * 10_000 / ROWS
