"""Rows that came before: the first contribution keeps them, in whatever form they return."""

import json
from collections.abc import Callable
from pathlib import Path
from tempfile import mkdtemp

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest

from hokusai_assets.benchmarks.loading import Benchmark
from hokusai_assets.contributions.identity import register
from hokusai_assets.contributions.intake import ContributedData, examine, take_in
from hokusai_assets.contributions.row_index import RowIndex
from hokusai_assets.privacy.keys import PrivacyKey

DATA = Path(__file__).resolve().parents[2] / "data"
BATCH = DATA / "contributions/adult-income/batch-01.parquet"


@pytest.fixture
def adult(bundled: Callable[[str], Benchmark]) -> Benchmark:
    return bundled("adult-income")


@pytest.fixture
def send(
    tmp_path: Path, adult: Benchmark, privacy_key: PrivacyKey
) -> Callable[..., ContributedData]:
    """Register and take in a file; all share one index."""

    def sent(path: Path, benchmark: Benchmark = adult) -> ContributedData:
        return take_in(
            register(path, tmp_path / "store"),
            benchmark,
            privacy_key,
            scratch=Path(mkdtemp(dir=tmp_path)),
            index=RowIndex(tmp_path / "index"),
        )

    return sent


def shuffled(table: pa.Table) -> pa.Table:
    return table.take(pa.array(np.random.default_rng(1).permutation(table.num_rows)))


@pytest.mark.parametrize("ending", ["csv", "json", "jsonl", "parquet"])
def test_an_earlier_contribution_in_another_format_brings_nothing_and_names_the_first(
    ending: str, send: Callable[..., ContributedData], tmp_path: Path
) -> None:
    first = send(BATCH).report
    assert first.accepted
    assert first.history["recorded"] == 0
    path = tmp_path / f"mine-alone.{ending}"
    table = shuffled(pq.read_table(BATCH))
    if ending == "csv":
        pa_csv.write_csv(table, path)
    elif ending == "parquet":
        pq.write_table(table, path)
    else:
        records = [json.dumps(row) for row in table.to_pylist()]
        path.write_text("\n".join(records) if ending == "jsonl" else f"[{','.join(records)}]")
    again = send(path)
    assert [problem.rule for problem in again.report.problems] == ["too-few-new-rows"]
    assert f"in the earlier contribution '{first.contribution}'" in again.report.problems[0].message
    assert again.report.history["held"] == {first.contribution: first.rows_kept}
    assert again.report.removed["in_earlier_contribution"] == first.rows_kept
    assert again.rows.count == 0


def test_ten_parts_of_a_file_sent_before_bring_nothing(
    send: Callable[..., ContributedData], tmp_path: Path
) -> None:
    whole = send(BATCH).report
    table = shuffled(pq.read_table(BATCH))
    for number in range(10):
        part = tmp_path / f"contributor-{number}.parquet"
        pq.write_table(table.slice(number * 101, 101), part)
        report = send(part).report
        assert not report.accepted
        assert list(report.history["held"]) == [whole.contribution]


def test_ten_parts_bring_together_what_the_file_brings_and_then_nothing_is_left_of_it(
    send: Callable[..., ContributedData], tmp_path: Path
) -> None:
    table = shuffled(pq.read_table(BATCH))
    kept = 0
    for number in range(10):
        part = tmp_path / f"contributor-{number}.parquet"
        pq.write_table(table.slice(number * 101, 101), part)
        report = send(part).report
        assert report.accepted
        kept += report.rows_kept
    whole = send(BATCH).report
    assert not whole.accepted
    assert whole.rows_new == 0
    assert sum(whole.history["held"].values()) == kept
    assert whole.history["recorded"] == whole.history["holding"] == 10


def test_new_rows_beside_old_ones_are_kept(
    send: Callable[..., ContributedData], tmp_path: Path
) -> None:
    first = send(BATCH).report
    other = pq.read_table(DATA / "contributions/adult-income/batch-02.parquet")
    both = pa.concat_tables([pq.read_table(BATCH), other])
    pq.write_table(both, tmp_path / "both.parquet")
    report = send(tmp_path / "both.parquet").report
    assert report.accepted
    assert report.removed["in_earlier_contribution"] == first.rows_kept
    assert report.rows_kept == report.rows_new > 1900


def test_running_a_contribution_again_gives_the_first_answer(
    send: Callable[..., ContributedData],
) -> None:
    first = send(BATCH)
    later = send(DATA / "contributions/adult-income/batch-02.parquet")
    again = send(BATCH)
    assert again.report == first.report
    assert again.rows.root == first.rows.root
    assert later.report.history["recorded"] == 1


def test_a_rejected_contribution_takes_no_rows(
    send: Callable[..., ContributedData], tmp_path: Path
) -> None:
    table = pq.read_table(BATCH)
    spoiled = table.set_column(
        table.column_names.index("income"), "income", pa.array(["?"] + [">50K"] * 1001)
    )
    pq.write_table(spoiled, tmp_path / "spoiled.parquet")
    assert not send(tmp_path / "spoiled.parquet").report.accepted
    few = table.slice(0, 3)
    pq.write_table(few, tmp_path / "few.parquet")
    assert not send(tmp_path / "few.parquet").report.accepted
    assert send(BATCH).report.history["recorded"] == 0


def test_looking_ahead_records_nothing(
    tmp_path: Path, adult: Benchmark, privacy_key: PrivacyKey
) -> None:
    index = RowIndex(tmp_path / "index")
    contribution = register(BATCH, tmp_path / "store")
    (tmp_path / "scratch").mkdir()
    found = examine(contribution, adult, privacy_key, scratch=tmp_path / "scratch", index=index)
    assert found.report.accepted
    assert found.report.history["checked"]
    assert not (tmp_path / "index").exists()


def test_a_row_of_another_benchmark_is_no_earlier_row(
    send: Callable[..., ContributedData],
    bundled: Callable[[str], Benchmark],
    tmp_path: Path,
) -> None:
    """The keys hold the column names, so that even a shared index would not mix them up."""
    send(BATCH)
    letter = bundled("letter")
    report = send(DATA / "contributions/letter/batch-01.csv", letter).report
    assert report.accepted
    assert report.removed["in_earlier_contribution"] == 0
