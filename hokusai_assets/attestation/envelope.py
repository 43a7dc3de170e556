"""Signing a statement into a DSSE envelope, and opening one.

Dead Simple Signing Envelope v1: https://github.com/secure-systems-lab/dsse. The payload is the
canonical JSON (RFC 8785) of the statement; the signature is Ed25519 (RFC 8032), so the same
statement and key give the same bytes.
"""

import json
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import CryptoSigner, SSlibKey  # type: ignore[attr-defined]

from hokusai_assets.canonical.canonical_json import canonical_bytes

PAYLOAD_TYPE = "application/vnd.in-toto+json"


class NoEnvelope(ValueError):
    """The bytes are no DSSE envelope over a JSON statement; the message says what is wrong."""


def sign_statement(statement: dict[str, Any], key: Ed25519PrivateKey) -> bytes:
    """Return the envelope of a statement, as JSON bytes that end in a line feed."""
    envelope = Envelope(canonical_bytes(statement), PAYLOAD_TYPE, {})
    envelope.sign(CryptoSigner(key))
    return canonical_bytes(envelope.to_dict()) + b"\n"


def open_envelope(data: bytes) -> tuple[Envelope, dict[str, Any]]:
    """Parse an envelope and its statement; no signature is checked.

    Raises:
        NoEnvelope: the bytes are not a DSSE envelope with an in-toto JSON payload, or its
            payload is not in canonical form.
    """
    try:
        envelope = Envelope.from_dict(json.loads(data, object_pairs_hook=_unique))
        statement = json.loads(envelope.payload, object_pairs_hook=_unique)
    except (KeyError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise NoEnvelope(
            f"no DSSE envelope over a JSON statement ({type(error).__name__})"
        ) from None
    except Exception as error:  # securesystemslib's FormatError derives from its own base
        raise NoEnvelope(f"no DSSE envelope ({type(error).__name__})") from None
    if envelope.payload_type != PAYLOAD_TYPE:
        raise NoEnvelope(f"payloadType is not {PAYLOAD_TYPE}")
    if not isinstance(statement, dict):
        raise NoEnvelope("the payload is no JSON object")
    try:
        canonical = canonical_bytes(statement)
    except (ValueError, RecursionError) as error:
        raise NoEnvelope(f"the payload has no canonical form: {error}") from None
    if canonical != envelope.payload:
        raise NoEnvelope("the payload is not in canonical form (RFC 8785)")
    return envelope, statement


def key_id(key: Ed25519PublicKey) -> str:
    """Return the id (64 hex) under which an envelope names a key: securesystemslib's default."""
    return str(SSlibKey.from_crypto(key).keyid)


def is_signed_by(envelope: Envelope, key: Ed25519PublicKey) -> bool:
    """Say whether a signature of the envelope verifies under a public key."""
    try:
        envelope.verify([SSlibKey.from_crypto(key)], 1)
    except VerificationError:
        return False
    return True


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a key stands twice")
    return members
