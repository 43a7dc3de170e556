"""Canonical JSON (RFC 8785) restricted to integers and strings, and its digest."""

import hashlib
from collections.abc import Mapping, Sequence

import rfc8785

_REFUSAL = "canonical JSON holds no {kind} (at {where}): write it as an integer or a string"

# RFC 8785 section 3.2.2.3 writes numbers as IEEE doubles: larger integers lose digits.
MAX_INTEGER = 2**53 - 1


class NotCanonical(ValueError):
    """The value has no canonical form: a float, an integer over 2**53 - 1, or another type.

    The message names the place in the value, never the value.
    """


def canonical_bytes(value: object) -> bytes:
    """Return the RFC 8785 bytes of a value made of dicts, lists, strings, ints, bools, None.

    Raises:
        NotCanonical: for floats, integers outside +-(2**53 - 1), text that is no valid Unicode
            and all other types, naming the place in the value.
    """
    _refuse_what_is_not_canonical(value, "$")
    return rfc8785.dumps(value)  # type: ignore[arg-type]


def digest(value: object) -> str:
    """Return the SHA-256 of the canonical bytes, as 64 lower-case hex characters."""
    return hashlib.sha256(canonical_bytes(value)).hexdigest()


def with_floats_as_text(value: object) -> object:
    """Copy a value, each float replaced by its shortest round-trip decimal text.

    Settings such as a regularisation strength enter a hash this way (``1e-4`` and ``0.0001``
    give the same text), because Python's ``repr`` of a float is exact and the same everywhere.
    """
    if isinstance(value, float):
        # A numpy float is a float whose own repr names its type.
        return float.__repr__(value)
    if isinstance(value, Mapping):
        return {str(key): with_floats_as_text(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [with_floats_as_text(item) for item in value]
    return value


def _refuse_what_is_not_canonical(value: object, where: str) -> None:
    if value is None or isinstance(value, bool):
        return
    if isinstance(value, str):
        _refuse_lone_surrogates(value, where)
        return
    if isinstance(value, int):
        if abs(value) > MAX_INTEGER:
            raise NotCanonical(_REFUSAL.format(kind="integer over 2**53 - 1", where=where))
        return
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise NotCanonical(_REFUSAL.format(kind="key that is no string", where=where))
            _refuse_lone_surrogates(key, where)
            _refuse_what_is_not_canonical(item, f"{where}.{key}")
        return
    if isinstance(value, list | tuple):
        for position, item in enumerate(value):
            _refuse_what_is_not_canonical(item, f"{where}[{position}]")
        return
    raise NotCanonical(_REFUSAL.format(kind=type(value).__name__, where=where))


def _refuse_lone_surrogates(text: str, where: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        # "from None": the codec's error carries the text.
        raise NotCanonical(f"text with a lone surrogate has no UTF-8 form (at {where})") from None
