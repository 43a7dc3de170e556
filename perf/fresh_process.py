"""Runs one function in a process of its own and says what it took."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Measured:
    """What a function returned, and what its process used.

    cpu_seconds: user and system time of the whole process, imports included. peak_bytes: its
    largest resident size.
    """

    result: Any
    cpu_seconds: float
    peak_bytes: int


def in_fresh_process(function: str, *arguments: Any) -> Measured:
    """Call `module:function` with JSON arguments in a new Python; its result must be JSON too.

    Raises RuntimeError, with what the process wrote, if it fails.
    """
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "perf.fresh_process", function, json.dumps(arguments)],
            stdout=output,
            stderr=errors,
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        errors.seek(0)
        if process.returncode:
            raise RuntimeError(f"{function} failed:\n{errors.read()}")
        # The last line: a library may print before it.
        result = json.loads(output.read().splitlines()[-1])
    # Linux counts the largest resident size in KiB.
    return Measured(result, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)


def main() -> None:
    """Call the function that the command line names, print its result as JSON."""
    module, _, name = sys.argv[1].partition(":")
    function = getattr(importlib.import_module(module), name)
    print(json.dumps(function(*json.loads(sys.argv[2]))))


if __name__ == "__main__":
    main()
