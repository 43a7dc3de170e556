"""Which format a name says, and what a sender may declare."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hokusai_assets.tables.formats import (
    ENDINGS,
    ENDINGS_IN_WORDS,
    FORMATS,
    DeclaredFormat,
    FoundFormat,
    format_of,
)


@pytest.mark.parametrize(
    ("name", "format_name", "compression", "ending"),
    [
        ("a.csv", "CSV", None, ".csv"),
        ("a.b.TSV", "CSV", None, ".tsv"),
        ("a.csv.GZ", "CSV", "gzip", ".csv.gz"),
        ("a.json.zst", "JSON", "zstd", ".json.zst"),
        ("a.NDJSON.gz", "JSON Lines", "gzip", ".ndjson.gz"),
        ("a.jsonl", "JSON Lines", None, ".jsonl"),
        ("a.parquet", "Parquet", None, ".parquet"),
        ("part-0.c000.snappy.PQ", "Parquet", None, ".pq"),
    ],
)
def test_the_ending_names_format_and_compression(
    name: str, format_name: str, compression: str | None, ending: str
) -> None:
    kind = format_of(name)
    assert kind is not None
    assert (kind.format, kind.compression, kind.ending) == (format_name, compression, ending)


@pytest.mark.parametrize(
    "name",
    ["", "csv", ".csv", ".csv.gz", "a.gz", "a.xlsx", "a.parquet.gz", "a.csv.bz2", "a.csv.gz.zst"],
)
def test_other_names_have_no_format(name: str) -> None:
    assert format_of(name) is None


@given(st.text(min_size=1, max_size=20), st.sampled_from(ENDINGS))
def test_any_name_with_a_known_ending_has_that_ending(stem: str, ending: str) -> None:
    kind = format_of(stem + ending)
    assert kind is not None and kind.ending == ending
    assert kind.is_parquet == (kind.format == "Parquet")


def test_the_words_for_people_name_every_ending() -> None:
    assert all(ending in ENDINGS_IN_WORDS for ending in [*FORMATS, ".gz", ".zst"])


def test_what_is_declared_is_checked_and_brought_into_one_form() -> None:
    declared = DeclaredFormat(delimiter="tab", encoding="UTF-16", decimal=",")
    assert (declared.delimiter, declared.encoding, declared.decimal) == ("\t", "utf-16", ",")
    assert declared.names == ("delimiter", "encoding", "decimal")
    assert DeclaredFormat().names == ()


@pytest.mark.parametrize(
    "wrong",
    [
        {"delimiter": ":"},
        {"delimiter": ""},
        {"delimiter": ",,"},
        {"encoding": "ascii"},
        {"encoding": "cp1252"},
        {"decimal": ";"},
    ],
)
def test_what_can_not_be_declared_is_refused_with_what_can(wrong: dict[str, str]) -> None:
    (key,) = wrong
    with pytest.raises(ValueError, match=f"{key}: one of"):
        DeclaredFormat(**wrong)


def test_the_json_form_of_what_was_found_has_every_field() -> None:
    found = FoundFormat("CSV", "gzip", "utf-8", delimiter=";", decimal=",")
    assert found.to_dict() == {
        "format": "CSV",
        "compression": "gzip",
        "encoding": "utf-8",
        "encoding_guessed": False,
        "delimiter": ";",
        "decimal": ",",
        "parts": None,
    }
    assert found.notes() == ()
    guessed = FoundFormat("CSV", encoding="windows-1252", encoding_guessed=True)
    (note,) = guessed.notes()
    assert "Latin-1" in note and "declare encoding" in note
