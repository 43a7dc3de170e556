"""The private witness of an attestation: per test row, what opens its commitments.

Columns of BN254 field elements as decimal strings, by the rule of `public_inputs`; scores are in
billionths. It holds labels and predictions of the held-out test set, but no cell of any row.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from hokusai_assets.attestation.measurement_checks import measurements_of
from hokusai_assets.attestation.prediction_commitment import (
    MODELS,
    PerRowFile,
    prediction_leaves,
)
from hokusai_assets.attestation.public_inputs import (
    FIELD,
    FIELD_MODULUS,
    limbs,
    public_inputs,
    public_inputs_hash,
)
from hokusai_assets.attestation.relations import Broken
from hokusai_assets.attestation.statement import shown_measurements
from hokusai_assets.canonical import merkle, rows
from hokusai_assets.drafts import replace_file
from hokusai_assets.evaluation.deltas import confusion_cells
from hokusai_assets.evaluation.measurement import in_pairs
from hokusai_assets.evaluation.predictions import SCORE_UNITS, Predictions, billionths

WITNESS_VERSION = 1
_LIMIT = 2**128


class NoWitness(ValueError):
    """There is no witness of an attestation here; the message says why."""


def build_witness(statement: Mapping[str, Any], tables: Sequence[pa.Table]) -> dict[str, Any]:
    """Return the witness of a statement.

    Args:
        statement: the attestation's.
        tables: per-row tables (`predictions_table`), one at least for each measurement told.

    Raises:
        NoWitness: a measurement's table is not among them, or one is no such table.
    """
    claim = statement["predicate"]["claim"]
    shown = shown_measurements(claim)
    opened: set[str] = set()
    measurements: list[dict[str, Any]] = []
    for table in tables:
        try:
            file, _ = measurements_of(table, list(shown.values()), claim)
        except (Broken, LookupError, ValueError, pa.ArrowException):
            raise NoWitness("a per-row file is not of this attestation's test rows") from None
        own = [name for name, m in shown.items() if m["predictions"] == file.roots]
        if not own:
            raise NoWitness("a per-row file is not what this attestation commits to")
        if not opened >= set(own):
            opened.update(own)
            measurements.append({"of": own, **_columns(file)})
    if missing := sorted(shown.keys() - opened):
        raise NoWitness(f"no per-row file opens the measurement of the {', '.join(missing)}")
    return {
        "witness_version": WITNESS_VERSION,
        "field": FIELD,
        "modulus": str(FIELD_MODULUS),
        "attestation_hash": statement["predicate"]["attestation_hash"],
        "public_inputs_hash": public_inputs_hash(public_inputs(statement)),
        "labels": list(claim["result"]["benchmark"]["labels"]),
        "score_units": str(SCORE_UNITS),
        "measurements": measurements,
    }


def write_witness(path: Path, witness: Mapping[str, Any]) -> None:
    """Write a witness so that only its owner can read it (0600, a new folder 0700)."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    replace_file(path, json.dumps(witness, separators=(",", ":")).encode() + b"\n", mode=0o600)


def check_witness(witness: Mapping[str, Any], statement: Mapping[str, Any]) -> None:
    """Check that a witness alone opens all that a statement commits to.

    Test rows, leaves, both models' roots and the confusion cells are computed from it.

    Raises:
        NoWitness: it does not, or has another form.
    """
    claim = statement["predicate"]["claim"]
    shown = shown_measurements(claim)
    labels = tuple(claim["result"]["benchmark"]["labels"])
    expected = {
        "witness_version": WITNESS_VERSION,
        "attestation_hash": statement["predicate"]["attestation_hash"],
        "public_inputs_hash": public_inputs_hash(public_inputs(statement)),
        "labels": list(labels),
    }
    try:
        if any(witness[name] != value for name, value in expected.items()):
            raise NoWitness("the witness is of another attestation")
        opened: set[str] = set()
        for part in witness["measurements"]:
            for name in part["of"]:
                _check_opening(part, shown[name], labels)
                opened.add(name)
    except NoWitness:
        raise
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError):
        raise NoWitness("the witness is not of the known form") from None
    if opened != shown.keys():
        raise NoWitness("the witness does not open every measurement")


def _columns(file: PerRowFile) -> dict[str, Any]:
    digests = file.row_digests
    columns: dict[str, Any] = {
        "row_digest": _in_limbs(digests),
        "actual": _texts(file.replicas["new"][0].actual),
    }
    for which in MODELS:
        replicas = file.replicas[which]
        columns[which] = [
            {
                "predicted": _texts(said.predicted),
                "scores": [_texts(column) for column in billionths(said.scores).T],
            }
            for said in replicas
        ]
        columns[f"{which}_leaf"] = _in_limbs(prediction_leaves(digests, replicas))
    return columns


def _check_opening(
    part: Mapping[str, Any], measured: Mapping[str, Any], labels: tuple[str, ...]
) -> None:
    digests, actual = _from_limbs(part["row_digest"]), _numbers(part["actual"])
    if rows.table_root(digests) != measured["test_root"]:
        raise NoWitness("the witness's rows are not the test rows")
    replicas: dict[str, tuple[Predictions, ...]] = {}
    for which in MODELS:
        replicas[which] = tuple(
            Predictions(
                labels,
                actual,
                _numbers(said["predicted"]),
                np.column_stack([_numbers(column) for column in said["scores"]]) / SCORE_UNITS,
            )
            for said in part[which]
        )
        leaves = prediction_leaves(digests, replicas[which])
        if leaves != _from_limbs(part[f"{which}_leaf"]):
            raise NoWitness(f"{which}: a leaf does not follow from its opening")
        if merkle.root_hex(leaves) != measured["predictions"][f"{which}_root"]:
            raise NoWitness(f"{which}: the leaves do not have the root that is attested")
    cells = confusion_cells(*in_pairs(replicas["baseline"], replicas["new"]))
    if _as_lists(cells) != _as_lists(measured["confusion_cells"]):
        raise NoWitness("the confusion cells are not the openings'")


def _as_lists(cells: Sequence[Sequence[Sequence[Any]]]) -> list[list[list[Any]]]:
    return [[list(cell) for cell in replica] for replica in cells]


def _texts(values: np.ndarray) -> list[str]:
    return list(map(str, values.tolist()))


def _numbers(texts: Sequence[str]) -> np.ndarray:
    return np.array([int(text) for text in texts], dtype=np.int64)


def _in_limbs(hashes: Sequence[bytes]) -> dict[str, list[str]]:
    pairs = [limbs(each) for each in hashes]
    return {"hi": [high for high, _ in pairs], "lo": [low for _, low in pairs]}


def _from_limbs(column: Mapping[str, Sequence[str]]) -> list[bytes]:
    return [
        (int(high) * _LIMIT + int(low)).to_bytes(32, "big")
        for high, low in zip(column["hi"], column["lo"], strict=True)
    ]
