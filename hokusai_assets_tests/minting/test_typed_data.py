"""The wire form: published examples of EIP-712, the fixed types, signatures, the call."""

import json
import subprocess
import sys
from typing import Any

import pytest
from Crypto.Hash import keccak
from eth_account import Account
from hypothesis import given
from hypothesis import strategies as st

from hokusai_assets.minting import contracts_extra
from hokusai_assets.minting.contracts_extra import ContractsExtraMissing
from hokusai_assets.minting.mint_request import MintRequest
from hokusai_assets.minting.typed_data import (
    NotASignature,
    Signature,
    calldata,
    digest_of,
    in_order,
    sign,
    signature_by,
    signature_on,
    typed_data,
)
from hokusai_assets_tests.minting.chain import submission
from hokusai_assets_tests.minting.example_request import (
    ATTESTERS,
    CONTRACT,
    leaf_paths,
    put,
    signed,
)

# The example of EIP-712, https://eips.ethereum.org/assets/eip-712/Example.js.
MAIL: dict[str, Any] = {
    "types": {
        "EIP712Domain": [
            {"name": "name", "type": "string"},
            {"name": "version", "type": "string"},
            {"name": "chainId", "type": "uint256"},
            {"name": "verifyingContract", "type": "address"},
        ],
        "Person": [{"name": "name", "type": "string"}, {"name": "wallet", "type": "address"}],
        "Mail": [
            {"name": "from", "type": "Person"},
            {"name": "to", "type": "Person"},
            {"name": "contents", "type": "string"},
        ],
    },
    "primaryType": "Mail",
    "domain": {
        "name": "Ether Mail",
        "version": "1",
        "chainId": 1,
        "verifyingContract": "0xCcCCccccCCCCcCCCCCCcCcCccCcCCCcCcccccccC",
    },
    "message": {
        "from": {"name": "Cow", "wallet": "0xCD2a3d9F938E13CD947Ec05AbC7FE734Df8DD826"},
        "to": {"name": "Bob", "wallet": "0xbBbBBBBbbBBBbbbBbbBbbbbBBbBbbbbBbBbbBBbB"},
        "contents": "Hello, Bob!",
    },
}
MAIL_DIGEST = "be609aee343fb3c4b28e1df9e632fca64fcfaede20f02e86244efddf30957bd2"
MAIL_SIGNATURE = (
    "0x4355c47d63924e8a72e509b65029052eb6c299d53a04e167c5775fd466751c9d"
    "07299936d304c153f6443dfa05f40ff007d72911b6f72307f996231605b91562"
    "1c"
)
COW = "0xCD2a3d9F938E13CD947Ec05AbC7FE734Df8DD826"
ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141

# The types as the verifiers that are deployed fix them.
PAYLOAD = (
    "MintRequestPayload(string pipelineRunId,uint256 baselineScoreBps,uint256 candidateScoreBps,"
    "uint256 maxCostUsdMicro,uint256 actualCostUsdMicro,uint256 totalSamples,"
    "BenchmarkAnchors anchors,bytes32 baselineCommitment,bytes32 candidateCommitment,"
    "uint256 deadline)"
)
ANCHORS = (
    "BenchmarkAnchors(bytes32 benchmarkSpecHash,bytes32 datasetHash,bytes32 attestationHash,"
    "bytes32 idempotencyKey,string metricName,string metricFamily)"
)
CONTRIBUTOR = "Contributor(address walletAddress,uint256 weight)"
REQUEST = "MintRequest(uint256 modelId,MintRequestPayload payload,Contributor[] contributors)"
DOMAIN = "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"


def hashed(data: bytes | str) -> bytes:
    raw = data.encode() if isinstance(data, str) else data
    return keccak.new(digest_bits=256, data=raw).digest()


def word(value: str | int) -> bytes:
    number = int(value, 16) if isinstance(value, str) and value.startswith("0x") else int(value)
    return number.to_bytes(32, "big")


def digest_by_hand(document: dict[str, Any]) -> bytes:
    """Return the digest as EIP-712 says it, written out for these types."""
    domain, message = document["domain"], document["message"]
    payload = message["payload"]
    anchors = payload["anchors"]
    anchors_hash = hashed(
        hashed(ANCHORS)
        + word(anchors["benchmarkSpecHash"])
        + word(anchors["datasetHash"])
        + word(anchors["attestationHash"])
        + word(anchors["idempotencyKey"])
        + hashed(anchors["metricName"])
        + hashed(anchors["metricFamily"])
    )
    payload_hash = hashed(
        hashed(PAYLOAD + ANCHORS)
        + hashed(payload["pipelineRunId"])
        + word(payload["baselineScoreBps"])
        + word(payload["candidateScoreBps"])
        + word(payload["maxCostUsdMicro"])
        + word(payload["actualCostUsdMicro"])
        + word(payload["totalSamples"])
        + anchors_hash
        + word(payload["baselineCommitment"])
        + word(payload["candidateCommitment"])
        + word(payload["deadline"])
    )
    people = b"".join(
        hashed(hashed(CONTRIBUTOR) + word(who["walletAddress"]) + word(who["weight"]))
        for who in message["contributors"]
    )
    request_hash = hashed(
        hashed(REQUEST + ANCHORS + CONTRIBUTOR + PAYLOAD)
        + word(message["modelId"])
        + payload_hash
        + hashed(people)
    )
    domain_hash = hashed(
        hashed(DOMAIN)
        + hashed("HokusaiDeltaVerifier")
        + hashed("1")
        + word(domain["chainId"])
        + word(domain["verifyingContract"])
    )
    return hashed(b"\x19\x01" + domain_hash + request_hash)


def test_the_published_example_has_its_digest_and_signature() -> None:
    assert digest_of(MAIL).hex() == MAIL_DIGEST
    cow = Account.from_key(hashed("cow"))
    assert sign(digest_of(MAIL), cow) == Signature(COW, MAIL_SIGNATURE)
    assert signature_on(digest_of(MAIL), MAIL_SIGNATURE) == Signature(COW, MAIL_SIGNATURE)


def test_a_signature_is_taken_only_of_the_signer_named_and_on_that_digest() -> None:
    digest = digest_of(MAIL)
    assert signature_by(digest, MAIL_SIGNATURE, COW) == Signature(COW, MAIL_SIGNATURE)
    # Both recover some address; neither is an error of form.
    for other, signer in ((digest, ATTESTERS[0].address), (hashed("another"), COW)):
        assert signature_on(other, MAIL_SIGNATURE).signer != signer
        with pytest.raises(NotASignature, match=f"not one of {signer}"):
            signature_by(other, MAIL_SIGNATURE, signer)


def test_a_request_has_the_digest_that_the_standard_gives(mint_request: MintRequest) -> None:
    document = typed_data(mint_request, CONTRACT)
    assert digest_of(document) == digest_by_hand(document)


@given(data=st.data())
def test_any_value_is_hashed_as_the_standard_says(
    mint_request: MintRequest, data: st.DataObject
) -> None:
    document = typed_data(mint_request, CONTRACT)
    uint256 = st.integers(0, 2**256 - 1).map(str)
    bytes32 = st.binary(min_size=32, max_size=32).map(lambda raw: "0x" + raw.hex())
    text = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
    for path in list(leaf_paths(document["message"])):
        name = str(path[-1])
        if name == "walletAddress":
            continue
        kind = text if name in ("pipelineRunId", "metricName", "metricFamily") else uint256
        if name.endswith(("Hash", "Key", "Commitment")):
            kind = bytes32
        document = put(document, path, data.draw(kind))
    assert digest_of(document) == digest_by_hand(document)


def test_typed_data_survives_json(mint_request: MintRequest) -> None:
    document = typed_data(mint_request, CONTRACT)
    assert digest_of(json.loads(json.dumps(document))) == digest_of(document)


def test_the_call_is_what_the_contracts_interface_encodes(mint_request: MintRequest) -> None:
    made = signed(mint_request, CONTRACT, ATTESTERS[2], ATTESTERS[0])
    document = typed_data(mint_request, CONTRACT)
    expected = submission(document, [one.signature for one in made.signatures])
    assert calldata(mint_request, made.signatures) == expected
    assert calldata(mint_request, made.signatures[::-1]) == expected


@given(order=st.permutations(range(4)), again=st.integers(0, 3))
def test_signatures_stand_in_ascending_order_each_signer_once(order: list[int], again: int) -> None:
    made = [Signature(ATTESTERS[number].address, "0x") for number in [*order, order[again]]]
    found = in_order(made)
    assert [one.signer for one in found] == [account.address for account in ATTESTERS]


def test_what_is_no_signature_is_refused_and_not_echoed(mint_request: MintRequest) -> None:
    digest = digest_of(typed_data(mint_request, CONTRACT))
    text = sign(digest, ATTESTERS[0]).signature
    r, s, v = text[2:66], int(text[66:130], 16), int(text[130:], 16)
    for wrong, told in {
        text[2:]: "130 hex digits",
        text[:-2]: "130 hex digits",
        text[:-2] + "zz": "130 hex digits",
        text + "00": "130 hex digits",
        f"0x{r}{s:064x}{v - 27:02x}": "neither 27 nor 28",
        f"0x{r}{ORDER - s:064x}{55 - v:02x}": "the higher s",
        f"0x{'00' * 32}{s:064x}{v:02x}": "belongs to no key",
        f"0x{'ff' * 32}{s:064x}{v:02x}": "belongs to no key",
    }.items():
        with pytest.raises(NotASignature, match=told) as caught:
            signature_on(digest, wrong)
        assert r not in str(caught.value)


def test_without_the_extra_the_message_says_what_to_install(
    mint_request: MintRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As where eth-account was never installed: None in sys.modules makes an import fail so.
    for name in ("eth_account", "eth_account.messages", "eth_utils", "eth_abi", "eth_keys"):
        monkeypatch.setitem(sys.modules, name, None)
    assert typed_data(mint_request, CONTRACT)["primaryType"] == "MintRequest"
    with pytest.raises(ContractsExtraMissing, match=r"hokusai-assets\[contracts\]"):
        digest_of(typed_data(mint_request, CONTRACT))
    assert contracts_extra.INSTALL == "pip install 'hokusai-assets[contracts]'"


def test_importing_the_extra_leaves_the_recursion_limit_as_it_was() -> None:
    code = (
        "import sys; limit = sys.getrecursionlimit();"
        "from hokusai_assets.minting.contracts_extra import contracts_module;"
        "contracts_module('eth_account'); assert sys.getrecursionlimit() == limit"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
