"""What each step writes to MLflow: no row, and of a private test part only what may be told."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from hokusai_assets.attestation.issuing import settlement_claim, shown_verdict
from hokusai_assets.benchmarks.loading import Benchmark
from hokusai_assets.benchmarks.spec import BenchmarkSpec
from hokusai_assets.contributions.intake import ContributedData
from hokusai_assets.contributions.intake_report import REMOVAL_REASONS, IntakeReport
from hokusai_assets.evaluation.measurement import Evaluation
from hokusai_assets.orchestration.asset_storage import location_of
from hokusai_assets.orchestration.contribution_plots import Pictures, plot_file
from hokusai_assets.orchestration.dataset_inputs import benchmark_inputs, dataset_input
from hokusai_assets.orchestration.model_versions import (
    Role,
    log_baseline,
    log_candidate,
    tag_attested,
)
from hokusai_assets.orchestration.platform import Platform
from hokusai_assets.orchestration.presentation import (
    json_text,
    problems_text,
    share,
)
from hokusai_assets.orchestration.stored_forms import (
    PREDICTIONS,
    SETTLED_PREDICTIONS,
    IssuedAttestation,
    MeasuredDelta,
    SettledContribution,
    StoredModel,
)
from hokusai_assets.orchestration.tracking import NOTE_TAG, TABLES_TAG, Tracking
from hokusai_assets.report.contribution_page import Issued, contribution_page

_LINEAGE = "lineage.json"
REPORT = "report.html"


def record_benchmark(tracking: Tracking, platform: Platform, benchmark: Benchmark) -> None:
    """Log the spec, seeds, estimator and sampling, and the base and test sets as inputs."""
    spec = benchmark.spec
    tracking.log_params(
        {
            "benchmark": spec.id,
            "benchmark_version": spec.benchmark_version,
            "spec_hash": spec.spec_hash(),
            "seed": spec.seed,
            "base_rows": benchmark.base.count,
            "test_rows": benchmark.test.count,
            "base_root": benchmark.base.root,
            "test_root": benchmark.test.root,
            "test_part_shown": benchmark.split.shown.name,
            "benchmark_digest": benchmark.content_digest,
        }
        | _spec_params(spec)
    )
    tracking.log_inputs(benchmark_inputs(benchmark, platform.benchmark_folder(spec.id)))
    tracking.log_text(spec.model_dump_json(indent=2), "benchmark_spec.json")


def _spec_params(spec: BenchmarkSpec) -> dict[str, object]:
    return {
        "estimator": spec.model.estimator,
        "seeds": spec.model.seeds,
        "primary_metric": spec.metrics.primary,
        "average": spec.average,
        **{f"model.{name}": value for name, value in spec.model.params.items()},
        **{f"sampling.{name}": value for name, value in spec.sampling},
        **{f"delta_one.{name}": value for name, value in spec.delta_one},
    }


def record_baseline_model(tracking: Tracking, benchmark: Benchmark, model: StoredModel) -> None:
    """Log where the baseline comes from, and its version in the registry."""
    tracking.log_params({"baseline_source": model.source, "baseline_train_rows": model.train_rows})
    tracking.set_tags({"baseline_model_sha256": model.digest})
    log_baseline(tracking, benchmark.spec, model)


def record_evaluation(
    tracking: Tracking, benchmark: Benchmark, evaluation: Evaluation, which: str
) -> None:
    """Log a model's metrics on what may be shown of the test set, as ``<which>/<metric>``."""
    metrics = evaluation.on(benchmark.split.shown).metrics_ppm(benchmark.spec)
    tracking.log_metrics({f"{which}/{name}": share(ppm) for name, ppm in metrics.items()})


def record_intake(
    tracking: Tracking, platform: Platform, benchmark: Benchmark, value: ContributedData
) -> None:
    """Log what became of a contribution's rows and why; of an accepted one its set as an input."""
    report, rows = value.report, value.rows
    tracking.log_params({"contribution_sha256": report.raw_digest, "rows_root": rows.root})
    tracking.log_metrics(
        {
            "rows_in": report.rows_in,
            "rows_new": report.rows_new,
            "rows_kept": report.rows_kept,
            "rows_hashed": report.rows_hashed,
            "rows_unsound": report.rows_unsound,
            **{f"rows_removed/{why}": report.removed.get(why, 0) for why in REMOVAL_REASONS},
        }
    )
    if report.accepted:
        source = location_of(
            platform.places.storage,
            benchmark.spec.id,
            "contributed_data",
            report.contribution,
        )
        tracking.log_inputs(
            [
                dataset_input(
                    "contribution",
                    report.contribution,
                    root=rows.root,
                    rows=rows.count,
                    schema=rows.schema,
                    source=source,
                )
            ]
        )
    else:
        why = problems_text(report.problems)
        rules = ", ".join(dict.fromkeys(problem.rule for problem in report.problems))
        tracking.set_tags(
            {
                "reasons": rules,
                "reasons_text": why,
                NOTE_TAG: _note(tracking, f"**Rejected.**\n\n{why}"),
            }
        )
    # So that MLflow's UI shows it as a table.
    tracking.set_tags({TABLES_TAG: json.dumps([{"path": _LINEAGE, "type": "table"}])})
    files = {
        "intake_report.json": _text(json_text(_without_note(report))),
        _LINEAGE: _text(json.dumps(lineage_table(report, rows.root), indent=1)),
    }
    if not report.accepted:
        files[REPORT] = _text(
            contribution_page(benchmark.spec, report, None, dry_run=platform.dry_run)
        )
    tracking.log_made_files(files)


def lineage_table(report: IntakeReport, rows_root: str) -> dict[str, Any]:
    """Return what was done to a contribution's rows, step by step, as MLflow shows a table.

    Each row of it: the step, why, rows before and after, rows it touched, and the content hash
    where one is known: of the file first, of the rows that go on last.
    """
    columns = ["step", "why", "rows_before", "rows_touched", "rows_after", "sha256"]
    rows: list[list[Any]] = [
        ["read", "the file as it came", None, None, report.rows_in, report.raw_digest]
    ]
    count = report.rows_in
    for found in report.privacy.get("columns", ()):
        what = f"{found['entity']} in {found['column']}: {found['cells']:,} cells"
        rows.append(["hash cells", what, count, None, count, None])
    rows.append(["hash", "rows with personal data", count, report.rows_hashed, count, None])
    for why in REMOVAL_REASONS:
        if removed := report.removed.get(why, 0):
            rows.append(["remove", why, count, removed, count - removed, None])
            count -= removed
    for problem in report.problems:
        rows.append(["reject", problem.rule, count, problem.count or None, 0, None])
        count = 0
    rows.append(["keep", "goes into training", count, None, report.rows_kept, rows_root])
    return {"columns": columns, "data": rows}


def record_new_model(
    tracking: Tracking, benchmark: Benchmark, model: StoredModel, contribution: str
) -> None:
    """Log the new model, and its version in the registry."""
    tracking.log_params({"new_train_rows": model.train_rows})
    tracking.set_tags({"new_model_sha256": model.digest})
    log_candidate(tracking, benchmark.spec, model, contribution=contribution)


def _without_note(report: IntakeReport) -> dict[str, Any]:
    """Return a report without the sidecar's note: it is free text, and names stay unrecognised."""
    document = report.to_dict()
    manifest = {name: value for name, value in document["manifest"].items() if name != "note"}
    return document | {"manifest": manifest}


def record_deltas(
    tracking: Tracking,
    benchmark: Benchmark,
    measured: MeasuredDelta,
    pictures: Pictures,
) -> None:
    """Log what the contribution alone changes, both models' word on each shown row, and plots."""
    document = measured.document
    primary = document["metrics"][benchmark.spec.metrics.primary]
    tracking.log_metrics(delta_metrics(document["metrics"]))
    tracking.set_tags({"primary_direction": primary["direction"]})
    tracking.log_made_files(
        {
            "metric_deltas.json": _text(json_text(document)),
            PREDICTIONS: _parquet(measured.predictions),
            **{plot_file(name): _bytes(draw) for name, draw in pictures.items()},
        }
    )


def delta_metrics(metrics: Mapping[str, Mapping[str, Any]]) -> dict[str, float]:
    """Return MLflow's metrics of a comparison; by the part before the slash it groups charts."""
    logged = {}
    for name, delta in metrics.items():
        logged[f"baseline/{name}"] = share(delta["baseline_ppm"])
        logged[f"new/{name}"] = share(delta["new_ppm"])
        logged |= _delta(f"delta/{name}", delta)
        logged[f"p_value/{name}"] = share(delta["p_value_ppm"])
    return logged


def _delta(name: str, delta: Mapping[str, Any]) -> dict[str, float]:
    return {
        name: share(delta["delta_ppm"]),
        f"{name}.low": share(delta["low_ppm"]),
        f"{name}.high": share(delta["high_ppm"]),
    }


def record_settlement(
    tracking: Tracking,
    benchmark: Benchmark,
    settled: SettledContribution,
    contribution: str,
    *,
    is_last_accepted: bool,
) -> None:
    """Log the verdict; where a private part of the test set decided and the contribution was not
    accepted, no figure of that part.

    Args:
        tracking: the run's.
        benchmark: what was measured with.
        settled: the verdict and the candidate.
        contribution: its key.
        is_last_accepted: whether nothing was accepted after it, so that its candidate holds all
            that was.
    """
    document = settled.document
    released, accepted = document["released"], document["delta_one"]["accepted"]
    told = document if released else settlement_claim(document, benchmark.spec)
    tracking.log_metrics(settled_metrics(told))
    tracking.set_tags(
        {
            "delta_one_accepted": str(accepted).lower(),
            "decided_on": document["measurement"]["part"],
        }
    )
    files = {"settlement.json": _text(json_text(told))}
    if released:
        files[SETTLED_PREDICTIONS] = _parquet(settled.predictions)
    tracking.log_made_files(files)
    log_candidate(
        tracking,
        benchmark.spec,
        settled.candidate,
        contribution=contribution,
        with_accepted=len(document["accepted_before"]),
        accepted=accepted,
        is_challenger=is_last_accepted,
    )


def settled_metrics(told: Mapping[str, Any]) -> dict[str, float]:
    """Return MLflow's metrics of what may be told of a settlement: ``settled/<metric>`` is the
    change against the accepted model.
    """
    decision = told["delta_one"]
    logged: dict[str, float] = {
        "payable_bps": decision["payable_bps"],
        "budget_position": told["budget"]["position"],
        "accepted_before": len(told["accepted_before"]),
    }
    if decision["bps"] is not None:
        logged["delta_one_bps"] = decision["bps"]
    if told["measurement"] is not None:
        for name, delta in told["measurement"]["metrics"].items():
            logged |= _delta(f"settled/{name}", delta)
            logged[f"settled_p_value/{name}"] = share(delta["p_value_ppm"])
    return logged


def record_attestation(
    tracking: Tracking,
    benchmark: Benchmark,
    issued: IssuedAttestation,
    report: IntakeReport,
    models: tuple[StoredModel, StoredModel],
    measured: MeasuredDelta,
    settled: SettledContribution,
    *,
    dry_run: bool,
) -> None:
    """Log the attestation and the report of it; name it on the run and the models it speaks of.

    Args:
        tracking: the run's.
        benchmark: what was measured by.
        issued: the attestation.
        report: what intake found.
        models: the baseline and the new model; what was settled is in `settled`.
        measured: what the contribution alone changes.
        settled: the settlement.
        dry_run: whether this is a rehearsal.
    """
    verdict = shown_verdict(settled.document)["reason"]
    shown = settled.predictions if settled.document["released"] else measured.predictions
    tracking.log_made_files(
        {
            "attestation.json": _bytes(lambda: issued.envelope),
            REPORT: lambda path: path.write_text(
                contribution_page(
                    benchmark.spec,
                    report,
                    Issued(issued.envelope, shown),
                    dry_run=dry_run,
                ),
                encoding="utf-8",
            ),
        }
    )
    attested = issued.attestation_hash
    tracking.set_tags_on_parent({"attestation_hash": attested})
    tracking.set_tags(
        {
            "attestation_hash": attested,
            "result_hash": issued.result_hash,
            NOTE_TAG: _note(
                tracking,
                f"{verdict}\n\nAttestation `{attested}`; check it with `hokusai verify`.",
            ),
        }
    )
    baseline, new = models
    digests = dict.fromkeys((new.digest, settled.candidate.digest))
    named: list[tuple[Role, str]] = [("candidate", digest) for digest in digests]
    tag_attested(tracking, benchmark.spec.id, [("baseline", baseline.digest), *named], attested)


def _note(tracking: Tracking, text: str) -> str:
    """Return a run's description in MLflow's UI, with the way to the run in Dagster's."""
    # First: MLflow folds what is long, and lays a veil over the fold.
    return f"[Dagster run]({tracking.dagster_url})\n\n{text}" if tracking.dagster_url else text


def _bytes(make: Callable[[], bytes]) -> Callable[[Path], Any]:
    return lambda path: path.write_bytes(make())


def _parquet(table: pa.Table) -> Callable[[Path], Any]:
    return lambda path: pq.write_table(table, path, compression="zstd")


def _text(text: str) -> Callable[[Path], Any]:
    return lambda path: path.write_text(text, encoding="utf-8")
