"""Files of ascending 128-bit keys with the sequence of their contribution, read by memory map.

A segment is a header of 4096 bytes, then three arrays of ``capacity`` little-endian items: the
keys' high halves (uint64), their low halves (uint64) and sequences (int32), of which the first
``rows`` count. The header is canonical JSON, padded with zero bytes: magic, rows, capacity and a
BLAKE2b-256 over the BLAKE2b-256 digests of the three arrays' counted parts.
"""

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from hokusai_assets.canonical.canonical_json import canonical_bytes

HEADER_BYTES = 4096
MAGIC = "hokusai-row-keys-1"
# Rows held in memory while segments merge, and while one is verified.
MERGE_ROWS = 1 << 19
_KINDS = ("<u8", "<u8", "<i4")


class RowIndexError(RuntimeError):
    """The files of a row index can't be used; says which one, and what to do."""


@dataclass(frozen=True)
class Segment:
    """One segment, opened; the arrays are maps of the file.

    Attributes:
        path: the file.
        high, low: uint64 (n,), the keys, ascending by both.
        sequence: int32 (n,), the contribution that holds each.
        digest: BLAKE2b-256 (hex) the header states.
    """

    path: Path
    high: np.ndarray
    low: np.ndarray
    sequence: np.ndarray
    digest: str

    @classmethod
    def open(cls, path: Path, rows: int) -> "Segment":
        """Open a segment that should hold ``rows`` keys.

        Raises:
            RowIndexError: it is missing, cut short, or no such segment.
        """
        try:
            with path.open("rb") as stream:
                header = json.loads(stream.read(HEADER_BYTES).rstrip(b"\0"))
                size = os.fstat(stream.fileno()).st_size
            capacity, digest = int(header["capacity"]), str(header["digest"])
            sound = header["magic"] == MAGIC and int(header["rows"]) == rows <= capacity
        except FileNotFoundError:
            raise RowIndexError(f"{path} is missing; restore it from a backup") from None
        except (ValueError, KeyError, TypeError):
            sound = False
        if not sound or size != HEADER_BYTES + 20 * capacity:
            raise RowIndexError(
                f"{path}: damaged or foreign: a segment of {rows} keys is needed; "
                "restore the folder from a backup"
            )
        arrays = [
            np.asarray(np.memmap(path, kind, "r", offset, (capacity,)))[:rows]
            for kind, offset in zip(_KINDS, _offsets(capacity), strict=True)
        ]
        high, low, sequence = arrays
        return cls(path, high, low, sequence, digest)

    def verify(self) -> None:
        """Compare the content with the header's digest, and the keys' order.

        Raises:
            RowIndexError: they differ.
        """
        digests = [hashlib.blake2b(digest_size=32) for _ in _KINDS]
        ascending = True
        for start in range(0, len(self.high), MERGE_ROWS):
            part = slice(start, start + MERGE_ROWS)
            for digest, array in zip(digests, (self.high, self.low, self.sequence), strict=True):
                digest.update(array[part].tobytes())
            ascending &= bool((np.diff(self.high[start : start + MERGE_ROWS + 1]) >= 0).all())
        if not ascending or _joined(digests) != self.digest:
            raise RowIndexError(
                f"{self.path}: damaged: its keys don't have the digest they were written with; "
                "restore the folder from a backup"
            )


def write_segment(path: Path, high: np.ndarray, low: np.ndarray, sequence: np.ndarray) -> None:
    """Write a segment of n >= 1 ascending keys, durably and whole or not at all."""
    with _SegmentWriter(path, len(high)) as writer:
        writer.add(high, low, sequence)


def merge_segments(path: Path, parts: list[Segment]) -> int:
    """Merge segments into one, a key held twice going to the lower sequence; return its rows.

    Reads and writes a range of keys at a time, so memory doesn't grow with the segments.
    """
    longest = max(parts, key=lambda part: len(part.high))
    bounds = [int(longest.high[at]) for at in range(MERGE_ROWS, len(longest.high), MERGE_ROWS)]
    total = sum(len(part.high) for part in parts)
    starts = [0] * len(parts)
    with _SegmentWriter(path, total) as writer:
        for bound in [*bounds, None]:
            ends = [
                len(part.high)
                if bound is None
                else int(np.searchsorted(part.high, np.uint64(bound)))
                for part in parts
            ]
            cut = [slice(start, end) for start, end in zip(starts, ends, strict=True)]
            pairs = list(zip(parts, cut, strict=True))
            high = np.concatenate([part.high[piece] for part, piece in pairs])
            low = np.concatenate([part.low[piece] for part, piece in pairs])
            sequence = np.concatenate([part.sequence[piece] for part, piece in pairs])
            order = np.lexsort((sequence, low, high))
            high, low, sequence = high[order], low[order], sequence[order]
            first = np.ones(len(order), dtype=bool)
            first[1:] = (high[1:] != high[:-1]) | (low[1:] != low[:-1])
            writer.add(high[first], low[first], sequence[first])
            starts = ends
        return writer.rows


def synced_folder(folder: Path) -> None:
    """Make the names in a folder last through a loss of power."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _offsets(capacity: int) -> tuple[int, int, int]:
    return (HEADER_BYTES, HEADER_BYTES + 8 * capacity, HEADER_BYTES + 16 * capacity)


def _joined(digests: list["hashlib.blake2b"]) -> str:
    whole = hashlib.blake2b(digest_size=32)
    for digest in digests:
        whole.update(digest.digest())
    return whole.hexdigest()


class _SegmentWriter:
    """Writes ascending keys to a draft, which takes its name when it is complete and synced."""

    def __init__(self, path: Path, capacity: int) -> None:
        self._path, self._draft = path, path.with_suffix(".draft")
        self._capacity = capacity
        self._digests = [hashlib.blake2b(digest_size=32) for _ in _KINDS]
        self.rows = 0

    def __enter__(self) -> "_SegmentWriter":
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
        self._stream: BinaryIO = os.fdopen(os.open(self._draft, flags, 0o600), "wb")
        self._stream.truncate(HEADER_BYTES + 20 * self._capacity)
        return self

    def add(self, high: np.ndarray, low: np.ndarray, sequence: np.ndarray) -> None:
        for kind, offset, array, digest in zip(
            _KINDS, _offsets(self._capacity), (high, low, sequence), self._digests, strict=True
        ):
            data = np.ascontiguousarray(array, dtype=kind)
            self._stream.seek(offset + self.rows * data.itemsize)
            self._stream.write(data.data)
            digest.update(data.data)
        self.rows += len(high)

    def __exit__(self, failure: type[BaseException] | None, *rest: object) -> None:
        with self._stream:
            if failure is None:
                header = {
                    "magic": MAGIC,
                    "rows": self.rows,
                    "capacity": self._capacity,
                    "digest": _joined(self._digests),
                }
                self._stream.seek(0)
                self._stream.write(canonical_bytes(header))
                self._stream.flush()
                os.fsync(self._stream.fileno())
        if failure is None:
            os.replace(self._draft, self._path)
        else:
            self._draft.unlink()
