"""What intake found in a contribution: counts, reasons and warnings, and no value of any row."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hokusai_assets.tables.problems import Problem

REMOVAL_REASONS = (
    "in_test_set",
    "near_test_set",
    "in_base_set",
    "in_earlier_contribution",
    "repeated_in_file",
)
# Earlier contributions that a report names; of more, those with most rows.
SHOWN_EARLIER = 50


@dataclass(frozen=True)
class History:
    """What earlier contributions to the benchmark mean for this one.

    Attributes:
        checked: whether it was compared with them at all.
        recorded: how many there were.
        digest: SHA-256 (hex) over their keys and file digests in their order, a line each: names
            the state the removals follow from.
        held: how many of this one's distinct rows each of them holds, most first.
    """

    checked: bool
    recorded: int
    digest: str
    held: Mapping[str, int]

    @classmethod
    def of(cls, earlier: Sequence[str], held: Mapping[str, int]) -> "History":
        """Sum up: recorded lines ``<key>:<file digest>`` in order, and rows held by line."""
        joined = hashlib.sha256("".join(f"{line}\n" for line in earlier).encode())
        most_first = sorted(held.items(), key=lambda item: (-item[1], item[0]))
        shown = {line.partition(":")[0]: count for line, count in most_first}
        return cls(True, len(earlier), joined.hexdigest(), shown)

    @classmethod
    def unknown(cls) -> "History":
        """Say that nothing was compared."""
        return cls(False, 0, hashlib.sha256(b"").hexdigest(), {})

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        shown = dict(list(self.held.items())[:SHOWN_EARLIER])
        return {
            "checked": self.checked,
            "recorded": self.recorded,
            "digest": self.digest,
            "holding": len(self.held),
            "held": shown,
        }


@dataclass(frozen=True)
class IntakeReport:
    """What intake found; holds no value of any row.

    Attributes:
        contribution: the partition key.
        raw_digest: SHA-256 (hex) of the file as it came.
        rows_in: rows read, 0 where the file could not be read.
        rows_new: distinct rows that neither the benchmark nor an earlier contribution has.
        rows_kept: rows that go into training: those, or none of a rejected contribution.
        rows_hashed: rows read in which personal data was replaced.
        rows_unsound: rows with a cell that breaks a rule.
        removed: rows taken out, by reason (`REMOVAL_REASONS`).
        problems: the rules broken; a contribution with any is rejected.
        warnings: what the sender or the operator should look at; rejects nothing.
        ignored_columns: how many columns of the file the benchmark does not know.
        file: how the file was read: format, compression, encoding, delimiter and so on.
        privacy: the privacy report, counts and shares by column and entity.
        leakage: what is shared with the test set, by measure, with the limits.
        labels: rows by label, and each question asked of the labels, with the limits.
        drift: each column's distance from the base set, with the limits.
        history: what earlier contributions hold.
        manifest: who contributed.
    """

    contribution: str
    raw_digest: str
    rows_in: int = 0
    rows_new: int = 0
    rows_kept: int = 0
    rows_hashed: int = 0
    rows_unsound: int = 0
    removed: Mapping[str, int] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()
    ignored_columns: int = 0
    file: Mapping[str, Any] = field(default_factory=dict)
    privacy: Mapping[str, Any] = field(default_factory=dict)
    leakage: Mapping[str, Any] = field(default_factory=dict)
    labels: Mapping[str, Any] = field(default_factory=dict)
    drift: Sequence[Mapping[str, Any]] = ()
    history: Mapping[str, Any] = field(default_factory=lambda: History.unknown().to_dict())
    manifest: Mapping[str, Any] = field(default_factory=dict)

    @property
    def accepted(self) -> bool:
        """Whether the rows go on to training."""
        return not self.problems

    @property
    def missing_columns(self) -> tuple[str, ...]:
        """The benchmark's columns that the file lacks."""
        return tuple(
            problem.column
            for problem in self.problems
            if problem.rule == "missing-column" and problem.column is not None
        )

    @property
    def test_overlap_ppm(self) -> int:
        """The share of the file's rows that equal test rows, in parts per million."""
        return self._exact("share_ppm")

    @property
    def natural_overlap_ppm(self) -> int:
        """The share of honest rows that equal test rows, in parts per million."""
        return self._exact("natural_ppm")

    def _exact(self, name: str) -> int:
        measures = self.leakage.get("measures", ())
        return int(measures[0][name]) if measures else 0

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form, with every field present."""
        return {
            "contribution": self.contribution,
            "accepted": self.accepted,
            "raw_digest": self.raw_digest,
            "rows": {
                "in": self.rows_in,
                "new": self.rows_new,
                "kept": self.rows_kept,
                "hashed": self.rows_hashed,
                "unsound": self.rows_unsound,
                "removed": {reason: self.removed.get(reason, 0) for reason in REMOVAL_REASONS},
            },
            "reasons": [problem.to_dict() for problem in self.problems],
            "warnings": [problem.to_dict() for problem in self.warnings],
            "ignored_columns": self.ignored_columns,
            "file": dict(self.file),
            "privacy": dict(self.privacy),
            "leakage": dict(self.leakage),
            "labels": dict(self.labels),
            "drift": [dict(column) for column in self.drift],
            "history": dict(self.history),
            "manifest": dict(self.manifest),
        }

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> "IntakeReport":
        """Read the JSON form."""
        counts = document["rows"]
        return cls(
            contribution=document["contribution"],
            raw_digest=document["raw_digest"],
            rows_in=counts["in"],
            rows_new=counts["new"],
            rows_kept=counts["kept"],
            rows_hashed=counts["hashed"],
            rows_unsound=counts["unsound"],
            removed=counts["removed"],
            problems=tuple(map(_problem, document["reasons"])),
            warnings=tuple(map(_problem, document["warnings"])),
            ignored_columns=document["ignored_columns"],
            file=document["file"],
            privacy=document["privacy"],
            leakage=document["leakage"],
            labels=document["labels"],
            drift=document["drift"],
            history=document["history"],
            manifest=document["manifest"],
        )


def _problem(document: Mapping[str, Any]) -> Problem:
    return Problem(**{**document, "rows": tuple(document["rows"])})
