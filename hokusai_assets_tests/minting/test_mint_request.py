"""What of an attestation a request holds, and of which there is none."""

import dataclasses
import hashlib
from decimal import ROUND_HALF_EVEN, Decimal
from itertools import pairwise
from typing import Any

import pytest
from eth_utils import keccak
from hypothesis import given
from hypothesis import strategies as st

from hokusai_assets.minting.mint_request import (
    MAX_VALIDITY,
    MintRequest,
    NoMintRequest,
    Payee,
    VerifierContract,
    checked_address,
    idempotency_key,
    require_open,
)
from hokusai_assets_tests.attestation.measured_contribution import Parts
from hokusai_assets_tests.minting.example_request import (
    DEADLINE,
    EIP55,
    MODEL_ID,
    claimed,
    example,
)

PRIMARY = ("settlement", "measurement", "metrics", "auroc")


def test_a_request_says_what_the_attestation_says(
    parts: Parts, statement: dict[str, Any], mint_request: MintRequest
) -> None:
    hash_ = statement["predicate"]["attestation_hash"]
    assert mint_request.model_id == MODEL_ID
    assert mint_request.deadline == DEADLINE
    assert mint_request.total_samples == parts.benchmark.test.count == 1000
    anchors = mint_request.anchors
    assert anchors.spec_hash == "0x" + keccak(text=parts.benchmark.spec.id).hex()
    assert anchors.dataset_hash == "0x" + parts.benchmark.test.root
    assert anchors.attestation_hash == "0x" + hash_
    key = hashlib.sha256(f"7:{hash_}".encode()).hexdigest()
    assert anchors.idempotency_key == "0x" + key
    assert (anchors.metric_name, anchors.metric_family) == ("auroc", "classification")
    assert mint_request.contributors == (Payee(EIP55[0], 7000), Payee(EIP55[1], 3000))


def test_the_gain_is_what_is_payable_and_not_the_point_estimate(
    parts: Parts, mint_request: MintRequest
) -> None:
    decided = parts.settled["delta_one"]
    assert decided["payable_bps"] < decided["bps"]
    gained = mint_request.candidate_score_bps - mint_request.baseline_score_bps
    assert gained == decided["payable_bps"]


@given(ppm=st.integers(0, 980_000))
def test_the_baseline_is_rounded_half_to_even(statement: dict[str, Any], ppm: int) -> None:
    other = claimed(statement, (*PRIMARY, "baseline_ppm"), lambda _: ppm)
    expected = (Decimal(ppm) / 100).quantize(Decimal(1), rounding=ROUND_HALF_EVEN)
    assert example(other).baseline_score_bps == expected


@pytest.mark.parametrize(("ppm", "bps"), [(50, 0), (150, 2), (250, 2), (251, 3), (149, 1)])
def test_halves_go_to_the_even_basis_point(statement: dict[str, Any], ppm: int, bps: int) -> None:
    other = claimed(statement, (*PRIMARY, "baseline_ppm"), lambda _: ppm)
    assert example(other).baseline_score_bps == bps


def test_scores_beyond_the_whole_are_refused(statement: dict[str, Any]) -> None:
    for ppm in (995_000, -100):
        with pytest.raises(NoMintRequest, match="score_bps"):
            example(claimed(statement, (*PRIMARY, "baseline_ppm"), lambda _, ppm=ppm: ppm))


def test_a_dry_run_gives_no_request(parts: Parts) -> None:
    with pytest.raises(NoMintRequest, match="dry run"):
        example(parts.statement(dry_run=True))


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"accepted": False, "payable_bps": 0}, "not accepted"),
        ({"accepted": False}, "not accepted"),
        ({"payable_bps": 0}, "no basis point of it is payable"),
    ],
)
def test_what_is_not_payable_gives_no_request(
    statement: dict[str, Any], changes: dict[str, Any], told: str
) -> None:
    with pytest.raises(NoMintRequest, match=told):
        example(claimed(statement, ("settlement", "delta_one"), lambda found: found | changes))


def test_a_settlement_that_stays_private_gives_no_request(statement: dict[str, Any]) -> None:
    kept_back = {
        "released": False,
        "measurement": None,
        "certain_total_bps": None,
        "delta_one": {"accepted": False, "bps": None, "payable_bps": 0, "conditions": []},
    }
    with pytest.raises(NoMintRequest, match="not accepted"):
        example(claimed(statement, ("settlement",), lambda settled: settled | kept_back))


def test_a_metric_of_which_less_is_better_gives_no_request(statement: dict[str, Any]) -> None:
    with pytest.raises(NoMintRequest, match="of auroc less is better"):
        example(claimed(statement, (*PRIMARY, "direction"), lambda _: "lower"))


def test_contributors_need_a_wallet(parts: Parts, statement: dict[str, Any]) -> None:
    with pytest.raises(NoMintRequest, match="no wallet is attested for: 'bob'"):
        example(parts.statement())
    path = ("contributors", 1, "id")
    with pytest.raises(NoMintRequest) as caught:
        example(claimed(parts.statement(), path, lambda _: "b\x1b[2Job"))
    assert str(caught.value).isprintable()
    with pytest.raises(NoMintRequest, match="names no contributors"):
        example(claimed(statement, ("contributors",), lambda _: []))


def test_contributors_with_one_wallet_are_paid_as_one(statement: dict[str, Any]) -> None:
    people = [
        {"id": "a", "wallet": EIP55[4], "weight_bps": 1000},
        {"id": "b", "wallet": EIP55[5], "weight_bps": 3000},
        {"id": "c", "wallet": EIP55[4].lower(), "weight_bps": 6000},
    ]
    found = example(claimed(statement, ("contributors",), lambda _: people))
    assert found.contributors == (Payee(EIP55[4], 7000), Payee(EIP55[5], 3000))


def test_terms_enter_the_request(statement: dict[str, Any]) -> None:
    found = example(
        statement,
        pipeline_run_id="run 5",
        max_cost_usd_micro=9,
        actual_cost_usd_micro=8,
        model_id=2**256 - 1,
    )
    assert found.pipeline_run_id == "run 5"
    assert (found.max_cost_usd_micro, found.actual_cost_usd_micro) == (9, 8)
    hash_ = statement["predicate"]["attestation_hash"]
    assert found.anchors.idempotency_key == idempotency_key(2**256 - 1, hash_)
    assert example(statement).pipeline_run_id == f"hokusai-{hash_[:12]}"


@pytest.mark.parametrize(
    "terms",
    [
        {"model_id": -1},
        {"model_id": 2**256},
        {"model_id": True},
        {"deadline": 0},
        {"deadline": 2**256},
        {"max_cost_usd_micro": -1},
        {"max_cost_usd_micro": 5, "actual_cost_usd_micro": 6},
        {"pipeline_run_id": "x" * 129},
        {"pipeline_run_id": "é" * 65},
        {"pipeline_run_id": "\udcff"},
    ],
)
def test_terms_that_no_contract_takes_are_refused(
    statement: dict[str, Any], terms: dict[str, Any]
) -> None:
    with pytest.raises(NoMintRequest):
        example(statement, **terms)


def payees(*weights: int) -> tuple[Payee, ...]:
    return tuple(
        Payee(checked_address("a wallet", f"0x{number:040x}"), weight)
        for number, weight in enumerate(weights, 1)
    )


@given(cuts=st.sets(st.integers(1, 9_999), max_size=99))
def test_any_whole_weights_that_sum_to_the_whole_are_taken(
    mint_request: MintRequest, cuts: set[int]
) -> None:
    edges = [0, *sorted(cuts), 10_000]
    weights = [after - before for before, after in pairwise(edges)]
    found = dataclasses.replace(mint_request, contributors=payees(*weights))
    assert sum(payee.weight_bps for payee in found.contributors) == 10_000


@given(weights=st.lists(st.integers(1, 10_000), max_size=120).filter(lambda w: sum(w) != 10_000))
def test_other_weights_are_refused(mint_request: MintRequest, weights: list[int]) -> None:
    with pytest.raises(NoMintRequest):
        dataclasses.replace(mint_request, contributors=payees(*weights))


@pytest.mark.parametrize(
    "contributors",
    [
        payees(*[100] * 99, 50, 50),
        payees(5000, 5000)[:1] * 2,
        payees(0, 10_000),
        (Payee(EIP55[4].lower(), 10_000),),
        (Payee("0x" + "0" * 40, 10_000),),
        (Payee("0x" + "1" * 39, 10_000),),
    ],
)
def test_too_many_equal_or_malformed_wallets_are_refused(
    mint_request: MintRequest, contributors: tuple[Payee, ...]
) -> None:
    with pytest.raises(NoMintRequest):
        dataclasses.replace(mint_request, contributors=contributors)


def test_values_that_are_not_of_their_form_are_refused(mint_request: MintRequest) -> None:
    for changes in (
        {"baseline_score_bps": mint_request.candidate_score_bps},
        {"candidate_score_bps": 10_001},
        {"total_samples": 0},
        {"baseline_commitment": "0x" + "0" * 64},
        {"candidate_commitment": "ab" * 32},
        {"candidate_commitment": mint_request.baseline_commitment},
        {"anchors": dataclasses.replace(mint_request.anchors, spec_hash="0x" + "AB" * 32)},
        {"anchors": dataclasses.replace(mint_request.anchors, metric_name="")},
    ):
        with pytest.raises(NoMintRequest):
            dataclasses.replace(mint_request, **changes)


@pytest.mark.parametrize("address", EIP55)
def test_the_published_addresses_of_eip_55_are_taken_in_any_single_case(address: str) -> None:
    lower, upper = address.lower(), "0x" + address[2:].upper()
    expected = VerifierContract(1, lower).address
    assert VerifierContract(1, upper).address == expected
    assert VerifierContract(1, address).address == expected
    # Those in mixed case are published in the case that the checksum gives.
    if address[2:] not in (lower[2:], upper[2:]):
        assert expected == address
        with pytest.raises(NoMintRequest, match="EIP-55"):
            VerifierContract(1, "0x" + address[2:].swapcase())


@pytest.mark.parametrize(
    ("chain_id", "address"),
    [(0, EIP55[0]), (1, EIP55[0][2:]), (1, "0X" + EIP55[0][2:]), (1, ""), (1, "0x" + "0" * 40)],
)
def test_what_is_no_contract_is_refused(chain_id: int, address: str) -> None:
    with pytest.raises(NoMintRequest):
        VerifierContract(chain_id, address)


@given(now=st.integers(0, 2**40), ahead=st.integers(1, MAX_VALIDITY))
def test_a_deadline_within_a_year_is_open(now: int, ahead: int) -> None:
    require_open(now + ahead, now)


@given(now=st.integers(0, 2**40), ahead=st.integers(max_value=0))
def test_a_deadline_that_has_come_is_refused(now: int, ahead: int) -> None:
    with pytest.raises(NoMintRequest, match="not in the future"):
        require_open(now + ahead, now)


@given(now=st.integers(0, 2**40), ahead=st.integers(MAX_VALIDITY + 1, 2**256))
def test_a_deadline_beyond_a_year_is_refused(now: int, ahead: int) -> None:
    with pytest.raises(NoMintRequest, match="more than a year"):
        require_open(now + ahead, now)
