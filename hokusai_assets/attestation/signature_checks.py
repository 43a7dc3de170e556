"""Checking who vouches for an attestation: its signatures, and the log that it is in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from securesystemslib.dsse import Envelope
from securesystemslib.signer import SSlibKey  # type: ignore[attr-defined]

from hokusai_assets.attestation.check import Check, run_check
from hokusai_assets.attestation.envelope import is_signed_by
from hokusai_assets.attestation.log_proof import NoProof, check_inclusion
from hokusai_assets.attestation.public_keys import TYPE_NAMES, is_dry_run_key, type_of
from hokusai_assets.attestation.relations import Broken
from hokusai_assets.attestation.transparency_log import log_line
from hokusai_assets.attestation.trust_policy import TrustPolicy, judge


@dataclass(frozen=True)
class Trusted:
    """Whose word a verifier takes.

    Attributes:
        public_key: the issuer's key, got by a way the verifier trusts.
        policy: in its place a policy of keys, and the date at which they must count. With neither
            signatures stay unchecked.
        log_key: signs the log's checkpoints; None means the issuer's key, or any of the policy's
            that counts at the date.
    """

    public_key: SSlibKey | None = None
    policy: tuple[TrustPolicy, date] | None = None
    log_key: SSlibKey | None = None

    @property
    def log_keys(self) -> list[SSlibKey]:
        """The keys of which one must have signed the log's checkpoint."""
        if self.log_key is not None:
            return [self.log_key]
        if self.policy is not None:
            policy, at = self.policy
            return policy.keys_at(at)
        return [self.public_key] if self.public_key is not None else []


def check_signatures(envelope: Envelope, trusted: Trusted, *, allow_dry_run: bool) -> list[Check]:
    """Hold an envelope's signatures against the key, or the policy."""
    if trusted.policy is not None:
        return _by_policy(envelope, *trusted.policy)
    return [_by_key(envelope, trusted.public_key, allow_dry_run)]


def check_logged(proof: bytes, statement: Mapping[str, Any], keys: Sequence[SSlibKey]) -> Check:
    """Hold an inclusion proof against what is stated and the log's keys."""
    if not keys:
        return Check(
            "log",
            "not checked",
            "no key counts: --public-key, --log-key, or --trust with one that does at the date",
        )

    def step() -> str:
        try:
            found = check_inclusion(proof, log_line(statement), keys)
        except NoProof as error:
            raise Broken(str(error)) from None
        return f"in the log {found.origin} of size {found.size:,}"

    return run_check("log", step)


def _by_key(envelope: Envelope, key: SSlibKey | None, allow_dry_run: bool) -> Check:
    if key is None:
        return Check(
            "signature", "not checked", "no public key given: --public-key FILE or --trust FILE"
        )
    if is_dry_run_key(key) and not allow_dry_run:
        return Check("signature", "fail", "the given key is that of dry runs: anyone can sign")
    if not is_signed_by(envelope, key):
        return Check("signature", "fail", "no signature of the given key verifies")
    return Check("signature", "pass", f"{TYPE_NAMES[type_of(key)]} signature of the given key")


def _by_policy(envelope: Envelope, policy: TrustPolicy, at: date) -> list[Check]:
    found = judge(envelope, policy, at)
    needed = f"{found.threshold} needed"
    verified = Check(
        "signature",
        "pass" if len(found.valid) >= found.threshold else "fail",
        f"signatures of the policy's keys that verify: {len(found.valid)}, {needed}",
    )
    told = [f"keys that count on {at}: {len(found.counted)}, {needed}", *found.faults[:5]]
    trusted = Check("key trust", "pass" if found.met else "fail", "; ".join(told))
    return [verified, trusted]
