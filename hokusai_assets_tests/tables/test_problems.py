"""Tests of the words and the JSON form of problems."""

import pytest

from hokusai_assets.tables.problems import Problem, UnreadableFile, rows_in_words


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([7], "row 7"),
        ([2, 9], "rows 2 and 9"),
        ([2, 5, 9], "rows 2, 5 and 9"),
        ([1, 2, 3, 4, 5], "rows 1, 2, 3, 4 and 5"),
        ([1, 2, 3, 4, 5, 6], "rows 1, 2, 3, 4, 5 and 1 more"),
        (list(range(1, 101)), "rows 1, 2, 3, 4, 5 and 95 more"),
    ],
)
def test_rows_are_said_briefly(rows: list[int], words: str) -> None:
    assert rows_in_words(rows) == words


def test_the_json_form_has_every_field_even_where_it_is_empty() -> None:
    assert Problem("r", "m", "f").to_dict() == {
        "rule": "r",
        "message": "m",
        "fix": "f",
        "column": None,
        "rows": [],
        "count": 0,
    }
    full = Problem("r", "m", "f", column="c", rows=(1, 2), count=9).to_dict()
    assert (full["column"], full["rows"], full["count"]) == ("c", [1, 2], 9)


def test_an_unreadable_file_says_what_is_wrong_and_what_to_do() -> None:
    problem = Problem("bad-csv", "x.csv: it is torn.", "Mend it.")
    assert str(UnreadableFile(problem)) == "x.csv: it is torn. Mend it."
    assert UnreadableFile(problem).problem is problem
