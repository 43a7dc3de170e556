"""Dates of birth: dates by the words before them, and columns of dates by their header."""

from __future__ import annotations

import datetime
import re

from hokusai_assets.privacy.recognition import NO_WORD, WORD, Recogniser, Span, phrases, plain_text

_WORDS = (
    r"date of birth|birth ?date|birth ?day|born(?: on)?|d\.?o\.?b|geboren(?: am| op)?|geb"
    r"|geburtsdatum|geburtstag|n(?:é|e)e? le|date de naissance|fecha de nacimiento"
    r"|nacid[oa](?: el)?|data di nascita|nat[oa] il|geboortedatum|data de nascimento"
    r"|nascid[oa](?: em)?|data urodzenia|ur\.|urodzon[ya]|födelsedatum|född|fødselsdato|født"
    r"|syntymäaika|syntynyt|doğum tarihi|datum narození|narozena?|дата рождения|родил(?:ся|ась)"
)
_UNSPACED_WORDS = "生年月日|出生日期|出生|生日|생년월일"
_MONTHS = (
    "jan", "feb", "mar|mär|mrz", "apr|avr", "may|mai|mei|mag", "jun|juin|giu", "jul|juil|lug",
    "aug|aoû|ago", "sep|set", "oct|okt|ott|out", "nov", "dec|dez|déc|dic",
)  # fmt: skip
_MONTH = rf"(?:{'|'.join(_MONTHS)})[^\W\d_]{{0,8}}\.?"
_YEAR = "(?:1[89]|20)[0-9]{2}"
_DATE = (
    rf"(?:{_YEAR}(?P<first>[-/. ])[0-9]{{1,2}}(?P=first)[0-9]{{1,2}}"
    rf"|{_YEAR}年[0-9]{{1,2}}月[0-9]{{1,2}}日?|{_YEAR}년 ?[0-9]{{1,2}}월 ?[0-9]{{1,2}}일"
    rf"|[0-9]{{1,2}}(?P<last>[-/. ])[0-9]{{1,2}}(?P=last)(?:{_YEAR}|[0-9]{{2}})"
    rf"|[0-9]{{1,2}}(?:st|nd|rd|th|\.|º|er)?[- ](?:of |de )?{_MONTH}[-, ]{{1,2}}"
    rf"(?:de |del )?{_YEAR}"
    rf"|{_MONTH} [0-9]{{1,2}}(?:st|nd|rd|th)?,? {_YEAR}"
    r"|(?:19|20)[0-9]{6})(?![0-9])"
)
_DOB = (
    rf"(?:(?<!{WORD})(?i:{_WORDS})(?![^\W\d_])|{_UNSPACED_WORDS})"
    rf"(?i:[.:]?[^\d\n]{{0,24}}?(?<![0-9])({_DATE}))"
)
_MATCH = re.compile(_DOB)


def _span(text: str, start: int, end: int, alone: bool) -> Span | None:
    match = _MATCH.match(text, start)
    return None if match is None else match.span(1)


def _canonical(text: str) -> str:
    """Write a day whose order is plain as ISO 8601; 03/04/1990 could be two days and stays."""
    value = plain_text(text)
    day = re.sub(r"(?: 00:00(?::00)?(?:\.0+)?|t00:00:00(?:\.0+)?z?)$", "", value)
    return _year_first(day) or _year_last(day) or _with_month_name(day) or value


def _year_first(day: str) -> str | None:
    parts = re.fullmatch(
        rf"({_YEAR})(?:[-/. ]|年|년 ?)([0-9]{{1,2}})(?:[-/. ]|月|월 ?)([0-9]{{1,2}})[日일]?", day
    )
    parts = parts or re.fullmatch(rf"({_YEAR})([0-9]{{2}})([0-9]{{2}})", day)
    return _iso(int(parts[1]), int(parts[2]), int(parts[3])) if parts else None


def _year_last(day: str) -> str | None:
    parts = re.fullmatch(rf"([0-9]{{1,2}})([-/. ])([0-9]{{1,2}})\2({_YEAR})", day)
    if parts is None:
        return None
    first, second, year = int(parts[1]), int(parts[3]), int(parts[4])
    # With dots the day comes first wherever dots are used.
    if parts[2] == "." or first > 12 or first == second:
        return _iso(year, second, first)
    return _iso(year, first, second) if second > 12 else None


def _with_month_name(day: str) -> str | None:
    name = re.search(r"[^\W\d_]{3,}", re.sub(r"\b(?:del?|of)\b", "", day))
    numbers = re.findall("[0-9]+", day)
    if name is None or len(numbers) != 2 or not re.fullmatch(_YEAR, numbers[1]):
        return None
    for number, names in enumerate(_MONTHS, 1):
        if re.match(names, name[0]):
            return _iso(int(numbers[1]), number, int(numbers[0]))
    return None


def _iso(year: int, month: int, day: int) -> str | None:
    try:
        return datetime.date(year, month, day).isoformat()
    except ValueError:
        return None


DOB = Recogniser(
    entity="DOB",
    pattern=_DOB,
    validator=_span,
    canonicalise=_canonical,
    trigger=rf"(?:{NO_WORD}(?i:{_WORDS})|{_UNSPACED_WORDS}).*[0-9]",
    header_words=phrases(
        "dob", "d o b", "date of birth", "birth date", "birthdate", "birthday", "birth day",
        "dateofbirth", "born on", "geburtsdatum", "geburtstag", "date de naissance",
        "date naissance", "fecha de nacimiento", "fecha nacimiento", "data di nascita",
        "geboortedatum", "data de nascimento", "data nascimento", "data urodzenia",
        "fodelsedatum", "fodselsdato", "syntymaaika", "dogum tarihi", "datum narozeni",
        "дата рождения", "生年月日", "出生日期", "생년월일",
    ),
    # A day in digits, or one with a name for the month.
    header_evidence=r"\p{Nd}{1,4}\D\p{Nd}{1,2}\D\p{Nd}|\p{Nd}{8}|\p{Nd}.*\p{L}{3}|\p{L}{3}.*\p{Nd}",
)  # fmt: skip
