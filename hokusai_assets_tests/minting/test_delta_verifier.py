"""The verifier contract, run on an EVM: pays once what enough attesters signed, else reverts."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from eth_account import Account
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hokusai_assets.minting.mint_request import MintRequest
from hokusai_assets.minting.model_commitment import commitment_after
from hokusai_assets.minting.typed_data import TYPES, calldata, digest_of, typed_data
from hokusai_assets_tests.attestation.changed_statements import KeyPath
from hokusai_assets_tests.minting.chain import Chain, arguments_of, encoded, submission
from hokusai_assets_tests.minting.example_request import (
    ATTESTERS,
    EIP55,
    MODEL_ID,
    got,
    leaf_paths,
    put,
    signatures_on,
    signed,
)

pytestmark = pytest.mark.integration
RATE = 1_000_003
OUTSIDER = ATTESTERS[3]
FIRST, SECOND, THIRD = ATTESTERS[:3]
ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


@pytest.fixture(scope="module")
def deployed() -> Chain:
    return Chain([account.address for account in ATTESTERS[:3]], 2)


@pytest.fixture
def chain(deployed: Chain, mint_request: MintRequest) -> Iterator[Chain]:
    """Yield the chain with the model registered; what a test does to it is undone."""
    before = deployed.tester.take_snapshot()
    head = bytes.fromhex(mint_request.baseline_commitment[2:])
    deployed.transact(encoded("setModel", MODEL_ID, head, RATE), sender=deployed.owner)
    yield deployed
    deployed.tester.revert_to_snapshot(before)


@pytest.fixture
def document(deployed: Chain, mint_request: MintRequest) -> dict[str, Any]:
    return typed_data(mint_request, deployed.contract)


def signed_call(document: dict[str, Any], *accounts: Any) -> bytes:
    return submission(document, signatures_on(document, *(accounts or (FIRST, SECOND))))


def test_a_request_from_an_attestation_is_paid(chain: Chain, mint_request: MintRequest) -> None:
    made = signed(mint_request, chain.contract, SECOND, FIRST)
    receipt = chain.transact(calldata(made.request, made.signatures))
    gained = mint_request.candidate_score_bps - mint_request.baseline_score_bps
    reward = gained * RATE
    # 70% and 30%: the second share is floored, the first one takes the rest.
    second = reward * 3000 // 10_000
    wallets = [payee.wallet for payee in mint_request.contributors]
    balances = [chain.read("balanceOf", MODEL_ID, wallet) for wallet in wallets]
    assert balances == [reward - second, second]
    assert chain.read("totalSupply", MODEL_ID) == reward
    candidate = bytes.fromhex(mint_request.candidate_commitment[2:])
    assert chain.read("head", MODEL_ID) == candidate
    events = chain.events(receipt)
    assert [name for name, _ in events] == ["ContributorPaid", "ContributorPaid", "MintAccepted"]
    assert [values["amount"] for _, values in events[:2]] == balances
    accepted = events[2][1]
    assert (accepted["deltaBps"], accepted["reward"]) == (gained, reward)
    assert accepted["attestationHash"].hex() == mint_request.anchors.attestation_hash[2:]
    assert accepted["candidateCommitment"] == candidate


def test_a_replay_reverts_and_pays_nothing_more(
    chain: Chain, document: dict[str, Any], mint_request: MintRequest
) -> None:
    call = signed_call(document)
    chain.transact(call)
    supply = chain.read("totalSupply", MODEL_ID)
    assert "already paid" in chain.why_reverted(call)
    # By other attesters, and even if the owner sets the head back.
    head = bytes.fromhex(mint_request.baseline_commitment[2:])
    chain.transact(encoded("setModel", MODEL_ID, head, RATE), sender=chain.owner)
    assert "already paid" in chain.why_reverted(signed_call(document, SECOND, THIRD))
    other_key = put(document, ("payload", "anchors", "idempotencyKey"), "0x" + "77" * 32)
    assert "already paid" in chain.why_reverted(signed_call(other_key))
    other_attestation = put(document, ("payload", "anchors", "attestationHash"), "0x" + "77" * 32)
    assert "already paid" in chain.why_reverted(signed_call(other_attestation))
    assert chain.read("totalSupply", MODEL_ID) == supply


def test_a_contribution_attested_anew_is_paid_again_if_attesters_sign_it_and_the_head_is_set_back(
    chain: Chain, document: dict[str, Any], mint_request: MintRequest
) -> None:
    # The contract knows no contribution, as its README says: only attesters can refuse this.
    chain.transact(signed_call(document))
    supply = chain.read("totalSupply", MODEL_ID)
    head = bytes.fromhex(mint_request.baseline_commitment[2:])
    chain.transact(encoded("setModel", MODEL_ID, head, RATE), sender=chain.owner)
    anew = put(document, ("payload", "anchors", "attestationHash"), "0x" + "77" * 32)
    anew = put(anew, ("payload", "anchors", "idempotencyKey"), "0x" + "78" * 32)
    chain.transact(signed_call(anew))
    assert chain.read("totalSupply", MODEL_ID) == 2 * supply


# Values that the contract would take if they were signed, so that only the signature tells.
OTHERWISE_ALLOWED = {
    "modelId": str(MODEL_ID + 1),
    "baselineScoreBps": "1",
    "candidateScoreBps": "9999",
    "weight": None,
}


def altered(document: dict[str, Any], path: KeyPath) -> dict[str, Any]:
    value = got(document, path)
    if path[-1] == "weight":
        # The other weight makes up for it: they still sum to 10000.
        first = put(document, ("contributors", 0, "weight"), "6999")
        return put(first, ("contributors", 1, "weight"), "3001")
    if path[-1] == "walletAddress":
        return put(document, path, EIP55[5])
    if path[-1] in OTHERWISE_ALLOWED:
        return put(document, path, OTHERWISE_ALLOWED[str(path[-1])])
    if value.startswith("0x"):
        return put(document, path, value[:-2] + ("00" if value[-2:] != "00" else "01"))
    return put(document, path, str(int(value) + 1) if value.isdigit() else value + "x")


def test_every_signed_field_mutated_reverts(chain: Chain, document: dict[str, Any]) -> None:
    signatures = signatures_on(document, FIRST, SECOND)
    paths = list(leaf_paths(document["message"]))
    # As many as the types have, with two contributors.
    names = {name for kind in TYPES if kind != "EIP712Domain" for name in field_names(kind)}
    nested = {"payload", "contributors", "anchors"}
    assert {path[-1] for path in paths} == names - nested
    head = bytes.fromhex(got(document, ("payload", "baselineCommitment"))[2:])
    chain.transact(encoded("setModel", MODEL_ID + 1, head, RATE), sender=chain.owner)
    for path in paths:
        other = altered(document, path)
        assert digest_of(other) != digest_of(document), path
        told = chain.why_reverted(submission(other, signatures))
        if path[-1] == "baselineCommitment":
            assert "not measured against the model's head" in told
        else:
            assert "signers must ascend" in told or "a signer is no attester" in told, path
    chain.transact(submission(document, signatures))


def field_names(kind: str) -> list[str]:
    return [field["name"] for field in TYPES[kind]]


def test_a_reordered_or_shortened_list_of_contributors_reverts(
    chain: Chain, document: dict[str, Any]
) -> None:
    signatures = signatures_on(document, FIRST, SECOND)
    people = document["message"]["contributors"]
    for others in (people[::-1], [people[0] | {"weight": "10000"}]):
        other = put(document, ("contributors",), others)
        told = chain.why_reverted(submission(other, signatures))
        assert "signers must ascend" in told or "no attester" in told


@pytest.mark.parametrize("field", ["chainId", "verifyingContract", "name", "version"])
def test_a_signature_for_another_domain_reverts(
    chain: Chain, document: dict[str, Any], field: str
) -> None:
    elsewhere = {"chainId": 1, "verifyingContract": EIP55[0], "name": "Other", "version": "2"}
    other = document | {"domain": document["domain"] | {field: elsewhere[field]}}
    told = chain.why_reverted(submission(document, signatures_on(other, FIRST, SECOND)))
    assert "signers must ascend" in told or "a signer is no attester" in told


def test_the_contract_hashes_as_the_signer_does(chain: Chain, document: dict[str, Any]) -> None:
    long = put(document, ("payload", "pipelineRunId"), "é" * 64)
    many = put(document, ("contributors",), contributors(100))
    for other in (document, long, many, put(document, ("payload", "deadline"), str(2**256 - 1))):
        assert chain.read("hashMintRequest", *arguments_of(other)) == digest_of(other)


def contributors(count: int, *, total: int = 10_000) -> list[dict[str, str]]:
    """Return distinct wallets; the last one has what the others leave of the total."""
    weights = [total // count] * (count - 1)
    weights.append(total - sum(weights))
    return [
        {"walletAddress": Account.from_key(number.to_bytes(32)).address, "weight": str(weight)}
        for number, weight in enumerate(weights, 1)
    ]


def test_a_hundred_contributors_are_paid_within_a_blocks_gas(
    chain: Chain, document: dict[str, Any]
) -> None:
    people = contributors(100)
    receipt = chain.transact(signed_call(put(document, ("contributors",), people)))
    paid = [chain.read("balanceOf", MODEL_ID, who["walletAddress"]) for who in people]
    assert sum(paid) == chain.read("totalSupply", MODEL_ID)
    # Blocks of the main network held 30 million when this was written, and hold more since.
    assert receipt["gas_used"] < 10_000_000


def test_a_late_request_reverts(chain: Chain, document: dict[str, Any]) -> None:
    now = chain.tester.get_block_by_number("latest")["timestamp"]
    due = put(document, ("payload", "deadline"), str(now + 1000))
    call = signed_call(due)
    before = chain.tester.take_snapshot()
    chain.tester.time_travel(now + 1000)
    chain.transact(call)
    chain.tester.revert_to_snapshot(before)
    chain.tester.time_travel(now + 1001)
    assert "the deadline has passed" in chain.why_reverted(call)


@pytest.mark.parametrize(
    ("people", "told"),
    [
        ([], "no contributors"),
        (contributors(3, total=9_999), "the weights do not sum to 10000"),
        (contributors(3, total=10_001), "the weights do not sum to 10000"),
        ([*contributors(2), contributors(2)[0] | {"weight": "1"}], "a wallet stands twice"),
        ([{"walletAddress": "0x" + "0" * 40, "weight": "10000"}], "a wallet is zero"),
        ([*contributors(1), contributors(2)[1] | {"weight": "0"}], "a weight is zero"),
        (contributors(101), ""),
        ([contributors(2)[0] | {"weight": str(2**256 - 1)}, contributors(2)[1]], ""),
    ],
)
def test_wrong_contributors_revert_though_they_are_signed(
    chain: Chain, document: dict[str, Any], people: list[dict[str, str]], told: str
) -> None:
    assert told in chain.why_reverted(signed_call(put(document, ("contributors",), people)))


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        (("payload", "candidateScoreBps"), "10001", "a score is above 10000"),
        (("payload", "baselineScoreBps"), "10000", "no gain"),
        (("payload", "candidateScoreBps"), "1", "no gain"),
        (("payload", "totalSamples"), "0", "no samples"),
        (("payload", "baselineCommitment"), "0x" + "11" * 32, "not measured against"),
        (("payload", "candidateCommitment"), "0x" + "00" * 32, "commitment is zero"),
        (("payload", "anchors", "idempotencyKey"), "0x" + "00" * 32, "key is zero"),
        (("payload", "actualCostUsdMicro"), "6", "over budget"),
        (("payload", "pipelineRunId"), "x" * 129, ""),
        (("modelId",), "8", "unknown model"),
    ],
)
def test_what_is_not_allowed_reverts_though_it_is_signed(
    chain: Chain, document: dict[str, Any], path: KeyPath, value: str, told: str
) -> None:
    budgeted = put(document, ("payload", "maxCostUsdMicro"), "5")
    assert told in chain.why_reverted(signed_call(put(budgeted, path, value)))


def test_a_request_that_does_not_change_the_model_reverts(
    chain: Chain, document: dict[str, Any]
) -> None:
    head = got(document, ("payload", "baselineCommitment"))
    same = put(document, ("payload", "candidateCommitment"), head)
    assert "the model does not change" in chain.why_reverted(signed_call(same))


def test_a_budget_of_nothing_is_no_budget(chain: Chain, document: dict[str, Any]) -> None:
    chain.transact(signed_call(put(document, ("payload", "actualCostUsdMicro"), "6")))


@pytest.mark.parametrize(
    ("accounts", "told"),
    [
        ((FIRST,), "too few signatures"),
        ((FIRST, FIRST), "signers must ascend"),
        ((SECOND, FIRST), "signers must ascend"),
        ((FIRST, SECOND, SECOND), "signers must ascend"),
        ((FIRST, OUTSIDER), "a signer is no attester"),
        ((FIRST, SECOND, OUTSIDER), "a signer is no attester"),
    ],
)
def test_signatures_below_the_threshold_or_out_of_order_revert(
    chain: Chain, document: dict[str, Any], accounts: tuple[Any, ...], told: str
) -> None:
    assert told in chain.why_reverted(signed_call(document, *accounts))


def test_no_signatures_revert(chain: Chain, document: dict[str, Any]) -> None:
    assert "too few signatures" in chain.why_reverted(submission(document, []))


def test_more_signatures_than_needed_are_taken(chain: Chain, document: dict[str, Any]) -> None:
    chain.transact(signed_call(document, FIRST, SECOND, THIRD))


def test_a_signature_in_another_form_reverts(chain: Chain, document: dict[str, Any]) -> None:
    first, second = signatures_on(document, FIRST, SECOND)
    r, s, v = first[2:66], int(first[66:130], 16), int(first[130:], 16)
    forms = {
        f"0x{r}{ORDER - s:064x}{55 - v:02x}": "the higher s",
        f"0x{r}{s:064x}{v - 27:02x}": "v is not 27 or 28",
        f"0x{r}{s:064x}": "not 65 bytes",
        first + "00": "",
        f"0x{'00' * 32}{s:064x}{v:02x}": "signers must ascend",
        "0x": "not 65 bytes",
    }
    for form, told in forms.items():
        assert told in chain.why_reverted(submission(document, [form, second]))


def test_requests_chain(chain: Chain, document: dict[str, Any]) -> None:
    head = got(document, ("payload", "candidateCommitment"))
    following = put(document, ("payload", "baselineCommitment"), head)
    after = "0x" + commitment_after(head[2:], ["ab" * 32])
    following = put(following, ("payload", "candidateCommitment"), after)
    for name in ("attestationHash", "idempotencyKey"):
        following = put(following, ("payload", "anchors", name), "0x" + "cd" * 32)
    # Not before the one it was measured after, and then once.
    call = signed_call(following)
    assert "not measured against the model's head" in chain.why_reverted(call)
    chain.transact(signed_call(document))
    chain.transact(call)
    assert chain.read("head", MODEL_ID).hex() == after[2:]


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_shares_are_floored_and_the_rest_goes_to_the_first(
    chain: Chain, document: dict[str, Any], data: st.DataObject
) -> None:
    cuts = data.draw(st.sets(st.integers(1, 9_999), max_size=6))
    edges = [0, *sorted(cuts), 10_000]
    weights = [after - before for before, after in pairwise(edges)]
    baseline = data.draw(st.integers(0, 9_999))
    candidate = data.draw(st.integers(baseline + 1, 10_000))
    rate = data.draw(st.integers(0, 2**200))
    people = [
        who | {"weight": str(weight)}
        for who, weight in zip(contributors(len(weights)), weights, strict=True)
    ]
    before = chain.tester.take_snapshot()
    head = bytes.fromhex(got(document, ("payload", "baselineCommitment"))[2:])
    chain.transact(encoded("setModel", MODEL_ID, head, rate), sender=chain.owner)
    other = put(document, ("contributors",), people)
    other = put(other, ("payload", "baselineScoreBps"), str(baseline))
    other = put(other, ("payload", "candidateScoreBps"), str(candidate))
    chain.transact(signed_call(other))
    reward = (candidate - baseline) * rate
    shares = [reward * weight // 10_000 for weight in weights]
    shares[0] += reward - sum(shares)
    paid = [chain.read("balanceOf", MODEL_ID, who["walletAddress"]) for who in people]
    assert paid == shares
    assert chain.read("totalSupply", MODEL_ID) == reward
    chain.tester.revert_to_snapshot(before)


def test_a_reward_beyond_256_bits_reverts(chain: Chain, document: dict[str, Any]) -> None:
    head = bytes.fromhex(got(document, ("payload", "baselineCommitment"))[2:])
    chain.transact(encoded("setModel", MODEL_ID, head, 2**256 - 1), sender=chain.owner)
    chain.why_reverted(signed_call(document))


def test_attesters_are_replaced_as_a_whole(chain: Chain, document: dict[str, Any]) -> None:
    names = [THIRD.address, OUTSIDER.address]
    chain.transact(encoded("setAttesters", names, 1), sender=chain.owner)
    assert [chain.read("isAttester", account.address) for account in ATTESTERS] == [
        False,
        False,
        True,
        True,
    ]
    assert "a signer is no attester" in chain.why_reverted(signed_call(document))
    chain.transact(signed_call(document, OUTSIDER))


@pytest.mark.parametrize(
    ("accounts", "threshold", "told"),
    [
        ([FIRST], 0, "the threshold is zero"),
        ([FIRST], 2, "above the number of attesters"),
        ([], 1, "above the number of attesters"),
        ([SECOND, FIRST], 1, "attesters must ascend"),
        ([FIRST, FIRST], 2, "attesters must ascend"),
    ],
)
def test_a_set_of_attesters_that_could_not_decide_reverts(
    chain: Chain, accounts: list[Any], threshold: int, told: str
) -> None:
    call = encoded("setAttesters", [account.address for account in accounts], threshold)
    assert told in chain.why_reverted(call, sender=chain.owner)


def test_only_the_owner_sets_models_and_attesters_and_can_hand_over(chain: Chain) -> None:
    calls = [
        encoded("setModel", MODEL_ID, b"\x01" * 32, RATE),
        encoded("setAttesters", [FIRST.address], 1),
        encoded("transferOwnership", chain.stranger),
    ]
    for call in calls:
        assert "not the owner" in chain.why_reverted(call)
    assert "the head is zero" in chain.why_reverted(
        encoded("setModel", MODEL_ID, bytes(32), RATE), sender=chain.owner
    )
    assert "the owner is zero" in chain.why_reverted(
        encoded("transferOwnership", "0x" + "0" * 40), sender=chain.owner
    )
    chain.transact(calls[2], sender=chain.owner)
    chain.transact(calls[0])
    assert "not the owner" in chain.why_reverted(calls[0], sender=chain.owner)
