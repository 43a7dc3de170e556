"""What started servers print, without colours where it goes to a file or nobody wants them.

Dagster colours its log lines whatever they go to; its other formats are JSON, and coloured too.
"""

import contextlib
import os
import re
import sys
import threading
from collections.abc import Mapping
from typing import TextIO

_JOIN_SECONDS = 2.0
# Control sequences of ECMA-48: colours and cursor moves, titles, single letters.
_ESCAPES = re.compile(
    rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[ -/]*[0-Z\\^-~])"
)
# A server that is stopped while it starts says this, as if something had gone wrong.
_OF_AN_END = (b"Aborted!", b"")


def is_plain(stream: TextIO, environment: Mapping[str, str]) -> bool:
    """Say whether a stream is to have no colours: it is no terminal, or NO_COLOR is set."""
    return bool(environment.get("NO_COLOR")) or not stream.isatty()


def without_escapes(data: bytes) -> bytes:
    """Return bytes without the sequences that steer a terminal."""
    return _ESCAPES.sub(b"", data)


class ServerOutput:
    """Pipes for what servers print, which end in this program's own streams.

    Attributes:
        stdout, stderr: the pipes, for `subprocess`.
        ending: set it once the servers are stopped: that they abort is then no news.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        """Open both pipes."""
        self.ending = False
        self._copies: list[threading.Thread] = []
        self.stdout = self._pipe(sys.stdout, plain=is_plain(sys.stdout, environment))
        self.stderr = self._pipe(sys.stderr, plain=is_plain(sys.stderr, environment))

    def _pipe(self, stream: TextIO, *, plain: bool) -> int:
        read, write = os.pipe()
        copy = threading.Thread(target=self._copy, args=(read, stream.fileno(), plain), daemon=True)
        copy.start()
        self._copies.append(copy)
        return write

    def close(self) -> None:
        """Let what was written arrive; call it when all servers have ended."""
        for end in (self.stdout, self.stderr):
            os.close(end)
        for copy in self._copies:
            copy.join(_JOIN_SECONDS)

    def _copy(self, read: int, to: int, plain: bool) -> None:
        # Where nobody reads any more, servers are to meet a broken pipe and not a full one.
        with (
            contextlib.suppress(OSError),
            os.fdopen(read, "rb") as lines,
            open(to, "wb", buffering=0, closefd=False) as target,
        ):
            for line in lines:
                if not (self.ending and line.strip() in _OF_AN_END):
                    target.write(without_escapes(line) if plain else line)
