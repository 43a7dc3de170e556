"""Spooled rows: canonical order and one row per key, whatever order and batches they came in."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hokusai_assets.benchmarks.row_sets import RowSet, StoredRows
from hokusai_assets.contributions import row_spool
from hokusai_assets.contributions.row_spool import RowSpool
from hokusai_assets.contributions.sorted_keys import SortedKeys

SCHEMA = pa.schema([("text", pa.string()), ("n", pa.int64())])


def keys_of(texts: list[str]) -> np.ndarray:
    """Keys by the text without case: two spellings are one row."""
    data = b"".join(text.lower().encode().ljust(16, b"\0")[:16] for text in texts)
    return np.frombuffer(data, np.uint8).reshape(-1, 16)


def as_bytes(keys: SortedKeys) -> np.ndarray:
    words = np.column_stack([keys.high, keys.low]).astype(">u8")
    return words.view(np.uint8).reshape(-1, 16)


def spooled(
    folder: Path,
    texts: list[str],
    batch: int,
    wanted: Callable[[np.ndarray], np.ndarray] = lambda keys: np.ones(len(keys), dtype=bool),
) -> StoredRows:
    (folder / "spool").mkdir(parents=True)
    with RowSpool(SCHEMA, folder / "spool") as spool:
        for start in range(0, len(texts), batch):
            part = texts[start : start + batch]
            table = pa.table({"text": part, "n": [len(text) for text in part]}, schema=SCHEMA)
            assert len(spool.add(table, keys_of(part))) == len(part)
        distinct = spool.distinct()
        return spool.write(folder / "rows.parquet", distinct, wanted(as_bytes(distinct.keys)))


TEXTS = st.lists(st.text("abAB", min_size=1, max_size=4), max_size=40)


@settings(max_examples=60, deadline=None)
@given(texts=TEXTS, batch=st.integers(1, 9), spill=st.booleans(), data=st.data())
def test_order_batches_and_spilling_change_nothing(
    tmp_path_factory: pytest.TempPathFactory,
    texts: list[str],
    batch: int,
    spill: bool,
    data: st.DataObject,
) -> None:
    folder = tmp_path_factory.mktemp("spool")
    shuffled = data.draw(st.permutations(texts))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(row_spool, "SPILL_ROWS", 3 if spill else 1000)
        found = spooled(folder, list(shuffled), batch)
    plain: dict[str, RowSet] = {}
    for text in texts:
        one = RowSet.of(pa.table({"text": [text], "n": [len(text)]}, schema=SCHEMA))
        known = plain.get(text.lower())
        if known is None or one.digests < known.digests:
            plain[text.lower()] = one
    expected = pa.concat_tables([SCHEMA.empty_table(), *(one.table for one in plain.values())])
    assert found.table.equals(RowSet.of(expected).table.combine_chunks())
    assert found.root == RowSet.of(expected).root
    assert list((folder / "spool").iterdir()) == []


def test_rows_that_are_not_wanted_are_left_out(tmp_path: Path) -> None:
    texts = ["one", "two", "TWO", "three"]
    only = keys_of(["two"])
    found = spooled(tmp_path, texts, 2, lambda keys: (keys == only).all(axis=1))
    assert [text.lower() for text in found.table["text"].to_pylist()] == ["two"]


def test_a_failed_write_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(row_spool.RowsWriter, "finish", broken)
    with pytest.raises(OSError, match="disk full"):
        spooled(tmp_path, ["a", "b"], 1)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["spool"]


def test_what_was_spilled_is_removed_when_something_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(row_spool, "SPILL_ROWS", 1)
    (tmp_path / "spool").mkdir()
    with pytest.raises(ValueError, match="uint8"):
        add_then_fail(tmp_path / "spool")
    assert list((tmp_path / "spool").iterdir()) == []


def add_then_fail(folder: Path) -> None:
    with RowSpool(SCHEMA, folder) as spool:
        spool.add(pa.table({"text": ["a", "b"], "n": [1, 2]}), keys_of(["a", "b"]))
        assert list(folder.iterdir())
        spool.add(pa.table({"text": ["c"], "n": [1]}), np.zeros((1, 3), np.uint8))
