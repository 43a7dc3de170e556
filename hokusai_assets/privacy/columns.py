"""Decides per column, before any value is replaced: policy, header words and Arrow type."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc

from hokusai_assets.privacy.recognisers import Recogniser
from hokusai_assets.privacy.spans import Finding, dissect, fold
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
_WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+")


class PrivacyError(ValueError):
    """A table or its policies cannot be treated. The message never holds a value."""


@dataclass(frozen=True)
class Plan:
    """What happens to one column; `entity` and `how` are set for a whole-cell treatment."""

    treatment: Treatment
    entity: str = ""
    how: str = ""


def header_words(header: str) -> list[str]:
    """Split a column name at non-letters and camelCase into lower-case words."""
    return [word.lower() for word in _WORD.findall(fold(header))]


def header_entity(header: str, recognisers: Sequence[Recogniser]) -> str | None:
    """Return the entity a column name names, whole words only, or None.

    A name with a word such as `count`, `type` or `service` is about the entity, not of it.
    """
    # Also without camelCase, which takes IPv4 for I and Pv.
    plain = re.findall("[a-z]+", fold(header).lower())
    words = [*header_words(header), "", *plain]
    if not _FEATURE_WORDS.isdisjoint(words):
        return None
    for recogniser in recognisers:
        for phrase in recogniser.header_words:
            size = len(phrase)
            if any(tuple(words[i : i + size]) == phrase for i in range(len(words) - size + 1)):
                return recogniser.entity
    return None


def check_column_names(table: pa.Table, recognisers: Sequence[Recogniser]) -> None:
    """Raise PrivacyError, naming the position only, if a column name holds personal data."""
    for position, name in enumerate(table.column_names):
        pieces = dissect(name, recognisers, lambda _: True)
        if pieces is not None:
            entity = next(piece.entity for piece in pieces if isinstance(piece, Finding))
            raise PrivacyError(
                f"the name of column {position + 1} holds personal data ({entity}): rename it"
            )


def plan_column(
    field: pa.Field,
    column: pa.ChunkedArray,
    *,
    policies: Mapping[str, str],
    protected: Collection[str],
    recognisers: Sequence[Recogniser],
) -> Plan:
    """Decide one column's treatment. See `pseudonymise` for the rules and the errors."""
    policy = policies.get(field.name, "auto")
    entities = {recogniser.entity.lower(): recogniser.entity for recogniser in recognisers}
    named = entities.get(policy.removeprefix("pii:")) if policy.startswith("pii:") else None
    if policy not in ("auto", "not_pii", "drop") and named is None:
        known = ", ".join(f"pii:{entity}" for entity in entities)
        raise PrivacyError(
            f"column {field.name!r}: a policy is auto, not_pii, drop or one of {known}"
        )
    if field.name in protected:
        if policy in ("drop",) or named:
            raise PrivacyError(f"column {field.name!r} is protected: it can be auto or not_pii")
        return Plan("keep")
    if policy == "drop":
        return Plan("drop")
    if policy == "not_pii":
        return Plan("waive")
    kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
    if pa.types.is_null(kind):
        return Plan("keep")
    if not (is_text(kind) or pa.types.is_primitive(kind) or pa.types.is_decimal(kind)):
        raise PrivacyError(
            f"column {field.name!r} has type {kind}, which is not searched for personal data: "
            "flatten it to text or numbers, or give it the policy drop or not_pii"
        )
    if named:
        return Plan("whole", named, "policy")
    entity = header_entity(field.name, recognisers)
    if entity and _bears_out(column, next(r for r in recognisers if r.entity == entity)):
        return Plan("whole", entity, "header")
    return Plan("text") if is_text(kind) else Plan("keep")


def _bears_out(column: pa.ChunkedArray, recogniser: Recogniser) -> bool:
    """Tell whether any value has what the header promises, e.g. 7 digits for a phone.

    A yes/no column called `mobile`, or a count, is a feature and stays one.
    """
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_floating(column.type):
        # A fraction is a measurement; whole floats are integers that a missing cell widened.
        known = pc.filter(column, pc.is_finite(column).combine_chunks())
        whole = pc.equal(known, pc.round(known))
        if len(known) == 0 or not pc.all(whole).as_py() or pc.max(pc.abs(known)).as_py() >= 2**63:
            return False
        column = known.cast(pa.int64())
    elif is_text(column.type):
        column = column.cast(pa.large_string())
        # Our own tokens prove nothing; a text that only wraps them is text.
        column = pc.replace_substring_regex(column, TOKEN_PATTERN, "")
    elif not (pa.types.is_integer(column.type) or pa.types.is_decimal(column.type)):
        return False
    found = pc.match_substring_regex(column.cast(pa.string()), recogniser.header_evidence)
    return bool(pc.any(found).as_py())
