"""Two models' predictions per test row: as a table, and as the commitment to each model's.

A commitment is a Merkle root, one leaf per test row, in the order of the rows' digests. A leaf's
data is ``<row digest in hex>|<label>|<predicted label>|<s1>,<s2>,...`` in UTF-8, with labels
percent-encoded (RFC 3986) and scores in billionths as integers, in the order of the benchmark's
sorted labels; each further replica adds ``|<predicted label>|<s1>,<s2>,...``.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import numpy as np
import pyarrow as pa

from hokusai_assets.canonical import merkle
from hokusai_assets.evaluation.measurement import Evaluation
from hokusai_assets.evaluation.predictions import Predictions, billionths, label_codes

_SLICE = "slice:"
MODELS = ("baseline", "new")


def predictions_root(row_digests: Sequence[bytes], replicas: Sequence[Predictions]) -> str:
    """Return the Merkle root (hex) over what a model's replicas said of n rows.

    Args:
        row_digests: n row digests, ascending.
        replicas: predictions of those rows, in that order.
    """
    return merkle.root_hex(prediction_leaves(row_digests, replicas))


def prediction_leaves(row_digests: Sequence[bytes], replicas: Sequence[Predictions]) -> list[bytes]:
    """Return the n leaf hashes (32 bytes each) under `predictions_root`, which takes the same."""
    return [merkle.leaf_hash(text.encode()) for text in leaf_texts(row_digests, replicas)]


def leaf_texts(row_digests: Sequence[bytes], replicas: Sequence[Predictions]) -> Iterator[str]:
    """Yield what each of the n leaves says; see the module."""
    names = [quote(label, safe="") for label in replicas[0].labels]
    actual = replicas[0].actual.tolist()
    said = [(part.predicted.tolist(), billionths(part.scores)) for part in replicas]
    for position, row in enumerate(row_digests):
        text = f"{row.hex()}|{names[actual[position]]}"
        for predicted, units in said:
            scores = ",".join(map(str, units[position].tolist()))
            text += f"|{names[predicted[position]]}|{scores}"
        yield text


def commitment(evaluation: Evaluation) -> str:
    """Return the Merkle root (hex) over an evaluation's predictions."""
    return predictions_root(evaluation.row_digests, evaluation.replicas)


def predictions_table(
    baseline: Evaluation, new: Evaluation, slices: Mapping[str, np.ndarray]
) -> pa.Table:
    """Return n rows: digest, label, slices, and each model's label and scores, by replica.

    Columns of the first replica are ``baseline_label`` and ``baseline_score:<label>``, of the
    second ``baseline_label#2`` and so on; ``new_...`` alike. ``slice:<name>`` says which rows
    belong to a slice.
    """
    names = pa.array(new.replicas[0].labels)
    columns: dict[str, Any] = {
        "row_digest": [digest.hex() for digest in new.row_digests],
        "label": names.take(pa.array(new.replicas[0].actual)),
    }
    for which, evaluation in zip(MODELS, (baseline, new), strict=True):
        for number, said in enumerate(evaluation.replicas, 1):
            end = _ending(number)
            columns[f"{which}_label{end}"] = names.take(pa.array(said.predicted))
            for index, label in enumerate(said.labels):
                columns[f"{which}_score:{label}{end}"] = said.scores[:, index]
    columns |= {f"{_SLICE}{name}": held for name, held in sorted(slices.items())}
    return pa.table(columns)


@dataclass(frozen=True, eq=False)
class PerRowFile:
    """What a table of `predictions_table` holds.

    Attributes:
        replicas: what ``baseline`` and ``new`` said.
        roots: the commitments ``baseline_root`` and ``new_root`` to that.
        slices: by name, (n,) bool, which rows belong to it.
        row_digests: n digests of test rows.
    """

    replicas: dict[str, tuple[Predictions, ...]]
    roots: dict[str, str]
    slices: dict[str, np.ndarray]
    row_digests: list[bytes]

    @classmethod
    def of(cls, table: pa.Table, labels: tuple[str, ...]) -> "PerRowFile":
        """Read a table; labels are the benchmark's, sorted.

        Raises:
            LookupError, ValueError: it is no such table.
        """
        digests = row_digests_of(table)
        replicas = {which: replicas_of(table, which, labels) for which in MODELS}
        return cls(
            replicas,
            {f"{which}_root": predictions_root(digests, said) for which, said in replicas.items()},
            {
                name.removeprefix(_SLICE): table.column(name).to_numpy(zero_copy_only=False)
                for name in table.column_names
                if name.startswith(_SLICE)
            },
            digests,
        )


def row_digests_of(table: pa.Table) -> list[bytes]:
    """Return the row digests in a table of `predictions_table`."""
    return [bytes.fromhex(text) for text in table.column("row_digest").to_pylist()]


def replicas_of(table: pa.Table, which: str, labels: tuple[str, ...]) -> tuple[Predictions, ...]:
    """Return what ``baseline`` or ``new`` said in a table of `predictions_table`, by replica.

    Raises:
        LookupError, ValueError: it is no such table, or of other labels.
    """
    count = sum(name.partition("#")[0] == f"{which}_label" for name in table.column_names)
    actual = label_codes(table.column("label"), labels)
    replicas = []
    for number in range(1, max(1, count) + 1):
        end = _ending(number)
        scores = [table.column(f"{which}_score:{label}{end}").to_numpy() for label in labels]
        predicted = label_codes(table.column(f"{which}_label{end}"), labels)
        replicas.append(Predictions(labels, actual, predicted, np.column_stack(scores)))
    return tuple(replicas)


def _ending(number: int) -> str:
    return "" if number == 1 else f"#{number}"
