"""Reading a data file whole, for files that are known to be small, such as a benchmark's own.

Contributed files are read in batches: see `data_file` and `typed_batches`.
"""

from pathlib import Path

import pyarrow as pa

from hokusai_assets.tables.data_file import DataFile
from hokusai_assets.tables.formats import FORMATS
from hokusai_assets.tables.limits import ReadLimits
from hokusai_assets.tables.problem_log import ProblemLog
from hokusai_assets.tables.problems import UnreadableFile, nameable, refuse

__all__ = ["FORMATS", "IN_MEMORY_LIMITS", "nameable", "read_table"]

IN_MEMORY_LIMITS = ReadLimits(max_file_bytes=2**30, max_decoded_bytes=2**30)
_MAX_CELLS = 200_000_000
# Records that share few keys make a table far larger than their file.
_SPARSE_CELLS = 20_000_000


def read_table(
    path: Path, *, display_name: str | None = None, limits: ReadLimits = IN_MEMORY_LIMITS
) -> pa.Table:
    """Read a data file whole.

    Args:
        path: the file or folder of parts; its ending names the format.
        display_name: what messages call the file (default: its own name, never its folder).
        limits: bounds on what is read.

    Returns:
        A table of n rows; columns are text (CSV, JSON, JSON Lines) or typed (Parquet).

    Raises:
        UnreadableFile: the file is no table of that format, or one of its rows can't be read;
            the problem names the rule, the rows where there are some, and the fix.
        OSError: the file can't be opened or read, which says nothing about what it holds.
    """
    file = DataFile.open(path, limits=limits, display_name=display_name)
    log = ProblemLog(file.display_name)
    tables: list[pa.Table] = []
    rows = filled = 0
    for batch in file.raw_batches(None, log):
        tables.append(batch.table)
        rows += batch.table.num_rows
        filled += sum(len(column) - column.null_count for column in batch.table.columns)
        _check_size(rows, filled, batch.table.num_columns, file.display_name)
    if problems := log.problems():
        raise UnreadableFile(problems[0]) from None
    if not tables:
        return pa.table({name: pa.array([], pa.string()) for name in file.column_names})
    # JSON batches have the columns named so far.
    return pa.concat_tables(tables, promote_options="default").combine_chunks()


def _check_size(rows: int, filled: int, columns: int, name: str) -> None:
    cells = rows * columns
    if cells > _MAX_CELLS:
        refuse(
            "too-large",
            f"{name}: there are more than {_MAX_CELLS:,} cells.",
            "Send it as several files.",
        )
    if cells > max(_SPARSE_CELLS, 100 * filled):
        refuse(
            "sparse-records",
            f"{name}: {rows} records name {columns} different columns, few of them in common.",
            "Name the same columns in every record.",
        )
