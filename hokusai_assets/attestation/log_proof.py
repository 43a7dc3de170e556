"""Proofs that an attestation is in a log, and that a log continues an earlier state.

JSON documents that need nothing else of the log: inclusion ``{"index", "size", "path",
"checkpoint"}`` and consistency ``{"first", "path", "checkpoint"}``; paths are lists of 64 hex
characters (RFC 9162 sections 2.1.3 and 2.1.4), ``checkpoint`` is the text of the signed note.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from securesystemslib.signer import SSlibKey  # type: ignore[attr-defined]

from hokusai_assets.attestation.checkpoint import (
    Checkpoint,
    NoCheckpoint,
    parse_checkpoint,
)
from hokusai_assets.canonical import merkle
from hokusai_assets.canonical.merkle_proofs import (
    consistency_path,
    continues,
    inclusion_path,
    root_by_path,
)

_MAX_BYTES = 200_000


class NoProof(ValueError):
    """The document proves nothing; the message says why."""


def inclusion_proof(lines: Sequence[bytes], index: int, checkpoint: Checkpoint) -> dict[str, Any]:
    """Return the proof that a line is in the log that a checkpoint is of.

    Args:
        lines: of the log, at least as many as the checkpoint's.
        index: which, from 0, below the checkpoint's size.
        checkpoint: the log's.
    """
    leaves = [merkle.leaf_hash(line) for line in lines[: checkpoint.size]]
    return {
        "index": index,
        "size": checkpoint.size,
        "path": [node.hex() for node in inclusion_path(leaves, index)],
        "checkpoint": checkpoint.note().decode(),
    }


def consistency_proof(lines: Sequence[bytes], first: int, checkpoint: Checkpoint) -> dict[str, Any]:
    """Return the proof that a checkpoint's log continues the one of its first lines.

    Args:
        lines: of the log, at least as many as the checkpoint's.
        first: how many lines the earlier log had, 1 to the checkpoint's size.
        checkpoint: the log's.
    """
    leaves = [merkle.leaf_hash(line) for line in lines[: checkpoint.size]]
    return {
        "first": first,
        "path": [node.hex() for node in consistency_path(leaves, first)],
        "checkpoint": checkpoint.note().decode(),
    }


def check_inclusion(proof: bytes, line: bytes, keys: Sequence[SSlibKey]) -> Checkpoint:
    """Return the checkpoint of the log that a proof shows a line to be in.

    Args:
        proof: the JSON of an `inclusion_proof`.
        line: the attestation's, from `log_line`.
        keys: the log's; one of them signed the proof's checkpoint.

    Raises:
        NoProof: it shows nothing of the sort.
    """
    document, checkpoint, path = _opened(proof, {"index", "size", "path", "checkpoint"}, keys)
    index, size = document["index"], document["size"]
    if size != checkpoint.size or not _is_count(index):
        raise NoProof("the log proof's index or size is not of its checkpoint")
    if root_by_path(merkle.leaf_hash(line), index, size, path) != checkpoint.root:
        raise NoProof("the log proof does not lead from this attestation to its checkpoint")
    return checkpoint


def check_consistency(proof: bytes, earlier: Checkpoint, keys: Sequence[SSlibKey]) -> Checkpoint:
    """Return the checkpoint of the log that a proof shows to continue an earlier one.

    Args:
        proof: the JSON of a `consistency_proof`.
        earlier: a checkpoint that was kept.
        keys: the log's; one of them signed the proof's checkpoint.

    Raises:
        NoProof: it shows nothing of the sort.
    """
    document, checkpoint, path = _opened(proof, {"first", "path", "checkpoint"}, keys)
    if document["first"] != earlier.size or checkpoint.origin != earlier.origin:
        raise NoProof("the consistency proof is of another checkpoint or log")
    if not continues(earlier.size, earlier.root, checkpoint.size, checkpoint.root, path):
        raise NoProof("the log does not continue the earlier checkpoint")
    return checkpoint


def _opened(
    proof: bytes, members: set[str], keys: Sequence[SSlibKey]
) -> tuple[Mapping[str, Any], Checkpoint, list[bytes]]:
    try:
        if len(proof) > _MAX_BYTES:
            raise ValueError
        document = json.loads(proof)
        checkpoint = parse_checkpoint(document["checkpoint"].encode())
        path = [bytes.fromhex(node) for node in document["path"]]
    except NoCheckpoint as error:
        raise NoProof(str(error)) from None
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        raise NoProof("no proof of a log") from None
    if set(document) != members or any(len(node) != 32 for node in path):
        raise NoProof("no proof of a log in its exact form")
    if not any(checkpoint.is_signed_by(key) for key in keys):
        raise NoProof("no signature of the checkpoint verifies with the given key")
    return document, checkpoint, path


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
