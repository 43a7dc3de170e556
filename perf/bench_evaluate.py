"""Evaluating a contribution of a million rows on a million test rows, numbers or text.

From stored rows to the decision: read the benchmark's and the contribution's rows, train the
baseline and the new model, predict every test row with both, compare, and judge classes. The
peer is a script that reads the same files with pandas, fits the same scikit-learn pipelines to
samples of the same size, predicts the same rows and computes the same metrics with scikit-learn,
on one thread, without pairing, intervals, batches or a promise to repeat. Peak memory is also
taken of each step alone, in a process that holds only what the step needs.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from hokusai_assets.benchmarks.loading import Benchmark, load_benchmark
from hokusai_assets.benchmarks.row_sets import DIGEST_COLUMN, RowSet, StoredRows, store_rows
from hokusai_assets.benchmarks.spec import BenchmarkSpec
from hokusai_assets.privacy.keys import PrivacyKey
from perf.fresh_process import in_fresh_process

ROWS = 1_000_000
BASE_ROWS = 100_000
TRAIN_ROWS = 200_000
_NUMBERS = 8
_STEPS = ("load", "train", "predict", "compare")
_COMMON = f"""\
version: 1
task: binary
target: label
labels: ["no", "yes"]
positive_label: "yes"
data: {{train: base.parquet, test: test.parquet}}
metrics: {{primary: auroc, secondary: [accuracy, precision, recall, f1, log_loss]}}
class_guardrails: {{recall: {{max_drop_bps: 500}}}}
sampling: {{max_train_rows: {TRAIN_ROWS}}}
seed: 1
"""
_SPECS = {
    "tabular": """\
columns:
  region: {type: category, pii: not_pii}
  kind: {type: category, pii: not_pii}
"""
    + "".join(f"  x{i}: {{type: number, pii: not_pii}}\n" for i in range(_NUMBERS))
    + "model: {estimator: hist_gradient_boosting, params: {max_iter: 50, early_stopping: false}}\n",
    "text": """\
columns:
  note: {type: text, pii: not_pii}
model:
  estimator: logistic_regression
  text: {word_ngrams: [1, 1], char_ngrams: null}
""",
}


def run(scale: float = 1.0) -> list[dict[str, Any]]:
    """Measure processor time beside the bare script, and peak memory by step."""
    rows = int(ROWS * scale)
    found = []
    for kind in _SPECS:
        with tempfile.TemporaryDirectory(prefix="hokusai-perf-") as folder:
            _write(Path(folder), kind, rows, max(1_000, int(BASE_ROWS * scale)))
            loaded = in_fresh_process(f"{__name__}:step", folder, kind, "load")
            ours = in_fresh_process(f"{__name__}:evaluated", folder, kind)
            peer = in_fresh_process(f"{__name__}:bare", folder, kind)
            assert abs(ours.result["auroc"] - peer.result["auroc"]) < 0.02, "not the same work"
            what = f"evaluate {rows:,} {kind} rows on {rows:,} test rows"
            for name, unit, one, other in (
                ("processor time", "CPU-s", ours.cpu_seconds, peer.cpu_seconds),
                ("peak memory", "MiB", ours.peak_bytes / 2**20, peer.peak_bytes / 2**20),
            ):
                found.append(
                    _row(f"{what}: {name}", one, unit, ("bare scikit-learn script", other))
                )
            for name in _STEPS:
                peak = (
                    loaded
                    if name == "load"
                    else in_fresh_process(f"{__name__}:step", folder, kind, name)
                ).peak_bytes
                found.append(_row(f"{what}: peak of {name} alone", peak / 2**20, "MiB"))
    return found


def _row(
    what: str, figure: float, unit: str, peer: tuple[str, float] | None = None
) -> dict[str, Any]:
    name, other = peer or (None, None)
    return {
        "what": what,
        "figure": figure,
        "unit": unit,
        "peer": name,
        "peer_figure": other,
        "ratio": figure / other if other else None,
    }


# --- the made benchmark --------------------------------------------------------------------


def _write(folder: Path, kind: str, rows: int, base_rows: int) -> None:
    place = folder / kind
    place.mkdir()
    (place / "benchmark.yaml").write_text(f"id: {kind}\n{_COMMON}{_SPECS[kind]}")
    for number, (name, count) in enumerate(
        (("base", base_rows), ("test", rows), ("contribution", rows))
    ):
        pq.write_table(_made(kind, count, number), place / f"{name}.parquet")


def _made(kind: str, rows: int, seed: int) -> pa.Table:
    generator = np.random.default_rng(seed)
    label = generator.random(rows) < 0.3
    columns: dict[str, Any] = {}
    if kind == "tabular":
        for i in range(_NUMBERS):
            values = generator.normal(size=rows) + label * (0.1 * i)
            columns[f"x{i}"] = pa.array(values, mask=generator.random(rows) < 0.05)
        for name, count in (("region", 6), ("kind", 20)):
            names = pa.array([f"{name}-{i}" for i in range(count)])
            columns[name] = names.take(pa.array(generator.integers(0, count, rows)))
    else:
        words = np.array([f"word{i}" for i in range(5_000)], dtype=object)
        drawn = generator.zipf(1.3, (rows, 8)) % 5_000
        drawn[:, 0] = np.where(label, drawn[:, 0] % 400, drawn[:, 0])
        text = words[drawn[:, 0]]
        for i in range(1, 8):
            text = text + " " + words[drawn[:, i]]
        columns["note"] = pa.array(text, pa.string())
    columns["label"] = pa.array(["no", "yes"]).take(pa.array(label.astype(np.int64)))
    return pa.table(columns)


# --- ours, whole and by step ---------------------------------------------------------------


def evaluated(folder: str, kind: str) -> dict[str, float]:
    """Evaluate as the platform does, from rows that loading and intake stored."""
    from hokusai_assets.evaluation.ledger_state import Standing
    from hokusai_assets.evaluation.measurement import evaluate_models
    from hokusai_assets.evaluation.settlement import settle
    from hokusai_assets.models.training import train_replicas, training_rows

    place = Path(folder) / kind
    benchmark = _stored_benchmark(place)
    contributed = StoredRows.open(place / "contribution.rows")
    spec, said = benchmark.spec, []
    for rows in ([], [contributed]):
        replicas = train_replicas(training_rows(benchmark.base, rows, spec), spec)
        said.append(evaluate_models(replicas, benchmark, model_digest=""))
    settled = settle(
        said[0],
        said[0],
        said[1],
        benchmark=benchmark,
        split=benchmark.split,
        standing=Standing(1, spec.delta_one.submissions, (), "", None),
    )
    return {"auroc": settled.measurement.deltas["auroc"].new_ppm / 1e6}


def step(folder: str, kind: str, name: str) -> None:
    """Do one step; what it needs was written by those before."""
    from hokusai_assets.evaluation.measurement import measure

    place = Path(folder) / kind
    if name == "load":
        _load(place)
        return
    benchmark = _stored_benchmark(place)
    if name == "train":
        _train(place, benchmark)
    elif name == "predict":
        _predict(place, benchmark)
    else:
        said = [_said(place / f"{which}.npz", benchmark) for which in ("baseline", "new")]
        measure(said[0], said[1], benchmark, benchmark.split.shown)


def _load(place: Path) -> None:
    key = PrivacyKey.from_secret(b"a key of the benchmarks, 32 byte")
    benchmark = load_benchmark(place, key)
    for name, part in (("base", benchmark.base), ("test", benchmark.test)):
        digests = pa.array(part.digests, pa.binary(32))
        pq.write_table(part.table.append_column(DIGEST_COLUMN, digests), place / f"{name}.rows")
    (place / "spec.json").write_text(
        json.dumps(
            {
                "spec": benchmark.spec.model_dump(mode="json"),
                "roots": [benchmark.base.root, benchmark.test.root],
            }
        )
    )
    # As intake stores them, which perf/bench_intake.py measures.
    del benchmark, part, digests
    in_fresh_process(f"{__name__}:stored", str(place))


def stored(place: str) -> None:
    """Store the contribution's rows as intake does."""
    spec = BenchmarkSpec.model_validate(json.loads((Path(place) / "spec.json").read_text())["spec"])
    names = [*spec.feature_names, spec.target]
    table = pq.read_table(Path(place) / "contribution.parquet").select(sorted(names))
    store_rows(table, Path(place) / "contribution.rows")


def _stored_benchmark(place: Path) -> Benchmark:
    document = json.loads((place / "spec.json").read_text())
    parts = []
    for name, root in zip(("base", "test"), document["roots"], strict=True):
        table = pq.read_table(place / f"{name}.rows", memory_map=False)
        digests = table.column(DIGEST_COLUMN).to_pylist()
        parts.append(RowSet(table.drop_columns([DIGEST_COLUMN]), digests, root))
    return Benchmark(BenchmarkSpec.model_validate(document["spec"]), parts[0], parts[1], "")


def _train(place: Path, benchmark: Benchmark) -> None:
    from hokusai_assets.models.persistence import model_bytes
    from hokusai_assets.models.training import train, training_rows

    contributed = StoredRows.open(place / "contribution.rows")
    model = train(training_rows(benchmark.base, [contributed], benchmark.spec), benchmark.spec)
    (place / "model.skops").write_bytes(model_bytes(model.pipeline))


def _predict(place: Path, benchmark: Benchmark) -> None:
    from hokusai_assets.evaluation.measurement import evaluate_models
    from hokusai_assets.models.persistence import load_model_file
    from hokusai_assets.models.training import TrainedModel

    model = TrainedModel(load_model_file(place / "model.skops")[0], 0)
    said = evaluate_models([model], benchmark, model_digest="").replicas[0]
    np.savez(place / "new.npz", actual=said.actual, scores=said.scores)
    # The other model: the same with a little noise.
    noise = np.random.default_rng(0).normal(0, 0.01, said.rows)
    first = np.clip(said.scores[:, 0] + noise, 0, 1).round(9)
    scores = np.column_stack([first, (1 - first).round(9)])
    np.savez(place / "baseline.npz", actual=said.actual, scores=scores)


def _said(path: Path, benchmark: Benchmark) -> Any:
    from hokusai_assets.evaluation.measurement import Evaluation
    from hokusai_assets.evaluation.predictions import Predictions

    with np.load(path) as held:
        actual, scores = held["actual"], held["scores"]
    said = Predictions(benchmark.spec.labels, actual, scores.argmax(axis=1), scores)
    return Evaluation((said,), benchmark.test.digests, benchmark.test.root, "")


# --- the peer ------------------------------------------------------------------------------


def bare(folder: str, kind: str) -> dict[str, float]:
    """Do the same fits and predictions with pandas and scikit-learn alone."""
    import pandas as pd
    from sklearn import metrics
    from threadpoolctl import threadpool_limits

    # Idle OpenMP threads spin, which would count as processor time.
    threadpool_limits(limits=1)
    place = Path(folder) / kind
    base, test, contribution = (
        pd.read_parquet(place / f"{name}.parquet") for name in ("base", "test", "contribution")
    )
    truth, auroc = (test["label"] == "yes").to_numpy(), 0.0
    for rows in (base, pd.concat([base, contribution])):
        if len(rows) > TRAIN_ROWS:
            rows = rows.sample(TRAIN_ROWS, random_state=1)
        model = _bare_pipeline(kind).fit(rows.drop(columns="label"), rows["label"])
        scores = model.predict_proba(test.drop(columns="label"))[:, 1]
        chosen = scores > 0.5
        auroc = float(metrics.roc_auc_score(truth, scores))
        metrics.accuracy_score(truth, chosen)
        metrics.precision_recall_fscore_support(truth, chosen, average=None)
        metrics.log_loss(truth, scores)
    return {"auroc": auroc}


def _bare_pipeline(kind: str) -> Any:
    from sklearn.compose import ColumnTransformer
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    if kind == "text":
        text = TfidfVectorizer(min_df=2, sublinear_tf=True)
        features: Any = ColumnTransformer([("note", text, "note")])
        return make_pipeline(features, LogisticRegression(max_iter=1000))
    numbers = [f"x{i}" for i in range(_NUMBERS)]
    features = ColumnTransformer(
        [
            ("n", make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), numbers),
            ("c", OneHotEncoder(handle_unknown="ignore"), ["region", "kind"]),
        ],
        sparse_threshold=0.0,
    )
    boosting = HistGradientBoostingClassifier(max_iter=50, early_stopping=False, random_state=1)
    return make_pipeline(features, boosting)


if __name__ == "__main__":
    print(json.dumps(run(float(sys.argv[1]) if len(sys.argv) > 1 else 1.0), indent=1))
