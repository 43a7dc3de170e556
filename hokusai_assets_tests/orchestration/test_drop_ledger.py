"""What a tick does with a listing, and what the ledger keeps."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from hokusai_assets.orchestration.drop_ledger import (
    DropFile,
    DropLedger,
    KnownDrop,
    is_drop,
    plan_tick,
)

FILES = st.builds(
    DropFile,
    name=st.sampled_from(["a.csv", "b.csv", "c.json", "d.parquet"]),
    size=st.integers(0, 3),
    changed=st.sampled_from(["1", "2"]),
)


def test_a_new_file_is_watched_not_registered():
    plan = plan_tick([DropFile("a.csv", 10, "1")], {}, at_most=5)
    assert [file.name for file in plan.watch] == ["a.csv"]
    assert plan.register == []


def test_a_file_unchanged_since_the_tick_before_is_registered():
    file = DropFile("a.csv", 10, "1")
    plan = plan_tick([file], {"a.csv": KnownDrop(file, "seen")}, at_most=5)
    assert plan.register == [file]


def test_a_growing_file_is_watched_again():
    plan = plan_tick(
        [DropFile("a.csv", 20, "1")],
        {"a.csv": KnownDrop(DropFile("a.csv", 10, "1"), "seen")},
        at_most=5,
    )
    assert plan.register == []
    assert len(plan.watch) == 1


def test_work_in_one_tick_is_bounded_and_the_rest_is_counted():
    files = [DropFile(f"{number:05}.csv", 1, "1") for number in range(10_000)]
    known = {file.name: KnownDrop(file, "seen") for file in files}
    plan = plan_tick(files, known, at_most=50)
    assert len(plan.register) == 50
    assert plan.waiting == 9_950


@given(st.lists(FILES, unique_by=lambda f: f.name), st.lists(FILES, unique_by=lambda f: f.name))
def test_only_files_seen_unchanged_are_registered(listing: list[DropFile], before: list[DropFile]):
    known = {file.name: KnownDrop(file, "seen") for file in before}
    plan = plan_tick(listing, known, at_most=100)
    assert set(plan.register) == set(listing) & set(before)
    assert set(plan.watch) == set(listing) - set(before)


def test_requested_launched_and_unreadable_files_are_left_alone_until_they_change():
    file = DropFile("a.csv", 10, "1")
    for status in ("requested", "launched", "unreadable"):
        known = {"a.csv": KnownDrop(file, status)}
        assert plan_tick([file], known, at_most=5).register == []
        assert plan_tick([file], known, at_most=5).watch == []
        changed = DropFile("a.csv", 11, "2")
        assert plan_tick([changed], known, at_most=5).watch == [changed]


def test_hidden_half_made_and_sidecar_names_are_no_drops():
    for name in (".a.csv", "a.csv.part", "a.csv.tmp", "a.csv.contribution.yaml", "~a.csv"):
        assert not is_drop(name)
    assert is_drop("a.csv")


def test_the_ledger_outlives_its_object_and_keeps_benchmarks_apart(tmp_path: Path):
    path = tmp_path / "drops.sqlite"
    drop = KnownDrop(DropFile("a.csv", 10, "1"), "requested", "a-0123", "0123", "")
    DropLedger(path, "one").note([drop])
    assert DropLedger(path, "one").known() == {"a.csv": drop}
    assert DropLedger(path, "two").known() == {}


def test_only_files_that_were_merely_seen_are_forgotten(tmp_path: Path):
    ledger = DropLedger(tmp_path / "drops.sqlite", "one")
    seen, launched = DropFile("a.csv", 1, "1"), DropFile("b.csv", 1, "1")
    ledger.note([KnownDrop(seen, "seen"), KnownDrop(launched, "launched", "b-0", "0")])
    ledger.forget(["a.csv", "b.csv"])
    assert set(ledger.known()) == {"b.csv"}
