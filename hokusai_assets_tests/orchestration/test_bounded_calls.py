"""Calls are answered or given up on; one that hangs holds up nothing."""

import threading

import pytest

from hokusai_assets.orchestration.bounded_calls import BoundedCalls, OutOfTime


def test_a_call_returns_its_result_and_raises_its_error():
    bounded = BoundedCalls(30)
    assert bounded(lambda: 6 * 7) == 42
    with pytest.raises(KeyError):
        bounded(lambda: {}["missing"])
    bounded.close()


def test_a_call_that_never_returns_is_given_up_on_and_the_next_finds_no_time_left():
    never = threading.Event()
    bounded = BoundedCalls(0.2)
    with pytest.raises(OutOfTime, match=r"0\.2 s"):
        bounded(never.wait)
    with pytest.raises(OutOfTime):
        bounded(lambda: 1)
    # What must be said at the end has time of its own, and is not behind the call that hangs.
    assert bounded(lambda: "ended", at_least=30) == "ended"
    never.set()


def test_all_calls_are_made_by_the_same_thread_one_after_the_other():
    bounded = BoundedCalls(30)
    names = {bounded(lambda: threading.get_ident()) for _ in range(5)}
    assert len(names) == 1
    assert names != {threading.get_ident()}
