"""Private keys: reading one from a file or a text, writing a new pair, and signing with one."""

import base64
import os
import secrets
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from securesystemslib.signer import CryptoSigner, Signature  # type: ignore[attr-defined]

from hokusai_assets.attestation.public_keys import DRY_RUN_SEED, KeyType, public_key_of, public_pem
from hokusai_assets.drafts import flush, replace_file

# Explanatory text before a PEM's first line is allowed (RFC 7468, section 2): it goes with a copy.
DEVELOPMENT_NOTE = b"Hokusai development key: production mode signs nothing with it.\n"
_KINDS = "Ed25519 or ECDSA P-256 private key (unencrypted PEM; of Ed25519 also base64)"


class SigningKeyError(ValueError):
    """No usable signing key; the message says how to give one and holds no key material."""


class _DeterministicP256Signer(CryptoSigner):
    """Signs with a nonce that follows from key and message (RFC 6979): equal bytes each time."""

    def sign(self, payload: bytes) -> Signature:
        """Return the signature of a payload, in DER."""
        assert isinstance(self._private_key, ec.EllipticCurvePrivateKey)
        algorithm = ec.ECDSA(hashes.SHA256(), deterministic_signing=True)
        return Signature(self.public_key.keyid, self._private_key.sign(payload, algorithm).hex())


def signer_of(key: object) -> CryptoSigner:
    """Return what signs with a private key of the `cryptography` package.

    Raises:
        SigningKeyError: it is neither Ed25519 nor ECDSA on P-256.
    """
    if isinstance(key, Ed25519PrivateKey):
        return CryptoSigner(key, public_key_of(key.public_key()))
    if isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP256R1):
        return _DeterministicP256Signer(key, public_key_of(key.public_key()))
    raise SigningKeyError("the key is neither Ed25519 nor ECDSA on P-256")


def dry_run_signer() -> CryptoSigner:
    """Return what signs dry runs: a published key, so that equal dry runs give equal bytes."""
    return signer_of(Ed25519PrivateKey.from_private_bytes(DRY_RUN_SEED))


def parse_private_key(data: bytes, where: str, *, production: bool = False) -> CryptoSigner:
    """Return what signs with the key in a file or variable: PEM, or base64 of 32 raw bytes.

    Args:
        data: the bytes.
        where: what named them, for messages.
        production: refuse a key that says it was made for development.

    Raises:
        SigningKeyError: it holds none, or that one; the message tells nothing of the bytes.
    """
    if production and DEVELOPMENT_NOTE.strip() in data:
        raise SigningKeyError(
            f"{where}: the key was made for development; make one by `hokusai keys new --out FILE`"
        )
    try:
        if b"-----BEGIN" in data:
            return signer_of(serialization.load_pem_private_key(data, password=None))
        # A secret that was mounted or piped often ends in a line feed.
        raw = base64.b64decode(data.strip(), validate=True)
        return signer_of(Ed25519PrivateKey.from_private_bytes(raw))
    except (ValueError, TypeError, UnsupportedAlgorithm):
        pass
    raise SigningKeyError(f"{where} holds no {_KINDS}")


def read_private_key(path: Path, where: str, *, production: bool) -> CryptoSigner:
    """Return what signs with the key in a file.

    Args:
        path: the file.
        where: what named it, for messages.
        production: refuse a file that others than its owner may read or change, and a key that
            says it was made for development.

    Raises:
        SigningKeyError: it can't be read, holds no key, or is refused in production.
    """
    try:
        with path.open("rb") as stream:
            # Of the open file, not of the path: that may name another one meanwhile.
            mode = os.fstat(stream.fileno()).st_mode
            data = stream.read()
    except (OSError, ValueError):
        raise SigningKeyError(f"{where} names no readable file") from None
    if production and mode & 0o077:
        raise SigningKeyError(f"{where} is readable by others; chmod 600 it before signing")
    return parse_private_key(data, where, production=production)


def public_file_of(path: Path) -> Path:
    """Return where the public half of a private key's file stands: `signing.pub.pem`."""
    return path.with_name(path.name.removesuffix(".pem") + ".pub.pem")


def generate(key_type: KeyType) -> CryptoSigner:
    """Return what signs with a new key."""
    if key_type == "ed25519":
        return signer_of(Ed25519PrivateKey.generate())
    return signer_of(ec.generate_private_key(ec.SECP256R1()))


def write_pair(path: Path, signer: CryptoSigner, *, note: bytes = b"") -> None:
    """Write a private key (PKCS #8 PEM, 0600), and its public half beside it.

    Args:
        path: of the private file.
        signer: holds the key.
        note: lines that stand before the private key.

    Raises:
        FileExistsError: the private file is there already; nothing was changed.
    """
    _write_once(path, note + signer.private_bytes)
    replace_file(public_file_of(path), public_pem(signer.public_key))


def _write_once(path: Path, data: bytes) -> None:
    """Write a file whole that only its owner reads; of several writers the first one wins."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
    try:
        # link() fails if another process was first.
        os.link(draft, path)
        flush(path.parent)
    finally:
        draft.unlink()
