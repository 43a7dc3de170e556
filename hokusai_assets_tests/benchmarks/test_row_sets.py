"""Rows in canonical order on disk: the same rows and root as in memory, read in parts."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hokusai_assets.benchmarks import row_sets
from hokusai_assets.benchmarks.row_sets import RowSet, RowsWriter, StoredRows, store_rows
from hokusai_assets.canonical.rows import table_root

ROWS = st.lists(
    st.tuples(st.text(max_size=5), st.one_of(st.none(), st.floats(allow_nan=False))), max_size=30
)


def table_of(rows: list[tuple[str, float | None]]) -> pa.Table:
    texts, numbers = [row[0] for row in rows], [row[1] for row in rows]
    return pa.table({"t": pa.array(texts, pa.string()), "n": pa.array(numbers, pa.float64())})


@settings(max_examples=40, deadline=None)
@given(rows=ROWS)
def test_a_file_of_rows_holds_what_the_set_in_memory_holds(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, float | None]]
) -> None:
    table = table_of(rows)
    path = tmp_path_factory.mktemp("rows") / "rows.parquet"
    stored, expected = store_rows(table, path), RowSet.of(table)
    assert (stored.count, stored.root) == (expected.count, expected.root)
    assert stored.table.equals(expected.table.combine_chunks().cast(stored.schema))
    again = StoredRows.open(path)
    assert (again.count, again.root, again.schema) == (stored.count, stored.root, table.schema)


def test_rows_are_taken_by_position_across_batches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(row_sets, "BATCH_ROWS", 7)
    stored = store_rows(table_of([(str(n), float(n)) for n in range(50)]), tmp_path / "rows")
    assert [batch.num_rows for batch in stored.batches()] == [7] * 7 + [1]
    positions = np.array([0, 6, 7, 20, 49])
    assert stored.take(positions).equals(stored.table.take(pa.array(positions)))
    assert stored.take(np.zeros(0, np.int64)).num_rows == 0
    (batch, *_) = stored.batches(["n"])
    assert batch.column_names == ["n"]


def test_rows_out_of_order_are_refused(tmp_path: Path) -> None:
    ordered = RowSet.of(table_of([("a", 1.0), ("b", 2.0)]))
    writer = RowsWriter(tmp_path / "rows", ordered.table.schema)
    with pytest.raises(ValueError, match="ascending"):
        writer.add(ordered.table.take([1, 0]), ordered.digests[::-1])
    writer.abandon()
    assert not (tmp_path / "rows").exists()


def test_another_parquet_file_is_no_file_of_rows(tmp_path: Path) -> None:
    pq.write_table(table_of([("a", 1.0)]), tmp_path / "other.parquet")
    with pytest.raises(ValueError, match="root"):
        StoredRows.open(tmp_path / "other.parquet")


@settings(max_examples=40, deadline=None)
@given(ROWS.filter(bool), st.data())
def test_some_rows_of_a_set_are_the_set_of_those_rows(
    rows: list[tuple[str, float | None]], data: st.DataObject
) -> None:
    whole = RowSet.of(table_of(rows))
    chosen = np.flatnonzero(
        data.draw(st.lists(st.booleans(), min_size=len(rows), max_size=len(rows)))
    )
    some = whole.take(chosen)
    hashed_again = RowSet.of(whole.table.take(pa.array(chosen)))
    assert (some.digests, some.root) == (hashed_again.digests, hashed_again.root)
    assert some.root == table_root(some.digests)
    assert some.count == len(chosen)
