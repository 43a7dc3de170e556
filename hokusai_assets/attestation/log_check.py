"""Checking a log of attestations as its monitor does: its form, its root, its past, its doubles."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from securesystemslib.signer import SSlibKey  # type: ignore[attr-defined]

from hokusai_assets.attestation.check import Check
from hokusai_assets.attestation.checkpoint import Checkpoint
from hokusai_assets.attestation.transparency_log import (
    LogError,
    doubly_attested,
    is_continued,
)
from hokusai_assets.canonical import merkle

_NO_KEY = "no key counts: give --public-key FILE, or --trust FILE with one that does at the date"


@dataclass(frozen=True)
class LogReport:
    """What a look at a log found.

    Attributes:
        checks: of lines, root, signature and past.
        doubles: contributions with several attestations, see `doubly_attested`; given an
            earlier checkpoint, only those with one that is younger.
    """

    checks: tuple[Check, ...]
    doubles: tuple[Sequence[Mapping[str, Any]], ...]

    @property
    def passed(self) -> bool:
        """Whether every check was made and passed, and no contribution is attested twice.

        Without a key that vouches for the checkpoint, anybody can make such a log.
        """
        return not self.doubles and all(check.outcome == "pass" for check in self.checks)


def check_log(
    lines: Sequence[bytes],
    checkpoint: Checkpoint | None,
    *,
    since: Checkpoint | None = None,
    keys: Sequence[SSlibKey] = (),
    since_keys: Sequence[SSlibKey] | None = None,
) -> LogReport:
    """Look at a whole log.

    Args:
        lines: all of it.
        checkpoint: the one beside it.
        since: an earlier one that was kept elsewhere.
        keys: one of them signs the log's checkpoints; with none, signatures stay unchecked and
            the report does not pass.
        since_keys: those that signed them when the earlier one was kept, which may have expired
            or been revoked since: whoever kept it knows when; None means the same.
    """
    leaves = [merkle.leaf_hash(line) for line in lines]
    doubles: tuple[Sequence[Mapping[str, Any]], ...] = ()
    try:
        doubles = tuple(
            found
            for found in doubly_attested(lines)
            if since is None or found[-1]["index"] >= since.size
        )
        form = Check("lines", "pass", f"all are of the known form: {len(lines):,}")
    except LogError as error:
        form = Check("lines", "fail", str(error))
    checks = [form, _root(leaves, checkpoint), check_signature("signature", checkpoint, keys)]
    if since is not None:
        checks += [
            _past(leaves, checkpoint, since),
            check_signature("since", since, since_keys or keys),
        ]
    return LogReport(tuple(checks), doubles)


def _root(leaves: Sequence[bytes], checkpoint: Checkpoint | None) -> Check:
    if checkpoint is None:
        if leaves:
            return Check("root", "fail", "there is no checkpoint beside the log's lines")
        return Check("root", "not checked", "no lines and no checkpoint: nothing was issued here")
    if not is_continued(checkpoint, leaves):
        return Check("root", "fail", "the checkpoint's root is not that of the log's lines")
    detail = f"the lines give the root of the checkpoint of size {checkpoint.size:,}"
    if behind := len(leaves) - checkpoint.size:
        detail += f"; after a crash {behind:,} more wait for the next attestation's checkpoint"
    return Check("root", "pass", detail)


def check_signature(name: str, checkpoint: Checkpoint | None, keys: Sequence[SSlibKey]) -> Check:
    """Check that one of some keys signed a checkpoint."""
    if not keys:
        return Check(name, "not checked", _NO_KEY)
    if checkpoint is None:
        return Check(name, "fail", "there is no checkpoint that the key could have signed")
    if any(checkpoint.is_signed_by(key) for key in keys):
        return Check(name, "pass", f"the key signed the checkpoint of size {checkpoint.size:,}")
    return Check(name, "fail", "no signature of the checkpoint verifies with a key that counts")


def _past(leaves: Sequence[bytes], checkpoint: Checkpoint | None, since: Checkpoint) -> Check:
    if checkpoint is not None and checkpoint.origin != since.origin:
        return Check("past", "fail", f"the earlier checkpoint is of another log ({since.origin})")
    if not is_continued(since, leaves):
        return Check("past", "fail", "the log does not continue the earlier checkpoint")
    return Check("past", "pass", f"the log continues the checkpoint of size {since.size:,}")
