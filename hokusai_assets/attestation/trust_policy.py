"""Trust policies: which keys a verifier takes whose word for, when, and how many must sign.

An attestation holds no date, so that the same inputs give the same bytes; when it was signed can't
be told from it. A key's dates are therefore held against a date that the verifier gives: today, or
one at which the attestation is known to have been there (from a transparency log, an archive, a
receipt). A revoked key counts at no date, since whoever stole it could sign what looks older.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from io import StringIO
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.scalarstring import LiteralScalarString
from securesystemslib.dsse import Envelope
from securesystemslib.signer import SSlibKey  # type: ignore[attr-defined]

from hokusai_assets.attestation.envelope import keys_that_signed
from hokusai_assets.attestation.key_records import KeyRecord
from hokusai_assets.attestation.public_keys import SHORT_ID, is_dry_run_key, parse_public_key

_MAX_BYTES = 1 << 20


class TrustPolicyError(ValueError):
    """A trust policy can't be used; the message names the file, the key and what is wrong."""


def _day(value: object) -> object:
    if isinstance(value, datetime) or not isinstance(value, date | str):
        raise ValueError("a date is needed, such as 2027-01-31")
    return value


_Date = Annotated[date, BeforeValidator(_day)]
_Line = Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\r\n]*$")]


class Revocation(BaseModel):
    """Since when a key is revoked, and why."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    at: _Date
    reason: _Line = ""


class TrustedKey(BaseModel):
    """One key: whose it is, and the days (UTC, both included) on which it counts."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    owner: Annotated[_Line, Field(min_length=1)]
    public_key: str
    valid_from: _Date | None = None
    valid_until: _Date | None = None
    revoked: Revocation | None = None

    @model_validator(mode="after")
    def _is_the_key(self) -> "TrustedKey":
        key = self.key
        if key.keyid != self.id:
            raise ValueError(f"the id of this public key is {key.keyid}")
        if is_dry_run_key(key):
            raise ValueError("this is the published key of dry runs, with which anyone can sign")
        if self.valid_from and self.valid_until and self.valid_until < self.valid_from:
            raise ValueError("valid_until is before valid_from")
        return self

    @property
    def key(self) -> SSlibKey:
        """The public key."""
        return parse_public_key(self.public_key.encode("utf-8"))

    def fault(self, at: date) -> str | None:
        """Say why the key does not count at a date; None if it does."""
        name = f"key {self.id[:SHORT_ID]} ({self.owner})"
        if self.revoked is not None:
            why = f": {self.revoked.reason}" if self.revoked.reason else ""
            return f"{name} is revoked since {self.revoked.at}{why}"
        if self.valid_until is not None and at > self.valid_until:
            return f"{name} expired after {self.valid_until}"
        if self.valid_from is not None and at < self.valid_from:
            return f"{name} counts only from {self.valid_from}"
        return None


class TrustPolicy(BaseModel):
    """The keys, and how many of them must have signed (m of n)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Annotated[int, Field(strict=True, ge=1, le=1)]
    threshold: Annotated[int, Field(strict=True, ge=1)] = 1
    keys: Annotated[tuple[TrustedKey, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _can_be_met(self) -> "TrustPolicy":
        if len({key.id for key in self.keys}) != len(self.keys):
            raise ValueError("a key stands twice")
        if self.threshold > len(self.keys):
            raise ValueError(f"threshold {self.threshold} is more than the {len(self.keys)} keys")
        return self

    def keys_at(self, at: date) -> list[SSlibKey]:
        """Return the keys that count at a date, in the policy's order."""
        return [trusted.key for trusted in self.keys if trusted.fault(at) is None]

    def all_keys(self) -> list[SSlibKey]:
        """Return every key, expired and revoked ones too, in the policy's order."""
        return [trusted.key for trusted in self.keys]


@dataclass(frozen=True)
class Trust:
    """How an envelope's signatures stand to a policy at a date.

    Attributes:
        threshold: how many are needed.
        valid: keys of the policy whose signature verifies.
        counted: those of them that count at the date.
        faults: a sentence for each key that does not, and for each signature that fails or is of
            an unknown key.
    """

    threshold: int
    valid: tuple[TrustedKey, ...]
    counted: tuple[TrustedKey, ...]
    faults: tuple[str, ...]

    @property
    def met(self) -> bool:
        """Whether enough keys that count have signed."""
        return len(self.counted) >= self.threshold


def judge(envelope: Envelope, policy: TrustPolicy, at: date) -> Trust:
    """Hold an envelope's signatures against a policy.

    Signatures of unknown keys count for nothing and against nothing: anyone can add one.

    Args:
        envelope: the opened envelope.
        policy: whose word is taken.
        at: the date at which keys must count.
    """
    known = {trusted.id: trusted for trusted in policy.keys}
    signed = {key.keyid for key in keys_that_signed(envelope, [key.key for key in policy.keys])}
    valid = tuple(trusted for trusted in policy.keys if trusted.id in signed)
    faults = [fault for trusted in valid if (fault := trusted.fault(at)) is not None]
    for key_id in envelope.signatures:
        if key_id not in known:
            faults.append(f"key {_shown(key_id)} is not in the policy")
        elif key_id not in signed:
            faults.append(f"the signature of key {_shown(key_id)} does not verify")
    counted = tuple(trusted for trusted in valid if trusted.fault(at) is None)
    return Trust(policy.threshold, valid, counted, tuple(faults))


def parse_policy(data: bytes, *, name: str) -> TrustPolicy:
    """Return the policy in YAML bytes.

    Args:
        data: the bytes.
        name: the file, for messages.

    Raises:
        TrustPolicyError: they are no policy.
    """
    if len(data) > _MAX_BYTES:
        raise TrustPolicyError(f"{name}: {len(data):,} bytes; a policy has {_MAX_BYTES:,} at most")
    try:
        raw = YAML(typ="safe", pure=True).load(data.decode("utf-8"))
    # ruamel lets errors of its constructors through: ValueError for 2024-02-31, and so on.
    except (YAMLError, ValueError, TypeError, RecursionError) as error:
        raise TrustPolicyError(f"{name}: not valid YAML: {' '.join(str(error).split())}") from None
    try:
        return TrustPolicy.model_validate(raw)
    except ValidationError as error:
        told = "; ".join(_problem(item) for item in error.errors()[:3])
        raise TrustPolicyError(f"{name}: {told}") from None


def policy_of(
    records: Sequence[KeyRecord], owner: str, *, threshold: int = 1, retired_expire: bool = True
) -> TrustPolicy:
    """Return the policy that trusts a home's keys.

    Args:
        records: the home's keys.
        owner: who answers for them.
        threshold: how many must sign.
        retired_expire: let a retired key count only until the day it was retired; else, as its
            own home knows what it signed, for good.

    Raises:
        TrustPolicyError: there is no key, fewer than the threshold, or the owner is no line.
    """
    keys = [
        {
            "id": record.id,
            "owner": owner,
            "public_key": record.public_key,
            "valid_from": record.created,
            "valid_until": record.retired if retired_expire else None,
            "revoked": record.revoked and {"at": record.revoked, "reason": record.reason},
        }
        for record in records
    ]
    try:
        return TrustPolicy.model_validate({"version": 1, "threshold": threshold, "keys": keys})
    except ValidationError as error:
        raise TrustPolicyError("; ".join(_problem(item) for item in error.errors()[:3])) from None


def policy_yaml(policy: TrustPolicy) -> str:
    """Return a policy as its file holds it."""
    document = policy.model_dump(exclude_none=True)
    for key in document["keys"]:
        key["public_key"] = LiteralScalarString(key["public_key"])
    yaml = YAML()
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.width = 1000
    stream = StringIO()
    yaml.dump(document | {"keys": list(document["keys"])}, stream)
    return stream.getvalue()


def _problem(item: Any) -> str:
    key = ".".join(str(part) for part in item["loc"]) or "policy"
    if item["type"] == "extra_forbidden":
        return f"{key}: unknown key"
    return f"{key}: {str(item['msg']).removeprefix('Value error, ')}"


def _shown(key_id: str) -> str:
    # Whoever made the envelope wrote it: no control characters, and not at any length.
    return repr(key_id[:SHORT_ID])[1:-1]
