"""Intake: a contributed file becomes accepted rows and a report, or a list of reasons why not."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from hokusai_assets.benchmarks.loading import (
    Benchmark,
    column_types,
    nullable_columns,
    privacy_policies,
)
from hokusai_assets.benchmarks.row_sets import RowSet
from hokusai_assets.benchmarks.spec import BenchmarkSpec
from hokusai_assets.contributions.identity import Contribution
from hokusai_assets.contributions.leakage_report import leakage_problems
from hokusai_assets.contributions.manifest import Manifest, parse_manifest
from hokusai_assets.contributions.overlap import Overlap, find_overlap
from hokusai_assets.privacy.keys import PrivacyKey
from hokusai_assets.privacy.pseudonymise import pseudonymise
from hokusai_assets.tables.coercion import coerce_table
from hokusai_assets.tables.columns import arrow_type
from hokusai_assets.tables.problems import SHOWN_ROWS, Problem, UnreadableFile, rows_in_words
from hokusai_assets.tables.reading import nameable, read_table

REMOVAL_REASONS = ("in_test_set", "in_base_set", "repeated_in_file")


@dataclass(frozen=True)
class IntakeReport:
    """What intake found; holds no value of any row.

    Attributes:
        contribution: the partition key.
        raw_digest: SHA-256 (hex) of the file as it came.
        rows_in: rows read, 0 where the file could not be read.
        rows_kept: rows that go into training.
        rows_hashed: rows read in which personal data was replaced.
        removed: rows taken out, by reason (`REMOVAL_REASONS`).
        problems: the rules broken; a contribution with any is rejected.
        ignored_columns: how many columns of the file the benchmark does not know.
        test_overlap_ppm: share of the file's rows that are test rows; ``natural_overlap_ppm``
            the same share of the base set; both in parts per million.
        privacy: the privacy report, counts by column and entity.
        manifest: who contributed.
    """

    contribution: str
    raw_digest: str
    rows_in: int
    rows_kept: int
    rows_hashed: int
    removed: Mapping[str, int]
    problems: tuple[Problem, ...]
    ignored_columns: int
    test_overlap_ppm: int
    natural_overlap_ppm: int
    privacy: Mapping[str, Any]
    manifest: Mapping[str, Any] = field(default_factory=dict)

    @property
    def accepted(self) -> bool:
        """Whether the rows go on to training."""
        return not self.problems

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "contribution": self.contribution,
            "accepted": self.accepted,
            "raw_digest": self.raw_digest,
            "rows": {
                "in": self.rows_in,
                "kept": self.rows_kept,
                "hashed": self.rows_hashed,
                "removed": {reason: self.removed.get(reason, 0) for reason in REMOVAL_REASONS},
            },
            "reasons": [problem.to_dict() for problem in self.problems],
            "ignored_columns": self.ignored_columns,
            "test_overlap_ppm": self.test_overlap_ppm,
            "natural_overlap_ppm": self.natural_overlap_ppm,
            "privacy": dict(self.privacy),
            "manifest": dict(self.manifest),
        }


@dataclass(frozen=True)
class ContributedData:
    """The accepted rows in canonical order (none when rejected) and the report."""

    rows: RowSet
    report: IntakeReport


def take_in(contribution: Contribution, benchmark: Benchmark, key: PrivacyKey) -> ContributedData:
    """Read, check, pseudonymise and compare a contribution; never raises for what it holds.

    Args:
        contribution: the registered contribution.
        benchmark: the benchmark it is contributed to.
        key: the key for pseudonyms; the result but for the tokens does not depend on it.

    Raises:
        OSError: the stored file can't be read (a platform fault).
    """
    manifest, problems = parse_manifest(contribution.sidecar)
    spec = benchmark.spec
    display_name = f"{contribution.key}{contribution.path.suffix}"
    try:
        raw = read_table(contribution.path, display_name=display_name)
    except UnreadableFile as error:
        return _rejected(contribution, spec, [error.problem, *problems], 0, 0)
    known = column_types(spec)
    ignored = sum(name not in known for name in raw.column_names)
    problems += _column_problems(raw, spec, display_name)
    if raw.num_rows == 0:
        problems.insert(
            0,
            Problem(
                "empty-file", f"{display_name}: the file has no rows.", "Send at least one row."
            ),
        )
    typed, cell_problems = coerce_table(raw, known, nullable_columns(spec))
    problems += cell_problems + _label_problems(typed, spec)
    if problems:
        return _rejected(contribution, spec, problems, raw.num_rows, ignored)

    hashed, privacy_report = pseudonymise(
        typed, policies=privacy_policies(spec), key=key, protected=(spec.target,)
    )
    if problems := _hashed_number_problems(hashed, benchmark):
        return _rejected(contribution, spec, problems, raw.num_rows, ignored)
    overlap = find_overlap(hashed, benchmark)
    exact = overlap.leakage.measure("exact")
    kept = hashed.filter(pa.array(~overlap.known))
    problems = _overlap_problems(overlap, spec, kept.num_rows)
    rows_kept = RowSet.of(kept if not problems else kept.slice(0, 0))
    count = typed.num_rows
    report = IntakeReport(
        contribution=contribution.key,
        raw_digest=contribution.digest,
        rows_in=count,
        rows_kept=rows_kept.count,
        rows_hashed=privacy_report.rows_hashed,
        removed={
            "in_test_set": int(overlap.in_test.sum()),
            "in_base_set": int(overlap.in_base.sum()),
            "repeated_in_file": int(overlap.repeated.sum()),
        },
        problems=tuple(problems),
        ignored_columns=ignored,
        test_overlap_ppm=_ppm(exact.share),
        natural_overlap_ppm=_ppm(exact.natural.share),
        privacy=privacy_report.to_dict(),
        manifest=manifest.model_dump(mode="json"),
    )
    return ContributedData(rows_kept, report)


def _ppm(share: Fraction) -> int:
    return round(share * 1_000_000)


def _rejected(
    contribution: Contribution,
    spec: BenchmarkSpec,
    problems: list[Problem],
    rows_in: int,
    ignored: int,
) -> ContributedData:
    schema = pa.schema([(name, arrow_type(kind)) for name, kind in column_types(spec).items()])
    report = IntakeReport(
        contribution=contribution.key,
        raw_digest=contribution.digest,
        rows_in=rows_in,
        rows_kept=0,
        rows_hashed=0,
        removed={},
        problems=tuple(problems),
        ignored_columns=ignored,
        test_overlap_ppm=0,
        natural_overlap_ppm=0,
        privacy={},
        manifest=Manifest().model_dump(mode="json"),
    )
    return ContributedData(RowSet.of(schema.empty_table()), report)


def _column_problems(raw: pa.Table, spec: BenchmarkSpec, file_name: str) -> list[Problem]:
    wanted = list(column_types(spec))
    unknown = [name for name in raw.column_names if name not in wanted]
    problems: list[Problem] = []
    if not raw.column_names:
        # An empty array names no columns; that it is empty is all there is to say.
        return problems
    for name in wanted:
        if name in raw.column_names:
            continue
        near = [other for other in unknown if other.strip().casefold() == name.casefold()]
        near = near or difflib.get_close_matches(name, unknown, n=1)
        fix = (
            f"Rename {nameable(near[0])} to {name!r}."
            if near
            else f"Add the column {name!r} ({_kind(spec, name)}); the file needs "
            f"{', '.join(map(repr, wanted))}."
        )
        found = ", ".join(nameable(other) for other in raw.column_names[:20]) or "none"
        problems.append(
            Problem(
                "missing-column",
                f"{file_name}: column {name!r} is missing; the columns found are {found}.",
                fix,
                column=name,
            )
        )
    return problems


def _kind(spec: BenchmarkSpec, name: str) -> str:
    return "the label" if name == spec.target else spec.columns[name].type


def _label_problems(typed: pa.Table, spec: BenchmarkSpec) -> list[Problem]:
    if spec.target not in typed.column_names or typed.num_rows == 0:
        return []
    labels = typed.column(spec.target)
    known = pc.is_in(labels, value_set=pa.array(spec.labels))
    unknown = pc.and_(pc.invert(known), pc.is_valid(labels))
    numbers = [int(i) + 1 for i in np.flatnonzero(unknown.to_numpy())]
    if not numbers:
        return []
    return [
        Problem(
            "unknown-label",
            f"column {spec.target!r}, {rows_in_words(numbers)}: not a label of this benchmark.",
            f"Use only {', '.join(map(repr, spec.labels))} (exactly so written), "
            "or remove the row.",
            column=spec.target,
            rows=tuple(numbers[:SHOWN_ROWS]),
            count=len(numbers),
        )
    ]


def _hashed_number_problems(hashed: pa.Table, benchmark: Benchmark) -> list[Problem]:
    """Report columns of numbers or dates that hashing turned into text in one of two files."""
    base = benchmark.base.table.schema
    return [
        Problem(
            "personal-data-in-numbers",
            f"column {column.name!r}: its values are taken for personal data in one of this file "
            "and the benchmark's base set, but not in both.",
            f"Send in {column.name!r} what the benchmark holds there: the operator may set its "
            "pii to drop or not_pii in benchmark.yaml.",
            column=column.name,
        )
        for column in hashed.schema
        if column.type != base.field(column.name).type
    ]


def _overlap_problems(overlap: Overlap, spec: BenchmarkSpec, kept: int) -> list[Problem]:
    problems = leakage_problems(overlap.leakage, spec)
    total = len(overlap.in_test)
    if not problems and kept < spec.intake.min_rows:
        problems.append(
            Problem(
                "too-few-new-rows",
                f"{kept} of {total} rows are new; the others stand in the base set, the test "
                f"set or earlier in the file. At least {spec.intake.min_rows} new ones are needed.",
                "Send more rows that the benchmark does not have yet.",
                count=kept,
            )
        )
    return problems
