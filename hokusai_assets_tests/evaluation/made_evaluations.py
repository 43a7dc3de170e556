"""Evaluations of models that are right on given test rows, and what to settle them with."""

from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike

from hokusai_assets.benchmarks.loading import Benchmark
from hokusai_assets.benchmarks.row_sets import RowSet
from hokusai_assets.benchmarks.spec import BenchmarkSpec
from hokusai_assets.benchmarks.test_split import TestPart, TestSplit
from hokusai_assets.evaluation.ledger import Ledger
from hokusai_assets.evaluation.ledger_entries import Budget, Settled
from hokusai_assets.evaluation.measurement import Evaluation
from hokusai_assets.evaluation.predictions import Predictions
from hokusai_assets.evaluation.settlement import Settlement, settle

ROOT = "ab" * 32
WHOLE = TestSplit(TestPart("whole", None, ROOT), TestPart("whole", None, ROOT))


def spec_of(*, submissions: int = 100, min_delta_bps: int = 0, **changes: object) -> BenchmarkSpec:
    """Return a spec whose primary metric is accuracy."""
    raw: dict[str, object] = {
        "version": 1,
        "id": "made",
        "task": "binary",
        "target": "label",
        "labels": ["no", "yes"],
        "positive_label": "yes",
        "data": {"train": "a.csv", "test": "b.csv"},
        "columns": {"x": {"type": "number"}},
        "model": {"estimator": "sgd"},
        "metrics": {"primary": "accuracy"},
        "delta_one": {
            "min_examples": 10,
            "min_delta_bps": min_delta_bps,
            "submissions": submissions,
        },
    }
    return BenchmarkSpec.model_validate(raw | changes)


def benchmark_of(spec: BenchmarkSpec | None = None) -> Benchmark:
    """Return a benchmark without rows: models are made, and no slice needs a test row."""
    none = RowSet(pa.table({}), [], "00" * 32)
    return Benchmark(spec or spec_of(), none, none, "")


def evaluation(right: ArrayLike, name: str, *, root: str = ROOT) -> Evaluation:
    """Return a model that is right on exactly these rows; half of the labels are "no"."""
    hit = np.asarray(right, dtype=bool)
    actual = np.arange(len(hit)) % 2
    predicted = np.where(hit, actual, 1 - actual)
    scores = np.where(predicted[:, None] == np.arange(2), 0.9, 0.1)
    digests = [b"%032d" % row for row in range(len(hit))]
    return Evaluation((Predictions(("no", "yes"), actual, predicted, scores),), digests, root, name)


def split_of(rows: int, public: int) -> TestSplit:
    """Return a split whose first rows are public."""
    positions = np.arange(rows)
    return TestSplit(
        TestPart("public", positions[:public], "01" * 32),
        TestPart("private", positions[public:], "02" * 32),
    )


class Settling:
    """Settles models one after the other in a real ledger, as the settlement asset does."""

    def __init__(
        self, path: Path, baseline: Evaluation, spec: BenchmarkSpec, split: TestSplit = WHOLE
    ) -> None:
        self.spec, self.split = spec, split
        self.baseline = self.accepted = baseline
        self._ledger = Ledger(path)
        self._budget = Budget(
            ROOT,
            split.deciding.root,
            int(spec.delta_one.confidence * 1_000_000),
            spec.delta_one.submissions,
        )

    def settle(self, candidate: Evaluation, name: str) -> Settlement:
        with self._ledger.turn(self._budget, version="v", key=name, rows_root=name) as turn:
            found = settle(
                self.baseline,
                self.accepted,
                candidate,
                benchmark=benchmark_of(self.spec),
                split=self.split,
                standing=turn.standing,
            )
            decision = found.decision
            turn.settle(
                Settled(
                    test_root=ROOT,
                    version="v",
                    key=name,
                    rows_root=name,
                    position=turn.standing.position,
                    accepted=decision.accepted,
                    bps=decision.bps,
                    payable_bps=decision.payable_bps,
                )
            )
        if decision.accepted:
            self.accepted = candidate
        return found
