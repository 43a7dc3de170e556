"""Tests of person names: by header, and in text where asked for."""

import pyarrow as pa
import pytest

from hokusai_assets.privacy.columns import header_entity
from hokusai_assets.privacy.keys import PrivacyKey
from hokusai_assets.privacy.pseudonymise import pseudonymise
from hokusai_assets.privacy.recognisers import default_recognisers
from hokusai_assets.privacy.tokens import token
from hokusai_assets_tests.privacy.entity_findings import RECOGNISERS, found

IN_TEXT = default_recognisers(names_in_text=True)
KEY = PrivacyKey.from_secret(bytes(range(32)))


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("My name is Ada Lovelace.", "ada lovelace"),
        ("Dear Ms Lovelace, thank you", "lovelace"),
        ("Hi Ada, how are you", "ada"),
        ("Kind regards,\nAda K. Lovelace", "ada k. lovelace"),
        ("ask Dr. van der Berg", None),
        ("Herr Müller-Lüdenscheidt kommt", "müller-lüdenscheidt"),
        ("je m'appelle Élodie", None),
        ("Je m'appelle Élodie Dubois", "élodie dubois"),
        ("Меня зовут Анна", "анна"),
    ],
)
def test_a_name_that_is_introduced_is_found_where_asked_for(text: str, name: str | None) -> None:
    expected = [] if name is None else [("NAME", name)]
    assert found(text, IN_TEXT) == expected or (name is None and found(text, IN_TEXT))
    assert found(text) == []


@pytest.mark.parametrize(
    "text",
    ["Dear Sir or Madam", "Hi there", "Hello Team", "Dear Customer", "Ada Lovelace wrote this",
     "hi Ada", "Mr. and Mrs."],
)  # fmt: skip
def test_what_is_not_introduced_or_no_name_is_left(text: str) -> None:
    assert found(text, IN_TEXT) == []


@pytest.mark.parametrize(
    ("header", "entity"),
    [
        ("name", "NAME"), ("Name", "NAME"), ("first_name", "NAME"), ("customerName", "NAME"),
        ("Nachname", "NAME"), ("apellidos", "NAME"), ("prénom", "NAME"), ("姓名", "NAME"),
        ("product_name", None), ("file name", None), ("username", None), ("name_length", None),
        ("column name", None),
    ],
)  # fmt: skip
def test_headers_of_names_are_told_from_names_of_things(header: str, entity: str | None) -> None:
    assert header_entity(header, RECOGNISERS) == entity


def test_a_column_of_names_is_hashed_and_one_of_codes_is_not() -> None:
    table = pa.table({"surname": ["Lovelace", "LOVELACE ", None], "name": ["A", "B", "7"]})
    result, _ = pseudonymise(table, policies={}, key=KEY)
    name = token("NAME", "lovelace", KEY)
    assert result["surname"].to_pylist() == [name, name, None]
    assert result["name"].to_pylist() == ["A", "B", "7"]
