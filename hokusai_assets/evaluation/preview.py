"""A non-binding preview of a contribution's delta, measured without touching the test set."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from hokusai_assets.benchmarks.row_sets import StoredRows
from hokusai_assets.benchmarks.sampling import seed_sequence, stratified_positions
from hokusai_assets.benchmarks.spec import BenchmarkSpec
from hokusai_assets.evaluation.deltas import MetricDelta, compare
from hokusai_assets.evaluation.measurement import predictions_on
from hokusai_assets.evaluation.predictions import Predictions
from hokusai_assets.models.training import train

FOLDS = 5
# Of larger sets a stratified sample stands for them, so that a preview takes little time.
MAX_ROWS = 5_000


class NoPreview(ValueError):
    """A preview can't be made of these rows; the message says why."""


@dataclass(frozen=True)
class Preview:
    """What a contribution would change, judged by the base set.

    Attributes:
        deltas: by metric, the primary one first.
        base_rows: rows of the base set that were predicted, each by models that had not seen it.
        contributed_rows: rows of the contribution that were trained on.
        folds: parts the base set was cut into.
    """

    deltas: dict[str, MetricDelta]
    base_rows: int
    contributed_rows: int
    folds: int

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "metrics": {name: delta.to_dict() for name, delta in self.deltas.items()},
            "base_rows": self.base_rows,
            "contributed_rows": self.contributed_rows,
            "folds": self.folds,
        }


def preview(base: pa.Table, contributed: pa.Table, spec: BenchmarkSpec) -> Preview:
    """Train with and without a contribution and compare on rows of the base set.

    Cross-fitting: the base set is cut into parts, stratified by label; each part is predicted by
    a model of the other parts, and by one of the other parts and the contribution. Both models
    have fewer base rows than in an evaluation, so the gain shown is a little too large where
    more data helps.

    Args:
        base: the base set's rows, typed.
        contributed: the contribution's new rows, typed.
        spec: names model, metrics and seed.

    Raises:
        NoPreview: a label has too few rows in the base set, or there is nothing contributed.
        SpecError: the model can't be trained.
    """
    from sklearn.model_selection import StratifiedKFold

    if not contributed.num_rows:
        raise NoPreview("the file has no new rows to train with")
    base = sampled(base, spec, "preview-base")
    contributed = sampled(contributed, spec, "preview-contributed").select(base.column_names)
    labels = base.column(spec.target).to_numpy(zero_copy_only=False)
    rarest = min(int((labels == label).sum()) for label in spec.labels)
    if rarest < 2:
        raise NoPreview("a label has fewer than two rows in the base set")
    seed = int(seed_sequence(spec.seed, "preview-folds").generate_state(1)[0])
    cut = StratifiedKFold(min(FOLDS, rarest), shuffle=True, random_state=seed)
    before: list[Predictions] = []
    after: list[Predictions] = []
    for rest, held_out in cut.split(np.zeros(len(labels)), labels):
        part = base.take(pa.array(held_out))
        others = base.take(pa.array(rest))
        before.append(predictions_on(train(others, spec), part, spec))
        both = pa.concat_tables([others, contributed])
        after.append(predictions_on(train(both, spec), part, spec))
    deltas = compare(
        [_joined(before)],
        [_joined(after)],
        metrics=spec.metrics.names,
        average=spec.average,
        positive=spec.positive_index,
        confidence=spec.delta_one.confidence,
        resamples=spec.delta_one.resamples,
        seed=spec.seed,
    )
    return Preview(deltas, base.num_rows, contributed.num_rows, len(before))


def sampled(rows: pa.Table | StoredRows, spec: BenchmarkSpec, purpose: str) -> pa.Table:
    """Return all rows, or of many a stratified sample of `MAX_ROWS`; of a file, no others."""
    if isinstance(rows, pa.Table):
        count, labels = rows.num_rows, rows.column(spec.target)
    else:
        count = rows.count
        parts = [batch.column(0) for batch in rows.batches([spec.target])]
        labels = pa.chunked_array([chunk for part in parts for chunk in part.chunks], pa.string())
    if count <= MAX_ROWS:
        return rows if isinstance(rows, pa.Table) else rows.table
    names = labels.to_numpy(zero_copy_only=False)
    chosen = stratified_positions(names, MAX_ROWS, seed=spec.seed, purpose=purpose)
    return rows.take(pa.array(chosen) if isinstance(rows, pa.Table) else chosen)


def _joined(parts: list[Predictions]) -> Predictions:
    return Predictions(
        parts[0].labels,
        np.concatenate([part.actual for part in parts]),
        np.concatenate([part.predicted for part in parts]),
        np.concatenate([part.scores for part in parts]),
    )
