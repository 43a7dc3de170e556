"""The published JSON Schema says what the statement's form says, and the example is a real one."""

import copy
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hokusai_assets.attestation.envelope import open_envelope
from hokusai_assets.attestation.statement_form import form_faults
from hokusai_assets.attestation.statement_schema import (
    STATEMENT_EXAMPLE_FILE,
    STATEMENT_SCHEMA_FILE,
    described_fields,
    field_table,
    schema_text,
    statement_schema,
)
from hokusai_assets.attestation.verification import verify
from hokusai_assets.canonical.canonical_json import canonical_bytes

from .changed_statements import PUBLIC, KeyPath, failed
from .measured_contribution import resign
from .test_verification import leaf_paths

VALIDATOR = jsonschema.Draft202012Validator(statement_schema())
DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "ATTESTATION.md"


def test_the_kept_schema_is_the_forms_and_a_schema_of_draft_2020_12():
    assert STATEMENT_SCHEMA_FILE.read_text(encoding="utf-8") == schema_text()
    jsonschema.Draft202012Validator.check_schema(statement_schema())


def test_a_statement_and_the_kept_example_fit_the_schema(statement: dict[str, Any]):
    VALIDATOR.validate(statement)
    example = json.loads(STATEMENT_EXAMPLE_FILE.read_bytes())
    VALIDATOR.validate(example)
    assert failed(verify(resign(example), public_key=PUBLIC)) == []


def test_every_field_is_described_and_stands_in_the_document():
    fields = list(described_fields(statement_schema()))
    assert [path for path, kind, meaning in fields if not (kind and meaning)] == []
    assert field_table() in DOCUMENT.read_text(encoding="utf-8")


def test_the_table_has_every_key_of_a_statement(statement: dict[str, Any]):
    described = {path for path, _, _ in described_fields(statement_schema())}

    def keys(node: Any, names: dict[str, Any]) -> set[str]:
        if isinstance(node, list):
            return set().union(*(keys(item, names) for item in node))
        if not isinstance(node, dict):
            return set()
        return set(node) | set().union(*(keys(item, names) for item in node.values()))

    last = {path.rpartition(".")[2].removesuffix("[]") for path in described}
    data = {"accuracy", "precision", "recall", "f1", "auroc", "numpy", "scipy", "scikit-learn"}
    data |= {"pandas", "pyarrow", "skops"}
    assert keys(statement, {}) - data <= last


@pytest.fixture(scope="module")
def paths(statement: dict[str, Any]) -> list[KeyPath]:
    return list(leaf_paths(statement))


OTHERS = st.sampled_from(
    [None, True, False, 0, 1, -1, 2**53 - 1, 999_999, "", "x", "0" * 64, "A" * 64, "macro", [], {}]
)


@settings(
    max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_schema_and_form_agree_on_changed_statements(
    statement: dict[str, Any], paths: list[KeyPath], data: st.DataObject
):
    path = data.draw(st.sampled_from(paths))
    changed = copy.deepcopy(statement)
    node: Any = changed
    for key in path[:-1]:
        node = node[key]
    how = data.draw(st.sampled_from(["replace", "remove", "add"]))
    if how == "remove" and isinstance(node, dict):
        del node[path[-1]]
    elif how == "add" and isinstance(node, dict):
        node["added"] = data.draw(OTHERS)
    else:
        node[path[-1]] = data.draw(OTHERS)
    # As a reader has it: parsed from JSON.
    changed = json.loads(canonical_bytes(changed))
    assert (form_faults(changed) == []) == VALIDATOR.is_valid(changed)


def test_the_example_is_the_payload_that_an_envelope_holds(statement: dict[str, Any]):
    _, opened = open_envelope(resign(copy.deepcopy(statement)))
    VALIDATOR.validate(opened)
