"""Who a contribution is: its partition key, and the store that keeps its bytes as they came.

The store keeps one folder per contribution, ``<key>/``, holding ``data.<ending>`` (a file, or a
folder of numbered Parquet parts), the sidecar if one came, and ``origin.json``. It holds raw
data, so its folders are 0700 and its files 0600; a folder appears whole (rename) or not at all.
"""

import fcntl
import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa

from hokusai_assets.contributions.manifest import MAX_BYTES, SIDECAR_SUFFIX, parse_manifest
from hokusai_assets.contributions.stored_copy import (
    copy_beginning,
    copy_file,
    copy_parts,
    create,
    digest_without_copy,
)
from hokusai_assets.drafts import draft_name, remove_abandoned
from hokusai_assets.privacy.pseudonymise import residual_personal_data
from hokusai_assets.tables.file_access import open_regular_file
from hokusai_assets.tables.formats import (
    COMPRESSIONS,
    ENDINGS_IN_WORDS,
    FORMATS,
    FileFormat,
    format_of,
)
from hokusai_assets.tables.limits import ReadLimits
from hokusai_assets.tables.problems import Problem, UnreadableFile, refuse

KEY_PATTERN = re.compile(r"^[a-z0-9][a-z0-9._-]{0,99}$")
DIGEST_IN_KEY = 12
_NAME_LENGTH = 60
_SIDECAR = "sidecar.yaml"
_ORIGIN = "origin.json"
_INCOMING = ".incoming-"
_LOCK = ".lock"
_LIMITS = ReadLimits()


@dataclass(frozen=True)
class Contribution:
    """A registered contribution.

    Attributes:
        key: its partition key, ``<readable name>-<first 12 hex of digest>``.
        digest: SHA-256 (hex) of the data file's bytes; of a folder see `parts_digest`.
        path: the stored data file or folder of parts.
        sidecar: the sidecar's bytes, None if there was none.
        sidecar_not_used: whether a different sidecar came later and changed nothing.
        sent_as: the file's own name, shown to its sender only: it may be personal data.
    """

    key: str
    digest: str
    path: Path
    sidecar: bytes | None
    sidecar_not_used: bool = False
    sent_as: str | None = None

    @property
    def display_name(self) -> str:
        """What messages call the file."""
        return self.sent_as or f"{self.key}{''.join(self.path.suffixes)}"

    @property
    def run_key(self) -> str:
        """What one evaluation of it follows from: the key, the file's bytes, the sidecar's."""
        parts = [self.key, self.digest]
        if self.sidecar is not None:
            parts.append(hashlib.sha256(self.sidecar).hexdigest()[:DIGEST_IN_KEY])
        return ":".join(parts)


class UnknownContribution(KeyError):
    """No contribution is registered under that key; the message names key, folder and remedy."""

    def __str__(self) -> str:
        return str(self.args[0])


def shown_name(file_name: str) -> str:
    """Return a file's own name as text: bytes that are no UTF-8 become question marks."""
    # Linux file names are bytes: those that are no UTF-8 arrive as lone surrogates.
    return file_name.encode("utf-8", "replace").decode("utf-8")


def readable_name(file_name: str) -> str:
    """Return the name part of a key: lower-case letters, digits and dashes, at most 60.

    A file name that itself holds personal data becomes ``contribution``: keys are shown and
    logged everywhere.
    """
    stem = shown_name(file_name)
    while Path(stem).suffix.lower() in {*FORMATS, *COMPRESSIONS}:
        stem = Path(stem).stem
    words = re.sub(r"[^a-z0-9]+", " ", stem.lower()).strip()
    # Also as words and with dashes: `202_555_0143` is a phone number only once it is in the key.
    forms = [stem, words, words.replace(" ", "-")]
    if residual_personal_data(pa.table({"text": forms}), policies={}, protected=()):
        return "contribution"
    return words[:_NAME_LENGTH].strip().replace(" ", "-") or "contribution"


def partition_key(file_name: str, digest: str) -> str:
    """Return the partition key of a file; see `Contribution.key`."""
    key = f"{readable_name(file_name)}-{digest[:DIGEST_IN_KEY]}"
    assert KEY_PATTERN.fullmatch(key), key
    return key


def is_partition_key(text: str) -> bool:
    """Say whether a text has the form of a key (no ``...``, which Dagster reads as a range)."""
    return bool(KEY_PATTERN.fullmatch(text)) and "..." not in text


def register(
    source: Path, store: Path, *, file_name: str | None = None, limits: ReadLimits = _LIMITS
) -> Contribution:
    """Copy a data file and its sidecar into the store; the same bytes are one contribution.

    Args:
        source: the data file or folder of Parquet parts, with its sidecar (if any) beside it.
        store: the benchmark's folder in the store; made if it is missing.
        file_name: the name it came by, where that differs from ``source``.
        limits: bounds on the bytes and the number of parts that are copied.

    Returns:
        The contribution, newly stored or the one already there with the same bytes. The first
        valid sidecar stays; a later, different one changes nothing.

    Raises:
        UnreadableFile: the ending names no known format, it is neither a regular file nor a
            folder of Parquet parts, it is too large, or its key is taken by other bytes.
        OSError: the file can't be read or the store not written.
    """
    name = file_name or source.name
    kind, shown = kind_of(source, name), shown_name(name)
    store.mkdir(parents=True, exist_ok=True, mode=0o700)
    remove_abandoned(store, _INCOMING)
    incoming = store / draft_name(_INCOMING)
    incoming.mkdir(mode=0o700)
    try:
        copy = incoming / f"data{kind.ending}"
        if source.is_dir():
            digest = copy_parts(source, copy, name=shown, limits=limits)
        else:
            digest = copy_file(source, copy, name=shown, max_bytes=limits.max_file_bytes)
        sidecar = source.with_name(source.name + SIDECAR_SUFFIX)
        if sidecar.is_file() and not sidecar.is_symlink():
            # One byte more than it may have shows that it has too many.
            copy_beginning(
                sidecar, incoming / _SIDECAR, name="the sidecar", max_bytes=MAX_BYTES + 1
            )
        key = partition_key(name, digest)
        origin = json.dumps({"key": key, "sha256": digest}, sort_keys=True)
        _write(incoming / _ORIGIN, origin.encode())
        # Looking and renaming are one step: else the same bytes sent at once under two names
        # would be two contributions.
        with _locked(store):
            if known := _with_digest(store, digest, folder=copy.is_dir()):
                return _with_mended_sidecar(known, incoming / _SIDECAR)
            if (store / key).exists():
                raise UnreadableFile(
                    Problem(
                        "key-taken",
                        f"{shown}: another file already has the key {key!r}.",
                        "Send the file again under another name.",
                    )
                )
            incoming.rename(store / key)
        return load(store, key)
    finally:
        shutil.rmtree(incoming, ignore_errors=True)


def unregistered(source: Path, *, limits: ReadLimits = _LIMITS) -> Contribution:
    """Return what `register` would make of its sender's data file and sidecar, copying nothing.

    Raises:
        UnreadableFile, OSError: as `register` does.
    """
    kind_of(source, source.name)
    shown = shown_name(source.name)
    digest = digest_without_copy(source, name=shown, limits=limits)
    sidecar = source.with_name(source.name + SIDECAR_SUFFIX)
    sent: bytes | None = None
    if sidecar.is_file() and not sidecar.is_symlink():
        with open_regular_file(sidecar, "the sidecar") as stream:
            sent = stream.read(MAX_BYTES + 1)
    key = partition_key(source.name, digest)
    return Contribution(key, digest, source, sent, sent_as=shown)


def unfollowed(path: Path) -> Path:
    """Return an absolute path to the same thing: a link that it ends in stays one."""
    return path.parent.resolve() / path.name


def kind_of(source: Path, name: str) -> FileFormat:
    """Return the format that the name of a data file or folder of parts says.

    Raises:
        UnreadableFile: the path is a link or neither (``not-a-file``), or the ending of ``name``
            names no known format (``unknown-format``).
    """
    kind = format_of(name)
    folder = source.is_dir() and (kind is None or kind.is_parquet)
    if source.is_symlink() or not (source.is_file() or folder):
        refuse(
            "not-a-file",
            f"{shown_name(name)}: the path is no regular file.",
            "Send a file, not a link.",
        )
    if kind is None:
        refuse(
            "unknown-format",
            f"{shown_name(name)}: the file's ending names no known format.",
            f"Send one of {ENDINGS_IN_WORDS}.",
        )
    return kind


def load(store: Path, key: str) -> Contribution:
    """Return a registered contribution.

    Raises:
        UnknownContribution: nothing is stored under the key.
    """
    folder = store / key
    if not is_partition_key(key) or not (folder / _ORIGIN).is_file():
        raise UnknownContribution(
            f"no contribution {key!r} in {store}: register its file with "
            "`hokusai evaluate FILE` or drop it again"
        )
    origin = json.loads((folder / _ORIGIN).read_text())
    (path,) = folder.glob("data.*")
    sidecar = folder / _SIDECAR
    return Contribution(
        key, str(origin["sha256"]), path, sidecar.read_bytes() if sidecar.is_file() else None
    )


def registered_keys(store: Path) -> Iterator[str]:
    """Yield the keys in a benchmark's store, ascending."""
    if store.is_dir():
        names = (path.parent.name for path in store.glob(f"*/{_ORIGIN}"))
        yield from sorted(name for name in names if is_partition_key(name))


def _with_digest(store: Path, digest: str, *, folder: bool) -> Contribution | None:
    for path in store.glob(f"*-{digest[:DIGEST_IN_KEY]}"):
        if not is_partition_key(path.name):
            continue
        known = load(store, path.name)
        # A file can be made of the lines that a folder's digest is taken of.
        if known.digest == digest and known.path.is_dir() == folder:
            return known
    return None


def _with_mended_sidecar(known: Contribution, sent: Path) -> Contribution:
    """Let a sidecar that breaks a rule be replaced by sending the same data with another."""
    if not parse_manifest(known.sidecar)[1]:
        # Whoever sent the bytes first named the contributors; a copy can't claim them.
        differs = sent.is_file() and sent.read_bytes() != known.sidecar
        return replace(known, sidecar_not_used=differs)
    kept = known.path.with_name(_SIDECAR)
    if sent.is_file():
        os.replace(sent, kept)
    else:
        kept.unlink()
    return load(known.path.parent.parent, known.key)


@contextmanager
def _locked(store: Path) -> Iterator[None]:
    """Hold the store's lock, which the system gives back even if the process is killed."""
    descriptor = os.open(store / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _write(target: Path, data: bytes) -> None:
    with create(target) as writer:
        writer.write(data)
        writer.flush()
        os.fsync(writer.fileno())
