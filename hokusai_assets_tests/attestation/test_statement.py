"""The statement: integers and strings alone, nothing of the machine in what is hashed."""

import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hokusai_assets.attestation.statement import (
    build_claim,
    build_statement,
    code_digest,
    describe_environment,
)
from hokusai_assets.attestation.statement_form import form_faults
from hokusai_assets.canonical.canonical_json import NotCanonical, digest
from hokusai_assets_tests.attestation.measured_contribution import Parts, measured_contribution

PROJECT = Path(__file__).resolve().parents[2]


def leaves(node: Any) -> list[Any]:
    if isinstance(node, dict):
        return [*node, *(leaf for value in node.values() for leaf in leaves(value))]
    if isinstance(node, list):
        return [leaf for value in node for leaf in leaves(value)]
    return [node]


def test_a_statement_holds_integers_strings_booleans_and_nothing_else(parts: Parts) -> None:
    kinds = {type(leaf) for leaf in leaves(parts.statement())}
    assert kinds == {int, str, bool, type(None)}


def test_a_statement_holds_no_path_host_address_or_clock(parts: Parts) -> None:
    statement = parts.statement()
    known = {
        statement["_type"],
        statement["predicateType"],
    }
    texts = [leaf for leaf in leaves(statement) if isinstance(leaf, str) and leaf not in known]
    assert not [text for text in texts if "/" in text or "\\" in text]
    assert not [text for text in texts if socket.gethostname() in text]
    assert not [text for text in texts if re.search(r"20\d\d-\d\d-\d\d|\d\d:\d\d", text)]
    now = [leaf for leaf in leaves(statement) if isinstance(leaf, int) and leaf > 10**9]
    assert now == []


def test_the_hashes_are_those_of_the_nested_parts(parts: Parts) -> None:
    predicate = parts.statement()["predicate"]
    assert predicate["result_hash"] == digest(predicate["claim"]["result"])
    assert predicate["attestation_hash"] == digest(predicate["claim"])
    assert predicate["environment"]["models"] == {
        "baseline_sha256": "1" * 64,
        "new_sha256": "2" * 64,
        "accepted_sha256": "1" * 64,
        "candidate_sha256": "2" * 64,
    }


def test_a_statement_has_the_form_that_verifiers_demand(parts: Parts) -> None:
    assert form_faults(parts.statement()) == []
    assert form_faults(parts.statement(dry_run=True)) == []


def test_the_environment_is_in_neither_hash(parts: Parts) -> None:
    claim = parts.statement()["predicate"]["claim"]
    first, second = (
        build_statement(claim, describe_environment({"baseline_sha256": a * 64}))["predicate"]
        for a in "ab"
    )
    assert first["environment"] != second["environment"]
    assert first["result_hash"] == second["result_hash"]
    assert first["attestation_hash"] == second["attestation_hash"]


def test_a_dry_run_has_another_attestation_hash(parts: Parts) -> None:
    real, dry = (parts.statement(dry_run=dry_run)["predicate"] for dry_run in (False, True))
    assert real["result_hash"] == dry["result_hash"]
    assert real["attestation_hash"] != dry["attestation_hash"]


def test_a_float_is_refused_by_its_place(parts: Parts) -> None:
    with pytest.raises(NotCanonical, match=r"no float \(at \$\.rows"):
        build_statement(
            build_claim(
                result={"rows": {"in": 0.5}},
                contribution_key="a-0",
                raw_digest="0",
                contributors=[],
                licence="",
                history={"checked": False, "recorded": 0, "digest": "0" * 64},
                settlement={},
                waived_columns=[],
                metric_sources={},
                dry_run=False,
            ),
            {},
        )


def test_a_renamed_file_has_the_same_result_and_another_claim(parts: Parts, tmp_path: Path) -> None:
    renamed = measured_contribution(tmp_path, name="renamed.csv").statement()["predicate"]
    original = parts.statement()["predicate"]
    assert renamed["result_hash"] == original["result_hash"]
    assert renamed["attestation_hash"] != original["attestation_hash"]
    assert renamed["claim"]["contribution"]["key"].startswith("renamed-")


_HASHES = """
import json, os, sys, tempfile
from pathlib import Path
from hokusai_assets_tests.attestation.measured_contribution import measured_contribution
with tempfile.TemporaryDirectory() as folder:
    predicate = measured_contribution(Path(folder)).statement()["predicate"]
print(json.dumps([predicate["result_hash"], predicate["attestation_hash"]]))
"""


def test_the_hashes_do_not_change_with_home_folder_zone_or_hash_seed(
    parts: Parts, tmp_path: Path
) -> None:
    process = subprocess.run(
        [sys.executable, "-c", _HASHES],
        cwd=tmp_path,
        env=os.environ
        | {
            "HOME": str(tmp_path),
            "TZ": "Asia/Kathmandu",
            "LC_ALL": "C",
            "PYTHONHASHSEED": "12",
            "PYTHONPATH": str(PROJECT),
        },
        capture_output=True,
        check=True,
        timeout=120,
    )
    predicate = parts.statement()["predicate"]
    assert json.loads(process.stdout) == [predicate["result_hash"], predicate["attestation_hash"]]


def test_the_code_digest_is_one_of_this_code() -> None:
    assert re.fullmatch(r"[0-9a-f]{64}", code_digest())
    assert code_digest() == code_digest()


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        (("extra",), 1, "extra: Extra inputs"),
        (("predicate", "claim", "note"), "", "predicate.claim.note: Extra inputs"),
        (("predicate", "claim", "dry_run"), 0, "predicate.claim.dry_run: Input should be a valid"),
        (("predicate", "claim", "result", "rows", "in"), True, "rows.in: Input should be a valid"),
        (("predicate", "claim", "result", "rows", "kept"), "9", "rows.kept: Input should be a"),
        (("predicate", "result_hash"), "A" * 64, "predicate.result_hash: String should match"),
    ],
)
def test_another_form_is_told_by_its_place(
    parts: Parts, path: tuple[str, ...], value: object, told: str
) -> None:
    statement = json.loads(json.dumps(parts.statement()))
    node = statement
    for key in path[:-1]:
        node = node[key]
    node[path[-1]] = value
    (fault,) = form_faults(statement)
    assert told in fault
