"""The log of issued attestations: append-only, so that two of one contribution show.

One file per deployment, ``attestations.jsonl``, a line of canonical JSON (RFC 8785) per issued
attestation; a line's leaf is the RFC 6962 leaf hash of its bytes without the line end. Beside it
``checkpoint`` holds the signed size and root, and ``origin`` the log's name.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, BinaryIO

from pydantic import ConfigDict, StringConstraints, TypeAdapter
from pydantic.dataclasses import dataclass as pydantic_dataclass
from securesystemslib.signer import Signer  # type: ignore[attr-defined]

from hokusai_assets.append_only import append_line, end_last_line, held, whole_lines
from hokusai_assets.attestation.checkpoint import (
    Checkpoint,
    NoCheckpoint,
    check_origin,
    parse_checkpoint,
)
from hokusai_assets.attestation.measurement_form import Hex256
from hokusai_assets.attestation.statement import BENCHMARK_VERSION
from hokusai_assets.benchmarks.spec import BenchmarkId
from hokusai_assets.canonical import merkle
from hokusai_assets.canonical.canonical_json import canonical_bytes, digest
from hokusai_assets.drafts import replace_file

LOG_FILE = "attestations.jsonl"
CHECKPOINT_FILE = "checkpoint"
ORIGIN_FILE = "origin"

_Name = Annotated[str, StringConstraints(min_length=1)]


@pydantic_dataclass(frozen=True, config=ConfigDict(extra="forbid", strict=True))
class LogEntry:
    """What a line of the log says.

    Attributes:
        benchmark: its id.
        contribution: its key.
        raw_sha256: of the file as it came; this and all below are 64 lower-case hex characters.
        rows_root: Merkle root of the kept rows.
        spec_hash, base_root, test_root: the version of the benchmark.
        attestation_hash, result_hash: as the statement has them.
        payload_sha256: of the DSSE payload, which is canonical: one per statement.
    """

    benchmark: BenchmarkId
    contribution: _Name
    raw_sha256: Hex256
    rows_root: Hex256
    spec_hash: Hex256
    base_root: Hex256
    test_root: Hex256
    attestation_hash: Hex256
    result_hash: Hex256
    payload_sha256: Hex256


_READER = TypeAdapter(LogEntry)


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


def log_line(statement: Mapping[str, Any]) -> bytes:
    """Return the line of an attestation, without its end.

    It follows from what is stated alone: ``payload_sha256`` is that of the DSSE payload, not of
    the envelope, so a signature more, or one with other bytes, leaves the line as it is.

    Args:
        statement: what it states.
    """
    claim = statement["predicate"]["claim"]
    benchmark = claim["result"]["benchmark"]
    return canonical_bytes(
        {
            "benchmark": benchmark["id"],
            "contribution": claim["contribution"]["key"],
            "raw_sha256": claim["contribution"]["raw_sha256"],
            "rows_root": claim["result"]["rows"]["root"],
            **{name: benchmark[name] for name in BENCHMARK_VERSION},
            "attestation_hash": statement["predicate"]["attestation_hash"],
            "result_hash": statement["predicate"]["result_hash"],
            "payload_sha256": digest(statement),
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

    def append(self, line: bytes, signer: Signer | None) -> Logged:
        """Put a line on disk and sign a checkpoint over all; a line that is there adds none.

        Waits for whoever writes. A crash between the two leaves a checkpoint of fewer lines; the
        next call covers all.

        Args:
            line: from `log_line`.
            signer: signs the checkpoint; None leaves it unsigned.

        Raises:
            LogError: the line is of no known form, or the lines are not those of the checkpoint
                written last, or that checkpoint is missing.
        """
        entry_of(line)
        with held(self.folder / LOG_FILE) as stream:
            end_last_line(stream)
            lines = self.lines()
            leaves = [merkle.leaf_hash(each) for each in lines]
            self._refuse_another_past(leaves)
            index = _index_or_append(stream, lines, leaves, line)
            checkpoint = Checkpoint(self._origin(signer), len(leaves), merkle.root(leaves))
            if signer is not None:
                checkpoint = checkpoint.signed(signer)
            replace_file(self.folder / CHECKPOINT_FILE, checkpoint.note())
        return Logged(index, checkpoint, tuple(_others(lines, line)))

    def _refuse_another_past(self, leaves: Sequence[bytes]) -> None:
        last = self.checkpoint()
        # One line without any is what a crash within the very first call leaves.
        if last is None and len(leaves) > 1:
            raise LogError(
                f"{self.folder / CHECKPOINT_FILE}: it is missing, and the log has "
                f"{len(leaves):,} lines; bring it back from a copy, an older one does too - no "
                "attestation is issued until then"
            )
        if last is not None and not is_continued(last, leaves):
            raise LogError(
                f"{self.folder / LOG_FILE}: its first {last.size:,} lines are not those of the "
                "checkpoint beside it; bring the file back from a copy - no attestation is "
                "issued until then"
            )

    def _origin(self, signer: Signer | None) -> str:
        """Return the log's name; a first one is made from the key and stays when that changes."""
        path = self.folder / ORIGIN_FILE
        try:
            return check_origin(path.read_text(encoding="utf-8").strip())
        except FileNotFoundError:
            named = "unsigned" if signer is None else signer.public_key.keyid[:16]
            origin = f"hokusai-log/{named}"
            replace_file(path, f"{origin}\n".encode())
            return origin
        except (NoCheckpoint, UnicodeDecodeError) as error:
            raise LogError(f"{path}: {error}") from None


def is_continued(checkpoint: Checkpoint, leaves: Sequence[bytes]) -> bool:
    """Say whether a log's leaves begin with those of an earlier checkpoint.

    All leaves are at hand, so no proof is needed: a monitor without them gets one from
    `log_proof.consistency_proof`.
    """
    return checkpoint.size <= len(leaves) and checkpoint.root == merkle.root(
        leaves[: checkpoint.size]
    )


def entry_of(line: bytes) -> Mapping[str, Any]:
    """Return what a line says: the members of `LogEntry`.

    Raises:
        LogError: it is no line of this log in its exact form.
    """
    try:
        entry = asdict(_READER.validate_json(line))
        # Written again, it shows spaces, escapes and members that stand twice.
        if canonical_bytes(entry) == line:
            return entry
    except ValueError:
        pass
    raise LogError("a line of the log is of no known form: bring the file back from a copy")


def doubly_attested(lines: Sequence[bytes]) -> list[list[Mapping[str, Any]]]:
    """Return contributions with two or more different attestations, in order of the log.

    A contribution is a file on one version of one benchmark, whatever it is called: two are the
    same if the file's digest or the root of the kept rows is, since a line feed more changes the
    first only. Attestations differ where their attestation_hash does. Each is its first entry
    with ``index``, its place in the log from 0.

    Raises:
        LogError: a line is of no known form.
    """
    found: dict[tuple[str, ...], dict[str, Mapping[str, Any]]] = {}
    for index, line in enumerate(lines):
        entry = entry_of(line)
        by_file, by_rows = (found.setdefault(name, {}) for name in _names_of(entry))
        attested = by_file
        if by_file is not by_rows:
            # One's file and another's rows: what both names stood for is one contribution.
            fewer, attested = sorted((by_file, by_rows), key=len)
            for each in (entry, *fewer.values()):
                found.update(dict.fromkeys(_names_of(each), attested))
            attested.update(fewer)
        attested.setdefault(entry["attestation_hash"], {"index": index, **entry})
    groups = {id(attested): attested for attested in found.values()}
    ordered = [sorted(each.values(), key=_place) for each in groups.values() if len(each) > 1]
    return sorted(ordered, key=lambda entries: _place(entries[0]))


def _place(entry: Mapping[str, Any]) -> int:
    return int(entry["index"])


def _names_of(entry: Mapping[str, Any]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what a contribution is known by: its file, and its kept rows."""
    version = tuple(entry[name] for name in ("benchmark", *BENCHMARK_VERSION))
    return ("file", entry["raw_sha256"], *version), ("rows", entry["rows_root"], *version)


def _index_or_append(stream: BinaryIO, lines: list[bytes], leaves: list[bytes], line: bytes) -> int:
    if line in lines:
        return lines.index(line)
    append_line(stream, line)
    lines.append(line)
    leaves.append(merkle.leaf_hash(line))
    return len(lines) - 1


def _others(lines: Sequence[bytes], line: bytes) -> Iterator[Mapping[str, Any]]:
    own = entry_of(line)
    names = set(_names_of(own))
    markers = own["raw_sha256"].encode(), own["rows_root"].encode()
    seen = {own["attestation_hash"]}
    for each in lines:
        # Most lines are of other contributions; only their own are parsed.
        if not any(marker in each for marker in markers):
            continue
        entry = entry_of(each)
        if names.intersection(_names_of(entry)):
            if entry["attestation_hash"] not in seen:
                yield entry
            seen.add(entry["attestation_hash"])
