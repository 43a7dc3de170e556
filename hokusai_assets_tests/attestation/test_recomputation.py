"""With the benchmark and the per-row files every stated number is held; forgeries are named."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hokusai_assets.attestation.prediction_commitment import PerRowFile
from hokusai_assets.attestation.verification import Verification, verify
from hokusai_assets.canonical.canonical_json import digest

from .changed_statements import PUBLIC, details, failed
from .measured_contribution import Parts, measured_contribution, resign, write_predictions

# F1 decides: its interval is resampled, so that only the seed gives it.
METRICS = "{primary: f1, secondary: [accuracy, precision, recall, auroc]}"
Claim = dict[str, Any]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("recomputed")


@pytest.fixture(scope="module")
def parts(data: Path) -> Parts:
    return measured_contribution(data, metrics=METRICS)


@pytest.fixture(scope="module")
def predictions(parts: Parts, data: Path) -> Path:
    return write_predictions(parts, data / "predictions.parquet", lambda table: table)


def verified(
    parts: Parts, data: Path, predictions: Path, change: Callable[[Claim], None]
) -> Verification:
    """Verify an attestation whose issuer changed the claim and signed it."""
    statement = copy.deepcopy(parts.statement())
    claim = statement["predicate"]["claim"]
    change(claim)
    settled = claim["settlement"]
    settled["measurement_sha256"] = digest(settled["measurement"])
    return verify(resign(statement), public_key=PUBLIC, predictions=[predictions], data_folder=data)


def test_an_honest_attestation_is_computed_again_to_the_last_number(
    parts: Parts, data: Path, predictions: Path
):
    found = verified(parts, data, predictions, lambda claim: None)
    assert found.passed, details(found)
    assert {check.outcome for check in found.checks} == {"pass"}


def raised_low_end(claim: Claim) -> None:
    primary = claim["settlement"]["measurement"]["metrics"]["f1"]
    primary["low_ppm"], primary["high_ppm"] = 500_000, 600_000


def narrower_interval_of_a_secondary_metric(claim: Claim) -> None:
    for part in ("result", "settlement"):
        claim[part]["measurement"]["metrics"]["recall"]["low_ppm"] += 1


def another_error(claim: Claim) -> None:
    for part in ("result", "settlement"):
        claim[part]["measurement"]["metrics"]["f1"]["test_error_ppm"] -= 1


@pytest.mark.parametrize(
    "forgery", [raised_low_end, narrower_interval_of_a_secondary_metric, another_error]
)
def test_a_forged_interval_is_named_though_the_issuer_signs_it(
    forgery: Callable[[Claim], None], parts: Parts, data: Path, predictions: Path
):
    found = verified(parts, data, predictions, forgery)
    assert "intervals" in failed(found)
    assert "not what the spec gives of the predictions" in details(found)


def no_rule(claim: Claim) -> None:
    claim["settlement"]["rule"] |= {
        "min_delta_bps": 0,
        "min_examples": 0,
        "guardrails_max_drop_bps": {},
    }


def one_look(claim: Claim) -> None:
    claim["settlement"]["budget"] |= {"submissions": 1, "confidence_ppm": 950_000}


def another_estimator(claim: Claim) -> None:
    claim["result"]["estimator"] |= {"name": "whatever", "seed": 99}


def waived(claim: Claim) -> None:
    claim["waived_columns"] = ["note"]


@pytest.mark.parametrize(
    ("forgery", "named"),
    [
        (no_rule, "settlement.rule.guardrails_max_drop_bps"),
        (one_look, "settlement.budget.confidence_ppm, settlement.budget.submissions"),
        (another_estimator, "result.estimator.name, result.estimator.seed"),
        (waived, "waived_columns[0]"),
    ],
)
def test_what_the_spec_says_otherwise_is_named_though_the_issuer_signs_it(
    forgery: Callable[[Claim], None], named: str, parts: Parts, data: Path, predictions: Path
):
    found = verified(parts, data, predictions, forgery)
    assert "benchmark" in failed(found)
    assert named in details(found) and "not what the benchmark's spec says" in details(found)


def test_rows_whose_labels_are_not_those_of_the_test_set_are_told(
    parts: Parts, data: Path, tmp_path: Path
):
    def swapped(table: pa.Table) -> pa.Table:
        """Exchange two rows of different labels, but for their digests."""
        labels = table.column("label").to_pylist()
        one, other = labels.index("no"), labels.index("yes")
        order = list(range(table.num_rows))
        order[one], order[other] = other, one
        return table.take(order).set_column(0, "row_digest", table.column("row_digest"))

    path = write_predictions(parts, tmp_path / "swapped.parquet", swapped)

    roots = PerRowFile.of(pq.read_table(path), ("no", "yes")).roots

    def change(claim: Claim) -> None:
        for part in ("result", "settlement"):
            claim[part]["measurement"]["predictions"] = dict(roots)

    found = verified(parts, data, path, change)
    assert failed(found) == ["intervals"]
    assert "a label in the per-row file is not that of the test row" in details(found)


def test_without_the_files_the_intervals_are_said_to_be_taken_as_stated(
    parts: Parts, data: Path, predictions: Path
):
    for given in ({"data_folder": data}, {"predictions": [predictions]}, {}):
        found = verify(resign(parts.statement()), public_key=PUBLIC, **given)
        (check,) = [check for check in found.checks if check.name == "intervals"]
        assert (check.outcome, found.passed) == ("not checked", True)
        assert "--data DIR and --predictions FILE" in check.detail


def test_where_nothing_was_accepted_before_the_settlement_is_of_the_same_models(parts: Parts):
    def forged(change: Callable[[dict[str, Any]], None]) -> list[str]:
        statement = copy.deepcopy(parts.statement())
        change(statement["predicate"])
        settled = statement["predicate"]["claim"]["settlement"]
        settled["measurement_sha256"] = digest(settled["measurement"])
        return failed(verify(resign(statement), public_key=PUBLIC))

    def other_predictions(predicate: dict[str, Any]) -> None:
        measured = predicate["claim"]["settlement"]["measurement"]
        measured["predictions"]["new_root"] = "cd" * 32

    def other_models(predicate: dict[str, Any]) -> None:
        predicate["environment"]["models"]["candidate_sha256"] = "cd" * 32

    assert forged(lambda predicate: None) == []
    assert forged(other_predictions) == ["settlement"]
    assert forged(other_models) == ["settlement"]
