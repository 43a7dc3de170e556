"""The process that decodes Parquet: a hostile file can end it, not the run that started it.

It gets the open file (or folder) as a descriptor, one line of JSON as its task, and answers on
its standard output with frames: one letter, the payload's length (8 bytes, big-endian), the
payload. ``I`` is what the footers say, ``B`` a record batch as an Arrow IPC stream, ``N`` a
number of rows of which no column is wanted, ``R`` the problem for which the file is refused,
``F`` the number of an operating system's error, ``E`` the end. It is given none of the
platform's environment, may write no file, and has bounded memory and time.
"""

import contextlib
import json
import os
import resource
import signal
import struct
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from typing import Any, BinaryIO

import pyarrow as pa

from hokusai_assets.tables.file_access import open_regular_file
from hokusai_assets.tables.limits import ReadLimits
from hokusai_assets.tables.parquet_decoding import ParquetContents, decode_parts
from hokusai_assets.tables.problems import Problem, UnreadableFile

FRAME = struct.Struct(">cQ")
# Memory beyond what the bare process takes, and processor seconds: for each batch and in all.
MEMORY_BYTES = 2**30
SECONDS_PER_BATCH = 30
_LEAST_SECONDS = 60
_BYTES_PER_SECOND = 50 * 2**20


def serve(task: dict[str, Any], answers: BinaryIO) -> None:
    """Decode what a task names and write the frames; see the module's words on them."""
    limits = ReadLimits(**task["limits"])
    _bound_resources(limits)
    try:
        _decode(task, limits, answers)
    except UnreadableFile as error:
        _send(answers, b"R", json.dumps(error.problem.to_dict()).encode())
    except MemoryError:
        _send(answers, b"R", json.dumps(too_much(task["name"]).to_dict()).encode())
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            return
        _send(answers, b"F", str(error.errno or 0).encode())


def too_much(name: str) -> Problem:
    """Return the problem of a file that takes too much memory or time to decode."""
    return Problem(
        "too-large",
        f"{name}: decoding the Parquet file takes more memory or time than one file may.",
        "Write it again with smaller row groups and pages, or as several files.",
    )


def _decode(task: dict[str, Any], limits: ReadLimits, answers: BinaryIO) -> None:
    columns = task["columns"]
    for answer in decode_parts(_openers(task), columns, name=task["name"], limits=limits):
        if isinstance(answer, ParquetContents):
            _send(answers, b"I", json.dumps(asdict(answer)).encode())
            continue
        if isinstance(answer, int):
            _send(answers, b"N", str(answer).encode())
            continue
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, answer.schema) as writer:
            writer.write_batch(answer)
        _send(answers, b"B", sink.getvalue())
        # While the answer waits to be taken no time is counted.
        signal.setitimer(signal.ITIMER_PROF, SECONDS_PER_BATCH)
    _send(answers, b"E", b"")


def _openers(task: dict[str, Any]) -> list[Callable[[], BinaryIO]]:
    descriptor, name = task["descriptor"], task["name"]
    if task["parts"] is None:
        return [partial(_rewound, descriptor)]
    return [partial(open_regular_file, part, name, folder=descriptor) for part in task["parts"]]


def _rewound(descriptor: int) -> BinaryIO:
    stream = os.fdopen(os.dup(descriptor), "rb")
    stream.seek(0)
    return stream


def _send(answers: BinaryIO, letter: bytes, payload: bytes | pa.Buffer) -> None:
    answers.write(FRAME.pack(letter, len(payload)))
    answers.write(payload)
    answers.flush()


def _bound_resources(limits: ReadLimits) -> None:
    seconds = _LEAST_SECONDS + limits.max_decoded_bytes // _BYTES_PER_SECOND
    bounds = {
        resource.RLIMIT_CPU: seconds,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_CORE: 0,
    }
    # Without /proc (macOS) there is no bound on memory but the machine's.
    with contextlib.suppress(OSError), open("/proc/self/statm") as sizes:
        taken = int(sizes.read().split()[0]) * resource.getpagesize()
        bounds[resource.RLIMIT_AS] = taken + MEMORY_BYTES
    for kind, bound in bounds.items():
        resource.setrlimit(kind, (bound, bound))
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_PROF, SECONDS_PER_BATCH)
