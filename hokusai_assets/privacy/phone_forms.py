"""How telephone numbers are written: groups of digits, and which groupings are a number's own."""

from __future__ import annotations

import re

from hokusai_assets.privacy.phone_plans import MAX_DIGITS
from hokusai_assets.privacy.recognition import WORD

_SEPARATORS = r"[ \t./()-]"
# A run of 7 to 20 digits with whatever separates them in telephone numbers.
CANDIDATE = rf"(?<!{WORD})[+(]{{0,3}}[0-9](?:{_SEPARATORS}{{0,4}}[0-9]){{6,19}}"
# RE2 for the same.
TRIGGER = r"[0-9](?:[ \t./()-]{0,4}[0-9]){6}"
EXTENSION = re.compile(
    r"[ ,;]{0,2}(?i:x|ext\.?|extn\.?|extension|#|poste|durchwahl|dw|доб\.?|wew\.?|int\.?)"
    r"[ .:]{0,2}([0-9]{1,6})(?!\w)"
)
_WHOLE = re.compile(rf"[+(]{{0,3}}[0-9](?:{_SEPARATORS}*[0-9])*\)?")
_DIGITS = re.compile("[0-9]+")
_NO_DIGITS = re.compile("[^0-9]+")
_TRUNK_ZERO = re.compile(r"\(0\)")
_AREA = re.compile(r"(?:[0-9]{1,2}[ ./-]?)?\((0?[0-9]{1,5})\)[ ./-]{0,3}[0-9]")
_YEAR = re.compile("(?:19|20)[0-9]{2}")
_DATE = re.compile(
    r"(?<![0-9])(?:[0-9]{4}([-./])(?:0?[1-9]|1[0-2])\1(?:0?[1-9]|[12][0-9]|3[01])"
    r"|(?:0?[1-9]|[12][0-9]|3[01])([-./])(?:0?[1-9]|[12][0-9]|3[01])\2"
    r"(?:(?:19|20)[0-9]{2}|[0-9]{2}))(?![0-9])"
)
_COMPACT_TIME = re.compile(
    r"(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])(?:[0-9]{4}|[0-9]{6})?"
)
_YEARS = re.compile(r"(?:19|20)[0-9]{2}[ /-]+(?:19|20)[0-9]{2}")
# One point makes a decimal; 1.800.555.0199 has more and is a phone.
_DECIMAL = re.compile(r"(?<![0-9.])[0-9]+\.[0-9]+(?!\.?[0-9])")
_THOUSANDS = re.compile(r"[0-9]{1,3}(?:[ .][0-9]{3})+")
# Poland, Czechia, Spain, Portugal; Norway, Denmark. Blanks in such a number could part thousands.
_PLAIN_SHAPES = frozenset({(3, 3, 3), (2, 3, 2, 2), (2, 2, 2, 2), (3, 2, 3)})
# 98765 43210, 0612 345 678, 612 34 56 78, 69 1234 5678; 12345-6789 would be a US post code.
_MOBILE_SHAPES = frozenset(
    {(3, 3, 3), (3, 2, 2, 2), (5, 5), (4, 3, 3), (4, 6), (3, 6), (3, 7), (5, 3, 3), (3, 4, 4)}
)
# Russia, Brazil, Japan: with a dash before the last group.
_DASHED_SHAPES = frozenset({(3, 3, 2, 2), (2, 4, 4), (2, 5, 4), (3, 4, 4)})
_LOCAL_SHAPES = frozenset(
    {(7,), (3, 4), (4, 3), (3, 2, 2), (2, 3, 2), (3, 1, 3), (1, 3, 3), (1, 6), (2, 5)}
)
_STOCKHOLM = re.compile("0[1-9]-[0-9]{2,3}(?: [0-9]{2,3}){1,2}")  # 08-12 34 56
_BUDAPEST = (2, 1, 3, 4)  # 06-1/234 5678
_PAIRS = (2, 2, 2, 2, 2)  # France


class Written:
    """A number as it is written: its groups of digits and what stands between them.

    Attributes:
        text: as it stands. digits: all of them. shape: the size of each group, in order.
        plus: whether it begins with a plus. exit_code: 00, 011 or "".
    """

    __slots__ = ("digits", "exit_code", "plus", "shape", "text")

    def __init__(self, text: str) -> None:
        groups = _DIGITS.findall(text)
        self.text = text
        self.digits = "".join(groups)
        self.shape = tuple(map(len, groups))
        self.plus = "+" in text[:3]
        first = groups[0] if groups else ""
        self.exit_code = (
            "00" if first.startswith("00") else "011" if first.startswith("011") else ""
        )

    @property
    def separators(self) -> str:
        """All that stands between digits, in order."""
        return "".join(_NO_DIGITS.findall(self.text.lstrip("+(")))

    @property
    def international_digits(self) -> str | None:
        """The digits from the calling code on, where a plus or an exit code announces one."""
        if not (self.plus or self.exit_code):
            return None
        number = "".join(_DIGITS.findall(_TRUNK_ZERO.sub("", self.text, count=1)))
        if self.plus:
            return number
        return number[len(self.exit_code) :] if len(number) >= 10 else None

    @property
    def is_other_number(self) -> bool:
        """Whether it is a date, a clock, a decimal or a span of years."""
        if len(self.shape) == 1:
            return _COMPACT_TIME.fullmatch(self.digits) is not None
        if "." in self.text and _DECIMAL.search(self.text):
            return True
        if _YEARS.search(self.text):
            return True
        # French numbers are dotted in pairs, and begin with a zero.
        is_french = self.shape == _PAIRS and self.text[0] == "0"
        return self.holds_date and not is_french

    @property
    def holds_date(self) -> bool:
        """Whether a day in digits is part of it."""
        return _DATE.search(self.text) is not None

    @property
    def mixes_dots(self) -> bool:
        """Whether some of the groups are joined by points and others are not."""
        if "." not in self.text:
            return False
        dots = self.separators.count(".")
        return 0 < dots < len(self.shape) - 1 and "(" not in self.text and not self.plus

    @property
    def is_torn(self) -> bool:
        """Whether a bracket was opened before it, so that it is the end of something longer."""
        return self.text.count(")") > self.text.count("(")

    @property
    def has_area_in_brackets(self) -> bool:
        """Whether it is an area code in brackets and a number: `(0171) 123 456`."""
        area = _AREA.match(self.text) if "(" in self.text else None
        if area is None or not 7 <= len(self.digits) <= 13 or 1 in self.shape[2:]:
            return False
        # `(2019) 123456` is a year and a number.
        return _YEAR.fullmatch(area[1]) is None

    @property
    def has_trunk_zero(self) -> bool:
        """Whether it begins with a zero and is grouped as numbers with an area code are."""
        if self.digits[1] == "0" or not 8 <= len(self.digits) <= 13:
            return False
        if len(self.digits) == 8:
            return _STOCKHOLM.fullmatch(self.text) is not None
        shape = self.shape
        if shape == _BUDAPEST:
            return self.digits.startswith("06")
        if len(shape) == 1:
            return True
        return 2 <= shape[0] <= 8 and len(shape) <= 5 and min(shape[1:]) >= 2

    @property
    def is_small_groups(self) -> bool:
        """Whether its groups could as well be a list of small numbers: 012 034 056."""
        return max(self.shape) < 4 and self.shape != _PAIRS

    @property
    def has_single_digits(self) -> bool:
        """Whether a single digit is a group, which in phones is the first one only."""
        return 1 in self.shape[1:] and self.shape != _BUDAPEST

    @property
    def has_own_grouping(self) -> bool:
        """Whether it is grouped as telephone numbers are and little else, whatever the digits."""
        shape, first = self.shape, self.digits[0]
        if shape in ((1, 3, 3, 4), (1, 3, 3, 2, 2)):
            # 1-800-555-0199, 8 916 123 45 67
            return first in "178"
        if shape == (3, 3, 4):
            # North America; with blanks alone it could be a list of numbers.
            return first in "23456789" or "-" in self.text or "." in self.text
        if shape in _DASHED_SHAPES:
            return self.separators.endswith("-")
        # Hungary.
        return shape == (2, 3, 4) and self.separators.startswith("/")

    @property
    def has_mobile_grouping(self) -> bool:
        """Whether mobile numbers are grouped so, and neither thousands nor post codes are."""
        if self.shape not in _MOBILE_SHAPES or "(" in self.text:
            return False
        return _THOUSANDS.fullmatch(self.text) is None

    @property
    def has_plain_grouping(self) -> bool:
        """Whether numbers are grouped so, but thousands or lists of numbers too."""
        return self.shape in _PLAIN_SHAPES and "." not in self.text

    @property
    def could_be_phone(self) -> bool:
        """Whether it may be a phone where a word says that one follows."""
        return (
            len(self.digits) <= MAX_DIGITS
            and len(self.shape) <= 6
            # `87121 18` is a short code and something else.
            and (len(self.digits) > 7 or self.shape in _LOCAL_SHAPES)
            and self.shape.count(1) <= 1
            and not self.is_other_number
            and not self.mixes_dots
        )


def split_extension(text: str) -> tuple[Written | None, str]:
    """Split a whole text into a number and its extension's digits; None if it is no number."""
    if _WHOLE.fullmatch(text):
        return Written(text), ""
    extension = EXTENSION.search(text)
    if extension is None or extension.end() != len(text):
        return None, ""
    main = text[: extension.start()]
    return (Written(main) if _WHOLE.fullmatch(main) else None), extension[1]
