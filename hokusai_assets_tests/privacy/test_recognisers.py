"""Tests of the entities' rules, with values published elsewhere."""

import random

import pytest

from hokusai_assets.privacy.identity_numbers import is_social_security_number
from hokusai_assets.privacy.payment_numbers import luhn_valid
from hokusai_assets.privacy.recognisers import default_recognisers
from hokusai_assets.privacy.spans import Finding, dissect

RECOGNISERS = default_recognisers()


def found(text: str) -> list[tuple[str, str]]:
    pieces = dissect(text, RECOGNISERS, lambda _: True) or []
    return [(piece.entity, piece.canonical) for piece in pieces if isinstance(piece, Finding)]


# Test numbers the card networks' processors publish, one or more per network.
CARDS = [
    "4111111111111111", "4012888888881881", "4222222222222", "5555555555554444",
    "5105105105105100", "2223003122003222", "378282246310005", "371449635398431",
    "6011111111111117", "3530111333300000", "30569309025904", "38520000023237",
    "6200000000000005",
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
        assert found(" ".join(parts) + " 12/27") == [("CARD", number)]


@pytest.mark.parametrize(
    "text",
    [
        "4111111111111112",  # the check digit
        "9999999999999995",  # no issuer
        "0.4111111111111111",
        "x4111111111111111",
        "4111111111111111000000",
        "123e4567-e89b-42d3-a456-4111111111111111",  # the tail of an identifier
    ],
)
def test_what_only_resembles_a_card_is_left(text: str) -> None:
    assert found(text) == []


def test_luhn_agrees_with_the_worked_example_of_the_standard() -> None:
    assert luhn_valid("79927398713")
    assert [digit for digit in "0123456789" if luhn_valid("7992739871" + digit)] == ["3"]


@pytest.mark.parametrize(
    "text", ["123-45-6789", "SSN: 123456789", "my social security number is 123 45 6789"]
)
def test_a_social_security_number_needs_dashes_or_its_name(text: str) -> None:
    assert found(text) == [("SSN", "123456789")]


@pytest.mark.parametrize("text", ["ref 123456789", "123 45 6789", "9123-45-6789", "123-45-67890"])
def test_nine_digits_alone_are_no_social_security_number(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize(
    "digits", ["000123456", "666123456", "900123456", "999123456", "123004567", "123450000"]
)
def test_numbers_the_ssa_never_issues_are_refused(digits: str) -> None:
    assert not is_social_security_number(digits)
    assert found(f"{digits[:3]}-{digits[3:5]}-{digits[5:]}") == []


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("from 192.0.2.1.", "192.0.2.1"),  # RFC 5737
        ("198.51.100.7:8080", "198.51.100.7"),
        ("[203.0.113.255]", "203.0.113.255"),
        ("see 2001:DB8:0:0:8:800:200C:417A", "2001:db8::8:800:200c:417a"),  # RFC 4291 2.2
        ("2001:db8::8:800:200c:417a", "2001:db8::8:800:200c:417a"),  # RFC 3849
        ("2001:db8::1: no route", "2001:db8::1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
    ],
)
def test_addresses_are_found_in_one_spelling(text: str, address: str) -> None:
    assert found(text) == [("IP", address)]


@pytest.mark.parametrize(
    "text",
    ["1.2.3", "1.2.3.4.5", "256.1.1.1", "v10.0.19041.1", "127.0.0.1", "0.0.0.0", "::1",
     "std::vector", "dead::beef()", "12:30:45", "00:1A:2B:3C:4D:5E"],
)  # fmt: skip
def test_versions_times_and_program_text_are_no_addresses(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("Mail <Bob.Smith+x@Example.COM>.", "bob.smith+x@example.com"),
        ("mailto:a@b.example.co.uk,", "a@b.example.co.uk"),
        ("user=o'brien@example.com&x=1", "o'brien@example.com"),
        ("请联系bob@example.com谢谢", "bob@example.com"),
        ("jos\u00e9@example.com", "jos\u00e9@example.com"),
        ("a@xn--bcher-kva.example", "a@xn--bcher-kva.example"),
    ],
)
def test_mail_addresses_are_found_lower_cased(text: str, address: str) -> None:
    assert found(text) == [("EMAIL", address)]


@pytest.mark.parametrize("text", ["@handle", "meet @ 5.30", "a@b", "user@localhost", "x @ y.com"])
def test_an_at_sign_alone_is_no_mail_address(text: str) -> None:
    assert found(text) == []


def test_a_card_is_no_phone_and_neighbours_are_all_found() -> None:
    text = "4111 1111 1111 1111, 123-45-6789;+442079460000/a@b.example'c@d.example'192.0.2.1"
    assert sorted(entity for entity, _ in found(text)) == [
        "CARD", "EMAIL", "EMAIL", "IP", "PHONE", "SSN",
    ]  # fmt: skip


@pytest.mark.parametrize("recogniser", RECOGNISERS, ids=lambda row: row.entity)
def test_a_value_that_is_not_valid_still_has_one_spelling(recogniser) -> None:  # type: ignore[no-untyped-def]
    assert recogniser.canonicalise("Not  A Value") == recogniser.canonicalise(" not a VALUE ")


def test_a_number_column_spells_values_as_text_does() -> None:
    rows = {row.entity: row for row in RECOGNISERS}
    assert rows["SSN"].canonicalise("12345678") == rows["SSN"].canonicalise("012-34-5678")
    assert rows["IP"].canonicalise(str(0xC0000201)) == "192.0.2.1"


def test_lists_of_small_numbers_are_left() -> None:
    drawn = random.Random(7)
    lists = [" ".join(str(drawn.randrange(1000)) for _ in range(30)) for _ in range(500)]
    # Chance makes a few of them valid phones (a 0 leads); none is a card or an SSN.
    entities = [entity for text in lists for entity, _ in found(text)]
    assert set(entities) <= {"PHONE"}
    assert len(entities) <= 10
