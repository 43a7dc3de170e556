"""Append-only files: whole lines only, one writer at a time, and never the wrong file."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hokusai_assets.append_only import append_line, end_last_line, held, whole_lines

PROJECT = Path(__file__).resolve().parents[1]
LINES = st.lists(st.binary(min_size=1).filter(lambda line: b"\n" not in line), max_size=5)
HOLDER = """
import sys
from pathlib import Path
from hokusai_assets.append_only import append_line, held
with held(Path(sys.argv[1])) as stream:
    print("held", flush=True)
    sys.stdin.readline()
    append_line(stream, b"first")
"""


@given(LINES, st.binary(max_size=5).filter(lambda rest: b"\n" not in rest))
def test_what_is_read_are_the_whole_lines_and_the_rest_is_cut(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes], rest: bytes
) -> None:
    path = tmp_path_factory.mktemp("lines") / "new" / "file"
    with held(path) as stream:
        for line in lines:
            append_line(stream, line)
    path.write_bytes(path.read_bytes() + rest)
    assert whole_lines(path) == lines
    with held(path) as stream:
        end_last_line(stream)
    assert path.read_bytes() == b"".join(line + b"\n" for line in lines)


def test_no_file_has_no_lines(tmp_path: Path) -> None:
    assert whole_lines(tmp_path / "none") == []


def test_a_writer_waits_and_follows_a_file_that_was_put_in_its_place(tmp_path: Path) -> None:
    path = tmp_path / "file"
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)],
        env=os.environ | {"PYTHONPATH": str(PROJECT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdin is not None and holder.stdout is not None
    assert holder.stdout.readline() == "held\n"

    def write() -> None:
        with held(path) as stream:
            append_line(stream, b"second")

    writer = threading.Thread(target=write)
    writer.start()
    # Let it open the file and wait for the lock; were it slower, the test would pass all the same.
    time.sleep(0.3)
    # Brought back from a copy: what the holder appends is lost, what the waiting one does is not.
    copy = tmp_path / "copy"
    copy.write_bytes(b"kept\n")
    copy.replace(path)
    holder.communicate("go\n", timeout=60)
    writer.join(timeout=60)
    assert whole_lines(path) == [b"kept", b"second"]
