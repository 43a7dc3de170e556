"""The delimiter and the header of a CSV file."""

import csv
import io

import numpy as np

from hokusai_assets.tables.column_names import check_column_names
from hokusai_assets.tables.csv_records import structure_of
from hokusai_assets.tables.formats import DELIMITERS
from hokusai_assets.tables.limits import ReadLimits
from hokusai_assets.tables.problems import refuse

_JUDGED_RECORDS = 1_000


def find_delimiter(sample: bytes, name: str, *, final: bool) -> str:
    """Return the delimiter by which the first records have as many cells as the header.

    A delimiter is only considered if it cuts the header into two cells or more; if none does,
    the file has one column and the answer is a comma. Of several, the one that suits more of
    the first 1,000 records wins, and a comma wins a tie.

    Args:
        sample: the beginning of the text, UTF-8.
        name: what messages call the file.
        final: whether the sample is the whole text.

    Raises:
        UnreadableFile: two delimiters suit equally well (``unknown-delimiter``).
    """
    shares = {}
    for delimiter in DELIMITERS:
        cells = _cells_per_record(sample, delimiter.encode(), final=final)
        if len(cells) and cells[0] > 1:
            shares[delimiter] = float(np.mean(cells == cells[0]))
    if not shares:
        return DELIMITERS[0]
    best = max(shares.values())
    found = [delimiter for delimiter, share in shares.items() if share == best]
    if len(found) > 1 and DELIMITERS[0] not in found:
        refuse(
            "unknown-delimiter",
            f"{name}: more than one delimiter cuts the header and the rows alike.",
            "Declare the delimiter, or quote the cells that hold another one.",
        )
    return found[0]


def _cells_per_record(sample: bytes, delimiter: bytes, *, final: bool) -> np.ndarray:
    """Return how many cells each of the first whole records has; blank lines are left out."""
    if final and not sample.endswith((b"\n", b"\r")):
        sample += b"\n"
    structure = structure_of(sample, delimiter, final=final)
    text = np.frombuffer(sample, np.uint8)
    marks = np.flatnonzero(text == delimiter[0])
    marks = marks[structure.outside(marks)]
    records = structure.records_of(marks)
    records = records[records < min(len(structure.record_ends), _JUDGED_RECORDS)]
    count = min(len(structure.record_ends), _JUDGED_RECORDS)
    cells = np.bincount(records, minlength=count) + 1
    return cells[~structure.blank(sample)[:count]]


def read_header(record: bytes, delimiter: str, name: str, limits: ReadLimits) -> list[str]:
    """Return the column names of a header record (UTF-8, its line end included).

    Raises:
        UnreadableFile: it is no CSV (``bad-csv``), or its names break a rule (see
            `check_column_names`).
    """
    structure = structure_of(record, delimiter.encode(), final=True)
    marks = np.flatnonzero(np.frombuffer(record, np.uint8) == ord(delimiter))
    # Counted before a name is made: a million of them are refused cheaply.
    columns = int(structure.outside(marks).sum()) + 1
    header: list[str] = []
    if columns <= limits.max_columns:
        try:
            stream = io.StringIO(record.decode("utf-8"), newline="")
            header = next(csv.reader(stream, delimiter=delimiter), [])
        except (csv.Error, UnicodeDecodeError):
            header = []
            columns = -1
    if columns < 0 or len(structure.overrun):
        refuse(
            "bad-csv",
            f"{name}: the header is no CSV.",
            "Write the column names with one delimiter between them, quoted where they hold it.",
        )
    check_column_names(header, name, limits, count=columns)
    return header
