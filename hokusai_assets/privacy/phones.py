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
from hokusai_assets.privacy.number_lists import is_of_even_list, list_end
from hokusai_assets.privacy.phone_forms import (
    CANDIDATE,
    EXTENSION,
    TRIGGER,
    Written,
    split_extension,
)
from hokusai_assets.privacy.phone_words import PHONE_WORDS, is_someones_number
from hokusai_assets.privacy.recognition import (
    VALUE,
    Recogniser,
    Span,
    digits,
    open_left,
    open_right,
    phrases,
    plain_text,
)

DEFAULT_REGIONS = phone_plans.DEFAULT_REGIONS
MIN_DIGITS = 7
_MAX_GROUPS = 8
# No number begins so, and a long list of digits would be read from each of them on.
_SINGLE_DIGITS = re.compile(r"\(*[0-9](?:[ \t./()-]{1,4}[0-9](?![0-9])){2}")
_GAP = re.compile(r"[ \t/()][ \t./()-]*")
_CODE_LEFT = re.compile(r"([^\W\d_]+)-$")
_CODE_RIGHT = re.compile(r"-[A-Z]{1,4}(?![^\W\d_])")
_IN_ROW_LEFT = re.compile(r"[0-9][ \t]?$")
_IN_ROW_RIGHT = re.compile(r"[ \t]?[0-9]")
_UNSPACED = "\u2e80-\u9fff\uac00-\ud7ff"
_SETS_OFF_LEFT = re.compile(rf"(?:^|[,:;|<>\[(\"'\n\u2022=*{VALUE}{_UNSPACED}-])[ \t]?$")
_SETS_OFF_RIGHT = re.compile(rf"[ \t]?(?:$|[,:;|<>)\].!?\"'\n{_UNSPACED}])")


def group_ends(text: str, start: int, end: int) -> Iterator[int]:
    """Yield where a run of digit groups at `start` may end: at `end`, then before later groups.

    Only ends whose neighbours leave the number standing apart are given, and of at most eight
    groups, since no number has more; the longest comes first.
    """
    gaps = [match.start() for match in _GAP.finditer(text, start + 1, end)]
    ends_openly = open_right(text, end) and not _CODE_RIGHT.match(text, end)
    if len(gaps) < _MAX_GROUPS and (ends_openly or EXTENSION.match(text, end)):
        yield end
    yield from reversed(gaps[:_MAX_GROUPS])


class _Candidate:
    """A run of digits in a text, read up to each place where a number may end."""

    __slots__ = ("_ends", "_read", "end", "start", "text")

    def __init__(self, text: str, start: int, end: int) -> None:
        self.text = text
        self.start = start
        self.end = end
        self._ends = group_ends(text, start, end)
        self._read: list[tuple[int, Written]] = []

    def readings(self) -> Iterator[tuple[int, Written]]:
        """Yield end and form, the longest first; each is read once, and only when asked for."""
        yield from self._read
        for stop in self._ends:
            form = Written(self.text[self.start : stop])
            if len(form.digits) < MIN_DIGITS:
                # The further ones are shorter still.
                return
            self._read.append((stop, form))
            yield stop, form

    @property
    def may_be_announced(self) -> bool:
        """Whether a calling code may come first."""
        head = self.text[self.start : self.start + 6].lstrip("(")
        return head.startswith(("+", "00", "011"))

    @property
    def ends_a_code(self) -> bool:
        """Whether letters and a dash before the digits make them part of a code, `AB-1234`."""
        if self.start == 0 or self.text[self.start - 1] != "-":
            return False
        word = _CODE_LEFT.search(self.text[max(0, self.start - 24) : self.start])
        if word is None:
            return False
        return len(word[1]) < 3 or PHONE_WORDS.nearest(self.text, self.start) != "phone"

    def is_set_off(self, stop: int) -> bool:
        """Tell whether a number stands by itself as an item, as in `Ann Lee, 601 234 567`."""
        before = self.text[max(0, self.start - 2) : self.start]
        return bool(_SETS_OFF_LEFT.search(before) and _SETS_OFF_RIGHT.match(self.text, stop))

    def is_in_row(self, stop: int) -> bool:
        """Tell whether more digits stand right before or after."""
        before = self.text[max(0, self.start - 2) : self.start]
        return bool(_IN_ROW_LEFT.search(before) or _IN_ROW_RIGHT.match(self.text, stop))

    def is_of_even_list(self, stop: int) -> bool:
        """Tell whether more groups as long as its own stand beside it, as in 012 345 678 901."""
        return is_of_even_list(self.text, self.start, stop)

    def bounds(self, stop: int) -> Span:
        """Take in an extension, leave out a bracket that does not belong to the number."""
        extension = EXTENSION.match(self.text, stop) if stop < len(self.text) else None
        first = self.start
        while self.text[first] == "(" and _opens_more(self.text[first:stop]):
            first += 1
        return first, extension.end() if extension else stop


@dataclass(frozen=True)
class PhoneBook:
    """Recognises telephone numbers; raises ValueError for an unknown region.

    region_codes: ISO 3166 codes of the regions whose national forms are known.
    """

    region_codes: tuple[str, ...]

    def __post_init__(self) -> None:
        """Look every region up here, not at the first number."""
        assert self.plans.plans

    @cached_property
    def plans(self) -> phone_plans.PlanBook:
        """The regions' numbering plans."""
        return _plan_book(self.region_codes)

    def span(self, text: str, start: int, end: int, alone: bool) -> Span | None:
        """Return the span of the number that starts at `start` within the candidate, or None.

        `alone`: the cell holds nothing else; then a bare run of digits is a number, not a phone
        (a random 10-digit integer is a valid US phone 40% of the time).
        """
        if _SINGLE_DIGITS.match(text, start) or not open_left(text, start):
            return None
        candidate = _Candidate(text, start, end)
        if candidate.ends_a_code:
            return None
        found = _announced(candidate) if candidate.may_be_announced else None
        if found is None:
            meaning = None if alone else PHONE_WORDS.nearest(text, start)
            found = self._national(candidate, meaning, alone)
            if found is None and not alone and _is_called_phone(candidate, meaning):
                found = next(
                    (stop for stop, row in candidate.readings() if row.could_be_phone), None
                )
        return None if found is None else candidate.bounds(found)

    def _national(self, candidate: _Candidate, meaning: str | None, alone: bool) -> int | None:
        for stop, form in candidate.readings():
            if form.is_other_number or form.mixes_dots or form.is_torn:
                continue
            if form.has_area_in_brackets:
                return stop
            if meaning not in ("phone", "place") and candidate.is_of_even_list(stop):
                continue
            if meaning != "other" and (
                _has_extension(candidate, stop, form)
                or self._has_phone_form(candidate, stop, form, alone)
                or (not alone and self._is_item(candidate, stop, form))
            ):
                return stop
        return None

    def _has_phone_form(self, candidate: _Candidate, stop: int, form: Written, alone: bool) -> bool:
        number = form.digits
        if not 8 <= len(number) <= 13 or form.has_single_digits:
            return False
        if number[0] == "0":
            if not form.has_trunk_zero or (form.is_small_groups and candidate.is_in_row(stop)):
                return False
            if len(form.shape) == 1 and (alone and len(number) > 11):
                return False
            return len(form.shape) > 1 or self.plans.dialled(number) is not None
        if form.shape == (11,) and number[0] == "1" and number[1] in "3456789":
            # China's mobile numbers, alone among bare ones, have a form of their own.
            return not alone and bool(self.plans.dialled(number, mobile=True))
        if form.has_own_grouping:
            return True
        if len(number) >= 11 and len(form.shape) <= 2 and not alone:
            # With a calling code, its plus left out: 447700900123.
            return self.plans.mobile_from_abroad(number)
        # Without a trunk prefix the mobile form is usual, in few groups.
        return form.has_mobile_grouping and bool(self.plans.dialled(number, mobile=True))

    def _is_item(self, candidate: _Candidate, stop: int, form: Written) -> bool:
        """Tell national forms that could be plain numbers, were they not set off as they are."""
        # Bare, with a trunk prefix: Russia.
        bare = form.shape == (11,) and form.digits[0] == "8"
        if not (bare or form.has_plain_grouping) or not candidate.is_set_off(stop):
            return False
        return self.plans.dialled(form.digits) is not None

    def canonicalise(self, text: str) -> str:
        """Return E.164 (ITU-T), with `;ext=` (RFC 3966) for an extension.

        A number that no plan has comes back as its digits, other text lower-cased with single
        spaces.
        """
        form, extension = split_extension(text.strip())
        if form is None or len(form.digits) < MIN_DIGITS:
            return plain_text(text)
        return self._e164(form) + (f";ext={extension}" if extension else "")

    def _e164(self, form: Written) -> str:
        if not (form.plus or form.exit_code) and form.digits.startswith(("00", "011")):
            # However the digits of an exit code are spaced.
            form = Written(form.digits)
        number = form.international_digits
        if number is not None:
            found = phone_plans.international(number)
            if found is not None and (found[1] or form.plus):
                return found[0]
        # A column of phones may have lost its zeros and plus signs: take any region's reading.
        number = form.digits
        national = self.plans.dialled(number)
        if national is None and len(number) >= 11:
            found = phone_plans.international(number)
            national = found[0] if found and found[1] else None
        return national or self.plans.without_trunk(number) or number


@lru_cache(maxsize=16)
def _plan_book(region_codes: tuple[str, ...]) -> phone_plans.PlanBook:
    return phone_plans.PlanBook(region_codes)


def _opens_more(text: str) -> bool:
    return text.count("(") > text.count(")")


def _announced(candidate: _Candidate) -> int | None:
    """Return the end of a number with a calling code, one of its plan's length if possible."""
    longest = None
    for stop, form in candidate.readings():
        number = form.international_digits
        if number is None or not 8 <= len(number) <= phone_plans.MAX_DIGITS:
            continue
        if not form.plus and candidate.is_of_even_list(stop) and not _follows_word(candidate):
            # The 007 of 512 007 517 956 388 652.
            continue
        if form.holds_date or (len(form.shape) > 1 and form.is_other_number):
            continue
        found = phone_plans.international(number)
        if found is not None and found[1]:
            return stop
        separated = len(form.shape) > 1
        if longest is None and ((found and (form.plus or separated)) or "(" in form.text[1:]):
            longest = stop
    return longest


def _follows_word(candidate: _Candidate) -> bool:
    return _is_called_phone(candidate, PHONE_WORDS.nearest(candidate.text, candidate.start))


def _is_called_phone(candidate: _Candidate, meaning: str | None) -> bool:
    if meaning is None:
        return is_someones_number(candidate.text, candidate.start, candidate.end)
    return meaning in ("phone", "place")


def pass_over(text: str, start: int) -> int:
    """Return where to look on if a list of numbers begins at `start` and no word says phone."""
    end = list_end(text, start)
    if end == start or PHONE_WORDS.nearest(text, start) in ("phone", "place"):
        return start
    return start if is_someones_number(text, start, end) else end


def _has_extension(candidate: _Candidate, stop: int, form: Written) -> bool:
    if stop == len(candidate.text) or not (len(form.shape) > 1 or len(form.digits) >= 10):
        return False
    return EXTENSION.match(candidate.text, stop) is not None


_HEADERS = phrases(
    "phone", "phones", "telephone", "tel", "mobile", "cellphone", "cell number", "cell phone",
    "phonenumber", "phoneno", "mobilenumber", "mobileno", "telephonenumber", "fax", "faxnumber",
    "msisdn", "whatsapp", "contact number", "contact no", "telefon", "telefonnummer", "telefonnr",
    "handy", "handynummer", "rufnummer", "mobilnummer", "mobiltelefon", "mobil", "telefono",
    "telefone", "telefoon", "telefoonnummer", "movil", "celular", "cellulare", "portable", "gsm",
    "telemovel", "tlf", "tfn", "puhelin", "puhelinnumero", "telefonszam", "telefonu", "komorka",
    "телефон", "電話", "電話番号", "携帯", "电话", "手机", "手机号", "联系电话", "전화", "전화번호",
    "휴대폰",
)  # fmt: skip


def phones(region_codes: tuple[str, ...]) -> Recogniser:
    """Return the recogniser of telephone numbers; see `PhoneBook`."""
    book = PhoneBook(region_codes)
    return Recogniser(
        entity="PHONE",
        pattern=CANDIDATE,
        validator=book.span,
        canonicalise=book.canonicalise,
        trigger=TRIGGER,
        header_words=_HEADERS,
        header_evidence=digits(MIN_DIGITS),
        reads_context=True,
        passes_over=pass_over,
    )
