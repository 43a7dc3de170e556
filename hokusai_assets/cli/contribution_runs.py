"""Running a contribution for a verb of the command line, and the document it prints."""

from pathlib import Path
from typing import Any

from hokusai_assets.cli.common_options import PLATFORM_FAULT, REJECTED
from hokusai_assets.cli.progress import StepDisplay
from hokusai_assets.contributions.intake_report import REMOVAL_REASONS
from hokusai_assets.settings import Settings


def evaluate_file(
    settings: Settings, benchmark_id: str, file: Path, *, quiet: bool
) -> tuple[dict[str, Any], int]:
    """Register a file and run it; return the document to print and the exit code."""
    with StepDisplay(quiet=quiet) as display:
        display.now("keeping the file as it came")
        return _registered_and_run(settings, benchmark_id, file, display)


def _registered_and_run(
    settings: Settings, benchmark_id: str, file: Path, display: StepDisplay
) -> tuple[dict[str, Any], int]:
    from hokusai_assets.benchmarks.loading import load_spec
    from hokusai_assets.benchmarks.spec import SpecError
    from hokusai_assets.contributions.identity import register, shown_name, unfollowed
    from hokusai_assets.orchestration.home import prepare_home
    from hokusai_assets.tables.problems import UnreadableFile

    try:
        spec = load_spec(settings.benchmarks / benchmark_id)
        prepare_home(settings)
        contribution = register(
            unfollowed(file),
            settings.contributions(benchmark_id),
            limits=spec.intake.limits.read_limits(),
        )
    except SpecError as error:
        return _unfinished(settings, benchmark_id, None, faults=[str(error)]), PLATFORM_FAULT
    except UnreadableFile as error:
        reasons = [error.problem.to_dict()]
        return _unfinished(settings, benchmark_id, None, reasons=reasons), REJECTED
    except OSError as error:
        faults = [f"{shown_name(file.name)}: {error.strerror}"]
        return _unfinished(settings, benchmark_id, None, faults=faults), PLATFORM_FAULT
    document, code = run_registered(settings, benchmark_id, contribution.key, display)
    if contribution.sidecar_not_used:
        document["warnings"].append(
            "these rows were registered before; the sidecar that came with them now is not used"
        )
    return document, code


def run_registered(
    settings: Settings,
    benchmark_id: str,
    key: str,
    display: StepDisplay,
    *,
    tags: dict[str, str] | None = None,
) -> tuple[dict[str, Any], int]:
    """Run a registered contribution; return the document to print and the exit code."""
    display.now("loading the platform")
    from hokusai_assets.contributions.row_progress import watching_rows
    from hokusai_assets.orchestration.build import build_definitions
    from hokusai_assets.orchestration.home import open_instance
    from hokusai_assets.orchestration.running import read_record, run_contribution

    definitions = build_definitions(settings)
    with open_instance(settings) as instance, watching_rows(display.on_rows):
        outcome = run_contribution(
            definitions,
            instance,
            benchmark_id,
            key,
            marks=settings.run_marks,
            on_step=display.on_step,
            tags=tags,
        )
    if outcome.status == "failed":
        return _unfinished(settings, benchmark_id, key, faults=outcome.faults), PLATFORM_FAULT
    record = read_record(settings, benchmark_id, key)
    report = record.report.to_dict()
    document = _empty_document(settings, benchmark_id, key) | {
        "status": outcome.status,
        "reasons": report["reasons"],
        "rows": report["rows"],
        "attestation_hash": record.attestation_hash,
        "result_hash": record.result_hash,
        "privacy": report["privacy"],
        "reused": outcome.reused,
        "warnings": [
            *(f"{warning['rule']}: {warning['message']}" for warning in report["warnings"]),
            *outcome.warnings,
        ],
        "dagster_run_id": outcome.run_id,
    }
    if record.measured is None or record.settled is None:
        return document, REJECTED
    document |= _measured(record.measured, record.settled)
    if not record.settled["released"]:
        document["warnings"] += _fallen_groups(settings, benchmark_id, record.measured)
    document["attestation"] = str(record.attestation)
    document["predictions"] = [str(path) for path in record.predictions]
    return document, 0


def _measured(alone: dict[str, Any], settled: dict[str, Any]) -> dict[str, Any]:
    """Return what may be shown of a measured and settled contribution."""
    from hokusai_assets.attestation.issuing import shown_verdict

    shown = settled["measurement"] if settled["released"] else alone
    return {
        "metrics": {name: _metric(delta) for name, delta in shown["metrics"].items()},
        "alone": {name: _metric(delta) for name, delta in alone["metrics"].items()},
        "measured_on": {"part": shown["part"], "test_rows": shown["test_rows"]},
        "accepted_before": [entry["key"] for entry in settled["accepted_before"]],
        "budget": {name: settled["budget"][name] for name in ("position", "submissions")},
        "delta_one": shown_verdict(settled),
    }


def _fallen_groups(settings: Settings, benchmark_id: str, alone: dict[str, Any]) -> list[str]:
    """Say which classes and slices fell too far on the public part, where the rest stays private.

    It is a hint, not the verdict: that stands on the private part.
    """
    from hokusai_assets.benchmarks.loading import load_spec
    from hokusai_assets.evaluation.group_delta import GroupDelta
    from hokusai_assets.evaluation.group_rule import group_checks, group_rule_of

    rule = group_rule_of(load_spec(settings.benchmarks / benchmark_id))
    groups = [GroupDelta.from_dict(group) for group in alone["groups"]]
    return [
        f"On the public part alone: {why}"
        for condition, why in group_checks(groups, rule)
        if not condition.passed
    ]


def _metric(delta: dict[str, Any]) -> dict[str, Any]:
    return {
        "baseline": delta["baseline_ppm"] / 1_000_000,
        "new": delta["new_ppm"] / 1_000_000,
        "delta": delta["delta_ppm"] / 1_000_000,
        "interval": [delta["low_ppm"] / 1_000_000, delta["high_ppm"] / 1_000_000],
        "confidence": delta["confidence_ppm"] / 1_000_000,
        "p_value": delta["p_value_ppm"] / 1_000_000,
        "improved": delta["improved"],
    }


def _unfinished(
    settings: Settings,
    benchmark_id: str,
    key: str | None,
    *,
    reasons: list[dict[str, object]] | None = None,
    faults: list[str] | None = None,
) -> dict[str, Any]:
    """Return the document of a file that got no report: rejected by name, or failed by a fault."""
    return _empty_document(settings, benchmark_id, key) | {
        "status": "failed" if faults else "rejected",
        "reasons": reasons or [],
        "faults": faults or [],
    }


def _empty_document(settings: Settings, benchmark_id: str, key: str | None) -> dict[str, Any]:
    """Return every field that a document has, without findings."""
    return {
        "benchmark": benchmark_id,
        "contribution": key,
        "status": "",
        "reasons": [],
        "faults": [],
        "rows": {"in": 0, "kept": 0, "hashed": 0, "removed": dict.fromkeys(REMOVAL_REASONS, 0)},
        "metrics": {},
        "alone": {},
        "measured_on": None,
        "accepted_before": [],
        "budget": None,
        "delta_one": None,
        "attestation": None,
        "attestation_hash": None,
        "result_hash": None,
        "predictions": [],
        "report": None,
        "dry_run": settings.dry_run,
        "privacy": {},
        "reused": [],
        "warnings": [],
        "dagster_run_id": None,
    }
