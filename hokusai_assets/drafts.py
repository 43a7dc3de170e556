"""Half-made files and folders: names that tell whose they are, and removing those of the dead."""

import hashlib
import os
import secrets
import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_ABANDONED_AFTER_SECONDS = 24 * 3600
_FILE_DRAFT = ".draft-"


def draft_name(prefix: str) -> str:
    """Return a new name: the prefix, this process, a random part and this machine."""
    return f"{prefix}{os.getpid()}-{secrets.token_hex(6)}-{socket.gethostname()}"


def remove_abandoned(folder: Path, prefix: str) -> None:
    """Remove what processes that are dead left half-made in a folder, and what is a day old."""
    for path in folder.glob(f"{prefix}*"):
        process, _, rest = path.name.removeprefix(prefix).partition("-")
        # Another machine's process ids mean nothing here, and an id may be in use again.
        here = rest.partition("-")[2] == socket.gethostname()
        dead = here and process.isdigit() and not _is_alive(int(process))
        if dead or _age_in_seconds(path) > _ABANDONED_AFTER_SECONDS:
            remove(path)


def remove(path: Path) -> None:
    """Remove a file or a folder with all in it; one that is gone already is no error."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


@contextmanager
def scratch_folder(parent: Path) -> Iterator[Path]:
    """Yield a new folder (0700) that is removed at the end; earlier ones of the dead go first."""
    parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    remove_abandoned(parent, "")
    folder = parent / draft_name("")
    folder.mkdir(mode=0o700)
    try:
        yield folder
    finally:
        remove(folder)


def replace_file(path: Path, data: bytes | Path, *, mode: int = 0o644) -> None:
    """Write a file so that readers see its old content or all of the new.

    Args:
        path: the file.
        data: its content, or a file to copy it from.
        mode: of the file, from its first byte on.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(draft_name(_FILE_DRAFT))
    try:
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as stream:
            if isinstance(data, bytes):
                stream.write(data)
            else:
                with data.open("rb") as source:
                    shutil.copyfileobj(source, stream)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(draft, path)
        flush(path.parent)
    finally:
        draft.unlink(missing_ok=True)


def write_once(path: Path, data: bytes | Path, *, mode: int = 0o644) -> bool:
    """Write a file that must not change, or find it there; False if it is there with other content.

    Args:
        path: the file.
        data: its content, or a file to copy it from.
        mode: of a file that is made.
    """
    if path.exists():
        return _content(path) == _content(data)
    replace_file(path, data, mode=mode)
    return True


def _content(data: bytes | Path) -> bytes:
    """Return the SHA-256 of bytes, or of a file."""
    if isinstance(data, bytes):
        return hashlib.sha256(data).digest()
    with data.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").digest()


def flush(path: Path) -> None:
    """Put a file, or a folder's list of names, on disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _age_in_seconds(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
