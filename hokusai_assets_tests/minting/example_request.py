"""A mint request of a measured contribution, attesters' keys, and changes of typed data."""

import copy
from collections.abc import Callable, Iterator
from typing import Any

from eth_account import Account

from hokusai_assets.minting.mint_request import (
    MintRequest,
    RequestTerms,
    VerifierContract,
    request_of,
)
from hokusai_assets.minting.request_file import SignedRequest
from hokusai_assets.minting.typed_data import digest_of, sign
from hokusai_assets_tests.attestation.changed_statements import KeyPath, changed
from hokusai_assets_tests.attestation.measured_contribution import resign
from hokusai_assets_tests.privacy.test_wallet_addresses import EIP55

DEADLINE = 4_000_000_000
MODEL_ID = 7
CONTRACT = VerifierContract(31337, EIP55[4])
ATTESTERS = sorted(
    (Account.from_key(bytes([number]) * 32) for number in range(1, 5)),
    key=lambda account: int(account.address, 16),
)
CLAIM: KeyPath = ("predicate", "claim")


def claimed(statement: dict[str, Any], path: KeyPath, change: Callable[[Any], Any]) -> Any:
    """Return a statement with a part of its claim changed, its hashes made to fit."""
    other = changed(statement, (*CLAIM, *path), change)
    resign(other)
    return other


def with_wallets(statement: dict[str, Any]) -> dict[str, Any]:
    """Return the statement with a wallet for every contributor."""
    wallets = iter(EIP55)
    return claimed(
        statement,
        ("contributors",),
        lambda people: [who | {"wallet": next(wallets)} for who in people],
    )


def example(statement: dict[str, Any], **terms: Any) -> MintRequest:
    return request_of(
        statement, RequestTerms(**({"model_id": MODEL_ID, "deadline": DEADLINE} | terms))
    )


def signed(request: MintRequest, contract: VerifierContract, *accounts: Any) -> SignedRequest:
    found = SignedRequest(request, contract)
    return found.signed_also([sign(found.digest, account) for account in accounts])


def signatures_on(document: dict[str, Any], *accounts: Any) -> list[str]:
    """Return signatures on typed data of any content, in the order of the accounts."""
    return [sign(digest_of(document), account).signature for account in accounts]


def leaf_paths(node: Any, path: KeyPath = ()) -> Iterator[KeyPath]:
    if isinstance(node, dict | list):
        for key, value in node.items() if isinstance(node, dict) else enumerate(node):
            yield from leaf_paths(value, (*path, key))
    else:
        yield path


def put(document: dict[str, Any], path: KeyPath, value: Any) -> dict[str, Any]:
    """Return a copy of typed data with one value of its message replaced."""
    copied = copy.deepcopy(document)
    node: Any = copied["message"]
    for key in path[:-1]:
        node = node[key]
    node[path[-1]] = value
    return copied


def got(document: dict[str, Any], path: KeyPath) -> Any:
    node: Any = document["message"]
    for key in path:
        node = node[key]
    return node
