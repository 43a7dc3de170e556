"""Drops in a local folder and in an fsspec store."""

import os
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest

from hokusai_assets.contributions.identity import register
from hokusai_assets.orchestration.drop_folder import DropFolder
from hokusai_assets.tables.limits import ReadLimits
from hokusai_assets.tables.problems import UnreadableFile


def test_a_missing_folder_holds_no_drops(tmp_path: Path):
    assert DropFolder(str(tmp_path), "b").listing() == []


def test_a_folder_that_cannot_be_listed_is_not_taken_for_empty(tmp_path: Path):
    (tmp_path / "b").write_text("a file where the folder should be")
    with pytest.raises(OSError, match="Not a directory"):
        DropFolder(str(tmp_path), "b").listing()


def test_links_folders_and_hidden_files_are_not_listed(tmp_path: Path):
    folder = tmp_path / "b"
    (folder / "sub").mkdir(parents=True)
    (folder / "a.csv").write_text("x")
    (folder / ".hidden.csv").write_text("x")
    os.symlink("/etc/passwd", folder / "link.csv")
    assert [file.name for file in DropFolder(str(tmp_path), "b").listing()] == ["a.csv"]


def test_a_changed_file_lists_differently(tmp_path: Path):
    path = tmp_path / "b" / "a.csv"
    path.parent.mkdir()
    path.write_text("x")
    before = DropFolder(str(tmp_path), "b").listing()
    path.write_text("xy")
    assert DropFolder(str(tmp_path), "b").listing() != before


def test_a_store_behind_a_url_is_listed_and_fetched_with_its_sidecar(tmp_path: Path):
    store = fsspec.filesystem("memory")
    store.pipe("/drops-test/b/a.csv", b"text,label\nhi,good\n")
    store.pipe("/drops-test/b/a.csv.contribution.yaml", b"licence: CC0\n")
    try:
        folder = DropFolder("memory://drops-test", "b")
        assert [(file.name, file.size) for file in folder.listing()] == [("a.csv", 19)]
        with folder.fetched("a.csv", tmp_path / "incoming") as path:
            assert path.read_bytes() == b"text,label\nhi,good\n"
            sidecar = path.with_name("a.csv.contribution.yaml")
            assert sidecar.read_bytes() == b"licence: CC0\n"
        assert not list((tmp_path / "incoming").iterdir())
    finally:
        store.rm("/drops-test", recursive=True)


# --- folders of parts -----------------------------------------------------------------------


def parts_in(folder: Path, **parts: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in parts.items():
        (folder / f"{name}.parquet").write_text(text)
    return folder


def listed(root: Path, **bounds: int) -> list[tuple[str, int]]:
    listing = DropFolder(str(root), "b", ReadLimits(**bounds)).listing()
    return sorted((file.name, file.size) for file in listing)


def test_a_folder_of_parts_is_one_drop_as_large_as_its_parts(tmp_path: Path):
    parts_in(tmp_path / "b" / "rows.parquet", one="x", two="yy", _SUCCESS="zzz")
    parts_in(tmp_path / "b" / "plain", one="x")
    (tmp_path / "b" / "a.csv").write_text("x")
    assert listed(tmp_path) == [("a.csv", 1), ("rows.parquet", 3)]


def test_a_folder_lists_the_same_until_a_part_its_sidecar_or_their_number_changes(tmp_path: Path):
    rows = parts_in(tmp_path / "b" / "rows.parquet", one="x", two="yy")

    def listing() -> object:
        return DropFolder(str(tmp_path), "b").listing()

    seen = [listing()]
    assert listing() == seen[0]
    (rows / "two.parquet").write_text("zz")
    os.utime(rows / "two.parquet", ns=(1, 1))
    seen.append(listing())
    (rows / "three.parquet").write_text("")
    seen.append(listing())
    (rows / "three.parquet").rename(rows / "four.parquet")
    seen.append(listing())
    (tmp_path / "b" / "rows.parquet.contribution.yaml").write_text("note: x")
    seen.append(listing())
    assert all(seen.count(one) == 1 for one in seen)
    (rows / "_SUCCESS").write_text("")
    assert listing() == seen[-1]


def test_a_folder_that_is_being_filled_is_not_listed(tmp_path: Path):
    rows = parts_in(tmp_path / "b" / "rows.parquet")
    assert listed(tmp_path) == []
    (rows / "one.parquet.part").write_text("x")
    assert listed(tmp_path) == []
    (rows / "one.parquet.part").rename(rows / "one.parquet")
    assert listed(tmp_path) == [("rows.parquet", 1)]


def test_a_link_to_a_folder_is_not_listed(tmp_path: Path):
    parts_in(tmp_path / "elsewhere.parquet", one="x")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "rows.parquet").symlink_to(tmp_path / "elsewhere.parquet")
    assert listed(tmp_path) == []


def test_a_folder_with_something_else_is_listed_so_that_it_can_be_refused(tmp_path: Path):
    rows = parts_in(tmp_path / "b" / "rows.parquet", one="x")
    (rows / "two.parquet").symlink_to("/etc/passwd")
    assert [name for name, _ in listed(tmp_path)] == ["rows.parquet"]
    fetched = DropFolder(str(tmp_path), "b").fetched("rows.parquet", tmp_path / "incoming")
    with fetched as path, pytest.raises(UnreadableFile) as caught:
        register(path, tmp_path / "store")
    assert caught.value.problem.rule == "bad-part-folder"


def test_a_listing_looks_at_no_more_parts_than_there_may_be(tmp_path: Path):
    parts_in(tmp_path / "b" / "rows.parquet", **{f"p{n}": "xx" for n in range(50)})
    assert listed(tmp_path, max_parts=9) == [("rows.parquet", 20)]


@pytest.fixture
def remote() -> Iterator[fsspec.AbstractFileSystem]:
    store = fsspec.filesystem("memory")
    yield store
    store.rm("/drops-parts", recursive=True)


def test_a_remote_folder_of_parts_is_listed_and_fetched_in_order(tmp_path: Path, remote):
    remote.pipe("/drops-parts/b/rows.parquet/z.parquet", b"last")
    remote.pipe("/drops-parts/b/rows.parquet/a.parquet", b"first")
    remote.pipe("/drops-parts/b/rows.parquet/_SUCCESS", b"")
    remote.pipe("/drops-parts/b/other/a.parquet", b"first")
    remote.pipe("/drops-parts/b/rows.parquet.contribution.yaml", b"licence: CC0\n")
    folder = DropFolder("memory://drops-parts", "b")
    assert [(file.name, file.size) for file in folder.listing()] == [("rows.parquet", 9)]
    assert folder.listing() == folder.listing()
    with folder.fetched("rows.parquet", tmp_path / "incoming") as path:
        stored = register(path, tmp_path / "store")
    assert not list((tmp_path / "incoming").iterdir())
    assert [part.read_bytes() for part in sorted(stored.path.iterdir())] == [b"first", b"last"]
    assert stored.sidecar == b"licence: CC0\n" and stored.key.startswith("rows-")


def test_the_same_parts_from_a_local_and_a_remote_folder_are_one_contribution(
    tmp_path: Path, remote
):
    parts_in(tmp_path / "b" / "rows.parquet", one="x", two="yy")
    remote.pipe("/drops-parts/b/rows.parquet/q.parquet", b"yy")
    remote.pipe("/drops-parts/b/rows.parquet/r.parquet", b"x")
    keys = set()
    for root in (str(tmp_path), "memory://drops-parts"):
        with DropFolder(root, "b").fetched("rows.parquet", tmp_path / "incoming") as path:
            keys.add(register(path, tmp_path / "store").key)
    assert len(keys) == 1


def test_remote_drops_that_are_too_large_or_no_parts_are_refused_unfetched(tmp_path: Path, remote):
    remote.pipe("/drops-parts/b/rows.parquet/a.parquet", b"x" * 60)
    remote.pipe("/drops-parts/b/rows.parquet/b.parquet", b"x" * 60)
    remote.pipe("/drops-parts/b/odd.parquet/a.csv", b"x")
    remote.pipe("/drops-parts/b/large.csv", b"x" * 101)

    def refused(name: str, **bounds: int) -> str:
        folder = DropFolder("memory://drops-parts", "b", ReadLimits(**bounds))
        with pytest.raises(UnreadableFile) as caught, folder.fetched(name, tmp_path / "incoming"):
            pass
        assert not list((tmp_path / "incoming").iterdir())
        return caught.value.problem.rule

    assert refused("large.csv", max_file_bytes=100) == "too-large"
    assert refused("rows.parquet", max_file_bytes=100) == "too-large"
    assert refused("rows.parquet", max_parts=1) == "too-large"
    assert refused("odd.parquet") == "bad-part-folder"


def test_no_more_of_a_remote_sidecar_is_fetched_than_shows_that_it_is_too_long(
    tmp_path: Path, remote
):
    remote.pipe("/drops-parts/b/a.csv", b"a\n1\n")
    remote.pipe("/drops-parts/b/a.csv.contribution.yaml", b"#" * 1_000_000)
    with DropFolder("memory://drops-parts", "b").fetched("a.csv", tmp_path / "in") as path:
        assert path.with_name("a.csv.contribution.yaml").stat().st_size == 65_537
