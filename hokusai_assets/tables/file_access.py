"""Opening what a sender put somewhere: regular files and folders of parts, never through a link."""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from hokusai_assets.tables.formats import format_of
from hokusai_assets.tables.problems import refuse

# A pipe put in a file's place would block the opening of it for ever.
_READ_ONLY = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_FOLDER = os.O_RDONLY | os.O_NOFOLLOW | os.O_DIRECTORY | os.O_CLOEXEC
# Marker files of Spark, Hive and Dask (_SUCCESS, _metadata) and hidden ones hold no rows.
_IGNORED_BEGINNINGS = (".", "_")


@dataclass(frozen=True)
class Part:
    """One part file of a folder: its name, its bytes, and when it changed (nanoseconds)."""

    name: str
    size: int
    changed: int


def open_regular_file(path: Path | str, name: str, *, folder: int | None = None) -> BinaryIO:
    """Open a file for reading; links, folders, pipes and devices are refused.

    Args:
        path: the file; within ``folder`` where that is given.
        name: what messages call it.
        folder: descriptor of an open folder.

    Raises:
        UnreadableFile: it is no regular file (``not-a-file``).
        OSError: it can't be opened.
    """
    descriptor = _descriptor(path, _READ_ONLY, folder, refused=(errno.ELOOP, errno.ENXIO))
    if descriptor is not None:
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            return os.fdopen(descriptor, "rb")
        os.close(descriptor)
    refuse("not-a-file", f"{name}: the path is no regular file.", "Send a file, not a link.")


def _descriptor(
    path: Path | str, flags: int, folder: int | None, *, refused: tuple[int, ...]
) -> int | None:
    """Open a path; None for an error that says that it is of the wrong kind."""
    try:
        return os.open(path, flags, dir_fd=folder)
    except OSError as error:
        if error.errno not in refused:
            raise
        return None


@contextmanager
def opened_folder(path: Path, name: str) -> Iterator[int]:
    """Yield a descriptor of a folder that is no link.

    Raises:
        UnreadableFile: it is a link or no folder (``not-a-file``).
        OSError: it can't be opened.
    """
    descriptor = _descriptor(path, _FOLDER, None, refused=(errno.ELOOP, errno.ENOTDIR))
    if descriptor is None:
        refuse("not-a-file", f"{name}: the path is no folder.", "Send a folder, not a link.")
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def is_ignored_in_folder(name: str) -> bool:
    """Say whether a name in a folder of parts is that of something that holds no rows."""
    return name.startswith(_IGNORED_BEGINNINGS)


def is_part_name(name: str) -> bool:
    """Say whether a name in a folder of parts is a part's: Parquet, and not ignored."""
    found = format_of(name)
    return not is_ignored_in_folder(name) and found is not None and found.is_parquet


def list_parts(folder: int, name: str, *, max_parts: int) -> list[Part]:
    """Return the parts of an open folder, ascending by name.

    Parts are regular files whose names end in ``.parquet`` or ``.pq``. Names that begin with
    a dot or an underscore are ignored.

    Args:
        folder: descriptor of the folder.
        name: what messages call it.
        max_parts: how many parts there may be.

    Raises:
        UnreadableFile: it holds a link, a folder or a file of another kind
            (``bad-part-folder``), no part (``empty-file``) or too many (``too-large``).
        OSError: it can't be listed.
    """
    parts: list[Part] = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if is_ignored_in_folder(entry.name):
                continue
            if not (entry.is_file(follow_symlinks=False) and is_part_name(entry.name)):
                refuse(
                    "bad-part-folder",
                    f"{name}: the folder holds something that is no Parquet file, such as a "
                    "link, another folder or another format.",
                    "Send a folder of .parquet or .pq files and nothing else.",
                )
            status = entry.stat(follow_symlinks=False)
            parts.append(Part(entry.name, status.st_size, status.st_mtime_ns))
            if len(parts) > max_parts:
                refuse(
                    "too-large",
                    f"{name}: the folder has more than {max_parts:,} parts.",
                    "Write the rows to fewer part files.",
                )
    if not parts:
        refuse(
            "empty-file", f"{name}: the folder has no Parquet file.", "Send a folder with parts."
        )
    # As bytes: file names need not be text.
    return sorted(parts, key=lambda part: os.fsencode(part.name))
