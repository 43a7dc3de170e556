"""Tests of the words before a number."""

import pytest

from hokusai_assets.privacy.context import REACH, Vocabulary, words_before

WORDS = Vocabulary({"phone": ("call", "telefon*", "電話"), "other": ("order*", "#", "№")})


@pytest.mark.parametrize(
    ("before", "meaning"),
    [
        ("call ", "phone"),
        ("CALL: ", "phone"),
        ("Telefonnummer ", "phone"),
        ("telefo ", None),
        ("recall ", None),
        ("calls ", None),
        ("call about order ", "other"),
        ("orders: call ", "phone"),
        ("call #", "other"),
        ("電話番号は", "phone"),
        ("order 電話", "phone"),
        ("電話 order ", "other"),
        ("call" + "." * (REACH - 4), "phone"),
        ("call" + "." * (REACH - 3), None),
        ("", None),
    ],
)
def test_the_nearest_known_word_within_reach_decides(before: str, meaning: str | None) -> None:
    assert WORDS.nearest(f"{before}12345", len(before)) == meaning
    assert WORDS.nearest(f"{before}12345 order", len(before)) == meaning


def test_a_word_that_reaches_in_from_further_left_is_left_out() -> None:
    text = "x" + "recall" + "." * (REACH - 4)
    assert words_before(text, len(text)) == "." * (REACH - 4)
    assert WORDS.nearest(text, len(text)) is None
