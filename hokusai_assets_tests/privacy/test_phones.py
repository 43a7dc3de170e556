"""Tests of telephone numbers; examples come from the phonenumbers library's metadata."""

import phonenumbers
import pyarrow as pa
import pytest
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from hokusai_assets.privacy.keys import PrivacyKey
from hokusai_assets.privacy.phones import DEFAULT_REGIONS, PhoneBook
from hokusai_assets.privacy.pseudonymise import pseudonymise
from hokusai_assets.privacy.recognisers import default_recognisers
from hokusai_assets.privacy.spans import Finding, dissect

RECOGNISERS = default_recognisers()
BOOK = PhoneBook(DEFAULT_REGIONS)


def found(text: str) -> list[str]:
    pieces = dissect(text, RECOGNISERS, lambda _: True) or []
    return [piece.canonical for piece in pieces if isinstance(piece, Finding)]


def example(region: str) -> phonenumbers.PhoneNumber:
    number = phonenumbers.example_number_for_type(region, PhoneNumberType.MOBILE)
    assert number is not None
    return number


@pytest.mark.parametrize("region", ["US", "GB", "FR", "IN", "AU", "DE", "JP", "BR", "NG", "IT"])
def test_international_forms_of_every_region_are_found(region: str) -> None:
    number = example(region)
    e164 = phonenumbers.format_number(number, PhoneNumberFormat.E164)
    written = phonenumbers.format_number(number, PhoneNumberFormat.INTERNATIONAL)
    assert found(f"call {written} now") == [e164]
    assert found(f"call {e164}") == [e164]
    assert found(f"call 00{e164[1:]}") == [e164]


@pytest.mark.parametrize("region", DEFAULT_REGIONS)
def test_national_forms_of_the_default_regions_are_found(region: str) -> None:
    written = phonenumbers.format_number(example(region), PhoneNumberFormat.NATIONAL)
    assert len(found(f"ring {written} or write")) == 1
    assert len(found(f"ring {written.replace(' ', '')} or write")) == 1


def test_regions_can_be_chosen() -> None:
    number = example("ES")
    written = phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL)
    e164 = phonenumbers.format_number(number, PhoneNumberFormat.E164)
    for regions, spelled in ((("ES",), e164), (("US",), e164.removeprefix("+34"))):
        recognisers = default_recognisers(phone_regions=regions)
        pieces = dissect(f"llama {written} ya", recognisers, lambda _: True)
        assert pieces is not None and pieces[1] == Finding("PHONE", spelled)
    assert dissect(f"Ana {written} ya", default_recognisers(("US",)), lambda _: True) is None


def test_an_unknown_region_is_refused() -> None:
    with pytest.raises(ValueError, match="ISO 3166"):
        PhoneBook(("XX",))


@pytest.mark.parametrize(
    "text",
    ["+1 415 555 2671", "(415) 555-2671", "415.555.2671", "1-415-555-2671", "001 415 555 2671"],
)
def test_spellings_of_one_number_are_one(text: str) -> None:
    assert found(f"x {text} y") == ["+14155552671"]
    assert BOOK.canonicalise(text) == "+14155552671"


def test_a_number_column_that_lost_zeros_is_read_by_region() -> None:
    # 7400 123456 is the library's own example of a British mobile number, its zero lost.
    assert PhoneBook(("GB", "DE")).canonicalise("7400123456") == "+447400123456"
    assert PhoneBook(("FR",)).canonicalise("612345678") == "+33612345678"


def test_premium_numbers_count_and_two_in_a_row_are_two() -> None:
    assert found("08712460324 020 7946 0000 020 7946 0001 ok") == [
        "+448712460324", "+442079460000", "+442079460001",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "4155552671",  # a cell of bare digits is a number
        "2024-01-15 10:30:45", "seen 02-03-2004 here", "02.03.2004 12.30", "0.2079460000",
        "0.726476 0.062819 0.443175", "4 155 552 671", "1 2 3 4 5 6 7 8 9 10", "-4155552671.25",
        "id 123e4567-e89b-12d3-a456-426614174000", "ORD4155552671", "1,234,567,890",
        "2004 2005 2006",
    ],
)  # fmt: skip
def test_numbers_dates_and_codes_are_no_phones(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize("text", ["(2024-11-23)", "x (2024-11-23) y", "((", "(1) (2)"])
def test_brackets_around_a_date_or_nothing_are_no_phone(text: str):
    table = pa.table({"t": [text]})
    hashed, _ = pseudonymise(table, policies={}, key=PrivacyKey.from_secret(b"x" * 32))
    assert hashed.equals(table)


def test_dots_between_all_groups_are_a_phone_and_one_dot_is_a_decimal():
    key = PrivacyKey.from_secret(b"x" * 32)
    texts = ["call 1.800.555.0199 if", "rose 3.5 to 6.7 and 8.9"]
    hashed, _ = pseudonymise(pa.table({"t": texts}), policies={}, key=key)
    phone, decimals = hashed["t"].to_pylist()
    assert "0199" not in phone
    assert decimals == texts[1]
