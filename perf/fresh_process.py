"""Runs one function in a process of its own and says what it took."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Measured:
    """What a function returned, and what its process used.

    cpu_seconds: user and system time of the whole process, imports included. peak_bytes: its
    largest resident size, without that of processes it starts.
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
        said = json.loads(output.read().splitlines()[-1])
    peak = said["peak_bytes"] or usage.ru_maxrss * 1024
    return Measured(said["result"], usage.ru_utime + usage.ru_stime, peak)


def main() -> None:
    """Call the function that the command line names, print its result as JSON."""
    module, _, name = sys.argv[1].partition(":")
    function = getattr(importlib.import_module(module), name)
    result = function(*json.loads(sys.argv[2]))
    print(json.dumps({"result": result, "peak_bytes": _peak_bytes()}))


def _peak_bytes() -> int | None:
    """Return this process's own peak; the kernel's usage counts its parent's, before the exec."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    peaks = (int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))
    return next(peaks, 0) * 1024 or None


if __name__ == "__main__":
    main()
