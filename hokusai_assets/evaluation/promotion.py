"""Promotion: contributions that were accepted join the base set, as a new version of a benchmark.

By an explicit act only. The test set stays, and so does the budget of looks at it; the ledger
closes the old version, so that nothing more is settled on it. What was attested on the old version
stays as it is: its spec and files are kept.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hokusai_assets.append_only import held
from hokusai_assets.benchmarks.loading import SPEC_FILE, VERSIONS_FOLDER, Benchmark, parse_spec
from hokusai_assets.benchmarks.row_sets import StoredRows
from hokusai_assets.benchmarks.spec import BenchmarkSpec
from hokusai_assets.benchmarks.versions import (
    next_spec_text,
    put_in_force,
    with_promoted,
    write_next_version,
)
from hokusai_assets.evaluation.ledger import Ledger
from hokusai_assets.evaluation.ledger_entries import Promoted, Settled


class NothingToPromote(ValueError):
    """No accepted contribution is left to promote, or a named one is not among them."""


class PromotionMoved(RuntimeError):
    """Between plan and act the benchmark or what is accepted on it changed."""


@dataclass(frozen=True)
class Promotion:
    """What is promoted, and what comes of it.

    Attributes:
        benchmark_id: whose base set grows.
        version: of the benchmark, the new one.
        promoted_from, to_version: content digests (hex) before and after.
        base_rows: rows of the base set before.
        test_root: the test set's Merkle root (hex), before and after.
        promoted: the contributions whose rows join, in order of acceptance.
        rows: their numbers of rows.
        left_out: accepted ones that do not join.
        spec_text: the new spec.
    """

    benchmark_id: str
    version: int
    promoted_from: str
    to_version: str
    base_rows: int
    test_root: str
    promoted: tuple[Settled, ...]
    rows: tuple[int, ...]
    left_out: tuple[Settled, ...]
    spec_text: str

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form, as ``versions/<version>.json`` keeps it."""
        return {
            "benchmark": self.benchmark_id,
            "version": self.version,
            "promoted_from": self.promoted_from,
            "content_digest": self.to_version,
            "test_root": self.test_root,
            "base_rows_before": self.base_rows,
            "base_rows": self.base_rows + sum(self.rows),
            "contributions": [
                {
                    "key": entry.key,
                    "rows_root": entry.rows_root,
                    "rows": count,
                    "position": entry.position,
                    "bps": entry.bps,
                    "payable_bps": entry.payable_bps,
                }
                for entry, count in zip(self.promoted, self.rows, strict=True)
            ],
            "left_out": [entry.key for entry in self.left_out],
        }


RowsOf = Callable[[Settled], StoredRows]


def plan_promotion(
    benchmark: Benchmark,
    folder: Path,
    accepted: Sequence[Settled],
    rows_of: RowsOf,
    *,
    without: Sequence[str] = (),
) -> Promotion:
    """Say what promoting would make of a benchmark; nothing is written.

    Args:
        benchmark: as it is in force.
        folder: its files.
        accepted: what its ledger accepted on this version, in order.
        rows_of: gives the rows of one of them.
        without: keys that shall not join.

    Raises:
        NothingToPromote: none is left, or a key in `without` is not accepted.
        SpecError: a contribution's rows do not fit the base set.
    """
    known = {entry.key for entry in accepted}
    if unknown := sorted(set(without) - known):
        raise NothingToPromote(
            f"{', '.join(unknown)} was not accepted on this version of the benchmark; "
            f"accepted are: {', '.join(sorted(known)) or 'none'}"
        )
    promoted = tuple(entry for entry in accepted if entry.key not in without)
    if not promoted:
        raise NothingToPromote(
            f"no contribution to {benchmark.spec.id} was accepted on the version in force"
            if not accepted
            else "every accepted contribution is left out"
        )
    text = (folder / SPEC_FILE).read_text(encoding="utf-8")
    version = benchmark.spec.benchmark_version + 1
    new_text = next_spec_text(
        text,
        [entry.key for entry in promoted],
        version=version,
        promoted_from=benchmark.content_digest,
    )
    spec = _parsed(new_text, folder)
    stored = [rows_of(entry) for entry in promoted]
    return Promotion(
        benchmark_id=spec.id,
        version=version,
        promoted_from=benchmark.content_digest,
        to_version=with_promoted(benchmark, spec, stored),
        base_rows=benchmark.base.count,
        test_root=benchmark.test.root,
        promoted=promoted,
        rows=tuple(rows.count for rows in stored),
        left_out=tuple(entry for entry in accepted if entry.key in without),
        spec_text=new_text,
    )


def _parsed(text: str, folder: Path) -> BenchmarkSpec:
    return parse_spec(text, folder / SPEC_FILE, folder_name=folder.name)


def carry_out(promotion: Promotion, folder: Path, ledger: Ledger, rows_of: RowsOf) -> None:
    """Put a planned promotion in force.

    A crash leaves the old version in force, or the new one; carrying out the same plan again
    finishes what one interrupted.

    Args:
        promotion: as planned on what is in force.
        folder: the benchmark's.
        ledger: the benchmark's.
        rows_of: gives the rows of one of them.

    Raises:
        PromotionMoved: something was accepted since, or the spec was changed.
        LedgerError: the ledger is damaged, or another promotion was begun on this version.
    """
    # One at a time on these files too: homes that share them have ledgers of their own.
    with (
        held(folder / VERSIONS_FOLDER / ".lock"),
        ledger.promotion(promotion.promoted_from) as turn,
    ):
        expected = (*promotion.promoted, *promotion.left_out)
        text = (folder / SPEC_FILE).read_bytes()
        again = next_spec_text(
            text.decode(),
            [entry.key for entry in promotion.promoted],
            version=promotion.version,
            promoted_from=promotion.promoted_from,
        )
        if again != promotion.spec_text or set(turn.accepted) != set(expected):
            raise PromotionMoved(
                f"{promotion.benchmark_id} changed since this promotion was planned: a "
                "contribution was accepted, or benchmark.yaml was edited; plan it again"
            )
        entry = Promoted(
            test_root=promotion.test_root,
            version=promotion.promoted_from,
            to_version=promotion.to_version,
            keys=tuple(entry.key for entry in promotion.promoted),
        )
        turn.refuse_another(entry)
        write_next_version(
            folder,
            text,
            {entry.key: rows_of(entry) for entry in promotion.promoted},
            promotion.to_dict(),
            version=promotion.version,
        )
        turn.record(entry)
        put_in_force(folder, promotion.spec_text)
