"""Tests of card and account numbers, with specimens that networks and registries publish."""

import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from presidio_analyzer.predefined_recognizers.generic.iban_patterns import regex_per_country

from hokusai_assets.privacy.payment_numbers import (
    iban_length,
    is_card_number,
    is_iban,
    luhn_valid,
    mod97_valid,
)
from hokusai_assets_tests.privacy.entity_findings import found

# Test numbers the card networks' processors publish, one or more per network.
CARDS = [
    "4111111111111111", "4012888888881881", "4222222222222", "5555555555554444",
    "5105105105105100", "2223003122003222", "378282246310005", "371449635398431",
    "6011111111111117", "3530111333300000", "30569309025904", "38520000023237",
    "6200000000000005", "6759649826438453", "6304000000000000", "3566002020360505",
]  # fmt: skip
# The examples of the SWIFT IBAN Registry.
IBANS = [
    "GB29 NWBK 6016 1331 9268 19", "DE89 3704 0044 0532 0130 00",
    "FR14 2004 1010 0505 0001 3M02 606", "NO93 8601 1117 947", "CH93 0076 2011 6238 5295 7",
    "MT84 MALT 0110 0001 2345 MTLC AST0 01S", "LC55 HEMM 0001 0001 0012 0012 0002 3015",
    "BR18 0036 0305 0000 1000 9795 493C 1", "SA03 8000 0000 6080 1016 7519",
    "PL61 1090 1014 0000 0712 1981 2874", "NL91 ABNA 0417 1643 00",
    "ES91 2100 0418 4502 0005 1332", "IT60 X054 2811 1010 0000 0123 456",
    "SE45 5000 0000 0583 9825 7466", "BE68 5390 0754 7034", "TR33 0006 1005 1978 6457 8413 26",
    "KW81 CBKU 0000 0000 0000 1234 5601 01", "SC18 SSCB 1101 0000 0000 0000 1497 USD",
]  # fmt: skip


@pytest.mark.parametrize("number", CARDS)
def test_published_test_cards_are_found_plain_and_in_groups(number: str) -> None:
    assert found(f"pay {number} now") == [("CARD", number)]
    size = (4, 6, 5) if len(number) == 15 else (4, 6, 4) if len(number) == 14 else (4, 4, 4, 4)
    parts, rest = [], number
    for width in size:
        parts.append(rest[:width])
        rest = rest[width:]
    if len(number) != 13:
        assert found("-".join(parts)) == [("CARD", number)]
        assert found("  ".join(parts) + " x") == [("CARD", number)]
    if len(number) == 16:
        assert found("pay " + ".".join(parts) + ".") == [("CARD", number)]
        assert found(" ".join(parts) + " 12/27") == [("CARD", number)]


@pytest.mark.parametrize(
    "text",
    [
        "4111111111111112",  # the check digit
        "9999999999999995",  # no issuer
        "0.4111111111111111",
        "x4111111111111111",
        "4111.1111 1111.1111",
        "4111.111111111111",
        "4111111111111111000000",
        "123e4567-e89b-42d3-a456-4111111111111111",  # the tail of an identifier
        "EAN 4222222222222",  # another number by the word before it
        "tracking number 4111111111111111",
    ],
)
def test_what_only_resembles_a_card_is_left(text: str) -> None:
    assert found(text) == []


@given(st.sampled_from(CARDS), st.integers(0, 18), st.integers(1, 9))
def test_one_wrong_digit_makes_it_no_card(number: str, place: int, more: int) -> None:
    # What the Luhn formula was made for (ISO/IEC 7812-1): it sees every single error.
    assume(place < len(number))
    digit = str((int(number[place]) + more) % 10)
    assert not is_card_number(number[:place] + digit + number[place + 1 :])


def test_luhn_agrees_with_the_worked_example_of_the_standard() -> None:
    assert luhn_valid("79927398713")
    assert [digit for digit in "0123456789" if luhn_valid("7992739871" + digit)] == ["3"]


@pytest.mark.parametrize("iban", IBANS)
def test_published_ibans_are_found_printed_compact_and_in_lower_case(iban: str) -> None:
    compact = iban.replace(" ", "")
    by_threes = " ".join([compact[:4], *(compact[i : i + 3] for i in range(4, len(compact), 3))])
    for text in (iban, compact, compact.lower(), iban.replace(" ", "-"), by_threes):
        assert found(f"pay to {text} by Friday") == [("IBAN", compact)]


def test_words_and_numbers_after_an_iban_are_no_part_of_it() -> None:
    assert found("NL91ABNA0417164300 2024") == [("IBAN", "NL91ABNA0417164300")]
    assert found("NL91 ABNA 0417 1643 00 BIC ABNANL2A") == [("IBAN", "NL91ABNA0417164300")]
    assert found("账号NL91ABNA0417164300。") == [("IBAN", "NL91ABNA0417164300")]


@given(st.sampled_from(IBANS), st.data())
def test_one_wrong_character_makes_it_no_iban(iban: str, data: st.DataObject) -> None:
    # MOD 97-10 sees every single substitution (ISO 7064).
    compact = iban.replace(" ", "")
    place = data.draw(st.integers(4, len(compact) - 1))
    alphabet = "0123456789" if compact[place].isdecimal() else "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    other = data.draw(st.sampled_from(alphabet.replace(compact[place], "")))
    assert not is_iban(compact[:place] + other + compact[place + 1 :])


def check_digits(country: str, bban: str) -> str:
    """Return the two digits that make country and BBAN a valid IBAN, as ISO 13616 computes them."""
    number = int("".join(str(int(character, 36)) for character in bban + country + "00"))
    return f"{98 - number % 97:02}"


def test_the_length_must_be_the_countrys_own() -> None:
    # Faker's British IBANs in some locales: right check digits, one character short.
    bban = "ESZY1417776317066"
    short = "GB" + check_digits("GB", bban) + bban
    assert mod97_valid(short[4:] + short[:4])
    assert found(f"IBAN {short}") == []
    assert found(f"XX{check_digits('XX', bban)}{bban}") == []


def test_lengths_agree_with_presidios_patterns() -> None:
    counted = 0
    for country, pattern in regex_per_country.items():
        groups = re.sub(r"\[ \]\?", "", pattern)
        size = 0
        for part in re.finditer(r"\((\w\w)\)|(?:\[[^]]*\]|\([^()]*\))(?:\{(\d+)\})?", groups):
            size += 2 if part[1] else int(part[2] or 1)
        # In Presidio 2.2.362 these four are shorter than in the registry.
        missing = {"MU": 2, "PS": 4, "PT": 4, "QA": 4}.get(country, 0)
        assert iban_length(country) == size + missing, country
        counted += 1
    assert counted > 60


def test_mod_97_agrees_with_a_published_legal_entity_identifier() -> None:
    # GLEIF's own LEI (ISO 17442, which checks by MOD 97-10).
    assert mod97_valid("506700GE1G29325QX363")
    assert not mod97_valid("506700GE1G29325QX336")
    assert not mod97_valid("5067-00")


def test_cards_beside_each_other_or_among_other_fields_are_found_all_the_same() -> None:
    cards = ["4111 1111 1111 1111", "5555 5555 5555 4444", "4012 8888 8888 1881"]
    expected = [("CARD", card.replace(" ", "")) for card in cards]
    assert found(" ".join(cards)) == expected
    assert ("CARD", "4111111111111111") in found(f"12 34 {cards[0]} 12 27 123 1 2 3 4")
    for years in (["2001"] * 9, ["2001"] * 80):
        dashed = cards[0].replace(" ", "-")
        assert found(" ".join([*years, dashed])) == expected[:1]


def test_a_card_by_chance_inside_a_long_list_of_four_digit_numbers_is_none() -> None:
    years = "1999 2001 1987 1990 2012 2020 1985 2003 4111 1111 1111 1111 2007"
    assert found(years) == []


@pytest.mark.parametrize(
    "text",
    ["DE 89 3704 0044 0532 0130 00", "IBANDE89370400440532013000", "to DE 89370400440532013000."],
)
def test_an_account_number_may_have_a_blank_after_its_country_or_its_name_before_it(
    text: str,
) -> None:
    assert found(text) == [("IBAN", "DE89370400440532013000")]
