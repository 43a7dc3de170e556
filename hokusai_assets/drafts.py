"""Half-made files and folders: names that tell whose they are, and removing those of the dead."""

import os
import secrets
import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_ABANDONED_AFTER_SECONDS = 24 * 3600


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
