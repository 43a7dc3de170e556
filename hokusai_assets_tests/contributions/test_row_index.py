"""The row index: first come first served, the same answer again, and no crash loses anything."""

import multiprocessing
import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hokusai_assets.contributions import key_segments
from hokusai_assets.contributions.key_segments import RowIndexError
from hokusai_assets.contributions.row_index import RowIndex


def keys_of(*numbers: int) -> np.ndarray:
    """Keys that agree in their first 64 bits for numbers that agree modulo 3."""
    data = b"".join((n % 3).to_bytes(8, "big") + n.to_bytes(8, "big") for n in numbers)
    return np.frombuffer(data, np.uint8).reshape(-1, 16)


def test_a_row_belongs_to_the_contribution_that_brought_it_first(tmp_path: Path) -> None:
    index = RowIndex(tmp_path / "index")
    assert index.claim("a", keys_of(1, 2, 2, 3)).holders.tolist() == [-1] * 4
    assert index.claim("b", keys_of(3, 4, 1)).holders.tolist() == [0, -1, 0]
    assert index.claim("c", keys_of(4, 5)).holders.tolist() == [1, -1]
    assert index.look_up(keys_of(1, 4, 5, 6)).holders.tolist() == [0, 1, 2, -1]
    assert index.look_up(keys_of(1)).earlier == ("a", "b", "c")


def test_a_second_run_gives_the_first_answer_and_records_nothing(tmp_path: Path) -> None:
    index = RowIndex(tmp_path / "index")
    index.claim("a", keys_of(1, 2))
    first = index.claim("b", keys_of(2, 3, 4)).holders
    index.claim("c", keys_of(4, 5))
    before = {path.name: path.read_bytes() for path in (tmp_path / "index").iterdir()}
    assert index.claim("b", keys_of(2, 3, 4)).holders.tolist() == first.tolist() == [0, -1, -1]
    assert {path.name: path.read_bytes() for path in (tmp_path / "index").iterdir()} == before


def test_other_rows_of_a_recorded_contribution_are_claimed_at_its_old_place(tmp_path: Path) -> None:
    index = RowIndex(tmp_path / "index")
    index.claim("a", keys_of(1))
    index.claim("b", keys_of(7, 8))
    assert index.claim("a", keys_of(7, 9)).holders.tolist() == [-1, -1]
    assert index.look_up(keys_of(1, 7, 8, 9)).holders.tolist() == [0, 0, 1, 0]
    assert index.claim("b", keys_of(7, 8)).holders.tolist() == [0, -1]


def test_looking_up_before_a_contribution_sees_only_what_came_ahead(tmp_path: Path) -> None:
    index = RowIndex(tmp_path / "index")
    assert index.look_up(keys_of(1)).holders.tolist() == [-1]
    assert not (tmp_path / "index").exists()
    index.claim("a", keys_of(1))
    index.claim("b", keys_of(2))
    assert index.look_up(keys_of(1, 2), before="b").holders.tolist() == [0, -1]
    assert index.look_up(keys_of(1, 2), before="a").holders.tolist() == [-1, -1]
    assert index.look_up(keys_of(1, 2), before="not recorded").holders.tolist() == [0, 1]


def test_nothing_is_recorded_where_the_caller_says_so(tmp_path: Path) -> None:
    index = RowIndex(tmp_path / "index")
    index.claim("a", keys_of(1))
    told = index.claim("b", keys_of(1, 2), unless=lambda holders: bool((holders >= 0).any()))
    assert told.holders.tolist() == [0, -1]
    assert index.look_up(keys_of(2)).earlier == ("a",)
    assert index.claim("b", keys_of(2), unless=lambda holders: False).earlier == ("a",)
    assert index.look_up(keys_of(2)).holders.tolist() == [1]


def test_it_counts_what_each_earlier_contribution_holds(tmp_path: Path) -> None:
    index = RowIndex(tmp_path / "index")
    index.claim("a", keys_of(1, 2))
    index.claim("b", keys_of(2, 3))
    told = index.claim("c", keys_of(1, 2, 3, 4))
    assert told.by_contribution(np.array([True] * 4)) == {"a": 2, "b": 1}
    assert told.by_contribution(np.array([True, False, False, True])) == {"a": 1}


@settings(max_examples=60, deadline=None)
@given(
    claims=st.lists(
        st.tuples(st.integers(0, 5), st.lists(st.integers(0, 30), max_size=12)), max_size=14
    ),
    step=st.sampled_from([1, 3, 1 << 19]),
)
def test_it_agrees_with_a_plain_dictionary(
    tmp_path_factory: pytest.TempPathFactory, claims: list[tuple[int, list[int]]], step: int
) -> None:
    folder = tmp_path_factory.mktemp("property") / "index"
    index = RowIndex(folder)
    order: list[int] = []
    holder: dict[int, int] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(key_segments, "MERGE_ROWS", step)
        for name, numbers in claims:
            if name not in order:
                order.append(name)
            place = order.index(name)
            expected = [h if (h := holder.get(n, 99)) < place else -1 for n in numbers]
            assert index.claim(f"c{name}", keys_of(*numbers)).holders.tolist() == expected
            holder |= {n: place for n in numbers if holder.get(n, 99) > place}
    if claims:
        assert index.verify() >= len(holder)
    every = list(range(31))
    assert index.look_up(keys_of(*every)).holders.tolist() == [holder.get(n, -1) for n in every]


def test_the_number_of_segments_grows_with_the_logarithm(tmp_path: Path) -> None:
    index = RowIndex(tmp_path / "index")
    for number in range(100):
        index.claim(f"c{number}", keys_of(*range(number * 10, number * 10 + 10)))
        rows = (number + 1) * 10
        assert len(list((tmp_path / "index").glob("*.segment"))) <= np.log2(rows) + 1
    assert index.verify() == 1000


class Crash(BaseException):
    """Stands for a loss of power: no handler of ordinary errors sees it."""


def crash_at(patch: pytest.MonkeyPatch, moment: int) -> None:
    """Let the moment-th call that changes the disk fail; clean-up fails too."""
    calls = 0

    def counted(real: Callable) -> Callable:
        def call(*args: object, **kwargs: object) -> object:
            nonlocal calls
            calls += 1
            if calls >= moment:
                raise Crash
            return real(*args, **kwargs)

        return call

    for name in ("replace", "fsync"):
        patch.setattr(os, name, counted(getattr(os, name)))
    patch.setattr(Path, "unlink", counted(Path.unlink))


@pytest.mark.parametrize("moment", range(1, 25))
@pytest.mark.parametrize("recorded", [0, 3])
def test_a_crash_leaves_the_old_state_or_the_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: int, recorded: int
) -> None:
    folder = tmp_path / "index"
    index = RowIndex(folder)
    for number in range(recorded):
        index.claim(f"old{number}", keys_of(number, number + 1))
    before = index.look_up(keys_of(*range(9))).holders.tolist()
    with monkeypatch.context() as patch:
        crash_at(patch, moment)
        try:
            index.claim("new", keys_of(1, 2, 7, 8))
        except Crash:
            crashed = True
        else:
            crashed = False
    after = index.look_up(keys_of(*range(9))).holders.tolist()
    claimed = [h if h >= 0 or n not in (1, 2, 7, 8) else recorded for n, h in enumerate(before)]
    assert after in ([before, claimed] if crashed else [claimed])
    answer = index.claim("new", keys_of(1, 2, 7, 8)).holders.tolist()
    assert answer == [before[1], before[2], -1, -1]
    assert index.look_up(keys_of(*range(9))).holders.tolist() == claimed
    index.verify()
    named = {path.name for path in folder.iterdir() if path.suffix not in (".segment", "")}
    assert named == {"state.json"}


@pytest.mark.parametrize("cut", [0, 1, 5])
def test_bytes_that_a_crash_left_in_the_journal_are_not_read(tmp_path: Path, cut: int) -> None:
    index = RowIndex(tmp_path / "index")
    index.claim("a", keys_of(1))
    with (tmp_path / "index" / "journal").open("ab") as stream:
        stream.write(b"torn-contribution"[: cut * 3])
    index.claim("b", keys_of(2))
    assert (tmp_path / "index" / "journal").read_bytes() == b"a\nb\n"


def recorded_index(folder: Path) -> RowIndex:
    index = RowIndex(folder)
    index.claim("a", keys_of(*range(50)))
    return index


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("state.json", lambda data: data[:-5]),
        ("state.json", lambda data: data.replace(b'"contributions":1', b'"contributions":0')),
        ("state.json", lambda data: b"[]"),
        ("journal", lambda data: b""),
        ("journal", lambda data: b"\xff\n"),
        ("0.segment", lambda data: data[:-1]),
        ("0.segment", lambda data: b"PAR1" + data[4:]),
    ],
)
def test_a_damaged_or_foreign_file_is_named(
    tmp_path: Path, name: str, damage: Callable[[bytes], bytes]
) -> None:
    index = recorded_index(tmp_path / "index")
    path = tmp_path / "index" / name
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(RowIndexError, match=name.replace(".", r"\.")):
        index.claim("b", keys_of(1))


@pytest.mark.parametrize("name", ["state.json", "journal", "0.segment"])
def test_a_missing_file_is_named(tmp_path: Path, name: str) -> None:
    index = recorded_index(tmp_path / "index")
    (tmp_path / "index" / name).unlink()
    with pytest.raises(RowIndexError, match=name.replace(".", r"\.")):
        index.claim("b", keys_of(1))


@pytest.mark.parametrize("offset", [4096, 4096 + 8 * 50, 4096 + 16 * 50 + 3])
def test_a_changed_byte_is_found_when_the_index_is_verified(tmp_path: Path, offset: int) -> None:
    index = recorded_index(tmp_path / "index")
    path = tmp_path / "index" / "0.segment"
    data = bytearray(path.read_bytes())
    data[offset] ^= 1
    path.write_bytes(data)
    with pytest.raises(RowIndexError, match=r"0\.segment"):
        index.verify()


def test_only_the_owner_can_read_it(tmp_path: Path) -> None:
    os.umask(old := os.umask(0))
    index = RowIndex(tmp_path / "index")
    try:
        os.umask(0)
        index.claim("a", keys_of(1))
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "index").stat().st_mode) == 0o700
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "index").iterdir()}
    assert modes == {0o600}


@pytest.mark.parametrize("name", ["", "two words", "line\nbreak", "ü", "x" * 201])
def test_a_name_that_would_break_the_journal_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="contribution key"):
        RowIndex(tmp_path / "index").claim(name, keys_of(1))


def _claim_many(folder: Path, worker: int) -> None:
    index = RowIndex(folder)
    for number in range(10):
        index.claim(f"w{worker}-{number}", keys_of(*range(number * 5, number * 5 + 20)))


def test_several_processes_never_both_get_a_row(tmp_path: Path) -> None:
    folder = tmp_path / "index"
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_claim_many, args=(folder, n)) for n in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    index = RowIndex(folder)
    assert index.verify() == 65
    names = index.look_up(keys_of(1)).earlier
    assert len(names) == 30
    assert len(set(names)) == 30
    for sequence, name in enumerate(names):
        number = int(name.split("-")[1])
        mine = keys_of(*range(number * 5, number * 5 + 20))
        others = index.look_up(mine, before=name).holders
        assert (others < sequence).all()
        assert np.isin(index.look_up(mine).holders[others < 0], [sequence]).all()


def test_an_index_survives_being_moved(tmp_path: Path) -> None:
    recorded_index(tmp_path / "index")
    shutil.move(tmp_path / "index", tmp_path / "elsewhere")
    assert RowIndex(tmp_path / "elsewhere").look_up(keys_of(3, 99)).holders.tolist() == [0, -1]


def test_keys_of_another_shape_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="uint8"):
        RowIndex(tmp_path / "index").claim("a", np.zeros((3, 8), np.uint8))
