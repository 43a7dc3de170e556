"""The secret key behind the tokens: where it comes from and how it is made."""

from __future__ import annotations

import contextlib
import hmac
import os
import re
import secrets
import stat
from binascii import hexlify
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

KEY_VARIABLE = "HOKUSAI_PII_KEY"
KEY_FILE_VARIABLE = "HOKUSAI_PII_KEY_FILE"
KEY_FILE_NAME = "pii.key"
MIN_SECRET_BYTES = 32
KEY_ID = r"k[a-z]{1,15}"

_HEX_TO_LETTER = bytes.maketrans(b"0123456789abcdef", b"abcdefghijklmnop")


class PrivacyKeyError(ValueError):
    """No usable key. The message names the remedy and never holds key material."""


def letters(data: bytes) -> str:
    """Write bytes as two letters a-p each: text without digits, which nothing takes for data."""
    return hexlify(data).translate(_HEX_TO_LETTER).decode("ascii")


@dataclass(frozen=True)
class PrivacyKey:
    """A key id (public, stands in every token) and its secret (32 bytes or more, never shown).

    Raises ValueError when the secret is shorter or the id is not `k` plus 1 to 15 letters a-z.
    """

    key_id: str
    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        """Check length and id."""
        if len(self.secret) < MIN_SECRET_BYTES:
            raise ValueError(f"a privacy key needs at least {MIN_SECRET_BYTES} secret bytes")
        if not re.fullmatch(KEY_ID, self.key_id):
            raise ValueError("a key id is the letter k and 1 to 15 letters a-z")

    @classmethod
    def from_secret(cls, secret: bytes) -> PrivacyKey:
        """Make the key with its own id: `k` and 6 letters a-p of an HMAC under the secret."""
        digest = hmac.digest(secret, b"hokusai privacy key id", "sha256")
        return cls("k" + letters(digest[:3]), secret)


def load_key(*, environment: Mapping[str, str], keys_folder: Path, production: bool) -> PrivacyKey:
    """Return the deployment's key.

    The first that is set counts: HOKUSAI_PII_KEY (64 or more hex characters),
    HOKUSAI_PII_KEY_FILE (a file of hex), `keys_folder`/pii.key. The last is generated on first
    use, and only outside production. An empty variable counts as unset.

    Raises PrivacyKeyError when production has no given key, when a key is not hex or too short,
    or when a file cannot be read or the generated one is open to other users.
    """
    if text := environment.get(KEY_VARIABLE, "").strip():
        return _key_from_hex(text, KEY_VARIABLE)
    if name := environment.get(KEY_FILE_VARIABLE, "").strip():
        return _key_from_hex(_read(Path(name), KEY_FILE_VARIABLE), f"the file {name}")
    if production:
        raise PrivacyKeyError(
            f"production needs a given privacy key: set {KEY_VARIABLE} to 64 hex characters "
            f"(openssl rand -hex 32) or {KEY_FILE_VARIABLE} to a file that holds them"
        )
    path = keys_folder / KEY_FILE_NAME
    if not path.exists():
        _generate(path)
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise PrivacyKeyError(
            f"{path} is open to other users: run `chmod 600 {path}`, "
            "or delete it to have a new key generated"
        )
    return _key_from_hex(_read(path, "keys_folder"), f"the file {path}")


def _read(path: Path, origin: str) -> str:
    try:
        return path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        # The cause is cut off: a decoding error carries the bytes it failed on.
        raise PrivacyKeyError(
            f"cannot read a hex key from {path} ({origin}): check path and permissions"
        ) from None


def _key_from_hex(text: str, origin: str) -> PrivacyKey:
    if not re.fullmatch(r"(?:[0-9a-fA-F]{2})+", text):
        raise PrivacyKeyError(f"{origin} does not hold pairs of hex characters")
    secret = bytes.fromhex(text)
    if len(secret) < MIN_SECRET_BYTES:
        raise PrivacyKeyError(f"{origin} holds fewer than {2 * MIN_SECRET_BYTES} hex characters")
    return PrivacyKey.from_secret(secret)


def _generate(path: Path) -> None:
    """Create the key file complete or not at all; of two processes the first one wins."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.parent.chmod(0o700)
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(MIN_SECRET_BYTES) + "\n")
            file.flush()
            os.fsync(file.fileno())
        # If another process was first, its key is the one the caller reads.
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink()
