"""Tests of street addresses, which are found by best effort."""

import pytest

from hokusai_assets_tests.privacy.entity_findings import found


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("lives at 10 Downing Street, London", "10 downing street"),
        ("221B Baker St. is", "221b baker st."),
        ("ship to 1600 Pennsylvania Avenue, Apt 4B", "1600 pennsylvania avenue, apt 4b"),
        ("Hauptstraße 12a, Ulm", "hauptstrasse 12a"),
        ("Lange Straße 3", "lange strasse 3"),
        ("au 12 rue de la Paix, Paris", "12 rue de la paix"),
        ("Calle Mayor 5, Madrid", "calle mayor 5"),
        ("ul. Marszałkowska 10", "ul. marszałkowska 10"),
        ("Kungsgatan 4", "kungsgatan 4"),
        ("Keizersgracht 123", "keizersgracht 123"),
    ],
)
def test_a_house_number_beside_a_word_for_a_street_is_found(text: str, address: str) -> None:
    assert found(text) == [("ADDRESS", address)]


@pytest.mark.parametrize(
    "text",
    ["the 3rd Street", "5 ways to win", "turn left on Main Street", "top 10 Place to be",
     "version 2 Drive bays", "Via 12 emails", "3 Court cases", "Dr 123 Place"],
)  # fmt: skip
def test_other_numbers_and_words_are_left(text: str) -> None:
    assert found(text) == []
