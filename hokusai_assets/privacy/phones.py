"""Telephone numbers: which runs of digits are one, and one spelling (E.164) per number.

Most numbers that people write are valid nowhere: typed wrong, made up, of a plan long changed.
So validity is one sign among several. In order of strength: a plus or an exit code before a
calling code; an area code in brackets, or an extension; a trunk zero; a grouping that numbers
have and little else; a national form that is valid in one of the regions; and, for any other run
of 7 to 15 digits, the nearest word before it. A word for another kind of number ("order") rules
out all but the strongest.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache

from hokusai_assets.privacy import phone_plans
from hokusai_assets.privacy.phone_words import PHONE_WORDS, meaning_of
from hokusai_assets.privacy.recognition import (
    WORD,
    Recogniser,
    Span,
    digits,
    open_left,
    open_right,
    phrases,
    plain_text,
)

DEFAULT_REGIONS = phone_plans.DEFAULT_REGIONS

_SEPARATORS = r"[ \t./()-]"
PATTERN = rf"(?<!{WORD})[+(]{{0,3}}[0-9](?:{_SEPARATORS}{{0,4}}[0-9]){{6,19}}"
_EXTENSION = re.compile(
    r"[ ,;]{0,2}(?i:x|ext\.?|extn\.?|extension|#|poste|durchwahl|dw|доб\.?|wew\.?|int\.?)"
    r"[ .:]{0,2}([0-9]{1,6})(?!\w)"
)
_DATE = re.compile(
    r"(?<![0-9])(?:[0-9]{4}([-./])(?:0?[1-9]|1[0-2])\1(?:0?[1-9]|[12][0-9]|3[01])"
    r"|(?:0?[1-9]|[12][0-9]|3[01])([-./])(?:0?[1-9]|[12][0-9]|3[01])\2(?:(?:19|20)[0-9]{2}|[0-9]{2}))"
    r"(?![0-9])"
)
_COMPACT_TIME = re.compile(
    r"(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])(?:[0-9]{4}|[0-9]{6})?"
)
_YEARS = re.compile(r"(?:19|20)[0-9]{2}[ /-]+(?:19|20)[0-9]{2}")
# One point makes a decimal; 1.800.555.0199 has more and is a phone.
_DECIMAL = re.compile(r"(?<![0-9.])[0-9]+\.[0-9]+(?!\.?[0-9])")
_THOUSANDS = re.compile(r"[0-9]{1,3}(?:[ .][0-9]{3})+")
_GAP = re.compile(r"[ \t/()][ \t./()-]*")
_AREA = re.compile(r"(?:[0-9]{1,2}[ ./-]?)?\((0?[0-9]{1,5})\)[ ./-]{0,3}[0-9]")
_CODE_LEFT = re.compile(r"([^\W\d_]+)-$")
_CODE_RIGHT = re.compile(r"-[^\W\d_]")
_TRUNK_ZERO = re.compile(r"\(0\)")


@dataclass(frozen=True)
class _Written:
    """A candidate as it is written."""

    text: str

    @cached_property
    def groups(self) -> list[str]:
        return re.findall("[0-9]+", self.text)

    @cached_property
    def digits(self) -> str:
        return "".join(self.groups)

    @cached_property
    def shape(self) -> tuple[int, ...]:
        return tuple(map(len, self.groups))

    @cached_property
    def separators(self) -> str:
        """All that stands between digits, in order."""
        return re.sub("[0-9]", "", self.text.lstrip("+("))

    @property
    def plus(self) -> bool:
        return "+" in self.text[:3]

    @cached_property
    def international_digits(self) -> str | None:
        """The digits from the calling code on, where a plus or an exit code announces one."""
        number = re.sub("[^0-9]", "", _TRUNK_ZERO.sub("", self.text, count=1))
        if self.plus:
            return number
        for exit_code in ("00", "011"):
            if self.groups[0].startswith(exit_code) and len(number) >= 10:
                return number[len(exit_code) :]
        return None

    @cached_property
    def is_other_number(self) -> bool:
        """Whether it is a date, a clock, a decimal or a span of years."""
        if _DECIMAL.search(self.text) or _YEARS.search(self.text):
            return True
        if _COMPACT_TIME.fullmatch(self.digits) and len(self.shape) == 1:
            return True
        if not _DATE.search(self.text):
            return False
        # French numbers are dotted in pairs, and begin with a zero.
        return not (self.shape == (2, 2, 2, 2, 2) and self.text[0] == "0")

    @property
    def mixes_dots(self) -> bool:
        """Whether some of the groups are joined by points and others are not."""
        dots = self.separators.count(".")
        return 0 < dots < len(self.shape) - 1 and "(" not in self.text and not self.plus


def group_ends(text: str, start: int, end: int) -> Iterator[int]:
    """Yield where a run of digit groups at `start` may end: at `end`, then before later groups.

    Only ends whose neighbours leave the number standing apart are given; the longest comes first.
    """
    if (open_right(text, end) and not _CODE_RIGHT.match(text, end)) or _EXTENSION.match(text, end):
        yield end
    for gap in reversed(list(_GAP.finditer(text[start:end]))):
        yield start + gap.start()


@dataclass(frozen=True)
class PhoneBook:
    """Recognises telephone numbers; raises ValueError for an unknown region.

    region_codes: ISO 3166 codes of the regions whose national forms are known.
    """

    region_codes: tuple[str, ...]

    def __post_init__(self) -> None:
        """Look every region up here, not at the first number."""
        assert self._plans.plans

    @cached_property
    def _plans(self) -> phone_plans.PlanBook:
        return _plan_book(self.region_codes)

    def span(self, text: str, start: int, end: int, alone: bool) -> Span | None:
        """Return the span of the number that starts at `start` within the candidate, or None.

        `alone`: the cell holds nothing else; then a bare run of digits is a number, not a phone
        (a random 10-digit integer is a valid US phone 40% of the time).
        """
        if not open_left(text, start) or self._ends_a_code(text, start):
            return None
        written = [
            (stop, form)
            for stop in group_ends(text, start, end)
            if len((form := _Written(text[start:stop])).digits) >= 7
        ]
        if not written:
            return None
        found = self._announced(written)
        if found is None:
            meaning = None if alone else meaning_of(text, start, end)
            found = self._grouped(text, written, meaning, alone)
            if found is None and meaning == "phone":
                found = next((stop for stop, form in written if _could_be_phone(form)), None)
        return None if found is None else self._bounds(text, start, found)

    @staticmethod
    def _ends_a_code(text: str, start: int) -> bool:
        """Tell whether letters and a dash before the digits make them part of a code, `AB-1234`."""
        word = _CODE_LEFT.search(text[max(0, start - 24) : start])
        if word is None:
            return False
        return len(word[1]) < 3 or PHONE_WORDS.nearest(text, start) != "phone"

    @staticmethod
    def _bounds(text: str, start: int, stop: int) -> Span:
        """Take in an extension, leave out a bracket that does not belong to the number."""
        extension = _EXTENSION.match(text, stop)
        first = start
        while text[first] == "(" and ")" not in text[first:stop]:
            first += 1
        return first, extension.end() if extension else stop

    @staticmethod
    def _announced(written: list[tuple[int, _Written]]) -> int | None:
        """Return the end of a number with a calling code, one of its plan's length if possible."""
        longest = None
        for stop, form in written:
            number = form.international_digits
            if number is None or not 8 <= len(number) <= phone_plans.MAX_DIGITS:
                continue
            if _DECIMAL.search(form.text) or _DATE.search(form.text):
                continue
            found = phone_plans.international(number)
            if found is not None and found[1]:
                return stop
            separated = len(form.shape) > 1
            if longest is None and ((found and (form.plus or separated)) or "(" in form.text[1:]):
                longest = stop
        return longest

    def _grouped(
        self, text: str, written: list[tuple[int, _Written]], meaning: str | None, alone: bool
    ) -> int | None:
        start = written[0][0] - len(written[0][1].text)
        for stop, form in written:
            if form.is_other_number or form.mixes_dots:
                continue
            if _has_area_in_brackets(form):
                return stop
            if meaning == "other":
                continue
            if _EXTENSION.match(text, stop) and (len(form.shape) > 1 or len(form.digits) >= 10):
                return stop
            in_row = _IN_ROW_LEFT.search(text[max(0, start - 2) : start]) or _IN_ROW_RIGHT.match(
                text, stop
            )
            if self._is_national(form, alone, bool(in_row)) or (
                not alone and _is_set_off(text, form, stop) and self._is_plain_national(form)
            ):
                return stop
        return None

    def _is_national(self, form: _Written, alone: bool, in_row: bool) -> bool:
        shape, number = form.shape, form.digits
        if not 8 <= len(number) <= 13 or (1 in shape[1:] and shape != _BUDAPEST):
            return False
        if number[0] == "0":
            # Among more numbers, small ones alike are a list: 012 034 056 078.
            is_list = in_row and max(shape) < 4 and shape != (2, 2, 2, 2, 2)
            return not is_list and self._has_trunk_zero(form)
        if shape == (11,):
            # Of bare digits only China's mobile numbers are told from others by their form.
            mobile = re.match("1[3-9]", number)
            return bool(mobile and not alone and self._plans.dialled(number, mobile=True))
        if _has_phone_grouping(form):
            return True
        # Without a trunk prefix the mobile form is usual, in few groups.
        usual = shape in _MOBILE_SHAPES and not _THOUSANDS.fullmatch(form.text)
        return usual and bool(self._plans.dialled(number, mobile=True))

    def _is_plain_national(self, form: _Written) -> bool:
        """Tell national forms that could be plain numbers, were they not set off as they are."""
        number = form.digits
        if form.shape == (11,):
            # Russia's numbers with their trunk prefix.
            return number[0] == "8" and self._plans.dialled(number) is not None
        if form.shape not in _PLAIN_SHAPES or "." in form.separators:
            return False
        return self._plans.dialled(number) is not None

    def _has_trunk_zero(self, form: _Written) -> bool:
        shape, number = form.shape, form.digits
        if number[1] == "0" or not 9 <= len(number) <= 13:
            return False
        if len(shape) == 1:
            return len(number) <= 11 and self._plans.dialled(number) is not None
        if shape == _BUDAPEST:
            return number.startswith("06")
        return 2 <= shape[0] <= 6 and len(shape) <= 5 and min(shape[1:]) >= 2

    def canonicalise(self, text: str) -> str:
        """Return E.164 (ITU-T), with `;ext=` (RFC 3966) for an extension.

        A number that no plan has comes back as its digits, other text lower-cased with single
        spaces.
        """
        return _canonical(self, text.strip())


# Poland, Czechia, Spain, Portugal; Norway, Denmark. Blanks in such a number could part thousands.
_PLAIN_SHAPES = frozenset({(3, 3, 3), (2, 3, 2, 2), (2, 2, 2, 2), (3, 2, 3)})
# 98765 43210, 0612 345 678, 612 34 56 78, 69 1234 5678; 12345-6789 would be a US post code.
_MOBILE_SHAPES = frozenset(
    {(3, 3, 3), (3, 2, 2, 2), (5, 5), (4, 3, 3), (4, 6), (3, 6), (3, 7), (5, 3, 3), (3, 4, 4)}
)
_IN_ROW_LEFT = re.compile(r"[0-9][ \t]?$")
_IN_ROW_RIGHT = re.compile(r"[ \t]?[0-9]")
_BUDAPEST = (2, 1, 3, 4)  # 06-1/234 5678
_SETS_OFF_LEFT = re.compile(r"(?:^|[,:;|<>\[(\"'\n\u2022=*-]|[\u2e80-\u9fff\uac00-\ud7ff])[ \t]?$")
_SETS_OFF_RIGHT = re.compile(r"[ \t]?(?:$|[,:;|<>)\].!?\"'\n]|[\u2e80-\u9fff\uac00-\ud7ff])")


def _is_set_off(text: str, form: _Written, stop: int) -> bool:
    """Tell whether a number stands by itself as an item, as in `Ann Lee, 601 234 567`."""
    start = stop - len(form.text)
    before = text[max(0, start - 2) : start]
    return bool(_SETS_OFF_LEFT.search(before) and _SETS_OFF_RIGHT.match(text, stop))


@lru_cache(maxsize=16)
def _plan_book(region_codes: tuple[str, ...]) -> phone_plans.PlanBook:
    return phone_plans.PlanBook(region_codes)


def _has_area_in_brackets(form: _Written) -> bool:
    area = _AREA.match(form.text)
    if area is None or not 7 <= len(form.digits) <= 13 or 1 in form.shape[2:]:
        return False
    # `(2019) 123456` is a year and a number.
    return not re.fullmatch("(?:19|20)[0-9]{2}", area[1])


def _has_phone_grouping(form: _Written) -> bool:
    """Tell the groupings that telephone numbers have and little else, whatever the digits."""
    shape, number = form.shape, form.digits
    if shape in ((1, 3, 3, 4), (1, 3, 3, 2, 2)):
        # 1-800-555-0199, 8 916 123 45 67
        return number[0] in "178"
    if shape == (3, 3, 4):
        # North America; with blanks alone it could be a list of numbers.
        return "-" in form.separators or "." in form.separators or number[0] in "23456789"
    if shape in ((3, 3, 2, 2), (2, 4, 4), (2, 5, 4), (3, 4, 4)):
        # Russia, Brazil, Japan: a dash before the last group.
        return form.separators.endswith("-")
    # Hungary.
    return shape == (2, 3, 4) and form.separators.startswith("/")


def _could_be_phone(form: _Written) -> bool:
    """Tell whether digits may be a phone where a word says so."""
    return (
        len(form.digits) <= phone_plans.MAX_DIGITS
        and len(form.shape) <= 6
        and form.shape.count(1) <= 1
        and not form.is_other_number
        and not form.mixes_dots
    )


@lru_cache(maxsize=4096)
def _canonical(book: PhoneBook, text: str) -> str:
    extension = _EXTENSION.search(text)
    suffix = f";ext={extension[1]}" if extension and extension.end() == len(text) else ""
    main = text[: extension.start()] if extension and suffix else text
    if not re.fullmatch(r"[+(]{0,3}[0-9][0-9 \t./()-]*", main):
        return plain_text(text)
    form = _Written(main)
    number = form.international_digits
    if number is not None:
        found = phone_plans.international(number)
        if found is not None and (found[1] or form.plus):
            return found[0] + suffix
    dialled = re.sub(r"^\(0\)", "0", main)
    plain = re.sub("[^0-9]", "", dialled)
    plans = book._plans
    # A column of phones may have lost its zeros and plus signs: take any region's reading.
    return (
        plans.dialled(plain) or plans.without_trunk(plain) or _plus_lost(plain) or plain
    ) + suffix


def _plus_lost(number: str) -> str | None:
    found = phone_plans.international(number) if len(number) >= 11 else None
    return found[0] if found and found[1] else None


_HEADERS = phrases(
    "phone", "phones", "telephone", "tel", "mobile", "cellphone", "cell number", "cell phone",
    "phonenumber", "phoneno", "mobilenumber", "mobileno", "telephonenumber", "fax", "faxnumber",
    "msisdn", "whatsapp", "contact number", "contact no", "telefon", "telefonnummer", "telefonnr",
    "handy", "handynummer", "rufnummer", "mobilnummer", "mobiltelefon", "mobil", "telefono",
    "telefone", "telefoon", "telefoonnummer", "movil", "celular", "cellulare", "portable", "gsm",
    "telemovel", "tlf", "tfn", "puhelin", "puhelinnumero", "telefonszam", "telefonu",
    "komorka", "телефон", "電話", "電話番号", "携帯", "电话", "手机", "手机号", "联系电话", "전화",
    "전화번호", "휴대폰",
)  # fmt: skip


def phones(region_codes: tuple[str, ...]) -> Recogniser:
    """Return the recogniser of telephone numbers; see `PhoneBook`."""
    book = PhoneBook(region_codes)
    return Recogniser(
        entity="PHONE",
        pattern=PATTERN,
        validator=book.span,
        canonicalise=book.canonicalise,
        trigger=digits(7),
        header_words=_HEADERS,
        header_evidence=digits(7),
    )
