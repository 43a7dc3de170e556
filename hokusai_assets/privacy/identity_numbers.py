"""US social security numbers, and passport and driving licence numbers by the words before them."""

from __future__ import annotations

import re

from hokusai_assets.privacy.context import Vocabulary
from hokusai_assets.privacy.recognition import (
    WORD,
    Recogniser,
    Span,
    digits,
    open_right,
    phrases,
    plain_text,
    stands_apart,
)

# US social security number ----------------------------------------------------------------------
# Dashes, or the words before it: nine bare digits are too common to be one.
_SSN = r"(?<![0-9])[0-9]{3}[ -]?[0-9]{2}[ -]?[0-9]{4}(?![0-9])"
_NAME = r"(?i:ssn|social[ _-]security)"
_RIGHT_BEFORE = re.compile(
    rf"(?:{_NAME}(?i:[ _-]?(?:number|num|no))?[ .:#='\"-]{{0,4}}(?i:is )?"
    # "my social is", "social:"; "social" alone says too little.
    r"|\b(?i:social(?: (?:number|num|no))?(?::|\#| is:?) ?))$"
)
_GLUED = re.compile(r"(?<![^\W\d_])(?i:ssn)_?$")
_FURTHER_BEFORE = re.compile(rf"{_NAME}[^\n]{{0,80}}$")
_OTHER_NUMBERS = Vocabulary(
    {
        "other": (
            "part", "parts", "sku", "order", "orders", "invoice", "isbn", "serial", "tracking",
            "model", "item", "batch", "lot", "version", "build", "product", "catalog*", "asin",
            "article", "bestellung", "bestellnummer", "artikel*", "commande", "pedido", "ordine",
        ),
        "ssn": ("ssn", "social", "security", "taxpayer"),
    },
    near=frozenset({"other"}),
)  # fmt: skip


def is_social_security_number(number: str) -> bool:
    """Apply the SSA's rules to nine digits: area not 000, 666, 9xx; group not 00; serial not 0000.

    Source: SSA, "Social Security Number Randomization" (2011), which kept these exclusions.
    """
    area, group, serial = number[:3], number[3:5], number[5:]
    return (
        len(number) == 9
        and area not in ("000", "666")
        and area[0] != "9"
        and group != "00"
        and serial != "0000"
    )


def _ssn_span(text: str, start: int, end: int, alone: bool) -> Span | None:
    number = text[start:end]
    glued = _GLUED.search(text[max(0, start - 5) : start]) and open_right(text, end)
    if not (glued or stands_apart(text, start, end)) or not is_social_security_number(
        number.replace("-", "").replace(" ", "")
    ):
        return None
    if number.count("-") == 2:
        return None if _OTHER_NUMBERS.nearest(text, start) == "other" else (start, end)
    before = text[max(0, start - 120) : start]
    # Further from the words, only in the grouping that nothing else has.
    grouped = len(number) == 11
    named = glued or _RIGHT_BEFORE.search(before) or (grouped and _FURTHER_BEFORE.search(before))
    return (start, end) if named else None


def _canonical_ssn(text: str) -> str:
    number = re.sub(r"[ \t-]", "", text)
    # A number column has lost the leading zeros of areas 001 to 099.
    return number.zfill(9) if number.isdecimal() and len(number) >= 7 else plain_text(text)


# Passport and driving licence -------------------------------------------------------------------
# No form of theirs is theirs alone, so the words must stand right before the number, with a
# "number", "no", "is", "de" and the like between at most.
_PASSPORT_WORDS = (
    "passport|passeport|reisepass|pasaporte|passaporto|paspoort|passaporte|paszportu?|pasaport"
    "|pass ?nummer|pass[ -]?nr|passin ?numero|cestovní pas|cestovny pas|útlevél|паспорта?"
    "|pașaport|護照|护照|旅券|パスポート|여권"
)
_LICENCE_WORDS = (
    r"driv(?:er'?s?|ing) ?licen[cs]e|licen[cs]e (?:number|no)|\bDL\b|permis de conduire"
    r"|führerschein|fuehrerschein|carn(?:e|é) de conducir|permiso de conducir|licencia de conducir"
    r"|patente(?: di guida)?|rijbewijs|prawo jazdy|carteira de (?:motorista|habilitação)|CNH"
    r"|carta de condução|körkort|førerkort|kørekort|ajokortti|ehliyet|sürücü belgesi"
    r"|řidičský průkaz|vodičský preukaz|водительское удостоверение"
    r"|運転免許証|免許証|驾驶证|驾照|운전면허"
)
_BETWEEN = (
    r"(?i:[- ]?(?:(?:numbers?|num|no|nr|nummer|numer|número|numéro|numero|id|card|holder|номер"
    r"|série|серия|is|was|est|ist|es|è|lautet|de|du|del|di)(?![^\W\d_])|n°|nº|№|番号|号码|号|번호)"
    r"[.:]?){0,3}[ :#.=(-]{0,3}"
)
# Nothing may run on after the words but the CJK ones, which stand without blanks.
_END = r"(?:nummer|nr)?\.?(?![A-Za-z0-9\u00c0-\u052f])"
_NUMBER = r"[A-Za-z0-9](?:[ -]?[A-Za-z0-9]){5,19}"
_PASSPORT = rf"(?<!{WORD})(?i:{_PASSPORT_WORDS}){_END}{_BETWEEN}({_NUMBER})"
_LICENCE = rf"(?<!{WORD})(?i:{_LICENCE_WORDS}){_END}{_BETWEEN}({_NUMBER})"
_FIELDS = re.compile(r"[A-Za-z0-9]+")


def _document_span(
    longest: int, text: str, start: int, end: int, pattern: re.Pattern[str]
) -> Span | None:
    """Take the number after the words: 6 to `longest` letters and digits, 3 digits at least.

    It may be grouped; a group without a digit is the next word of the sentence.
    """
    match = pattern.match(text, start)
    if match is None:
        return None
    first, stop, size, figures = match.start(1), 0, 0, 0
    for part in _FIELDS.finditer(text, first, end):
        figures_here = sum(character.isdecimal() for character in part[0])
        if size + len(part[0]) > longest or (stop and not figures_here):
            break
        size, figures, stop = size + len(part[0]), figures + figures_here, part.end()
        if size and not figures and len(part[0]) > 3:
            return None  # A word, as in "passport control".
    whole = stop and not re.match(r"[^\W_]", text[stop : stop + 1])
    return (first, stop) if whole and size >= 6 and figures >= 3 else None


_PASSPORT_MATCH = re.compile(_PASSPORT)
_LICENCE_MATCH = re.compile(_LICENCE)


def _passport_span(text: str, start: int, end: int, alone: bool) -> Span | None:
    return _document_span(10, text, start, end, _PASSPORT_MATCH)


def _licence_span(text: str, start: int, end: int, alone: bool) -> Span | None:
    return _document_span(18, text, start, end, _LICENCE_MATCH)


def _canonical_document(text: str) -> str:
    compact = re.sub(r"[\s.-]", "", text)
    has_form = re.fullmatch("[A-Za-z0-9]{5,20}", compact) and re.search("[0-9]", compact)
    return compact.upper() if has_form else plain_text(text)


SSN = Recogniser(
    entity="SSN",
    pattern=_SSN,
    validator=_ssn_span,
    reads_context=True,
    canonicalise=_canonical_ssn,
    trigger=r"[0-9]{3}-[0-9]{2}-[0-9]{4}|(?i:ssn|social).*[0-9]",
    header_words=phrases("ssn", "social security", "socialsecurity", "socialsecuritynumber"),
    header_evidence=digits(7),
)

PASSPORT = Recogniser(
    entity="PASSPORT",
    pattern=_PASSPORT,
    validator=_passport_span,
    canonicalise=_canonical_document,
    trigger=rf"(?i:{_PASSPORT_WORDS}).*[0-9]",
    header_words=phrases(
        "passport", "passport number", "passport no", "passportnumber", "passportno",
        "passeport", "reisepass", "reisepassnummer", "passnummer", "pasaporte", "passaporto",
        "paspoort", "paspoortnummer", "passaporte", "paszport", "pasaport", "паспорт", "护照",
        "パスポート", "旅券番号", "여권번호",
    ),
    header_evidence=digits(4),
)  # fmt: skip

LICENCE = Recogniser(
    entity="LICENCE",
    pattern=_LICENCE,
    validator=_licence_span,
    canonicalise=_canonical_document,
    trigger=rf"(?i:{_LICENCE_WORDS}).*[0-9]",
    header_words=phrases(
        "driver license", "drivers license", "driver s license", "driver licence",
        "drivers licence", "driver s licence", "driving license", "driving licence",
        "license number", "licence number", "license no", "licence no", "driverlicense",
        "dl number", "dl no", "permis de conduire", "fuhrerschein", "fuhrerscheinnummer",
        "carnet de conducir", "licencia de conducir", "patente di guida", "rijbewijs",
        "rijbewijsnummer", "prawo jazdy", "korkort", "ajokortti", "ehliyet",
    ),
    header_evidence=digits(4),
)  # fmt: skip
