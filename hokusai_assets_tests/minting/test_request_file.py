"""A request's file: what is read is what was written, and nothing that does not follow."""

import json
from typing import Any

import pytest

from hokusai_assets.minting.mint_request import MintRequest
from hokusai_assets.minting.request_file import (
    NotARequestFile,
    SignedRequest,
    parse,
    to_bytes,
)
from hokusai_assets.minting.typed_data import calldata, sign
from hokusai_assets_tests.attestation.changed_statements import changed
from hokusai_assets_tests.minting.example_request import (
    ATTESTERS,
    CONTRACT,
    EIP55,
    leaf_paths,
    signed,
)


@pytest.fixture
def made(mint_request: MintRequest) -> SignedRequest:
    return signed(mint_request, CONTRACT, *ATTESTERS[:2])


def test_a_file_is_read_as_it_was_written(made: SignedRequest) -> None:
    assert parse(to_bytes(made)) == made
    unsigned = SignedRequest(made.request, made.contract)
    assert parse(to_bytes(unsigned)) == unsigned


def test_an_unsigned_file_has_a_digest_and_no_call(mint_request: MintRequest) -> None:
    document = json.loads(to_bytes(SignedRequest(mint_request, CONTRACT)))
    assert document["calldata"] is None
    assert document["signatures"] == []
    assert len(bytes.fromhex(document["digest"][2:])) == 32


def test_signers_add_their_signatures_in_any_order(mint_request: MintRequest) -> None:
    both = signed(mint_request, CONTRACT, *ATTESTERS[:2])
    late = parse(to_bytes(signed(mint_request, CONTRACT, ATTESTERS[1])))
    late = late.signed_also([sign(late.digest, ATTESTERS[0])])
    assert late == both
    document = json.loads(to_bytes(late))
    assert document["calldata"] == "0x" + calldata(both.request, both.signatures).hex()
    # Signing again adds nothing.
    assert late.signed_also([sign(late.digest, ATTESTERS[0])]) == both


def test_equal_requests_give_equal_bytes(made: SignedRequest) -> None:
    assert to_bytes(made) == to_bytes(parse(to_bytes(made)))


def test_every_changed_leaf_is_caught(made: SignedRequest) -> None:
    document = json.loads(to_bytes(made))
    paths = list(leaf_paths(document))
    assert len(paths) > 60
    for path in paths:
        other = changed(document, path, lambda value: EIP55[6] if value != EIP55[6] else EIP55[5])
        with pytest.raises(NotARequestFile):
            parse(json.dumps(other).encode())
        if isinstance(value_at(document, path), int):
            other = changed(document, path, lambda value: value + 1)
        elif value_at(document, path).isdigit():
            other = changed(document, path, lambda value: str(int(value) + 1))
        else:
            continue
        with pytest.raises(NotARequestFile):
            parse(json.dumps(other).encode())


def value_at(document: Any, path: Any) -> Any:
    for key in path:
        document = document[key]
    return document


@pytest.mark.parametrize(
    "data",
    [b"", b"[]", b"null", b"{}", b'{"typedData": 1}', b'{"typedData": {}}', b"\xff", b"[" * 99999],
)
def test_other_files_are_refused_and_do_not_crash(data: bytes) -> None:
    with pytest.raises(NotARequestFile):
        parse(data)


@pytest.mark.parametrize("number", ["-1", "1e3", " 7", "٧", "1" * 100, "", 7, None, True])
def test_numbers_are_decimal_digits_in_quotes(made: SignedRequest, number: object) -> None:
    document = json.loads(to_bytes(made))
    other = changed(document, ("typedData", "message", "modelId"), lambda _: number)
    with pytest.raises(NotARequestFile):
        parse(json.dumps(other).encode())
