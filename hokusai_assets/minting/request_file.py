"""A mint request as a file: what is signed, who signed, and the call for the chain.

One JSON object: ``format`` (`FORMAT`), ``typedData`` (EIP-712), ``digest`` (0x and 64 hex: what is
signed), ``signatures`` (signer and signature, ascending by signer), ``to`` (the contract),
``calldata`` (of ``submitMintRequest`` with those signatures; null while there is none).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hokusai_assets.minting.mint_request import (
    BenchmarkAnchors,
    MintRequest,
    NoMintRequest,
    Payee,
    VerifierContract,
)
from hokusai_assets.minting.typed_data import (
    NotASignature,
    Signature,
    calldata,
    digest_of,
    in_order,
    signature_on,
    typed_data,
)

FORMAT = "hokusai/mint-request/v1"


class NotARequestFile(ValueError):
    """The bytes are no mint request of this form; says what is wrong."""


@dataclass(frozen=True)
class SignedRequest:
    """A request, the contract it is for, and the signatures on it, ascending by signer."""

    request: MintRequest
    contract: VerifierContract
    signatures: tuple[Signature, ...] = ()

    @property
    def digest(self) -> bytes:
        """The 32 bytes that attesters sign."""
        return digest_of(typed_data(self.request, self.contract))

    def signed_also(self, signatures: Sequence[Signature]) -> "SignedRequest":
        """Return it with further signatures; a signer who signed before stays one."""
        return SignedRequest(self.request, self.contract, in_order([*self.signatures, *signatures]))

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form; see the module."""
        call = calldata(self.request, self.signatures) if self.signatures else None
        return {
            "format": FORMAT,
            "typedData": typed_data(self.request, self.contract),
            "digest": "0x" + self.digest.hex(),
            "signatures": [
                {"signer": made.signer, "signature": made.signature} for made in self.signatures
            ],
            "to": self.contract.address,
            "calldata": None if call is None else "0x" + call.hex(),
        }


def to_bytes(signed: SignedRequest) -> bytes:
    """Return a request's file."""
    return (json.dumps(signed.to_dict(), indent=2, ensure_ascii=False) + "\n").encode()


def parse(data: bytes) -> SignedRequest:
    """Read a request's file; every signature in it is checked.

    Raises:
        NotARequestFile: it has another form, or a part does not follow from the typed data.
        ContractsExtraMissing: eth-account is not installed.
    """
    try:
        document = json.loads(data)
        found = _signed_request(document["typedData"])
        signatures = [
            signature_on(found.digest, made["signature"]) for made in document["signatures"]
        ]
        found = found.signed_also(signatures)
    except NotARequestFile:
        raise
    except (NoMintRequest, NotASignature) as error:
        raise NotARequestFile(str(error)) from None
    except (KeyError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise NotARequestFile(f"no mint request ({type(error).__name__})") from None
    # Whatever else the file says must follow from what is signed: nobody reads it twice.
    for key, value in found.to_dict().items():
        if document.get(key) != value:
            raise NotARequestFile(f"{key} does not follow from the typed data and signatures")
    return found


def _signed_request(data: Mapping[str, Any]) -> SignedRequest:
    domain, message = data["domain"], data["message"]
    payload = message["payload"]
    anchors = payload["anchors"]

    request = MintRequest(
        model_id=_number(message["modelId"]),
        pipeline_run_id=payload["pipelineRunId"],
        baseline_score_bps=_number(payload["baselineScoreBps"]),
        candidate_score_bps=_number(payload["candidateScoreBps"]),
        max_cost_usd_micro=_number(payload["maxCostUsdMicro"]),
        actual_cost_usd_micro=_number(payload["actualCostUsdMicro"]),
        total_samples=_number(payload["totalSamples"]),
        anchors=BenchmarkAnchors(
            spec_hash=anchors["benchmarkSpecHash"],
            dataset_hash=anchors["datasetHash"],
            attestation_hash=anchors["attestationHash"],
            idempotency_key=anchors["idempotencyKey"],
            metric_name=anchors["metricName"],
            metric_family=anchors["metricFamily"],
        ),
        baseline_commitment=payload["baselineCommitment"],
        candidate_commitment=payload["candidateCommitment"],
        deadline=_number(payload["deadline"]),
        contributors=tuple(
            Payee(who["walletAddress"], _number(who["weight"])) for who in message["contributors"]
        ),
    )
    return SignedRequest(request, VerifierContract(domain["chainId"], domain["verifyingContract"]))


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or len(text) > 78:
        raise NotARequestFile("a number is not written as decimal digits in quotes")
    return int(text)
