"""Holding what an attestation says was paid before against the attestations of those before it."""

from collections.abc import Mapping, Sequence
from typing import Any

from hokusai_assets.attestation.relations import require
from hokusai_assets.attestation.statement import BENCHMARK_VERSION

Claim = Mapping[str, Any]


def check_predecessors(claim: Claim, earlier: Sequence[Claim]) -> str:
    """Check what was accepted and paid before by the claims that say so; return the sentence.

    All that were accepted before on this version of the benchmark must be among them, each
    accepted after those that stand before it in the list, and what they pay must add up. So must
    what the same contribution was paid on other versions.

    Args:
        claim: of the attestation in question.
        earlier: of verified attestations, in any order; those that tell nothing of what was paid
            before it (see `tells_of`) are of no account.

    Raises:
        Broken: they say something else, or one is missing.
    """
    settled = claim["settlement"]
    before = [(entry["key"], entry["rows_root"]) for entry in settled["accepted_before"]]
    paid: dict[tuple[str, str], int] = {}
    elsewhere: dict[tuple[str, ...], int] = {}
    for other in earlier:
        if not tells_of(claim, other):
            continue
        named = _named(other)
        version = _version(other)
        payable = other["settlement"]["delta_one"]["payable_bps"]
        if version == _version(claim) and named in before:
            _check_accepted(other, before[: before.index(named)])
            # A second attestation of one contribution, by later code say, pays nothing more.
            require(paid.setdefault(named, payable) == payable, f"{named[0]} pays two amounts")
            continue
        elsewhere[version] = payable
    missing = [key for key, root in before if (key, root) not in paid]
    require(not missing, f"the attestations of these are needed too: {', '.join(missing[:5])}")
    total = sum(paid.values())
    require(
        total == settled["paid_before_bps"],
        f"the attestations before it pay {total} basis points, not {settled['paid_before_bps']}",
    )
    for_it = sum(elsewhere.values())
    require(
        for_it == settled["paid_for_it_before_bps"],
        f"for the contribution itself those on other versions of the benchmark pay {for_it} basis "
        f"points, not {settled['paid_for_it_before_bps']}",
    )
    return f"the {len(before):,} accepted before are attested and pay {total:,} basis points"


def tells_of(claim: Claim, other: Claim) -> bool:
    """Say whether another claim tells what was paid before a claim's contribution, or for it.

    So do those that it says were accepted before, and of the same contribution those on other
    versions of the benchmark.
    """
    own, version = _named(claim), _version(other)
    if version == _version(claim):
        before = claim["settlement"]["accepted_before"]
        return _named(other) in [(entry["key"], entry["rows_root"]) for entry in before]
    same = _named(other)[0] == own[0] or _named(other)[1] == own[1]
    return same and version[0] == _version(claim)[0]


def _check_accepted(other: Claim, before: Sequence[tuple[str, str]]) -> None:
    key, settled = other["contribution"]["key"], other["settlement"]
    require(settled["delta_one"]["accepted"], f"{key} was not accepted")
    listed = [(entry["key"], entry["rows_root"]) for entry in settled["accepted_before"]]
    require(listed == list(before), f"{key} was accepted after others than those before it here")


def _named(claim: Claim) -> tuple[str, str]:
    return claim["contribution"]["key"], claim["result"]["rows"]["root"]


def _version(claim: Claim) -> tuple[str, ...]:
    benchmark = claim["result"]["benchmark"]
    return tuple(benchmark[name] for name in ("id", *BENCHMARK_VERSION))
