"""Tests of lists of numbers: they are no telephone numbers, and are passed over at once."""

import random

import pytest

from hokusai_assets.privacy.number_lists import list_end
from hokusai_assets.privacy.phones import phones
from hokusai_assets.privacy.spans import dissect
from hokusai_assets_tests.privacy.entity_findings import RECOGNISERS

TRIPLES = "512 007 517 956 388 652 114"
LONG = f"{TRIPLES} 030 011 700"


def rest(text: str) -> str:
    """Return the text with `_` for each finding."""
    pieces = dissect(text, RECOGNISERS, lambda _: True) or [text]
    return "".join(piece if isinstance(piece, str) else "_" for piece in pieces)


@pytest.mark.parametrize("form", ["03d", "02d", "05d", "d"])
@pytest.mark.parametrize("separator", [" ", "/", "-", "."])
def test_rows_of_many_random_numbers_are_left_alone(form: str, separator: str) -> None:
    source = random.Random(5)
    size = int(form[1]) if form != "d" else 3
    rows = [
        separator.join(format(source.randrange(10**size), form) for _ in range(24))
        for _ in range(300)
    ]
    assert sum(rest(row) != row for row in rows) <= 1


@pytest.mark.parametrize(
    "text",
    [
        TRIPLES, LONG, f"x {TRIPLES} y", "007 517 956 388 652 114 030", "98765 43210 98765",
        "1 22 333 4 55 666 7 88 415 555 2671",
    ],
)  # fmt: skip
def test_a_number_inside_a_list_of_numbers_is_no_phone(text: str) -> None:
    assert rest(text) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"{LONG} +44 20 7946 0000", f"{LONG} _"),
        (f"+44 20 7946 0000, {LONG}", f"_, {LONG}"),
        ("3 14 159 26 5 35 8 97 93 2 00 44 20 7946 0000", "3 14 159 26 5 35 8 97 93 2 _"),
        ("1 22 333 4 55 666 7 88 9 (415) 555-2671", "1 22 333 4 55 666 7 88 _"),
        ("1 22 333 4 55 666 7 88 9, 415-555-2671", "1 22 333 4 55 666 7 88 9, _"),
        ("call 512 007 517 9 or so", "call _ or so"),
        ("12 34 56 78 90 11 22 33 44, 4155552671 cell", "12 34 56 78 90 11 22 33 44, _ cell"),
    ],
)
def test_a_number_beside_a_list_that_is_announced_is_found(text: str, expected: str) -> None:
    assert rest(text) == expected


def test_the_first_number_of_a_list_counts_after_a_word_for_phones() -> None:
    assert rest("tel. 415 555 2671 12 34 56 78 90 1 2").startswith("tel. _")


@pytest.mark.parametrize(
    "number", ["415 555 2671", "01 23 45 67 89", "07700900123", "020 7946 0000"]
)
@pytest.mark.parametrize("separator", [" ", " / "])
def test_phones_of_one_grouping_beside_each_other_are_no_list(number: str, separator: str) -> None:
    for count in (2, 4, 9):
        text = separator.join([number] * count)
        assert rest(text) == separator.join("_" * count)


@pytest.mark.parametrize("unit", ["12 34 56 78 ", "123 456 ", "12/34 56/78 ", "7 12 345 6 "])
def test_a_long_list_is_looked_at_a_few_times_only(unit: str) -> None:
    text = unit * 5000
    book = phones(("US", "FR"))
    assert book.passes_over is not None
    position, looks = 0, 0
    while match := book.compiled.search(text, position):
        onward = book.passes_over(text, match.start())
        position, looks = max(onward, match.start() + 1), looks + 1
    # Of more than 8 groups nearly all are passed over together.
    assert looks < len(text) / 80


@pytest.mark.parametrize("text", ["", "x", "1 2 3", "1 2 3 4 5 6 7 8", "1, 2, 3, 4, 5, 6, 7, 8, 9"])
def test_where_no_list_begins_nothing_is_passed_over(text: str) -> None:
    assert list_end(text, 0) == 0
