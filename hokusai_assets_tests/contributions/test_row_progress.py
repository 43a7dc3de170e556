"""How far the reading of rows is reaches whoever watches, from the file and from a Dagster run."""

from collections.abc import Callable
from pathlib import Path

from hokusai_assets.benchmarks.loading import Benchmark
from hokusai_assets.contributions.identity import unregistered
from hokusai_assets.contributions.intake import take_in
from hokusai_assets.contributions.row_progress import tell_rows, watching_rows
from hokusai_assets.privacy.keys import PrivacyKey

Told = list[tuple[int, int | None]]


def test_rows_are_counted_in_the_first_pass_and_told_of_all_in_the_second(
    bundled: Callable[[str], Benchmark], privacy_key: PrivacyKey, data_folder: Path, tmp_path: Path
) -> None:
    told: Told = []
    file = data_folder / "contributions" / "sms-spam" / "batch-01.csv"
    with watching_rows(lambda done, total: told.append((done, total))):
        take_in(unregistered(file), bundled("sms-spam"), privacy_key, scratch=tmp_path)
    assert told[0][1] is None
    assert told[-1] == (463, 463)
    assert told == sorted(told, key=lambda each: (each[1] is not None, each[0]))


def test_without_a_watcher_nothing_is_told() -> None:
    outer: Told = []
    inner: Told = []
    tell_rows(1, None)
    with watching_rows(lambda *rows: outer.append(rows)):
        with watching_rows(lambda *rows: inner.append(rows)):
            tell_rows(2, 3)
        tell_rows(4, None)
    tell_rows(5, None)
    assert (outer, inner) == ([(4, None)], [(2, 3)])
