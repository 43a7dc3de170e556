"""Train every estimator and print a digest of its predictions and of its file, as JSON.

Run as a script in its own process, with other threads, hash seeds and working directories.
"""

import hashlib
import json

from hokusai_assets.benchmarks.spec import ESTIMATOR_NAMES
from hokusai_assets.evaluation.predictions import round_scores
from hokusai_assets.models.persistence import model_bytes
from hokusai_assets.models.training import predict_probabilities, train
from hokusai_assets_tests.models.small_benchmark import TABULAR, TEXTUAL, rows_of, spec_of

SMALL = {"random_forest": {"n_estimators": 10}, "hist_gradient_boosting": {"max_iter": 10}}
CASES = [
    (name, kind)
    for name in ESTIMATOR_NAMES
    for kind in ("tabular", "text")
    if (name, kind) != ("hist_gradient_boosting", "text")
]


def digests() -> dict[str, dict[str, str]]:
    found = {}
    for name, kind in CASES:
        spec = spec_of(name, TABULAR if kind == "tabular" else TEXTUAL, params=SMALL.get(name))
        model = train(rows_of(150, 0), spec)
        scores = round_scores(predict_probabilities(model, rows_of(80, 1), spec))
        found[f"{name}, {kind}"] = {
            "predictions": hashlib.sha256(scores.tobytes()).hexdigest(),
            "file": hashlib.sha256(model_bytes(model.pipeline)).hexdigest(),
        }
    return found


if __name__ == "__main__":
    print(json.dumps(digests()))
