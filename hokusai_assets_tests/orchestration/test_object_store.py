"""Stored objects appear whole or not at all."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from hokusai_assets.orchestration.object_store import (
    MissingObject,
    read_object,
    write_object,
)


def save_text(text: str):
    return lambda folder: (folder / "value.txt").write_text(text) and None


def load_text(folder: Path) -> str:
    return (folder / "value.txt").read_text()


def read(location: Path) -> str:
    return read_object(location, load_text, what="b/asset/key", remedy="run it again")


def test_what_was_written_is_read_back(tmp_path: Path):
    write_object(tmp_path / "x", save_text("one"))
    assert read(tmp_path / "x") == "one"


def test_a_second_version_replaces_the_first(tmp_path: Path):
    first = write_object(tmp_path / "x", save_text("one"))
    second = write_object(tmp_path / "x", save_text("two"))
    assert first != second
    assert read(tmp_path / "x") == "two"


def test_the_same_content_has_the_same_digest_and_one_folder(tmp_path: Path):
    assert write_object(tmp_path / "x", save_text("one")) == write_object(
        tmp_path / "x", save_text("one")
    )
    assert len([path for path in (tmp_path / "x").iterdir() if path.is_dir()]) == 1


def test_a_save_that_fails_leaves_the_old_version_and_no_draft(tmp_path: Path):
    write_object(tmp_path / "x", save_text("one"))

    def fail(folder: Path) -> None:
        (folder / "value.txt").write_text("half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_object(tmp_path / "x", fail)
    assert read(tmp_path / "x") == "one"
    assert not list((tmp_path / "x").glob(".draft-*"))


def test_a_missing_object_names_what_and_the_remedy(tmp_path: Path):
    with pytest.raises(MissingObject, match=r"b/asset/key is not stored.*run it again"):
        read(tmp_path / "nothing")


def test_a_truncated_file_is_not_read_as_whole(tmp_path: Path):
    write_object(tmp_path / "x", save_text("all of it"))
    (path,) = (tmp_path / "x").glob("*/value.txt")
    path.write_text("all")
    with pytest.raises(MissingObject, match="damaged"):
        read(tmp_path / "x")


def test_writing_again_mends_a_damaged_version(tmp_path: Path):
    write_object(tmp_path / "x", save_text("one"))
    (path,) = (tmp_path / "x").glob("*/value.txt")
    path.unlink()
    write_object(tmp_path / "x", save_text("one"))
    assert read(tmp_path / "x") == "one"


KILLED_WRITER = """
import os, signal, sys
from pathlib import Path
from hokusai_assets.orchestration.object_store import write_object
def save(folder):
    (folder / "value.txt").write_text("half of the new")
    os.kill(os.getpid(), signal.SIGKILL)
write_object(Path(sys.argv[1]), save)
"""


def test_a_killed_writer_leaves_the_old_version_and_its_draft_is_removed_later(tmp_path: Path):
    location = tmp_path / "x"
    write_object(location, save_text("old"))
    ended = subprocess.run([sys.executable, "-c", KILLED_WRITER, str(location)], check=False)
    assert ended.returncode == -signal.SIGKILL
    assert list(location.glob(".draft-*"))
    assert read(location) == "old"
    write_object(location, save_text("new"))
    assert read(location) == "new"
    assert not list(location.glob(".draft-*"))


def test_two_processes_that_store_the_same_version_at_once_both_succeed(tmp_path: Path):
    writer = (
        "import sys; from pathlib import Path\n"
        "from hokusai_assets.orchestration.object_store import write_object\n"
        "for turn in range(60):\n"
        "    write_object(Path(sys.argv[1]) / str(turn),\n"
        "        lambda folder: (folder / 'value.txt').write_text('same') and None)\n"
    )
    both = [
        subprocess.Popen([sys.executable, "-c", writer, str(tmp_path)], stderr=subprocess.PIPE)
        for _ in range(2)
    ]
    assert [process.communicate()[1] for process in both] == [b"", b""]
    for turn in range(60):
        assert read(tmp_path / str(turn)) == "same"
