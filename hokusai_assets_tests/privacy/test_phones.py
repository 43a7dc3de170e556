"""Tests of telephone numbers; examples come from the phonenumbers library's metadata."""

import phonenumbers
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from hokusai_assets.privacy.keys import PrivacyKey
from hokusai_assets.privacy.phones import DEFAULT_REGIONS, PhoneBook
from hokusai_assets.privacy.pseudonymise import pseudonymise
from hokusai_assets.privacy.recognisers import default_recognisers
from hokusai_assets.privacy.spans import Finding, dissect
from hokusai_assets_tests.privacy.entity_findings import RECOGNISERS
from hokusai_assets_tests.privacy.entity_findings import found as values

BOOK = PhoneBook(DEFAULT_REGIONS)


def found(text: str) -> list[str]:
    return [value for entity, value in values(text) if entity == "PHONE"]


def rest(text: str) -> str:
    """Return the text with `_` for each finding."""
    pieces = dissect(text, RECOGNISERS, lambda _: True) or [text]
    return "".join(piece if isinstance(piece, str) else "_" for piece in pieces)


def example(region: str) -> phonenumbers.PhoneNumber:
    number = phonenumbers.example_number_for_type(region, PhoneNumberType.MOBILE)
    assert number is not None
    return number


@pytest.mark.parametrize("region", sorted({*DEFAULT_REGIONS, "MY", "HK", "UY", "IS", "MA", "KZ"}))
def test_international_forms_of_every_region_are_found(region: str) -> None:
    number = example(region)
    e164 = phonenumbers.format_number(number, PhoneNumberFormat.E164)
    written = phonenumbers.format_number(number, PhoneNumberFormat.INTERNATIONAL)
    assert found(f"see {written} now") == [e164]
    assert found(f"see {e164}") == [e164]
    assert found(f"call 00{e164[1:]}") == [e164]


@pytest.mark.parametrize("region", DEFAULT_REGIONS)
def test_national_forms_of_the_default_regions_are_found_after_a_word(region: str) -> None:
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
    [
        "+1 415 555 2671", "(415) 555-2671", "415.555.2671", "1-415-555-2671", "001 415 555 2671",
        "+1(415)555-2671", "1 (415) 555 2671", "415-555-2671", "(415)555-2671", "415 555 2671",
    ],
)  # fmt: skip
def test_spellings_of_one_number_are_one(text: str) -> None:
    assert found(f"x {text} y") == ["+14155552671"]
    assert BOOK.canonicalise(text) == "+14155552671"


# How people, and Faker, write numbers that no plan has; none of these is valid.
@pytest.mark.parametrize(
    "text",
    [
        "001-555-123-4567x890", "+49(0)1234 567890", "(0)1632 960 001", "+33 (0)1 09 75 83 51",
        "+44(0)1632 960 001", "0113 496 0123", "(06)12/345-6789", "06-1/629 9864", "08-12 34 56",
        "8 (916) 123-45-67", "8 916 123 45 67", "+81 3-1234-5678", "090-1234-5678",
        "(11) 91234-5678", "+55 (011) 1234-5678", "0171/1234567", "+1-555-0100-2",
        "(351) 912345678", "04.12.34.56.78", "+(370) 61234567", "555-123-4567 ext. 12",
        "00420 601 234 567",
    ],
)  # fmt: skip
def test_a_number_with_a_phones_own_form_is_found_whole_without_a_word(text: str) -> None:
    assert rest(f"Ann Lee {text} Ulm") == "Ann Lee _ Ulm"


@pytest.mark.parametrize(
    "word",
    ["Call", "tel.", "mobile:", "Fax ", "WhatsApp", "Rufen Sie", "Handynummer", "joindre au",
     "móvil", "cellulare", "bel", "zadzwoń", "celular", "ringa", "puh.", "телефон", "電話は",
     "手机", "전화", "τηλ.", "my number is", "mein Handy", "text me on"],
)  # fmt: skip
@pytest.mark.parametrize(
    "number", ["5550123", "46053177", "382419500", "4464891340", "22 28 43 83"]
)
def test_after_a_word_for_phones_any_digits_are_one(word: str, number: str) -> None:
    assert rest(f"{word} {number}, Ann") == f"{word} _, Ann"


@pytest.mark.parametrize(
    "text",
    ["4464891340 (mobile)", "4464891340 is my number", "4464891340 is the best phone for me",
     "4464891340 never answers"],
)  # fmt: skip
def test_words_right_after_it_count_too(text: str) -> None:
    assert rest(text) == text.replace("4464891340", "_")


@pytest.mark.parametrize(
    "text",
    ["Account statement for 07700900123", "£3 per poll. Unsub 07700900123",
     "order shoes, 020 7946 0000", "total due now: (020) 7946 0000"],
)  # fmt: skip
def test_a_word_for_another_number_counts_right_before_it_only(text: str) -> None:
    assert len(found(text)) == 1


@pytest.mark.parametrize("label", ["T:", "M:", "WA:", "Home", "office:", "\U0001f4de", "ext. 12,"])
def test_labels_as_on_cards_count(label: str) -> None:
    assert rest(f"Ann, {label} 46053177 x") == f"Ann, {label} _ x"


@pytest.mark.parametrize(
    "word",
    ["order", "Invoice no.", "ISBN", "tracking", "call about order", "SKU", "Bestellnummer",
     "commande", "заказ", "注文番号", "total", "$", "€", "#", "serial number", "account"],
)  # fmt: skip
@pytest.mark.parametrize(
    "number", ["5550123", "382419500", "4464891340", "601 234 567", "020 7946 0000", "415-555-2671"]
)
def test_after_a_word_for_another_number_weak_forms_are_left(word: str, number: str) -> None:
    assert found(f"{word} {number} x") == []
    assert found(f"{word} +44 20 7946 0000 x") == ["+442079460000"]


@pytest.mark.parametrize("number", ["601 234 567", "32 766 09 65", "22 28 43 83", "437 69 722"])
def test_what_could_be_thousands_or_a_list_is_a_phone_only_where_it_is_set_off(number: str) -> None:
    assert rest(f"Ann Lee, {number}") == "Ann Lee, _"
    assert rest(f"Ann ({number}), Ulm") == "Ann (_), Ulm"
    assert found(f"sold {number} units") == []
    assert found(number) == []


def test_a_mobile_number_with_its_calling_code_needs_no_plus() -> None:
    assert found("U 447400123456 have") == ["+447400123456"]
    assert found("44 7400123456, do") == ["+447400123456"]
    assert found("447400123456") == []


def test_an_extension_is_part_of_the_number() -> None:
    for text in ("415-555-2671x123", "415-555-2671 ext. 123", "(415) 555-2671 x 123"):
        assert found(f"desk {text}.") == ["+14155552671;ext=123"]  # RFC 3966
        assert BOOK.canonicalise(text) == "+14155552671;ext=123"


def test_a_number_column_that_lost_zeros_is_read_by_region() -> None:
    # 7400 123456 is the library's own example of a British mobile number, its zero lost.
    assert PhoneBook(("GB", "DE")).canonicalise("7400123456") == "+447400123456"
    assert PhoneBook(("FR",)).canonicalise("612345678") == "+33612345678"
    assert BOOK.canonicalise("447400123456") == "+447400123456"


@given(
    st.from_regex(r"[+(]{0,2}[0-9](?:[ ./()-]{0,2}[0-9]){5,16}(?: ?x[0-9]{1,4})?", fullmatch=True)
)
def test_a_spelling_is_spelled_as_itself(text: str) -> None:
    once = BOOK.canonicalise(text)
    assert BOOK.canonicalise(once.replace(";ext=", "x")) == once


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
        "2004 2005 2006", "AB-415-555-2671", "415-555-2671-AB", "978-3-16-148410-0", "12345-6789",
        "20240115103045", "call 20240115", "between 1999-2004 2010-2015", "123.456.789",
        "1-2-3-4-5-6-7", "call 12.345678", "call 1 2 3 4 5 6 7", "(2019) 123456 x",
        "400-401-402 403-404-405",
    ],
)  # fmt: skip
def test_numbers_dates_and_codes_are_no_phones(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize("text", ["(2024-11-23)", "x (2024-11-23) y", "((", "(1) (2)"])
def test_brackets_around_a_date_or_nothing_are_no_phone(text: str) -> None:
    table = pa.table({"t": [text]})
    hashed, _ = pseudonymise(table, policies={}, key=PrivacyKey.from_secret(b"x" * 32))
    assert hashed.equals(table)


def test_a_bracket_that_is_not_the_numbers_stays() -> None:
    assert rest("Ann (415-555-2671) here") == "Ann (_) here"
    assert rest("Ann ((415) 555-2671) here") == "Ann (_) here"


def test_dots_between_all_groups_are_a_phone_and_one_dot_is_a_decimal() -> None:
    key = PrivacyKey.from_secret(b"x" * 32)
    texts = ["call 1.800.555.0199 if", "rose 3.5 to 6.7 and 8.9"]
    hashed, _ = pseudonymise(pa.table({"t": texts}), policies={}, key=key)
    phone, decimals = hashed["t"].to_pylist()
    assert "0199" not in phone
    assert decimals == texts[1]
