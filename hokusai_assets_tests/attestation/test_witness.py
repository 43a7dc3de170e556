"""The witness: from it alone a stranger's code gets the roots and cells that are attested."""

import copy
import json
import stat
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pyarrow.parquet as pq
import pytest

from hokusai_assets.attestation.witness import (
    NoWitness,
    build_witness,
    check_witness,
    write_witness,
)
from hokusai_assets_tests.attestation.changed_statements import another, changed
from hokusai_assets_tests.attestation.measured_contribution import (
    measured_contribution,
    write_predictions,
)
from hokusai_assets_tests.attestation.recomputed import MODULUS, merkle_root


@pytest.fixture(scope="module")
def witness(statement: dict[str, Any], predictions: Path) -> dict[str, Any]:
    return build_witness(statement, [pq.read_table(predictions)])


def hashes(column: dict[str, list[str]]) -> list[bytes]:
    pairs = zip(column["hi"], column["lo"], strict=True)
    return [int(hi).to_bytes(16, "big") + int(lo).to_bytes(16, "big") for hi, lo in pairs]


def leaf_texts(part: dict[str, Any], which: str, labels: list[str]) -> list[bytes]:
    """Return the data of each row's leaf as section 9 of the documentation writes it."""
    rows = hashes(part["row_digest"])
    texts = [
        f"{row.hex()}|{quote(labels[int(actual)], safe='')}"
        for row, actual in zip(rows, part["actual"], strict=True)
    ]
    for said in part[which]:
        for position, (code, *scores) in enumerate(
            zip(said["predicted"], *said["scores"], strict=True)
        ):
            texts[position] += f"|{quote(labels[int(code)], safe='')}|{','.join(scores)}"
    return [text.encode() for text in texts]


def assert_opens(witness: dict[str, Any], statement: dict[str, Any]) -> None:
    claim = statement["predicate"]["claim"]
    labels = witness["labels"]
    opened = []
    for part in witness["measurements"]:
        for name in part["of"]:
            opened.append(name)
            measured = claim[name]["measurement"]
            for which in ("baseline", "new"):
                leaves = leaf_texts(part, which, labels)
                assert merkle_root(leaves).hex() == measured["predictions"][f"{which}_root"]
                assert [merkle_root([leaf]) for leaf in leaves] == hashes(part[f"{which}_leaf"])
            pairs = zip(part["baseline"], part["new"], strict=True)
            for (before, after), stated in zip(pairs, measured["confusion_cells"], strict=True):
                counted = Counter(
                    zip(part["actual"], before["predicted"], after["predicted"], strict=True)
                )
                found = [
                    [*(labels[int(code)] for code in codes), count]
                    for codes, count in counted.items()
                ]
                assert sorted(found) == sorted(map(list, stated))
    assert opened == ["result", "settlement"]


def test_roots_leaves_and_cells_follow_from_the_witness_alone(
    witness: dict[str, Any], statement: dict[str, Any]
) -> None:
    written = json.loads(json.dumps(witness))
    assert_opens(written, statement)
    check_witness(written, statement)


def test_so_they_do_with_replicas(tmp_path: Path) -> None:
    model = "estimator: logistic_regression\n  params: {C: 1.0}"
    parts = measured_contribution(tmp_path, replaced={model: "estimator: sgd\n  seeds: 2"})
    statement = parts.statement()
    path = write_predictions(parts, tmp_path / "predictions.parquet", lambda table: table)
    witness = build_witness(statement, [pq.read_table(path)])
    assert [len(witness["measurements"][0][which]) for which in ("baseline", "new")] == [2, 2]
    assert_opens(witness, statement)
    check_witness(witness, statement)


def test_every_value_is_an_element_of_the_field(witness: dict[str, Any]) -> None:
    def values(node: Any) -> list[str]:
        if isinstance(node, dict):
            return [v for key, n in node.items() if key != "of" for v in values(n)]
        return [v for n in node for v in values(n)] if isinstance(node, list) else [node]

    found = [value for part in witness["measurements"] for value in values(part)]
    assert len(found) > 1000
    assert all(isinstance(value, str) and 0 <= int(value) < MODULUS for value in found)
    assert witness["modulus"] == str(MODULUS)


def test_a_witness_file_is_its_owners_alone(tmp_path: Path, witness: dict[str, Any]) -> None:
    path = tmp_path / "witness" / "generated" / "one.json"
    write_witness(path, witness)
    assert json.loads(path.read_bytes()) == witness
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def bumped(values: list[str]) -> list[str]:
    return [str((int(values[0]) + 1) % 2), *values[1:]]


@pytest.mark.parametrize(
    ("path", "change", "said"),
    [
        (("attestation_hash",), another, "another attestation"),
        (("public_inputs_hash",), another, "another attestation"),
        (("labels",), lambda labels: labels[::-1], "another attestation"),
        (("measurements",), lambda _: [], "every measurement"),
        (("measurements", 0, "of"), lambda _: ["result"], "every measurement"),
        (("measurements", 0, "of"), lambda _: ["other"], "known form"),
        (("measurements", 0, "row_digest", "lo"), lambda v: ["7", *v[1:]], "not the test rows"),
        (("measurements", 0, "actual"), bumped, "does not follow from its opening"),
        (("measurements", 0, "new", 0, "predicted"), bumped, "does not follow"),
        (("measurements", 0, "new_leaf", "hi"), lambda v: ["7", *v[1:]], "does not follow"),
        (("measurements", 0, "new", 0, "scores"), lambda v: v[:1], "known form"),
        (("measurements", 0, "actual"), lambda v: v[1:], "known form"),
        (("measurements", 0, "actual"), lambda v: [str(10**30), *v[1:]], "known form"),
        (("measurements", 0, "new"), lambda _: 7, "known form"),
        (("measurements",), lambda _: 7, "known form"),
    ],
)
def test_a_changed_witness_is_refused(
    witness: dict[str, Any],
    statement: dict[str, Any],
    path: tuple[str | int, ...],
    change: Callable[[Any], Any],
    said: str,
) -> None:
    with pytest.raises(NoWitness, match=said):
        check_witness(changed(copy.deepcopy(witness), path, change), statement)


@pytest.mark.parametrize("document", [[], {}, 7, None])
def test_another_document_is_no_witness(document: Any, statement: dict[str, Any]) -> None:
    with pytest.raises(NoWitness):
        check_witness(document, statement)


def test_files_of_other_rows_or_predictions_make_no_witness(
    statement: dict[str, Any], predictions: Path
) -> None:
    table = pq.read_table(predictions)
    for other in (
        table.slice(1),
        table.drop_columns(["label"]),
        table.drop_columns(["row_digest"]),
    ):
        with pytest.raises(NoWitness, match="not of this attestation's test rows"):
            build_witness(statement, [other])
    swapped = table.rename_columns(
        [
            name.replace("baseline_", "x_").replace("new_", "baseline_").replace("x_", "new_")
            for name in table.column_names
        ]
    )
    with pytest.raises(NoWitness, match="commits to"):
        build_witness(statement, [swapped])
    with pytest.raises(NoWitness, match="result, settlement"):
        build_witness(statement, [])
