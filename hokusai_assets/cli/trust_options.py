"""Whose signature a command takes: a public key, a trust policy, or this home's own keys."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hokusai_assets.cli.common_options import EXISTING_FILE, PLATFORM_FAULT, current_settings

if TYPE_CHECKING:
    from securesystemslib.signer import SSlibKey  # type: ignore[attr-defined]

public_key_option = click.option(
    "--public-key",
    type=EXISTING_FILE,
    help="The issuer's public key (PEM), got by a way you trust. Default: this home's own keys.",
)
trust_option = click.option(
    "--trust",
    type=EXISTING_FILE,
    metavar="POLICY",
    help="A trust policy (YAML): keys, their dates, revocations, how many must sign.",
)
at_option = click.option(
    "--at",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DATE",
    help="The day (UTC) at which keys must count, on which you know that the attestation was "
    "there. Default: today.",
)


def today() -> date:
    """Return the day it is, in UTC."""
    return datetime.now(UTC).date()


def trusted_keys(
    public_key: Path | None, trust: Path | None, at: datetime | None
) -> dict[str, Any]:
    """Return what `verify` takes of these options; nothing where no key is known.

    An option that can't be used is wrong usage; damaged records of the home are a platform fault.
    """
    from hokusai_assets.attestation.key_records import DamagedRecords, read_records
    from hokusai_assets.attestation.trust_policy import TrustPolicyError, parse_policy, policy_of

    if public_key is not None and (trust is not None or at is not None):
        raise click.UsageError("--public-key goes with neither --trust nor --at: it has no dates")
    day = at.date() if at is not None else today()
    try:
        if public_key is not None:
            return {"public_key": load_key(public_key)}
        if trust is not None:
            return {"trust": (parse_policy(trust.read_bytes(), name=str(trust)), day)}
        records = read_records(current_settings().keys)
    except TrustPolicyError as error:
        raise click.UsageError(str(error)) from None
    except DamagedRecords as error:
        click.echo(str(error), err=True)
        raise SystemExit(PLATFORM_FAULT) from None
    if not records:
        return {}
    return {"trust": (policy_of(records, "this home", retired_expire=False), day)}


def keys_that_count(
    public_key: Path | None, trust: Path | None = None, at: datetime | None = None
) -> "list[SSlibKey]":
    """Return the given key, else those of the policy that count at the day.

    With neither they are this home's own, retired ones too and revoked ones not.
    """
    return keys_now_and_ever(public_key, trust, at)[0]


def keys_now_and_ever(
    public_key: Path | None, trust: Path | None, at: datetime | None
) -> "tuple[list[SSlibKey], list[SSlibKey]]":
    """Return the keys of `keys_that_count`, and those with the expired and revoked ones."""
    found = trusted_keys(public_key, trust, at)
    if "trust" in found:
        policy, day = found["trust"]
        return policy.keys_at(day), policy.all_keys()
    return list(found.values()), list(found.values())


def load_key(path: Path) -> "SSlibKey":
    """Return the public key in a PEM file; one that can't be used is wrong usage."""
    from hokusai_assets.attestation.public_keys import PublicKeyError, load_public_key

    try:
        return load_public_key(path)
    except PublicKeyError as error:
        raise click.UsageError(str(error)) from None
