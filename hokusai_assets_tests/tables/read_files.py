"""Reading files in tests: written from bytes, with all that comes of it in comparable form."""

import gzip
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from hokusai_assets.tables.columns import ColumnType
from hokusai_assets.tables.data_file import DataFile
from hokusai_assets.tables.formats import DeclaredFormat, FoundFormat
from hokusai_assets.tables.limits import ReadLimits
from hokusai_assets.tables.problem_log import ProblemLog
from hokusai_assets.tables.problems import Problem, UnreadableFile
from hokusai_assets.tables.typed_batches import typed_batches

SECRET = "swordfish-93417"


def written(folder: Path, name: str, data: bytes | str) -> Path:
    path = folder / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def packed(data: bytes, compression: str) -> bytes:
    """Return bytes compressed as one gzip member or one Zstandard frame."""
    if compression == "gzip":
        return gzip.compress(data, mtime=0)
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, compression) as stream:
        stream.write(data)
    return sink.getvalue().to_pybytes()


@dataclass
class Pass:
    """What one pass over a file gave."""

    cells: dict[str, list]
    rows: list[int]
    unreadable: dict[str, list[int]]
    problems: list[Problem]
    rows_seen: int
    column_names: tuple[str, ...]
    found: FoundFormat
    flawed: list[int] = field(default_factory=list)

    @property
    def rules(self) -> dict[tuple[str, str | None], tuple[int, ...]]:
        """Which rows break which rule, by rule and column."""
        return {(problem.rule, problem.column): problem.rows for problem in self.problems}


def raw_pass(file: DataFile, columns: list[str] | None = None) -> Pass:
    log = ProblemLog(file.display_name, columns or ())
    batches = list(file.raw_batches(columns, log))
    unreadable: dict[str, list[int]] = {}
    for batch in batches:
        assert len(batch.rows) and batch.rows.dtype == np.int64
        assert not batch.table.column_names or batch.table.num_rows == len(batch.rows)
        for name, mask in batch.unreadable.items():
            unreadable.setdefault(name, []).extend(batch.rows[mask].tolist())
    tables = [batch.table for batch in batches]
    cells = pa.concat_tables(tables, promote_options="default").to_pydict() if tables else {}
    return Pass(
        cells=cells,
        rows=[int(row) for batch in batches for row in batch.rows],
        unreadable=unreadable,
        problems=log.problems(),
        rows_seen=file.rows_seen,
        column_names=file.column_names,
        found=file.found,
    )


def typed_pass(
    file: DataFile, types: Mapping[str, ColumnType], nullable: Mapping[str, bool] | None = None
) -> Pass:
    log = ProblemLog(file.display_name, list(types))
    batches = list(typed_batches(file, types, nullable or {}, log))
    tables = [batch.table for batch in batches]
    assert all(table.schema == tables[0].schema for table in tables)
    return Pass(
        cells=pa.concat_tables(tables).to_pydict() if tables else {},
        rows=[int(row) for batch in batches for row in batch.rows],
        unreadable={},
        problems=log.problems(),
        rows_seen=file.rows_seen,
        column_names=file.column_names,
        found=file.found,
        flawed=[int(row) for batch in batches for row in batch.rows[batch.flawed]],
    )


def read_raw(
    folder: Path,
    name: str,
    data: bytes | str,
    *,
    columns: list[str] | None = None,
    declared: DeclaredFormat | None = None,
    limits: ReadLimits | None = None,
) -> Pass:
    return raw_pass(opened(folder, name, data, declared=declared, limits=limits), columns)


def opened(
    folder: Path,
    name: str,
    data: bytes | str,
    *,
    declared: DeclaredFormat | None = None,
    limits: ReadLimits | None = None,
) -> DataFile:
    path = written(folder, name, data)
    return DataFile.open(path, declared=declared or DeclaredFormat(), limits=limits or ReadLimits())


def refusal(read: Callable[[], object], *, secrets: tuple[str, ...] = (SECRET,)) -> Problem:
    """Return the problem for which a file is refused, sure that nothing of the file hangs on it."""
    with pytest.raises(UnreadableFile) as caught:
        read()
    error = caught.value
    assert error.problem.message in str(error) and error.problem.fix in str(error)
    assert error.problem.message.strip() and error.problem.fix.strip()
    assert all(secret not in repr(error.problem) for secret in secrets)
    # A chained parser error would carry what the problem leaves out into a log.
    assert error.__cause__ is None and error.__context__ is None
    return error.problem


def refused(
    folder: Path,
    name: str,
    data: bytes | str,
    *,
    declared: DeclaredFormat | None = None,
    limits: ReadLimits | None = None,
) -> Problem:
    problem = refusal(
        lambda: read_raw(folder, name, data, declared=declared, limits=limits),
        secrets=(SECRET, str(folder)),
    )
    assert name in problem.message
    return problem
