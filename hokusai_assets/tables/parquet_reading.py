"""Reading Parquet, one file or a folder of parts, through a child process that decodes it."""

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from hokusai_assets.privacy.tokens import is_text
from hokusai_assets.tables.decompression import check_file_size
from hokusai_assets.tables.file_access import list_parts, open_regular_file, opened_folder
from hokusai_assets.tables.formats import FoundFormat
from hokusai_assets.tables.limits import ReadLimits
from hokusai_assets.tables.parquet_child import FRAME, too_much
from hokusai_assets.tables.problem_log import ProblemLog
from hokusai_assets.tables.problems import Problem, UnreadableFile, refuse
from hokusai_assets.tables.raw_batches import RawBatch, sliced

_ROOT = Path(__file__).resolve().parents[2]
_CHILD = (
    "import json, os, sys\n"
    "task = json.loads(sys.stdin.buffer.readline())\n"
    "answers = os.fdopen(os.dup(1), 'wb')\n"
    "os.dup2(os.open(os.devnull, os.O_WRONLY), 1)\n"
    "sys.path[:] = task['path']\n"
    "from hokusai_assets.tables.parquet_child import serve\n"
    "serve(task, answers)\n"
)
# Neither keys nor tokens of the platform reach the child. One arena and Arrow's plain allocator
# keep its address space, which is bounded, close to what it uses.
_ENVIRONMENT = {
    "ARROW_DEFAULT_MEMORY_POOL": "system",
    "MALLOC_ARENA_MAX": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
}
_LIBRARIES = {name: value for name, value in os.environ.items() if name == "LD_LIBRARY_PATH"}
# Processor time is bounded in the child; this is for one that waits for what never comes.
_LONGEST_SILENCE_SECONDS = 600
_OUT_OF_BOUNDS = (signal.SIGXCPU, signal.SIGPROF, signal.SIGKILL)
_LONGEST_ANSWER = 2**30
_WHAT = "the cell is no Unicode text."
_FIX = "Write the texts of {column} as UTF-8."


@dataclass(frozen=True)
class _Source:
    descriptor: int
    parts: tuple[str, ...] | None


class ParquetReader:
    """One Parquet file or folder of parts; nothing of it is decoded when it is made.

    Raises UnreadableFile where it is no regular file or proper folder, is empty or too large;
    OSError where it can't be read.
    """

    def __init__(self, path: Path, *, name: str, limits: ReadLimits) -> None:
        self._path, self._name, self._limits = path, name, limits
        self.column_names: tuple[str, ...] | None = None
        self.rows_seen = 0
        with self._opened() as source:
            parts = None if source.parts is None else len(source.parts)
        self.found = FoundFormat("Parquet", parts=parts)

    def batches(self, columns: Collection[str] | None, log: ProblemLog) -> Iterator[RawBatch]:
        """Yield the rows; see `DataFile.raw_batches`."""
        self.rows_seen = 0
        declared = 0
        wanted = None if columns is None else list(columns)
        with self._opened() as source, self._child(source, wanted) as child:
            for letter, payload in self._frames(child):
                if letter == b"I":
                    contents = json.loads(payload)
                    self.column_names = tuple(contents["column_names"])
                    declared = contents["rows"]
                    continue
                table, count = pa.table({}), int(payload) if letter == b"N" else 0
                if letter == b"B":
                    with pa.ipc.open_stream(payload) as stream:
                        table = stream.read_all()
                    count = table.num_rows
                rows = np.arange(self.rows_seen + 1, self.rows_seen + count + 1)
                self.rows_seen += count
                yield from sliced(self._with_whole_text(table, rows, log))
        if self.rows_seen != declared:
            self._refuse_damaged()

    @contextmanager
    def _opened(self) -> Iterator[_Source]:
        if self._path.is_dir():
            with opened_folder(self._path, self._name) as folder:
                parts = list_parts(folder, self._name, max_parts=self._limits.max_parts)
                check_file_size(sum(part.size for part in parts), self._name, self._limits)
                yield _Source(folder, tuple(part.name for part in parts))
            return
        with open_regular_file(self._path, self._name) as stream:
            check_file_size(os.fstat(stream.fileno()).st_size, self._name, self._limits)
            yield _Source(stream.fileno(), None)

    @contextmanager
    def _child(self, source: _Source, columns: list[str] | None) -> Iterator[subprocess.Popen]:
        task = {
            "path": [str(_ROOT), *(os.path.abspath(entry) for entry in sys.path)],
            "descriptor": source.descriptor,
            "parts": source.parts,
            "columns": columns,
            "name": self._name,
            "limits": asdict(self._limits),
        }
        child = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _CHILD],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # What a crashing decoder prints may quote the file.
            stderr=subprocess.DEVNULL,
            bufsize=0,
            cwd="/",
            env={**_ENVIRONMENT, **_LIBRARIES},
            pass_fds=(source.descriptor,),
        )
        assert child.stdin is not None and child.stdout is not None
        try:
            # A child that ended already has answered why.
            with suppress(BrokenPipeError):
                _write_all(child.stdin.fileno(), json.dumps(task).encode() + b"\n")
            yield child
        finally:
            child.kill()
            child.stdin.close()
            child.stdout.close()
            child.wait()

    def _frames(self, child: subprocess.Popen) -> Iterator[tuple[bytes, bytes]]:
        """Yield the frames up to the last one; raise what the last one says."""
        assert child.stdout is not None
        stdout = child.stdout.fileno()
        while True:
            head = self._taken(stdout, FRAME.size)
            payload = None
            if head is not None:
                letter, length = FRAME.unpack(head)
                payload = self._taken(stdout, length) if length <= _LONGEST_ANSWER else None
            if payload is None:
                self._refuse_dead(child)
            if letter == b"E":
                return
            if letter == b"R":
                raise UnreadableFile(_problem_of(json.loads(payload)))
            if letter == b"F":
                raise OSError(int(payload), os.strerror(int(payload)))
            yield letter, payload

    def _taken(self, descriptor: int, length: int) -> bytes | None:
        """Return so many bytes of the child's answer, None where it ends before."""
        taken = bytearray()
        waiting = select.poll()
        waiting.register(descriptor, select.POLLIN | select.POLLHUP)
        while len(taken) < length:
            if not waiting.poll(_LONGEST_SILENCE_SECONDS * 1000):
                raise UnreadableFile(too_much(self._name))
            piece = os.read(descriptor, min(length - len(taken), 2**20))
            if not piece:
                return None
            taken += piece
        return bytes(taken)

    def _refuse_dead(self, child: subprocess.Popen) -> NoReturn:
        """Refuse for a child that ended without an answer: crashed, or beyond its bounds."""
        code = child.wait()
        if code == 1:
            # An error of Python's: not the file's fault but ours, or the installation's.
            raise RuntimeError("the process that decodes Parquet failed to do its work")
        if -code in _OUT_OF_BOUNDS:
            raise UnreadableFile(too_much(self._name))
        self._refuse_damaged()

    def _refuse_damaged(self) -> NoReturn:
        refuse(
            "bad-parquet",
            f"{self._name}: the file is no complete Parquet file.",
            "Write it again and send all of it (it must begin and end with PAR1), text as UTF-8.",
        )

    def _with_whole_text(
        self, table: pa.Table, rows: npt.NDArray[np.int64], log: ProblemLog
    ) -> RawBatch:
        """Return rows in which text that is no UTF-8 is null; Parquet promises it, unchecked."""
        with suppress(pa.ArrowInvalid):
            table.validate(full=True)
            return RawBatch(table, rows)
        unreadable = {}
        for position, field in enumerate(table.schema):
            if not is_text(field.type):
                continue
            cells = table.column(position).cast(pa.binary()).to_pylist()
            broken = np.array([cell is not None and not _is_utf8(cell) for cell in cells])
            if broken.any():
                unreadable[field.name] = broken
                kept = [None if bad else cell for cell, bad in zip(cells, broken, strict=True)]
                array = pa.array(kept, pa.binary()).cast(field.type)
                table = table.set_column(position, field, array)
                log.add("not-utf8", rows[broken], column=field.name, what=_WHAT, fix=_FIX)
        try:
            table.validate(full=True)
        except pa.ArrowInvalid:
            self._refuse_damaged()
        return RawBatch(table, rows, unreadable)


def _is_utf8(cell: bytes) -> bool:
    try:
        cell.decode()
    except UnicodeDecodeError:
        return False
    return True


def _problem_of(fields: dict[str, Any]) -> Problem:
    return Problem(**{**fields, "rows": tuple(fields["rows"])})


def _write_all(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]
