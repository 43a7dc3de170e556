"""Person names: columns by their header; in running text, where asked for, by best effort.

In text a name is only taken where a title, a greeting, a closing or a phrase such as "my name is"
introduces it; any other name is missed, and so is one that is not capitalised.
"""

from __future__ import annotations

import re

from hokusai_assets.privacy.recognition import Recogniser, Span, phrases, plain_text

_UPPER = "A-Z\u00c0-\u00d6\u00d8-\u00de\u0100\u0106\u010c\u0110\u0118\u0139\u0141\u0143\u0147" + (
    "\u0150\u0158\u015a\u0160\u0164\u016e\u0170\u0179\u017b\u017d\u0130\u015e\u0391-\u03a9\u0410-\u042f"
)
_PART = rf"[{_UPPER}](?:['’][{_UPPER}])?[^\W\d_]{{1,24}}(?:[-'’][{_UPPER}][^\W\d_]{{1,24}})?"
_PARTICLE = "(?:van der|van den|van|von|zu|de la|de|del|della|di|da|dos|du|le|la|bin|al|el|ter) "
_FULL = rf"{_PART}(?: [{_UPPER}]\.)?(?: (?:{_PARTICLE})?{_PART}){{0,3}}"
_TITLES = (
    r"Mr|Mrs|Ms|Miss|Mx|Dr|Prof|Sir|Madam|Herrn?|Frau|Monsieur|Madame|Mme|Mlle|Señora?|Sra?"
    r"|Signora?|Sig|Sig\.ra|Dhr|Mevr|Mevrouw|Meneer|Pani?|Senhora?|Hr|Fru|Bay|Bayan"
)
_PHRASES = (
    r"[Mm]y name is|[Nn]ame is|[Nn]amed|[Ii]ch hei(?:ß|ss)e|[Mm]ein Name ist|[Jj]e m'appelle"
    r"|[Mm]e llamo|[Mm]i nombre es|[Mm]i chiamo|[Ii]k heet|[Mm]ijn naam is|[Mm]eu nome é"
    r"|[Nn]azywam się|[Jj]ag heter|[Jj]eg heter|[Jj]eg hedder|[Aa]dım|[Мм]еня зовут"
    r"|[Ss]igned by|[Ss]igned|[Aa]ttn:?|[Cc]/o"
)
_GREETINGS = (
    r"Dear|Hi|Hello|Hey|Hallo|Hoi|Liebe[rs]?|Cher|Chère|Bonjour|Salut|Hola|Estimad[oa]"
    r"|Querid[oa]|Ciao|Caro|Cara|Gentile|Olá|Prezad[oa]|Beste|Hej|Kära?|Kjære|Kære|Witaj|Cześć"
)
_CLOSINGS = (
    r"[Rr]egards|[Ss]incerely|[Cc]heers|[Yy]ours truly|[Gg]rü(?:ße|sse)|[Cc]ordialement|[Ss]aludos"
    r"|[Ss]aluti|[Gg]roeten|[Pp]ozdrawiam|[Hh]älsningar|[Hh]ilsen"
)
_NAME = (
    rf"(?<!\w)(?:(?:(?:{_TITLES})\.?|{_PHRASES}) |(?:{_GREETINGS}) (?:(?:{_TITLES})\.? )?"
    rf"|(?:{_CLOSINGS}),?\s{{1,3}})({_FULL})"
)
_MATCH = re.compile(_NAME)
# Capitalised as names are, but what a greeting or a title is followed by without one.
_NO_NAMES = frozenset(
    {
        *re.findall(r"[a-zñ]+", _TITLES.casefold()), "señor", "señora", "signor", "herr", "senhor",
        "all", "everyone", "everybody", "team", "sir", "madam", "customer", "customers", "friend",
        "friends", "there", "colleague", "colleagues", "members", "member", "user", "users",
        "subscriber", "valued", "the", "and", "damen", "herren", "kunde", "kundin", "client",
        "cliente", "i", "you", "we", "this", "that", "your", "our", "it", "is",
    }
)  # fmt: skip


def _span(text: str, start: int, end: int, alone: bool) -> Span | None:
    match = _MATCH.match(text, start)
    if match is None or match[1].split(" ")[0].casefold() in _NO_NAMES:
        return None
    return match.span(1)


_HEADERS = phrases(
    "first name", "last name", "full name", "middle name", "given name", "family name",
    "maiden name", "firstname", "lastname", "fullname", "middlename", "givenname", "familyname",
    "surname", "surnames", "forename", "forenames", "customer name", "client name",
    "patient name", "employee name", "contact name", "person name", "student name",
    "cardholder name", "account holder", "cardholder", "holder name", "recipient name",
    "sender name", "author name", "user full name", "vorname", "nachname", "familienname",
    "prenom", "nom de famille", "nom complet", "apellido", "apellidos", "nombre completo",
    "cognome", "nome completo", "sobrenome", "apelido", "voornaam", "achternaam", "nazwisko",
    "imie", "fornamn", "efternamn", "fornavn", "etternavn", "efternavn", "etunimi", "sukunimi",
    "prijmeni", "soyad", "soyadi", "фамилия", "имя", "姓名", "氏名", "이름", "성명",
)  # fmt: skip
_WHOLE_HEADERS = phrases("name", "names", "nombre", "nom", "nome", "naam", "nimi", "namn", "navn")
_IN_TEXT = "|".join((_TITLES, _PHRASES, _GREETINGS, _CLOSINGS))


def names(*, in_text: bool) -> Recogniser:
    """Return the recogniser of names: by header, and in running text too if `in_text`."""
    return Recogniser(
        entity="NAME",
        pattern=_NAME if in_text else "(?!)",
        validator=_span,
        canonicalise=plain_text,
        trigger=rf"(?:{_IN_TEXT})(?s:.){{1,4}}\p{{Lu}}" if in_text else "",
        header_words=_HEADERS,
        header_names=_WHOLE_HEADERS,
        # Two letters: a column of codes A, B and C is none of names.
        header_evidence=r"\p{L}\p{L}",
        has_sign=False,
        may_begin_with_word=True,
    )
