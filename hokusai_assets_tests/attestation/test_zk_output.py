"""The zk-output document: of the agreed form, and every hash and figure computed again."""

import base64
import copy
import hashlib
import importlib.resources
import json
import re
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from hokusai_assets.attestation.public_keys import public_pem
from hokusai_assets.attestation.zk_output import Unattested, zk_output
from hokusai_assets_tests.attestation.changed_statements import PUBLIC, changed
from hokusai_assets_tests.attestation.measured_contribution import (
    Parts,
    measured_contribution,
    resign,
)
from hokusai_assets_tests.attestation.recomputed import inputs_of, merkle_root, sha256_of_json

SCHEMA = json.loads(
    (importlib.resources.files("hokusai_assets.attestation") / "schemas/zk-output.schema.json")
    .read_text(encoding="utf-8")
)  # fmt: skip
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
ONE = "contributors: [{id: ana, weight_bps: 10000}]\n"
NOBODY = "licence: MIT\n"


def exported(parts: Parts, *, dry_run: bool = False, **other: Any) -> dict[str, Any]:
    """Return the document as a reader gets it: written and read again."""
    statement = parts.statement(dry_run=dry_run)
    table = parts.contributed.rows.table
    known: dict[str, Any] = {
        "timestamp": "2026-11-27T12:00:00Z",
        "run_id": "run-1",
        "mlflow_run_id": "a" * 32,
        "columns": table.column_names,
        "verification_key": public_pem(PUBLIC).decode(),
        "has_witness": True,
    }
    document = zk_output(statement, resign(statement), Unattested(**known | other))
    return json.loads(json.dumps(document))


@pytest.fixture(scope="module")
def document(parts: Parts) -> dict[str, Any]:
    return exported(parts)


def assert_is_recomputed(document: dict[str, Any]) -> dict[str, Any]:
    """Compute every hash and figure from the attestation that the document carries."""
    stated = document["attestation"]
    envelope = json.loads(base64.b64decode(stated["signature_blob"]))
    payload = base64.b64decode(envelope["payload"])
    if stated["verification_key"] is not None:
        kind = envelope["payloadType"].encode()
        signed = b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)
        key = load_pem_public_key(stated["verification_key"].encode())
        key.verify(base64.b64decode(envelope["signatures"][0]["sig"]), signed)
    predicate = json.loads(payload)["predicate"]
    claim = predicate["claim"]
    assert predicate["attestation_hash"] == sha256_of_json(claim)

    inputs = inputs_of(predicate)
    assert stated["public_inputs_hash"] == sha256_of_json(inputs)
    leaves = [json.dumps(each, separators=(",", ":")).encode() for each in inputs]
    assert stated["hash_tree_root"] == merkle_root(leaves).hex()

    measured = claim["settlement"]["measurement"] or claim["result"]["measurement"]
    models = predicate["environment"]["models"]
    own = ("accepted", "candidate") if claim["settlement"]["measurement"] else ("baseline", "new")
    for which, role in zip(("baseline", "new"), own, strict=True):
        model = document["models"][which]
        assert model["model_hash"] == models[f"{role}_sha256"]
        assert model["training_config_hash"] == claim["result"]["benchmark"]["spec_hash"]
    benchmark = document["evaluation_results"]["benchmark_metadata"]
    assert benchmark["dataset_hash"] == measured["test_root"]
    assert benchmark["size"] == measured["test_rows"]

    deltas = document["delta_computation"]["metric_deltas"]
    for name, delta in measured["metrics"].items():
        before = document["evaluation_results"]["baseline_metrics"][name]
        after = document["evaluation_results"]["new_metrics"][name]
        assert (round(before * 10**6), round(after * 10**6)) == (
            delta["baseline_ppm"],
            delta["new_ppm"],
        )
        assert deltas[name]["baseline_value"] == before
        assert deltas[name]["absolute_delta"] == pytest.approx(after - before, abs=1e-12)
        assert deltas[name]["relative_delta"] == pytest.approx((after - before) / before, abs=1e-6)
        assert deltas[name]["improvement"] == delta["improved"]
    return claim


def test_the_schema_is_sound_and_the_document_of_its_form(document: dict[str, Any]) -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    VALIDATOR.validate(document)


def test_every_hash_and_figure_follows_from_what_the_document_carries(
    document: dict[str, Any],
) -> None:
    claim = assert_is_recomputed(document)
    score = document["delta_computation"]["delta_one_score"]
    assert round(score * 10_000) == claim["settlement"]["delta_one"]["bps"]
    assert document["attestation"]["proof_system"] == "none"
    assert document["attestation"]["circuit_hash"] is None


def test_the_data_is_named_by_the_root_of_its_rows(parts: Parts, document: dict[str, Any]) -> None:
    table = parts.contributed.rows.table
    for each in document["contributors"]:
        assert (
            each["data_hash"] == each["data_manifest"]["data_hash"] == parts.contributed.rows.root
        )
        assert each["data_manifest"]["row_count"] == table.num_rows
        assert each["data_manifest"]["columns"] == sorted(table.column_names)
        assert each["data_manifest"]["column_count"] == table.num_columns
    # Rows and columns as documented: the digests of the rows, in ascending order.
    digests = sorted(_row_digest(row) for row in table.to_pylist())
    assert merkle_of_hashes(digests).hex() == parts.contributed.rows.root


def _row_digest(row: dict[str, Any]) -> bytes:
    data = b""
    for name in sorted(row):
        cell = row[name]
        if cell is None:
            data += b"-,"
            continue
        if isinstance(cell, float):
            kind, text = "f", str(struct.unpack(">Q", struct.pack(">d", cell + 0.0))[0])
        else:
            kind, text = ("i" if isinstance(cell, int) else "s"), _without_tokens(str(cell))
        content = text.encode()
        data += b"%s%d:%s," % (kind.encode(), len(content), content)
    return hashlib.sha256(b"\x00" + data).digest()


def _without_tokens(text: str) -> str:
    return re.sub(r"<([A-Z_]+):[^>]*>", r"<\1>", text)


def merkle_of_hashes(hashes: list[bytes]) -> bytes:
    if len(hashes) == 1:
        return hashes[0]
    k = 1
    while 2 * k < len(hashes):
        k *= 2
    both = merkle_of_hashes(hashes[:k]) + merkle_of_hashes(hashes[k:])
    return hashlib.sha256(b"\x01" + both).digest()


def test_several_contributors_have_their_weights_and_wallets(document: dict[str, Any]) -> None:
    assert "contributor_info" not in document
    ana, bob = document["contributors"]
    assert (ana["id"], ana["weight"], bob["id"], bob["weight"]) == ("ana", 0.7, "bob", 0.3)
    assert ana["wallet_address"].lower() == "0x00112233445566778899aabbccddeeff00112233"
    assert "wallet_address" not in bob


def test_one_contributor_or_none_is_an_object(tmp_path: Path) -> None:
    one = exported(measured_contribution(tmp_path / "one", sidecar=ONE))
    VALIDATOR.validate(one)
    assert "contributors" not in one
    assert one["contributor_info"]["contributor_id"] == "ana"
    assert one["contributor_info"]["contributor_weights"] == 1
    nobody = exported(measured_contribution(tmp_path / "nobody", sidecar=NOBODY))
    VALIDATOR.validate(nobody)
    assert "contributor_id" not in nobody["contributor_info"]
    assert "contributor_weights" not in nobody["contributor_info"]


def test_what_is_not_known_is_left_out_or_null_and_moves_no_hash(
    parts: Parts, document: dict[str, Any]
) -> None:
    bare = exported(
        parts, run_id=None, mlflow_run_id=None, verification_key=None, has_witness=False,
        timestamp="2027-01-01T00:00:00Z",
    )  # fmt: skip
    VALIDATOR.validate(bare)
    assert bare["metadata"]["pipeline_run_id"] == parts.statement()["predicate"]["attestation_hash"]
    assert "mlflow_run_id" not in bare["models"]["new"]
    assert bare["attestation"]["verification_key"] is None
    assert bare["attestation"]["proof_ready"] is False
    for name in ("hash_tree_root", "public_inputs_hash", "signature_blob"):
        assert bare["attestation"][name] == document["attestation"][name]
    assert_is_recomputed(bare)


def test_a_dry_run_says_so(parts: Parts) -> None:
    document = exported(parts, dry_run=True)
    VALIDATOR.validate(document)
    assert document["metadata"]["dry_run"] is True


def test_where_the_settlement_is_kept_back_the_figures_are_of_the_public_part(
    tmp_path: Path,
) -> None:
    lines = "test_split: {public_share: 0.4}\ndelta_one: {min_delta_bps: 9999, min_examples: 9}\n"
    document = exported(measured_contribution(tmp_path, spec_lines=lines))
    VALIDATOR.validate(document)
    claim = assert_is_recomputed(document)
    assert claim["settlement"]["measurement"] is None
    assert document["evaluation_results"]["benchmark_metadata"]["size"] == 400


def test_accuracy_comes_from_the_cells_where_it_is_not_measured(tmp_path: Path) -> None:
    metrics = "{primary: auroc, secondary: [accuracy, precision, recall, f1]}"
    guardrails = "guardrails: {accuracy: {max_drop_bps: 50}}"
    changes = {metrics: "{primary: log_loss}", guardrails: ""}
    parts = measured_contribution(tmp_path, replaced=changes)
    document = exported(parts)
    VALIDATOR.validate(document)
    claim = assert_is_recomputed(document)
    (cells,) = claim["settlement"]["measurement"]["confusion_cells"]
    hits = sum(n for true, _, after, n in cells if true == after)
    assert document["evaluation_results"]["new_metrics"]["accuracy"] == hits / 1000
    # Lower is better: a fall is a gain.
    deltas = document["delta_computation"]
    assert deltas["metrics_included"] == ["log_loss"]
    assert (deltas["delta_one_score"] > 0) == ("log_loss" in deltas["improved_metrics"])
    assert "accuracy" not in deltas["metric_deltas"]


def test_a_metric_without_a_relative_delta_is_left_out_of_the_deltas_alone(parts: Parts) -> None:
    metric = ("predicate", "claim", "settlement", "measurement", "metrics", "recall")
    statement = parts.statement()
    for name, value in (("baseline_ppm", 0), ("relative_delta_ppm", None)):
        statement = changed(statement, (*metric, name), lambda _, value=value: value)
    unattested = Unattested("2026-11-27T12:00:00Z", None, None, ["a"], None, False)
    document = zk_output(statement, resign(statement), unattested)
    VALIDATOR.validate(json.loads(json.dumps(document)))
    assert "recall" not in document["delta_computation"]["metric_deltas"]
    assert document["evaluation_results"]["baseline_metrics"]["recall"] == 0


@pytest.mark.parametrize("run_id", ["", "a b", "a/b", "run\n"])
def test_a_run_id_that_the_document_can_not_hold_is_refused(parts: Parts, run_id: str) -> None:
    with pytest.raises(ValueError, match="run id"):
        exported(parts, run_id=run_id)


@pytest.mark.parametrize(
    ("path", "change"),
    [
        ((), lambda d: d | {"more": 1}),
        ((), lambda d: {k: v for k, v in d.items() if k != "models"}),
        ((), lambda d: {k: v for k, v in d.items() if k != "contributors"}),
        ((), lambda d: d | {"contributor_info": {"data_hash": "", "data_manifest": {}}}),
        (("schema_version",), lambda _: "1"),
        (("metadata", "pipeline_run_id"), lambda _: "a b"),
        (("evaluation_results", "benchmark_metadata", "size"), lambda _: 0),
        (("evaluation_results", "new_metrics", "accuracy"), lambda _: 1.5),
        (("evaluation_results", "new_metrics"), lambda m: {"f1": m["f1"]}),
        (("delta_computation", "computation_method"), lambda _: "other"),
        (("delta_computation", "metric_deltas"), lambda m: {"F-1": m["f1"]}),
        (("models", "new", "model_hash"), lambda v: v[1:]),
        (("contributors",), lambda _: []),
        (("contributors", 0, "weight"), lambda _: 2),
        (("contributors", 0, "wallet_address"), lambda _: "0x12"),
        (("attestation", "hash_tree_root"), lambda v: f"0x{v}"),
        (("attestation", "proof_ready"), lambda _: "yes"),
        (("attestation", "proof_system"), lambda _: "ed25519"),
    ],
)
def test_the_schema_refuses_what_is_not_of_the_form(
    document: dict[str, Any], path: tuple[str | int, ...], change: Callable[[Any], Any]
) -> None:
    holder = {"document": copy.deepcopy(document)}
    node: Any = holder
    for key in ("document", *path)[:-1]:
        node = node[key]
    last = ("document", *path)[-1]
    node[last] = change(node[last])
    assert not VALIDATOR.is_valid(holder["document"])
