"""Cutting a JSON text into its records, one at a time, as strictly as RFC 8259 says.

Numbers stay the text that the file holds. A document is an array of records, an object of
records, or an object with one member that is an array of records; JSON Lines has one record
per line. Python's own parser reads each record: it gives number texts and repeated keys, which
event parsers (ijson, yajl) do not.
"""

import codecs
import hashlib
import json
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple, NoReturn

import numpy as np

from hokusai_assets.tables.limits import ReadLimits
from hokusai_assets.tables.problems import refuse
from hokusai_assets.tables.text_encoding import without_bom

_SPACE = " \t\n\r"
_SPACES = re.compile(f"[{_SPACE}]*")
_SPACE_BYTES = _SPACE.encode()
# No literal or escape of JSON is longer, so an error further from the end stays one.
_LONGEST_LITERAL = 16
# pandas' own default: {"column": {"0": value, "1": value, ...}, ...}.
_BEGINS_WITH_ROW_NUMBER = re.compile(r'\{[ \t\n\r]*"([0-9]+)"')
_FORMS = 'Write [{"column": value}, ...], or {"name": {"column": value}, ...}.'


@dataclass(frozen=True)
class Flaw:
    """Why one value of a file is no record: what is wrong, and what to do."""

    what: str
    fix: str


NOT_JSON = Flaw(
    "not valid JSON (RFC 8259).",
    "Write valid JSON: no NaN or Infinity (use null), no trailing commas.",
)
NOT_A_RECORD = Flaw("not a record.", 'Write every row as {"column": value, ...}.')
REPEATED_KEY = Flaw("a record names one column twice.", "Name each column once.")


class JsonRecord(NamedTuple):
    """One record: its members, whether one may be an object or a list, its characters."""

    members: dict[str, object]
    nested: bool
    size: int


class _RecordParser:
    """Parses one JSON value at a place in a text, noting what only the whole record shows."""

    def __init__(self) -> None:
        self._repeated = self._constant = False
        self._decoder = json.JSONDecoder(
            object_pairs_hook=self._object,
            parse_int=str,
            parse_float=str,
            parse_constant=self._not_a_number,
        )

    def parse(self, text: str, start: int) -> tuple[object, int]:
        """Return a value and where it ends.

        Raises ValueError where none stands there, RecursionError where it is nested too deep.
        """
        self._repeated = self._constant = False
        return self._decoder.raw_decode(text, start)

    def record(self, value: object, text: str, start: int, end: int) -> JsonRecord | Flaw:
        """Return the record that was just parsed, or what is wrong with it."""
        if self._constant:
            return NOT_JSON
        if self._repeated:
            return REPEATED_KEY
        if not isinstance(value, dict):
            return NOT_A_RECORD
        nested = text.find("{", start + 1, end) >= 0 or text.find("[", start, end) >= 0
        return JsonRecord(value, nested, end - start)

    def _object(self, pairs: list[tuple[str, object]]) -> dict[str, object]:
        members = dict(pairs)
        if len(members) != len(pairs):
            self._repeated = True
        return members

    def _not_a_number(self, _: str) -> None:
        self._constant = True


def records_of_lines(
    blocks: Iterable[bytes], name: str, limits: ReadLimits
) -> Iterator[JsonRecord | Flaw]:
    """Yield the record of each line that is not blank, or what is wrong with the line.

    Raises:
        UnreadableFile: a line is too long or nested too deep, or no UTF-8.
    """
    parser = _RecordParser()
    count = 0
    for line in _lines(blocks, name, limits):
        count += 1
        try:
            text = line.decode()
        except UnicodeDecodeError:
            _refuse_not_utf8(f"{name}, row {count}")
        start = len(text) - len(text.lstrip(_SPACE))
        try:
            value, end = parser.parse(text, start)
        except ValueError:
            yield NOT_JSON
            continue
        except RecursionError:
            refuse_too_nested(name, count, limits)
        yield NOT_JSON if text[end:].strip(_SPACE) else parser.record(value, text, start, end)


def _lines(blocks: Iterable[bytes], name: str, limits: ReadLimits) -> Iterator[bytes]:
    """Yield the lines that are not blank, without their ends and the byte order mark."""
    held = b""
    for block in without_bom(blocks):
        held += block
        if not held.strip(b"\n"):
            # Nothing but line ends: a block of them would make millions of lines.
            held = b""
            continue
        *lines, held = held.split(b"\n")
        for line in filter(None, lines):
            _check_line(line, name, limits)
            if line.strip(_SPACE_BYTES):
                yield line
        _check_line(held, name, limits)
    if held.strip(_SPACE_BYTES):
        yield held


def _check_line(line: bytes, name: str, limits: ReadLimits) -> None:
    if len(line) > limits.max_row_bytes:
        _refuse_too_long(name, limits)


def records_of_document(
    blocks: Iterable[bytes], name: str, limits: ReadLimits, columns: Collection[str] | None = None
) -> Iterator[JsonRecord | Flaw]:
    """Yield each record of a JSON document, or what is wrong with it.

    Args:
        blocks: the document's bytes.
        name: what messages call it.
        limits: bounds of a record.
        columns: the wanted columns, by which an object of columns is told from one of records.

    Raises:
        UnreadableFile: the text is no UTF-8 or no JSON, is none of the forms that hold
            records, or a record is too long or nested too deep.
    """
    return _Document(blocks, name, limits, columns or ()).records()


class _Document:
    """A JSON document of which only a stretch is held at a time."""

    def __init__(
        self, blocks: Iterable[bytes], name: str, limits: ReadLimits, columns: Collection[str]
    ) -> None:
        self._blocks = without_bom(blocks)
        self._columns = columns
        # Whether the member being read may be a column, not a record.
        self._may_be_column = False
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._broken = False
        self._name, self._limits = name, limits
        self._text, self._at, self._ended = "", 0, False
        self._parser = _RecordParser()
        self._count = 0

    def records(self) -> Iterator[JsonRecord | Flaw]:
        opening = self._next_character()
        if opening == "[":
            yield from self._array()
        elif opening == "{":
            yield from self._object()
        else:
            self._refuse_form()
        if self._next_character():
            self._refuse_json()

    def _array(self) -> Iterator[JsonRecord | Flaw]:
        self._at += 1
        if self._next_character() == "]":
            self._at += 1
            return
        while True:
            yield self._record()
            if self._closed("]"):
                return

    def _object(self) -> Iterator[JsonRecord | Flaw]:
        self._at += 1
        if self._next_character() == "}":
            self._at += 1
            return
        names = _MemberNames()
        while True:
            member = self._member_name()
            names.add(member)
            self._may_be_column = names.count == 1 or member in self._columns
            first = self._next_character()
            if names.count == 1 and first == "[":
                yield from self._array()
                if not self._closed("}"):
                    self._refuse_form()
                return
            if names.count == 1 and first != "{":
                self._refuse_form()
            yield self._record()
            if self._closed("}"):
                break
        if names.repeated():
            self._refuse_form("two records have one name.")

    def _member_name(self) -> str:
        if self._next_character() != '"':
            self._refuse_json()
        name, _ = self._value()
        if self._next_character() != ":":
            self._refuse_json()
        self._at += 1
        assert isinstance(name, str)
        return name

    def _record(self) -> JsonRecord | Flaw:
        self._count += 1
        self._next_character()
        value, start = self._value()
        if self._may_be_column and self._is_column(value):
            self._refuse_columns()
        return self._parser.record(value, self._text, start, self._at)

    def _closed(self, bracket: str) -> bool:
        """Step over a comma, or the closing bracket; say whether it was the bracket."""
        character = self._next_character()
        if character not in (",", bracket) or not character:
            self._refuse_json()
        self._at += 1
        return character == bracket

    def _next_character(self) -> str:
        """Step to the next character that is no white space; empty at the text's end."""
        while True:
            character = self._text[self._at : self._at + 1]
            if character and character not in _SPACE:
                return character
            spaces = _SPACES.match(self._text, self._at)
            assert spaces is not None
            self._at = spaces.end()
            if self._at == len(self._text) and not self._read_on():
                return ""

    def _read_on(self) -> bool:
        """Hold the next stretch of text too, and no longer what has been read; False at the end."""
        if self._broken:
            where = f"{self._name}, row {self._count}" if self._count else self._name
            _refuse_not_utf8(where)
        if self._ended:
            return False
        block = next(self._blocks, b"")
        self._ended = not block
        try:
            text = self._decoder.decode(block, final=self._ended)
        except UnicodeDecodeError as error:
            # What stands before it is looked at first, wherever blocks are cut.
            text, self._broken, self._ended = error.object[: error.start].decode(), True, False
        self._text, self._at = self._text[self._at :] + text, 0
        return not self._ended

    def _value(self) -> tuple[object, int]:
        """Parse the value that begins here, step behind it, and return it and where it began."""
        while True:
            try:
                value, end = self._parser.parse(self._text, self._at)
            except json.JSONDecodeError as error:
                self._judge(error)
            except ValueError:
                self._refuse_json()
            except RecursionError:
                refuse_too_nested(self._name, self._count, self._limits)
            else:
                # A number or word at the end of what is held may go on.
                if self._text[end - 1] in '}]"' or end < len(self._text) or self._ended:
                    self._check_length(end)
                    start, self._at = self._at, end
                    return value, start
            # At the end nothing is added, and what is held is tried once more as all there is.
            self._read_on()

    def _judge(self, error: json.JSONDecodeError) -> None:
        """Refuse for an error that more text would not mend."""
        if error.msg.startswith("Unterminated string"):
            self._check_length(len(self._text))
        else:
            self._check_length(error.pos)
            if error.pos + _LONGEST_LITERAL < len(self._text):
                self._refuse_json()
            self._check_length(len(self._text))
        if self._ended:
            self._refuse_json()

    def _check_length(self, end: int) -> None:
        if end - self._at > self._limits.max_row_bytes:
            key = _BEGINS_WITH_ROW_NUMBER.match(self._text, self._at)
            if self._may_be_column and key and self._is_column({key[1]: ""}):
                self._refuse_columns()
            _refuse_too_long(self._name, self._limits)

    def _refuse_json(self) -> NoReturn:
        where = f"{self._name}, row {self._count}" if self._count else self._name
        refuse("bad-json", f"{where}: {NOT_JSON.what}", NOT_JSON.fix, row=self._count or None)

    def _is_column(self, value: object) -> bool:
        """Say whether a member holds values by row number, so that its name is a column's."""
        if not (isinstance(value, dict) and value and self._columns):
            return False
        # Columns may be called by numbers too.
        numbered = all(key.isdecimal() and key not in self._columns for key in value)
        return numbered and not any(isinstance(cell, dict) for cell in value.values())

    def _refuse_columns(self) -> NoReturn:
        refuse(
            "bad-json",
            f"{self._name}: the file looks column-oriented: an object of columns, each with its "
            "values by row number.",
            "Write records, e.g. with pandas df.to_json(path, orient='records').",
        )

    def _refuse_form(self, what: str = "not an array or object of records.") -> NoReturn:
        refuse("bad-json", f"{self._name}: {what}", _FORMS)


class _MemberNames:
    """Tells whether the names of an object's members are all different, in 8 bytes each."""

    def __init__(self) -> None:
        self.count = 0
        self._digests = bytearray()

    def add(self, name: str) -> None:
        self.count += 1
        self._digests += hashlib.blake2b(
            name.encode("utf-8", "surrogatepass"), digest_size=8
        ).digest()

    def repeated(self) -> bool:
        return len(np.unique(np.frombuffer(self._digests, np.uint64))) < self.count


def refuse_too_nested(name: str, row: int, limits: ReadLimits) -> NoReturn:
    """Raise UnreadableFile (``too-nested``) for a record with more levels than may be."""
    refuse(
        "too-nested",
        f"{name}, row {row}: objects and lists are nested more than {limits.max_nesting} deep.",
        "Write the values nearer to the record, one member each.",
        row=row,
    )


def _refuse_too_long(name: str, limits: ReadLimits) -> NoReturn:
    refuse(
        "too-long",
        f"{name}: a record is longer than {limits.max_row_bytes:,} bytes.",
        "Shorten it, and look for a missing quote or bracket.",
    )


def _refuse_not_utf8(where: str) -> NoReturn:
    refuse("not-utf8", f"{where}: the text is not UTF-8.", "Save the file as UTF-8.")
