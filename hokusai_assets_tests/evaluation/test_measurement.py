"""Measurement: predicted labels follow from rounded scores, and metrics from both."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from hokusai_assets.benchmarks.loading import Benchmark
from hokusai_assets.benchmarks.row_sets import RowSet
from hokusai_assets.benchmarks.spec import BenchmarkSpec
from hokusai_assets.benchmarks.test_split import TestPart
from hokusai_assets.evaluation.measurement import (
    Evaluation,
    Measurement,
    averaging_of,
    evaluate_models,
    measure,
    rule_of,
)
from hokusai_assets.evaluation.predictions import DifferentRows
from hokusai_assets.models.training import TrainedModel

SPEC = BenchmarkSpec.model_validate(
    {
        "version": 1,
        "id": "made",
        "task": "binary",
        "target": "label",
        "labels": ["yes", "no"],
        "positive_label": "yes",
        "data": {"train": "a.csv", "test": "b.csv"},
        "columns": {"score": {"type": "number"}},
        "model": {"estimator": "sgd"},
        "metrics": {"primary": "f1", "secondary": ["accuracy", "recall", "f1"]},
        "delta_one": {"min_examples": 2, "min_delta_bps": 7, "resamples": 1000},
        "guardrails": {"accuracy": {"max_drop_bps": 50}},
    }
)


class GivenScores:
    """A model whose probability of "yes" is the row's one feature."""

    classes_ = np.array(["yes", "no"], object)

    def predict_proba(self, frame: Any) -> np.ndarray:
        chance = frame["score"].to_numpy()
        return np.column_stack([chance, 1 - chance])


def benchmark_of(chances: Sequence[float], labels: Sequence[str]) -> Benchmark:
    table = pa.table({"label": list(labels), "score": list(chances)})
    rows = RowSet.of(table)
    return Benchmark(SPEC, rows, rows, "")


def evaluate(chances: Sequence[float], labels: Sequence[str]) -> Evaluation:
    benchmark = benchmark_of(chances, labels)
    return evaluate_models([TrainedModel(GivenScores(), 0)], benchmark, model_digest="0" * 64)


@pytest.mark.parametrize(
    ("chance", "predicted"),
    [
        (0.5, "no"),
        (0.5 + 4e-10, "no"),
        (0.5 - 4e-10, "no"),
        (0.5 + 2e-9, "yes"),
        (0.5 - 2e-9, "no"),
        (1.0, "yes"),
        (0.0, "no"),
    ],
)
def test_the_label_follows_from_rounded_scores_and_the_earlier_one_wins_a_tie(
    chance: float, predicted: str
) -> None:
    said = evaluate([chance], ["yes"]).replicas[0]
    assert said.labels == ("no", "yes")
    assert said.labels[said.predicted[0]] == predicted
    assert said.predicted[0] == said.scores[0].argmax()


def test_scores_are_whole_billionths_in_the_order_of_the_labels() -> None:
    said = evaluate([1 / 3], ["yes"]).replicas[0]
    assert said.scores.tolist() == [[0.666666667, 0.333333333]]


def test_rows_stand_in_the_order_of_their_digests() -> None:
    chances = [i / 100 for i in range(50)]
    evaluation = evaluate(chances, ["yes", "no"] * 25)
    again = evaluate(chances[::-1], (["yes", "no"] * 25)[::-1])
    assert evaluation.row_digests == sorted(evaluation.row_digests)
    assert evaluation.row_digests == again.row_digests
    assert evaluation.replicas[0].scores.tobytes() == again.replicas[0].scores.tobytes()
    assert evaluation.test_root == again.test_root


def test_metrics_are_in_parts_per_million_of_the_positive_class() -> None:
    # Two hits of three "yes", one false alarm among two "no".
    evaluation = evaluate([0.9, 0.8, 0.1, 0.7, 0.2], ["yes", "yes", "yes", "no", "no"])
    assert evaluation.metrics_ppm(SPEC) == {"f1": 666_667, "accuracy": 600_000, "recall": 666_667}


def test_the_specs_rule_and_average_are_applied() -> None:
    rule = rule_of(SPEC)
    assert (rule.primary, rule.min_examples, rule.min_delta_bps) == ("f1", 2, 7)
    assert dict(rule.guardrails) == {"accuracy": 50}
    assert (averaging_of(SPEC).average, averaging_of(SPEC).positive) == ("binary", 1)


def measured_pair() -> tuple[Evaluation, Evaluation]:
    labels = ["yes", "no"] * 100
    # The new model is told apart by its scores alone: the feature of each row stays.
    chances = [(i * 37 % 200) / 200 for i in range(200)]
    better = [0.9 if label == "yes" else 0.1 for label in labels]
    baseline = evaluate(chances, labels)
    by_row = dict(zip(chances, better, strict=True))

    class Better(GivenScores):
        def predict_proba(self, frame: Any) -> np.ndarray:
            chance = np.array([by_row[value] for value in frame["score"]])
            return np.column_stack([chance, 1 - chance])

    new = evaluate_models(
        [TrainedModel(Better(), 0)], benchmark_of(chances, labels), model_digest="1" * 64
    )
    return baseline, new


WHOLE = TestPart("whole", None, "0" * 64)


def measured(baseline: Evaluation, new: Evaluation, part: TestPart = WHOLE) -> Measurement:
    labels = [SPEC.labels[index] for index in new.replicas[0].actual]
    return measure(baseline, new, benchmark_of([0.0] * len(labels), labels), part)


def test_a_measurement_holds_deltas_groups_and_cells() -> None:
    baseline, new = measured_pair()
    measurement = measured(baseline, new)
    assert list(measurement.deltas) == ["f1", "accuracy", "recall"]
    for name, delta in measurement.deltas.items():
        assert delta.baseline_ppm == baseline.metrics_ppm(SPEC)[name]
        assert delta.new_ppm == new.metrics_ppm(SPEC)[name] == 1_000_000
        assert delta.confidence_ppm == 950_000
    (cells,) = measurement.cells
    assert sum(cell[3] for cell in cells) == measurement.test_rows == 200
    assert {(g.kind, g.group) for g in measurement.groups} == {("class", "no"), ("class", "yes")}
    document = measurement.to_dict()
    assert document["confusion_cells"] == [[list(cell) for cell in cells]]
    assert measured(baseline, new).to_dict() == document


def test_the_primary_metric_is_measured_at_the_level_asked_for() -> None:
    baseline, new = measured_pair()
    labels = [SPEC.labels[index] for index in new.replicas[0].actual]
    benchmark = benchmark_of([0.0] * len(labels), labels)
    wider = measure(baseline, new, benchmark, WHOLE, primary_confidence_ppm=999_500).deltas
    assert [delta.confidence_ppm for delta in wider.values()] == [999_500, 950_000, 950_000]
    assert wider["f1"].low_ppm < measured(baseline, new).deltas["f1"].low_ppm


def test_a_part_of_the_test_set_is_measured_as_if_it_were_all_there_is() -> None:
    baseline, new = measured_pair()
    positions = np.arange(0, 200, 3)
    part = TestPart("public", positions, "1" * 64)
    found = baseline.on(part)
    assert found.row_digests == [baseline.row_digests[position] for position in positions]
    assert found.rows == len(positions)
    assert found.test_root == "1" * 64
    hits = baseline.replicas[0].actual == baseline.replicas[0].predicted
    assert found.metrics_ppm(SPEC)["accuracy"] == round(1_000_000 * hits[positions].mean())
    assert measured(baseline, new, part).test_rows == len(positions)


def test_replicas_are_averaged_and_a_loaded_model_stands_in_each_pair() -> None:
    baseline, new = measured_pair()
    pair = replace(new, replicas=(new.replicas[0], baseline.replicas[0]))
    means = pair.metrics_ppm(SPEC)
    for name, value in means.items():
        both = (baseline.metrics_ppm(SPEC)[name], new.metrics_ppm(SPEC)[name])
        assert abs(value - sum(both) / 2) <= 1
    deltas = measured(baseline, pair).deltas
    assert {delta.replicas for delta in deltas.values()} == {2}
    assert deltas["f1"].new_ppm == means["f1"]
    assert deltas["f1"].training_noise_ppm > 0


def test_models_measured_on_other_rows_are_not_compared() -> None:
    baseline, _ = measured_pair()
    with pytest.raises(DifferentRows):
        measured(baseline, evaluate([0.1, 0.9], ["no", "yes"]))
