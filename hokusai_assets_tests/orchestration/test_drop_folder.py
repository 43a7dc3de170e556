"""Drops in a local folder and in an fsspec store."""

import os
from pathlib import Path

import fsspec
import pytest

from hokusai_assets.orchestration.drop_folder import DropFolder


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
