"""Opening one test row of an attestation: what both models said of it, and the proof that they did.

A proof names a measurement of the attestation and a row's place in its part of the test set. For
the row's digest and for each model's prediction leaf it gives an audit path (RFC 6962) to the root
that the attestation commits to. The row itself may be opened too, as its canonical bytes; without
them only its digest is told.
"""

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

import pyarrow as pa
from pydantic import Field, ValidationError

from hokusai_assets.attestation.measurement_checks import measurements_of
from hokusai_assets.attestation.measurement_form import Count, Form, Hex256, Positive
from hokusai_assets.attestation.prediction_commitment import MODELS, leaf_texts
from hokusai_assets.attestation.relations import Broken, require
from hokusai_assets.attestation.statement import shown_measurements
from hokusai_assets.canonical.canonical_json import canonical_bytes
from hokusai_assets.canonical.merkle import leaf_hash
from hokusai_assets.canonical.merkle_proofs import inclusion_path, root_by_path

Path = list[Hex256]


class NoSuchRow(LookupError):
    """The row is not among those of the per-row file."""


class RowForm(Form):
    """The test row."""

    digest: Hex256
    """Leaf hash over its canonical bytes."""
    path: Annotated[Path, Field(max_length=64)]
    """Audit path to the root of the measurement's part of the test set."""
    canonical_base64: str | None
    """Its canonical bytes, tokens reduced to their type; null if they are not opened."""


class PredictionForm(Form):
    """What one model said of the row."""

    leaf: str
    """The text of its prediction leaf."""
    path: Annotated[Path, Field(max_length=64)]
    """Audit path to the root of its predictions."""


class RowProofForm(Form):
    """One test row, opened."""

    attestation_hash: Hex256
    """The attestation that it belongs to."""
    measurement: Literal["result", "settlement"]
    """Which measurement of it."""
    index: Count
    """The row's place among those of the part, ascending by digest, from 0."""
    size: Positive
    """Rows of that part."""
    row: RowForm
    """The row."""
    baseline: PredictionForm
    """What the baseline said."""
    new: PredictionForm
    """What the new model said."""


def prove_row(
    statement: Mapping[str, Any],
    table: pa.Table,
    row: str | int,
    *,
    row_bytes: Mapping[str, bytes] | None = None,
) -> dict[str, Any]:
    """Open one row of a measurement.

    Args:
        statement: the attestation's.
        table: the per-row file that the measurement commits to.
        row: its digest (64 hex digits), or its place from 0.
        row_bytes: canonical bytes of rows by digest, to open the row itself.

    Raises:
        NoSuchRow: no row of the file has that digest or place.
        Broken: the file does not belong to the attestation.
    """
    claim = statement["predicate"]["claim"]
    shown = shown_measurements(claim)
    file, fits = measurements_of(table, list(shown.values()), claim)
    (name, measured), *_ = [(name, part) for name, part in shown.items() if part in fits]
    require(
        measured["predictions"] == file.roots, "the file's predictions are not those committed to"
    )
    digests = file.row_digests
    index = _place(digests, row)
    opened = None if row_bytes is None else row_bytes.get(digests[index].hex())
    said = {which: list(leaf_texts(digests, file.replicas[which])) for which in MODELS}
    return {
        "attestation_hash": statement["predicate"]["attestation_hash"],
        "measurement": name,
        "index": index,
        "size": len(digests),
        "row": {
            "digest": digests[index].hex(),
            "path": _hex_path(digests, index),
            "canonical_base64": None if opened is None else base64.b64encode(opened).decode(),
        },
        **{
            which: {
                "leaf": texts[index],
                "path": _hex_path([leaf_hash(text.encode()) for text in texts], index),
            }
            for which, texts in said.items()
        },
    }


def _hex_path(leaves: Sequence[bytes], index: int) -> list[str]:
    return [node.hex() for node in inclusion_path(leaves, index)]


def _place(digests: Sequence[bytes], row: str | int) -> int:
    if isinstance(row, int):
        if 0 <= row < len(digests):
            return row
        raise NoSuchRow(f"row {row} is not among the file's {len(digests):,}, counted from 0")
    try:
        return digests.index(bytes.fromhex(row))
    except ValueError:
        raise NoSuchRow("no row of the file has that digest") from None


def check_row_proof(data: bytes, statement: Mapping[str, Any]) -> str:
    """Check an opened row against an attestation, and return what it shows as a sentence.

    Args:
        data: the proof, JSON.
        statement: the attestation's.

    Raises:
        Broken: it is no such proof, or does not lead to what the attestation commits to.
    """
    proof = _parsed(data)
    predicate = statement["predicate"]
    require(
        proof.attestation_hash == predicate["attestation_hash"],
        "the proof is of another attestation",
    )
    measured = shown_measurements(predicate["claim"]).get(proof.measurement)
    if measured is None:
        raise Broken("the attestation does not show that measurement")
    require(proof.size == measured["test_rows"], "size is not the number of rows measured on")
    digest = bytes.fromhex(proof.row.digest)
    _check_path(digest, proof.row.path, proof, measured["test_root"], "row")
    if proof.row.canonical_base64 is not None:
        try:
            opened = base64.b64decode(proof.row.canonical_base64, validate=True)
        except binascii.Error:
            raise Broken("row.canonical_base64 is no base64") from None
        require(leaf_hash(opened) == digest, "the opened row does not have that digest")
    for which in MODELS:
        said: PredictionForm = getattr(proof, which)
        require(said.leaf.startswith(f"{proof.row.digest}|"), f"{which}: the leaf is another row's")
        root = measured["predictions"][f"{which}_root"]
        _check_path(leaf_hash(said.leaf.encode()), said.path, proof, root, which)
    actual, old, new = _labels(proof)
    return (
        f"row {proof.index:,} of {proof.size:,} is {actual}; the baseline said {old}, "
        f"the new model {new} ({proof.measurement})"
    )


def _labels(proof: RowProofForm) -> tuple[str, str, str]:
    """Return the row's label and what each model's first replica said, percent-encoded."""
    before, after = proof.baseline.leaf.split("|"), proof.new.leaf.split("|")
    require(before[1] == after[1], "the leaves name different labels of the row")
    return before[1], before[2], after[2]


def _check_path(
    leaf: bytes, path: Sequence[str], proof: RowProofForm, root: str, what: str
) -> None:
    found = root_by_path(leaf, proof.index, proof.size, [bytes.fromhex(node) for node in path])
    require(
        found is not None and found.hex() == root,
        f"{what}: the path does not lead to the root in the attestation",
    )


def _parsed(data: bytes) -> RowProofForm:
    try:
        return RowProofForm.model_validate_json(canonical_bytes(json.loads(data)))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise Broken(f"no row proof: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    except (ValueError, RecursionError):
        raise Broken("no row proof: the file is not JSON of integers and strings") from None
