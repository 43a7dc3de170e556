"""From models and a benchmark to predictions, and from two models' predictions to their deltas."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa

from hokusai_assets.benchmarks.loading import Benchmark
from hokusai_assets.benchmarks.slices import slice_membership
from hokusai_assets.benchmarks.spec import BenchmarkSpec
from hokusai_assets.benchmarks.test_split import TestPart
from hokusai_assets.evaluation.decision import DeltaOneRule
from hokusai_assets.evaluation.deltas import MetricDelta, compare, confusion_cells
from hokusai_assets.evaluation.group_delta import GroupDelta
from hokusai_assets.evaluation.group_rule import group_rule_of
from hokusai_assets.evaluation.metrics import Averaging
from hokusai_assets.evaluation.patterns import BoolArray
from hokusai_assets.evaluation.predictions import Predictions, label_codes, round_scores
from hokusai_assets.evaluation.registry import registered_metrics
from hokusai_assets.evaluation.rounding import PPM, to_ppm
from hokusai_assets.evaluation.subgroups import group_deltas
from hokusai_assets.models.training import TrainedModel, predict_probabilities


@dataclass(frozen=True, eq=False)
class Evaluation:
    """One model's predictions on a test set of n rows, by each of its k replicas.

    Attributes:
        replicas: labels, scores and truth of each replica, in the order of ``row_digests``.
        row_digests: n row digests of the test set, ascending.
        test_root: Merkle root (hex) of the test set they are on.
        model_digest: SHA-256 (hex) of the model's files.
    """

    replicas: tuple[Predictions, ...]
    row_digests: list[bytes]
    test_root: str
    model_digest: str

    @property
    def rows(self) -> int:
        """Number of test rows."""
        return len(self.row_digests)

    def metrics_ppm(self, spec: BenchmarkSpec) -> dict[str, int]:
        """Return the spec's metrics in parts per million, each the mean over the replicas."""
        known, averaging = registered_metrics(), averaging_of(spec)
        return {
            name: to_ppm(known[name].mean_value(self.replicas, averaging))
            for name in spec.metrics.names
        }

    def on(self, part: TestPart) -> "Evaluation":
        """Return what was said about a part of the test set."""
        chosen = part.positions
        if chosen is None:
            return self
        replicas = tuple(said.take(chosen) for said in self.replicas)
        digests = [self.row_digests[position] for position in chosen.tolist()]
        return Evaluation(replicas, digests, part.root, self.model_digest)


@dataclass(frozen=True)
class Measurement:
    """How two models differ on the same test rows.

    Attributes:
        part: which rows: ``whole``, ``public`` or ``private``.
        test_root, test_rows: of those rows.
        deltas: by metric, the primary one first.
        groups: what changed for each class and slice.
        cells: per replica, (label, baseline prediction, new prediction, rows), ascending.
    """

    part: str
    test_root: str
    test_rows: int
    deltas: dict[str, MetricDelta]
    groups: tuple[GroupDelta, ...]
    cells: list[list[tuple[str, str, str, int]]]

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form: integers, strings, booleans."""
        return {
            "part": self.part,
            "test_root": self.test_root,
            "test_rows": self.test_rows,
            "metrics": {name: delta.to_dict() for name, delta in self.deltas.items()},
            "groups": [group.to_dict() for group in self.groups],
            "confusion_cells": [[list(cell) for cell in cells] for cells in self.cells],
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
    actual = label_codes(table.column(spec.target), spec.labels)
    return Predictions(spec.labels, actual, scores.argmax(axis=1).astype(np.int64), scores)


def evaluate_models(
    replicas: Sequence[TrainedModel], benchmark: Benchmark, *, model_digest: str
) -> Evaluation:
    """Ask each replica of a model about every test row; see `predictions_on`."""
    test = benchmark.test
    said = tuple(predictions_on(model, test.table, benchmark.spec) for model in replicas)
    return Evaluation(said, test.digests, test.root, model_digest)


def rule_of(spec: BenchmarkSpec) -> DeltaOneRule:
    """Return the spec's DeltaOne rule."""
    return DeltaOneRule(
        primary=spec.metrics.primary,
        min_examples=spec.delta_one.min_examples,
        min_delta_bps=spec.delta_one.min_delta_bps,
        guardrails={str(name): limit.max_drop_bps for name, limit in spec.guardrails.items()},
        groups=group_rule_of(spec),
    )


def in_pairs(
    baseline: tuple[Predictions, ...], new: tuple[Predictions, ...]
) -> tuple[tuple[Predictions, ...], tuple[Predictions, ...]]:
    """Return two models' replicas, as many of both; one that was loaded stands in each pair."""
    k = max(len(baseline), len(new))
    return (
        baseline * k if len(baseline) == 1 else baseline,
        new * k if len(new) == 1 else new,
    )


def measure(
    baseline: Evaluation,
    new: Evaluation,
    benchmark: Benchmark,
    part: TestPart,
    *,
    primary_confidence_ppm: int | None = None,
) -> Measurement:
    """Compare two models on a part of the test set.

    Args:
        baseline, new: their predictions on the whole test set.
        benchmark: its spec names metrics, confidence, resamples, seed and slices.
        part: the rows that count.
        primary_confidence_ppm: of the primary metric's interval, where it is not the spec's.

    Raises:
        DifferentRows: the two were evaluated on different test rows.
        UndefinedMetric: a metric has no value on these rows.
    """
    return measured_on(
        baseline.on(part).replicas,
        new.on(part).replicas,
        benchmark,
        part,
        primary_confidence_ppm=primary_confidence_ppm,
    )


def measured_on(
    baseline: tuple[Predictions, ...],
    new: tuple[Predictions, ...],
    benchmark: Benchmark,
    part: TestPart,
    *,
    primary_confidence_ppm: int | None = None,
) -> Measurement:
    """Compare what two models' replicas said of the rows of one part; see `measure`."""
    spec = benchmark.spec
    first, second = in_pairs(baseline, new)
    levels = {}
    if primary_confidence_ppm is not None:
        levels[str(spec.metrics.primary)] = Decimal(primary_confidence_ppm) / PPM
    deltas = compare(
        first,
        second,
        metrics=spec.metrics.names,
        average=spec.average,
        positive=spec.positive_index,
        confidence=spec.delta_one.confidence,
        levels=levels,
        resamples=spec.delta_one.resamples,
        seed=spec.seed,
    )
    groups = group_deltas(
        first,
        second,
        slices=slices_on(benchmark, part),
        metrics=spec.metrics.names,
        average=spec.average,
        positive=spec.positive_index,
        confidence=spec.delta_one.confidence,
    )
    cells = confusion_cells(first, second)
    return Measurement(part.name, part.root, len(first[0].actual), deltas, groups, cells)


def slices_on(benchmark: Benchmark, part: TestPart) -> dict[str, BoolArray]:
    """Return for each slice which rows of a part of the test set belong to it."""
    everywhere = slice_membership(benchmark.test.table, benchmark.spec)
    if part.positions is None:
        return everywhere
    return {name: rows[part.positions] for name, rows in everywhere.items()}
