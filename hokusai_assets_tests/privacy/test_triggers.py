"""Tests of the scan over whole columns: it may mark too much, never too little."""

import re

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hokusai_assets.privacy.custom import PrivacySpec, recognisers_of
from hokusai_assets.privacy.keys import PrivacyKey
from hokusai_assets.privacy.pseudonymise import pseudonymise, residual_personal_data
from hokusai_assets.privacy.recognisers import default_recognisers
from hokusai_assets.privacy.spans import dissect, dissect_all
from hokusai_assets.privacy.tokens import token_entity
from hokusai_assets.privacy.triggers import (
    _PLAIN_CELL,
    Triggers,
    encoded,
    filled_cells,
)
from hokusai_assets_tests.privacy.corpus_templates import OTHER_LOCALES, OTHER_TEMPLATES
from hokusai_assets_tests.privacy.labelled_corpus import distractors, examples

DEFAULT = Triggers(default_recognisers())
ALL = Triggers(
    recognisers_of(
        PrivacySpec.model_validate(
            {
                "names_in_text": True,
                "recognisers": [{"entity": "STAFF", "pattern": "EMP-?[0-9]{3}|#[a-z]{4}!"}],
            }
        )
    )
)
TOKEN = "<EMAIL:kabcdef:" + "a" * 40 + ">"
# Parts of values, so that chance puts values together.
PARTS = [
    "a@b.example", "@", "://u:p", "+44", "020", " 7946 ", "0000", "123-45-6789", "192.0.2.1", "::",
    "1:", "0x", "ab" * 20, "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "GB29 NWBK 6016 1331 9268 19",
    "born ", "1985-03-12", "passport ", "C01X00T47", "12 ", "Oak Street", "Hi ", "Ada", "call ",
    "EMP-123", "#abcd!", TOKEN, "\u200b", "\uff10", "\u0661", "\uff20", " ", "x", "é", ".", "-",
    "née le ", "führerschein ", "여권 ", "パスポート", "Hauptstraße 5", "\u0301", "\u0323",
]  # fmt: skip
TEXTS = st.lists(st.sampled_from(PARTS), max_size=8).map("".join) | st.text(max_size=30)


def found_with_triggers(texts: list[str], triggers: Triggers) -> dict[str, object]:
    hits = triggers.hits(pa.chunked_array([pa.array(texts, pa.string())]))
    pieces = list(dissect_all(hits.texts, triggers.recognisers, lambda _: False, hits.relevant))
    return {text: p for text, p in zip(hits.texts, pieces, strict=True) if p is not None}


def found_without(texts: list[str], triggers: Triggers) -> dict[str, object]:
    pieces = {text: dissect(text, triggers.recognisers, lambda _: False) for text in texts}
    return {text: p for text, p in pieces.items() if p is not None}


@pytest.mark.parametrize("triggers", [DEFAULT, ALL], ids=["built-in", "configured"])
def test_triggers_hide_nothing_of_the_corpora(triggers: Triggers) -> None:
    texts = [row.text for row in examples(600, 11)]
    texts += [row.text for row in examples(600, 11, OTHER_LOCALES, OTHER_TEMPLATES)]
    texts += distractors(300, 11)
    assert found_with_triggers(texts, triggers) == found_without(texts, triggers)


@pytest.mark.parametrize("triggers", [DEFAULT, ALL], ids=["built-in", "configured"])
@given(texts=st.lists(TEXTS, max_size=6))
@settings(deadline=None, max_examples=150)
def test_triggers_hide_nothing(triggers: Triggers, texts: list[str]) -> None:
    # But a cell that is one plain number, which nothing takes anyway.
    assert found_with_triggers(texts, triggers) == found_without(texts, triggers)


DIGITS = st.text("0123456789", min_size=1, max_size=16)
PLAIN_CELLS = (
    st.from_regex(_PLAIN_CELL.replace("$", r"\Z"), fullmatch=True)
    | st.builds("{}{}".format, st.sampled_from(["", "-", "+"]), DIGITS)
    | st.builds("-{}{}".format, st.sampled_from(["13", "15", "8"]), DIGITS)
    | st.builds("{}.{}".format, DIGITS, DIGITS)
    | st.builds("{}.{}e-{}".format, DIGITS, DIGITS, DIGITS)
).filter(re.compile(_PLAIN_CELL).fullmatch)


@given(cell=PLAIN_CELLS)
@settings(deadline=None, max_examples=500)
def test_no_recogniser_finds_anything_in_a_cell_that_is_passed_over(cell: str) -> None:
    assert dissect(cell, DEFAULT.recognisers, lambda _: False) is None


def test_a_number_that_only_looks_like_a_time_stamp_is_looked_at() -> None:
    cell = "0155-55-26 71:00"
    assert dissect(cell, DEFAULT.recognisers, lambda _: False) is not None
    assert DEFAULT.hits(pa.chunked_array([[cell]])).rows.tolist() == [0]


@pytest.mark.parametrize(
    "cell", ["+14155552671", "+33612345678", "+1\u200b415\u200b555\u200b2671", "\uff0b33612345678"]
)
def test_a_whole_cell_with_a_plus_and_a_calling_code_is_a_phone(cell: str) -> None:
    key = PrivacyKey.from_secret(b"x" * 32)
    among = pa.table({"t": ["nothing to see", cell, "nor here", "12", "good day"]})
    column = pa.table({"t": [cell] * 5})
    for table, cells in ((among, 1), (column, 5)):
        hashed, report = pseudonymise(table, policies={}, key=key)
        assert [(row.entity, row.cells) for row in report.columns] == [("PHONE", cells)]
        assert "5678" not in str(hashed["t"].to_pylist())
        assert "2671" not in str(hashed["t"].to_pylist())
        assert [row.entity for row in residual_personal_data(table, policies={})] == ["PHONE"]
        assert residual_personal_data(hashed, policies={}) == []


@pytest.mark.parametrize(
    "cell",
    ["4155552671", "-123", "+5", "-13912345678", "-84951234567", "+1234567", "+12.5", "-1.5e3"],
)
def test_a_column_of_signed_numbers_stays(cell: str) -> None:
    table = pa.table({"t": [cell] * 3, "u": ["some words", cell, "more words"]})
    hashed, _ = pseudonymise(table, policies={}, key=PrivacyKey.from_secret(b"x" * 32))
    assert hashed.equals(table)


@pytest.mark.parametrize(
    "cell",
    ["4155552671", "-12.5", "1.5e-7", "2024-01-15", "2024-01-15 10:30:45.123Z", "", " ", "words"],
)
def test_numbers_times_and_words_are_not_marked(cell: str) -> None:
    assert len(DEFAULT.hits(pa.chunked_array([[cell]])).rows) == 0


def test_hits_say_where_what_how_often_and_for_whom() -> None:
    column = pa.chunked_array([["x", "a@b.example", None], ["a@b.example", "192.0.2.1 @"]])
    hits = DEFAULT.hits(column)
    assert hits.rows.tolist() == [1, 3, 4]
    assert hits.texts == ["a@b.example", "192.0.2.1 @"]
    assert hits.counts.tolist() == [2, 1]
    entities = [row.entity for row in DEFAULT.recognisers]
    for relevant, expected in zip(
        hits.relevant, ({"EMAIL"}, {"EMAIL", "IP", "PHONE"}), strict=True
    ):
        assert {e for bit, e in enumerate(entities) if relevant >> bit & 1} - {"PHONE"} == (
            expected - {"PHONE"}
        )


@given(
    st.lists(st.none() | st.sampled_from(["", " ", "x", TOKEN, f" {TOKEN} ", f"{TOKEN}x", "<A"]))
)
def test_filled_cells_are_neither_null_nor_blank_nor_one_token(cells: list[str | None]) -> None:
    expected = sum(
        bool(cell and cell.strip() and token_entity(cell.strip()) is None) for cell in cells
    )
    assert filled_cells(pa.chunked_array([pa.array(cells, pa.string())])) == expected


@given(st.lists(st.lists(st.sampled_from("abc") | st.none(), max_size=4), max_size=4))
def test_encoding_gives_one_dictionary_without_duplicates(chunks: list[list[str | None]]) -> None:
    column = pa.chunked_array([pa.array(chunk, pa.string()) for chunk in chunks], pa.string())
    result = encoded(column)
    assert result.to_pylist() == column.to_pylist()
    assert len(set(result.dictionary.to_pylist())) == len(result.dictionary)
    assert np.all(result.indices.drop_null().to_numpy() < len(result.dictionary))
