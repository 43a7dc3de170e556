"""Decides what a column's policy, header words and Arrow type can decide without all values."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from hokusai_assets.privacy.recognition import Recogniser
from hokusai_assets.privacy.spans import BatchRecogniser, Finding, dissect, fold
from hokusai_assets.privacy.tokens import TOKEN_PATTERN, is_text

Treatment = Literal["keep", "waive", "drop", "whole", "text"]

# Words that make of `phone` a feature about phones: phone_service, tel_count, email_length.
_FEATURE_WORDS = frozenset(
    {
        "average", "avg", "balance", "bounce", "bounced", "bounces", "brand", "call", "calls",
        "carrier", "charge", "charges", "cnt", "consent", "cost", "count", "counts", "days",
        "domain", "enabled", "expiry", "flag", "frequency", "has", "hours", "is", "len", "length",
        "limit", "line", "lines", "mean", "median", "minutes", "model", "months", "n", "opened",
        "opt", "optin", "optout", "os", "pct", "percent", "plan", "price", "provider", "quantity",
        "rate", "ratio", "score", "seconds", "service", "share", "spend", "sum", "system", "term",
        "tld", "total", "type", "types", "usage", "valid", "validated", "verified", "version",
    }
)  # fmt: skip
# In a column of numbers, what may follow the entity's own words: mobile_number, but not
# mobile_bytes. Any digits are long enough to be a phone, so unknown words mean a feature.
_AFTER_IN_NUMBERS = frozenset(
    {
        "number", "numbers", "no", "nos", "num", "nums", "nr", "nummer", "numer", "numero", "id",
        "ids", "code", "address", "addresses", "addr", "digits", "int", "integer", "long",
        "decimal", "raw", "clean",
        "cleaned", "formatted", "full", "e", "yyyymmdd", "ymd", "hash", "hashed", "key", "field",
        "primary", "secondary", "main", "alt", "alternate", "alternative", "other", "new", "old",
        "current", "first", "second", "home", "house", "work", "office", "business", "private",
        "personal", "public", "direct", "emergency", "day", "daytime", "evening", "night", "cell",
        "mobile", "phone", "landline", "fax", "contact", "of", "the", "for", "customer", "client",
        "user", "owner", "holder", "person", "employee", "staff", "patient", "student", "member",
        "applicant", "borrower", "driver", "guest", "parent", "father", "mother", "guardian",
        "spouse", "partner", "sender", "recipient", "receiver", "caller", "callee", "seller",
        "buyer", "agent", "company", "src", "source", "dst", "dest", "destination", "server",
        "host", "remote", "local", "peer", "from", "to", "v", "billing", "shipping", "delivery",
        "privat", "geschaftlich", "kunde", "arbeit", "zuhause", "travail", "domicile",
        "cliente", "contacto", "contato", "casa", "trabajo", "trabalho", "ufficio", "lavoro",
        "movil", "fijo", "celular", "fixe", "portable", "titular", "de", "du", "del", "do",
    }
)  # fmt: skip
# And what may not stand before: bytes_per_ip, sales_by_phone.
_MEASURES = frozenset(
    {
        "amount", "applications", "bytes", "by", "clicks", "duration", "events", "flows",
        "hits", "income", "kb", "mb", "max", "min", "orders", "packets", "per", "population",
        "profit", "requests", "revenue", "sales", "sessions", "size", "subscribers",
        "traffic", "turnover", "unique", "units", "users", "via", "views", "visits", "volume",
    }
)  # fmt: skip
# A date is personal by its header for these alone; others' evidence is made for other numbers.
_TEMPORAL_ENTITIES = frozenset({"DOB"})
_WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[^\W\d_A-Za-z]+")
_LETTERS = re.compile(r"[a-z]+|[^\W\d_a-z]+")
# Letters that Unicode does not decompose into a plain one and a mark.
_SPELLED_OUT = str.maketrans(
    {"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ı": "i",
     "Æ": "AE", "Œ": "OE", "Ø": "O", "Ł": "L", "Đ": "D"}
)  # fmt: skip


class PrivacyError(ValueError):
    """A table or its policies cannot be treated. The message never holds a value."""


@dataclass(frozen=True)
class Plan:
    """What happens to one column; `entity` and `how` are set for a whole-cell treatment."""

    treatment: Treatment
    entity: str = ""
    how: str = ""


def header_words(header: str) -> list[str]:
    """Split a column name at non-letters and camelCase into lower-case words without accents."""
    return [word.lower() for word in _WORD.findall(_unaccented(header))]


def _unaccented(text: str) -> str:
    spelled = unicodedata.normalize("NFKD", fold(text).translate(_SPELLED_OUT))
    letters = "".join(c for c in spelled if not unicodedata.combining(c))
    return unicodedata.normalize("NFKC", letters)


@lru_cache(maxsize=4096)
def _unaccented_phrase(phrase: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(_unaccented(word).lower() for word in phrase)


def header_entity(
    header: str, recognisers: Sequence[Recogniser], *, of_numbers: bool = False
) -> str | None:
    """Return the entity a column name names, whole words only, or None.

    Case and accents do not matter. A name with a further word such as `count`, `type` or
    `service` is about the entity, not of it; that of a column `of_numbers` is also with any
    word after the entity's own that is none of an identifier or its owner.
    """
    # Also without camelCase, which takes IPv4 for I and Pv.
    plain = tuple(_LETTERS.findall(_unaccented(header).lower()))
    readings = (tuple(header_words(header)), plain)
    for recogniser in recognisers:
        whole = set(map(_unaccented_phrase, recogniser.header_names))
        if not whole.isdisjoint(readings):
            return recogniser.entity
        for phrase in map(_unaccented_phrase, recogniser.header_words):
            if any(_names(phrase, words, of_numbers) for words in readings):
                return recogniser.entity
    return None


def _names(phrase: tuple[str, ...], words: tuple[str, ...], of_numbers: bool) -> bool:
    """Tell whether a phrase stands in a header, with no word beside it that makes a feature."""
    size = len(phrase)
    return any(
        words[i : i + size] == phrase
        and _FEATURE_WORDS.isdisjoint((*words[:i], *words[i + size :]))
        and not (of_numbers and _is_measure(words[:i], words[i + size :]))
        for i in range(len(words) - size + 1)
    )


def _is_measure(before: tuple[str, ...], after: tuple[str, ...]) -> bool:
    return not (_MEASURES.isdisjoint(before) and _AFTER_IN_NUMBERS.issuperset(after))


def check_column_names(names: Sequence[str], recognisers: Sequence[Recogniser]) -> None:
    """Raise PrivacyError, naming the position only, if a column name holds personal data.

    A recogniser that decides no columns (a function made for running text) has no say in names.
    """
    for position, name in enumerate(names):
        pieces = dissect(name, deciding(recognisers), lambda _: True)
        if pieces is not None:
            entity = next(piece.entity for piece in pieces if isinstance(piece, Finding))
            raise PrivacyError(
                f"the name of column {position + 1} holds personal data ({entity}): rename it"
            )


def deciding(recognisers: Sequence[Recogniser]) -> tuple[Recogniser, ...]:
    """Return the recognisers that may decide what a column is."""
    return tuple(
        row for row in recognisers if not isinstance(row, BatchRecogniser) or row.decides_columns
    )


def policy_plan(
    schema_field: pa.Field,
    *,
    policies: Mapping[str, str],
    protected: Collection[str],
    recognisers: Sequence[Recogniser],
) -> Plan | None:
    """Return what a column's policy and type decide alone, None if header and values are to.

    See `pseudonymise` for the rules and the errors.
    """
    name = schema_field.name
    policy = policies.get(name, "auto")
    entities = {recogniser.entity.lower(): recogniser.entity for recogniser in recognisers}
    named = entities.get(policy.removeprefix("pii:")) if policy.startswith("pii:") else None
    if policy not in ("auto", "not_pii", "drop") and named is None:
        known = ", ".join(f"pii:{entity}" for entity in entities)
        raise PrivacyError(f"column {name!r}: a policy is auto, not_pii, drop or one of {known}")
    if name in protected:
        if policy == "drop" or named:
            raise PrivacyError(f"column {name!r} is protected: it can be auto or not_pii")
        return Plan("keep")
    if policy != "auto" and named is None:
        return Plan("drop" if policy == "drop" else "waive")
    kind = value_type(schema_field.type)
    if pa.types.is_null(kind):
        return Plan("keep")
    if not (is_text(kind) or pa.types.is_primitive(kind) or pa.types.is_decimal(kind)):
        raise PrivacyError(
            f"column {name!r} has type {kind}, which is not searched for personal data: "
            "flatten it to text or numbers, or give it the policy drop or not_pii"
        )
    return Plan("whole", named, "policy") if named else None


def value_type(kind: pa.DataType) -> pa.DataType:
    """Return a dictionary's value type, any other type as it is."""
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def decoded(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a column without dictionary encoding and without the string view layout."""
    kind = value_type(column.type)
    kind = pa.large_string() if kind == pa.string_view() else kind
    return column if kind == column.type else column.cast(kind)


@dataclass
class HeaderEvidence:
    """Whether any value has what the header promises, e.g. 7 digits for a phone.

    A yes/no column called `mobile`, or a count, is a feature and stays one.
    """

    recogniser: Recogniser
    _seen: bool = field(default=False, init=False)
    _measured: bool = field(default=False, init=False)

    @property
    def borne_out(self) -> bool:
        """The answer for the values added so far."""
        return self._seen and not self._measured

    def add(self, column: pa.ChunkedArray) -> None:
        """Take in values of one column (decoded)."""
        kind = column.type
        if self._measured or (self._seen and not pa.types.is_floating(kind)):
            return
        if pa.types.is_floating(kind):
            column = self._whole_numbers(column)
        elif is_text(kind):
            # Our own tokens prove nothing; a text that only wraps them is text.
            column = pc.replace_substring_regex(column, TOKEN_PATTERN, "")
        elif pa.types.is_temporal(kind):
            if self.recogniser.entity not in _TEMPORAL_ENTITIES:
                return
            column = iso_text(column)
        elif not (pa.types.is_integer(kind) or pa.types.is_decimal(kind)):
            return
        if not is_text(column.type):
            column = column.cast(pa.string())
        found = pc.match_substring_regex(column, self.recogniser.header_evidence)
        self._seen = self._seen or bool(pc.any(found).as_py())

    def _whole_numbers(self, column: pa.ChunkedArray) -> pa.ChunkedArray:
        """Keep what missing cells made of integers; a fraction makes the column a measurement."""
        values = column.drop_null().to_numpy().astype(np.float64)
        values = values[np.isfinite(values)]
        if np.any(values != np.round(values)) or np.any(np.abs(values) >= 2**63):
            self._measured = True
            return pa.chunked_array([], pa.string())
        return pa.chunked_array([pa.array(values.astype(np.int64))])


def iso_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Write a temporal column as ISO 8601 text; midnight is left out, so a day is one text."""
    kind = column.type
    if pa.types.is_duration(kind) or pa.types.is_interval(kind):
        return column.cast(pa.int64()).cast(pa.string())
    if pa.types.is_timestamp(kind) and kind.tz is not None:
        # The instant in UTC, which needs no time zone database.
        column = column.cast(pa.timestamp(kind.unit, "UTC")).cast(pa.timestamp(kind.unit))
    return pc.replace_substring_regex(column.cast(pa.string()), r" 00:00:00(?:\.0+)?$", "")
