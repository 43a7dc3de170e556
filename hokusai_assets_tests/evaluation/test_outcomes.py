"""The index of outcomes: what a line shows, and what concurrent writers and crashes leave."""

import base64
import json
import multiprocessing
from pathlib import Path

import pytest

from hokusai_assets.contributions.intake_report import IntakeReport
from hokusai_assets.evaluation.outcomes import (
    DamagedOutcomes,
    OutcomeIndex,
    attested,
    in_force,
    taken_in,
)
from hokusai_assets.tables.problems import Problem

from .made_outcomes import made_attested, made_intake

GOLDEN = Path(__file__).parents[1] / "attestation" / "golden"


def predicate_of(name: str) -> dict:
    envelope = json.loads((GOLDEN / f"{name}.dsse.json").read_bytes())
    return json.loads(base64.b64decode(envelope["payload"]))["predicate"]


@pytest.fixture
def index(tmp_path: Path) -> OutcomeIndex:
    return OutcomeIndex(tmp_path / "made" / "outcomes.jsonl")


def record_many(path: Path, name: str, count: int) -> None:
    for number in range(count):
        OutcomeIndex(path).record(made_intake(f"{name}-{number}"))


def test_an_attestation_gives_its_verdict_and_the_primary_metric_alone_and_in_turn():
    predicate = predicate_of("accepted-in-turn")
    claim = predicate["claim"]
    found = attested(predicate)
    in_turn = claim["settlement"]["measurement"]["metrics"]["auroc"]
    alone = claim["result"]["measurement"]["metrics"]["auroc"]
    assert (found.metric, found.direction) == ("auroc", "higher")
    assert found.alone.delta_ppm == alone["delta_ppm"] != in_turn["delta_ppm"]
    assert (found.settled.low_ppm, found.settled.high_ppm) == (
        in_turn["low_ppm"],
        in_turn["high_ppm"],
    )
    assert (found.accepted, found.bps, found.payable_bps) == (True, 137, 76)
    assert (found.position, found.rows_kept) == (2, 3995)
    assert found.attestation_hash == predicate["attestation_hash"]


def test_of_a_private_part_that_did_not_accept_no_figure_is_kept():
    predicate = predicate_of("private-refused")
    found = attested(predicate)
    assert found.alone.part == "public"
    assert (found.accepted, found.settled, found.bps, found.failed_conditions) == (
        False,
        None,
        None,
        (),
    )


def test_a_rejected_contribution_is_told_by_its_rules_once_each():
    problems = tuple(Problem(rule, "m", "f") for rule in ("bad-label", "bad-label", "too-few"))
    report = IntakeReport("batch-0123456789ab", "ab" * 32, problems=problems)
    assert taken_in(report).broken_rules == ("bad-label", "too-few")


def test_what_was_recorded_is_read_in_order(index: OutcomeIndex):
    assert index.read() == []
    outcomes = [
        made_intake("one"),
        made_intake("two", "bad-label"),
        made_attested("one", 1, delta=5_000, payable=20),
        made_attested("three", 2, delta=-5_000, shown=False),
    ]
    for outcome in outcomes:
        index.record(outcome)
    assert index.read() == outcomes


def test_saying_the_same_again_adds_no_line_but_going_back_to_it_does(index: OutcomeIndex):
    first, second = made_intake("one"), made_intake("one", "bad-label")
    for outcome in (first, made_intake("another"), first, second, second, first):
        index.record(outcome)
    assert index.read() == [first, made_intake("another"), second, first]
    assert in_force(index.read())[0]["one"] == first


def test_a_name_that_continues_another_is_not_taken_for_it(index: OutcomeIndex):
    for outcome in (made_intake("one"), made_intake("one-more"), made_intake("one")):
        index.record(outcome)
    assert len(index.read()) == 2


def test_processes_that_record_at_once_lose_no_line(index: OutcomeIndex, tmp_path: Path):
    path = tmp_path / "made" / "outcomes.jsonl"
    context = multiprocessing.get_context("spawn")
    writers = [
        context.Process(target=record_many, args=(path, name, 40)) for name in ("a", "b", "c")
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
        assert writer.exitcode == 0
    keys = [outcome.contribution for outcome in index.read()]
    assert sorted(keys) == sorted(f"{name}-{number}" for name in "abc" for number in range(40))


def test_a_line_that_a_crash_cut_is_none_and_the_next_writer_removes_it(
    index: OutcomeIndex, tmp_path: Path
):
    path = tmp_path / "made" / "outcomes.jsonl"
    index.record(made_intake("one"))
    whole = path.read_bytes()
    path.write_bytes(whole + whole[:40])
    assert index.read() == [made_intake("one")]
    index.record(made_intake("two"))
    assert index.read() == [made_intake("one"), made_intake("two")]


@pytest.mark.parametrize(
    ("old", "new"), [(b'"rows_kept":100', b'"rows_kept":101'), (b"one", b"two")]
)
def test_a_changed_line_is_found(index: OutcomeIndex, tmp_path: Path, old: bytes, new: bytes):
    path = tmp_path / "made" / "outcomes.jsonl"
    index.record(made_intake("one"))
    path.write_bytes(path.read_bytes().replace(old, new))
    with pytest.raises(DamagedOutcomes, match="line 1"):
        index.read()


def test_replacing_puts_all_lines_in_place_of_the_old(index: OutcomeIndex):
    index.record(made_intake("one"))
    index.replace([made_intake("two"), made_attested("two", 1, delta=1)])
    assert index.read() == [made_intake("two"), made_attested("two", 1, delta=1)]


def test_the_later_line_holds_and_looks_are_in_order():
    again = made_attested("one", 1, delta=7)
    intakes, versions = in_force(
        [
            made_intake("one", "bad-label"),
            made_attested("two", 2, delta=1),
            made_attested("one", 1, delta=5),
            made_intake("one"),
            again,
            made_attested("one", 1, delta=9, version="dd" * 32),
        ]
    )
    assert intakes == {"one": made_intake("one")}
    assert versions["cc" * 32] == [again, made_attested("two", 2, delta=1)]
    assert [one.alone.delta_ppm for one in versions["dd" * 32]] == [9]
