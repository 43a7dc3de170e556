"""Signed checkpoints of a log: its name, size and root, as usual log tools read them.

Formats: C2SP tlog-checkpoint (https://c2sp.org/tlog-checkpoint) in a C2SP signed note
(https://c2sp.org/signed-note), with signatures by Ed25519 (type 0x01), or by ECDSA P-256 over
SHA-256 in DER (type 0x02).
"""

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass, replace
from typing import cast

from securesystemslib.signer import Signature, Signer, SSlibKey  # type: ignore[attr-defined]

from hokusai_assets.attestation.public_keys import (
    in_one_form,
    is_dry_run_key,
    is_valid,
    public_der,
    type_of,
)

_ED25519, _ECDSA = b"\x01", b"\x02"
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

    def signed(self, signer: Signer) -> "Checkpoint":
        """Return it with a signature under the log's own name; see `note_signature`."""
        signature = note_signature(self.text, self.origin, signer)
        return replace(self, signatures=(*self.signatures, (self.origin, signature)))

    def is_signed_by(self, key: SSlibKey) -> bool:
        """Say whether a signature under the log's name verifies with a key.

        None does with the published key of dry runs.
        """
        if is_dry_run_key(key):
            return False
        own = key_hash(self.origin, key)
        return any(
            is_valid(Signature(key.keyid, signature[4:].hex()), key, self.text)
            for name, signature in self.signatures
            if (name, signature[:4]) == (self.origin, own)
        )


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


def note_signature(text: bytes, name: str, signer: Signer) -> bytes:
    """Return what a note's signature line holds: 4 bytes of key id, and the signature of the text.

    That has 64 bytes of an Ed25519 key; of an ECDSA one it is DER, with the lower s.
    """
    key = cast(SSlibKey, signer.public_key)
    signature = in_one_form(signer.sign(text), key)
    return key_hash(name, key) + bytes.fromhex(signature.signature)


def key_hash(name: str, key: SSlibKey) -> bytes:
    """Return the 4 bytes under which a note names a key.

    The first of SHA-256 over name, LF, 0x01 and the 32 bytes of an Ed25519 key; over an ECDSA
    key's SubjectPublicKeyInfo alone (signed-note, "Signature types").
    """
    kind, encoded = _encoded(key)
    named = encoded if kind == _ECDSA else name.encode() + b"\n" + kind + encoded
    return hashlib.sha256(named).digest()[:4]


def verifier_key(name: str, key: SSlibKey) -> str:
    """Return a public key as note tools take it: ``name+<id in hex>+<base64 of type and key>``."""
    encoded = base64.b64encode(b"".join(_encoded(key))).decode()
    return f"{name}+{key_hash(name, key).hex()}+{encoded}"


def _encoded(key: SSlibKey) -> tuple[bytes, bytes]:
    """Return the byte of a signature's type, and the key as that type writes it."""
    if type_of(key) == "ed25519":
        return _ED25519, bytes.fromhex(key.keyval["public"])
    return _ECDSA, public_der(key)


def _signature(line: str) -> tuple[str, bytes]:
    found = _SIGNATURE.fullmatch(line)
    signature = base64.b64decode(found[2], validate=True) if found else b""
    if found is None or len(signature) < 5:
        raise ValueError("a signature line is not of its form")
    return found[1], signature
