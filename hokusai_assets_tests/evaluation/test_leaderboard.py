"""The leaderboard: order, ties, statuses, payments, and what disagrees with the ledger."""

from dataclasses import replace

from hokusai_assets.evaluation.leaderboard import (
    build_leaderboard,
    disagreements,
    gain_interval_of,
)

from .made_outcomes import VERSION, entry_for, made_attested, made_intake


def board(*outcomes, settled=(), **credit):
    return build_leaderboard("made", VERSION, outcomes, settled, **credit)


def test_the_largest_gain_comes_first_whatever_the_order_of_the_lines():
    found = board(
        made_attested("small", 1, delta=100),
        made_attested("loss", 2, delta=-300),
        made_attested("large", 3, delta=9_000, payable=40),
    )
    assert [(row.rank, row.contribution, row.gain_ppm) for row in found.rows] == [
        (1, "large", 9_000),
        (2, "small", 100),
        (3, "loss", -300),
    ]
    assert (found.metric, found.direction) == ("f1", "higher")


def test_where_lower_is_better_a_fall_is_the_gain_and_its_interval_is_turned():
    worse = made_attested("worse", 1, delta=100, direction="lower")
    better = made_attested("better", 2, delta=-5_000, direction="lower")
    found = board(worse, better)
    assert [row.contribution for row in found.rows] == ["better", "worse"]
    assert found.rows[0].gain_ppm == 5_000
    assert gain_interval_of(better) == (3_900, 5_900)


def test_equal_gains_share_a_rank_and_the_next_one_skips():
    found = board(
        made_attested("b", 1, delta=5),
        made_attested("a", 2, delta=5),
        made_attested("c", 3, delta=4),
    )
    assert [(row.rank, row.contribution) for row in found.rows] == [(1, "a"), (1, "b"), (3, "c")]


def test_what_is_not_attested_stands_below_with_its_status():
    found = board(
        made_intake("rejected", "bad-label"),
        made_intake("running"),
        made_intake("refused"),
        made_attested("refused", 1, delta=1),
        made_intake("promoted"),
        made_attested("promoted", 1, delta=900, payable=5, version="dd" * 32),
    )
    assert [(row.contribution, row.status, row.rank) for row in found.rows] == [
        ("refused", "not accepted", 1),
        ("running", "unfinished", None),
        ("rejected", "rejected", None),
        ("promoted", "earlier version", None),
    ]
    assert found.rows[2].broken_rules == ("bad-label",)
    assert found.counts == {
        "accepted": 0,
        "not accepted": 1,
        "accepted earlier": 0,
        "unfinished": 1,
        "rejected": 1,
        "earlier version": 1,
    }


def test_what_was_accepted_on_an_earlier_version_stays_so_when_it_is_sent_again():
    paid = made_attested("paid", 1, delta=900, payable=60, version="dd" * 32)
    refused = made_attested("refused", 2, delta=1, version="dd" * 32)
    found = board(
        made_intake("paid"),
        paid,
        refused,
        made_intake("paid", "too-few-new-rows"),
        made_intake("refused", "too-few-new-rows"),
        settled=[entry_for(paid), entry_for(refused)],
    )
    first, second = found.rows
    assert (first.contribution, first.status) == ("paid", "accepted earlier")
    assert (first.payable_earlier_bps, first.rows_kept) == (60, 101)
    assert first.broken_rules == ("too-few-new-rows",)
    assert (second.status, second.payable_earlier_bps) == ("rejected", None)
    assert (found.counts["accepted earlier"], found.counts["rejected"]) == (1, 1)
    assert found.accepted == found.accepted_earlier == {"paid"}


def test_what_was_accepted_on_two_versions_is_ranked_and_keeps_both_payments():
    old = made_attested("a", 1, delta=900, payable=60, version="dd" * 32)
    older = made_attested("a", 1, delta=900, payable=5, version="ee" * 32)
    new = made_attested("a", 2, delta=1)
    found = board(older, old, new, settled=[entry_for(one) for one in (older, old, new)])
    (row,) = found.rows
    assert (row.status, row.rank, row.payable_earlier_bps) == ("not accepted", 1, 65)
    assert row.attested.payable_bps == 0
    assert found.to_dict()["rows"][0]["payable_earlier_bps"] == 65


def test_what_only_the_ledger_knows_as_accepted_earlier_has_a_row():
    paid = made_attested("lost", 1, delta=900, payable=60, version="dd" * 32)
    (row,) = board(settled=[entry_for(paid)]).rows
    assert (row.status, row.payable_earlier_bps, row.rows_kept) == ("accepted earlier", 60, 0)


def test_credit_is_shown_of_those_that_were_valued():
    found = board(
        made_attested("a", 1, delta=5),
        made_attested("b", 2, delta=4),
        credit_ppm={"a": 700},
        credit_method="knn-shapley",
    )
    assert [row.credit_ppm for row in found.rows] == [700, None]
    assert found.credit_method == "knn-shapley"


def test_payments_add_up_in_the_order_of_the_ledger_over_all_versions():
    old = made_attested("old", 1, delta=9, payable=30, version="dd" * 32)
    none = made_attested("none", 2, delta=1)
    new = made_attested("new", 3, delta=9, payable=12)
    found = board(none, new, settled=[entry_for(one) for one in (old, none, new)])
    assert [(p.number, p.contribution, p.payable_bps, p.paid_bps) for p in found.payments] == [
        (1, "old", 30, 30),
        (2, "none", 0, 30),
        (3, "new", 12, 42),
    ]


def test_an_index_that_says_what_the_ledger_says_disagrees_in_nothing():
    told = [made_attested("a", 1, delta=9, payable=3), made_attested("b", 2, delta=1, shown=False)]
    assert disagreements(told, [entry_for(one) for one in told]) == {}


def test_every_disagreement_with_the_ledger_is_named():
    told = [made_attested(name, place, delta=1) for place, name in enumerate("abc", 1)]
    entries = [entry_for(one) for one in told]
    other = replace(told[1], accepted=True, payable_bps=9)
    found = disagreements([told[0], other], entries[1:])
    assert found == {
        "a": "it is attested, but not in the ledger",
        "b": "the index has another verdict than the ledger",
        "c": "it was settled, but no attestation of it is in the index",
    }
    gained_more = replace(told[0], accepted=True, payable_bps=2, bps=900)
    paid = replace(entries[0], accepted=True, payable_bps=2, bps=4)
    assert list(disagreements([gained_more], [paid])) == ["a"]
