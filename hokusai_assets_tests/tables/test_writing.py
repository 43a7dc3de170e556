"""Written rows are read back cell for cell, in every format; a failed write leaves nothing."""

import datetime
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hokusai_assets.tables.columns import ColumnType, arrow_type
from hokusai_assets.tables.data_file import DataFile
from hokusai_assets.tables.formats import ENDINGS
from hokusai_assets.tables.problem_log import ProblemLog
from hokusai_assets.tables.typed_batches import typed_batches
from hokusai_assets.tables.writing import UnwritableFile, write_rows

TYPES: dict[str, ColumnType] = {
    "whole": "integer",
    "number": "number",
    "kind": "category",
    "flag": "boolean",
    "moment": "datetime",
    "text": "text",
}
SCHEMA = pa.schema([(name, arrow_type(kind)) for name, kind in TYPES.items()])
# Text without what typing takes for missing, and without what no text file can hold.
TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=6).filter(
    lambda text: text.strip()
)
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "whole": st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1)),
            "number": st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False)),
            "kind": st.one_of(st.none(), TEXT.map(str.strip)),
            "flag": st.one_of(st.none(), st.booleans()),
            "moment": st.one_of(
                st.none(),
                st.datetimes(datetime.datetime(1, 1, 2), datetime.datetime(9999, 12, 30)).map(
                    lambda moment: moment.replace(tzinfo=datetime.UTC)
                ),
            ),
            "text": st.one_of(
                TEXT, st.sampled_from(['a "quoted", text', "two\nlines", "; , \t x"])
            ),
        }
    ),
    max_size=12,
)


def read_back(path: Path) -> pa.Table:
    log = ProblemLog(path.name, list(TYPES))
    batches = [batch.table for batch in typed_batches(DataFile.open(path), TYPES, {}, log)]
    assert log.problems() == []
    return pa.concat_tables([SCHEMA.empty_table(), *batches]).combine_chunks()


@pytest.mark.parametrize("ending", ENDINGS)
@settings(max_examples=15, deadline=None)
@given(rows=ROWS, cut=st.integers(1, 5))
def test_what_is_written_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, ending: str, rows: list[dict], cut: int
) -> None:
    table = pa.Table.from_pylist(rows, schema=SCHEMA)
    path = tmp_path_factory.mktemp("written") / f"rows{ending}"
    batches = [table.slice(start, cut) for start in range(0, len(rows), cut)]
    assert write_rows(path, SCHEMA, batches) == len(rows)
    if not rows and "json" in ending:
        # Without a record there is nothing that names a column.
        return
    assert read_back(path).equals(table.combine_chunks())


def test_a_file_that_exists_and_an_unknown_ending_are_refused(tmp_path: Path) -> None:
    taken = tmp_path / "taken.csv"
    taken.write_text("mine")
    with pytest.raises(UnwritableFile, match="exists"):
        write_rows(taken, SCHEMA, [])
    with pytest.raises(UnwritableFile, match="ending"):
        write_rows(tmp_path / "rows.xlsx", SCHEMA, [])
    assert [path.name for path in tmp_path.iterdir()] == ["taken.csv"]
    assert taken.read_text() == "mine"


def test_a_failure_leaves_no_half_file(tmp_path: Path) -> None:
    def broken() -> object:
        yield SCHEMA.empty_table()
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_rows(tmp_path / "rows.csv", SCHEMA, broken())
    assert list(tmp_path.iterdir()) == []
