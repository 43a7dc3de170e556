# pragma version 0.4.3
# pragma evm-version shanghai
# @title Pays a model's contributors once for a gain that enough attesters signed.
# @license Apache-2.0
# @dev Domain, types and submitMintRequest are those of "HokusaiDeltaVerifier" version 1 (EIP-712).
#      Strings and lists have the bounds below; longer ones revert.

MAX_CONTRIBUTORS: constant(uint256) = 100
MAX_ATTESTERS: constant(uint256) = 16
MAX_TEXT: constant(uint256) = 128
WHOLE_BPS: constant(uint256) = 10_000
# Half the order of secp256k1: of a signature's two forms only the one with the lower s counts.
HALF_ORDER: constant(uint256) = 57896044618658097711785492504343953926418782139537452191302581570759080747168

DOMAIN_TYPE: constant(bytes32) = keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)")
ANCHORS_TYPE: constant(bytes32) = keccak256("BenchmarkAnchors(bytes32 benchmarkSpecHash,bytes32 datasetHash,bytes32 attestationHash,bytes32 idempotencyKey,string metricName,string metricFamily)")
CONTRIBUTOR_TYPE: constant(bytes32) = keccak256("Contributor(address walletAddress,uint256 weight)")
PAYLOAD_TYPE: constant(bytes32) = keccak256("MintRequestPayload(string pipelineRunId,uint256 baselineScoreBps,uint256 candidateScoreBps,uint256 maxCostUsdMicro,uint256 actualCostUsdMicro,uint256 totalSamples,BenchmarkAnchors anchors,bytes32 baselineCommitment,bytes32 candidateCommitment,uint256 deadline)BenchmarkAnchors(bytes32 benchmarkSpecHash,bytes32 datasetHash,bytes32 attestationHash,bytes32 idempotencyKey,string metricName,string metricFamily)")
REQUEST_TYPE: constant(bytes32) = keccak256("MintRequest(uint256 modelId,MintRequestPayload payload,Contributor[] contributors)BenchmarkAnchors(bytes32 benchmarkSpecHash,bytes32 datasetHash,bytes32 attestationHash,bytes32 idempotencyKey,string metricName,string metricFamily)Contributor(address walletAddress,uint256 weight)MintRequestPayload(string pipelineRunId,uint256 baselineScoreBps,uint256 candidateScoreBps,uint256 maxCostUsdMicro,uint256 actualCostUsdMicro,uint256 totalSamples,BenchmarkAnchors anchors,bytes32 baselineCommitment,bytes32 candidateCommitment,uint256 deadline)")

struct BenchmarkAnchors:
    benchmarkSpecHash: bytes32
    datasetHash: bytes32
    attestationHash: bytes32
    idempotencyKey: bytes32
    metricName: String[MAX_TEXT]
    metricFamily: String[MAX_TEXT]

struct MintRequestPayload:
    pipelineRunId: String[MAX_TEXT]
    baselineScoreBps: uint256
    candidateScoreBps: uint256
    maxCostUsdMicro: uint256
    actualCostUsdMicro: uint256
    totalSamples: uint256
    anchors: BenchmarkAnchors
    baselineCommitment: bytes32
    candidateCommitment: bytes32
    deadline: uint256

struct Contributor:
    walletAddress: address
    weight: uint256

event MintAccepted:
    modelId: indexed(uint256)
    idempotencyKey: indexed(bytes32)
    attestationHash: indexed(bytes32)
    candidateCommitment: bytes32
    deltaBps: uint256
    reward: uint256

event ContributorPaid:
    modelId: indexed(uint256)
    walletAddress: indexed(address)
    idempotencyKey: indexed(bytes32)
    amount: uint256

event ModelSet:
    modelId: indexed(uint256)
    head: bytes32
    rewardPerBps: uint256

event AttestersSet:
    attesters: DynArray[address, MAX_ATTESTERS]
    threshold: uint256

owner: public(address)
threshold: public(uint256)
# A new set of attesters is a new generation: nobody of an old one is left behind.
generation: uint256
attesterIn: HashMap[uint256, HashMap[address, bool]]
# Per model: commitment to the model that was accepted last; zero where the model is unknown.
head: public(HashMap[uint256, bytes32])
rewardPerBps: public(HashMap[uint256, uint256])
# Keys and attestations that were paid, for ever, whatever the owner sets later.
processedIdempotencyKeys: public(HashMap[bytes32, bool])
paidAttestations: public(HashMap[uint256, HashMap[bytes32, bool]])
# Reward per model and wallet, in the smallest unit of the model's token.
balanceOf: public(HashMap[uint256, HashMap[address, uint256]])
totalSupply: public(HashMap[uint256, uint256])


@deploy
def __init__(attesters: DynArray[address, MAX_ATTESTERS], threshold: uint256):
    self.owner = msg.sender
    self._set_attesters(attesters, threshold)


@external
def setAttesters(attesters: DynArray[address, MAX_ATTESTERS], threshold: uint256):
    """
    @notice Replace all attesters, and how many of them must sign.
    @param attesters addresses, strictly ascending
    @param threshold 1 to the number of attesters
    """
    assert msg.sender == self.owner, "not the owner"
    self._set_attesters(attesters, threshold)


@external
def setModel(modelId: uint256, head: bytes32, rewardPerBps: uint256):
    """
    @notice Register a model, or move its head where no mint request does: to another version of the
            benchmark, or past a contribution that was accepted but earns nothing.
    @param head the next request's baselineCommitment, not zero
    @param rewardPerBps smallest units of the model's token for one basis point
    """
    assert msg.sender == self.owner, "not the owner"
    assert head != empty(bytes32), "the head is zero"
    self.head[modelId] = head
    self.rewardPerBps[modelId] = rewardPerBps
    log ModelSet(modelId=modelId, head=head, rewardPerBps=rewardPerBps)


@external
def transferOwnership(owner: address):
    """
    @notice Hand over what only the owner may do.
    """
    assert msg.sender == self.owner, "not the owner"
    assert owner != empty(address), "the owner is zero"
    self.owner = owner


@external
def submitMintRequest(
    modelId: uint256,
    payload: MintRequestPayload,
    contributors: DynArray[Contributor, MAX_CONTRIBUTORS],
    attesterSignatures: DynArray[Bytes[65], MAX_ATTESTERS],
) -> uint256:
    """
    @notice Pay the contributors for a signed gain, once, and move the model's head. Anyone may submit.
    @param attesterSignatures r, s, v in 65 bytes each, in strictly ascending order of their signers
    @return the reward that was shared out
    """
    key: bytes32 = payload.anchors.idempotencyKey
    attestation: bytes32 = payload.anchors.attestationHash
    assert block.timestamp <= payload.deadline, "the deadline has passed"
    assert key != empty(bytes32), "the idempotency key is zero"
    assert not self.processedIdempotencyKeys[key], "already paid"
    assert not self.paidAttestations[modelId][attestation], "already paid"
    assert self.head[modelId] != empty(bytes32), "unknown model"
    assert payload.baselineCommitment == self.head[modelId], "not measured against the model's head"
    assert payload.candidateCommitment != empty(bytes32), "the candidate commitment is zero"
    assert payload.candidateCommitment != payload.baselineCommitment, "the model does not change"
    assert payload.candidateScoreBps <= WHOLE_BPS, "a score is above 10000"
    assert payload.candidateScoreBps > payload.baselineScoreBps, "no gain"
    # A budget of 0 is no budget.
    assert payload.maxCostUsdMicro == 0 or payload.actualCostUsdMicro <= payload.maxCostUsdMicro, "over budget"
    assert payload.totalSamples > 0, "no samples"
    self._check_contributors(contributors)
    self._check_signatures(self._digest(modelId, payload, contributors), attesterSignatures)

    self.processedIdempotencyKeys[key] = True
    self.paidAttestations[modelId][attestation] = True
    self.head[modelId] = payload.candidateCommitment
    delta: uint256 = payload.candidateScoreBps - payload.baselineScoreBps
    reward: uint256 = delta * self.rewardPerBps[modelId]
    self._share_out(modelId, key, reward, contributors)
    log MintAccepted(
        modelId=modelId,
        idempotencyKey=key,
        attestationHash=attestation,
        candidateCommitment=payload.candidateCommitment,
        deltaBps=delta,
        reward=reward,
    )
    return reward


@external
@view
def hashMintRequest(
    modelId: uint256,
    payload: MintRequestPayload,
    contributors: DynArray[Contributor, MAX_CONTRIBUTORS],
) -> bytes32:
    """
    @notice The EIP-712 digest that attesters sign.
    """
    return self._digest(modelId, payload, contributors)


@external
@view
def isAttester(account: address) -> bool:
    """
    @notice Whether signatures of an account count.
    """
    return self.attesterIn[self.generation][account]


@internal
def _set_attesters(attesters: DynArray[address, MAX_ATTESTERS], threshold: uint256):
    assert threshold > 0, "the threshold is zero"
    assert threshold <= len(attesters), "the threshold is above the number of attesters"
    self.generation += 1
    last: address = empty(address)
    for attester: address in attesters:
        assert convert(attester, uint160) > convert(last, uint160), "attesters must ascend"
        self.attesterIn[self.generation][attester] = True
        last = attester
    self.threshold = threshold
    log AttestersSet(attesters=attesters, threshold=threshold)


@internal
def _share_out(
    modelId: uint256,
    key: bytes32,
    reward: uint256,
    contributors: DynArray[Contributor, MAX_CONTRIBUTORS],
):
    # Shares are floored; what is left over goes to the contributor who is named first.
    left: uint256 = reward
    for contributor: Contributor in contributors:
        left -= reward * contributor.weight // WHOLE_BPS
    first: bool = True
    for contributor: Contributor in contributors:
        amount: uint256 = reward * contributor.weight // WHOLE_BPS
        if first:
            amount += left
            first = False
        self.balanceOf[modelId][contributor.walletAddress] += amount
        log ContributorPaid(
            modelId=modelId,
            walletAddress=contributor.walletAddress,
            idempotencyKey=key,
            amount=amount,
        )
    self.totalSupply[modelId] += reward


@internal
@pure
def _check_contributors(contributors: DynArray[Contributor, MAX_CONTRIBUTORS]):
    assert len(contributors) > 0, "no contributors"
    total: uint256 = 0
    for i: uint256 in range(len(contributors), bound=MAX_CONTRIBUTORS):
        wallet: address = contributors[i].walletAddress
        assert wallet != empty(address), "a wallet is zero"
        assert contributors[i].weight > 0, "a weight is zero"
        total += contributors[i].weight
        for j: uint256 in range(i, bound=MAX_CONTRIBUTORS):
            assert contributors[j].walletAddress != wallet, "a wallet stands twice"
    assert total == WHOLE_BPS, "the weights do not sum to 10000"


@internal
@view
def _check_signatures(digest: bytes32, signatures: DynArray[Bytes[65], MAX_ATTESTERS]):
    assert len(signatures) >= self.threshold, "too few signatures"
    last: address = empty(address)
    for signature: Bytes[65] in signatures:
        assert len(signature) == 65, "a signature is not 65 bytes"
        r: uint256 = extract32(signature, 0, output_type=uint256)
        s: uint256 = extract32(signature, 32, output_type=uint256)
        v: uint256 = convert(slice(signature, 64, 1), uint256)
        assert s <= HALF_ORDER, "a signature has the higher s"
        assert v == 27 or v == 28, "a signature's v is not 27 or 28"
        signer: address = ecrecover(digest, v, r, s)
        assert convert(signer, uint160) > convert(last, uint160), "signers must ascend"
        assert self.attesterIn[self.generation][signer], "a signer is no attester"
        last = signer


@internal
@view
def _digest(
    modelId: uint256,
    payload: MintRequestPayload,
    contributors: DynArray[Contributor, MAX_CONTRIBUTORS],
) -> bytes32:
    hashes: DynArray[bytes32, MAX_CONTRIBUTORS] = []
    for contributor: Contributor in contributors:
        hashes.append(
            keccak256(abi_encode(CONTRIBUTOR_TYPE, contributor.walletAddress, contributor.weight))
        )
    # An array is hashed without its offset and length, the first 64 bytes.
    people: bytes32 = keccak256(slice(abi_encode(hashes), 64, 32 * len(hashes)))
    anchors: bytes32 = keccak256(
        abi_encode(
            ANCHORS_TYPE,
            payload.anchors.benchmarkSpecHash,
            payload.anchors.datasetHash,
            payload.anchors.attestationHash,
            payload.anchors.idempotencyKey,
            keccak256(payload.anchors.metricName),
            keccak256(payload.anchors.metricFamily),
        )
    )
    hashed: bytes32 = keccak256(
        abi_encode(
            PAYLOAD_TYPE,
            keccak256(payload.pipelineRunId),
            payload.baselineScoreBps,
            payload.candidateScoreBps,
            payload.maxCostUsdMicro,
            payload.actualCostUsdMicro,
            payload.totalSamples,
            anchors,
            payload.baselineCommitment,
            payload.candidateCommitment,
            payload.deadline,
        )
    )
    request: bytes32 = keccak256(abi_encode(REQUEST_TYPE, modelId, hashed, people))
    # Computed anew each time: a fork of the chain has another id.
    domain: bytes32 = keccak256(
        abi_encode(
            DOMAIN_TYPE, keccak256("HokusaiDeltaVerifier"), keccak256("1"), chain.id, self
        )
    )
    return keccak256(concat(b"\x19\x01", domain, request))
