"""The platform's Ed25519 key: given by the operator, or generated into the home for development."""

import base64
import hashlib
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

KEY_FILE = "signing.ed25519.pem"
PUBLIC_KEY_FILE = "signing.ed25519.pub.pem"
# Published on purpose: what it signs is worth nothing, and verifiers refuse it.
_DRY_RUN_SEED = hashlib.sha256(b"hokusai dry run: this key signs nothing of value").digest()


class SigningKeyError(ValueError):
    """No usable signing key; the message says how to give one and holds no key material."""


def load_signing_key(
    *, environment: Mapping[str, str], keys_folder: Path, production: bool
) -> Ed25519PrivateKey:
    """Return the signing key.

    Looked for in ``HOKUSAI_SIGNING_KEY`` (PKCS #8 PEM, or base64 of the 32 raw bytes), then
    ``HOKUSAI_SIGNING_KEY_FILE`` (the same), then the home's key, generated at first use.

    Raises:
        SigningKeyError: the given key can't be read, or production mode and none was given.
    """
    if text := environment.get("HOKUSAI_SIGNING_KEY"):
        return _parse(text.encode("utf-8", "surrogateescape"), "HOKUSAI_SIGNING_KEY")
    if path := environment.get("HOKUSAI_SIGNING_KEY_FILE"):
        try:
            data = Path(path).read_bytes()
        except OSError:
            raise SigningKeyError("HOKUSAI_SIGNING_KEY_FILE names no readable file") from None
        if production and os.stat(path).st_mode & 0o077:
            raise SigningKeyError(
                "HOKUSAI_SIGNING_KEY_FILE is readable by others; chmod 600 it before signing"
            )
        return _parse(data, "HOKUSAI_SIGNING_KEY_FILE")
    if production:
        raise SigningKeyError(
            "production mode signs only with a given key: set HOKUSAI_SIGNING_KEY or "
            "HOKUSAI_SIGNING_KEY_FILE (an Ed25519 private key in PEM)"
        )
    return _home_key(keys_folder)


def dry_run_key() -> Ed25519PrivateKey:
    """Return the published key that signs dry runs, so that equal dry runs give equal bytes."""
    return Ed25519PrivateKey.from_private_bytes(_DRY_RUN_SEED)


def public_pem(key: Ed25519PublicKey) -> bytes:
    """Return a public key as SubjectPublicKeyInfo PEM."""
    return key.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def load_public_key(path: Path) -> Ed25519PublicKey:
    """Return the Ed25519 public key in a PEM file.

    Raises:
        SigningKeyError: the file holds no such key.
    """
    try:
        key = serialization.load_pem_public_key(path.read_bytes())
    except (OSError, ValueError, UnsupportedAlgorithm):
        raise SigningKeyError(f"{path}: no public key in PEM form") from None
    if not isinstance(key, Ed25519PublicKey):
        raise SigningKeyError(f"{path}: the key is not Ed25519")
    return key


def _parse(data: bytes, where: str) -> Ed25519PrivateKey:
    try:
        if b"-----BEGIN" in data:
            key = serialization.load_pem_private_key(data, password=None)
            if isinstance(key, Ed25519PrivateKey):
                return key
        else:
            # A secret that was mounted or piped often ends in a line feed.
            raw = base64.b64decode(data.strip(), validate=True)
            return Ed25519PrivateKey.from_private_bytes(raw)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        pass
    raise SigningKeyError(f"{where} holds no Ed25519 private key (unencrypted PEM or base64)")


def _home_key(folder: Path) -> Ed25519PrivateKey:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / KEY_FILE
    if not path.exists():
        pem = Ed25519PrivateKey.generate().private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        draft = _draft(path, pem)
        try:
            # link() fails if another process was first: exactly one key wins.
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    key = _parse(path.read_bytes(), str(path))
    public = folder / PUBLIC_KEY_FILE
    _draft(public, public_pem(key.public_key())).replace(public)
    return key


def _draft(path: Path, data: bytes) -> Path:
    """Write a file beside a path whole, so that a reader never sees half of one."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
    return draft
