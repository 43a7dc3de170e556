"""Verification against the per-row file: what the statement alone can't tell, this does."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from hokusai_assets.attestation.verification import verify
from hokusai_assets_tests.attestation.changed_statements import (
    PUBLIC,
    KeyPath,
    another,
    changed,
    details,
    failed,
)
from hokusai_assets_tests.attestation.measured_contribution import (
    Parts,
    resign,
    write_predictions,
)


def set_score(table: pa.Table, column: str, row: int, by: float) -> pa.Table:
    values = table.column(column).to_numpy().copy()
    values[row] = np.rint((values[row] + by) * 1e9) / 1e9
    return table.set_column(table.column_names.index(column), column, pa.array(values))


def moved(table: pa.Table) -> pa.Table:
    row = int(np.argmin(np.abs(table.column("new_score:no").to_numpy() - 0.8)))
    return set_score(set_score(table, "new_score:no", row, -1e-9), "new_score:yes", row, 1e-9)


def flipped(column: str) -> Callable[[pa.Table], pa.Table]:
    def flip(table: pa.Table) -> pa.Table:
        values = table.column(column).to_pylist()
        values[0] = "no" if values[0] == "yes" else "yes"
        return table.set_column(table.column_names.index(column), column, pa.array(values))

    return flip


def with_nan(table: pa.Table) -> pa.Table:
    return set_score(table, "baseline_score:no", 0, float("nan"))


def other_digest(table: pa.Table) -> pa.Table:
    digests = table.column("row_digest").to_pylist()
    return table.set_column(0, "row_digest", pa.array(["0" * 64, *digests[1:]]))


TAMPERED: dict[str, tuple[Callable[[pa.Table], pa.Table], str]] = {
    "a score by one billionth": (moved, "new: the file's predictions are not those committed to"),
    "a true label": (flipped("label"), "not those committed to"),
    "a predicted label": (flipped("baseline_label"), "baseline: a predicted label is not the one"),
    "a row left out": (lambda table: table.slice(1), "rows are not those of the test set"),
    "a row repeated": (
        lambda table: pa.concat_tables([table, table.slice(0, 1)]),
        "rows are not those of the test set",
    ),
    "another row": (other_digest, "rows are not those of the test set"),
    "the rows' order": (
        lambda table: table.take(pa.array(range(table.num_rows - 1, -1, -1))),
        "not those committed to",
    ),
    "a column left out": (lambda table: table.drop_columns(["new_label"]), "not of the known form"),
    "no score": (with_nan, "not of the known form"),
    "a foreign label": (
        lambda table: table.set_column(
            table.column_names.index("label"),
            "label",
            pc.replace_substring(table.column("label"), "yes", "maybe"),
        ),
        "not of the known form",
    ),
    "no rows": (lambda table: table.slice(0, 0), "rows are not those of the test set"),
}


@pytest.mark.parametrize("case", TAMPERED)
def test_a_changed_file_of_predictions_fails(
    case: str, parts: Parts, statement: dict[str, Any], tmp_path: Path
) -> None:
    change, told = TAMPERED[case]
    path = write_predictions(parts, tmp_path / "predictions.parquet", change)
    verification = verify(resign(statement), public_key=PUBLIC, predictions=[path])
    assert failed(verification) == ["predictions"]
    assert told in details(verification)


def test_a_file_that_is_no_parquet_or_absent_fails(
    statement: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "no.parquet").write_bytes(b"PAR1 no")
    for path in (tmp_path / "no.parquet", tmp_path / "absent.parquet"):
        verification = verify(resign(statement), public_key=PUBLIC, predictions=[path])
        assert failed(verification) == ["predictions"]
        assert "the file can't be read" in details(verification)


@pytest.mark.parametrize(
    ("path", "told"),
    [
        (("metrics", "auroc", "low_ppm"), "auroc: interval or p-value"),
        (("metrics", "auroc", "high_ppm"), "auroc: interval or p-value"),
        (("metrics", "auroc", "p_value_ppm"), "auroc: interval or p-value"),
        (("test_root",), "does not stand on the whole test set"),
        (("predictions", "new_root"), "a file for each measurement is needed"),
        (("predictions", "baseline_root"), "a file for each measurement is needed"),
    ],
)
def test_the_predictions_catch_what_the_statement_alone_cannot(
    path: KeyPath, told: str, statement: dict[str, Any], predictions: Path
) -> None:
    data = resign(
        changed(statement, ("predicate", "claim", "result", "measurement", *path), another)
    )
    verification = verify(data, public_key=PUBLIC, predictions=[predictions])
    assert "predictions" in failed(verification)
    assert told in details(verification)


def test_cells_that_hide_a_change_behind_equal_metrics_are_caught_by_the_predictions(
    statement: dict[str, Any], predictions: Path
) -> None:
    def shifted(cells: list[Any]) -> list[Any]:
        # Both models' counts stay, only who agrees with whom moves.
        moves = {("no", "no", "no"): 1, ("no", "yes", "yes"): 1}
        moves |= {("no", "no", "yes"): -1, ("no", "yes", "no"): -1}
        return [[*cell[:3], cell[3] + moves.get(tuple(cell[:3]), 0)] for cell in cells]

    path = ("predicate", "claim", "result", "measurement", "confusion_cells", 0)
    other = changed(statement, path, shifted)
    assert other != statement
    verification = verify(resign(other), public_key=PUBLIC, predictions=[predictions])
    assert "the confusion cells are not the predictions'" in details(verification)
