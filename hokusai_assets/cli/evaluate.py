"""`hokusai evaluate`: one file through the whole chain."""

from pathlib import Path
from typing import Any

import click

from hokusai_assets.cli.common_options import (
    PLATFORM_FAULT,
    REJECTED,
    benchmark_folder,
    benchmark_option,
    current_settings,
    json_option,
    print_json,
)
from hokusai_assets.cli.output import StepDisplay, print_evaluation, print_faults
from hokusai_assets.settings import Settings


@click.command("evaluate")
@click.argument(
    "file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@benchmark_option
@click.option(
    "--dry-run",
    is_flag=True,
    help="Rehearse: small samples, a temporary home, no MLflow server; attests nothing. Without "
    "FILE, on a small generated benchmark.",
)
@click.option(
    "--seed",
    type=click.IntRange(0, 2**32 - 1),
    default=0,
    show_default=True,
    help="Seed of the generated benchmark of a dry run without FILE.",
)
@json_option
def command(
    file: Path | None, benchmark_id: str | None, dry_run: bool, seed: int, as_json: bool
) -> None:
    """Evaluate the contribution FILE (CSV, JSON, JSON Lines or Parquet).

    Runs the same Dagster job as a dropped file: reads and checks it, hashes personal data,
    trains with and without it, measures both on the benchmark's test set, and writes a signed
    attestation. Exits 0 when evaluated (whatever the delta), 3 when a rule rejects the file,
    1 on a platform fault, 2 on wrong usage.
    """
    settings = current_settings()
    if dry_run:
        from hokusai_assets.cli.dry_run import rehearse

        folder = benchmark_folder(settings, benchmark_id) if file or benchmark_id else None
        if folder is not None and file is None:
            raise click.UsageError(
                "a dry run on a benchmark needs FILE; without both, a small one is generated"
            )
        document, code = rehearse(settings, folder, file, seed=seed, quiet=as_json)
    else:
        if file is None:
            raise click.UsageError("FILE is needed (only --dry-run goes without)")
        benchmark_folder(settings, benchmark_id)
        assert benchmark_id is not None
        document, code = evaluate_file(settings, benchmark_id, file, quiet=as_json)
    if as_json:
        print_json(document)
    elif code == PLATFORM_FAULT:
        print_faults(document)
    else:
        print_evaluation(document)
    raise SystemExit(code)


def evaluate_file(
    settings: Settings, benchmark_id: str, file: Path, *, quiet: bool
) -> tuple[dict[str, Any], int]:
    """Register a file and run it; return the document to print and the exit code."""
    from hokusai_assets.benchmarks.loading import load_spec
    from hokusai_assets.benchmarks.spec import SpecError
    from hokusai_assets.contributions.identity import register
    from hokusai_assets.orchestration.home import prepare_home
    from hokusai_assets.tables.problems import UnreadableFile

    try:
        load_spec(settings.benchmarks / benchmark_id)
        prepare_home(settings)
        contribution = register(file.resolve(), settings.contributions(benchmark_id))
    except SpecError as error:
        return _unfinished(settings, benchmark_id, None, faults=[str(error)]), PLATFORM_FAULT
    except UnreadableFile as error:
        reasons = [error.problem.to_dict()]
        return _unfinished(settings, benchmark_id, None, reasons=reasons), REJECTED
    except OSError as error:
        faults = [f"{file.name}: {error.strerror}"]
        return _unfinished(settings, benchmark_id, None, faults=faults), PLATFORM_FAULT
    return run_registered(settings, benchmark_id, contribution.key, quiet=quiet)


def run_registered(
    settings: Settings,
    benchmark_id: str,
    key: str,
    *,
    quiet: bool,
    tags: dict[str, str] | None = None,
) -> tuple[dict[str, Any], int]:
    """Run a registered contribution; return the document to print and the exit code."""
    with StepDisplay(quiet=quiet) as display:
        from hokusai_assets.orchestration.build import build_definitions
        from hokusai_assets.orchestration.home import open_instance
        from hokusai_assets.orchestration.running import read_record, run_contribution

        definitions = build_definitions(settings)
        with open_instance(settings) as instance:
            outcome = run_contribution(
                definitions, instance, benchmark_id, key, on_step=display.on_step, tags=tags
            )
    if outcome.status == "failed":
        return _unfinished(settings, benchmark_id, key, faults=outcome.faults), PLATFORM_FAULT
    record = read_record(settings, benchmark_id, key)
    report = record.report.to_dict()
    document: dict[str, Any] = {
        "benchmark": benchmark_id,
        "contribution": key,
        "status": outcome.status,
        "reasons": report["reasons"],
        "rows": report["rows"],
        "metrics": {},
        "delta_one": None,
        "attestation": None,
        "attestation_hash": record.attestation_hash,
        "result_hash": record.result_hash,
        "predictions": None,
        "dry_run": settings.dry_run,
        "privacy": report["privacy"],
        "reused": outcome.reused,
        "warnings": outcome.warnings,
        "dagster_run_id": outcome.run_id,
    }
    if record.measured is None:
        return document, REJECTED
    document["metrics"] = {
        name: _metric(delta) for name, delta in record.measured["metrics"].items()
    }
    decision = record.measured["delta_one"]
    document["delta_one"] = {
        name: decision[name] for name in ("bps", "payable_bps", "accepted", "reason", "conditions")
    }
    document["attestation"] = str(record.attestation)
    document["predictions"] = str(record.predictions)
    return document, 0


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
    return {
        "benchmark": benchmark_id,
        "contribution": key,
        "status": "failed" if faults else "rejected",
        "reasons": reasons or [],
        "faults": faults or [],
        "rows": {"in": 0, "kept": 0, "hashed": 0, "removed": {}},
        "metrics": {},
        "delta_one": None,
        "attestation": None,
        "attestation_hash": None,
        "result_hash": None,
        "predictions": None,
        "dry_run": settings.dry_run,
    }
