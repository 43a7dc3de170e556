import re
from dataclasses import replace

from hokusai_assets.evaluation.leaderboard import (
    Leaderboard,
    build_leaderboard,
    gain_interval_of,
)
from hokusai_assets.evaluation.outcomes import Attested
from hokusai_assets.report.benchmark_page import SHOWN_ROWS, benchmark_page
from hokusai_assets_tests.evaluation.made_outcomes import (
    VERSION,
    entry_for,
    made_attested,
    made_intake,
)
from hokusai_assets_tests.report.made_pages import board_of, bundled_spec
from hokusai_assets_tests.report.read_page import Page


def page_of(count: int, **named: object) -> str:
    return benchmark_page(bundled_spec("sms-spam"), board_of(count, **named))


def test_a_board_is_listed_best_first_with_its_sum():
    text = page_of(9, rejected=["broken-0123456789ab"])
    board = board_of(9)
    places = [text.index(f">{row.contribution}</th>") for row in board.rows]
    assert places == sorted(places)
    assert (
        "3 of 9 measured contributions were accepted and together add 2.40 percentage points of "
        "F1 score." in text
    )
    assert "rejected: missing-column" in text
    for name in ("contributions", "over-time", "cumulative"):
        assert f'aria-labelledby="{name}-title {name}-desc"' in text


def test_a_page_is_whole_and_asks_for_nothing():
    text = page_of(5)
    page = Page(text)
    assert (page.open, page.outside) == ([], [])
    assert len(set(page.ids)) == len(page.ids)
    assert text == page_of(5)


def test_ten_thousand_contributions_make_a_page_that_can_be_sent():
    text = page_of(10_000)
    assert f"{10_000 - SHOWN_ROWS:,} more are not listed." in text
    assert len(text) < 1_000_000


def test_a_gain_that_was_not_accepted_is_not_counted_as_one_that_was():
    board = board_of(4)
    assert sum(gain_interval_of(row.attested)[0] > 0 for row in board.rows) > 1
    text = page_of(4)
    assert "1 of 4 measured contributions was accepted and adds 0.80 percentage points" in text
    assert "made the model better" not in text
    assert "0 of 1 measured contribution was accepted so far." in page_of(1)
    assert "0 of 2 measured contributions were accepted so far." in page_of(2)


def test_without_contributions_it_says_so():
    text = page_of(0)
    assert "Nobody has contributed yet." in text
    assert "1 file was rejected" in page_of(0, rejected=["broken-0123456789ab"])


def test_what_was_gained_on_another_version_is_not_added_to_this_ones():
    board = board_of(9)
    earlier = [replace(paid, version="another") for paid in board.payments]
    both = replace(board, payments=(*earlier, *board.payments))
    text = benchmark_page(bundled_spec("sms-spam"), both)
    assert "3 of 9 measured contributions were accepted" in text
    assert "together add 2.40 percentage points of F1 score" in text
    assert "over all versions" in text
    assert "add up to on this version of the benchmark" in text
    assert "Another 120 basis points are payable from earlier versions." in text
    assert "240 basis points gained" in text


def promoted_board(*here: Attested) -> Leaderboard:
    """Return a board of a version that follows one on which three were accepted."""
    old = [
        made_attested(f"old-{number}", number, delta=9_000, payable=100, version="dd" * 32)
        for number in (1, 2, 3)
    ]
    again = made_intake("old-2", "too-few-new-rows")
    entries = [entry_for(one) for one in (*old, *here)]
    return build_leaderboard("sms-spam", VERSION, [*old, again, *here], entries)


def words_of(board: Leaderboard) -> str:
    text = benchmark_page(bundled_spec("sms-spam"), board)
    return " ".join(re.sub(r"<[^>]*>", " ", text).split())


def test_after_a_promotion_what_was_accepted_before_still_counts():
    found = words_of(promoted_board(made_attested("new", 4, delta=5_000, payable=20)))
    assert (
        "4 accepted so far, 3 of them on earlier versions. On this version 1 of 1 measured "
        "contribution was accepted and adds 0.40 percentage points of F1 score." in found
    )
    assert "Accepted 4 of 4 contributions; 3 on earlier versions" in found
    assert "old-1 – – accepted earlier 100" in found
    assert "Another 300 basis points are payable from earlier versions." in found


def test_a_version_on_which_nothing_was_measured_tells_what_was_accepted_before():
    found = words_of(promoted_board())
    assert "3 accepted so far, all on earlier versions of the benchmark; nothing was" in found
    assert "Nothing was settled on this version yet." in found


def test_a_paid_contribution_that_is_sent_again_is_not_shown_as_rejected():
    board = promoted_board()
    text = benchmark_page(bundled_spec("sms-spam"), board)
    assert "old-2 – – accepted earlier sent again: too-few-new-rows 100" in words_of(board)
    assert 'class="bad"' not in text
    assert "rejected: too-few" not in text
    assert "Rejected 0" in words_of(board)


def test_one_measured_again_after_a_promotion_keeps_what_was_paid_before():
    found = words_of(promoted_board(made_attested("old-1", 4, delta=100)))
    assert "not accepted accepted on an earlier version 0 and 100 earlier" in found
    assert "3 accepted so far, all of them on earlier versions." in found


def test_the_level_of_the_intervals_is_told():
    assert "with an interval at 99.95%" in " ".join(page_of(9).split())


def test_gains_on_a_loss_are_told_in_its_own_unit():
    board = replace(board_of(9), metric="log_loss", direction="lower")
    text = benchmark_page(bundled_spec("sms-spam"), board)
    assert "together add 0.0240 of log loss" in text
    assert "gain on log loss" in text
    assert "(100 are 0.01)" in text
    assert "percentage points" not in text
    assert "one point" not in text
