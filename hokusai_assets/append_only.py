"""Files of lines that are only ever appended to, one writer at a time.

A line that a crash left half-written is no line: the next writer cuts it off.
"""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Lines:
    """A file's lines without their ends, and what follows the last end."""

    whole: list[bytes]
    half: bytes


def read_lines(path: Path) -> Lines:
    """Return a file's lines; of no file, none."""
    try:
        whole, _, half = path.read_bytes().rpartition(b"\n")
    except FileNotFoundError:
        return Lines([], b"")
    return Lines(whole.split(b"\n") if whole else [], half)


def whole_lines(path: Path) -> list[bytes]:
    """Return a file's lines without their ends; of no file, none."""
    return read_lines(path).whole


def append_line(stream: BinaryIO, line: bytes) -> None:
    """Put a line, given without its end, on disk."""
    stream.seek(0, os.SEEK_END)
    stream.write(line + b"\n")
    stream.flush()
    os.fsync(stream.fileno())


def end_last_line(stream: BinaryIO, *, keep: Callable[[bytes], bool] = lambda half: False) -> None:
    """Remove what a crash left of a line; end it instead where all of it is there.

    Args:
        stream: the file, held.
        keep: says of what follows the last line's end whether it is a whole line.
    """
    stream.seek(0)
    whole, end, half = stream.read().rpartition(b"\n")
    if half and keep(half):
        stream.seek(0, os.SEEK_END)
        stream.write(b"\n")
    else:
        stream.truncate(len(whole) + len(end))


def _is_at(stream: BinaryIO, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(stream.fileno()), path.stat())
    except FileNotFoundError:
        return False
