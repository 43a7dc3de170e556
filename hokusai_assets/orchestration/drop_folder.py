"""Listing and fetching drops: a local folder, or any fsspec URL such as ``s3://bucket/prefix``."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hokusai_assets.contributions.manifest import SIDECAR_SUFFIX
from hokusai_assets.orchestration.drop_ledger import DropFile, is_drop


class DropFolder:
    """The drops of one benchmark: ``<root>/<benchmark id>``."""

    def __init__(self, root: str, benchmark_id: str) -> None:
        self._local = Path(root) / benchmark_id if "://" not in root else None
        self._url = f"{root.rstrip('/')}/{benchmark_id}"

    def listing(self) -> list[DropFile]:
        """Return the data files now in the folder; a missing folder holds none.

        Raises:
            OSError: the folder can't be listed, which is not the same as empty.
        """
        if self._local is not None:
            return _list_local(self._local)
        filesystem, root = self._remote()
        try:
            entries = filesystem.ls(root, detail=True, refresh=True)
        except FileNotFoundError:
            return []
        versions = {
            str(entry["name"]).rstrip("/").rsplit("/", 1)[-1]: _version(entry)
            for entry in entries
            if entry.get("type") == "file"
        }
        sizes = {
            str(entry["name"]).rstrip("/").rsplit("/", 1)[-1]: int(entry["size"] or 0)
            for entry in entries
        }
        return _with_sidecars(versions, sizes)

    @contextmanager
    def fetched(self, name: str, scratch: Path) -> Iterator[Path]:
        """Yield a local path of a drop with its sidecar beside it; fetched copies are removed."""
        if self._local is not None:
            yield self._local / name
            return
        filesystem, root = self._remote()
        scratch.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryDirectory(dir=scratch) as folder:
            target = Path(folder) / name
            filesystem.get_file(f"{root}/{name}", str(target))
            sidecar = f"{root}/{name}{SIDECAR_SUFFIX}"
            if filesystem.exists(sidecar):
                filesystem.get_file(sidecar, str(target) + SIDECAR_SUFFIX)
            yield target

    def _remote(self):  # type: ignore[no-untyped-def]
        import fsspec

        return fsspec.core.url_to_fs(self._url)


def _version(entry: dict[str, object]) -> str:
    changed = entry.get("LastModified") or entry.get("mtime") or entry.get("created")
    return f"{changed}|{entry.get('ETag') or entry.get('etag') or ''}"


def _with_sidecars(versions: dict[str, str], sizes: dict[str, int]) -> list[DropFile]:
    # A sidecar that comes or changes later makes its data file one to look at again.
    return [
        DropFile(name, sizes[name], f"{version}|{versions.get(name + SIDECAR_SUFFIX, '')}")
        for name, version in versions.items()
        if is_drop(name)
    ]


def _list_local(folder: Path) -> list[DropFile]:
    versions: dict[str, str] = {}
    sizes: dict[str, int] = {}
    try:
        entries = os.scandir(folder)
    except FileNotFoundError:
        return []
    with entries:
        for entry in entries:
            if not entry.is_file(follow_symlinks=False):
                continue
            try:
                status = entry.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue
            versions[entry.name] = f"{status.st_mtime_ns}.{status.st_size}"
            sizes[entry.name] = status.st_size
    return _with_sidecars(versions, sizes)
