"""Payment card numbers and international bank account numbers."""

from __future__ import annotations

import re
from functools import lru_cache

from hokusai_assets.privacy.context import Vocabulary
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

# Payment card -----------------------------------------------------------------------------------
_CARD = rf"(?<!{WORD})[0-9](?:(?:[ .-]|  )?[0-9]){{11,18}}"
_DOTTED = re.compile(r"[0-9]{4}(?:\.[0-9]{4}){3}")
_CODE_LEFT = re.compile(r"[^\W\d_]-$")  # XA-4111...
_LONGEST = 55  # As the pattern takes it.
_LAST_GROUPS = 8
# More than 8 groups of 2, 3 or 4 digits.
_EVEN = re.compile(
    "|".join(
        rf"[0-9]{{{size}}}([ -])(?:[0-9]{{{size}}}\{size - 1}){{7,60}}[0-9]{{{size}}}(?![0-9])"
        for size in (2, 3, 4)
    )
)
_GOES_ON = re.compile("[ -][0-9]")
_SEPARATED = re.compile(r"[ -]")
_TO_19 = tuple(range(12, 20))
# Issuer ranges as the networks publish them: (first prefix, last prefix, allowed lengths).
_ISSUERS: tuple[tuple[str, str, tuple[int, ...]], ...] = (
    ("4", "4", (13, 16, 19)),  # Visa
    ("51", "55", (16,)),  # Mastercard
    ("2221", "2720", (16,)),  # Mastercard
    ("34", "34", (15,)),  # American Express
    ("37", "37", (15,)),  # American Express
    ("6011", "6011", (16, 17, 18, 19)),  # Discover
    ("644", "659", (16, 17, 18, 19)),  # Discover
    ("35", "35", (16, 17, 18, 19)),  # JCB
    ("2131", "2131", (15,)),  # JCB
    ("1800", "1800", (15,)),  # JCB
    ("300", "305", (14, 15, 16, 17, 18, 19)),  # Diners Club
    ("3095", "3095", (14, 15, 16, 17, 18, 19)),  # Diners Club
    ("36", "36", (14, 15, 16, 17, 18, 19)),  # Diners Club
    ("38", "39", (14, 15, 16, 17, 18, 19)),  # Diners Club
    ("62", "62", (16, 17, 18, 19)),  # UnionPay
    ("81", "82", (16,)),  # RuPay
    ("2200", "2204", (16, 17, 18, 19)),  # Mir
    ("50", "50", _TO_19),  # Maestro, RuPay
    ("56", "69", _TO_19),  # Maestro, RuPay
    ("0604", "0604", _TO_19),  # Maestro
)
# Numbers with a Luhn digit of their own (IMEI), or of a card's length (EAN, parcels, clocks).
_OTHER_NUMBERS = Vocabulary(
    {
        "other": (
            "ean", "gtin", "upc", "isbn", "barcode*", "imei", "imeis", "meid", "iccid", "tracking",
            "parcel", "waybill", "timestamp*", "epoch", "unix", "serial", "sscc",
        ),
        "card": ("card*", "visa", "mastercard", "amex", "maestro", "credit", "debit", "pay*"),
    },
    near=frozenset({"other"}),
)  # fmt: skip


def luhn_valid(number: str) -> bool:
    """Check a digit string's last digit by ISO/IEC 7812-1 annex B (the Luhn formula)."""
    doubled = "0246813579"
    total = sum(int(digit) for digit in number[-1::-2])
    return (total + sum(int(doubled[int(digit)]) for digit in number[-2::-2])) % 10 == 0


def is_card_number(number: str) -> bool:
    """Tell whether a string of digits has an issuer's prefix, its length and a Luhn check digit."""
    return any(
        first <= number[: len(first)] <= last and len(number) in lengths
        for first, last, lengths in _ISSUERS
    ) and luhn_valid(number)


def _card_span(text: str, start: int, end: int, alone: bool) -> Span | None:
    if not text[start : start + 4].isdecimal() or not open_left(text, start):
        return None  # Spares lists of small numbers the search below.
    in_code = _CODE_LEFT.search(text[max(0, start - 2) : start])
    if in_code and _OTHER_NUMBERS.nearest(text, start) != "card":
        return None
    for stop in _stops(text, start, end):
        number = text[start:stop]
        if "." in number and not _DOTTED.fullmatch(number):
            continue
        groups = re.findall("[0-9]+", number)
        # Cards are printed 4-4-4-4, 4-6-5 or 4-6-4; other groups are a list of numbers.
        shape = tuple(map(len, groups))
        fours = set(shape[:-1]) == {4} and shape[-1] <= 4
        printed = len(shape) == 1 or fours or shape in ((4, 6, 5), (4, 6, 4))
        if printed and is_card_number("".join(groups)):
            known = len(shape) > 1 or _OTHER_NUMBERS.nearest(text, start) != "other"
            return (start, stop) if known else None
    return None


def _stops(text: str, start: int, end: int) -> list[int]:
    """Return where the number may end: at `end`, then before later blanks; the longest first."""
    gaps = [start + gap.start() for gap in re.finditer(" +", text[start:end])]
    return [*([end] if open_right(text, end) else []), *reversed(gaps)]


def _pass_over(text: str, start: int) -> int:
    """Return where to look on if a list of numbers of one size, not with a card, is at `start`.

    In an uneven list a card may stand: among its date, its code and whatever fields a row has.
    """
    match = _EVEN.match(text, start)
    if match is None or _card_span(text, start, min(match.end(), start + _LONGEST), False):
        return start
    if not _GOES_ON.match(text, match.end()):
        return match.end()
    # The last of them may be another number's, or the start of more such.
    size = text.index(match[match.lastindex or 0], start) - start + 1
    return match.end() - _LAST_GROUPS * size + 1


def _canonical_card(text: str) -> str:
    number = re.sub(r"[ \t-]", "", text)
    if _DOTTED.fullmatch(number):
        number = number.replace(".", "")
    return number if number.isdecimal() else plain_text(text)


# IBAN -------------------------------------------------------------------------------------------
# BBAN structure per country (n digits, a capitals, c both), as the SWIFT IBAN Registry gives it
# (ISO 13616).
_STRUCTURES = (
    "AD 4n4n12c AE 3n16n AL 8n16c AT 5n11n AZ 4a20c BA 3n3n8n2n BE 3n7n2n BG 4a4n2n8c BH 4a14c "
    "BI 5n5n11n2n BR 8n5n10n1a1c BY 4c4n16c CH 5n12c CR 4n14n CY 3n5n16c CZ 4n6n10n DE 8n10n "
    "DJ 5n5n11n2n DK 4n9n1n DO 4c20n EE 2n14n EG 4n4n17n ES 4n4n1n1n10n FI 3n11n FK 2a12n "
    "FO 4n9n1n FR 5n5n11c2n GB 4a6n8n GE 2a16n GI 4a15c GL 4n9n1n GR 3n4n16c GT 4c20c HN 4a20n "
    "HR 7n10n HU 3n4n1n15n1n IE 4a6n8n IL 3n3n13n IQ 4a3n12n IS 4n2n6n10n IT 1a5n5n12c "
    "JO 4a4n18c KW 4a22c KZ 3n13c LB 4n20c LC 4a24c LI 5n12c LT 5n11n LU 3n13c LV 4a13c LY 3n3n15n "
    "MC 5n5n11c2n MD 2c18c ME 3n13n2n MK 3n10c2n MN 4n12n MR 5n5n11n2n MT 4a5n18c MU 4a2n2n12n3n3a "
    "NI 4a20n NL 4a10n NO 4n6n1n OM 3n16c PK 4a16c PL 8n16n PS 4a21c PT 4n4n11n2n QA 4a21c "
    "RO 4a16c RS 3n13n2n RU 9n5n15c SA 2n18c SC 4a2n2n16n3a SD 2n12n SE 3n16n1n SI 5n8n2n "
    "SK 4n6n10n SM 1a5n5n12c SO 4n3n12n ST 4n4n11n2n SV 4a20n TL 3n14n2n TN 2n3n13n2n "
    "TR 5n1n16c UA 6n19c VA 3n15n VG 4a16n XK 4n10n2n YE 4a4n18c"
)
# ISO 7064 and ISO 13616 take A for 10, and so on to Z for 35.
_AS_NUMBERS = {ord("A") + place: str(10 + place) for place in range(26)}
_PIECE = 64
_CLASSES = {"n": "[0-9]", "a": "[A-Z]", "c": "[A-Z0-9]"}
_IBAN = (
    rf"(?:(?<!{WORD})|(?<=IBAN)|(?<=iban))[A-Za-z]{{2}} ?[0-9]{{2}}(?:[ -]?[A-Za-z0-9]){{11,30}}"
)


@lru_cache(maxsize=1)
def _iban_forms() -> dict[str, re.Pattern[str]]:
    words = _STRUCTURES.split()
    return {
        country: re.compile(
            country
            + "[0-9]{2}"
            + "".join(
                f"{_CLASSES[kind]}{{{count}}}"
                for count, kind in re.findall(r"([0-9]+)([nac])", structure)
            )
        )
        for country, structure in zip(words[::2], words[1::2], strict=True)
    }


def iban_length(country: str) -> int | None:
    """Return how many characters a country's IBANs have, None where it has none."""
    form = _iban_forms().get(country)
    return 4 + sum(map(int, re.findall(r"\{([0-9]+)\}", form.pattern)[1:])) if form else None


def mod97_valid(text: str) -> bool:
    """Check a string's two last digits by ISO 7064 MOD 97-10; letters count 10 to 35."""
    if not (text.isascii() and text.isalnum()):
        return False
    number = text.upper().translate(_AS_NUMBERS)
    remainder = 0
    # Piece by piece: to parse a long text as one number takes quadratic time.
    for start in range(0, len(number), _PIECE):
        piece = number[start : start + _PIECE]
        remainder = (remainder * 10 ** len(piece) + int(piece)) % 97
    return remainder == 1


def is_iban(text: str) -> bool:
    """Check a compact upper-case IBAN: its country's structure, and ISO 7064 MOD 97-10."""
    form = _iban_forms().get(text[:2])
    return bool(form and form.fullmatch(text)) and mod97_valid(text[4:] + text[:4])


def _iban_span(text: str, start: int, end: int, alone: bool) -> Span | None:
    length = iban_length(text[start : start + 2].upper())
    if length is None:
        return None
    # The country says where it ends, whatever words follow.
    stop, characters = start, 0
    while stop < end and characters < length:
        characters += text[stop] not in " -"
        stop += 1
    following = text[stop : stop + 1]
    if characters < length or (following.isalnum() and following.isascii()):
        return None
    return (start, stop) if is_iban(_SEPARATED.sub("", text[start:stop]).upper()) else None


def _canonical_iban(text: str) -> str:
    compact = re.sub(r"[\s-]", "", text).upper()
    return compact if is_iban(compact) else plain_text(text)


CARD = Recogniser(
    entity="CARD",
    pattern=_CARD,
    validator=_card_span,
    reads_context=True,
    passes_over=_pass_over,
    canonicalise=_canonical_card,
    trigger="[0-9](?:[ .-]{0,2}[0-9]){11}",
    header_words=phrases(
        "credit card", "debit card", "creditcard", "debitcard", "card number", "card no",
        "card num", "cardnumber", "cc number", "cc num", "cc no", "payment card", "kreditkarte",
        "kreditkartennummer", "carte bancaire", "numero de carte", "tarjeta de credito",
        "numero de tarjeta", "carta di credito", "cartao de credito", "creditcardnummer",
    ),
    header_evidence=digits(12),
)  # fmt: skip

IBAN = Recogniser(
    entity="IBAN",
    pattern=_IBAN,
    validator=_iban_span,
    canonicalise=_canonical_iban,
    trigger="[A-Za-z]{2} ?[0-9]{2}(?:[ -]?[A-Za-z0-9]){11}",
    header_words=phrases("iban", "ibans"),
    header_evidence=r"[A-Za-z]{2}\p{Nd}{2}",
)
