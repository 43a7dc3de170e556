"""A full run from the inputs gives the claim again; other inputs are told apart and named."""

import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hokusai_assets.attestation.relations import Broken, differing_leaves
from hokusai_assets.attestation.reproduction import Inputs, reproduce
from hokusai_assets.attestation.verification import verify
from hokusai_assets.contributions.identity import load
from hokusai_assets.privacy.keys import PrivacyKey

from .changed_statements import PUBLIC, failed
from .measured_contribution import Parts, measured_contribution, resign


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("reproduced")


@pytest.fixture(scope="module")
def measured(root: Path) -> Parts:
    return measured_contribution(root)


@pytest.fixture
def inputs(measured: Parts, root: Path, tmp_path: Path) -> Inputs:
    return Inputs(
        data=root,
        find=lambda key: load(root / "store", key),
        earlier=[],
        # Not the key that it was made with.
        key=PrivacyKey.from_secret(b"another key, of thirty-two bytes"),
        scratch=tmp_path,
    )


def test_the_same_inputs_give_the_same_claim_under_another_privacy_key(
    measured: Parts, inputs: Inputs
):
    statement = measured.statement()
    steps: list[str] = []
    found = reproduce(statement, inputs, on_step=steps.append)
    assert found.claim_differs == ()
    made, stated = found.statement["predicate"], statement["predicate"]
    assert made["result_hash"] == stated["result_hash"]
    assert made["attestation_hash"] == stated["attestation_hash"]
    # The fixture names its models by made-up digests.
    assert {path.partition(".")[0] for path in found.environment_differs} == {"models"}
    assert steps[0] == "loading the benchmark" and len(steps) == 4


def test_verify_tells_that_it_was_reproduced_and_where_the_environment_differs(
    measured: Parts, inputs: Inputs
):
    verification = verify(resign(measured.statement()), public_key=PUBLIC, inputs=inputs)
    (check,) = [check for check in verification.checks if check.name == "reproduced"]
    assert check.outcome == "pass"
    assert "environment differs in models.accepted_sha256" in check.detail


def test_a_forged_number_is_named(measured: Parts, inputs: Inputs):
    statement = copy.deepcopy(measured.statement())
    metrics = statement["predicate"]["claim"]["result"]["measurement"]["metrics"]
    metrics["auroc"]["low_ppm"] -= 1
    verification = verify(resign(statement), public_key=PUBLIC, inputs=inputs)
    assert "reproduced" in failed(verification)
    (check,) = [check for check in verification.checks if check.name == "reproduced"]
    assert check.detail.endswith("differs in result.measurement.metrics.auroc.low_ppm")


def test_another_file_under_the_key_is_told(measured: Parts, inputs: Inputs, tmp_path: Path):
    contribution = inputs.find(measured.contributed.report.contribution)
    header, *lines = contribution.path.read_text().splitlines()
    other = tmp_path / "data.csv"
    other.write_text("\n".join([header, *lines[:-5]]) + "\n")
    found = reproduce(
        measured.statement(), replace(inputs, find=lambda key: replace(contribution, path=other))
    )
    assert "result.rows.root" in found.claim_differs


def test_a_history_that_is_not_the_one_recorded_is_refused(measured: Parts, inputs: Inputs):
    statement = copy.deepcopy(measured.statement())
    statement["predicate"]["claim"]["history"]["recorded"] = 1
    with pytest.raises(Broken, match="1 contributions recorded before are not those given"):
        reproduce(statement, replace(inputs, earlier=["a-000000000000:00"]))


@pytest.mark.parametrize(
    ("one", "other", "paths"),
    [
        ({"a": [1, {"b": 2}]}, {"a": [1, {"b": 3}]}, ["a[1].b"]),
        ({"a": 1}, {"b": 1}, ["a", "b"]),
        ([1, 2], [1], [""]),
        ({"a": True}, {"a": 1}, ["a"]),
        ({"a": None}, {"a": None}, []),
    ],
)
def test_leaves_that_differ_are_named_by_path(one: Any, other: Any, paths: list[str]):
    assert list(differing_leaves(one, other)) == paths
