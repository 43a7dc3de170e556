"""With the benchmark and the per-row files every stated number is held; forgeries are named."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hokusai_assets.attestation.issuing import measurement_document
from hokusai_assets.attestation.measurement_checks import measurements_of
from hokusai_assets.attestation.prediction_commitment import PerRowFile, predictions_table
from hokusai_assets.attestation.recomputation import check_recomputed
from hokusai_assets.attestation.relations import Broken
from hokusai_assets.attestation.statement import shown_measurements
from hokusai_assets.attestation.verification import Verification, verify
from hokusai_assets.canonical.canonical_json import digest
from hokusai_assets.evaluation.measurement import measure

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


def test_what_is_certain_of_all_accepted_is_computed_again(parts: Parts):
    baseline, other = parts.evaluations
    benchmark = parts.benchmark
    claim = parts.statement()["predicate"]["claim"]
    level = claim["settlement"]["budget"]["confidence_ppm"]
    # As if the other model had been accepted before, and this one gave it up for the baseline.
    measured = measurement_document(
        measure(other, baseline, benchmark, benchmark.split.deciding, primary_confidence_ppm=level),
        other,
        baseline,
        training_rows=(1, 1),
        part=benchmark.split.deciding,
        spec=benchmark.spec,
    )
    claim["settlement"] |= {"measurement": measured, "accepted_before": [{"key": "a"}]}
    shown = list(shown_measurements(claim).values())
    files = [
        measurements_of(predictions_table(one, two, {}), shown, claim)
        for one, two in ((baseline, other), (other, baseline))
    ]
    # Of the baseline over itself, nothing.
    claim["settlement"]["certain_total_bps"] = 0
    assert "taken as stated" not in check_recomputed(claim, benchmark, files)
    for stated in (1, -1, 5000):
        claim["settlement"]["certain_total_bps"] = stated
        with pytest.raises(Broken, match="certain_total_bps: not what the spec gives"):
            check_recomputed(claim, benchmark, files)


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
