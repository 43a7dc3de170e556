"""Opening files and folders that senders control."""

import os
from pathlib import Path

import pytest

from hokusai_assets.tables.file_access import (
    is_part_name,
    list_parts,
    open_regular_file,
    opened_folder,
)
from hokusai_assets.tables.problems import Problem
from hokusai_assets_tests.tables.read_files import refusal


def parts_of(folder: Path, *, max_parts: int = 100) -> list[str]:
    with opened_folder(folder, "x") as descriptor:
        return [part.name for part in list_parts(descriptor, "x", max_parts=max_parts)]


def refused_folder(folder: Path, **bounds: int) -> Problem:
    return refusal(lambda: parts_of(folder, **bounds), secrets=(str(folder),))


def test_a_regular_file_is_opened(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"hello")
    with open_regular_file(tmp_path / "a", "x") as stream:
        assert stream.read() == b"hello"


def test_a_link_a_folder_a_pipe_and_a_device_are_no_files(tmp_path: Path) -> None:
    (tmp_path / "target").write_bytes(b"x")
    (tmp_path / "link").symlink_to(tmp_path / "target")
    (tmp_path / "dangling").symlink_to(tmp_path / "absent")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    for path in [
        *(tmp_path / n for n in ("link", "dangling", "folder", "pipe")),
        Path("/dev/zero"),
    ]:
        assert refusal(lambda path=path: open_regular_file(path, "x")).rule == "not-a-file"


def test_a_file_that_is_not_there_is_an_error_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        open_regular_file(tmp_path / "absent", "x")
    with pytest.raises(FileNotFoundError):
        parts_of(tmp_path / "absent")


def test_a_link_to_a_folder_and_a_file_are_no_folders(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "folder")
    (tmp_path / "file").write_bytes(b"")
    for name in ("link", "file"):
        assert refused_folder(tmp_path / name).rule == "not-a-file"


def test_parts_come_in_order_of_their_names_and_markers_are_ignored(tmp_path: Path) -> None:
    for name in ("b.parquet", "a.PQ", "c.pq", "_SUCCESS", "._x.parquet", ".hidden", "_metadata"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "_temporary").mkdir()
    assert parts_of(tmp_path) == ["a.PQ", "b.parquet", "c.pq"]


def test_names_that_are_no_text_are_ordered_by_their_bytes(tmp_path: Path) -> None:
    for name in (b"\xff.parquet", "é.parquet".encode(), b"a.parquet"):
        (Path(os.fsdecode(tmp_path)) / os.fsdecode(name)).write_bytes(b"x")
    assert [os.fsencode(name) for name in parts_of(tmp_path)] == [
        b"a.parquet",
        "é.parquet".encode(),
        b"\xff.parquet",
    ]


@pytest.mark.parametrize("kind", ["link", "folder", "other", "pipe"])
def test_a_folder_with_anything_else_is_refused(tmp_path: Path, kind: str) -> None:
    (tmp_path / "a.parquet").write_bytes(b"x")
    if kind == "link":
        (tmp_path / "b.parquet").symlink_to(tmp_path / "a.parquet")
    elif kind == "folder":
        (tmp_path / "b.parquet").mkdir()
    elif kind == "pipe":
        os.mkfifo(tmp_path / "b.parquet")
    else:
        (tmp_path / "b.csv").write_bytes(b"x")
    assert refused_folder(tmp_path).rule == "bad-part-folder"


def test_a_folder_without_parts_or_with_too_many_is_refused(tmp_path: Path) -> None:
    assert refused_folder(tmp_path).rule == "empty-file"
    for number in range(4):
        (tmp_path / f"{number}.parquet").write_bytes(b"x")
    assert parts_of(tmp_path, max_parts=4)
    assert refused_folder(tmp_path, max_parts=3).rule == "too-large"


@pytest.mark.parametrize("name", ["a.csv", "_a.parquet", ".a.parquet", "parquet", "a.parquet.gz"])
def test_other_names_are_no_parts(name: str) -> None:
    assert not is_part_name(name)
