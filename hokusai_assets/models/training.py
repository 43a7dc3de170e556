"""Training and prediction, the same on one thread whatever the machine offers."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from hokusai_assets.benchmarks.row_sets import RowSet, StoredRows
from hokusai_assets.benchmarks.sampling import stratified_positions
from hokusai_assets.benchmarks.spec import BenchmarkSpec, SpecError
from hokusai_assets.models.pipeline import build_pipeline, feature_frame, shared_objects

PREDICTION_BATCH_ROWS = 65_536


@dataclass(frozen=True)
class TrainedModel:
    """A fitted pipeline, and how many rows it was fitted to (0 if it was loaded)."""

    pipeline: Any
    train_rows: int


def training_rows(base: RowSet, contributed: Sequence[StoredRows], spec: BenchmarkSpec) -> pa.Table:
    """Return the rows a model is trained on: base, then each contribution, in canonical order.

    Above the spec's ``max_train_rows`` a stratified sample of that size stands for them; of the
    others only the labels are read.
    """
    names = base.table.column_names
    limit = spec.sampling.max_train_rows
    count = base.count + sum(part.count for part in contributed)
    if limit is None or count <= limit:
        parts = [base.table]
        parts += [part.table.select(names) for part in contributed if part.count]
        return pa.concat_tables(parts)
    labels = [base.table.column(spec.target)]
    labels += [batch.column(0) for part in contributed for batch in part.batches([spec.target])]
    joined = pa.chunked_array([chunk for part in labels for chunk in part.chunks], pa.string())
    chosen = stratified_positions(joined, limit, seed=spec.seed, purpose="train-sample")
    parts = [base.table.take(pa.array(chosen[chosen < base.count]))]
    start = base.count
    for part in contributed:
        within = chosen[(chosen >= start) & (chosen < start + part.count)]
        parts.append(part.take(within - start).select(names))
        start += part.count
    return pa.concat_tables(parts)


def train(table: pa.Table, spec: BenchmarkSpec, *, replica: int = 0) -> TrainedModel:
    """Fit the spec's pipeline to typed rows; each replica draws other random numbers.

    BLAS and OpenMP run one thread: with more, sums are formed in another order and the last
    digits of coefficients move.

    Raises:
        SpecError: the pipeline can't be built or refuses the data.
    """
    from threadpoolctl import threadpool_limits

    pipeline = build_pipeline(spec, replica=replica)
    frame = feature_frame(table, spec)
    labels = shared_objects(table.column(spec.target))
    with threadpool_limits(limits=1):
        try:
            pipeline.fit(frame, labels)
        except ValueError as error:
            raise SpecError(
                f"model: {spec.model.estimator} can't be fitted to {len(labels)} rows: "
                f"{_first_line(error)}"
            ) from None
    return TrainedModel(pipeline, len(labels))


def train_replicas(table: pa.Table, spec: BenchmarkSpec) -> tuple[TrainedModel, ...]:
    """Return the spec's ``model.seeds`` replicas, fitted to the same rows."""
    return tuple(train(table, spec, replica=replica) for replica in range(spec.model.seeds))


def _first_line(error: ValueError) -> str:
    # scikit-learn may quote a cell after "could not convert"; nothing after it is shown.
    shown = str(error).split("\n")[0].split("could not convert")[0][:200]
    return shown or "a value can't be converted"


def training_fingerprint(
    *, spec_hash: str, base_root: str, contributed_roots: Sequence[str], software_digest: str
) -> str:
    """Return a SHA-256 (hex) over all that a model trained here follows from."""
    parts = (spec_hash, base_root, *contributed_roots, software_digest)
    return hashlib.sha256("|".join(parts).encode()).hexdigest()


def refuse_unfit_model(model: TrainedModel, table: pa.Table, spec: BenchmarkSpec) -> None:
    """Ask a loaded model about one row, so that a misfit is told before a contribution waits.

    Raises:
        SpecError: the model takes other columns, predicts labels the benchmark lacks, or gives
            scores that are no probabilities.
    """
    try:
        scores = predict_probabilities(model, table.slice(0, 1), spec)
    except Exception as error:  # a foreign model may raise anything
        if isinstance(error, SpecError):
            raise
        raise SpecError(
            f"baseline: the loaded model can't predict from the columns "
            f"{list(spec.feature_names)} ({type(error).__name__}); it must be a scikit-learn "
            "pipeline with predict_proba over a frame of these columns"
        ) from None
    # As Predictions demands it; NaN fails the comparison.
    if not (scores.min() >= 0 and abs(scores.sum() - 1) <= 1e-5):
        raise SpecError(
            "baseline: the loaded model's scores are no probabilities: they must lie in 0..1 and "
            "sum to 1 per row; wrap it in a CalibratedClassifierCV"
        )


def predict_probabilities(model: TrainedModel, table: pa.Table, spec: BenchmarkSpec) -> np.ndarray:
    """Return class probabilities, float64 (n, K), columns in the order of ``spec.labels``.

    A class the model never saw has probability 0. Prediction runs in batches of
    `PREDICTION_BATCH_ROWS`, so memory does not grow with the test set.
    """
    from threadpoolctl import threadpool_limits

    classes = [str(label) for label in model.pipeline.classes_]
    if foreign := sorted(set(classes) - set(spec.labels)):
        raise SpecError(
            f"baseline: the model predicts {foreign[:5]}; the benchmark's labels are "
            f"{list(spec.labels)}"
        )
    columns = [spec.labels.index(label) for label in classes]
    scores = np.zeros((table.num_rows, len(spec.labels)))
    with threadpool_limits(limits=1):
        for start in range(0, table.num_rows, PREDICTION_BATCH_ROWS):
            batch = table.slice(start, PREDICTION_BATCH_ROWS)
            part = model.pipeline.predict_proba(feature_frame(batch, spec))
            scores[start : start + batch.num_rows, columns] = part
    return scores
