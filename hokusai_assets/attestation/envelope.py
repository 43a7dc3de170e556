"""Signing a statement into a DSSE envelope, and opening one.

Dead Simple Signing Envelope v1: https://github.com/secure-systems-lab/dsse. The payload is the
canonical JSON (RFC 8785) of the statement. A signature is Ed25519 (RFC 8032) or ECDSA P-256 (FIPS
186-5, with SHA-256); a key held here gives the same statement the same bytes, one in a KMS may not.
"""

import copy
import json
from collections.abc import Sequence
from typing import Any, cast

from securesystemslib.dsse import Envelope
from securesystemslib.signer import Signer, SSlibKey  # type: ignore[attr-defined]

from hokusai_assets.attestation.public_keys import SHORT_ID, in_one_form, is_valid
from hokusai_assets.canonical.canonical_json import canonical_bytes

PAYLOAD_TYPE = "application/vnd.in-toto+json"
_MEMBERS = {"payload", "payloadType", "signatures"}
_SIGNATURE_MEMBERS = {"keyid", "sig"}


class NoEnvelope(ValueError):
    """The bytes are no DSSE envelope over a JSON statement; the message says what is wrong."""


class SigningFailed(RuntimeError):
    """A key service gave no signature; the message names the key and the kind of error."""


def sign_statement(statement: dict[str, Any], *signers: Signer) -> bytes:
    """Return the envelope of a statement, as JSON bytes that end in a line feed.

    Args:
        statement: what is signed.
        signers: one or more; their signatures stand in this order, one for each key.

    Raises:
        SigningFailed: a signer that calls a service got no signature from it.
    """
    if not signers:
        raise ValueError("a statement needs a signer")
    return _signed(Envelope(canonical_bytes(statement), PAYLOAD_TYPE, {}), signers)


def sign_also(data: bytes, signer: Signer) -> bytes:
    """Return an envelope with one signature more; those it has stay as they are.

    Raises:
        NoEnvelope: see `open_envelope`.
        SigningFailed: see `sign_statement`.
    """
    return _signed(open_envelope(data)[0], [signer])


def open_envelope(data: bytes) -> tuple[Envelope, dict[str, Any]]:
    """Parse an envelope and its statement; no signature is checked.

    Raises:
        NoEnvelope: the bytes are not a DSSE envelope with an in-toto JSON payload, it or a
            signature has further members, or its payload or base64 is not in canonical form.
    """
    try:
        # Of bytes, json guesses the encoding.
        document = json.loads(data.decode("utf-8"), object_pairs_hook=_unique)
        # The library writes into what it is given.
        envelope = Envelope.from_dict(copy.deepcopy(document))
        statement = json.loads(envelope.payload.decode("utf-8"), object_pairs_hook=_unique)
    except (KeyError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise NoEnvelope(
            f"no DSSE envelope over a JSON statement ({type(error).__name__})"
        ) from None
    except Exception as error:  # securesystemslib's FormatError derives from its own base
        raise NoEnvelope(f"no DSSE envelope ({type(error).__name__})") from None
    _refuse_another_spelling(document, envelope)
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


def keys_that_signed(envelope: Envelope, keys: Sequence[SSlibKey]) -> list[SSlibKey]:
    """Return which of some public keys have a signature in the envelope that verifies."""
    signed, message = [], envelope.pae()
    for key in keys:
        signature = envelope.signatures.get(key.keyid)
        if signature is not None and is_valid(signature, key, message):
            signed.append(key)
    return signed


def is_signed_by(envelope: Envelope, key: SSlibKey) -> bool:
    """Say whether a signature of the envelope verifies under a public key."""
    return bool(keys_that_signed(envelope, [key]))


def _signed(envelope: Envelope, signers: Sequence[Signer]) -> bytes:
    for signer in signers:
        key = cast(SSlibKey, signer.public_key)
        try:
            signature = signer.sign(envelope.pae())
        except Exception as error:  # each service's client has its own kinds of errors
            raise SigningFailed(
                f"the key {key.keyid[:SHORT_ID]} gave no signature ({type(error).__name__}): see "
                "that its service can be reached and lets this user sign"
            ) from None
        envelope.signatures[key.keyid] = in_one_form(signature, key)
    return canonical_bytes(envelope.to_dict()) + b"\n"


def _refuse_another_spelling(document: dict[str, Any], envelope: Envelope) -> None:
    """Refuse what the library overlooks: nobody signed it, and anyone can change it."""
    if set(document) != _MEMBERS:
        raise NoEnvelope("the envelope has other members than payload, payloadType and signatures")
    for signature in document["signatures"]:
        if set(signature) != _SIGNATURE_MEMBERS or not isinstance(signature["keyid"], str):
            raise NoEnvelope("a signature is not of the members keyid and sig alone")
    if envelope.to_dict() != document:
        raise NoEnvelope("the envelope's base64 is not in canonical form (RFC 4648, section 4)")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a key stands twice")
    return members
