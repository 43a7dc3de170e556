"""What is demanded of the column names of a file, in every format."""

from collections import Counter
from collections.abc import Sequence

from hokusai_assets.tables.limits import ReadLimits
from hokusai_assets.tables.problems import refuse

MAX_NAME_CHARS = 1_000


def check_column_names(
    names: Sequence[str], file_name: str, limits: ReadLimits, *, count: int | None = None
) -> None:
    """Raise UnreadableFile where names can't be those of a table's columns.

    Args:
        names: the names as the file has them.
        file_name: what messages call the file.
        limits: bounds on what is read.
        count: how many there are, where they were too many to be read.

    Raises:
        UnreadableFile: ``too-many-columns``, ``empty-file`` (there are none), ``too-long``,
            ``not-utf8`` (half a surrogate pair) or ``repeated-column``.
    """
    if max(len(names), count or 0) > limits.max_columns:
        refuse_too_many_columns(file_name, limits)
    if not names:
        refuse("empty-file", f"{file_name}: no column names.", "Send a file with header and rows.")
    if any(len(column) > MAX_NAME_CHARS for column in names):
        refuse(
            "too-long",
            f"{file_name}: a column name has more than {MAX_NAME_CHARS:,} characters.",
            "Shorten it, and look for a missing line end or quote.",
        )
    # A lone surrogate, which JSON can escape, has no UTF-8.
    if any("\ud800" <= character <= "\udfff" for column in names for character in column):
        refuse("not-utf8", f"{file_name}: a column name is no Unicode text.", "Rename the column.")
    repeated = sum(times > 1 for times in Counter(names).values())
    if repeated:
        refuse(
            "repeated-column",
            f"{file_name}: {repeated} column name(s) stand more than once.",
            "Name each column once.",
        )


def refuse_too_many_columns(file_name: str, limits: ReadLimits) -> None:
    """Raise UnreadableFile for more columns than may be."""
    refuse(
        "too-many-columns",
        f"{file_name}: there are more than {limits.max_columns:,} columns.",
        "Send only the columns that the benchmark has.",
    )
