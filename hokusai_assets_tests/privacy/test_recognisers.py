"""Tests of the table of entities: their order, their spellings, and what is common to all."""

import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hokusai_assets.privacy.recognisers import ENTITIES, default_recognisers
from hokusai_assets.privacy.tokens import token_entity
from hokusai_assets_tests.privacy.entity_findings import RECOGNISERS, found
from hokusai_assets_tests.privacy.labelled_corpus import examples, findings


def test_entities_are_those_of_the_table_in_order() -> None:
    assert tuple(row.entity for row in default_recognisers()) == ENTITIES
    assert len(set(ENTITIES)) == len(ENTITIES)
    for entity in ENTITIES:
        assert re.fullmatch("[A-Z]{2,16}", entity)
        assert token_entity(f"<{entity}:kabcdef:{'a' * 40}>") == entity


@pytest.mark.parametrize("recogniser", RECOGNISERS, ids=lambda row: row.entity)
def test_no_pattern_finds_anything_in_a_token(recogniser) -> None:  # type: ignore[no-untyped-def]
    drawn = random.Random(3)
    for entity in ENTITIES:
        letters = "".join(drawn.choice("abcdefghijklmnop") for _ in range(40))
        for text in (f"<{entity}:kabcdef:{letters}>", f"<{entity}>"):
            assert (
                recogniser.compiled.search(text) is None
                or recogniser.validator(text, *recogniser.compiled.search(text).span(), False)
                is None
            )


def test_what_has_a_sign_is_found_only_where_one_is() -> None:
    texts = [example.text for example in examples(1000, 5)]
    for text, spans in zip(texts, findings(texts, RECOGNISERS), strict=True):
        for start, end, entity in spans:
            row = next(row for row in RECOGNISERS if row.entity == entity)
            assert not row.has_sign or re.search("[0-9@]", text[start:end])


@given(st.text(max_size=60))
@settings(deadline=None)
def test_any_text_has_a_spelling_that_keeps_none_of_its_blanks_and_case(text: str) -> None:
    for row in RECOGNISERS:
        spelled = row.canonicalise(text)
        assert spelled == spelled.strip()
        assert row.canonicalise(f" {text}  ") == spelled


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
