"""Attesters' keys: where they come from, and that none of one is told."""

from pathlib import Path
from typing import Any

import pytest
from eth_account import Account

from hokusai_assets.minting.attester_key import AttesterKeyError, load_attesters

KEY = "c85ef7d79691fe79573b1a7064c19c1a9819ebdbd1faaab1a8ec92344438aaf4"
# The key keccak256("cow") of EIP-712's example, and its address there.
ADDRESS = "0xCD2a3d9F938E13CD947Ec05AbC7FE734Df8DD826"
OTHER = "11" * 32
ORDER = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141"


def key_file(folder: Path, text: str, name: str = "key", mode: int = 0o600) -> Path:
    path = folder / name
    path.write_text(text)
    path.chmod(mode)
    return path


def addresses(*files: Path, **environment: str) -> list[str]:
    found: list[Any] = load_attesters(environment=environment, files=files)
    return [account.address for account in found]


@pytest.mark.parametrize("text", [KEY, "0x" + KEY, KEY.upper(), f"  0x{KEY}\n"])
def test_variable_and_file_give_the_key(tmp_path: Path, text: str) -> None:
    path = key_file(tmp_path, text)
    assert addresses(HOKUSAI_ATTESTER_KEY=text) == [ADDRESS]
    assert addresses(HOKUSAI_ATTESTER_KEY_FILE=str(path)) == [ADDRESS]
    assert addresses(path) == [ADDRESS]


def test_files_come_before_the_variable_and_it_before_its_file(tmp_path: Path) -> None:
    path = key_file(tmp_path, OTHER)
    other = Account.from_key(bytes.fromhex(OTHER)).address
    assert addresses(path, HOKUSAI_ATTESTER_KEY=KEY) == [other]
    assert addresses(HOKUSAI_ATTESTER_KEY=KEY, HOKUSAI_ATTESTER_KEY_FILE=str(path)) == [ADDRESS]


def test_several_files_give_several_attesters_but_none_twice(tmp_path: Path) -> None:
    first, second = key_file(tmp_path, KEY), key_file(tmp_path, OTHER, "other")
    assert len(addresses(first, second)) == 2
    with pytest.raises(AttesterKeyError, match="the same key"):
        addresses(first, second, key_file(tmp_path, "0x" + KEY, "again"))


def test_without_a_key_nobody_signs() -> None:
    assert addresses() == []
    assert addresses(HOKUSAI_ATTESTER_KEY="", HOKUSAI_ATTESTER_KEY_FILE="") == []


@pytest.mark.parametrize("mode", [0o604, 0o640, 0o660, 0o666, 0o602])
def test_a_file_that_is_open_to_others_is_refused(tmp_path: Path, mode: int) -> None:
    path = key_file(tmp_path, KEY, mode=mode)
    with pytest.raises(AttesterKeyError, match="chmod 600"):
        addresses(path)
    with pytest.raises(AttesterKeyError, match="HOKUSAI_ATTESTER_KEY_FILE is open to others"):
        addresses(HOKUSAI_ATTESTER_KEY_FILE=str(path))


@pytest.mark.parametrize(
    "text",
    [KEY[:-1], KEY + "0", "0x0x" + KEY, KEY[:-1] + "g", "0" * 64, ORDER, "ff" * 32, "hunter2", "é"],
)
def test_what_is_no_key_is_refused_and_none_of_it_told(tmp_path: Path, text: str) -> None:
    path = key_file(tmp_path, text)
    for load in (lambda: addresses(HOKUSAI_ATTESTER_KEY=text), lambda: addresses(path)):
        with pytest.raises(AttesterKeyError, match="holds no secp256k1 private key") as caught:
            load()
        assert caught.value.__suppress_context__ or caught.value.__context__ is None
        assert text not in str(caught.value)


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    for path in (tmp_path / "absent", tmp_path):
        with pytest.raises(AttesterKeyError, match="names no readable file"):
            addresses(path)
