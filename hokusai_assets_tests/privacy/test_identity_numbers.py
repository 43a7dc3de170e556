"""Tests of social security, passport and driving licence numbers."""

import pytest

from hokusai_assets.privacy.identity_numbers import is_social_security_number
from hokusai_assets_tests.privacy.entity_findings import found


@pytest.mark.parametrize(
    "text",
    [
        "123-45-6789", "SSN: 123456789", "my social security number is 123 45 6789",
        "ssn-123-45-6789", "social security 123456789", "SSN of the applicant is 123 45 6789",
        "SSN123456789", "ssn_123-45-6789", "my social is 123456789", "social: 123456789",
    ],
)  # fmt: skip
def test_a_social_security_number_needs_dashes_or_its_name(text: str) -> None:
    assert found(text) == [("SSN", "123456789")]


@pytest.mark.parametrize(
    "text",
    ["ref 123456789", "123 45 6789", "9123-45-6789", "123-45-67890", "part 123-45-6789",
     "order 123-45-6789", "social 123456789 likes", "social media: 123456789", "xssn123456789",
     "SSN1234567890", "antisocial: 123456789"],
)  # fmt: skip
def test_nine_digits_of_something_else_are_no_social_security_number(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize(
    "digits", ["000123456", "666123456", "900123456", "999123456", "123004567", "123450000"]
)
def test_numbers_the_ssa_never_issues_are_refused(digits: str) -> None:
    assert not is_social_security_number(digits)
    assert found(f"{digits[:3]}-{digits[3:5]}-{digits[5:]}") == []


# Specimens: the German passport's, the ones of ICAO 9303 part 4, and the UK's licence.
@pytest.mark.parametrize(
    ("text", "entity", "number"),
    [
        ("passport number: C01X00T47", "PASSPORT", "C01X00T47"),
        ("Passport L898902C3 was lost", "PASSPORT", "L898902C3"),
        ("my passport no. is 12 34 56789", "PASSPORT", "123456789"),
        ("Reisepassnummer C01X00T47,", "PASSPORT", "C01X00T47"),
        ("passeport n° 12AB34567", "PASSPORT", "12AB34567"),
        ("护照号码：E12345678", "PASSPORT", "E12345678"),
        ("паспорт 4509 123456", "PASSPORT", "4509123456"),
        ("driving licence MORGA657054SM9IJ", "LICENCE", "MORGA657054SM9IJ"),
        ("driver's license #D1234567 expired", "LICENCE", "D1234567"),
        ("Führerschein Nr. B072RRE2I55", "LICENCE", "B072RRE2I55"),
        ("permis de conduire : 13AA00002", "LICENCE", "13AA00002"),
    ],
)
def test_document_numbers_are_found_after_their_words(text: str, entity: str, number: str) -> None:
    assert found(text) == [(entity, number)]


@pytest.mark.parametrize(
    "text",
    [
        "C01X00T47",
        "passport control opens at 0900",
        "I passed 123456 of them",
        "passport renewal takes 20240101",
        "handled 123456 rows",
        "licence to kill 007",
        "passports 2024",
    ],
)
def test_without_the_words_right_before_it_nothing_is_a_document(text: str) -> None:
    assert not {"PASSPORT", "LICENCE"} & {entity for entity, _ in found(text)}
