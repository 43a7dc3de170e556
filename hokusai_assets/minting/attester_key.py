"""Attesters' secp256k1 keys: from the environment or from files that only their owner can read."""

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hokusai_assets.minting.contracts_extra import contracts_module

KEY_VARIABLE = "HOKUSAI_ATTESTER_KEY"
KEY_FILE_VARIABLE = "HOKUSAI_ATTESTER_KEY_FILE"
# A key and some white space; more is no key, and is not read.
_MAX_BYTES = 1024


class AttesterKeyError(ValueError):
    """No usable attester key; the message says what to do and holds no key material."""


def load_attesters(*, environment: Mapping[str, str], files: Sequence[Path]) -> list[Any]:
    """Return the accounts to sign with; empty where no key is given.

    Taken from the files if any are given, else from ``HOKUSAI_ATTESTER_KEY``, else from the file
    that ``HOKUSAI_ATTESTER_KEY_FILE`` names. A key is 64 hex digits, with or without 0x.

    Raises:
        AttesterKeyError: a key can't be read or is none, a file is open to others than its
            owner, or two keys are the same.
        ContractsExtraMissing: eth-account is not installed.
    """
    if files:
        accounts = [_from_file(path, str(path)) for path in files]
    elif text := environment.get(KEY_VARIABLE):
        accounts = [_account(text, KEY_VARIABLE)]
    elif path := environment.get(KEY_FILE_VARIABLE):
        accounts = [_from_file(Path(path), KEY_FILE_VARIABLE)]
    else:
        accounts = []
    if len({account.address for account in accounts}) != len(accounts):
        raise AttesterKeyError("two key files hold the same key: give each once")
    return accounts


def _from_file(path: Path, name: str) -> Any:
    try:
        with path.open("rb") as stream:
            # Of the open file: its name may lead elsewhere a moment later.
            mode = os.fstat(stream.fileno()).st_mode
            if mode & 0o077:
                raise AttesterKeyError(
                    f"{name} is open to others than its owner; chmod 600 it before signing"
                )
            data = stream.read(_MAX_BYTES + 1)
    except OSError:
        raise AttesterKeyError(f"{name} names no readable file") from None
    return _account(data.decode("latin-1"), name)


def _account(text: str, name: str) -> Any:
    eth_account = contracts_module("eth_account")
    digits = text.strip().removeprefix("0x")
    if re.fullmatch("[0-9a-fA-F]{64}", digits):
        try:
            return eth_account.Account.from_key(bytes.fromhex(digits))
        except Exception:  # zero or beyond the curve's order: each backend has its own error
            pass
    raise AttesterKeyError(f"{name} holds no secp256k1 private key: 64 hex digits")
