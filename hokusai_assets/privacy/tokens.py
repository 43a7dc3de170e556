"""The token that stands for one value, and its reduction to the bare type.

`<EMAIL:kabcdef:letters>` holds the entity, the key's id and 40 letters a-p: 32 of them are 128
bits of HMAC-SHA-256 over entity, 0x00 and canonical value; the last 8 are 32 bits of a second
HMAC over the token itself, by which a token made under this key is told from text that only
looks like one. Such text (forged, or made under another key) is not trusted: it is hashed again.
"""

from __future__ import annotations

import hmac
import re
from functools import lru_cache

import pyarrow as pa
import pyarrow.compute as pc
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC

from hokusai_assets.privacy.keys import KEY_ID, PrivacyKey, letters

# Valid in RE2 and in Python's re alike.
TOKEN_PATTERN = rf"<([A-Z]{{2,16}}):({KEY_ID}):([a-p]{{32}})([a-p]{{8}})>"

_TOKEN = re.compile(TOKEN_PATTERN)


def token(entity: str, canonical_value: str, key: PrivacyKey) -> str:
    """Return the token of a value, e.g. `<EMAIL:kabcdef:...>`; equal values give equal tokens.

    `entity` is 2 to 16 capital letters; otherwise ValueError.
    """
    if not _is_entity(entity):
        raise ValueError("an entity is 2 to 16 capital letters A-Z")
    # surrogatepass: Python text may hold lone surrogates, which still need one fixed encoding.
    message = entity.encode() + b"\0" + canonical_value.encode("utf-8", "surrogatepass")
    body = letters(_hmac(key, message)[:16])
    return f"<{entity}:{key.key_id}:{body}{_seal(entity, body, key)}>"


@lru_cache(maxsize=256)
def _is_entity(entity: str) -> bool:
    return re.fullmatch("[A-Z]{2,16}", entity) is not None


def is_own_token(text: str, key: PrivacyKey) -> bool:
    """Tell whether the whole text is a token made under this key."""
    match = _TOKEN.fullmatch(text)
    if match is None or match[2] != key.key_id:
        return False
    return hmac.compare_digest(match[4], _seal(match[1], match[3], key))


def _seal(entity: str, body: str, key: PrivacyKey) -> str:
    # Small letters first: no value's message starts so, which keeps the two HMACs apart.
    message = f"seal\0{entity}:{key.key_id}:{body}".encode()
    return letters(_hmac(key, message)[:4])


def _hmac(key: PrivacyKey, message: bytes) -> bytes:
    # Taking the key in is two of a short message's four hash blocks: done once, then copied.
    keyed = _keyed(key.secret).copy()
    keyed.update(message)
    return keyed.finalize()


@lru_cache(maxsize=4)
def _keyed(secret: bytes) -> HMAC:
    return HMAC(secret, SHA256())


def reduce_tokens(array: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    """Replace every token in a string (or dictionary of strings) array by its type, `<EMAIL>`.

    Same length and Arrow type; an array without tokens is returned as it is. Needs no key, and
    so gives the same text whatever key made the tokens. Raises TypeError for other types.
    """
    if pa.types.is_dictionary(array.type):
        # The value type is checked by the call on the decoded array.
        decoded = array.cast(array.type.value_type)
        reduced = reduce_tokens(decoded)
        # Encoding anew also drops dictionary entries that no row uses.
        return array if reduced is decoded else reduced.dictionary_encode().cast(array.type)
    if not is_text(array.type):
        raise TypeError(f"tokens stand in string arrays, not in {array.type}")
    plain = array.cast(pa.large_string()) if array.type == pa.string_view() else array
    if not pc.any(pc.match_substring_regex(plain, TOKEN_PATTERN)).as_py():
        return array
    return pc.replace_substring_regex(plain, TOKEN_PATTERN, r"<\1>").cast(array.type)


def reduce_table(table: pa.Table) -> pa.Table:
    """Apply `reduce_tokens` to every string column (dictionaries of strings included)."""
    for position, column in enumerate(table.columns):
        kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
        if is_text(kind):
            table = table.set_column(position, table.field(position), reduce_tokens(column))
    return table


def is_text(kind: pa.DataType) -> bool:
    """Tell whether an Arrow type holds text (any of the three string layouts)."""
    return bool(
        pa.types.is_string(kind) or pa.types.is_large_string(kind) or kind == pa.string_view()
    )


def token_entity(text: str) -> str | None:
    """Return the entity of a text that is, whole, shaped like a token; else None."""
    match = _TOKEN.fullmatch(text)
    return None if match is None else match[1]
