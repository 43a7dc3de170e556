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

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from hokusai_assets.append_only import append_line, end_last_line, held, read_lines
from hokusai_assets.canonical.canonical_json import canonical_bytes
from hokusai_assets.evaluation.ledger_entries import (
    Budget,
    Entry,
    Promoted,
    Settled,
)
from hokusai_assets.evaluation.ledger_state import (
    EMPTY_DIGEST,
    LedgerError,
    Line,
    Looks,
    Standing,
    accepted_on,
    budgets_of,
    check_budget,
    check_open,
    parsed_line,
    promotion_of,
    settled_on,
    some_keys,
    spent_in_words,
    standing_of,
)
from hokusai_assets.tables.problems import Problem


class Ledger:
    """The ledger of one benchmark, in a file."""

    def __init__(self, path: Path) -> None:
        """Name the file; it need not be there yet."""
        self._path = path

    def lines(self) -> list[Line]:
        """Read all entries and check that each follows from the one before.

        Raises:
            LedgerError: a line was changed, taken out or is of no known form.
        """
        try:
            given = read_lines(self._path)
        except OSError as error:
            raise LedgerError(f"{self._path} can't be read: {error.strerror}") from None
        found: list[Line] = []
        for number, line in enumerate(given.whole, 1):
            parsed = parsed_line(line, found[-1].digest if found else EMPTY_DIGEST)
            if parsed is None:
                raise LedgerError(
                    f"{self._path}, line {number}: it, or the line before it, is not as it was "
                    "written; bring the file back from a copy - no contribution is settled until "
                    "then"
                )
            found.append(parsed)
        # All of the last line may be there but its end: then it is an entry like the others.
        last = parsed_line(given.half, found[-1].digest if found else EMPTY_DIGEST)
        return found if last is None else [*found, last]

    def summary(self, *, promoted_from: str | None = None) -> dict[str, int]:
        """Return ``submissions``, ``spent`` and ``accepted`` of the test set settled on last.

        Empty where none was registered. What was accepted counts on the version settled on last,
        unless that is ``promoted_from``, the one that the version in force replaced.

        Raises:
            LedgerError: the ledger is damaged.
        """
        lines = self.lines()
        budgets = [line.entry for line in lines if isinstance(line.entry, Budget)]
        if not budgets:
            return {}
        settled = settled_on(lines, budgets[-1])
        version = settled[-1].version if settled else ""
        closed = version == promoted_from or promotion_of(lines, version) is not None
        return {
            "submissions": budgets[-1].submissions,
            "spent": len(settled),
            "accepted": 0 if closed else len(accepted_on(lines, version)),
        }

    def settled(self) -> list[Settled]:
        """Return every settlement, on whatever test set and version, in order."""
        return [line.entry for line in self.lines() if isinstance(line.entry, Settled)]

    def accepted(self, version: str) -> list[Settled]:
        """Return what was accepted on a version of the benchmark, in order.

        Raises:
            LedgerError: the ledger is damaged.
        """
        return accepted_on(self.lines(), version)

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
                stream, last, tuple(accepted_on(lines, version)), promotion_of(lines, version)
            )

    def looks(self, budget: Budget) -> Looks | None:
        """Return how many looks at a test set are left; None where nothing was ever settled.

        Raises:
            LedgerError: the ledger is damaged, or another budget was registered.
        """
        lines = self.lines()
        check_budget(lines, budget)
        if not lines:
            return None
        return Looks(budget.submissions, len(settled_on(lines, budget)))

    def refusal(self, budget: Budget, *, version: str, key: str) -> Problem | None:
        """Say why a contribution can't be settled, None if it can or was before.

        Raises:
            LedgerError: the ledger is damaged, another budget was registered, or the version was
                replaced by a promotion.
        """
        lines = self.lines()
        check_budget(lines, budget)
        settled = settled_on(lines, budget)
        if any((entry.version, entry.key) == (version, key) for entry in settled):
            return None
        check_open(lines, version)
        if len(settled) < budget.submissions:
            return None
        told = spent_in_words(budget.submissions)
        return Problem(
            "budget-spent",
            f"{told[0].upper()}{told[1:]}.",
            "Ask the operator for a new version of the benchmark, and send the file again then.",
        )

    @contextmanager
    def turn(self, budget: Budget, *, version: str, key: str, rows_root: str) -> Iterator["Turn"]:
        """Hold the ledger while one contribution is measured and settled.

        Waits for whoever holds it. Leaving without `Turn.settle` changes nothing.

        Raises:
            BudgetSpent: no look is left for it.
            LedgerError: the ledger is damaged, another budget was registered, or the version was
                replaced by a promotion.
        """
        with self._writing() as (stream, lines):
            check_budget(lines, budget)
            if budget not in budgets_of(lines, budget):
                # Before the first look, so that a look can't be what decides on K.
                last = lines[-1].digest if lines else EMPTY_DIGEST
                lines.append(_append(stream, "registered", budget, last))
            yield Turn(stream, standing_of(lines, budget, version, key, rows_root))

    @contextmanager
    def _writing(self) -> Iterator[tuple[Any, list[Line]]]:
        with held(self._path) as stream:
            lines = self.lines()
            last = lines[-1].digest if lines else ""
            end_last_line(stream, keep=lambda half: hashlib.sha256(half).hexdigest() == last)
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
        """Put the promotion on disk, unless it is there."""
        self.refuse_another(entry)
        if self.recorded is None:
            self._last = _append(self._stream, "promoted", entry, self._last).digest
            self.recorded = entry

    def refuse_another(self, entry: Promoted) -> None:
        """Raise LedgerError where another promotion of this version was recorded before."""
        if self.recorded is not None and self.recorded != entry:
            raise LedgerError(
                "another promotion of this version was entered in the ledger before, of "
                f"{some_keys(self.recorded.keys)}; promote the same ones to finish it"
            )


def _in_words(entry: Settled) -> str:
    return f"accepted with {entry.payable_bps} bps" if entry.accepted else "not accepted"


def _append(stream: Any, kind: str, entry: Entry, previous: str) -> Line:
    line = canonical_bytes({"kind": kind, "previous": previous, **asdict(entry)})
    append_line(stream, line)
    return Line(hashlib.sha256(line).hexdigest(), previous, entry)
