"""What servers print reaches a file without colours, and nothing of it is lost."""

import subprocess
import sys

import pytest

from hokusai_assets.cli.server_output import is_plain, without_escapes

_SERVER = r"""
import sys
print("\x1b[32mgreen\x1b[0m out")
sys.stderr.write("\x1b[1;34mblue\x1b[0m\nAborted!\nlast")
"""
_COPYING = """
import os, subprocess, sys
from hokusai_assets.cli.server_output import ServerOutput
output = ServerOutput(os.environ)
output.ending = "ending" in sys.argv
server = [sys.executable, "-c", sys.argv[1]]
subprocess.run(server, stdout=output.stdout, stderr=output.stderr, check=True)
output.close()
"""


def copied(*arguments: str) -> tuple[str, str]:
    done = subprocess.run(
        [sys.executable, "-c", _COPYING, _SERVER, *arguments],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout, done.stderr


def test_a_file_gets_each_stream_whole_and_without_colours():
    assert copied() == ("green out\n", "blue\nAborted!\nlast")


def test_a_server_that_is_stopped_does_not_say_that_it_aborts():
    assert copied("ending") == ("green out\n", "blue\nlast")


@pytest.mark.parametrize(
    ("coloured", "plain"),
    [
        (b"\x1b[32m2026\x1b[0m - \x1b[38;5;208mINFO\x1b[m", b"2026 - INFO"),
        (b"\x1b]0;a title\x07text\x1b]8;;http://a\x1b\\link", b"textlink"),
        (b"\x1b[2K\x1b[1Aup\x1b(B\x1bM", b"up"),
        ("größer [32m".encode(), "größer [32m".encode()),
    ],
)
def test_escape_sequences_go_and_text_stays(coloured: bytes, plain: bytes):
    assert without_escapes(coloured) == plain


class _Stream:
    def __init__(self, *, terminal: bool) -> None:
        self.isatty = lambda: terminal


@pytest.mark.parametrize(
    ("terminal", "environment", "plain"),
    [
        (True, {}, False),
        (True, {"NO_COLOR": ""}, False),
        (True, {"NO_COLOR": "1"}, True),
        (False, {}, True),
    ],
)
def test_colours_are_for_terminals_that_want_them(terminal: bool, environment: dict, plain: bool):
    assert is_plain(_Stream(terminal=terminal), environment) is plain  # type: ignore[arg-type]
