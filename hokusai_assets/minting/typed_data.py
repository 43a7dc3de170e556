"""The wire form of a mint request: EIP-712 typed data, its digest, signatures and the calldata.

Standards: https://eips.ethereum.org/EIPS/eip-712 (hashing), https://eips.ethereum.org/EIPS/eip-2
(of a signature's two forms only the one with the lower s is taken). Needs the extra `contracts`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from hokusai_assets.minting.contracts_extra import contracts_module
from hokusai_assets.minting.mint_request import MintRequest, VerifierContract

DOMAIN_NAME = "HokusaiDeltaVerifier"
DOMAIN_VERSION = "1"
PRIMARY_TYPE = "MintRequest"
# Types and the order of their fields are fixed by the verifiers that are deployed.
_FIELDS = {
    "EIP712Domain": "string name,string version,uint256 chainId,address verifyingContract",
    "MintRequest": "uint256 modelId,MintRequestPayload payload,Contributor[] contributors",
    "MintRequestPayload": "string pipelineRunId,uint256 baselineScoreBps,"
    "uint256 candidateScoreBps,uint256 maxCostUsdMicro,uint256 actualCostUsdMicro,"
    "uint256 totalSamples,BenchmarkAnchors anchors,bytes32 baselineCommitment,"
    "bytes32 candidateCommitment,uint256 deadline",
    "BenchmarkAnchors": "bytes32 benchmarkSpecHash,bytes32 datasetHash,bytes32 attestationHash,"
    "bytes32 idempotencyKey,string metricName,string metricFamily",
    "Contributor": "address walletAddress,uint256 weight",
}
TYPES: dict[str, list[dict[str, str]]] = {
    name: [
        dict(zip(("type", "name"), field.split(" "), strict=True)) for field in fields.split(",")
    ]
    for name, fields in _FIELDS.items()
}
_ANCHORS_ABI = "(bytes32,bytes32,bytes32,bytes32,string,string)"
_PAYLOAD_ABI = (
    f"(string,uint256,uint256,uint256,uint256,uint256,{_ANCHORS_ABI},bytes32,bytes32,uint256)"
)
_ARGUMENTS = ("uint256", _PAYLOAD_ABI, "(address,uint256)[]", "bytes[]")
FUNCTION = f"submitMintRequest({','.join(_ARGUMENTS)})"
_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


class NotASignature(ValueError):
    """The text is no signature that a contract would take; says why, never the text."""


@dataclass(frozen=True)
class Signature:
    """A signer's address in EIP-55 case, and 0x and 130 hex digits: r, s, v in 65 bytes."""

    signer: str
    signature: str


def typed_data(request: MintRequest, contract: VerifierContract) -> dict[str, Any]:
    """Return a request as EIP-712 typed data in JSON, as wallets take it to sign.

    A uint256 is a decimal string, since JSON numbers lose digits; the chain id alone is a number.
    """
    return {
        "types": TYPES,
        "primaryType": PRIMARY_TYPE,
        "domain": {
            "name": DOMAIN_NAME,
            "version": DOMAIN_VERSION,
            "chainId": contract.chain_id,
            "verifyingContract": contract.address,
        },
        "message": {
            "modelId": str(request.model_id),
            "payload": {
                "pipelineRunId": request.pipeline_run_id,
                "baselineScoreBps": str(request.baseline_score_bps),
                "candidateScoreBps": str(request.candidate_score_bps),
                "maxCostUsdMicro": str(request.max_cost_usd_micro),
                "actualCostUsdMicro": str(request.actual_cost_usd_micro),
                "totalSamples": str(request.total_samples),
                "anchors": {
                    "benchmarkSpecHash": request.anchors.spec_hash,
                    "datasetHash": request.anchors.dataset_hash,
                    "attestationHash": request.anchors.attestation_hash,
                    "idempotencyKey": request.anchors.idempotency_key,
                    "metricName": request.anchors.metric_name,
                    "metricFamily": request.anchors.metric_family,
                },
                "baselineCommitment": request.baseline_commitment,
                "candidateCommitment": request.candidate_commitment,
                "deadline": str(request.deadline),
            },
            "contributors": [
                {"walletAddress": payee.wallet, "weight": str(payee.weight_bps)}
                for payee in request.contributors
            ],
        },
    }


def digest_of(document: dict[str, Any]) -> bytes:
    """Return the 32 bytes of EIP-712 typed data that are signed.

    Raises:
        ContractsExtraMissing: eth-account is not installed.
    """
    signable = contracts_module("eth_account.messages").encode_typed_data(full_message=document)
    joined = b"\x19" + signable.version + signable.header + signable.body
    digest: bytes = contracts_module("eth_utils").keccak(joined)
    return digest


def sign(digest: bytes, account: Any) -> Signature:
    """Sign a digest (32 bytes) with an account of `attester_key`; deterministic (RFC 6979)."""
    signed = account.unsafe_sign_hash(digest)
    return Signature(account.address, "0x" + bytes(signed.signature).hex())


def signature_on(digest: bytes, text: str) -> Signature:
    """Return a signature on a digest (32 bytes) together with whoever made it.

    Raises:
        NotASignature: it is not 0x and 130 hex digits, has another v than 27 or 28 or the higher
            s, or belongs to no key.
        ContractsExtraMissing: eth-account is not installed.
    """
    keys = contracts_module("eth_keys")
    try:
        raw = bytes.fromhex(text.removeprefix("0x"))
    except ValueError:
        raw = b""
    if len(raw) != 65 or not text.startswith("0x"):
        raise NotASignature("a signature is 0x and 130 hex digits")
    s, v = int.from_bytes(raw[32:64], "big"), raw[64]
    if v not in (27, 28):
        raise NotASignature("the signature's last byte is neither 27 nor 28")
    if s > _ORDER // 2:
        raise NotASignature("the signature has the higher s, which contracts refuse")
    try:
        made = keys.keys.Signature(raw[:64] + bytes([v - 27]))
        key = made.recover_public_key_from_msg_hash(digest)
    except (keys.exceptions.BadSignature, keys.exceptions.ValidationError):
        raise NotASignature("the signature belongs to no key") from None
    return Signature(key.to_checksum_address(), "0x" + raw.hex())


def signature_by(digest: bytes, text: str, signer: str) -> Signature:
    """Return a signature on a digest (32 bytes) by a signer (address in EIP-55 case).

    Any 65 bytes of the right form recover some address, so only the signer tells a wrong one.

    Raises:
        NotASignature: as `signature_on`, or it is not by that signer on that digest.
        ContractsExtraMissing: eth-account is not installed.
    """
    found = signature_on(digest, text)
    if found.signer != signer:
        raise NotASignature(f"the signature is not one of {signer} on this request's digest")
    return found


def in_order(signatures: Iterable[Signature]) -> tuple[Signature, ...]:
    """Return signatures in strictly ascending order of their signers, each signer once."""
    by_signer = {int(signature.signer, 16): signature for signature in signatures}
    return tuple(by_signer[signer] for signer in sorted(by_signer))


def calldata(request: MintRequest, signatures: Sequence[Signature]) -> bytes:
    """Return the call of ``submitMintRequest`` with a request and its signatures.

    Raises:
        ContractsExtraMissing: eth-account is not installed.
    """
    anchors = request.anchors
    payload = (
        request.pipeline_run_id,
        request.baseline_score_bps,
        request.candidate_score_bps,
        request.max_cost_usd_micro,
        request.actual_cost_usd_micro,
        request.total_samples,
        (
            _bytes(anchors.spec_hash),
            _bytes(anchors.dataset_hash),
            _bytes(anchors.attestation_hash),
            _bytes(anchors.idempotency_key),
            anchors.metric_name,
            anchors.metric_family,
        ),
        _bytes(request.baseline_commitment),
        _bytes(request.candidate_commitment),
        request.deadline,
    )
    payees = [(payee.wallet, payee.weight_bps) for payee in request.contributors]
    signed = [_bytes(signature.signature) for signature in in_order(signatures)]
    selector: bytes = contracts_module("eth_utils").keccak(text=FUNCTION)[:4]
    arguments: bytes = contracts_module("eth_abi").encode(
        _ARGUMENTS, (request.model_id, payload, payees, signed)
    )
    return selector + arguments


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text[2:])
