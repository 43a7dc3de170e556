"""One measured contribution for all tests of attestations."""

from pathlib import Path
from typing import Any

import pytest

from hokusai_assets_tests.attestation.measured_contribution import (
    Parts,
    measured_contribution,
    write_predictions,
)


@pytest.fixture(scope="session")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Parts:
    return measured_contribution(tmp_path_factory.mktemp("measured"))


@pytest.fixture(scope="session")
def statement(parts: Parts) -> dict[str, Any]:
    return parts.statement()


@pytest.fixture(scope="session")
def predictions(parts: Parts, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("predictions") / "predictions.parquet"
    return write_predictions(parts, path, lambda table: table)
