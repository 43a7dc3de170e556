"""A dry run: the real job in a temporary home, on samples, signed with the published key."""

import os
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from hokusai_assets.benchmarks.generated import GENERATED_ID, write_generated_benchmark
from hokusai_assets.benchmarks.loading import SPEC_FILE
from hokusai_assets.cli.contribution_runs import evaluate_file
from hokusai_assets.settings import Settings

_SAMPLE = {"max_train_rows": 2000, "max_test_rows": 1000}


def rehearse(
    settings: Settings, folder: Path | None, file: Path | None, *, seed: int, quiet: bool
) -> tuple[dict[str, Any], int]:
    """Run a contribution in a temporary home and keep only what holds no data.

    Args:
        settings: the real deployment's; only read.
        folder: the real benchmark's folder, None for a generated benchmark.
        file: the contribution, None for a generated one.
        seed: of generated data.
        quiet: show no progress.

    Returns:
        The document to print and the exit code. The report, the attestation and the per-row
        predictions are moved to a folder of their own; the home, with its copy of the data, is
        removed.
    """
    with tempfile.TemporaryDirectory(prefix="hokusai-dry-run-home-") as scratch:
        root = Path(scratch)
        benchmark_id = GENERATED_ID if folder is None else folder.name
        if folder is None:
            _, file = write_generated_benchmark(root / "data", seed)
        else:
            _copy_with_samples(folder, root / "data" / "benchmarks" / folder.name)
        assert file is not None
        home = root / "home"
        rehearsal = replace(
            settings,
            home=home,
            data=root / "data",
            drops=str(root / "data" / "drops"),
            production=False,
            tracking=None,
            mlflow_tracking_uri=f"sqlite:///{home / 'mlflow' / 'mlflow.db'}",
            mlflow_experiment="hokusai-dry-run",
            mlflow_artifact_root=(home / "mlflow" / "artifacts").as_uri(),
            dry_run=True,
        )
        real_dagster_home = os.environ.get("DAGSTER_HOME")
        try:
            document, code = evaluate_file(rehearsal, benchmark_id, file, quiet=quiet)
        finally:
            if real_dagster_home is None:
                os.environ.pop("DAGSTER_HOME", None)
            else:
                os.environ["DAGSTER_HOME"] = real_dagster_home
        _keep_results(document, rehearsal)
    return document, code


def _copy_with_samples(folder: Path, target: Path) -> None:
    shutil.copytree(folder, target)
    yaml = YAML()
    spec = yaml.load((folder / SPEC_FILE).read_text(encoding="utf-8"))
    if isinstance(spec, dict):
        limits = dict(spec.get("sampling") or {})
        spec["sampling"] = {
            name: min(limit, limits.get(name) or limit) for name, limit in _SAMPLE.items()
        }
        with (target / SPEC_FILE).open("w", encoding="utf-8") as stream:
            yaml.dump(spec, stream)


def _keep_results(document: dict[str, Any], rehearsal: Settings) -> None:
    """Keep what holds no rows, and name it in the document; of a file not even read nothing is."""
    if document["status"] == "failed" or document["contribution"] is None:
        return
    from hokusai_assets.orchestration.reports import contribution_report

    kept = Path(tempfile.mkdtemp(prefix="hokusai-dry-run-"))
    page = contribution_report(rehearsal, document["benchmark"], document["contribution"])
    report = kept / "report.html"
    report.write_text(page, encoding="utf-8")
    document["report"] = str(report)
    if document["attestation"] is None:
        return
    document["attestation"] = _copied(document["attestation"], kept / "attestation.json")
    document["predictions"] = [
        _copied(source, kept / Path(source).name) for source in document["predictions"]
    ]


def _copied(source: str, target: Path) -> str:
    shutil.copyfile(source, target)
    return str(target)
