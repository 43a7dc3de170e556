"""The table of entities: how each is found, checked, written canonically and named in headers.

An entity is one row of `default_recognisers`. Its RE2 trigger runs over whole columns; its
pattern, for Python's `re`, only over the cells the trigger marks, on folded text (see spans).
Repetition in patterns is bounded, so none backtracks beyond a constant per start position.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

from hokusai_assets.privacy import phones

Span = tuple[int, int]


@dataclass(frozen=True)
class Recogniser:
    """One entity.

    entity: 2 to 16 capital letters, the name in the token.
    pattern: finds candidates in folded text (Python `re`).
    validator: (text, start, end, alone) -> the valid span within the candidate, which starts
        where the candidate does, or None. `alone`: the cell holds this text and nothing else.
    canonicalise: folded text -> one spelling per value; text that is no valid value of the
        entity comes back lower-cased with single spaces. Never raises.
    header_words: word sequences, lower case, that name the entity in a column header.
    trigger: RE2 over unfolded but NFKC-normalised text; every candidate must match it.
    header_evidence: RE2 that at least one value must match before the header is believed.
    """

    entity: str
    pattern: str
    validator: Callable[[str, int, int, bool], Span | None]
    canonicalise: Callable[[str], str]
    header_words: frozenset[tuple[str, ...]]
    trigger: str
    header_evidence: str

    @cached_property
    def compiled(self) -> re.Pattern[str]:
        """The pattern for Python's `re`."""
        return re.compile(self.pattern)


def _words(*headers: str) -> frozenset[tuple[str, ...]]:
    return frozenset(tuple(header.split()) for header in headers)


def _digits(count: int) -> str:
    """RE2 for `count` digits of any script, at most 3 other characters apart."""
    return rf"(?:\p{{Nd}}\P{{Nd}}{{0,3}}){{{count - 1}}}\p{{Nd}}"


# One trigger for phones, cards and SSNs, since longer numbers hold shorter ones: it runs once.
_DIGITS = _digits(8)


def plain_text(text: str) -> str:
    """Lower case, single spaces, none at the ends: the spelling of a value that is not valid."""
    return " ".join(text.split()).casefold()


# E-mail -----------------------------------------------------------------------------------------
# RFC 5321 4.5.3.1: local part up to 64 octets, label up to 63. Of RFC 5322's atext the signs that
# mostly delimit in running text (= / | # ! $ * ? ^ ` { } ~) end the local part. Latin, Greek and
# Cyrillic letters count (RFC 6531); CJK do not, they stand next to addresses without a space.
_LETTER = "A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u052f\u1e00-\u1eff"
_LABEL = rf"[{_LETTER}0-9](?:[{_LETTER}0-9_-]{{0,62}})"
_EMAIL = (
    rf"[{_LETTER}0-9_][{_LETTER}0-9_.%+&'-]{{0,63}}@(?:{_LABEL}\.){{1,8}}"
    rf"(?:xn--[A-Za-z0-9-]{{2,59}}|[{_LETTER}]{{2,24}})"
)


def _email_span(text: str, start: int, end: int, alone: bool) -> Span | None:
    return start, end


def _canonical_email(text: str) -> str:
    # RFC 5321 lets the local part be case-sensitive; no large provider does, and joins need one.
    return plain_text(text)


# IP address -------------------------------------------------------------------------------------
_IPV4 = r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}"
_IPV6 = rf"[0-9A-Fa-f]{{0,4}}(?::[0-9A-Fa-f]{{0,4}}){{1,7}}:(?:{_IPV4}|[0-9A-Fa-f]{{0,4}})"
_IP = rf"(?<![\w.:])(?:{_IPV6}|{_IPV4})"


def _ip_span(text: str, start: int, end: int, alone: bool) -> Span | None:
    if text[end - 1] == ":" and text[end - 2] != ":":
        end -= 1  # The colon of the sentence.
    value = text[start:end]
    # Part of a word, or of something with more parts than an address (a version, an OID).
    if re.match(r"\w|\.[0-9]" if "." in value else r"\w|:[0-9A-Fa-f:]", text[end : end + 2]):
        return None
    try:
        address = ipaddress.ip_address(value)
    except ValueError:
        return None
    # 0.0.0.0, ::, 127.0.0.1, ::1 identify nobody; `a::b` without a digit is program text.
    if address.is_unspecified or address.is_loopback or not re.search("[0-9]", value):
        return None
    return start, end


def _canonical_ip(text: str) -> str:
    value = text.strip()
    try:
        # A number column holds an IPv4 address as its 32-bit value.
        address = ipaddress.ip_address(int(value) if value.isdecimal() else value)
    except ValueError:
        return plain_text(text)
    # RFC 4291 2.5.5.2: an IPv4-mapped IPv6 address is that IPv4 address.
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).compressed


# Payment card -----------------------------------------------------------------------------------
_CARD = r"(?<!\w)[0-9](?:[ -]?[0-9]){11,18}"
# Issuer ranges as the networks publish them: (first prefix, last prefix, allowed lengths).
_ISSUERS: tuple[tuple[str, str, tuple[int, ...]], ...] = (
    ("4", "4", (13, 16, 19)),  # Visa
    ("51", "55", (16,)),  # Mastercard
    ("2221", "2720", (16,)),  # Mastercard
    ("34", "34", (15,)),  # American Express
    ("37", "37", (15,)),  # American Express
    ("6011", "6011", (16, 17, 18, 19)),  # Discover
    ("644", "659", (16, 17, 18, 19)),  # Discover
    ("3528", "3589", (16, 17, 18, 19)),  # JCB
    ("300", "305", (14, 15, 16, 17, 18, 19)),  # Diners Club
    ("36", "36", (14, 15, 16, 17, 18, 19)),  # Diners Club
    ("38", "39", (14, 15, 16, 17, 18, 19)),  # Diners Club
    ("62", "62", (16, 17, 18, 19)),  # UnionPay
    ("2200", "2204", (16, 17, 18, 19)),  # Mir
    ("6304", "6304", (12, 13, 14, 15, 16, 17, 18, 19)),  # Maestro
    ("6759", "6763", (12, 13, 14, 15, 16, 17, 18, 19)),  # Maestro
    ("5018", "5018", (12, 13, 14, 15, 16, 17, 18, 19)),  # Maestro
    ("5020", "5020", (12, 13, 14, 15, 16, 17, 18, 19)),  # Maestro
    ("5038", "5038", (12, 13, 14, 15, 16, 17, 18, 19)),  # Maestro
)


def luhn_valid(digits: str) -> bool:
    """Check a digit string's last digit by ISO/IEC 7812-1 annex B (the Luhn formula)."""
    doubled = "0246813579"
    total = sum(int(digit) for digit in digits[-1::-2])
    return (total + sum(int(doubled[int(digit)]) for digit in digits[-2::-2])) % 10 == 0


def is_card_number(digits: str) -> bool:
    """Tell whether a string of digits has an issuer's prefix, its length and a Luhn check digit."""
    return any(
        first <= digits[: len(first)] <= last and len(digits) in lengths
        for first, last, lengths in _ISSUERS
    ) and luhn_valid(digits)


def _card_span(text: str, start: int, end: int, alone: bool) -> Span | None:
    if not text[start : start + 4].isdecimal():
        return None  # Spares lists of small numbers the search below.
    for stop in phones.group_ends(text, start, end):
        groups = re.findall("[0-9]+", text[start:stop])
        # Cards are printed 4-4-4-4, 4-6-5 or 4-6-4; other groups are a list of numbers.
        shape = tuple(map(len, groups))
        fours = set(shape[:-1]) == {4} and shape[-1] <= 4
        printed = len(shape) == 1 or fours or shape in ((4, 6, 5), (4, 6, 4))
        if printed and is_card_number("".join(groups)):
            return start, stop
    return None


def _canonical_card(text: str) -> str:
    digits = re.sub(r"[ \t-]", "", text)
    return digits if digits.isdecimal() else plain_text(text)


# US social security number ----------------------------------------------------------------------
# Dashes, or the words before it: nine bare digits are too common to be one.
_SSN = (
    r"(?:[0-9]{3}-[0-9]{2}-[0-9]{4}"
    r"|(?i:ssn|social[ _-]security)(?i:[ _-]?(?:number|num|no))?[ .:#='\"]{0,4}(?i:is )?"
    r"[0-9]{3}[ -]?[0-9]{2}[ -]?[0-9]{4}"
    # Further from the words, only in the grouping that nothing else has.
    r"|(?i:ssn|social[ _-]security)[^\n]{0,80}?(?<![0-9])[0-9]{3}[ -][0-9]{2}[ -][0-9]{4})"
)
_SSN_DIGITS = re.compile(r"[0-9]{3}[ -]?[0-9]{2}[ -]?[0-9]{4}$")


def is_social_security_number(digits: str) -> bool:
    """Apply the SSA's rules to nine digits: area not 000, 666, 9xx; group not 00; serial not 0000.

    Source: SSA, "Social Security Number Randomization" (2011), which kept these exclusions.
    """
    area, group, serial = digits[:3], digits[3:5], digits[5:]
    return (
        len(digits) == 9
        and area not in ("000", "666")
        and area[0] != "9"
        and group != "00"
        and serial != "0000"
    )


def _ssn_span(text: str, start: int, end: int, alone: bool) -> Span | None:
    number = _SSN_DIGITS.search(text, start, end)
    if number is None or not phones.stands_apart(text, number.start(), end):
        return None
    valid = is_social_security_number(re.sub("[^0-9]", "", number[0]))
    return number.span() if valid else None


def _canonical_ssn(text: str) -> str:
    digits = re.sub(r"[ \t-]", "", text)
    # A number column has lost the leading zeros of areas 001 to 099.
    return digits.zfill(9) if digits.isdecimal() and len(digits) >= 7 else plain_text(text)


def default_recognisers(
    phone_regions: Sequence[str] = phones.DEFAULT_REGIONS,
) -> tuple[Recogniser, ...]:
    """Return the entities this version knows, the more specific before the less.

    Of overlapping candidates the earlier row wins: a card is no phone. `phone_regions` are
    ISO 3166 codes whose national number forms count as phones; of several that would take a
    number the first one does. `+` forms count everywhere. An unknown code raises ValueError.
    """
    book = phones.PhoneBook(tuple(phone_regions))
    return (
        Recogniser(
            "EMAIL",
            _EMAIL,
            _email_span,
            _canonical_email,
            _words("email", "emails", "e mail", "emailaddress", "mail address"),
            trigger="@",
            header_evidence="[@\uff20\ufe6b]",
        ),
        Recogniser(
            "IP",
            _IP,
            _ip_span,
            _canonical_ip,
            _words("ip", "ipv", "ipaddress", "ipaddr"),
            trigger=r"\p{Nd}\.\p{Nd}{1,3}\.\p{Nd}{1,3}\.\p{Nd}|::|(?:[0-9A-Fa-f]{1,4}:){5}",
            # Dotted, with colons, or the 32-bit number of an address from 1.0.0.0 on.
            header_evidence=rf"\p{{Nd}}[.\x{{ff0e}}]\p{{Nd}}+[.\x{{ff0e}}]|[:\x{{ff1a}}].*[:\x{{ff1a}}]|^{_digits(8)}",
        ),
        Recogniser(
            "CARD",
            _CARD,
            _card_span,
            _canonical_card,
            _words(
                "credit card",
                "debit card",
                "creditcard",
                "debitcard",
                "card number",
                "card no",
                "card num",
                "cardnumber",
                "cc number",
                "cc num",
                "cc no",
                "payment card",
            ),
            trigger=_DIGITS,
            header_evidence=_digits(12),
        ),
        Recogniser(
            "SSN",
            _SSN,
            _ssn_span,
            _canonical_ssn,
            _words("ssn", "social security"),
            trigger=_DIGITS,
            header_evidence=_digits(7),
        ),
        Recogniser(
            "PHONE",
            phones.PATTERN,
            book.span,
            book.canonicalise,
            _words(
                "phone",
                "phones",
                "telephone",
                "tel",
                "mobile",
                "cellphone",
                "cell number",
                "phonenumber",
                "phoneno",
                "mobilenumber",
                "mobileno",
                "telephonenumber",
                "fax",
                "msisdn",
                "whatsapp",
                "contact number",
                "contact no",
            ),
            trigger=_DIGITS,
            header_evidence=_digits(7),
        ),
    )
