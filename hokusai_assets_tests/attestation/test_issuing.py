"""Issuing: an attestation only over parts that follow from each other."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pyarrow as pa
import pytest

from hokusai_assets.attestation.issuing import ModelIdentity, PartsDisagree
from hokusai_assets.attestation.prediction_commitment import commitment
from hokusai_assets.benchmarks.row_sets import store_rows
from hokusai_assets.benchmarks.spec import DeltaOneSpec
from hokusai_assets.contributions.intake import ContributedData
from hokusai_assets.tables.problems import Problem
from hokusai_assets_tests.attestation.measured_contribution import Parts


def test_the_statement_says_what_was_measured(parts: Parts) -> None:
    claim = parts.statement()["predicate"]["claim"]
    result, report = claim["result"], parts.contributed.report
    assert result["benchmark"]["test_root"] == parts.benchmark.test.root
    assert result["rows"]["root"] == parts.contributed.rows.root
    assert result["rows"]["in"] == report.rows_in == 400
    measured = result["measurement"]
    assert measured["training_rows"] == {"baseline": 200, "new": 200 + report.rows_kept}
    assert measured["predictions"] == {
        "baseline_root": commitment(parts.evaluations[0]),
        "new_root": commitment(parts.evaluations[1]),
    }
    (cells,) = measured["confusion_cells"]
    assert sum(cell[3] for cell in cells) == parts.benchmark.test.count
    assert claim["contribution"]["key"] == report.contribution
    assert [c["id"] for c in claim["contributors"]] == ["ana", "bob"]
    assert claim["waived_columns"] == ["region"]
    settled = claim["settlement"]
    assert settled["budget"]["position"] == 1
    assert settled["budget"]["submissions"] == 100
    assert settled["budget"]["confidence_ppm"] == 999_500
    assert settled["accepted_before"] == []
    assert "reason" not in settled["delta_one"]


def with_rows(parts: Parts, change: Callable[[pa.Table], pa.Table]) -> Parts:
    rows = store_rows(change(parts.contributed.rows.table), Path(mkdtemp()) / "rows.parquet")
    report = replace(parts.contributed.report, rows_kept=rows.count)
    return replace(parts, contributed=ContributedData(rows, report))


def with_note(table: pa.Table, note: str) -> pa.Table:
    notes = table.column("note").to_pylist()
    position = table.column_names.index("note")
    return table.set_column(position, "note", pa.array([note, *notes[1:]]))


def with_root(parts: Parts, root: str) -> Parts:
    rows = replace(parts.contributed.rows, root=root)
    return replace(parts, contributed=replace(parts.contributed, rows=rows))


def with_report(parts: Parts, **changed: Any) -> Parts:
    report = replace(parts.contributed.report, **changed)
    return replace(parts, contributed=replace(parts.contributed, report=report))


def with_rule(parts: Parts) -> Parts:
    spec = parts.benchmark.spec.model_copy(update={"delta_one": DeltaOneSpec(min_delta_bps=1)})
    return replace(parts, benchmark=replace(parts.benchmark, spec=spec))


def with_measured(parts: Parts, **changed: Any) -> Parts:
    return replace(parts, measured=parts.measured | changed)


def with_settled(parts: Parts, **changed: Any) -> Parts:
    measurement = parts.settled["measurement"] | changed
    return replace(parts, settled=parts.settled | {"measurement": measurement})


def with_fingerprint(identity: ModelIdentity) -> ModelIdentity:
    return replace(identity, fingerprint="0" * 64)


DISAGREEING: dict[str, tuple[Callable[[Parts], Parts], str]] = {
    "a rejected contribution": (
        lambda parts: with_report(parts, problems=(Problem("x", "y", "z"),)),
        "the contribution is rejected",
    ),
    "rows changed behind their root": (
        lambda parts: with_root(
            with_rows(parts, lambda rows: with_note(rows, "another note")),
            parts.contributed.rows.root,
        ),
        "contributed_data's rows are not those of its root",
    ),
    "a report about other rows": (
        lambda parts: with_report(parts, rows_kept=3),
        "contributed_data's rows are not those of its root and report",
    ),
    "personal data": (
        lambda parts: with_rows(parts, lambda rows: with_note(rows, "mail jane@example.com")),
        "holds personal data that is not hashed",
    ),
    "test rows": (
        lambda parts: with_rows(
            parts,
            lambda rows: pa.concat_tables(
                [rows, parts.benchmark.test.table.slice(0, 1).select(rows.column_names)]
            ),
        ),
        "holds test or base rows",
    ),
    "base rows": (
        lambda parts: with_rows(
            parts,
            lambda rows: pa.concat_tables(
                [rows, parts.benchmark.base.table.slice(0, 1).select(rows.column_names)]
            ),
        ),
        "holds test or base rows",
    ),
    "other rows than the model's": (
        lambda parts: with_rows(parts, lambda rows: rows.slice(1)),
        "new_model was made from other rows",
    ),
    "another new model": (
        lambda parts: replace(parts, new=with_fingerprint(parts.new)),
        "new_model was made from other rows, spec or code",
    ),
    "another baseline model": (
        lambda parts: replace(parts, baseline=with_fingerprint(parts.baseline)),
        "baseline_model was made from other rows, spec or code",
    ),
    "another rule, models made under it": (with_rule, "made from other rows, spec or code"),
    "deltas by another spec": (
        lambda parts: with_measured(parts, spec_hash="0" * 64),
        "metric_deltas was measured by another spec",
    ),
    "deltas by other code": (
        lambda parts: with_measured(parts, software="0" * 64),
        "metric_deltas was measured by another spec or code",
    ),
    "deltas on another test set": (
        lambda parts: with_measured(parts, test_root="0" * 64),
        "metric_deltas stands on another test set",
    ),
    "a settlement by another spec": (
        lambda parts: with_settled(parts, spec_hash="0" * 64),
        "settlement was measured by another spec",
    ),
    "a settlement by other code": (
        lambda parts: with_settled(parts, software="0" * 64),
        "settlement was measured by another spec or code",
    ),
    "a settlement on another test set": (
        lambda parts: with_settled(parts, test_root="0" * 64),
        "settlement stands on another test set",
    ),
    "a settlement of other rows": (
        lambda parts: replace(parts, settled=parts.settled | {"rows_root": "0" * 64}),
        "settlement is of other rows",
    ),
    "deltas of another new model": (
        lambda parts: replace(parts, new=replace(parts.new, digest="0" * 64)),
        "metric_deltas compare other models",
    ),
    "deltas of another baseline": (
        lambda parts: replace(parts, baseline=replace(parts.baseline, digest="0" * 64)),
        "metric_deltas compare other models",
    ),
}


@pytest.mark.parametrize("case", DISAGREEING)
def test_parts_that_disagree_are_refused(parts: Parts, case: str) -> None:
    change, told = DISAGREEING[case]
    with pytest.raises(PartsDisagree, match=told) as caught:
        change(parts).statement()
    assert "run the contribution's whole job again" in str(caught.value) or "rejected" in told
    assert "jane" not in str(caught.value)


def test_a_measurement_stored_by_an_earlier_version_is_refused(parts: Parts) -> None:
    earlier = {name: value for name, value in parts.measured.items() if name != "spec_hash"}
    with pytest.raises(PartsDisagree, match="another spec or code"):
        replace(parts, measured=earlier).statement()
