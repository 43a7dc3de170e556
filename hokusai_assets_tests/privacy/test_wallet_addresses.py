"""Tests of wallet addresses against the vectors of EIP-55, BIP-173 and BIP-350."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hokusai_assets.privacy.wallet_addresses import (
    eip55_checksummed,
    is_base58_address,
    is_ethereum_address,
    is_segwit_address,
)
from hokusai_assets_tests.privacy.entity_findings import found

EIP55 = [
    "0x52908400098527886E0F7030069857D2E4169EE7",
    "0x8617E340B3D01FA5F11F306F4090FD50E238070D",
    "0xde709f2102306220921060314715629080e2fb77",
    "0x27b1fdb04752bbc536007a920d24acb045561c26",
    "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
    "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
    "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
    "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
]
# The genesis block's address, and the example of P2SH in the Bitcoin wiki.
BASE58 = ["1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy"]
SEGWIT = [
    "BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4",
    "tb1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3q0sl5k7",
    "bc1pw508d6qejxtdg4y5r3zarvary0c5xw7kw508d6qejxtdg4y5r3zarvary0c5xw7kt5nd6y",
    "BC1SW50QGDZ25J",
    "bc1zw508d6qejxtdg4y5r3zarvaryvaxxpcs",
    "tb1qqqqqp399et2xygdj5xreqhjjvcmzhxw4aywxecjdzew6hylgvsesrxh6hy",
    "tb1pqqqqp399et2xygdj5xreqhjjvcmzhxw4aywxecjdzew6hylgvsesf3hn0c",
    "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0",
]
NOT_SEGWIT = [
    "tc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vq5zuyut",  # prefix
    "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqh2y7hd",  # Bech32, not Bech32m
    "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kemeawh",  # Bech32m, not Bech32
    "bc1p38j9r5y49hruaue7wxjce0updqjuyyx0kh56v8s25huc6995vvpql3jow4",  # a character
    "BC130XLXVLHEMJA6C4DQV22UAPCTQUPFHLXM9H8Z3K2E72Q4K9HCZ7VQ7ZWS8R",  # version 17
    "bc1pw5dgrnzv",  # one byte
    "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7v8n0nx0muaewav253zgeav",  # 41 bytes
    "BC1QR508D6QEJXTDG4Y5R3ZARVARYV98GJ9P",  # version 0 of 16 bytes
    "tb1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vq47Zagq",  # mixed case
    "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7v07qwwzcrf",  # padding
    "bc1gmk9yu",  # nothing
]


@pytest.mark.parametrize("address", EIP55)
def test_ethereum_addresses_of_the_standard_are_found(address: str) -> None:
    assert found(f"send to {address}, please") == [("ETHEREUM", address.lower())]


@pytest.mark.parametrize("address", EIP55[4:])
def test_the_checksum_of_the_standard_is_reproduced(address: str) -> None:
    assert eip55_checksummed(address.lower()) == address


@given(st.sampled_from(EIP55[4:]), st.integers(2, 41))
def test_mixed_case_with_one_letter_in_the_other_case_is_no_address(
    address: str, place: int
) -> None:
    changed = address[:place] + address[place].swapcase() + address[place + 1 :]
    assert is_ethereum_address(changed) == (changed == address)


@pytest.mark.parametrize(
    "text",
    ["0x" + "a" * 39, "0x" + "a" * 41, "0x" + "a" * 64, "00x" + "a" * 40, "0x" + "g" * 40],
    ids=["short", "long", "hash", "glued", "letters"],
)
def test_other_hexadecimal_text_is_no_address(text: str) -> None:
    assert found(f"x {text} y") == []


@pytest.mark.parametrize("address", BASE58)
def test_base58_addresses_are_found_in_their_case(address: str) -> None:
    assert found(f"bitcoin:{address}?amount=1") == [("BITCOIN", address)]


@pytest.mark.parametrize("address", SEGWIT)
def test_segwit_addresses_of_the_standards_are_found_lower_cased(address: str) -> None:
    assert found(f"to {address}.") == [("BITCOIN", address.lower())]


@pytest.mark.parametrize("text", NOT_SEGWIT)
def test_what_the_standards_call_invalid_is_left(text: str) -> None:
    assert not is_segwit_address(text)
    assert found(f"to {text}.") == []


@given(st.binary(min_size=20, max_size=20), st.sampled_from([0, 5]), st.integers(0, 20))
def test_a_base58_address_with_any_byte_changed_is_none(
    body: bytes, version: int, place: int
) -> None:
    payload = bytes([version]) + body
    checksum = hashlib.sha256(hashlib.sha256(payload).digest()).digest()[:4]
    changed = bytearray(payload + checksum)
    changed[place] ^= 1
    assert is_base58_address(base58(payload + checksum))
    assert not is_base58_address(base58(bytes(changed)))


def base58(data: bytes) -> str:
    alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
    number, text = int.from_bytes(data, "big"), ""
    while number:
        number, rest = divmod(number, 58)
        text = alphabet[rest] + text
    return "1" * (len(data) - len(data.lstrip(b"\0"))) + text
