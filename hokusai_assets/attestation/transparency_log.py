"""The log of issued attestations: append-only, so that two of one contribution show.

One file per deployment, ``attestations.jsonl``, a line of canonical JSON (RFC 8785) per issued
attestation; a line's leaf is the RFC 6962 leaf hash of its bytes without the line end. Beside it
``checkpoint`` holds the signed size and root, and ``origin`` the log's name.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hokusai_assets.append_only import append_line, cut_half_line, held, whole_lines
from hokusai_assets.attestation.checkpoint import (
    Checkpoint,
    NoCheckpoint,
    check_origin,
    parse_checkpoint,
)
from hokusai_assets.attestation.envelope import key_id
from hokusai_assets.canonical import merkle
from hokusai_assets.canonical.canonical_json import canonical_bytes
from hokusai_assets.canonical.merkle_proofs import consistency_path, continues
from hokusai_assets.drafts import replace_file

LOG_FILE = "attestations.jsonl"
CHECKPOINT_FILE = "checkpoint"
ORIGIN_FILE = "origin"
_VERSION = ("spec_hash", "base_root", "test_root")


class LogError(RuntimeError):
    """The log is damaged or is not what a checkpoint says; names the place and the remedy."""


@dataclass(frozen=True)
class Logged:
    """Where an attestation stands in the log.

    Attributes:
        index: its place, from 0.
        checkpoint: of the log that holds it.
        others: other attestations of the same contribution on the same version of the benchmark.
    """

    index: int
    checkpoint: Checkpoint
    others: tuple[Mapping[str, Any], ...]


def log_line(statement: Mapping[str, Any], envelope: bytes) -> bytes:
    """Return the line of an attestation, without its end.

    Args:
        statement: what it states.
        envelope: the file's bytes.
    """
    claim = statement["predicate"]["claim"]
    benchmark = claim["result"]["benchmark"]
    return canonical_bytes(
        {
            "benchmark": benchmark["id"],
            "contribution": claim["contribution"]["key"],
            "raw_sha256": claim["contribution"]["raw_sha256"],
            **{name: benchmark[name] for name in _VERSION},
            "attestation_hash": statement["predicate"]["attestation_hash"],
            "result_hash": statement["predicate"]["result_hash"],
            "envelope_sha256": hashlib.sha256(envelope).hexdigest(),
        }
    )


class TransparencyLog:
    """The log of one deployment, in a folder."""

    def __init__(self, folder: Path) -> None:
        """Name the folder; it need not be there yet."""
        self.folder = folder

    def lines(self) -> list[bytes]:
        """Return the whole lines, in order."""
        return whole_lines(self.folder / LOG_FILE)

    def state(self) -> tuple[list[bytes], Checkpoint | None]:
        """Return the lines, and the checkpoint that was written last; a reader's one look.

        Raises:
            LogError: the checkpoint's file holds none.
        """
        # In this order: an entry that comes in between is beyond the checkpoint, not missing.
        checkpoint = self.checkpoint()
        return self.lines(), checkpoint

    def checkpoint(self) -> Checkpoint | None:
        """Return the checkpoint that was written last, None of a log that has none yet.

        Raises:
            LogError: the file holds no checkpoint.
        """
        path = self.folder / CHECKPOINT_FILE
        try:
            return parse_checkpoint(path.read_bytes())
        except FileNotFoundError:
            return None
        except NoCheckpoint as error:
            raise LogError(f"{path}: {error}; bring it back from a copy") from None

    def append(self, line: bytes, key: Ed25519PrivateKey | None) -> Logged:
        """Put a line on disk and sign a checkpoint over all; a line that is there adds none.

        Waits for whoever writes. A crash between the two leaves a checkpoint of fewer lines; the
        next call covers all.

        Args:
            line: from `log_line`.
            key: signs the checkpoint; None leaves it unsigned.

        Raises:
            LogError: the lines are not those of the checkpoint written last.
        """
        with held(self.folder / LOG_FILE) as stream:
            cut_half_line(stream)
            lines = self.lines()
            leaves = [merkle.leaf_hash(each) for each in lines]
            self._refuse_another_past(leaves)
            index = _index_or_append(stream, lines, leaves, line)
            checkpoint = Checkpoint(self._origin(key), len(leaves), merkle.root(leaves))
            if key is not None:
                checkpoint = checkpoint.signed(key)
            replace_file(self.folder / CHECKPOINT_FILE, checkpoint.note())
        return Logged(index, checkpoint, tuple(_others(lines, line)))

    def _refuse_another_past(self, leaves: Sequence[bytes]) -> None:
        last = self.checkpoint()
        if last is not None and not is_continued(last, leaves):
            raise LogError(
                f"{self.folder / LOG_FILE}: its first {last.size:,} lines are not those of the "
                "checkpoint beside it; bring the file back from a copy - no attestation is "
                "issued until then"
            )

    def _origin(self, key: Ed25519PrivateKey | None) -> str:
        """Return the log's name; a first one is made from the key and stays when that changes."""
        path = self.folder / ORIGIN_FILE
        try:
            return check_origin(path.read_text(encoding="utf-8").strip())
        except FileNotFoundError:
            named = "unsigned" if key is None else key_id(key.public_key())[:16]
            origin = f"hokusai-log/{named}"
            replace_file(path, f"{origin}\n".encode())
            return origin
        except (NoCheckpoint, UnicodeDecodeError) as error:
            raise LogError(f"{path}: {error}") from None


def is_continued(checkpoint: Checkpoint, leaves: Sequence[bytes]) -> bool:
    """Say whether a log's leaves begin with those of an earlier checkpoint.

    By the consistency proof that a monitor would be given (RFC 9162 section 2.1.4).
    """
    if checkpoint.size > len(leaves):
        return False
    if checkpoint.size == 0:
        return checkpoint.root == merkle.root([])
    path = consistency_path(leaves, checkpoint.size)
    root = merkle.root(leaves)
    return continues(checkpoint.size, checkpoint.root, len(leaves), root, path)


def entry_of(line: bytes) -> Mapping[str, Any]:
    """Return what a line says.

    Raises:
        LogError: it is no line of this log.
    """
    try:
        entry = json.loads(line)
        if canonical_bytes(entry) == line and isinstance(entry["attestation_hash"], str):
            _contribution_of(entry)
            return dict(entry)
    except (ValueError, LookupError, TypeError):
        pass
    raise LogError("a line of the log is of no known form: bring the file back from a copy")


def doubly_attested(lines: Sequence[bytes]) -> list[list[Mapping[str, Any]]]:
    """Return contributions with two or more different attestations, in order of the log.

    A contribution is its file's digest on one version of one benchmark, whatever it is called;
    attestations differ where their attestation_hash does. Each is its first entry with ``index``,
    its place in the log from 0.

    Raises:
        LogError: a line is of no known form.
    """
    found: dict[tuple[str, ...], dict[str, Mapping[str, Any]]] = {}
    for index, line in enumerate(lines):
        entry = entry_of(line)
        attested = found.setdefault(_contribution_of(entry), {})
        attested.setdefault(entry["attestation_hash"], {"index": index, **entry})
    return [list(attested.values()) for attested in found.values() if len(attested) > 1]


def _contribution_of(entry: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(entry[name] for name in ("benchmark", "raw_sha256", *_VERSION))


def _index_or_append(stream: BinaryIO, lines: list[bytes], leaves: list[bytes], line: bytes) -> int:
    if line in lines:
        return lines.index(line)
    append_line(stream, line)
    lines.append(line)
    leaves.append(merkle.leaf_hash(line))
    return len(lines) - 1


def _others(lines: Sequence[bytes], line: bytes) -> Iterator[Mapping[str, Any]]:
    own = entry_of(line)
    marker = own["raw_sha256"].encode()
    seen = {own["attestation_hash"]}
    for each in lines:
        # Most lines are of other contributions; only their own are parsed.
        if marker not in each:
            continue
        entry = entry_of(each)
        if _contribution_of(entry) == _contribution_of(own):
            if entry["attestation_hash"] not in seen:
                yield entry
            seen.add(entry["attestation_hash"])
