"""The measured contribution, with a wallet for every contributor, for all tests of minting."""

from typing import Any

import pytest

from hokusai_assets.minting.mint_request import MintRequest
from hokusai_assets_tests.attestation.measured_contribution import Parts, measured_contribution
from hokusai_assets_tests.minting.example_request import example, with_wallets


@pytest.fixture(scope="session")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Parts:
    return measured_contribution(tmp_path_factory.mktemp("measured"))


@pytest.fixture(scope="session")
def statement(parts: Parts) -> dict[str, Any]:
    return with_wallets(parts.statement())


@pytest.fixture(scope="session")
def mint_request(statement: dict[str, Any]) -> MintRequest:
    return example(statement)
