"""Intake: a contributed file becomes accepted rows and a report, or a list of reasons why not.

The file is read twice, batch by batch. The first pass types the cells and learns what personal
data each column holds; the second replaces it, compares the rows with what is known, and brings
the new ones into canonical order. Memory grows by some 40 bytes a row, whatever its width.
"""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa

from hokusai_assets.benchmarks.loading import (
    Benchmark,
    column_types,
    privacy_policies,
    recognisers_for,
)
from hokusai_assets.benchmarks.row_sets import StoredRows, store_rows
from hokusai_assets.benchmarks.spec import BenchmarkSpec
from hokusai_assets.contributions.drift import ColumnDrift, column_drift, drift_problems
from hokusai_assets.contributions.identity import Contribution
from hokusai_assets.contributions.intake_report import History, IntakeReport
from hokusai_assets.contributions.labels import (
    BaselineOpinion,
    LabelCheck,
    LabelledRows,
    LabelScan,
    label_noise,
    label_problems,
)
from hokusai_assets.contributions.leakage.report import leakage_problems
from hokusai_assets.contributions.leakage.scan import LeakageScan
from hokusai_assets.contributions.manifest import SIDECAR_SUFFIX, Manifest, parse_manifest
from hokusai_assets.contributions.row_index import Claimed, RowIndex
from hokusai_assets.contributions.row_sample import RowSample
from hokusai_assets.contributions.row_spool import DistinctRows, RowSpool
from hokusai_assets.contributions.rows_of_file import RowsOfFile
from hokusai_assets.privacy.keys import PrivacyKey
from hokusai_assets.privacy.pseudonymise import PrivacyReport, Pseudonymiser
from hokusai_assets.privacy.tokens import reduce_table
from hokusai_assets.tables.columns import arrow_type
from hokusai_assets.tables.problems import Problem, UnreadableFile

# Earlier contributions that a message names; the report has more.
_NAMED_EARLIER = 3


@dataclass(frozen=True)
class ContributedData:
    """The accepted rows in canonical order (none when rejected) and the report."""

    rows: StoredRows
    report: IntakeReport


@dataclass(frozen=True)
class Examined:
    """A report, and the new rows whatever the verdict."""

    rows: StoredRows
    report: IntakeReport


def take_in(
    contribution: Contribution,
    benchmark: Benchmark,
    key: PrivacyKey,
    *,
    scratch: Path,
    opinion: BaselineOpinion | None = None,
    index: RowIndex | None = None,
    refused: Problem | None = None,
) -> ContributedData:
    """Read, check, pseudonymise and compare a contribution; never raises for what it holds.

    An accepted contribution's rows are recorded in the index, so that they are no one else's.

    Args:
        contribution: the registered contribution.
        benchmark: the benchmark it is contributed to.
        key: the key for pseudonyms; the result but for the tokens does not depend on it.
        scratch: an existing, empty folder; the accepted rows are left there as a file.
        opinion: the baseline's, by which the labels are judged; None leaves that out.
        index: the rows of earlier contributions; None compares with none.
        refused: why the benchmark takes no contribution now, None if it does.

    Raises:
        OSError: the stored file can't be read (a platform fault).
        RowIndexError: the index is damaged.
    """
    examined = examine(
        contribution,
        benchmark,
        key,
        scratch=scratch,
        opinion=opinion,
        index=index,
        record=True,
        refused=refused,
    )
    if examined.report.accepted:
        return ContributedData(examined.rows, examined.report)
    none = _no_rows(benchmark.spec, scratch / "none.parquet")
    return ContributedData(none, examined.report)


def examine(
    contribution: Contribution,
    benchmark: Benchmark,
    key: PrivacyKey,
    *,
    scratch: Path,
    opinion: BaselineOpinion | None = None,
    index: RowIndex | None = None,
    record: bool = False,
    refused: Problem | None = None,
) -> Examined:
    """Do what `take_in` does, recording nothing unless asked to; keep new rows of any verdict.

    The rows are those that neither break a rule nor are known, whatever else is wrong.
    """
    work = _Examination(contribution, benchmark, key, scratch, opinion, index, record, refused)
    return work.run()


@dataclass
class _Examination:
    contribution: Contribution
    benchmark: Benchmark
    key: PrivacyKey
    scratch: Path
    opinion: BaselineOpinion | None
    index: RowIndex | None
    record: bool
    refused: Problem | None
    problems: list[Problem] = field(default_factory=list)

    @property
    def spec(self) -> BenchmarkSpec:
        return self.benchmark.spec

    def run(self) -> Examined:
        manifest, self.problems = parse_manifest(
            self.contribution.sidecar, name=self.contribution.display_name + SIDECAR_SUFFIX
        )
        if self.refused is not None:
            self.problems.append(self.refused)
        source: RowsOfFile | None = None
        try:
            source = RowsOfFile.open(self.contribution, self.spec, manifest)
            privacy = self._survey(source)
            self.problems += source.problems()
            if privacy is None:
                return self._unread(source)
            if misfits := _hashed_number_problems(privacy.replaced_schema(), self.benchmark):
                self.problems += misfits
                return self._unread(source)
            with RowSpool(privacy.replaced_schema(), self.scratch) as spool:
                second = _SecondPass(self.benchmark, privacy, spool)
                for table, numbers in source.batches():
                    second.add(table, numbers)
                return self._decide(source, manifest, second)
        except UnreadableFile as error:
            # The parsers' errors stay behind: they may quote the file.
            self.problems.insert(0, error.problem)
        return self._unread(source)

    def _survey(self, source: RowsOfFile) -> Pseudonymiser | None:
        """Make the first pass; None where there are no whole rows to go on with."""
        worker = Pseudonymiser(
            policies=privacy_policies(self.spec),
            key=self.key,
            protected=(self.spec.target,),
            recognisers=recognisers_for(self.spec),
        )
        wanted = set(column_types(self.spec))
        rows = 0
        for table in source.first_pass():
            if table.num_rows and wanted <= set(table.column_names):
                rows += table.num_rows
                worker.survey(table)
        return worker if rows and not source.missing else None

    def _decide(self, source: RowsOfFile, manifest: Manifest, second: "_SecondPass") -> Examined:
        spec = self.spec
        leakage = second.scan.report(second.sample.table)
        checks, drifts, warnings = self._judged(second)
        self.problems += leakage_problems(leakage, spec)
        distinct = second.spool.distinct()
        claimed = self._claim(distinct)
        new = claimed.holders < 0
        history = self._history(claimed)
        if not self.problems and int(new.sum()) < spec.intake.min_rows:
            self.problems.append(
                _too_few(int(new.sum()), source.rows, history, spec.intake.min_rows)
            )
        rows = second.spool.write(self.scratch / "rows.parquet", distinct, new)
        accepted = not self.problems
        privacy: PrivacyReport = second.privacy.report
        report = IntakeReport(
            contribution=self.contribution.key,
            raw_digest=self.contribution.digest,
            rows_in=source.rows,
            rows_new=rows.count,
            rows_kept=rows.count if accepted else 0,
            rows_hashed=privacy.rows_hashed,
            rows_unsound=source.unsound,
            removed={
                **second.removed,
                "in_earlier_contribution": int((~new).sum()),
                "repeated_in_file": second.spool.count - distinct.count,
            },
            problems=tuple(self.problems),
            warnings=tuple([*source.warnings(), *warnings]),
            ignored_columns=source.ignored_columns,
            file=source.facts(),
            privacy=privacy.to_dict(),
            leakage=leakage.to_dict(),
            labels={
                "rows": second.rows_by_label(),
                "checks": [check.to_dict() for check in checks],
            },
            drift=[drift.to_dict() for drift in drifts],
            history=history.to_dict(),
            manifest=manifest.model_dump(mode="json"),
        )
        return Examined(rows, report)

    def _judged(
        self, second: "_SecondPass"
    ) -> tuple[list[LabelCheck], tuple[ColumnDrift, ...], list[Problem]]:
        """Judge labels and drift; what the spec blocks is a problem, the rest a warning."""
        rules = self.spec.intake
        labels, sample = rules.labels, second.sample.table
        warnings: list[Problem] = []
        checks: list[LabelCheck] = []
        if labels.balance != "off":
            checks.append(second.labels.balance(float(labels.max_balance_shift)))
        if labels.conflicts != "off":
            checks.append(second.labels.conflicts(float(labels.max_conflict_excess)))
        if labels.noise != "off" and self.opinion is not None:
            excess = float(labels.max_noise_excess)
            checks.append(label_noise(sample, self.opinion, self.spec, excess))
        actions = {
            "class-balance": labels.balance,
            "conflicting-labels": labels.conflicts,
            "label-noise": labels.noise,
        }
        for problem in label_problems(checks, self.spec):
            (self.problems if actions[problem.rule] == "block" else warnings).append(problem)
        drifts: tuple[ColumnDrift, ...] = ()
        if rules.drift.action != "off":
            drifts = column_drift(
                reduce_table(sample),
                reduce_table(self.benchmark.base.table),
                self.spec,
                float(rules.drift.max_shift),
            )
            blocking = rules.drift.action == "block"
            (self.problems if blocking else warnings).extend(drift_problems(drifts))
        return checks, drifts, warnings

    def _claim(self, distinct: DistinctRows) -> Claimed:
        """Compare with earlier contributions, and record the rows if all is well."""
        if self.index is None:
            return Claimed(np.full(distinct.count, -1, np.int32), ())
        line = f"{self.contribution.key}:{self.contribution.digest}"
        if not self.record or self.problems:
            return self.index.look_up(distinct.keys, before=line)
        least = self.spec.intake.min_rows
        return self.index.claim(
            line, distinct.keys, unless=lambda holders: int((holders < 0).sum()) < least
        )

    def _history(self, claimed: Claimed) -> History:
        if self.index is None:
            return History.unknown()
        everything = np.ones(len(claimed.holders), dtype=bool)
        return History.of(claimed.earlier, claimed.by_contribution(everything))

    def _unread(self, source: RowsOfFile | None) -> Examined:
        """Report a file whose rows could not be compared with anything."""
        report = IntakeReport(
            contribution=self.contribution.key,
            raw_digest=self.contribution.digest,
            rows_in=source.rows if source else 0,
            rows_unsound=source.unsound if source else 0,
            problems=tuple(self.problems),
            warnings=tuple(source.warnings()) if source else (),
            ignored_columns=source.ignored_columns if source and source.rows else 0,
            file=source.facts() if source else {},
            manifest=Manifest().model_dump(mode="json"),
        )
        return Examined(_no_rows(self.spec, self.scratch / "rows.parquet"), report)


class _SecondPass:
    """Pseudonymises the sound rows and compares them with what is known."""

    def __init__(self, benchmark: Benchmark, privacy: Pseudonymiser, spool: RowSpool) -> None:
        self.privacy, self.spool = privacy, spool
        self.scan = LeakageScan.of(benchmark)
        base_labels = benchmark.base.table.column(benchmark.spec.target)
        base = LabelledRows(self.scan.base_feature_keys, base_labels, benchmark.spec)
        self.labels = LabelScan(benchmark.spec, base)
        self.sample = RowSample(privacy.replaced_schema())
        self.removed = dict.fromkeys(("in_test_set", "near_test_set", "in_base_set"), 0)
        self._spec = benchmark.spec

    def add(self, table: pa.Table, numbers: np.ndarray) -> None:
        """Take the next rows, typed, and their numbers in the file."""
        hashed = self.privacy.replace(table)
        found = self.scan.add(hashed, numbers)
        for reason, rows in zip(
            self.removed, (found.in_test, found.near_test, found.in_base), strict=True
        ):
            self.removed[reason] += int(rows.sum())
        new = ~(found.in_test | found.near_test | found.in_base)
        fresh = hashed.filter(pa.array(new))
        digests = self.spool.add(fresh, found.keys[new])
        self.labels.add(fresh.column(self._spec.target), found.feature_keys[new])
        self.sample.add(fresh, digests)

    def rows_by_label(self) -> dict[str, int]:
        """Return how many rows that are not in the benchmark have each label."""
        counts = self.labels.counts().tolist()
        return dict(zip(self._spec.labels, counts, strict=True))


def _no_rows(spec: BenchmarkSpec, path: Path) -> StoredRows:
    types = column_types(spec)
    names = [name for name in types if name == spec.target or name in spec.feature_names]
    schema = pa.schema([(name, arrow_type(types[name])) for name in names])
    return store_rows(schema.empty_table(), path)


def _too_few(new: int, total: int, history: History, least: int) -> Problem:
    needed = f"At least {least} new {'row is' if least == 1 else 'rows are'} needed."
    return Problem(
        "too-few-new-rows",
        f"{_new_in_words(new, total)}{_held_in_words(history)} {needed}",
        "Send more rows that the benchmark does not have yet.",
        count=new,
    )


def _new_in_words(new: int, total: int) -> str:
    if new == total:
        return "The only row is new." if total == 1 else f"All {total} rows are new."
    if total == 1:
        return "The only row stands in the benchmark or in an earlier contribution."
    places = "in the benchmark, in an earlier contribution or twice in the file"
    if not new:
        return f"None of the {total} rows is new; they stand {places}."
    others = "the other stands" if total - new == 1 else "the others stand"
    return f"{new} of {total} rows {'is' if new == 1 else 'are'} new; {others} {places}."


def _held_in_words(history: History) -> str:
    named = list(history.held.items())[:_NAMED_EARLIER]
    if not named:
        return ""
    if len(history.held) == 1:
        ((key, count),) = named
        counted = "1 row stands" if count == 1 else f"{count} rows stand"
        return f" {counted} in the earlier contribution {key!r}."
    parts = [f"{count} in {key!r}" for key, count in named]
    if more := len(history.held) - len(named):
        parts.append(f"the rest in {more} more")
    return f" In earlier contributions stand: {', '.join(parts)}."


def _hashed_number_problems(schema: pa.Schema, benchmark: Benchmark) -> list[Problem]:
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
        for column in schema
        if column.type != base.field(column.name).type
    ]
