"""Which contribution first brought a row: an append-only index of match keys on disk.

A folder (0700) holds, all 0600:

- ``state.json``: canonical JSON naming the segments in force and how many bytes and lines of the
  journal count, with a SHA-256 over it. Replacing this file is the only commit; what it does not
  name does not exist and is removed by the next writer.
- ``journal``: one contribution key a line; the line's number, from 0, is its sequence.
- ``<n>.segment``: keys of one or several contributions, ascending, each once: see `key_segments`.
- ``lock``: held (flock, exclusive) while something is recorded, shared while it is looked up.

Segments merge so that each is at least twice as long as the next (a logarithmic method, Bentley
& Saxe 1980): a lookup searches O(log n) of them, and a key is written O(log n) times.
"""

import fcntl
import hashlib
import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from hokusai_assets.canonical.canonical_json import canonical_bytes
from hokusai_assets.contributions.key_segments import (
    RowIndexError,
    Segment,
    merge_segments,
    synced_folder,
    write_segment,
)
from hokusai_assets.contributions.sorted_keys import SortedKeys, find_sorted, key_words

FORMAT = 1
_NEVER = np.int32(2**31 - 1)
_CONTRIBUTION = re.compile(r"[\x21-\x7e]{1,200}")


@dataclass(frozen=True)
class _State:
    """What is in force: segments (file number, rows), longest first, and the journal's extent."""

    segments: tuple[tuple[int, int], ...] = ()
    journal_bytes: int = 0
    contributions: int = 0
    next_file: int = 0

    def to_bytes(self) -> bytes:
        body = {
            "format": FORMAT,
            "segments": [list(segment) for segment in self.segments],
            "journal_bytes": self.journal_bytes,
            "contributions": self.contributions,
            "next_file": self.next_file,
        }
        digest = hashlib.sha256(canonical_bytes(body)).hexdigest()
        return canonical_bytes({"body": body, "sha256": digest}) + b"\n"

    @classmethod
    def from_bytes(cls, data: bytes) -> "_State":
        """Raise ValueError, KeyError or TypeError where the bytes are no state."""
        outer = json.loads(data)
        body = outer["body"]
        if hashlib.sha256(canonical_bytes(body)).hexdigest() != outer["sha256"]:
            raise ValueError("the digest differs")
        if body["format"] != FORMAT:
            raise ValueError(f"format {FORMAT} is needed")
        segments = tuple((int(number), int(rows)) for number, rows in body["segments"])
        return cls(
            segments, int(body["journal_bytes"]), int(body["contributions"]), int(body["next_file"])
        )


@dataclass(frozen=True)
class Claimed:
    """What was recorded before a contribution, and which of its keys that holds.

    Attributes:
        holders: int32 (n,), the place in ``earlier`` of the first contribution with each key,
            -1 if there is none.
        earlier: the contributions recorded before, in their order.
    """

    holders: np.ndarray
    earlier: tuple[str, ...]

    def by_contribution(self, chosen: np.ndarray) -> dict[str, int]:
        """Return how many of the chosen keys, a mask (n,), each earlier contribution holds."""
        held = self.holders[chosen & (self.holders >= 0)]
        counts = np.bincount(held, minlength=len(self.earlier))
        return {self.earlier[place]: int(counts[place]) for place in np.flatnonzero(counts)}


class RowIndex:
    """The rows of the recorded contributions to one benchmark, by their 128-bit keys.

    Safe for several processes and threads on one machine; not on a network file system whose
    flock is not shared. What is recorded is never taken back.
    """

    def __init__(self, folder: Path) -> None:
        """Open the index in a folder, made at the first `claim`."""
        self._folder = folder

    def claim(
        self,
        contribution: str,
        keys: np.ndarray | SortedKeys,
        *,
        unless: Callable[[np.ndarray], bool] = lambda holders: False,
    ) -> "Claimed":
        """Record the rows a contribution brings first; tell which ones others brought before.

        A contribution keeps the place (sequence) it got when it was first recorded. Only keys
        that are held at an earlier place are another's: so a second run with the same keys gives
        the first answer and records nothing, even when later contributions came between. A
        second run with other keys claims the new ones at the old place, ahead of any later
        contribution that holds them; its former keys stay its own.

        Args:
            contribution: its key, 1 to 200 printable ASCII characters without blanks.
            keys: uint8 (n, 16), repetitions allowed; or n sorted ones, which take less memory.
            unless: given the holders, says that nothing is to be recorded; called while no
                other process can record, so what it decides on stays true.

        Raises:
            RowIndexError: the folder's files are damaged, foreign or of another version.
            ValueError: the contribution's key or the array has another form.
        """
        if not _CONTRIBUTION.fullmatch(contribution):
            raise ValueError("a contribution key is 1 to 200 printable characters without blanks")
        ordered, order = _ascending(keys)
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.chmod(self._folder, 0o700)
        with self._locked(fcntl.LOCK_EX):
            state = self._read_state(begin=True)
            self._remove_unnamed(state)
            names = self._read_journal(state)
            known = contribution in names
            sequence = names.index(contribution) if known else len(names)
            holder = self._holders(state, ordered)
            new = holder > sequence
            # From here on the holders are only the earlier ones.
            claimed = Claimed(_in_given_order(holder, order, sequence), tuple(names[:sequence]))
            if unless(claimed.holders):
                return claimed
            if not known:
                state = self._append_to_journal(state, contribution)
            if new.any():
                state = self._add_segment(state, _chosen(ordered, new), sequence)
            if new.any() or not known:
                self._commit(state)
        return claimed

    def look_up(self, keys: np.ndarray | SortedKeys, *, before: str | None = None) -> "Claimed":
        """Tell which contribution holds each key, without recording anything.

        Args:
            keys: as `claim`.
            before: count only contributions ahead of this one, if it is recorded.

        Raises:
            RowIndexError: as `claim`.
        """
        if not self._folder.exists():
            return Claimed(np.full(len(keys), -1, dtype=np.int32), ())
        ordered, order = _ascending(keys)
        with self._locked(fcntl.LOCK_SH):
            state = self._read_state()
            names = self._read_journal(state)
            limit = names.index(before) if before in names else len(names)
            holder = self._holders(state, ordered)
        return Claimed(_in_given_order(holder, order, limit), tuple(names[:limit]))

    def recorded(self) -> list[str]:
        """Return the contributions that are recorded, in order; none where there is no index.

        Raises:
            RowIndexError: the folder's files are damaged, foreign or of another version.
        """
        if not self._folder.is_dir():
            return []
        with self._locked(fcntl.LOCK_SH):
            return self._read_journal(self._read_state())

    def verify(self) -> int:
        """Read every file whole and compare digests; return the number of keys.

        Raises:
            RowIndexError: a file is damaged.
        """
        with self._locked(fcntl.LOCK_SH):
            state = self._read_state()
            self._read_journal(state)
            for segment in self._segments(state):
                segment.verify()
        return sum(rows for _, rows in state.segments)

    @contextmanager
    def _locked(self, kind: int) -> Iterator[None]:
        descriptor = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, kind)
            yield
        finally:
            os.close(descriptor)

    def _path(self, number: int) -> Path:
        return self._folder / f"{number}.segment"

    def _segments(self, state: _State) -> Iterator[Segment]:
        for number, count in state.segments:
            yield Segment.open(self._path(number), count)

    def _holders(self, state: _State, keys: SortedKeys) -> np.ndarray:
        """Return the lowest sequence that holds each key, `_NEVER` where none does."""
        holder = np.full(len(keys), _NEVER, dtype=np.int32)
        for segment in self._segments(state):
            found = find_sorted(segment.high, segment.low, keys.high, keys.low)
            hit = found >= 0
            holder[hit] = np.minimum(holder[hit], segment.sequence[found[hit]])
        return holder

    def _add_segment(self, state: _State, keys: SortedKeys, sequence: int) -> _State:
        number = state.next_file
        owner = np.full(len(keys), sequence, dtype=np.int32)
        write_segment(self._path(number), keys.high, keys.low, owner)
        segments = [*state.segments, (number, len(keys))]
        # All that must merge do so at once: its keys are written a single time.
        start = len(segments) - 1
        while start and segments[start - 1][1] < 2 * sum(rows for _, rows in segments[start:]):
            start -= 1
        if start < len(segments) - 1:
            number += 1
            parts = [Segment.open(self._path(n), rows) for n, rows in segments[start:]]
            segments[start:] = [(number, merge_segments(self._path(number), parts))]
        return replace(state, segments=tuple(segments), next_file=number + 1)

    def _read_state(self, *, begin: bool = False) -> _State:
        path = self._folder / "state.json"
        try:
            return _State.from_bytes(path.read_bytes())
        except FileNotFoundError:
            # The empty state is written before anything else is, so a loss of it shows.
            if left := sorted(set(os.listdir(self._folder)) - {"lock", "state.draft"}):
                raise RowIndexError(
                    f"{path} is missing beside {', '.join(left[:5])}; restore the folder from a "
                    "backup, or choose an empty one"
                ) from None
            if begin:
                self._commit(_State())
            return _State()
        except (ValueError, KeyError, TypeError):
            raise RowIndexError(
                f"{path}: damaged, or of another version; restore the folder from a backup"
            ) from None

    def _read_journal(self, state: _State) -> list[str]:
        path = self._folder / "journal"
        if not state.contributions:
            return []
        try:
            with path.open("rb") as stream:
                data = stream.read(state.journal_bytes)
        except FileNotFoundError:
            data = b""
        lines = data.decode("ascii", "replace").split("\n")[:-1]
        sound = len(data) == state.journal_bytes and len(lines) == state.contributions
        if not sound or not all(_CONTRIBUTION.fullmatch(line) for line in lines):
            raise RowIndexError(
                f"{path}: damaged: {state.contributions} contributions are recorded, in "
                f"{state.journal_bytes} bytes; restore the folder from a backup"
            )
        return lines

    def _append_to_journal(self, state: _State, contribution: str) -> _State:
        line = contribution.encode("ascii") + b"\n"
        flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC
        descriptor = os.open(self._folder / "journal", flags, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            # What a crash left behind the committed end goes first.
            stream.truncate(state.journal_bytes)
            stream.seek(state.journal_bytes)
            stream.write(line)
            stream.flush()
            os.fsync(stream.fileno())
        return replace(
            state,
            journal_bytes=state.journal_bytes + len(line),
            contributions=state.contributions + 1,
        )

    def _commit(self, state: _State) -> None:
        draft = self._folder / "state.draft"
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(state.to_bytes())
            stream.flush()
            os.fsync(stream.fileno())
        # The segments' and the journal's names must last before what names them does.
        synced_folder(self._folder)
        os.replace(draft, self._folder / "state.json")
        synced_folder(self._folder)
        self._remove_unnamed(state)

    def _remove_unnamed(self, state: _State) -> None:
        named = {f"{number}.segment" for number, _ in state.segments}
        for path in [*self._folder.glob("*.segment"), *self._folder.glob("*.draft")]:
            if path.name not in named:
                path.unlink()


def _ascending(keys: np.ndarray | SortedKeys) -> tuple[SortedKeys, np.ndarray | None]:
    """Return the distinct keys, and where each given one stands among them; None for as given."""
    if isinstance(keys, SortedKeys):
        return keys, None
    high, low = key_words(keys)
    # Ascending keys walk through a segment's pages once.
    order = np.lexsort((low, high))
    high, low = high[order], low[order]
    first = np.ones(len(order), dtype=bool)
    first[1:] = (high[1:] != high[:-1]) | (low[1:] != low[:-1])
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.cumsum(first) - 1
    return SortedKeys(high[first], low[first]), place


def _chosen(keys: SortedKeys, mask: np.ndarray) -> SortedKeys:
    return keys if mask.all() else SortedKeys(keys.high[mask], keys.low[mask])


def _in_given_order(holder: np.ndarray, place: np.ndarray | None, limit: int) -> np.ndarray:
    """Undo the sorting; only holders below the limit are someone else's."""
    holder[holder >= limit] = -1
    return holder if place is None else holder[place]
