"""The log of problems: what it gathers does not depend on how a file was cut."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from hokusai_assets.tables.problem_log import SHOWN_COLUMNS, ProblemLog

EVENTS = st.lists(
    st.tuples(
        st.sampled_from([None, "b", "a", "odd@name"]),
        st.sampled_from(["wrong-type", "missing-value", "ragged-rows"]),
        st.lists(st.integers(1, 400), unique=True, min_size=1, max_size=30).map(sorted),
    ),
    unique_by=lambda event: event[:2],
    max_size=8,
)


def added(log: ProblemLog, column: str | None, rule: str, rows: list[int]) -> None:
    log.add(rule, rows, column=column, what="it is wrong.", fix="Mend {column}.")


@given(EVENTS, st.lists(st.integers(1, 400), max_size=6), st.randoms(use_true_random=False))
def test_where_batches_are_cut_changes_nothing(events: list, cuts: list[int], random: object):
    whole = ProblemLog("x.csv", ["a", "b"])
    for event in events:
        added(whole, *event)
    cut = ProblemLog("x.csv", ["a", "b"])
    edges = [0, *sorted(cuts), 401]
    for low, high in pairwise(edges):
        shuffled = list(events)
        random.shuffle(shuffled)  # type: ignore[attr-defined]
        for column, rule, rows in shuffled:
            added(cut, column, rule, [row for row in rows if low <= row < high])
    assert cut.problems() == whole.problems()


def test_rows_come_first_then_columns_as_declared_then_what_is_missing() -> None:
    log = ProblemLog("x.csv", ["b", "a"])
    added(log, "other", "wrong-type", [1])
    added(log, "a", "wrong-type", [2])
    added(log, "b", "missing-value", [3])
    added(log, "b", "wrong-type", [9])
    added(log, None, "ragged-rows", [7])
    assert [(p.rule, p.column, p.rows) for p in log.problems()] == [
        ("ragged-rows", None, (7,)),
        ("wrong-type", "b", (9,)),
        ("missing-value", "b", (3,)),
        ("wrong-type", "a", (2,)),
        ("wrong-type", None, (1,)),
    ]


def test_the_first_rows_are_named_and_all_are_counted() -> None:
    log = ProblemLog("x.csv", ["a"])
    added(log, "a", "wrong-type", [1, 2, 3])
    added(log, "a", "wrong-type", [4, 5, 6, 7])
    (problem,) = log.problems()
    assert problem.message == "x.csv, column 'a', rows 1, 2, 3, 4, 5 and 2 more: it is wrong."
    assert (problem.rows, problem.count, problem.fix) == ((1, 2, 3, 4, 5), 7, "Mend 'a'.")


def test_two_ways_to_break_one_rule_are_told_apart() -> None:
    log = ProblemLog("x.json")
    log.add("bad-json", [1], what="not a record.", fix="Mend it.")
    log.add("bad-json", [2], what="not valid JSON.", fix="Mend it.")
    assert [p.message for p in log.problems()] == [
        "x.json, row 1: not a record.",
        "x.json, row 2: not valid JSON.",
    ]


def test_a_name_the_file_brought_is_shown_only_if_it_can_hold_no_value() -> None:
    log = ProblemLog("x.json", ["ann@example.com"])
    added(log, "bob@example.com", "wrong-type", [1])
    added(log, "ann@example.com", "wrong-type", [1])
    own, brought = log.problems()
    assert own.column == "ann@example.com"
    assert brought.column is None and "bob" not in repr(brought)


def test_columns_beyond_the_cap_are_counted_in_one_problem() -> None:
    log = ProblemLog("x.json")
    for number in range(SHOWN_COLUMNS + 7):
        added(log, f"c{number}", "nested-value", [1])
    problems = log.problems()
    assert len(problems) == SHOWN_COLUMNS + 1
    assert "7 more columns" in problems[-1].message


def test_what_was_noted_of_a_column_can_be_dropped() -> None:
    log = ProblemLog("x.json", ["a"])
    assert not log
    added(log, "a", "missing-value", [1])
    assert log
    log.forget("a")
    assert not log and log.problems() == []
