"""The files of a benchmark's next version: promoted rows, the spec before it, and the new spec.

Everything but ``benchmark.yaml`` is written first, under names that the version in force does not
use; replacing ``benchmark.yaml`` is the one step that puts the new version in force.
"""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
from ruamel.yaml import YAML

from hokusai_assets.benchmarks.data_files import PROMOTED_FOLDER
from hokusai_assets.benchmarks.loading import (
    SPEC_FILE,
    VERSIONS_FOLDER,
    Benchmark,
    earlier_spec_file,
    parse_spec,
)
from hokusai_assets.benchmarks.row_sets import RowSet, StoredRows
from hokusai_assets.benchmarks.spec import BenchmarkSpec, SpecError
from hokusai_assets.canonical.canonical_json import canonical_bytes
from hokusai_assets.drafts import replace_file, write_once


def promoted_file(key: str) -> str:
    """Return what ``data.train`` calls the file of a promoted contribution's rows."""
    return f"{PROMOTED_FOLDER}/{key}.parquet"


def next_spec_text(text: str, keys: Sequence[str], *, version: int, promoted_from: str) -> str:
    """Return the text of a spec with promoted contributions in its base set.

    Comments and the order of keys stay. A baseline that was loaded from elsewhere gives way to
    one trained from the base set: what was loaded does not hold the promoted rows.

    Args:
        text: the spec in force.
        keys: the promoted contributions.
        version: which the new spec is.
        promoted_from: content digest (hex) of the version in force.
    """
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 4096  # no line is broken that was not
    raw = yaml.load(text)
    files = raw["data"]["train"]
    raw["data"]["train"] = [
        *([files] if isinstance(files, str) else files),
        *map(promoted_file, keys),
    ]
    raw.pop("baseline", None)
    raw["lineage"] = {"version": version, "promoted_from": promoted_from}
    out = io.StringIO()
    yaml.dump(raw, out)
    return out.getvalue()


def with_promoted(benchmark: Benchmark, spec: BenchmarkSpec, rows: Sequence[StoredRows]) -> str:
    """Return the content digest of a benchmark whose base set also holds these rows.

    Raises:
        SpecError: rows have other columns than the base set, or a file's rows are not those its
            root names.
    """
    parts = [benchmark.base.table]
    for stored in rows:
        table = stored.table
        if table.schema != parts[0].schema:
            raise SpecError(
                f"{stored.path.name}: the contribution has other columns or types than the base set"
            )
        if RowSet.of(table).root != stored.root:
            raise SpecError(f"{stored.path.name}: its rows are not those that were accepted")
        parts.append(table)
    base = RowSet.of(pa.concat_tables(parts))
    return Benchmark(spec, base, benchmark.test, "").content_digest


def write_next_version(
    folder: Path,
    text: bytes,
    rows: dict[str, StoredRows],
    record: dict[str, Any],
    *,
    version: int,
) -> None:
    """Write all that a new version needs but its spec; see `put_in_force`.

    Writing again after a crash gives the same files. The rows are readable to the owner only.

    Args:
        folder: the benchmark's.
        text: the spec in force, which is kept.
        rows: of each promoted contribution, by key.
        record: what was promoted, for ``versions/<version>.json``.
        version: the new one.

    Raises:
        SpecError: a file of another history is there, which attestations may need.
    """
    files: list[tuple[Path, bytes | Path, int]] = [
        (folder / promoted_file(key), stored.path, 0o600) for key, stored in rows.items()
    ]
    files.append((earlier_spec_file(folder, version - 1), text, 0o644))
    files.append(
        (folder / VERSIONS_FOLDER / f"{version}.json", canonical_bytes(record) + b"\n", 0o644)
    )
    for path, data, mode in files:
        if not write_once(path, data, mode=mode):
            raise SpecError(
                f"{path} is there already, with other content: the lineage in {SPEC_FILE} is not "
                "that of this folder. Bring back the spec that names the newest version, or move "
                "the files of the other history elsewhere; attestations may need them"
            )


def put_in_force(folder: Path, text: str) -> None:
    """Replace ``benchmark.yaml``, whole or not at all.

    Raises:
        SpecError: the text is no sound spec of this folder; nothing is changed.
    """
    parse_spec(text, folder / SPEC_FILE, folder_name=folder.name)
    replace_file(folder / SPEC_FILE, text.encode())
