"""A process that settles contributions, for tests that start some at once or kill one.

``python -m ... LEDGER settle NAME COUNT LOG`` settles COUNT contributions and notes in LOG when it
has the ledger; ``python -m ... LEDGER hold`` takes it, says so and waits to be killed.
"""

import os
import sys
from pathlib import Path

from hokusai_assets.evaluation.ledger import Ledger
from hokusai_assets.evaluation.ledger_entries import Budget, Settled

BUDGET = Budget(
    test_root="aa" * 32, deciding_root="bb" * 32, confidence_ppm=950_000, submissions=40
)
VERSION = "cc" * 32


def entry_of(rows_root: str, position: int, *, payable: int = 0, key: str | None = None) -> Settled:
    """Return a settlement; with something payable it is accepted."""
    return Settled(
        test_root=BUDGET.test_root,
        version=VERSION,
        key=key or f"key-of-{rows_root}",
        rows_root=rows_root,
        position=position,
        accepted=payable > 0,
        bps=2 * payable,
        payable_bps=payable,
    )


def settle_many(ledger: Ledger, name: str, count: int, log: Path) -> None:
    with log.open("ab", buffering=0) as stream:
        for number in range(count):
            with ledger.turn(
                BUDGET, version=VERSION, key=f"{name}-{number}", rows_root=f"{name}-{number}"
            ) as turn:
                stream.write(f"in {name}\n".encode())
                turn.settle(entry_of(f"{name}-{number}", turn.standing.position))
                # As long as training takes, whoever else runs could get in now.
                os.sched_yield()
                stream.write(f"out {name}\n".encode())


def hold(ledger: Ledger) -> None:
    with ledger.turn(BUDGET, version=VERSION, key="held", rows_root="held"):
        print("held", flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    path, what, *rest = sys.argv[1:]
    if what == "settle":
        settle_many(Ledger(Path(path)), rest[0], int(rest[1]), Path(rest[2]))
    else:
        hold(Ledger(Path(path)))
