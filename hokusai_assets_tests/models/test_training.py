"""Training: the same model and predictions from the same rows, whatever the machine offers."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from sklearn.dummy import DummyClassifier

from hokusai_assets.benchmarks.row_sets import RowSet, store_rows
from hokusai_assets.benchmarks.spec import SpecError
from hokusai_assets.models import training
from hokusai_assets.models.training import (
    TrainedModel,
    predict_probabilities,
    refuse_unfit_model,
    train,
    training_fingerprint,
    training_rows,
)
from hokusai_assets_tests.models.small_benchmark import LABELS, TABULAR, rows_of, spec_of
from hokusai_assets_tests.models.training_digests import CASES, KINDS, SMALL, digests

PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def digests_of_processes(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """Train twice in this process, and in others with other threads, hash seeds and orders."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "hokusai_assets_tests.models.training_digests", *order],
            env=os.environ
            | {
                "OMP_NUM_THREADS": threads,
                "OPENBLAS_NUM_THREADS": threads,
                "PYTHONHASHSEED": threads,
                "PYTHONPATH": str(PROJECT),
            },
            cwd=tmp_path_factory.mktemp("elsewhere"),
            stdout=subprocess.PIPE,
        )
        for threads, order in (("1", []), ("2", ["5"]), ("4", ["6"]))
    ]
    here = [digests(), digests(7)]
    outputs = [process.communicate(timeout=240)[0] for process in processes]
    return [*here, *(json.loads(output) for output in outputs)]


@pytest.mark.parametrize("case", CASES, ids=", ".join)
def test_every_estimator_learns_and_gives_probabilities(case: tuple[str, str]) -> None:
    name, kind = case
    spec = spec_of(name, KINDS[kind], params=SMALL.get(name))
    model = train(rows_of(150, 0), spec)
    table = rows_of(80, 1)
    scores = predict_probabilities(model, table, spec)
    assert scores.shape == (80, 3)
    assert scores.min() >= 0
    assert np.abs(scores.sum(axis=1) - 1).max() < 1e-9
    hits = np.array(LABELS)[scores.argmax(axis=1)] == table.column("label").to_numpy(
        zero_copy_only=False
    )
    assert hits.mean() > 0.6
    assert model.train_rows == 150


@pytest.mark.parametrize("case", CASES, ids=", ".join)
@pytest.mark.parametrize("what", ["labels", "scores", "metrics", "file"])
def test_trainings_agree_across_row_orders_processes_threads_and_hash_seeds(
    case: tuple[str, str], what: str, digests_of_processes: list[dict[str, Any]]
) -> None:
    found = [process[", ".join(case)][what] for process in digests_of_processes]
    assert len(set(found)) == 1


def test_the_seed_decides_what_is_drawn() -> None:
    scores = [
        predict_probabilities(train(rows_of(100, 0), spec), rows_of(50, 1), spec)
        for spec in (
            spec_of("random_forest", TABULAR, params={"n_estimators": 5}),
            spec_of("random_forest", TABULAR, params={"n_estimators": 5}, seed=8),
        )
    ]
    assert not np.array_equal(scores[0], scores[1])


def test_a_class_absent_in_training_has_probability_zero() -> None:
    spec = spec_of("logistic_regression", TABULAR)
    table = rows_of(100, 0)
    without_b = table.filter(pa.array([label != "b" for label in table["label"].to_pylist()]))
    scores = predict_probabilities(train(without_b, spec), rows_of(30, 1), spec)
    assert (scores[:, 1] == 0).all()
    assert scores.sum(axis=1) == pytest.approx(1)
    assert len(set(scores.argmax(axis=1))) == 2


def test_a_single_class_in_training_is_told() -> None:
    table = pa.table({"amount": [1.0, 2.0], "label": ["a", "a"]})
    spec = spec_of("logistic_regression", {"amount": {"type": "number"}})
    with pytest.raises(SpecError, match="logistic_regression can't be fitted to 2 rows"):
        train(table, spec)


def test_predictions_in_batches_are_those_in_one_go(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = spec_of("random_forest", TABULAR, params={"n_estimators": 5})
    model, table = train(rows_of(60, 0), spec), rows_of(50, 1)
    whole = predict_probabilities(model, table, spec)
    monkeypatch.setattr(training, "PREDICTION_BATCH_ROWS", 7)
    assert np.array_equal(predict_probabilities(model, table, spec), whole)


def test_a_cell_that_scikit_learn_refuses_is_not_quoted() -> None:
    error = ValueError("could not convert string to float: 'jane@example.com'")
    assert "jane" not in training._first_line(error)
    assert training._first_line(error)


def test_training_rows_are_base_then_contribution(tmp_path: Path) -> None:
    spec = spec_of("sgd", TABULAR)
    base, contributed = RowSet.of(rows_of(30, 0)), store_rows(rows_of(20, 1), tmp_path / "rows")
    assert training_rows(base, [], spec).equals(base.table)
    both = training_rows(base, [contributed], spec)
    assert both.slice(0, 30).equals(base.table)
    assert both.slice(30).equals(contributed.table)


def test_training_rows_are_base_then_each_contribution_in_the_order_given(tmp_path: Path) -> None:
    spec = spec_of("sgd", TABULAR)
    base = RowSet.of(rows_of(30, 0))
    first, second = (store_rows(rows_of(10, seed), tmp_path / str(seed)) for seed in (1, 2))
    found = training_rows(base, [second, first], spec)
    assert found.equals(pa.concat_tables([base.table, second.table, first.table]))


def test_a_sample_takes_from_each_contribution_the_rows_it_would_take_of_all(
    tmp_path: Path,
) -> None:
    spec = spec_of("sgd", TABULAR, sampling={"max_train_rows": 120})
    everything = RowSet.of(rows_of(300, 0)).table
    base = replace(RowSet.of(rows_of(300, 0)), table=everything.slice(0, 150))
    parts = []
    for number, (start, length) in enumerate([(150, 100), (250, 50)]):
        part = everything.slice(start, length)
        stored = store_rows(part, tmp_path / str(number))
        assert stored.table.equals(part.select(stored.schema.names))
        parts.append(stored)
    whole = training_rows(replace(base, table=everything), [], spec)
    assert training_rows(base, parts, spec).equals(whole)


def test_above_max_train_rows_a_stratified_sample_stands_for_the_rows(tmp_path: Path) -> None:
    spec = spec_of("sgd", TABULAR, sampling={"max_train_rows": 120})
    base, contributed = RowSet.of(rows_of(200, 0)), store_rows(rows_of(100, 1), tmp_path / "rows")
    chosen = training_rows(base, [contributed], spec)
    turned = RowSet.of(rows_of(200, 0).take(pa.array(range(199, -1, -1))))
    again = training_rows(turned, [contributed], spec)
    assert chosen.num_rows == 120
    assert chosen.equals(again)
    everything = pa.concat_tables([base.table, contributed.table])
    shares = [
        {label: part["label"].to_pylist().count(label) / part.num_rows for label in LABELS}
        for part in (everything, chosen)
    ]
    assert all(abs(shares[0][label] - shares[1][label]) < 1 / 100 for label in LABELS)
    assert train(chosen, spec).train_rows == 120


def test_the_sample_is_taken_only_above_the_limit() -> None:
    spec = spec_of("sgd", TABULAR, sampling={"max_train_rows": 100})
    base = RowSet.of(rows_of(100, 0))
    assert training_rows(base, [], spec).equals(base.table)


def foreign(labels: list[Any], **settings: Any) -> TrainedModel:
    columns = [[0.0]] * len(labels)
    return TrainedModel(DummyClassifier(**settings).fit(columns, labels), 0)


def test_a_model_with_foreign_labels_is_refused_by_name() -> None:
    spec = spec_of("sgd", TABULAR)
    with pytest.raises(SpecError, match=r"the model predicts \['spam'\].*labels are \['a', 'b'"):
        refuse_unfit_model(foreign(["a", "spam"]), rows_of(3, 0), spec)


def test_a_model_of_other_columns_is_refused() -> None:
    other = spec_of("sgd", {"amount": {"type": "number"}})
    model = train(rows_of(60, 0), other)
    spec = spec_of("sgd", {"count": {"type": "integer"}})
    with pytest.raises(SpecError, match=r"can't predict from the columns \['count'\]"):
        refuse_unfit_model(model, rows_of(3, 0), spec)


def test_what_is_no_classifier_is_refused() -> None:
    with pytest.raises(SpecError, match="it must be a scikit-learn pipeline"):
        refuse_unfit_model(TrainedModel("no model", 0), rows_of(3, 0), spec_of("sgd", TABULAR))


class _Scores:
    classes_ = np.array(LABELS)

    def __init__(self, scores: list[float]) -> None:
        self.scores = scores

    def predict_proba(self, frame: Any) -> np.ndarray:
        return np.array([self.scores] * len(frame))


@pytest.mark.parametrize(
    "scores", [[0.5, 0.2, 0.2], [1.5, -0.5, 0.0], [float("nan"), 0.5, 0.5], [2.0, 3.0, 4.0]]
)
def test_a_model_whose_scores_are_no_probabilities_is_refused(scores: list[float]) -> None:
    with pytest.raises(SpecError, match="scores are no probabilities"):
        refuse_unfit_model(TrainedModel(_Scores(scores), 0), rows_of(3, 0), spec_of("sgd", TABULAR))


def test_a_fitting_model_is_not_refused() -> None:
    spec = spec_of("sgd", TABULAR)
    refuse_unfit_model(train(rows_of(60, 0), spec), rows_of(3, 1), spec)
    refuse_unfit_model(foreign(list(LABELS), strategy="uniform"), rows_of(3, 1), spec)


def test_the_fingerprint_changes_with_each_of_its_parts() -> None:
    parts = {
        "spec_hash": "1",
        "base_root": "2",
        "contributed_roots": ["3", "4"],
        "software_digest": "5",
    }
    found = {training_fingerprint(**parts)}
    for name in ("spec_hash", "base_root", "software_digest"):
        found.add(training_fingerprint(**(parts | {name: "other"})))
    for roots in ([], ["3"], ["4", "3"], ["3", "other"]):
        found.add(training_fingerprint(**(parts | {"contributed_roots": roots})))
    assert len(found) == 8


def test_training_rows_leave_the_sets_as_they_are() -> None:
    spec = spec_of("sgd", TABULAR)
    base = RowSet.of(rows_of(30, 0))
    empty = replace(base, table=base.table.slice(0, 0), digests=[], root="")
    assert training_rows(base, [empty], spec).equals(base.table)
