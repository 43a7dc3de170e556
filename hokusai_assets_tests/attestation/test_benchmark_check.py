"""An attestation held against the benchmark's files, also those of an earlier version."""

import copy
from pathlib import Path
from typing import Any

import pytest

from hokusai_assets.attestation.benchmark_check import attested_benchmark, check_parts
from hokusai_assets.attestation.relations import Broken
from hokusai_assets.attestation.verification import verify
from hokusai_assets.benchmarks.versions import next_spec_text

from .changed_statements import PUBLIC, failed
from .measured_contribution import Parts, measured_contribution, resign


@pytest.fixture
def measured(tmp_path: Path) -> tuple[Parts, Path, Path]:
    """A measured contribution, its data folder, and the benchmark's folder in it."""
    parts = measured_contribution(tmp_path)
    return parts, tmp_path, tmp_path / "benchmarks" / "generated"


def claim_of(parts: Parts) -> dict[str, Any]:
    claim: dict[str, Any] = parts.statement()["predicate"]["claim"]
    return claim


def test_the_files_it_was_measured_with_pass(measured: tuple[Parts, Path, Path]):
    parts, data, _ = measured
    benchmark = attested_benchmark(claim_of(parts), data)
    assert benchmark.content_digest == parts.benchmark.content_digest
    check_parts(claim_of(parts), benchmark)
    verification = verify(resign(parts.statement()), public_key=PUBLIC, data_folder=data)
    assert [c.outcome for c in verification.checks if c.name == "benchmark"] == ["pass"]


def test_an_earlier_version_is_found(measured: tuple[Parts, Path, Path]):
    parts, data, folder = measured
    spec = folder / "benchmark.yaml"
    (folder / "versions").mkdir()
    (folder / "versions" / "1.yaml").write_bytes(spec.read_bytes())
    digest = parts.benchmark.content_digest
    spec.write_text(
        next_spec_text(spec.read_text(), [], version=2, promoted_from=digest).replace(
            "seed: 1", "seed: 2"
        )
    )
    assert attested_benchmark(claim_of(parts), data).content_digest == digest
    (folder / "versions" / "1.yaml").write_text(spec.read_text())
    with pytest.raises(Broken, match=r"spec_hash of .* and its earlier versions differ"):
        attested_benchmark(claim_of(parts), data)


def test_other_rows_and_another_rule_are_named(measured: tuple[Parts, Path, Path]):
    parts, data, folder = measured
    claim = claim_of(parts)
    (folder / "base.parquet").write_bytes((folder / "test.parquet").read_bytes())
    with pytest.raises(Broken, match="base_root, base_rows of"):
        attested_benchmark(claim, data)


def test_a_benchmark_that_is_not_there_is_told(measured: tuple[Parts, Path, Path], tmp_path: Path):
    parts, _, _ = measured
    with pytest.raises(Broken, match="file is missing"):
        attested_benchmark(claim_of(parts), tmp_path / "nowhere")


def test_a_measurement_on_other_rows_than_the_spec_splits_off_is_told(
    measured: tuple[Parts, Path, Path],
):
    parts, data, _ = measured
    statement = copy.deepcopy(parts.statement())
    claim = statement["predicate"]["claim"]
    claim["settlement"]["measurement"]["part"] = "private"
    with pytest.raises(Broken, match="settlement: measured on other rows"):
        check_parts(claim, attested_benchmark(claim, data))
    assert "benchmark" in failed(verify(resign(statement), public_key=PUBLIC, data_folder=data))
