"""Public keys of two kinds, Ed25519 and ECDSA P-256, and the one form a signature of each has.

securesystemslib's key is the form they are passed around in; its id (64 hex) is the SHA-256 of its
canonical JSON, as the TUF and in-toto projects name keys.
"""

import hashlib
import re
from pathlib import Path
from typing import Literal

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)
from securesystemslib.exceptions import UnverifiedSignatureError
from securesystemslib.signer import Signature, SSlibKey  # type: ignore[attr-defined]

KeyType = Literal["ed25519", "ecdsa-p256"]
KEY_TYPES: tuple[KeyType, ...] = ("ed25519", "ecdsa-p256")
TYPE_NAMES: dict[KeyType, str] = {"ed25519": "Ed25519", "ecdsa-p256": "ECDSA P-256"}
SHORT_ID = 12
"""So many hex digits of an id stand in file names and messages."""

_BLOCK_BEGINS = b"-----BEGIN PUBLIC KEY-----"
_ONE_BLOCK = re.compile(rb"\s*" + _BLOCK_BEGINS + rb"[A-Za-z0-9+/=\s]*-----END PUBLIC KEY-----\s*")
_SCHEMES: dict[str, KeyType] = {"ed25519": "ed25519", "ecdsa-sha2-nistp256": "ecdsa-p256"}
# The order of the group of P-256: SP 800-186, section 3.2.1.3.
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
# Published on purpose: what it signs is worth nothing, and verifiers refuse it.
DRY_RUN_SEED = hashlib.sha256(b"hokusai dry run: this key signs nothing of value").digest()


class PublicKeyError(ValueError):
    """No usable public key; the message names the file and what is wrong."""


def public_key_of(key: object) -> SSlibKey:
    """Return the form that is passed around of a public key of the `cryptography` package.

    Raises:
        PublicKeyError: it is neither Ed25519 nor ECDSA on P-256, or it is of small order.
    """
    if isinstance(key, Ed25519PublicKey):
        if _is_of_small_order(key):
            raise PublicKeyError("the key is of small order: anyone can sign for it")
        return SSlibKey.from_crypto(key)
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
        return SSlibKey.from_crypto(key)
    raise PublicKeyError("the key is neither Ed25519 nor ECDSA on P-256")


def parse_public_key(pem: bytes) -> SSlibKey:
    """Return the public key in PEM bytes (SubjectPublicKeyInfo).

    Raises:
        PublicKeyError: they hold none, something beside it, or one that is not used here.
    """
    # The library takes the first block of any text: of a trust policy, say, a revoked key.
    if _BLOCK_BEGINS in pem and not _ONE_BLOCK.fullmatch(pem):
        raise PublicKeyError(
            "something stands beside the public key, so whose it is can't be told (a trust policy "
            "goes with --trust)"
        )
    try:
        key = serialization.load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm):
        raise PublicKeyError("no public key in PEM form") from None
    return public_key_of(key)


def load_public_key(path: Path) -> SSlibKey:
    """Return the public key in a PEM file.

    Raises:
        PublicKeyError: the file holds none, or one that is not used here.
    """
    try:
        return parse_public_key(path.read_bytes())
    except OSError:
        raise PublicKeyError(f"{path}: no public key in PEM form") from None
    except PublicKeyError as error:
        raise PublicKeyError(f"{path}: {error}") from None


def public_pem(key: SSlibKey) -> bytes:
    """Return a public key as SubjectPublicKeyInfo PEM."""
    if type_of(key) == "ecdsa-p256":
        return str(key.keyval["public"]).encode("ascii")
    return Ed25519PublicKey.from_public_bytes(bytes.fromhex(key.keyval["public"])).public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def public_der(key: SSlibKey) -> bytes:
    """Return a public key as SubjectPublicKeyInfo in DER."""
    return serialization.load_pem_public_key(public_pem(key)).public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def type_of(key: SSlibKey) -> KeyType:
    """Return which kind of key it is."""
    return _SCHEMES[key.scheme]


def is_dry_run_key(key: SSlibKey) -> bool:
    """Say whether it is the published key of dry runs, with which anyone can sign."""
    published = Ed25519PrivateKey.from_private_bytes(DRY_RUN_SEED).public_key()
    return bool(key.keyid == SSlibKey.from_crypto(published).keyid)


def in_one_form(signature: Signature, key: SSlibKey) -> Signature:
    """Return a signature in the one form in which it verifies here.

    With (r, s), (r, n - s) is an ECDSA signature of the same message too, which anyone can
    compute: only the one with the lower s counts (SEC 1 v2, section 4.1.3 allows both; BIP 62
    asks for the lower). For Ed25519 the library refuses all but one (RFC 8032, section 5.1.7).

    Raises:
        ValueError: an ECDSA signature is not DER of two numbers from 1 to n - 1.
    """
    if type_of(key) != "ecdsa-p256":
        return signature
    r, s = decode_dss_signature(bytes.fromhex(signature.signature))
    if not (0 < r < P256_ORDER and 0 < s < P256_ORDER):
        raise ValueError("a number of the signature is out of range")
    low = encode_dss_signature(r, min(s, P256_ORDER - s))
    return Signature(signature.keyid, low.hex(), signature.unrecognized_fields)


def is_valid(signature: Signature, key: SSlibKey, message: bytes) -> bool:
    """Say whether a signature of a message verifies and is in its one form."""
    try:
        if in_one_form(signature, key).signature != signature.signature:
            return False
        key.verify_signature(signature, message)
    except (UnverifiedSignatureError, ValueError):
        return False
    return True


def _is_of_small_order(key: Ed25519PublicKey) -> bool:
    """Say whether 8 times the key is the neutral element, so that signatures mean nothing.

    The pair (neutral element, 0) signs a message under a key A if h A is neutral, where h is a
    hash: for one message in eight at least if A is of small order, else for none that can be found.
    """
    forged = (1).to_bytes(32, "little") + bytes(32)
    for number in range(64):
        try:
            key.verify(forged, bytes([number]))
        except InvalidSignature:
            continue
        return True
    return False
