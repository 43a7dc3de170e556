"""The statement: an in-toto Statement v1 whose predicate is a measured delta.

The predicate has three nested parts. ``claim.result`` follows from the rows alone;
``result_hash`` is the SHA-256 of its canonical JSON (RFC 8785). ``claim`` adds who sent which
file, with which code it was measured, and how it was settled among the others;
``attestation_hash`` is the SHA-256 of its canonical JSON. ``environment`` is signed but in neither
hash, since it differs between machines.

Statement layout: https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md
"""

import hashlib
import importlib.metadata
import platform
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import hokusai_assets
from hokusai_assets.benchmarks.loading import benchmark_digest
from hokusai_assets.canonical.canonical_json import digest

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://hokus.ai/attestations/metric-delta/v1"
SCHEMA_VERSION = 2
BENCHMARK_VERSION = ("spec_hash", "base_root", "test_root")
"""What of the statement's benchmark tells its versions apart."""
# The packages that decide a number; the command line and the Dagster layer do not.
DOMAIN_PACKAGES = (
    "canonical",
    "privacy",
    "tables",
    "benchmarks",
    "contributions",
    "models",
    "evaluation",
    "attestation",
)
MEASURING_LIBRARIES = ("numpy", "scipy", "scikit-learn", "pandas", "pyarrow", "skops")


def build_result(
    *,
    benchmark: Mapping[str, Any],
    baseline_model: Mapping[str, Any],
    estimator: Mapping[str, Any],
    rows: Mapping[str, Any],
    measurement: Mapping[str, Any],
) -> dict[str, Any]:
    """Return ``claim.result``: the contribution alone against the benchmark's baseline.

    Args:
        benchmark: id, spec_hash, labels, averaging, and root and count of both sets.
        baseline_model: its source, and the SHA-256 of its file where it was not trained here.
        estimator: its name, the seed, how many replicas are trained, and whether equal inputs give
            equal predictions on any machine.
        rows: in, kept, hashed, removed by reason, and the Merkle root of the kept rows.
        measurement: the part of the test set it stands on, the rows behind both models, Merkle
            roots of their predictions, confusion cells, and metrics in parts per million.
    """
    return {
        "benchmark": dict(benchmark),
        "baseline_model": dict(baseline_model),
        "estimator": dict(estimator),
        "rows": dict(rows),
        "measurement": dict(measurement),
    }


def build_claim(
    *,
    result: Mapping[str, Any],
    contribution_key: str,
    raw_digest: str,
    contributors: Sequence[Mapping[str, Any]],
    licence: str,
    history: Mapping[str, Any],
    settlement: Mapping[str, Any],
    waived_columns: Sequence[str],
    metric_sources: Mapping[str, Any],
    dry_run: bool,
) -> dict[str, Any]:
    """Return ``claim``: the result, who sent which file, and what else it followed from.

    ``history`` names the earlier contributions that rows were compared with: whether they were,
    how many there were, and a digest over their keys in order. ``settlement`` is the verdict:
    the contribution against the model of all that was accepted before it. ``metric_sources``
    names by metric the distribution that defines it, its version and entry point.
    """
    return {
        "result": dict(result),
        "contribution": {"key": contribution_key, "raw_sha256": raw_digest, "licence": licence},
        "contributors": [dict(contributor) for contributor in contributors],
        "history": {name: history[name] for name in ("checked", "recorded", "digest")},
        "settlement": dict(settlement),
        "waived_columns": sorted(waived_columns),
        "code": {"version": hokusai_assets.__version__, "sha256": code_digest()},
        "metric_sources": dict(metric_sources),
        "dry_run": dry_run,
    }


def subjects(claim: Mapping[str, Any], environment: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what a statement is about, each by its SHA-256.

    The contributed file under its key; ``benchmark:<id>`` by `benchmark_digest`;
    ``model:baseline`` and ``model:new`` by their files.
    """
    contribution, benchmark = claim["contribution"], claim["result"]["benchmark"]
    models = environment["models"]
    named = (
        (contribution["key"], contribution["raw_sha256"]),
        (
            f"benchmark:{benchmark['id']}",
            benchmark_digest(
                benchmark["spec_hash"], benchmark["base_root"], benchmark["test_root"]
            ),
        ),
        ("model:baseline", models["baseline_sha256"]),
        ("model:new", models["new_sha256"]),
    )
    return [{"name": name, "digest": {"sha256": sha256}} for name, sha256 in named]


def shown_measurements(claim: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return the measurements that a claim shows: ``result``, and ``settlement`` if released."""
    shown = {"result": claim["result"]["measurement"]}
    if claim["settlement"]["measurement"] is not None:
        shown["settlement"] = claim["settlement"]["measurement"]
    return shown


def build_statement(claim: Mapping[str, Any], environment: Mapping[str, Any]) -> dict[str, Any]:
    """Return the in-toto statement over a claim; for its subjects see `subjects`.

    Raises:
        NotCanonical: the claim or the environment holds a float or another type that has no
            canonical form.
    """
    predicate = {
        "schema_version": SCHEMA_VERSION,
        "claim": dict(claim),
        "result_hash": digest(claim["result"]),
        "attestation_hash": digest(claim),
        "environment": dict(environment),
    }
    return {
        "_type": STATEMENT_TYPE,
        "subject": subjects(claim, environment),
        "predicateType": PREDICATE_TYPE,
        "predicate": predicate,
    }


def describe_environment(models: Mapping[str, str]) -> dict[str, Any]:
    """Return what may differ between machines that agree on the claim: model files, packages.

    Args:
        models: SHA-256 (hex) of each model's files.
    """
    return {
        "models": dict(models),
        "python": platform.python_version(),
        "machine": platform.machine(),
        "packages": {
            name: {"version": version, "sha256": _package_digest(name)}
            for name, version in _package_versions().items()
        },
        "threads": 1,
    }


@cache
def code_digest() -> str:
    """SHA-256 (hex) over the path and content of every module that can change a number.

    Per file, ascending by path: the path with slashes, 0x00, the SHA-256 of the content with
    line ends as LF.
    """
    root = Path(__file__).resolve().parent.parent
    hasher = hashlib.sha256()
    paths = [path for package in DOMAIN_PACKAGES for path in (root / package).rglob("*.py")]
    for path in sorted(paths, key=lambda path: path.relative_to(root).as_posix()):
        content = path.read_bytes().replace(b"\r\n", b"\n")
        hasher.update(path.relative_to(root).as_posix().encode() + b"\x00")
        hasher.update(hashlib.sha256(content).digest())
    return hasher.hexdigest()


@cache
def software_digest() -> str:
    """SHA-256 (hex) over the code and the libraries a number depends on: what was made with
    equal digests need not be made again.
    """
    versions = ",".join(f"{name}=={version}" for name, version in _package_versions().items())
    return hashlib.sha256(f"{code_digest()}|{versions}".encode()).hexdigest()


def _package_versions() -> dict[str, str]:
    return {name: importlib.metadata.version(name) for name in MEASURING_LIBRARIES}


@cache
def _package_digest(name: str) -> str:
    """SHA-256 (hex) over the sorted lines ``<path>,sha256=<hash>`` of a distribution's RECORD.

    Files that the installer writes (``*.dist-info/``, scripts, byte code) are left out. RECORD:
    https://packaging.python.org/en/latest/specifications/recording-installed-packages/
    """
    listed = sorted(
        f"{file},{file.hash.mode}={file.hash.value}"
        for file in importlib.metadata.files(name) or ()
        if file.hash is not None
        and file.suffix != ".pyc"
        and ".." not in file.parts
        and not file.parts[0].endswith(".dist-info")
    )
    return hashlib.sha256("\n".join(listed).encode()).hexdigest()
