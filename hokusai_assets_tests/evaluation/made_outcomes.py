"""Made outcomes of contributions, and the ledger entries that belong to them."""

import hashlib

from hokusai_assets.evaluation.ledger_entries import Settled
from hokusai_assets.evaluation.outcomes import Attested, PrimaryFigures, TakenIn

VERSION = "cc" * 32


def digest_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def made_attested(
    key: str,
    position: int,
    *,
    delta: int,
    payable: int = 0,
    direction: str = "higher",
    version: str = VERSION,
    shown: bool = True,
) -> Attested:
    """Return an attested contribution; with something payable it is accepted."""
    figures = PrimaryFigures(
        "whole", 1000, 800_000, 800_000 + delta, delta, delta - 900, delta + 1_100, 999_500
    )
    return Attested(
        contribution=key,
        rows_root=digest_of(f"rows of {key}"),
        version=version,
        attestation_hash=digest_of(f"attestation of {key} on {version}"),
        position=position,
        rows_kept=100 + position,
        contributors=("ana", "bob"),
        metric="f1",
        direction=direction,
        alone=figures,
        settled=figures if shown else None,
        accepted=payable > 0,
        bps=2 * payable if shown else None,
        payable_bps=payable,
        failed_conditions=() if payable or not shown else ("gain_bps_at_least",),
    )


def entry_for(one: Attested) -> Settled:
    return Settled(
        test_root="aa" * 32,
        version=one.version,
        key=one.contribution,
        rows_root=one.rows_root,
        position=one.position,
        accepted=one.accepted,
        bps=one.bps or 0 if one.accepted else 0,
        payable_bps=one.payable_bps,
    )


def made_intake(key: str, *rules: str) -> TakenIn:
    return TakenIn(key, digest_of(key), 0 if rules else 100, rules)
