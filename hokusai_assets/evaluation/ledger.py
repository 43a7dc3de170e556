"""The settlement ledger: which contributions were settled on a test set, in order, for good.

One file per benchmark, a line of canonical JSON (RFC 8785) per entry, each with the SHA-256 of
the line before it, so that none that another follows can be changed or taken out unseen. For the
last lines nothing in the file vouches: attestations do, each naming the line it was judged after.
Entries are only appended, under a lock (flock) held from before a contribution is measured until
its entry is on disk. A line that a crash left half-written is no entry: the next writer cuts it
off.

Kinds of entries: ``registered`` opens a test set's budget, ``settled`` spends one look at it,
``promoted`` closes a version of the benchmark: from then on only what it settled counts.
"""

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from hokusai_assets.canonical.canonical_json import canonical_bytes
from hokusai_assets.evaluation.ledger_entries import KINDS, Budget, Entry, Promoted, Settled
from hokusai_assets.tables.problems import Problem

EMPTY_DIGEST = hashlib.sha256(b"").hexdigest()
"""What stands for the line before the first."""


class LedgerError(RuntimeError):
    """The ledger is damaged, or the budget it registered is not the spec's; says the remedy."""


class BudgetSpent(RuntimeError):
    """Every look at this test set that was registered is spent."""


@dataclass(frozen=True)
class Standing:
    """Where a contribution stands when it is its turn.

    Attributes:
        position: which look at the test set it takes, from 1.
        submissions: looks there are.
        accepted: those accepted before it on this version of the benchmark, in order.
        ledger_digest: SHA-256 (hex) of the line before its own: the state it is judged in.
        recorded: its settlement, if it was settled before; then all above is as it was then.
    """

    position: int
    submissions: int
    accepted: tuple[Settled, ...]
    ledger_digest: str
    recorded: Settled | None

    @property
    def paid_bps(self) -> int:
        """What was paid on this version before."""
        return sum(entry.payable_bps for entry in self.accepted)


@dataclass(frozen=True)
class Looks:
    """How many looks at a test set were registered, and how many of them are spent."""

    submissions: int
    spent: int

    @property
    def left(self) -> int:
        """How many there are still."""
        return self.submissions - self.spent


@dataclass(frozen=True)
class _Line:
    digest: str
    previous: str
    entry: Entry


class Ledger:
    """The ledger of one benchmark, in a file."""

    def __init__(self, path: Path) -> None:
        """Name the file; it need not be there yet."""
        self._path = path

    def lines(self) -> list[_Line]:
        """Read all entries and check that each follows from the one before.

        Raises:
            LedgerError: a line was changed, taken out or is of no known form.
        """
        try:
            whole, _, _ = self._path.read_bytes().rpartition(b"\n")
        except FileNotFoundError:
            return []
        found: list[_Line] = []
        for number, line in enumerate(whole.split(b"\n") if whole else [], 1):
            previous = found[-1].digest if found else EMPTY_DIGEST
            try:
                document = json.loads(line)
                chained = document.pop("previous") == previous
                entry = KINDS[document.pop("kind")](**document)
            except (ValueError, LookupError, TypeError, AttributeError):
                chained = False
            if not chained:
                raise LedgerError(
                    f"{self._path}, line {number}: it does not follow from the line before; "
                    "bring the file back from a copy - no contribution is settled until then"
                )
            found.append(_Line(hashlib.sha256(line).hexdigest(), previous, entry))
        return found

    def summary(self) -> dict[str, int]:
        """Return ``submissions``, ``spent`` and ``accepted`` of the test set settled on last.

        Empty where none was registered.

        Raises:
            LedgerError: the ledger is damaged.
        """
        lines = self.lines()
        budgets = [line.entry for line in lines if isinstance(line.entry, Budget)]
        if not budgets:
            return {}
        settled = _settled(lines, budgets[-1].test_root)
        version = settled[-1].version if settled else ""
        closed = _promotion_of(lines, version) is not None
        return {
            "submissions": budgets[-1].submissions,
            "spent": len(settled),
            "accepted": 0 if closed else len(_accepted(lines, version)),
        }

    def settled(self) -> list[Settled]:
        """Return every settlement, on whatever test set and version, in order."""
        return [line.entry for line in self.lines() if isinstance(line.entry, Settled)]

    def accepted(self, version: str) -> list[Settled]:
        """Return what was accepted on a version of the benchmark, in order.

        Raises:
            LedgerError: the ledger is damaged.
        """
        return _accepted(self.lines(), version)

    @contextmanager
    def promotion(self, version: str) -> Iterator["PromotionTurn"]:
        """Hold the ledger while a version of the benchmark is replaced.

        Waits for whoever holds it. Leaving without `PromotionTurn.record` changes nothing.

        Raises:
            LedgerError: the ledger is damaged.
        """
        with self._writing() as (stream, lines):
            last = lines[-1].digest if lines else EMPTY_DIGEST
            yield PromotionTurn(
                stream, last, tuple(_accepted(lines, version)), _promotion_of(lines, version)
            )

    def looks(self, budget: Budget) -> Looks | None:
        """Return how many looks at a test set are left; None where nothing was ever settled.

        Raises:
            LedgerError: the ledger is damaged, or another budget was registered.
        """
        lines = self.lines()
        _check_budget(lines, budget)
        if not lines:
            return None
        return Looks(budget.submissions, len(_settled(lines, budget.test_root)))

    def refusal(self, budget: Budget, *, version: str, key: str) -> Problem | None:
        """Say why a contribution can't be settled, None if it can or was before.

        Raises:
            LedgerError: the ledger is damaged, another budget was registered, or the version was
                replaced by a promotion.
        """
        lines = self.lines()
        _check_budget(lines, budget)
        settled = _settled(lines, budget.test_root)
        if any((entry.version, entry.key) == (version, key) for entry in settled):
            return None
        _check_open(lines, version)
        if len(settled) < budget.submissions:
            return None
        told = spent_in_words(budget.submissions)
        return Problem(
            "budget-spent",
            f"{told[0].upper()}{told[1:]}.",
            "Ask the operator for a new version of the benchmark, and send the file again then.",
        )

    @contextmanager
    def turn(self, budget: Budget, *, version: str, rows_root: str) -> Iterator["Turn"]:
        """Hold the ledger while one contribution is measured and settled.

        Waits for whoever holds it. Leaving without `Turn.settle` changes nothing.

        Raises:
            BudgetSpent: no look is left for it.
            LedgerError: the ledger is damaged, another budget was registered, or the version was
                replaced by a promotion.
        """
        with self._writing() as (stream, lines):
            _check_budget(lines, budget)
            if _budget(lines, budget.test_root) is None:
                # Before the first look, so that a look can't be what decides on K.
                last = lines[-1].digest if lines else EMPTY_DIGEST
                lines.append(_append(stream, "registered", budget, last))
            yield Turn(stream, _standing(lines, budget, version, rows_root))

    @contextmanager
    def _writing(self) -> Iterator[tuple[Any, list[_Line]]]:
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with _held(self._path) as stream:
            lines = self.lines()
            _cut_half_line(stream)
            yield stream, lines


class Turn:
    """One contribution's turn, while the ledger is held."""

    def __init__(self, stream: Any, standing: Standing) -> None:
        """Take the open file, and where the contribution stands in it."""
        self._stream = stream
        self.standing = standing
        self._recorded = standing.recorded

    def settle(self, entry: Settled) -> None:
        """Put the settlement on disk; where it is recorded already, only compare.

        Raises:
            LedgerError: it was recorded otherwise before: the record stands.
        """
        recorded = self._recorded
        if recorded is not None:
            if (recorded.accepted, recorded.payable_bps) != (entry.accepted, entry.payable_bps):
                raise LedgerError(
                    f"{entry.key} was settled before, with another outcome: "
                    f"{_in_words(recorded)} then, {_in_words(entry)} now, by other code or "
                    "libraries. What is recorded stands; to judge anew, make a new version of "
                    "the benchmark"
                )
            return
        _append(self._stream, "settled", entry, self.standing.ledger_digest)
        # A second line after the same one before it would break the chain.
        self._recorded = entry


class PromotionTurn:
    """A promotion's turn, while the ledger is held.

    Attributes:
        accepted: what was accepted on the version that ends, in order.
        recorded: its promotion, if one was entered before (and perhaps not carried out).
    """

    def __init__(
        self, stream: Any, last: str, accepted: tuple[Settled, ...], recorded: Promoted | None
    ) -> None:
        """Take the open file, its last line's digest, and what it says of the version."""
        self._stream = stream
        self._last = last
        self.accepted = accepted
        self.recorded = recorded

    def record(self, entry: Promoted) -> None:
        """Put the promotion on disk; where it is recorded already, only compare.

        Raises:
            LedgerError: another promotion of this version was recorded before.
        """
        if self.recorded is None:
            self._last = _append(self._stream, "promoted", entry, self._last).digest
            self.recorded = entry
        elif self.recorded != entry:
            raise LedgerError(
                "another promotion of this version was entered in the ledger before, of "
                f"{_some(self.recorded.keys)}; promote the same ones to finish it"
            )


@contextmanager
def _held(path: Path) -> Iterator[Any]:
    """Open a file, made where there is none, and hold its lock."""
    while True:
        with open(path, "a+b") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)
            # Whoever brings the file back from a copy replaces it: then this lock is on the old
            # one, and what is appended there is lost.
            if _is_at(stream, path):
                _sync_folder(path)
                yield stream
                return


def _is_at(stream: Any, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(stream.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _sync_folder(path: Path) -> None:
    # Else a file that was made just now may be gone after a power cut, lines and all.
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _in_words(entry: Settled) -> str:
    return f"accepted with {entry.payable_bps} bps" if entry.accepted else "not accepted"


def _budget(lines: Sequence[_Line], test_root: str) -> Budget | None:
    for line in lines:
        if isinstance(line.entry, Budget) and line.entry.test_root == test_root:
            return line.entry
    return None


def _settled(lines: Sequence[_Line], test_root: str) -> list[Settled]:
    entries = (line.entry for line in lines)
    return [e for e in entries if isinstance(e, Settled) and e.test_root == test_root]


def _accepted(lines: Sequence[_Line], version: str) -> list[Settled]:
    entries = (line.entry for line in lines)
    return [e for e in entries if isinstance(e, Settled) and e.accepted and e.version == version]


def _promotion_of(lines: Sequence[_Line], version: str) -> Promoted | None:
    entries = (line.entry for line in lines)
    found = (e for e in entries if isinstance(e, Promoted) and e.version == version)
    return next(found, None)


def _some(keys: Sequence[str]) -> str:
    more = f" and {len(keys) - 5:,} more" if len(keys) > 5 else ""
    return ", ".join(keys[:5]) + more


def _check_open(lines: Sequence[_Line], version: str) -> None:
    if (promotion := _promotion_of(lines, version)) is not None:
        raise LedgerError(
            "this version of the benchmark was closed by the promotion of "
            f"{_some(promotion.keys)}: evaluate again on the version in force; if the promotion "
            "was interrupted, run `hokusai promote` again first"
        )


def _check_budget(lines: Sequence[_Line], budget: Budget) -> None:
    registered = _budget(lines, budget.test_root)
    if registered is None or registered == budget:
        return
    part = "" if registered.deciding_root == budget.deciding_root else ", another part of it"
    raise LedgerError(
        f"this test set was registered to decide about {registered.submissions:,} submissions at "
        f"a confidence of {registered.confidence_ppm / 10_000:g}%; the spec now says "
        f"{budget.submissions:,} at {budget.confidence_ppm / 10_000:g}%{part}: put delta_one, "
        "test_split and seed back, or give the benchmark a new test set"
    )


def _standing(lines: Sequence[_Line], budget: Budget, version: str, rows_root: str) -> Standing:
    before: list[_Line] = []
    for line in lines:
        entry = line.entry
        if isinstance(entry, Settled) and (entry.version, entry.rows_root) == (version, rows_root):
            return _at(before, budget, version, line.previous, entry)
        before.append(line)
    _check_open(lines, version)
    standing = _at(before, budget, version, before[-1].digest if before else EMPTY_DIGEST, None)
    if standing.position > budget.submissions:
        raise BudgetSpent(spent_in_words(budget.submissions))
    return standing


def _at(
    before: Sequence[_Line],
    budget: Budget,
    version: str,
    digest: str,
    recorded: Settled | None,
) -> Standing:
    return Standing(
        position=len(_settled(before, budget.test_root)) + 1,
        submissions=budget.submissions,
        accepted=tuple(_accepted(before, version)),
        ledger_digest=digest,
        recorded=recorded,
    )


def spent_in_words(submissions: int) -> str:
    """Say that a budget is spent and what to do."""
    spent = "the only look" if submissions == 1 else f"all {submissions:,} looks"
    return (
        f"{spent} at the benchmark's test set {'is' if submissions == 1 else 'are'} spent: it "
        "can't tell gains from luck any more. The benchmark needs a new version with new test rows"
    )


def _append(stream: Any, kind: str, entry: Entry, previous: str) -> _Line:
    line = canonical_bytes({"kind": kind, "previous": previous, **asdict(entry)})
    stream.seek(0, os.SEEK_END)
    stream.write(line + b"\n")
    stream.flush()
    os.fsync(stream.fileno())
    return _Line(hashlib.sha256(line).hexdigest(), previous, entry)


def _cut_half_line(stream: Any) -> None:
    stream.seek(0)
    whole = stream.read().rpartition(b"\n")
    stream.truncate(len(whole[0]) + len(whole[1]))
