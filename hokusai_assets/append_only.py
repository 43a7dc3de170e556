"""Files of lines that are only ever appended to, one writer at a time.

A line that a crash left half-written is no line: the next writer cuts it off.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from hokusai_assets.drafts import flush


@contextmanager
def held(path: Path) -> Iterator[BinaryIO]:
    """Open a file, made where there is none, and hold its lock (flock); waits for who has it."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    while True:
        with open(path, "a+b") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)
            # Whoever brings the file back from a copy replaces it: then this lock is on the old
            # one, and what is appended there is lost.
            if _is_at(stream, path):
                # Else a file that was made just now may be gone after a power cut, lines and all.
                flush(path.parent)
                yield stream
                return


def whole_lines(path: Path) -> list[bytes]:
    """Return a file's lines without their ends; of no file, none."""
    try:
        whole, _, _ = path.read_bytes().rpartition(b"\n")
    except FileNotFoundError:
        return []
    return whole.split(b"\n") if whole else []


def append_line(stream: BinaryIO, line: bytes) -> None:
    """Put a line, given without its end, on disk."""
    stream.seek(0, os.SEEK_END)
    stream.write(line + b"\n")
    stream.flush()
    os.fsync(stream.fileno())


def cut_half_line(stream: BinaryIO) -> None:
    """Remove what a crash left of a line."""
    stream.seek(0)
    whole = stream.read().rpartition(b"\n")
    stream.truncate(len(whole[0]) + len(whole[1]))


def _is_at(stream: BinaryIO, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(stream.fileno()), path.stat())
    except FileNotFoundError:
        return False
