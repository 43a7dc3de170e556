"""The committed contract is what its source compiles to, and has the interface of the wire form."""

import importlib.util
import json
from types import ModuleType

import pytest
from Crypto.Hash import keccak

from hokusai_assets.minting.typed_data import FUNCTION
from hokusai_assets_tests.minting.chain import COMPILED, CONTRACTS, FUNCTIONS


@pytest.fixture(scope="module")
def compiler() -> ModuleType:
    spec = importlib.util.spec_from_file_location("compile_contract", CONTRACTS / "compile.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_compiling_again_gives_the_committed_file(compiler: ModuleType) -> None:
    assert compiler.compiled() == COMPILED
    text = compiler.COMPILED.read_text(encoding="utf-8")
    assert text == json.dumps(COMPILED, indent=1) + "\n"


def test_the_compiled_interface_is_the_one_that_requests_are_made_for() -> None:
    arguments, outputs = FUNCTIONS["submitMintRequest"]
    assert f"submitMintRequest({','.join(arguments)})" == FUNCTION
    assert outputs == ["uint256"]


def test_the_selector_is_that_of_the_wire_form() -> None:
    written = (
        "submitMintRequest(uint256,(string,uint256,uint256,uint256,uint256,uint256,"
        "(bytes32,bytes32,bytes32,bytes32,string,string),bytes32,bytes32,uint256),"
        "(address,uint256)[],bytes[])"
    )
    assert written == FUNCTION
    assert keccak.new(digest_bits=256, data=written.encode()).hexdigest()[:8] == "af829f8e"


def test_the_contract_fits_on_chain() -> None:
    # EIP-170 and EIP-3860 bound what is deployed and what deploys it.
    assert len(COMPILED["bytecode"]) // 2 < 24_576
