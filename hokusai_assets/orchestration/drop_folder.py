"""Listing and fetching drops: a local folder, or any fsspec URL such as ``s3://bucket/prefix``.

A drop is a file, or a folder of Parquet parts whose name ends in ``.parquet`` or ``.pq``. Its parts
are one drop: its size is theirs together, and it has changed when any of them has.
"""

import hashlib
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from hokusai_assets.contributions.manifest import MAX_BYTES, SIDECAR_SUFFIX
from hokusai_assets.orchestration.drop_ledger import DropFile, is_drop, is_half_made
from hokusai_assets.tables.file_access import is_ignored_in_folder, is_part_name, opened_folder
from hokusai_assets.tables.formats import format_of
from hokusai_assets.tables.limits import ReadLimits
from hokusai_assets.tables.problems import UnreadableFile, refuse

_LIMITS = ReadLimits()
_WHAT = "the drop"


class DropFolder:
    """The drops of one benchmark: ``<root>/<benchmark id>``."""

    def __init__(self, root: str, benchmark_id: str, limits: ReadLimits = _LIMITS) -> None:
        self._local = Path(root) / benchmark_id if "://" not in root else None
        self._url = f"{root.rstrip('/')}/{benchmark_id}"
        self._limits = limits

    def listing(self) -> list[DropFile]:
        """Return the data files and folders of parts now there; a missing folder holds none.

        Raises:
            OSError: the folder can't be listed, which is not the same as empty.
        """
        if self._local is not None:
            return _list_local(self._local, self._limits.max_parts)
        filesystem, root = self._remote()
        try:
            entries = filesystem.ls(root, detail=True, refresh=True)
        except FileNotFoundError:
            return []
        return _with_sidecars(self._remote_drops(filesystem, entries))

    def _remote_drops(self, filesystem: Any, entries: list[dict[str, Any]]) -> Iterator[DropFile]:
        for entry in entries:
            name = _base_name(entry)
            if entry.get("type") == "file":
                yield DropFile(name, int(entry["size"] or 0), _version(entry))
            elif entry.get("type") == "directory" and _may_be_parts(name):
                parts = _remote_entries(filesystem, str(entry["name"]))
                yield from _drop_of_parts(
                    name,
                    ((_base_name(part), int(part["size"] or 0), _version(part)) for part in parts),
                    self._limits.max_parts,
                )

    @contextmanager
    def fetched(self, name: str, scratch: Path) -> Iterator[Path]:
        """Yield a local path of a drop with its sidecar beside it; fetched copies are removed.

        Raises:
            UnreadableFile: a remote drop is too large, or no proper folder of parts.
        """
        if self._local is not None:
            yield self._local / name
            return
        filesystem, root = self._remote()
        scratch.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryDirectory(dir=scratch) as folder:
            target = Path(folder) / name
            if filesystem.isdir(f"{root}/{name}"):
                self._fetch_parts(filesystem, f"{root}/{name}", target)
            else:
                self._check_bytes(int(filesystem.size(f"{root}/{name}") or 0))
                filesystem.get_file(f"{root}/{name}", str(target))
            sidecar = f"{root}/{name}{SIDECAR_SUFFIX}"
            if filesystem.exists(sidecar):
                # One byte more than it may have shows that it has too many.
                beginning = filesystem.cat_file(sidecar, start=0, end=MAX_BYTES + 1)
                Path(str(target) + SIDECAR_SUFFIX).write_bytes(beginning)
            yield target

    def _fetch_parts(self, filesystem: Any, folder: str, target: Path) -> None:
        target.mkdir(mode=0o700)
        parts = [
            part
            for part in _remote_entries(filesystem, folder)
            if not is_ignored_in_folder(_base_name(part))
        ]
        if len(parts) > self._limits.max_parts:
            refuse(
                "too-large",
                f"{_WHAT} has more than {self._limits.max_parts:,} parts.",
                "Write the rows to fewer part files.",
            )
        self._check_bytes(sum(int(part["size"] or 0) for part in parts))
        for number, part in enumerate(sorted(parts, key=_base_name), start=1):
            if part.get("type") != "file" or not is_part_name(_base_name(part)):
                refuse(
                    "bad-part-folder",
                    f"{_WHAT} is a folder with something that is no Parquet file.",
                    "Send a folder of .parquet or .pq files and nothing else.",
                )
            filesystem.get_file(str(part["name"]), str(target / f"{number:05}.parquet"))

    def _check_bytes(self, size: int) -> None:
        if size > self._limits.max_file_bytes:
            refuse(
                "too-large",
                f"{_WHAT} has more than {self._limits.max_file_bytes:,} bytes.",
                "Send it as several contributions.",
            )

    def _remote(self):  # type: ignore[no-untyped-def]
        import fsspec

        return fsspec.core.url_to_fs(self._url)


def _base_name(entry: dict[str, Any]) -> str:
    return str(entry["name"]).rstrip("/").rsplit("/", 1)[-1]


def _version(entry: dict[str, Any]) -> str:
    changed = entry.get("LastModified") or entry.get("mtime") or entry.get("created")
    return f"{changed}|{entry.get('ETag') or entry.get('etag') or ''}"


def _remote_entries(filesystem: Any, folder: str) -> list[dict[str, Any]]:
    """Return what a remote folder holds, without the object that some stores keep for itself."""
    entries = filesystem.ls(folder, detail=True, refresh=True)
    own = folder.strip("/")
    return [entry for entry in entries if str(entry["name"]).strip("/") != own]


def _may_be_parts(name: str) -> bool:
    kind = format_of(name)
    return kind is not None and kind.is_parquet


def _drop_of_parts(
    name: str, parts: Iterable[tuple[str, int, str]], max_parts: int
) -> Iterator[DropFile]:
    """Yield a folder as one drop, or nothing while it is empty or being filled.

    ``parts`` are names, bytes and what changes with a part (opaque).
    """
    seen = list(
        islice((part for part in parts if not is_ignored_in_folder(part[0])), max_parts + 1)
    )
    if not seen or any(is_half_made(part) for part, _, _ in seen):
        return
    lines = sorted(f"{part}\0{size}\0{changed}\n" for part, size, changed in seen)
    changed = hashlib.sha256("".join(lines).encode("utf-8", "surrogateescape")).hexdigest()
    yield DropFile(name, sum(size for _, size, _ in seen), changed)


def _with_sidecars(found: Iterable[DropFile]) -> list[DropFile]:
    files = {file.name: file for file in found}
    changed = {name: file.changed for name, file in files.items()}
    # A sidecar that comes or changes later makes its data file one to look at again.
    return [
        DropFile(name, file.size, f"{file.changed}|{changed.get(name + SIDECAR_SUFFIX, '')}")
        for name, file in files.items()
        if is_drop(name)
    ]


def _list_local(folder: Path, max_parts: int) -> list[DropFile]:
    try:
        entries = os.scandir(folder)
    except FileNotFoundError:
        return []
    with entries:
        return _with_sidecars(drop for entry in entries for drop in _local_drop(entry, max_parts))


def _local_drop(entry: os.DirEntry[str], max_parts: int) -> Iterator[DropFile]:
    try:
        if entry.is_file(follow_symlinks=False):
            status = entry.stat(follow_symlinks=False)
            yield DropFile(entry.name, status.st_size, f"{status.st_mtime_ns}.{status.st_size}")
        elif entry.is_dir(follow_symlinks=False) and _may_be_parts(entry.name):
            yield from _drop_of_parts(entry.name, _local_parts(Path(entry.path)), max_parts)
    except (FileNotFoundError, UnreadableFile):
        # It went away, or a link took its place, since the folder was listed.
        return


def _local_parts(folder: Path) -> Iterator[tuple[str, int, str]]:
    with opened_folder(folder, _WHAT) as descriptor, os.scandir(descriptor) as entries:
        for entry in entries:
            status = entry.stat(follow_symlinks=False)
            yield entry.name, status.st_size, f"{status.st_mtime_ns}.{status.st_mode}"
