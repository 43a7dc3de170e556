"""Train every estimator and print a digest of its predictions, metrics and file, as JSON.

Run as a script in its own process, with other threads, hash seeds and working directories. The
first argument seeds an order of the rows, base and contributed; without one they stand as made.
"""

import hashlib
import json
import sys
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa

from hokusai_assets.benchmarks.row_sets import RowSet, store_rows
from hokusai_assets.benchmarks.spec import ESTIMATOR_NAMES
from hokusai_assets.evaluation.measurement import predictions_on
from hokusai_assets.evaluation.metrics import METRICS, Averaging
from hokusai_assets.evaluation.rounding import to_ppm
from hokusai_assets.models.persistence import model_bytes
from hokusai_assets.models.training import train, training_rows
from hokusai_assets_tests.models.small_benchmark import MIXED, TABULAR, TEXTUAL, rows_of, spec_of

SMALL = {"random_forest": {"n_estimators": 10}, "hist_gradient_boosting": {"max_iter": 10}}
FACTORY = "hokusai_assets_tests.models.small_benchmark:neighbours"
KINDS = {"tabular": TABULAR, "text": TEXTUAL, "mixed": MIXED}
# The boosting takes dense features only, and so does naive_bayes with numbers: Gaussian for
# tabular rows, multinomial for text.
CASES = [
    (name, kind)
    for name in (*ESTIMATOR_NAMES, FACTORY)
    for kind in KINDS
    if (name, kind)
    not in {
        ("hist_gradient_boosting", "text"),
        ("hist_gradient_boosting", "mixed"),
        ("naive_bayes", "mixed"),
    }
]


def digests(order: int | None = None) -> dict[str, dict[str, str]]:
    found = {}
    base, contributed = rows_of(150, 0), rows_of(60, 2)
    if order is not None:
        base, contributed = (
            part.take(pa.array(np.random.default_rng(order).permutation(part.num_rows)))
            for part in (base, contributed)
        )
    with tempfile.TemporaryDirectory() as folder:
        base_rows = RowSet.of(base)
        contributed_rows = store_rows(contributed, Path(folder) / "rows.parquet")
        for name, kind in CASES:
            spec = spec_of(name, KINDS[kind], params=SMALL.get(name))
            model = train(training_rows(base_rows, [contributed_rows], spec), spec)
            said = predictions_on(model, rows_of(80, 1), spec)
            metrics = {
                metric: to_ppm(METRICS[metric].value(said, Averaging("macro", None)))
                for metric in METRICS
            }
            found[f"{name}, {kind}"] = {
                "labels": hashlib.sha256(said.predicted.tobytes()).hexdigest(),
                "scores": hashlib.sha256(said.scores.tobytes()).hexdigest(),
                "metrics": json.dumps(metrics),
                "file": hashlib.sha256(model_bytes(model.pipeline)).hexdigest(),
            }
    return found


if __name__ == "__main__":
    print(json.dumps(digests(int(sys.argv[1]) if len(sys.argv) > 1 else None)))
