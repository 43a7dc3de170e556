"""Encodings: known from the bytes where they can be, guessed in one case, refused else."""

import codecs
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hokusai_assets.tables.formats import DeclaredFormat
from hokusai_assets.tables.text_encoding import is_utf8, utf8_blocks
from hokusai_assets_tests.tables.read_files import SECRET, read_raw, refusal, refused

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\ufeff"))


def cut(data: bytes, seed: int) -> Iterator[bytes]:
    """Yield bytes in pieces of random lengths, none empty."""
    draw = random.Random(seed)
    while data:
        size = draw.randint(1, 5)
        yield data[:size]
        data = data[size:]


@given(TEXTS, st.sampled_from(["utf-8", "utf-16-le", "utf-16-be"]), st.booleans(), st.integers())
def test_a_text_becomes_the_same_utf8_from_every_encoding_however_it_is_cut(
    text: str, encoding: str, marked: bool, seed: int
) -> None:
    data = (("\ufeff" if marked else "") + text).encode(encoding)
    assert b"".join(utf8_blocks(cut(data, seed), encoding, "x")) == text.encode()


@given(st.binary(), st.integers())
def test_utf8_is_told_from_other_bytes_as_python_does_however_they_are_cut(
    data: bytes, seed: int
) -> None:
    data = data.replace(b"\0", b"a")
    try:
        data.decode()
        expected = True
    except UnicodeDecodeError:
        expected = False
    assert is_utf8(cut(data, seed), "x", required=False) == expected


@given(TEXTS, TEXTS, st.integers())
def test_the_line_of_the_first_wrong_byte_is_named(before: str, after: str, seed: int) -> None:
    data = before.encode() + b"\xff" + after.encode()
    line = before.count("\n") + 1
    problem = refusal(lambda: is_utf8(cut(data, seed), "x", required=True))
    assert problem.message.startswith(f"x, line {line}:")


def test_windows_1252_is_read_as_the_whatwg_standard_says() -> None:
    # https://encoding.spec.whatwg.org/index-windows-1252.txt: pointers 0 to 31 stand for 0x80 on.
    upper = (
        "\u20ac\x81\u201a\u0192\u201e\u2026\u2020\u2021\u02c6\u2030\u0160\u2039\u0152\x8d\u017d\x8f"
        "\x90\u2018\u2019\u201c\u201d\u2022\u2013\u2014\u02dc\u2122\u0161\u203a\u0153\x9d\u017e\u0178"
    )
    expected = "".join(map(chr, range(1, 128))) + upper + "".join(map(chr, range(160, 256)))
    data = bytes(range(1, 256))
    assert b"".join(utf8_blocks([data], "windows-1252", "x")).decode() == expected


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("declared", [False, True])
def test_unicode_csv_is_recognised_or_declared(
    tmp_path: Path, encoding: str, declared: bool
) -> None:
    data = "größe,名\n1,ß😀\n".encode(encoding)
    name = "utf-8" if encoding.startswith("utf-8") else "utf-16"
    if declared and encoding == "utf-16-be":
        data = codecs.BOM_UTF16_BE + data
    read = read_raw(
        tmp_path, "x.csv", data, declared=DeclaredFormat(encoding=name if declared else None)
    )
    assert read.cells == {"größe": ["1"], "名": ["ß😀"]}
    assert read.found.encoding is not None and read.found.encoding.startswith(name)
    assert not read.found.encoding_guessed and read.found.notes() == ()


def test_what_is_not_utf8_is_read_as_latin_1_and_said_to_be_a_guess(tmp_path: Path) -> None:
    data = "a,b\n1,x\n2,50 € café\n".encode("windows-1252")
    read = read_raw(tmp_path, "x.csv", data)
    assert read.cells["b"] == ["x", "50 € café"]
    assert (read.found.encoding, read.found.encoding_guessed) == ("windows-1252", True)
    assert len(read.found.notes()) == 1


def test_one_wrong_byte_at_the_end_decides_for_the_whole_file(tmp_path: Path) -> None:
    data = b"a,b\n" + "1,é\n".encode() * 300_000 + b"2,\xe9\n"
    read = read_raw(tmp_path, "x.csv", data)
    assert read.cells["b"][0] == "Ã©" and read.cells["b"][-1] == "é"


def test_declared_latin_1_is_no_guess_and_takes_every_byte(tmp_path: Path) -> None:
    declared = DeclaredFormat(encoding="latin-1")
    read = read_raw(tmp_path, "x.csv", b"a,b\n\x81,\xe9\n", declared=declared)
    assert read.cells == {"a": ["\x81"], "b": ["é"]}
    assert not read.found.encoding_guessed


@pytest.mark.parametrize("byte", [0x81, 0x8D, 0x8F, 0x90, 0x9D])
def test_bytes_that_fit_neither_utf8_nor_latin_1_are_refused_by_line(
    tmp_path: Path, byte: int
) -> None:
    problem = refused(tmp_path, "x.csv", f"a,b\n1,{SECRET}".encode() + bytes([byte]) + b",\n")
    assert problem.rule == "not-utf8" and "line 2" in problem.message


@pytest.mark.parametrize("end", [b"", b"\n2,y\n"])
def test_declared_utf8_is_not_read_as_anything_else(tmp_path: Path, end: bytes) -> None:
    data = b"a,b\n1," + SECRET.encode() + b"\xe9" + end
    problem = refused(tmp_path, "x.csv", data, declared=DeclaredFormat(encoding="utf-8"))
    assert problem.rule == "not-utf8" and "line 2" in problem.message


def test_declared_utf16_that_is_none_is_refused(tmp_path: Path) -> None:
    declared = DeclaredFormat(encoding="utf-16")
    lone = "a,b\n1,".encode("utf-16") + b"\x00\xd8" + "\n".encode("utf-16-le")
    for data in (lone, "a,b\n".encode("utf-16") + b"\n"):
        assert refused(tmp_path, "x.csv", data, declared=declared).rule == "not-utf8"


@pytest.mark.parametrize(
    "data",
    [
        b"a,b\n1,\0\n",
        b"a,b\n1,x\0\n\0",
        b"\0" * 50,
        "a,b\n1,x\n".encode("utf-32"),
        "a,b\n1,\0\n".encode("utf-16"),
        b"a,b\n1,\xe9\n2,\0\0\n",
    ],
)
def test_text_with_nuls_is_refused(tmp_path: Path, data: bytes) -> None:
    assert refused(tmp_path, "x.csv", data).rule == "not-text"


@pytest.mark.parametrize(
    ("beginning", "word"),
    [
        (b"\x1f\x8b\x08", "gzip"),
        (b"\x28\xb5\x2f\xfd", "Zstandard"),
        (b"PAR1", "Parquet"),
        (b"PK\x03\x04", "spreadsheet"),
        (b"%PDF-1.7", "PDF"),
    ],
)
@pytest.mark.parametrize("name", ["x.csv", "x.json", "x.jsonl"])
def test_another_kind_of_file_under_a_text_ending_is_named(
    tmp_path: Path, beginning: bytes, word: str, name: str
) -> None:
    problem = refused(tmp_path, name, beginning + SECRET.encode())
    assert problem.rule == "not-text" and word in problem.message


@settings(max_examples=60, deadline=None)
@given(
    text=st.text(st.characters(codec="windows-1252", exclude_characters='\0\r\n",;|\t'), min_size=1)
)
def test_latin_1_cells_come_back_whole(tmp_path_factory, text: str) -> None:
    folder = tmp_path_factory.mktemp("latin")
    data = f"a,b\n1,{text}\n".encode("windows-1252")
    read = read_raw(folder, "x.csv", data, declared=DeclaredFormat(encoding="latin-1"))
    assert read.cells["b"] == [text]
