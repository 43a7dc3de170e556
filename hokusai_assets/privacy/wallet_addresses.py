"""Ethereum and Bitcoin addresses, told from other text by their checksums."""

from __future__ import annotations

import hashlib
import re
from functools import reduce
from operator import xor

from Crypto.Hash import keccak

from hokusai_assets.privacy.recognition import WORD, Recogniser, Span, phrases, plain_text

# Ethereum ---------------------------------------------------------------------------------------
ZERO_ADDRESS = "0x" + "0" * 40
_ETHEREUM = rf"(?<!{WORD})0[xX][0-9A-Fa-f]{{40}}(?!{WORD})"


def eip55_checksummed(address: str) -> str:
    """Return 0x and 40 hex digits in the mixed case of EIP-55, whatever case they came in.

    A letter is a capital where the Keccak-256 of the lower-case address has a nibble of 8 or more.
    """
    body = address[2:].lower()
    digest = keccak.new(digest_bits=256, data=body.encode()).hexdigest()
    pairs = zip(body, digest[:40], strict=True)
    return "0x" + "".join(c.upper() if int(nibble, 16) >= 8 else c for c, nibble in pairs)


def is_ethereum_address(text: str) -> bool:
    """Tell an address by its form, and by EIP-55 where it is written in mixed case."""
    if not re.fullmatch("0[xX][0-9A-Fa-f]{40}", text):
        return False
    body = text[2:]
    if body in (body.lower(), body.upper()):
        return True
    return "0x" + body == eip55_checksummed(text)


def _ethereum_span(text: str, start: int, end: int, alone: bool) -> Span | None:
    return (start, end) if is_ethereum_address(text[start:end]) else None


# Bitcoin ----------------------------------------------------------------------------------------
_BASE58_VALUE = {
    character: value
    for value, character in enumerate("123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz")
}
# Version bytes of P2PKH and P2SH addresses of the main network; test money is nobody's.
_VERSIONS = frozenset({0x00, 0x05})
_BECH32_VALUE = {
    character: value for value, character in enumerate("qpzry9x8gf2tvdw0s3jn54khce6mua7l")
}
_BECH32_PREFIXES = ("bc", "tb", "bcrt")
# What the checksum leaves over: BIP-173 for witness version 0, BIP-350 for 1 to 16.
_BECH32_CONSTANT, _BECH32M_CONSTANT = 1, 0x2BC830A3
_GENERATORS = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
# What the five bits that leave the checksum add to it, for each of their values.
_REMAINDERS = tuple(
    reduce(xor, (row for bit, row in enumerate(_GENERATORS) if top >> bit & 1), 0)
    for top in range(32)
)
_BITCOIN = (
    rf"(?<!{WORD})(?:[13][1-9A-HJ-NP-Za-km-z]{{25,34}}"
    r"|(?:bc|tb|bcrt)1[02-9ac-hj-np-z]{8,87}|(?:BC|TB|BCRT)1[02-9AC-HJ-NP-Z]{8,87})"
    rf"(?!{WORD})"
)


def is_base58_address(text: str) -> bool:
    """Tell a Base58Check text of 21 bytes with a Bitcoin version byte and a right checksum."""
    if not 26 <= len(text) <= 35 or not _BASE58_VALUE.keys() >= set(text):
        return False
    number = 0
    for character in text:
        number = number * 58 + _BASE58_VALUE[character]
    try:
        data = number.to_bytes(25, "big")
    except OverflowError:
        return False
    # Each leading 1 is a zero byte, and there are no others.
    zeros = len(text) - len(text.lstrip("1"))
    if zeros != len(data) - len(data.lstrip(b"\0")) or data[0] not in _VERSIONS:
        return False
    return hashlib.sha256(hashlib.sha256(data[:21]).digest()).digest()[:4] == data[21:]


def _polymod(values: list[int]) -> int:
    checksum = 1
    for value in values:
        checksum = (checksum & 0x1FFFFFF) << 5 ^ value ^ _REMAINDERS[checksum >> 25]
    return checksum


def is_segwit_address(text: str) -> bool:
    """Tell a segregated witness address: Bech32 (BIP-173) for version 0, Bech32m (BIP-350) else."""
    if text not in (text.lower(), text.upper()) or not 8 <= len(text) <= 90:
        return False
    prefix, _, body = text.lower().rpartition("1")
    if prefix not in _BECH32_PREFIXES or not _BECH32_VALUE.keys() >= set(body):
        return False
    values = [_BECH32_VALUE[character] for character in body]
    expanded = [ord(c) >> 5 for c in prefix] + [0] + [ord(c) & 31 for c in prefix]
    version, program = (values[0], values[1:-6]) if len(values) > 6 else (17, [])
    constant = _BECH32_CONSTANT if version == 0 else _BECH32M_CONSTANT
    return (
        version <= 16 and _polymod(expanded + values) == constant and _is_program(version, program)
    )


def _is_program(version: int, program: list[int]) -> bool:
    """Check a witness program in groups of 5 bits: length, and zero padding of 4 bits at most."""
    size, padding = divmod(len(program) * 5, 8)
    if padding > 4 or (program and program[-1] & ((1 << padding) - 1)):
        return False
    return size in (20, 32) if version == 0 else 2 <= size <= 40


def is_bitcoin_address(text: str) -> bool:
    """Tell a Bitcoin address of any kind by its checksum."""
    return is_base58_address(text) or is_segwit_address(text)


def _bitcoin_span(text: str, start: int, end: int, alone: bool) -> Span | None:
    return (start, end) if is_bitcoin_address(text[start:end]) else None


def _canonical_ethereum(text: str) -> str:
    return plain_text(text)


def _canonical_bitcoin(text: str) -> str:
    value = text.strip()
    # The case of Base58 is part of the value, that of Bech32 is not.
    return value if value[:1] in ("1", "3") and is_base58_address(value) else plain_text(text)


ETHEREUM = Recogniser(
    entity="ETHEREUM",
    pattern=_ETHEREUM,
    validator=_ethereum_span,
    canonicalise=_canonical_ethereum,
    trigger="0[xX][0-9A-Fa-f]{8}",
    header_words=phrases(
        "ethereum address", "eth address", "ethereum wallet", "eth wallet", "wallet", "wallets"
    ),
    header_evidence="0[xX][0-9A-Fa-f]{40}",
)

BITCOIN = Recogniser(
    entity="BITCOIN",
    pattern=_BITCOIN,
    validator=_bitcoin_span,
    canonicalise=_canonical_bitcoin,
    trigger="[13][1-9A-HJ-NP-Za-km-z]{25}|(?i:bc|tb|bcrt)1[0-9A-Za-z]{8}",
    header_words=phrases("bitcoin address", "btc address", "bitcoin wallet", "btc wallet"),
    header_evidence="[0-9A-Za-z]{14}",
)
