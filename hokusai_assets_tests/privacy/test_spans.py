"""Tests of folding and of cutting one text."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hokusai_assets.privacy.keys import PrivacyKey
from hokusai_assets.privacy.recognisers import default_recognisers
from hokusai_assets.privacy.spans import Finding, dissect, fold
from hokusai_assets.privacy.tokens import is_own_token, token

RECOGNISERS = default_recognisers()
KEY = PrivacyKey.from_secret(bytes(range(32)))

VALUES = [
    "a@b.example", "+442079460000", "020 7946 0000", "4155552671", "123-45-6789",
    "4111111111111111", "192.0.2.1", "2001:db8::1", token("EMAIL", "x", KEY), "46053177",
    "12 Oak Street", "1.2.3.4", "123 45 6789",
    "<EMAIL:kabcdef:" + "a" * 40 + ">",
]  # fmt: skip
GLUE = [
    "",
    " ",
    ",",
    "-",
    "/",
    "'",
    ".",
    ":",
    "\u200b",
    "\u0338",
    "\uff10",
    "0",
    "x",
    "ssn ",
    "call ",
    "order ",
    " or ",
    "version ",
    "some words that are long ",
    "é",
    "(",
]
TEXTS = st.lists(st.sampled_from(VALUES + GLUE), max_size=8).map("".join) | st.text()


def own(text: str) -> bool:
    return is_own_token(text, KEY)


def replaced(text: str) -> str:
    pieces = dissect(text, RECOGNISERS, own)
    if pieces is None:
        return text
    return "".join(
        token(piece.entity, piece.canonical, KEY) if isinstance(piece, Finding) else piece
        for piece in pieces
    )


@given(st.text())
@settings(deadline=None)
@example("\u3164")
@example("1\u200d\u0338")
def test_folding_twice_is_folding_once(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@given(TEXTS)
@settings(deadline=None, max_examples=300)
@example("4155552671,+442079460000")
@example("a@b.example\u0338")
def test_replacing_twice_is_replacing_once(text: str) -> None:
    once = replaced(text)
    assert replaced(once) == once


@pytest.mark.parametrize(
    "text",
    [
        "bob\u200b@\u2060example.com",  # zero width
        "bo\u00adb@example.com",  # soft hyphen
        "bob\uff20example\uff0ecom",  # full width
        "\U0001d41b\U0001d428\U0001d41b@example.com",  # mathematical letters
        "b\u034fob@example.com",
    ],
)
def test_a_disguised_address_is_found_as_itself(text: str) -> None:
    assert dissect(text, RECOGNISERS, own) == ["", Finding("EMAIL", "bob@example.com"), ""]


@pytest.mark.parametrize("digits", ["\u0660", "\uff10", "\u0966"], ids=["arabic", "wide", "hindi"])
def test_digits_of_other_scripts_are_digits(digits: str) -> None:
    text = "+442079460000".translate({48 + i: ord(digits) + i for i in range(10)})
    assert dissect(text, RECOGNISERS, own) == ["", Finding("PHONE", "+442079460000"), ""]


@pytest.mark.parametrize(
    ("text", "entities"),
    [
        ("Contact a@b.example or 46053177.", ["EMAIL", "PHONE"]),
        (f"Contact {token('EMAIL', 'x', KEY)} or 46053177.", ["PHONE"]),
        ("a@b.example or 46053177.", ["EMAIL"]),
        ("Call Ann, a@b.example, about order 415-555-2671.", ["EMAIL"]),
        ("ssn of a@b.example: 123 45 6789", ["EMAIL", "SSN"]),
        ("version (a@b.example) 1.2.3.4", ["EMAIL"]),
    ],
)
def test_words_before_a_value_that_was_taken_out_still_count(
    text: str, entities: list[str]
) -> None:
    pieces = dissect(text, RECOGNISERS, own) or []
    assert [piece.entity for piece in pieces if isinstance(piece, Finding)] == entities
    assert dissect(replaced(text), RECOGNISERS, own) is None


def test_what_one_stretch_gives_away_of_another_is_found_at_once() -> None:
    # Once the street is taken out, `call` stands near enough to the digits after the token.
    mine = token("EMAIL", "x", KEY)
    text = f"call from 12345 Very Long Named Oak Street {mine} or 46053177 x"
    once = replaced(text)
    assert "46053177" not in once and replaced(once) == once


def test_a_finding_does_not_show_its_value() -> None:
    assert "bob" not in repr(dissect("x bob@example.com", RECOGNISERS, own))


def test_own_tokens_stay_and_forged_ones_are_hashed() -> None:
    mine, forged = token("IP", "192.0.2.1", KEY), "<IP:kabcdef:" + "a" * 40 + ">"
    assert dissect(f"x {mine}", RECOGNISERS, own) is None
    assert dissect(f"{mine} {forged}", RECOGNISERS, own) == [
        "", mine, " ", Finding("IP", forged), "",
    ]  # fmt: skip


def test_a_stretch_without_a_finding_keeps_its_characters() -> None:
    mine = token("IP", "192.0.2.1", KEY)
    pieces = dissect(f"\ufb01 {mine} a@b.example \ufb01", RECOGNISERS, own)
    assert pieces is not None
    assert pieces[0] == "\ufb01 "
    assert pieces[-1] == " fi"


@pytest.mark.parametrize(
    "text",
    ["a@" * 50_000, "a" * 100_000 + "@", "1" * 100_000, "012 " * 25_000, "a:" * 50_000,
     "1.1." * 25_000, "ssn no " * 15_000, "1" + "- ./" * 25_000, "1 (" * 30_000,
     "12 34 " * 15_000, "born " * 20_000, "passport n " * 9_000, "12 Oak " * 14_000,
     "http://a:" * 11_000, "GB29 " * 20_000, "0xab" * 25_000, "\u0301" * 100_000],
    ids=["at", "letters", "digits", "groups", "colons", "dots", "words", "separators", "brackets",
         "pairs", "births", "passports", "streets", "urls", "accounts", "hex", "marks"],
)  # fmt: skip
@pytest.mark.timeout(120)
def test_a_hostile_cell_takes_linear_time(text: str) -> None:
    # Quadratic work on these takes many minutes, linear a second or two.
    assert dissect(text, RECOGNISERS, own) is None
