"""Copying what a sender dropped into the store, hashed on the way and never through a link."""

import hashlib
import os
from pathlib import Path
from typing import BinaryIO

from hokusai_assets.tables.file_access import list_parts, open_regular_file, opened_folder
from hokusai_assets.tables.limits import ReadLimits
from hokusai_assets.tables.problems import refuse


def copy_file(source: Path, target: Path, *, name: str, max_bytes: int) -> str:
    """Copy a regular file, flushed to disk; return the SHA-256 (hex) of its bytes.

    Messages call it ``name``, here and below.

    Raises:
        UnreadableFile: it is no regular file, or has more bytes than ``max_bytes``.
        OSError: it can't be read, or the copy not be written.
    """
    with open_regular_file(source, name) as reader, create(target) as writer:
        digest, _ = _copied(reader, writer, name, max_bytes)
        writer.flush()
        os.fsync(writer.fileno())
    return digest


def copy_parts(source: Path, target: Path, *, name: str, limits: ReadLimits) -> str:
    """Copy a folder of Parquet parts, flushed to disk; return its digest, see `parts_digest`.

    The copies are numbered in the order of the parts' names, which may hold anything.

    Raises:
        UnreadableFile: it is no folder of parts (see `list_parts`), or too large.
        OSError: it can't be read, or the copy not be written.
    """
    target.mkdir(mode=0o700)
    left = limits.max_file_bytes
    copied: list[tuple[str, int]] = []
    with opened_folder(source, name) as folder:
        for number, part in enumerate(list_parts(folder, name, max_parts=limits.max_parts)):
            with (
                open_regular_file(part.name, name, folder=folder) as reader,
                create(target / f"{number + 1:05}.parquet") as writer,
            ):
                digest, size = _copied(reader, writer, name, left)
            copied.append((digest, size))
            left -= size
    # Once for all: a flush of each of thousands of files would take minutes.
    os.sync()
    return parts_digest(copied)


def digest_without_copy(source: Path, *, name: str, limits: ReadLimits) -> str:
    """Return the digest that a copy of a file or folder of parts would have.

    Raises:
        UnreadableFile, OSError: as `copy_file` and `copy_parts` do.
    """
    left = limits.max_file_bytes
    if not source.is_dir():
        with open_regular_file(source, name) as reader:
            return _copied(reader, None, name, left)[0]
    read: list[tuple[str, int]] = []
    with opened_folder(source, name) as folder:
        for part in list_parts(folder, name, max_parts=limits.max_parts):
            with open_regular_file(part.name, name, folder=folder) as reader:
                digest, size = _copied(reader, None, name, left)
            read.append((digest, size))
            left -= size
    return parts_digest(read)


def parts_digest(parts: list[tuple[str, int]]) -> str:
    """Return the digest (hex) of a folder of parts, given each part's SHA-256 (hex) and bytes.

    It is the SHA-256 of the lines ``<sha256> <bytes>\\n``, one per part, in ascending order; so
    neither the parts' names nor their order matter.
    """
    lines = sorted(f"{digest} {size}\n" for digest, size in parts)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def copy_beginning(source: Path, target: Path, *, name: str, max_bytes: int) -> None:
    """Copy a regular file's first ``max_bytes`` bytes, flushed to disk."""
    with open_regular_file(source, name) as reader, create(target) as writer:
        writer.write(reader.read(max_bytes))
        writer.flush()
        os.fsync(writer.fileno())


def create(target: Path) -> BinaryIO:
    """Open a new file that only its owner can read."""
    return open(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def _copied(
    reader: BinaryIO, writer: BinaryIO | None, name: str, max_bytes: int
) -> tuple[str, int]:
    hasher = hashlib.sha256()
    size = 0
    while block := reader.read(1 << 20):
        size += len(block)
        if size > max_bytes:
            refuse(
                "too-large",
                f"{name}: it has more bytes than one contribution may.",
                "Send it as several contributions.",
            )
        hasher.update(block)
        if writer is not None:
            writer.write(block)
    return hasher.hexdigest(), size
