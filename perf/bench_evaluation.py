"""The delta report of two models on a million test rows, and the usual way to make one.

The report is accuracy, precision, recall, F1 and AUROC with 10,000 paired resamples, McNemar's
exact test and DeLong's. The peer does the same with scikit-learn and scipy in a loop: it draws row
numbers, takes both models' rows and calls the metric functions. It would take an hour and more, so
it does PEER_RESAMPLES and its time is scaled up, the metrics' first calls and tests added once.
CPU time of the report alone: neither imports nor the predictions' making are in it.
"""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np

from hokusai_assets.evaluation.predictions import Predictions, round_scores
from perf.fresh_process import in_fresh_process

ROWS = 1_000_000
RESAMPLES = 10_000
PEER_RESAMPLES = 3
NAMES = ("accuracy", "precision", "recall", "f1", "auroc")


def run(scale: float = 1.0) -> list[dict[str, Any]]:
    """Measure CPU-seconds of a report: 2 classes beside the peer, then 26, then 5 replicas."""
    rows = max(1_000, int(ROWS * scale))
    measured = {
        name: in_fresh_process(f"{__name__}:{function}", rows, *arguments).result
        for name, function, arguments in (
            ("ours", "report", (2, 1)),
            ("peer", "loop", ()),
            ("letters", "report", (26, 1)),
            ("replicas", "report", (2, 5)),
        )
    }
    what = f"delta report, {rows:,} rows, {RESAMPLES:,} resamples"
    plain = {"unit": "CPU-s", "peer": None, "peer_figure": None, "ratio": None}
    return [
        {
            "what": f"{what}, 2 classes: speed",
            "figure": 3600 / measured["ours"],
            "unit": "reports/CPU-hour",
            "peer": f"scikit-learn and scipy, scaled up from {PEER_RESAMPLES} resamples",
            "peer_figure": 3600 / measured["peer"],
            "ratio": measured["peer"] / measured["ours"],
        },
        {"what": f"{what}, 2 classes", "figure": measured["ours"], **plain},
        {"what": f"{what}, 26 classes", "figure": measured["letters"], **plain},
        {"what": f"{what}, 2 classes, 5 replicas", "figure": measured["replicas"], **plain},
    ]


def _models(rows: int, classes: int, replicas: int) -> tuple[list[Predictions], list[Predictions]]:
    """Return baselines and new models of one signal: rows where they err are mostly the same."""
    stream = np.random.default_rng(1)
    actual = stream.integers(0, classes, rows)
    signal = stream.normal(size=(rows, classes))
    signal[np.arange(rows), actual] += 1.5 * math.log2(classes)
    labels = tuple(f"{index:02d}" for index in range(classes))

    def model(noise: float) -> Predictions:
        odds = np.exp(signal + noise * stream.normal(size=signal.shape))
        scores = round_scores(odds / odds.sum(axis=1, keepdims=True))
        return Predictions(labels, actual, scores.argmax(axis=1), scores)

    return [model(0.6) for _ in range(replicas)], [model(0.5) for _ in range(replicas)]


def report(rows: int, classes: int, replicas: int) -> float:
    """Return CPU-seconds of our report."""
    from hokusai_assets.evaluation.deltas import compare

    options: dict[str, Any] = {
        "metrics": NAMES,
        "average": "binary" if classes == 2 else "macro",
        "positive": 1 if classes == 2 else None,
        "confidence": 0.95,
        "resamples": RESAMPLES,
        "seed": 1,
    }
    compare(*_models(1_000, classes, replicas), **options)  # imports
    baseline, new = _models(rows, classes, replicas)
    start = time.process_time()
    compare(baseline, new, **options)
    return time.process_time() - start


def loop(rows: int) -> float:
    """Return CPU-seconds of the peer, its resamples scaled up."""
    from scipy import stats
    from sklearn import metrics as sk

    (baseline,), (new,) = _models(rows, 2, 1)
    actual = new.actual
    stream = np.random.default_rng(2)

    def values(model: Predictions, chosen: np.ndarray | slice) -> list[float]:
        truth, said = actual[chosen], model.predicted[chosen]
        functions = (sk.accuracy_score, sk.precision_score, sk.recall_score, sk.f1_score)
        return [float(function(truth, said)) for function in functions]

    def resample() -> None:
        chosen = stream.integers(0, rows, rows)
        for model in (baseline, new):
            values(model, chosen)

    resample()  # imports
    start = time.process_time()
    for model in (baseline, new):
        values(model, slice(None))
        sk.roc_auc_score(actual, model.scores[:, 1])
        for side in (actual == 1, actual == 0):
            # Structural components: mid-ranks among all and among one's own.
            stats.rankdata(model.scores[:, 1])
            stats.rankdata(model.scores[side, 1])
    differ = (baseline.predicted == actual) != (new.predicted == actual)
    gained = int((new.predicted[differ] == actual[differ]).sum())
    stats.binomtest(gained, int(differ.sum()))
    once = time.process_time() - start
    start = time.process_time()
    for _ in range(PEER_RESAMPLES):
        resample()
    return once + (time.process_time() - start) / PEER_RESAMPLES * RESAMPLES
