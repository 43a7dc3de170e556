"""Telephone numbers in text: candidate spans, national forms by region, and E.164."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache

import phonenumbers
from phonenumbers import PhoneMetadata, PhoneNumberType

# The permissive plan (DE) stands last, so that it takes only what no other region claims.
DEFAULT_REGIONS = ("US", "GB", "FR", "IN", "AU", "DE")

PATTERN = r"(?<!\w)[+(]{0,2}[0-9](?:[ \t./()-]{0,3}[0-9]){7,19}"

_DATE = re.compile(
    r"(?<![0-9])(?:[0-9]{4}([-./])[0-9]{1,2}\1[0-9]{1,2}"
    r"|[0-9]{1,2}([-./])[0-9]{1,2}\2(?:[0-9]{4}|[0-9]{2}))(?![0-9])"
)
# One point makes a decimal; 1.800.555.0199 has more and is a phone.
_DECIMAL = re.compile(r"(?<![0-9.])[0-9]\.[0-9]+(?!\.?[0-9])|^[0-9]+\.[0-9]+$")
_GAP = re.compile(r"[ \t/()][ \t./()-]*")
_GLUED_LEFT = re.compile(r"[\w+]$|[0-9]\.$")
_GLUED_RIGHT = re.compile(r"\w|\.[0-9]")
_JOINED_LEFT = re.compile(r"(\w*)[,/-]$")
_JOINED_RIGHT = re.compile(r"[,-]([0-9]+)")
_NANP_GROUPS = frozenset({(10,), (3, 7), (3, 3, 4), (6, 4)})


def group_ends(text: str, start: int, end: int) -> Iterator[int]:
    """Yield where a run of digit groups at `start` may end: at `end`, then before later groups.

    Only ends whose neighbours leave the number standing apart are given; the longest comes first.
    """
    if not _open_left(text, start):
        return
    if _open_right(text, end):
        yield end
    for gap in reversed(list(_GAP.finditer(text[start:end]))):
        yield start + gap.start()


def stands_apart(text: str, start: int, end: int) -> bool:
    """Tell whether text[start:end] is no part of a longer word, number or code."""
    return _open_left(text, start) and _open_right(text, end)


def _open_left(text: str, start: int) -> bool:
    before = text[max(0, start - 16) : start]
    if _GLUED_LEFT.search(before):
        return False
    # A short number joined by a comma, dash or slash: decimals, dates, codes. A long one: a list.
    joined = _JOINED_LEFT.search(before)
    if joined is None or not re.search("[0-9]", joined[1]):
        return True
    return joined[1].isdecimal() and len(joined[1]) >= 7


def _open_right(text: str, end: int) -> bool:
    after = text[end : end + 16]
    if _GLUED_RIGHT.match(after):
        return False
    joined = _JOINED_RIGHT.match(after)
    return joined is None or len(joined[1]) >= 7


@dataclass(frozen=True)
class _Region:
    code: str
    calling_code: int
    trunk: str
    trunk_optional: bool
    national: re.Pattern[str]


def _region(code: str) -> _Region:
    metadata = PhoneMetadata.metadata_for_region(code)
    general = metadata.general_desc if metadata else None
    pattern = general.national_number_pattern if general else None
    if metadata is None or metadata.country_code is None or pattern is None:
        raise ValueError("phone regions are two-letter ISO 3166 codes known to phonenumbers")
    trunk = metadata.national_prefix or ""
    optional = trunk in ("", "1") or any(
        form.national_prefix_optional_when_formatting for form in metadata.number_format
    )
    return _Region(code, metadata.country_code, trunk, optional, re.compile(pattern))


@dataclass(frozen=True)
class PhoneBook:
    """Recognises the numbers of some regions in national form, and of all in `+` or `00` form."""

    region_codes: tuple[str, ...]

    def __post_init__(self) -> None:
        """Raise ValueError for an unknown region here, not at the first number."""
        for code in self.region_codes:
            _region(code)

    @cached_property
    def _regions(self) -> tuple[_Region, ...]:
        return tuple(_region(code) for code in self.region_codes)

    def span(self, text: str, start: int, end: int, alone: bool) -> tuple[int, int] | None:
        """Return the longest valid number that starts at `start` within the candidate, or None.

        `alone`: the cell holds nothing else; then a bare run of digits is a number, not a phone
        (a random 10-digit integer is a valid US phone 40% of the time).
        """
        for stop in group_ends(text, start, end):
            candidate = text[start:stop]
            bare = alone and candidate[0] in "123456789" and candidate.isdecimal()
            if not bare and self._strict(candidate) is not None:
                return start, stop
        return None

    def canonicalise(self, text: str) -> str:
        """Return E.164 (ITU-T), or the text lower-cased with single spaces if it is no phone."""
        return _canonical(self, text.strip())

    def _strict(self, text: str) -> str | None:
        """Return E.164 of a number written as its country writes it, or None."""
        groups = re.findall("[0-9]+", text)
        if not groups:
            return None
        digits = "".join(groups)
        if text.lstrip("(").startswith("+"):
            return _international(digits)
        shape = tuple(map(len, groups))
        # Single digits are lists of numbers, but for a leading 1, (0 or +.
        if 1 in shape[1:] or (shape[0] == 1 and text[0] not in "1("):
            return None
        if digits.startswith("00"):
            found = _international(digits[2:])
        elif 9 <= len(digits) <= 13:
            readings = (self._national(region, digits, shape) for region in self._regions)
            found = next((reading for reading in readings if reading), None)
        else:
            return None
        # Decimal numbers and days have the shape of grouped phones.
        if found is None or _DECIMAL.search(text) or _DATE.search(text):
            return None
        return found

    @staticmethod
    def _national(region: _Region, digits: str, shape: tuple[int, ...]) -> str | None:
        if region.trunk == "0" and digits[0] == "0":
            return _valid(region, digits[1:])
        calling_code = str(region.calling_code)
        # The calling code without its plus, as people type it: 447700900123.
        if digits.startswith(calling_code) and region.trunk == "0" and len(digits) >= 11:
            if len(shape) > 3:
                return None
            return _valid(region, digits[len(calling_code) :], mobile=True)
        if not region.trunk_optional or digits[0] == "0":
            return None
        if region.trunk == "1":
            if len(digits) == 11 and digits[0] == "1":
                digits = digits[1:]
                shape = shape[1:] if shape[0] == 1 else (shape[0] - 1, *shape[1:])
            return _valid(region, digits) if shape in _NANP_GROUPS else None
        # Without a trunk prefix only the mobile form is usual, in few groups.
        if region.trunk and (len(shape) > 3 or min(shape) < 3):
            return None
        return None if min(shape) < 2 else _valid(region, digits, mobile=bool(region.trunk))


@lru_cache(maxsize=4096)
def _valid(region: _Region, national: str, mobile: bool = False) -> str | None:
    # The cheap pattern first: the library's own check costs about 40 microseconds.
    if not region.national.fullmatch(national):
        return None
    if national[0] == "0":
        return _parsed(national, region.code)
    number = phonenumbers.PhoneNumber(
        country_code=region.calling_code, national_number=int(national)
    )
    if not phonenumbers.is_valid_number(number):
        return None
    if mobile and phonenumbers.number_type(number) != PhoneNumberType.MOBILE:
        return None
    return f"+{region.calling_code}{national}"


def _international(digits: str) -> str | None:
    return _parsed("+" + digits, None) if 8 <= len(digits) <= 16 else None


def _parsed(text: str, region: str | None) -> str | None:
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


@lru_cache(maxsize=4096)
def _canonical(book: PhoneBook, text: str) -> str:
    if re.fullmatch(r"[+(]{0,2}[0-9][0-9 \t./()-]*", text):
        if (strict := book._strict(text)) is not None:
            return strict
        # A column of phones may have lost its zeros and plus signs: take any region's reading.
        for code in book.region_codes:
            if (found := _parsed(text, code)) is not None:
                return found
    return " ".join(text.split()).casefold()
