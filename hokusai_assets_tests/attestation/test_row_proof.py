"""One opened row: what it shows leads to the attestation's roots, and nothing else does."""

import base64
import copy
import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hokusai_assets.attestation.prediction_commitment import row_digests_of
from hokusai_assets.attestation.relations import Broken
from hokusai_assets.attestation.row_proof import NoSuchRow, check_row_proof, prove_row
from hokusai_assets.canonical.rows import row_bytes
from hokusai_assets.privacy.tokens import reduce_table

from .changed_statements import KeyPath
from .measured_contribution import Parts
from .test_verification import leaf_paths


@pytest.fixture(scope="module")
def opened(parts: Parts) -> dict[str, bytes]:
    test = parts.benchmark.test
    cells = row_bytes(reduce_table(test.table))
    return {digest.hex(): data for digest, data in zip(test.digests, cells, strict=True)}


@pytest.fixture(scope="module")
def proof(statement: dict[str, Any], predictions: Path, opened: dict[str, bytes]) -> dict[str, Any]:
    return prove_row(statement, pq.read_table(predictions), 7, row_bytes=opened)


def shown(proof: dict[str, Any], statement: dict[str, Any]) -> str:
    return check_row_proof(json.dumps(proof).encode(), statement)


def test_every_place_leads_to_the_roots_by_index_and_by_digest(
    statement: dict[str, Any], predictions: Path
):
    table = pq.read_table(predictions)
    digests = row_digests_of(table)
    for index in (0, 1, 499, len(digests) - 1):
        by_index = prove_row(statement, table, index)
        assert by_index == prove_row(statement, table, digests[index].hex())
        assert by_index["row"]["canonical_base64"] is None
        assert f"row {index:,} of {len(digests):,} is" in shown(by_index, statement)


def test_what_it_shows_is_what_the_per_row_file_says(
    proof: dict[str, Any], statement: dict[str, Any], predictions: Path
):
    row = pq.read_table(predictions).slice(7, 1).to_pylist()[0]
    assert shown(proof, statement) == (
        f"row 7 of 1,000 is {row['label']}; the baseline said {row['baseline_label']}, "
        f"the new model {row['new_label']} (result)"
    )


def test_the_opened_row_has_the_cells_of_a_test_row(proof: dict[str, Any], parts: Parts):
    cells = base64.b64decode(proof["row"]["canonical_base64"])
    row = parts.benchmark.test.table.slice(7, 1).to_pylist()[0]
    assert f"s{len(row['late'])}:{row['late']},".encode() in cells


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_whatever_leaf_of_a_proof_is_changed_it_fails(
    proof: dict[str, Any], statement: dict[str, Any], data: st.DataObject
):
    paths: list[KeyPath] = list(leaf_paths(proof))
    path = data.draw(st.sampled_from(paths))
    changed = copy.deepcopy(proof)
    node: Any = changed
    for key in path[:-1]:
        node = node[key]
    was = node[path[-1]]
    if isinstance(was, int):
        node[path[-1]] = data.draw(st.integers(-1, 2_000).filter(lambda value: value != was))
    else:
        at = data.draw(st.integers(0, len(was) - 1))
        letter = data.draw(st.sampled_from("0a|f").filter(lambda value: value != was[at]))
        node[path[-1]] = was[:at] + letter + was[at + 1 :]
    if path == ("row", "canonical_base64"):
        # The last letter of base64 has bits that nothing reads.
        decoded = base64.b64decode(was)
        try:
            same = base64.b64decode(node[path[-1]], validate=True) == decoded
        except ValueError:
            same = False
        if same:
            return
    with pytest.raises(Broken):
        shown(changed, statement)


def test_a_proof_of_another_attestation_or_a_measurement_not_shown_fails(
    proof: dict[str, Any], statement: dict[str, Any], parts: Parts
):
    with pytest.raises(Broken, match="another attestation"):
        shown(proof, parts.statement(dry_run=True))
    hidden = copy.deepcopy(statement)
    hidden["predicate"]["claim"]["settlement"]["measurement"] = None
    with pytest.raises(Broken, match="does not show that measurement"):
        shown(proof | {"measurement": "settlement"}, hidden)


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b'{"index": 1.5}', b"\xff", b"[" * 100_000])
def test_what_is_no_proof_is_told(data: bytes, statement: dict[str, Any]):
    with pytest.raises(Broken, match="no row proof"):
        check_row_proof(data, statement)


def test_rows_that_are_not_there_are_told_without_echo(
    statement: dict[str, Any], predictions: Path
):
    table = pq.read_table(predictions)
    for row in (1_000, -1, "0" * 64, "no hex"):
        with pytest.raises(NoSuchRow, match=r"no row of the file has that digest|is not among"):
            prove_row(statement, table, row)


def test_a_file_with_other_predictions_is_refused(statement: dict[str, Any], predictions: Path):
    table = pq.read_table(predictions)
    swapped = table.rename_columns(
        {
            f"new_score:{label}": f"new_score:{other}"
            for label, other in (("no", "yes"), ("yes", "no"))
        }
    )
    with pytest.raises(Broken, match="not those committed to"):
        prove_row(statement, swapped, 7)
