"""A sample of rows that depends on the rows alone."""

import hashlib

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hokusai_assets.contributions import row_sample
from hokusai_assets.contributions.row_sample import RowSample

SCHEMA = pa.schema([("n", pa.int64()), ("t", pa.string())])


def sampled(numbers: list[int], batch: int) -> pa.Table:
    sample = RowSample(SCHEMA)
    for start in range(0, len(numbers), batch):
        part = numbers[start : start + batch]
        rows = pa.table({"n": part, "t": ["x" * (n % 50) for n in part]}, schema=SCHEMA)
        sample.add(rows, [digest(n) for n in part])
    return sample.table


def digest(number: int) -> bytes:
    return hashlib.sha256(str(number).encode()).digest()


@settings(max_examples=60, deadline=None)
@given(numbers=st.lists(st.integers(0, 60), max_size=80), batch=st.integers(1, 20), data=st.data())
def test_it_is_the_rows_with_the_smallest_digests_each_once(
    numbers: list[int], batch: int, data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(numbers))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(row_sample, "SAMPLE_ROWS", 10)
        found = sampled(list(shuffled), batch)
    assert found["n"].to_pylist() == sorted(set(numbers), key=digest)[:10]


@pytest.mark.parametrize("batch", [1, 7, 200])
def test_long_rows_make_it_shorter_whatever_the_batches(
    batch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(row_sample, "SAMPLE_BYTES", 1500)
    found = sampled(list(range(200)), batch)
    ordered = sorted(range(200), key=digest)
    assert 10 < found.num_rows < 60
    assert found["n"].to_pylist() == ordered[: found.num_rows]
    size = sum(16 + n % 50 for n in ordered[: found.num_rows])
    assert size <= 1500 < size + 16 + ordered[found.num_rows] % 50
    assert sampled(list(range(200))[::-1], batch).num_rows == found.num_rows


def test_one_row_stays_however_long_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_sample, "SAMPLE_BYTES", 1)
    assert sampled(list(range(20)), 5)["n"].to_pylist() == [min(range(20), key=digest)]
