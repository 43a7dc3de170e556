"""What the lines of a settlement ledger add up to: budgets, what is accepted, whose turn it is."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

from hokusai_assets.canonical.canonical_json import canonical_bytes
from hokusai_assets.evaluation.ledger_entries import (
    Budget,
    Entry,
    Promoted,
    Settled,
    entry_of_document,
)

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
        paid_elsewhere_bps: what was paid for it before on other versions of the benchmark.
    """

    position: int
    submissions: int
    accepted: tuple[Settled, ...]
    ledger_digest: str
    recorded: Settled | None
    paid_elsewhere_bps: int = 0

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
class _Own:
    version: str
    key: str
    rows_root: str


@dataclass(frozen=True)
class Line:
    """A line as read: its SHA-256 (hex), that of the line before, and what it says."""

    digest: str
    previous: str
    entry: Entry


def parsed_line(line: bytes, previous: str) -> Line | None:
    """Return a line as read; None if it is in no exact form or follows from another line."""
    try:
        document = json.loads(line)
        if canonical_bytes(document) != line or document.pop("previous") != previous:
            return None
        entry = entry_of_document(document)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None
    return Line(hashlib.sha256(line).hexdigest(), previous, entry)


def budgets_of(lines: Sequence[Line], budget: Budget) -> list[Budget]:
    """Return what was registered for a test set: for its root, its file, and what shares these."""
    registered = [line.entry for line in lines if isinstance(line.entry, Budget)]
    roots, files = {budget.test_root}, {budget.test_file} - {""}
    found: list[Budget] = []
    while more := [
        one
        for one in registered
        if one not in found and (one.test_root in roots or one.test_file in files)
    ]:
        found += more
        roots |= {one.test_root for one in more}
        files |= {one.test_file for one in more} - {""}
    return found


def settled_on(lines: Sequence[Line], budget: Budget) -> list[Settled]:
    """Return every look at a test set, in order."""
    roots = {budget.test_root, *(one.test_root for one in budgets_of(lines, budget))}
    entries = (line.entry for line in lines)
    return [e for e in entries if isinstance(e, Settled) and e.test_root in roots]


def accepted_on(lines: Sequence[Line], version: str) -> list[Settled]:
    """Return what was accepted on a version of the benchmark, in order."""
    entries = (line.entry for line in lines)
    return [e for e in entries if isinstance(e, Settled) and e.accepted and e.version == version]


def promotion_of(lines: Sequence[Line], version: str) -> Promoted | None:
    """Return the promotion that closed a version, None while it is open."""
    entries = (line.entry for line in lines)
    found = (e for e in entries if isinstance(e, Promoted) and e.version == version)
    return next(found, None)


def some_keys(keys: Sequence[str]) -> str:
    """Name the first few of some contributions."""
    more = f" and {len(keys) - 5:,} more" if len(keys) > 5 else ""
    return ", ".join(keys[:5]) + more


def check_open(lines: Sequence[Line], version: str) -> None:
    """Raise LedgerError where a promotion closed the version."""
    if (promotion := promotion_of(lines, version)) is not None:
        raise LedgerError(
            "this version of the benchmark was closed by the promotion of "
            f"{some_keys(promotion.keys)}: evaluate again on the version in force; if the "
            "operator's `hokusai promote` was interrupted, it must be run again first"
        )


def check_budget(lines: Sequence[Line], budget: Budget) -> None:
    """Raise LedgerError where the test set was registered with another budget or part."""
    for registered in budgets_of(lines, budget):
        same_rows = registered.test_root == budget.test_root
        other_part = same_rows and registered.deciding_root != budget.deciding_root
        if other_part or (registered.submissions, registered.confidence_ppm) != (
            budget.submissions,
            budget.confidence_ppm,
        ):
            part = ", another part of it" if other_part else ""
            raise LedgerError(
                f"this test set was registered to decide about {registered.submissions:,} "
                f"submissions at a confidence of {registered.confidence_ppm / 10_000:g}%; the spec "
                f"now says {budget.submissions:,} at {budget.confidence_ppm / 10_000:g}%{part}: "
                "put delta_one, test_split and seed back, or give the benchmark a new test set"
            )


def standing_of(
    lines: Sequence[Line], budget: Budget, version: str, key: str, rows_root: str
) -> Standing:
    """Return where a contribution stands; raises BudgetSpent, LedgerError."""
    before: list[Line] = []
    for line in lines:
        entry = line.entry
        if isinstance(entry, Settled) and (entry.version, entry.rows_root) == (version, rows_root):
            return _at(before, budget, entry, line.previous, recorded=entry)
        before.append(line)
    check_open(lines, version)
    own = _Own(version, key, rows_root)
    standing = _at(before, budget, own, before[-1].digest if before else EMPTY_DIGEST)
    if standing.position > budget.submissions:
        raise BudgetSpent(spent_in_words(budget.submissions))
    return standing


def _at(
    before: Sequence[Line],
    budget: Budget,
    own: "_Own | Settled",
    digest: str,
    recorded: Settled | None = None,
) -> Standing:
    entries = (line.entry for line in before)
    elsewhere = sum(
        entry.payable_bps
        for entry in entries
        if isinstance(entry, Settled)
        and entry.version != own.version
        and (entry.key == own.key or entry.rows_root == own.rows_root)
    )
    return Standing(
        position=len(settled_on(before, budget)) + 1,
        submissions=budget.submissions,
        accepted=tuple(accepted_on(before, own.version)),
        ledger_digest=digest,
        recorded=recorded,
        paid_elsewhere_bps=elsewhere,
    )


def spent_in_words(submissions: int) -> str:
    """Say that a budget is spent and what to do."""
    spent = "the only look" if submissions == 1 else f"all {submissions:,} looks"
    return (
        f"{spent} at the benchmark's test set {'is' if submissions == 1 else 'are'} spent: it "
        "can't tell gains from luck any more. The benchmark needs a new version with new test rows"
    )
