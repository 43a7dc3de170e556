"""Street addresses, by best effort: a house number beside a word for a kind of street.

In running text only the commonest ways of a few languages to write a street are known; a place
name, a post code or an address without such a word is not found.
"""

from __future__ import annotations

from hokusai_assets.privacy.recognition import Recogniser, Span, phrases, plain_text

_CAPITAL = "A-Z\u00c0-\u00d6\u00d8-\u00de\u0141\u015a\u0179\u017b\u0410-\u042f"
_NAME = rf"[{_CAPITAL}][\w'.-]{{0,24}}"
# Of the suffixes in USPS Publication 28, appendix C1, those that are hardly used otherwise.
_AFTER = (
    "Street|St|Avenue|Ave|Road|Rd|Boulevard|Blvd|Lane|Ln|Drive|Dr|Court|Ct|Place|Pl|Square|Sq"
    "|Terrace|Ter|Crescent|Cres|Highway|Hwy|Parkway|Pkwy|Circle|Cir|Trail|Trl|Grove|Mews|Alley"
    "|Turnpike|Way|Close|Gardens|Expressway|Freeway"
)
_BEFORE = (
    "Calle|C/|Avenida|Avda\\.?|Paseo|Plaza|Carrera|Camino|Rua|Praça|Travessa|Via|Viale|Piazza"
    "|Corso|Vicolo|ul\\.|ulica|al\\.|aleja|ulice|ул\\.|улица|пр\\.|проспект"
)
_FRENCH = "rue|avenue|boulevard|place|chemin|allée|impasse|quai|cours|route"
_JOINED = (
    "straße|strasse|str\\.|weg|platz|allee|gasse|ufer|damm|straat|laan|plein|gracht|kade"
    "|gatan|vägen|gata|veien|vej|gade|katu|tie"
)
_NAMES = rf"{_NAME}(?:[ -]{_NAME}){{0,3}}"
_GERMAN = r"(?:Straße|Strasse|Str\.|Weg|Platz|Allee|Gasse)"
_LITTLE = r"(?:(?:de|du|des|del|della|la|le|les|los|las|do|da|dos|di|d'|l')[ ]?){0,3}"
_ADDRESS = (
    rf"(?<![\w.,/£$€-])(?:"
    # 221B Baker Street; the unit belongs to it.
    rf"[0-9]{{1,5}}[A-Za-z]?,? (?:{_NAME} ){{1,4}}(?:{_AFTER})\b\.?"
    rf"(?:,? (?:Apt|Apartment|Suite|Ste|Unit|Flat)\.? ?[0-9A-Za-z]{{1,6}}\b)?"
    # 12 rue de la Paix
    rf"|[0-9]{{1,4}}(?: ?(?:bis|ter))?,? (?i:{_FRENCH}) {_LITTLE}{_NAMES}"
    # Calle Mayor 5, ul. Prosta 12/3
    rf"|(?:{_BEFORE}) ?{_LITTLE}{_NAMES},? (?:n[.º°o]* ?)?[0-9]{{1,5}}[A-Za-z]?\b"
    # Hauptstraße 12a, Lange Straße 3
    rf"|{_NAME}(?: {_NAME}){{0,2}}(?:(?<=[a-zäöüßøåæ])(?:{_JOINED})| {_GERMAN})"
    r" [0-9]{1,4} ?[a-zA-Z]?\b)"
)


def _span(text: str, start: int, end: int, alone: bool) -> Span | None:
    return start, end


ADDRESS = Recogniser(
    entity="ADDRESS",
    pattern=_ADDRESS,
    validator=_span,
    canonicalise=plain_text,
    trigger=(
        rf"[0-9].* (?:(?:{_AFTER})\b|(?i:{_FRENCH}) )|(?:{_BEFORE}).*[0-9]|(?i:{_JOINED}) [0-9]"
    ),
    header_words=phrases(
        "street address", "home address", "postal address", "mailing address", "billing address",
        "shipping address", "delivery address", "residential address", "address line",
        "customer address", "street name", "house address", "adresse postale", "direccion postal",
        "indirizzo di casa", "wohnadresse", "strasse hausnummer",
    ),
    header_names=phrases(
        "address", "addr", "addresses", "street", "adresse", "anschrift", "strasse", "direccion",
        "domicilio", "indirizzo", "adres", "endereco", "morada", "adress", "gatuadress", "osoite",
        "adresa", "адрес", "住所", "地址", "주소",
    ),
    # A house number; a column of street types, or of pavements, has none.
    header_evidence=r"\p{Nd}",
    may_begin_with_word=True,
)  # fmt: skip
