"""The mint request: what of an attestation a contract is told, and when there is none to make."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from Crypto.Hash import keccak

from hokusai_assets.contributions.manifest import TOTAL_BASIS_POINTS
from hokusai_assets.evaluation.rounding import ppm_to_bps
from hokusai_assets.minting.model_commitment import commitments_of
from hokusai_assets.privacy.wallet_addresses import (
    ZERO_ADDRESS,
    eip55_checksummed,
    is_ethereum_address,
)

# Every benchmark's task is one of classification (binary or multiclass).
METRIC_FAMILY = "classification"
MAX_SCORE_BPS = 10_000
MAX_CONTRIBUTORS = 100
MAX_TEXT_BYTES = 128
MAX_UINT256 = 2**256 - 1
# A signature that stays good for long outlives what its attester knew; 365 days in seconds.
MAX_VALIDITY = 31_536_000


class NoMintRequest(ValueError):
    """There is no request to make, or a value has no place in one; says why and the remedy."""


@dataclass(frozen=True)
class VerifierContract:
    """The contract that a request is signed for: EIP-155 chain id, and address in EIP-55 case.

    Raises:
        NoMintRequest: the chain id is no uint256 above 0, or the address fails its checksum.
    """

    chain_id: int
    address: str

    def __post_init__(self) -> None:
        """Check both and bring the address into its one form."""
        _require_uint("the chain id", self.chain_id, least=1)
        object.__setattr__(self, "address", checked_address("the contract", self.address))


@dataclass(frozen=True)
class Payee:
    """A wallet in EIP-55 case and its weight in basis points (1 to 10000)."""

    wallet: str
    weight_bps: int


@dataclass(frozen=True)
class BenchmarkAnchors:
    """What ties a request to its benchmark and attestation; hashes are 0x and 64 hex digits.

    Attributes:
        spec_hash: Keccak-256 of the benchmark's id in UTF-8.
        dataset_hash: Merkle root of the whole test set.
        attestation_hash: the attestation's.
        idempotency_key: see `idempotency_key`.
        metric_name: the benchmark's primary metric.
        metric_family: `METRIC_FAMILY`.
    """

    spec_hash: str
    dataset_hash: str
    attestation_hash: str
    idempotency_key: str
    metric_name: str
    metric_family: str


@dataclass(frozen=True)
class MintRequest:
    """All that attesters sign, besides the contract it is for.

    Attributes:
        model_id: the contract's number of the model.
        pipeline_run_id: a name for people, 1 to 128 bytes of UTF-8.
        baseline_score_bps: the accepted model's score in basis points, 0 to 10000.
        candidate_score_bps: that and what is payable, at most 10000.
        max_cost_usd_micro, actual_cost_usd_micro: millionths of a dollar; a maximum of 0 is none.
        total_samples: test rows that the settlement stands on.
        anchors: the benchmark and the attestation.
        baseline_commitment, candidate_commitment: 0x and 64 hex; see `model_commitment`.
        deadline: Unix time (s) after which the contract refuses it.
        contributors: 1 to 100 wallets, each once, weights summing to 10000.

    Raises:
        NoMintRequest: one of these does not hold.
    """

    model_id: int
    pipeline_run_id: str
    baseline_score_bps: int
    candidate_score_bps: int
    max_cost_usd_micro: int
    actual_cost_usd_micro: int
    total_samples: int
    anchors: BenchmarkAnchors
    baseline_commitment: str
    candidate_commitment: str
    deadline: int
    contributors: tuple[Payee, ...]

    def __post_init__(self) -> None:
        """Check what the contract will check, so that nobody signs what it refuses."""
        for name, least in (
            ("model_id", 0),
            ("baseline_score_bps", 0),
            ("candidate_score_bps", 0),
            ("max_cost_usd_micro", 0),
            ("actual_cost_usd_micro", 0),
            ("total_samples", 1),
            ("deadline", 1),
        ):
            _require_uint(name, getattr(self, name), least=least)
        if self.candidate_score_bps > MAX_SCORE_BPS:
            raise NoMintRequest(f"candidate_score_bps is above {MAX_SCORE_BPS}")
        if self.candidate_score_bps <= self.baseline_score_bps:
            raise NoMintRequest(
                "candidate_score_bps is not above baseline_score_bps: nothing gained"
            )
        if 0 < self.max_cost_usd_micro < self.actual_cost_usd_micro:
            raise NoMintRequest("actual_cost_usd_micro is above max_cost_usd_micro")
        _require_text("pipeline_run_id", self.pipeline_run_id)
        _require_text("metric_name", self.anchors.metric_name)
        _require_text("metric_family", self.anchors.metric_family)
        for name in ("spec_hash", "dataset_hash", "attestation_hash", "idempotency_key"):
            _require_hash(name, getattr(self.anchors, name))
        _require_hash("baseline_commitment", self.baseline_commitment)
        _require_hash("candidate_commitment", self.candidate_commitment)
        if self.candidate_commitment == self.baseline_commitment:
            raise NoMintRequest("candidate_commitment is baseline_commitment: no other model")
        _require_payees(self.contributors)


@dataclass(frozen=True)
class RequestTerms:
    """What a request holds that the attestation does not say; see `MintRequest`.

    An empty `pipeline_run_id` stands for ``hokusai-`` and 12 hex digits of the attestation hash.
    """

    model_id: int
    deadline: int
    pipeline_run_id: str = ""
    max_cost_usd_micro: int = 0
    actual_cost_usd_micro: int = 0


def request_of(statement: Mapping[str, Any], terms: RequestTerms) -> MintRequest:
    """Return the request that an attestation entitles to.

    The gain it states is what is payable, never the point estimate: a contract pays on candidate
    minus baseline. Contributors with the same wallet are paid as one, at the first one's place.

    Args:
        statement: of an attestation that was verified (`attestation.verification.verify`).
        terms: what the attestation does not say.

    Raises:
        NoMintRequest: it is a dry run, nothing is payable, the metric has no place in a request,
            a contributor has no wallet, or a term is not allowed.
    """
    predicate = statement["predicate"]
    claim, attestation_hash = predicate["claim"], predicate["attestation_hash"]
    settled, benchmark = claim["settlement"], claim["result"]["benchmark"]
    payable = _payable_bps(claim)
    measured, primary = settled["measurement"], settled["rule"]["primary"]
    metric = measured["metrics"][primary]
    if metric["direction"] != "higher":
        raise NoMintRequest(
            f"of {primary} less is better, and a contract pays on a candidate above the baseline: "
            "make requests for benchmarks whose primary metric rises"
        )
    baseline = ppm_to_bps(metric["baseline_ppm"])
    before, after = commitments_of(claim)
    return MintRequest(
        model_id=terms.model_id,
        pipeline_run_id=terms.pipeline_run_id or f"hokusai-{attestation_hash[:12]}",
        baseline_score_bps=baseline,
        candidate_score_bps=baseline + payable,
        max_cost_usd_micro=terms.max_cost_usd_micro,
        actual_cost_usd_micro=terms.actual_cost_usd_micro,
        total_samples=measured["test_rows"],
        anchors=BenchmarkAnchors(
            spec_hash=benchmark_spec_hash(benchmark["id"]),
            dataset_hash=f"0x{benchmark['test_root']}",
            attestation_hash=f"0x{attestation_hash}",
            idempotency_key=idempotency_key(terms.model_id, attestation_hash),
            metric_name=primary,
            metric_family=METRIC_FAMILY,
        ),
        baseline_commitment=f"0x{before}",
        candidate_commitment=f"0x{after}",
        deadline=terms.deadline,
        contributors=_payees_of(claim["contributors"]),
    )


def require_open(deadline: int, now: int) -> None:
    """Check that a deadline is ahead, by a year (`MAX_VALIDITY`) at most; both are Unix times (s).

    Raises:
        NoMintRequest: it is not.
    """
    if deadline <= now:
        raise NoMintRequest("the deadline is not in the future; it is a Unix time in seconds")
    if deadline - now > MAX_VALIDITY:
        raise NoMintRequest("the deadline is more than a year (365 days) ahead")


def benchmark_spec_hash(benchmark_id: str) -> str:
    """Return 0x and the Keccak-256 (64 hex) of a benchmark's id in UTF-8."""
    return "0x" + keccak.new(digest_bits=256, data=benchmark_id.encode()).hexdigest()


def idempotency_key(model_id: int, attestation_hash: str) -> str:
    """Return 0x and the SHA-256 (64 hex) of ``<model id in decimal>:<attestation hash in hex>``."""
    return "0x" + hashlib.sha256(f"{model_id}:{attestation_hash}".encode()).hexdigest()


def checked_address(name: str, address: str) -> str:
    """Return 0x and 40 hex digits in EIP-55 case; one in mixed case must have that case.

    Raises:
        NoMintRequest: it is none, or the zero address.
    """
    if not address.startswith("0x") or not is_ethereum_address(address):
        raise NoMintRequest(
            f"{name} is no address: 0x and 40 hex digits, EIP-55 where case is mixed"
        )
    if address == ZERO_ADDRESS:
        raise NoMintRequest(f"{name} is the zero address")
    return eip55_checksummed(address)


def _payable_bps(claim: Mapping[str, Any]) -> int:
    if claim["dry_run"] is not False:
        raise NoMintRequest("the attestation is a dry run: it attests nothing")
    decided = claim["settlement"]["delta_one"]
    if not decided["accepted"]:
        raise NoMintRequest("the contribution is not accepted: nothing is payable")
    payable: int = decided["payable_bps"]
    if payable < 1:
        raise NoMintRequest(
            "the contribution is accepted, yet no basis point of it is payable: move the model's "
            "head past it in the contract, so that the next request fits"
        )
    return payable


def _payees_of(contributors: Sequence[Mapping[str, Any]]) -> tuple[Payee, ...]:
    if not contributors:
        raise NoMintRequest(
            "the attestation names no contributors: whoever sends a file names them, with wallets, "
            "in its sidecar (`hokusai check --init FILE`)"
        )
    # By repr: an id that was not verified may hold control characters.
    missing = [repr(who["id"]) for who in contributors if who["wallet"] is None]
    if missing:
        raise NoMintRequest(f"no wallet is attested for: {', '.join(missing)}")
    weights: dict[str, int] = {}
    for who in contributors:
        wallet = checked_address("a contributor's wallet", who["wallet"])
        weights[wallet] = weights.get(wallet, 0) + who["weight_bps"]
    return tuple(Payee(wallet, weight) for wallet, weight in weights.items())


def _require_payees(payees: Sequence[Payee]) -> None:
    if not 1 <= len(payees) <= MAX_CONTRIBUTORS:
        raise NoMintRequest(f"{len(payees)} wallets, where 1 to {MAX_CONTRIBUTORS} are allowed")
    wallets = [checked_address("a contributor's wallet", payee.wallet) for payee in payees]
    if wallets != [payee.wallet for payee in payees]:
        raise NoMintRequest("a wallet is not in EIP-55 case")
    if len(set(wallets)) != len(wallets):
        raise NoMintRequest("a wallet stands twice")
    for payee in payees:
        _require_uint("weight_bps", payee.weight_bps, least=1)
    total = sum(payee.weight_bps for payee in payees)
    if total != TOTAL_BASIS_POINTS:
        raise NoMintRequest(f"the weights sum to {total}, not {TOTAL_BASIS_POINTS}")


def _require_uint(name: str, value: int, *, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= MAX_UINT256:
        raise NoMintRequest(f"{name} is no whole number from {least} to 2**256 - 1")


def _require_text(name: str, value: str) -> None:
    try:
        size = len(value.encode())
    except UnicodeEncodeError:
        raise NoMintRequest(f"{name} has no UTF-8 form") from None
    if not 1 <= size <= MAX_TEXT_BYTES:
        raise NoMintRequest(f"{name} has {size} bytes, where 1 to {MAX_TEXT_BYTES} are allowed")


def _require_hash(name: str, value: str) -> None:
    if not re.fullmatch("0x[0-9a-f]{64}", value) or not int(value, 16):
        raise NoMintRequest(f"{name} is not 0x and 64 lower-case hex digits, other than zero")
