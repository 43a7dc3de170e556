"""Signed checkpoints of a log: its name, size and root, as usual log tools read them.

Formats: C2SP tlog-checkpoint (https://c2sp.org/tlog-checkpoint) in a C2SP signed note
(https://c2sp.org/signed-note), with Ed25519 signatures (type 0x01).
"""

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass, replace

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

_ED25519 = b"\x01"
_SIGNATURE = re.compile(r"— (\S+) (\S+)")
# A note's key name is one word without a plus; the origin is used as that name.
_NAME = re.compile(r"[^\s+]{1,200}")
_MAX_BYTES = 100_000


class NoCheckpoint(ValueError):
    """The bytes are no checkpoint; the message says what is wrong."""


@dataclass(frozen=True)
class Checkpoint:
    """What a log was at one time.

    Attributes:
        origin: the log's name: one word without a plus sign.
        size: entries, at least 0.
        root: Merkle tree head over them (RFC 6962), 32 bytes.
        signatures: (name, 4 bytes of key id and signature), as they stand in the note.
    """

    origin: str
    size: int
    root: bytes
    signatures: tuple[tuple[str, bytes], ...] = ()

    @property
    def text(self) -> bytes:
        """What is signed: origin, size and base64 root, a line each."""
        root = base64.b64encode(self.root).decode()
        return f"{self.origin}\n{self.size}\n{root}\n".encode()

    def note(self) -> bytes:
        """Return the signed note: the text, an empty line, a line per signature."""
        lines = [
            f"— {name} {base64.b64encode(signature).decode()}\n"
            for name, signature in self.signatures
        ]
        return self.text + b"\n" + "".join(lines).encode()

    def signed(self, key: Ed25519PrivateKey) -> "Checkpoint":
        """Return it with a signature of a key, under the log's own name."""
        signature = note_signature(self.text, self.origin, key)
        return replace(self, signatures=(*self.signatures, (self.origin, signature)))

    def is_signed_by(self, key: Ed25519PublicKey) -> bool:
        """Say whether a signature under the log's name verifies with a key."""
        own = key_hash(self.origin, key)
        for name, signature in self.signatures:
            if (name, signature[:4]) != (self.origin, own):
                continue
            try:
                key.verify(signature[4:], self.text)
            except InvalidSignature:
                continue
            return True
        return False


def check_origin(name: str) -> str:
    """Return a log's name as it is.

    Raises:
        NoCheckpoint: it is empty, too long, or holds a space or a plus sign.
    """
    if not _NAME.fullmatch(name):
        raise NoCheckpoint("a log's name is one word of at most 200 characters, without a plus")
    return name


def parse_checkpoint(data: bytes) -> Checkpoint:
    """Read a checkpoint; no signature is checked.

    Raises:
        NoCheckpoint: the bytes are none.
    """
    try:
        if len(data) > _MAX_BYTES:
            raise ValueError
        text, empty, signatures = data.decode("utf-8").partition("\n\n")
        # Lines that follow the root are extensions, which this log has none of.
        origin, size, root = text.split("\n")
        found = Checkpoint(
            check_origin(origin),
            int(size),
            base64.b64decode(root, validate=True),
            tuple(_signature(line) for line in signatures.splitlines()),
        )
    except (ValueError, binascii.Error) as error:
        raise NoCheckpoint(f"no checkpoint of a log: {error or 'too long'}") from None
    # Writing it again finds signs, spaces and leading zeros that a number or base64 may hide.
    sound = empty and len(found.root) == 32 and 0 <= found.size < 2**63
    if not sound or found.note() != data:
        raise NoCheckpoint("no checkpoint of a log in its exact form")
    return found


def note_signature(text: bytes, name: str, key: Ed25519PrivateKey) -> bytes:
    """Return what a note's signature line holds: 4 bytes of key id, 64 of Ed25519 over the text."""
    return key_hash(name, key.public_key()) + key.sign(text)


def key_hash(name: str, key: Ed25519PublicKey) -> bytes:
    """Return the 4 bytes under which a note names a key: SHA-256 of name, LF, 0x01, key."""
    return hashlib.sha256(name.encode() + b"\n" + _ED25519 + key.public_bytes_raw()).digest()[:4]


def verifier_key(name: str, key: Ed25519PublicKey) -> str:
    """Return a public key as note tools take it: ``name+<id in hex>+<base64 of 0x01 and key>``."""
    encoded = base64.b64encode(_ED25519 + key.public_bytes_raw()).decode()
    return f"{name}+{key_hash(name, key).hex()}+{encoded}"


def _signature(line: str) -> tuple[str, bytes]:
    found = _SIGNATURE.fullmatch(line)
    signature = base64.b64decode(found[2], validate=True) if found else b""
    if found is None or len(signature) < 5:
        raise ValueError("a signature line is not of its form")
    return found[1], signature
