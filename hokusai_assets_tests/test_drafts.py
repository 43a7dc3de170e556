"""Files that are replaced whole."""

import os
from pathlib import Path

from hokusai_assets.drafts import replace_file, write_once


def test_replace_file_gives_the_asked_mode_and_leaves_no_draft(tmp_path: Path):
    path = tmp_path / "folder" / "file.json"
    replace_file(path, b"one", mode=0o600)
    replace_file(path, b"two", mode=0o600)
    assert path.read_bytes() == b"two"
    assert os.stat(path).st_mode & 0o777 == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == ["file.json"]


def test_what_must_not_change_is_written_once(tmp_path: Path):
    source, path = tmp_path / "source", tmp_path / "folder" / "kept"
    source.write_bytes(b"one")
    assert write_once(path, source, mode=0o600)
    assert path.stat().st_mode & 0o777 == 0o600
    assert write_once(path, b"one") and write_once(path, source)
    assert not write_once(path, b"two")
    assert path.read_bytes() == b"one"
    assert [entry.name for entry in path.parent.iterdir()] == ["kept"]
