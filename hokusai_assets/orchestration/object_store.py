"""Folders that appear whole or not at all, and are checked when they are read.

Layout under a location: ``<digest>/`` holds the files of one version, ``current.json`` names the
version in force with the SHA-256 of each file. A version is written beside, flushed to disk and
renamed; then ``current.json`` is replaced. A process killed anywhere leaves the old version.
"""

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from hokusai_assets.drafts import draft_name, flush, remove_abandoned, replace_file

T = TypeVar("T")
_CURRENT = "current.json"
_DRAFT = ".draft-"
VERSION_LENGTH = 32
"""How many characters of a version's digest its folder is called by."""


class MissingObject(RuntimeError):
    """Nothing whole is stored at a location; the message names what, where, and the remedy."""


class DamagedObject(MissingObject):
    """Something is stored, but its files were changed or lost."""


def write_object(location: Path, save: Callable[[Path], None]) -> str:
    """Store a new version and put it in force.

    Args:
        location: the object's folder, made if it is missing.
        save: writes the files into the folder it is given.

    Returns:
        The version's digest: SHA-256 (hex) over names and contents of its files.
    """
    location.mkdir(parents=True, exist_ok=True)
    remove_abandoned(location, _DRAFT)
    draft = location / draft_name(_DRAFT)
    draft.mkdir(mode=0o700)
    try:
        save(draft)
        files = {path.name: _file_digest(path) for path in sorted(draft.iterdir())}
        for path in draft.iterdir():
            flush(path)
        digest = hashlib.sha256(json.dumps(files, sort_keys=True).encode()).hexdigest()
        version = location / digest[:VERSION_LENGTH]
        if not _holds(version, files):
            shutil.rmtree(version, ignore_errors=True)
            try:
                draft.rename(version)
            except OSError:
                # Another run of the same inputs stored the same version a moment ago.
                if not _holds(version, files):
                    raise
        flush(location)
        replace_file(
            location / _CURRENT,
            json.dumps({"version": version.name, "files": files}, sort_keys=True).encode(),
        )
        return digest
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def read_object(location: Path, load: Callable[[Path], T], *, what: str, remedy: str) -> T:
    """Load the version in force after checking each file against its digest.

    Args:
        location: the object's folder.
        load: reads the folder it is given.
        what: names the object in messages.
        remedy: what to do when it is missing or damaged.

    Raises:
        MissingObject: nothing is stored, or a file is missing or changed.
    """
    return load(checked_version(location, what=what, remedy=remedy))


def checked_version(location: Path, *, what: str, remedy: str) -> Path:
    """Return the folder of the version in force, its files checked; see `read_object`."""
    try:
        current = json.loads((location / _CURRENT).read_bytes())
    except FileNotFoundError:
        raise MissingObject(f"{what} is not stored (looked in {location}): {remedy}") from None
    version = location / str(current["version"])
    if not _holds(version, current["files"]):
        raise DamagedObject(f"{what} is damaged (files of {version} changed): {remedy}")
    return version


def read_checked_file(location: Path, name: str, *, what: str, remedy: str) -> bytes:
    """Return one file of the version in force, checked alone: its neighbours may be large.

    Raises:
        MissingObject: nothing is stored, it has no such file, or the file changed.
    """
    try:
        current = json.loads((location / _CURRENT).read_bytes())
        data = (location / str(current["version"]) / name).read_bytes()
    except FileNotFoundError:
        raise MissingObject(f"{what} is not stored (looked in {location}): {remedy}") from None
    if hashlib.sha256(data).hexdigest() != current["files"].get(name):
        raise DamagedObject(f"{what} is damaged ({name} in {location} changed): {remedy}")
    return data


def _holds(version: Path, files: dict[str, str]) -> bool:
    try:
        return all(_file_digest(version / name) == digest for name, digest in files.items())
    except OSError:
        return False


def _file_digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
