"""From a model and a benchmark to predictions, and from two models' predictions to a delta."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from hokusai_assets.benchmarks.loading import Benchmark
from hokusai_assets.benchmarks.spec import BenchmarkSpec
from hokusai_assets.evaluation.decision import DeltaOneDecision, DeltaOneRule, decide
from hokusai_assets.evaluation.deltas import MetricDelta, compare, confusion_cells
from hokusai_assets.evaluation.metrics import Averaging
from hokusai_assets.evaluation.predictions import Predictions, round_scores
from hokusai_assets.evaluation.registry import registered_metrics
from hokusai_assets.evaluation.rounding import to_ppm
from hokusai_assets.models.training import TrainedModel, predict_probabilities


@dataclass(frozen=True, eq=False)
class Evaluation:
    """One model's predictions on a test set of n rows.

    Attributes:
        predictions: labels, scores and truth, in the order of ``row_digests``.
        row_digests: n row digests of the test set, ascending.
        test_root: Merkle root (hex) of the test set they are on.
        model_digest: SHA-256 (hex) of the model's file.
    """

    predictions: Predictions
    row_digests: list[bytes]
    test_root: str
    model_digest: str

    def metrics_ppm(self, spec: BenchmarkSpec) -> dict[str, int]:
        """Return the spec's metrics in parts per million."""
        averaging = averaging_of(spec)
        return {
            name: to_ppm(registered_metrics()[name].value(self.predictions, averaging))
            for name in spec.metrics.names
        }


@dataclass(frozen=True)
class Measurement:
    """What a contribution changed.

    Attributes:
        deltas: by metric, the primary one first.
        decision: the DeltaOne decision.
        cells: (label, baseline prediction, new prediction, rows), ascending.
        test_rows: rows both models were measured on.
        spec_hash: of the spec it was measured by.
    """

    deltas: dict[str, MetricDelta]
    decision: DeltaOneDecision
    cells: list[tuple[str, str, str, int]]
    test_rows: int
    spec_hash: str

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form: integers, strings, booleans."""
        return {
            "metrics": {name: delta.to_dict() for name, delta in self.deltas.items()},
            "delta_one": self.decision.to_dict(),
            "confusion_cells": [list(cell) for cell in self.cells],
            "test_rows": self.test_rows,
            "spec_hash": self.spec_hash,
        }


def averaging_of(spec: BenchmarkSpec) -> Averaging:
    """Return how the spec averages metrics over classes."""
    return Averaging.of(spec.average, spec.positive_index, classes=len(spec.labels))


def predictions_on(model: TrainedModel, table: pa.Table, spec: BenchmarkSpec) -> Predictions:
    """Ask a model about typed rows, features and target.

    Scores are rounded to 1e-9 first; the predicted label is the one with the highest rounded
    score, the earlier label on a tie, so that both follow from what is published.
    """
    scores = round_scores(predict_probabilities(model, table, spec))
    position = {label: index for index, label in enumerate(spec.labels)}
    actual = np.array(
        [position[label] for label in table.column(spec.target).to_pylist()], dtype=np.int64
    )
    return Predictions(spec.labels, actual, scores.argmax(axis=1).astype(np.int64), scores)


def evaluate_model(model: TrainedModel, benchmark: Benchmark, *, model_digest: str) -> Evaluation:
    """Ask a model about every test row; see `predictions_on`."""
    test = benchmark.test
    predictions = predictions_on(model, test.table, benchmark.spec)
    return Evaluation(predictions, test.digests, test.root, model_digest)


def rule_of(spec: BenchmarkSpec) -> DeltaOneRule:
    """Return the spec's DeltaOne rule."""
    return DeltaOneRule(
        primary=spec.metrics.primary,
        min_examples=spec.delta_one.min_examples,
        min_delta_bps=spec.delta_one.min_delta_bps,
        guardrails={str(name): limit.max_drop_bps for name, limit in spec.guardrails.items()},
    )


def measure(baseline: Evaluation, new: Evaluation, spec: BenchmarkSpec) -> Measurement:
    """Compare a new model with the baseline and decide.

    Raises:
        DifferentRows: the two were evaluated on different test rows.
        UndefinedMetric: a metric has no value on this test set.
    """
    deltas = compare(
        [baseline.predictions],
        [new.predictions],
        metrics=spec.metrics.names,
        average=spec.average,
        positive=spec.positive_index,
        confidence=spec.delta_one.confidence,
        resamples=spec.delta_one.resamples,
        seed=spec.seed,
    )
    decision = decide(
        deltas,
        rule_of(spec),
        test_rows=new.predictions.rows,
        same_test_set=baseline.test_root == new.test_root,
    )
    cells = confusion_cells([baseline.predictions], [new.predictions])[0]
    return Measurement(deltas, decision, cells, new.predictions.rows, spec.spec_hash())
