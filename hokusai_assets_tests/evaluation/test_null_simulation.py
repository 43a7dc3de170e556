"""Two equally good models, thousands of times over: intervals cover zero, gains are rare."""

import numpy as np
import pytest

from hokusai_assets.evaluation.decision import DeltaOneRule, decide
from hokusai_assets.evaluation.deltas import compare
from hokusai_assets.evaluation.predictions import Predictions, round_scores

from .generated_predictions import named

pytestmark = pytest.mark.slow
_METRICS = ("accuracy", "precision", "recall", "f1", "auroc", "log_loss", "brier")
_REPLICATIONS = 2_000
_ROWS = 1_000


def equally_good_pair(stream: np.random.Generator) -> tuple[Predictions, Predictions]:
    """Return predictions of two models that see the same signal with noise of the same size."""
    actual = np.repeat([0, 1], [int(_ROWS * 0.7), int(_ROWS * 0.3)])
    signal = stream.normal(size=_ROWS) + np.where(actual == 1, 1.2, -0.6)

    def model() -> Predictions:
        odds = np.exp(signal + 0.7 * stream.normal(size=_ROWS))
        scores = round_scores(np.column_stack([1 / (1 + odds), odds / (1 + odds)]))
        return Predictions(named(2), actual, scores.argmax(axis=1), scores)

    return model(), model()


@pytest.fixture(scope="module")
def comparisons():
    stream = np.random.default_rng(20261123)
    return [
        compare(
            *([model] for model in equally_good_pair(stream)),
            metrics=_METRICS,
            average="binary",
            positive=1,
            confidence=0.95,
            resamples=2_000,
            seed=replication,
        )
        for replication in range(_REPLICATIONS)
    ]


@pytest.mark.parametrize("metric", _METRICS)
def test_the_interval_covers_a_true_delta_of_zero_at_its_level(comparisons, metric: str):
    covered = [deltas[metric].low_ppm <= 0 <= deltas[metric].high_ppm for deltas in comparisons]
    # Three standard errors of a share of .95 over 2,000 replications are .015.
    assert 0.935 <= np.mean(covered) <= 0.975


@pytest.mark.parametrize("metric", ["accuracy", "f1", "auroc"])
def test_a_worthless_contribution_is_accepted_no_more_often_than_the_level_allows(
    comparisons, metric: str
):
    rule = DeltaOneRule(primary=metric, min_examples=800, min_delta_bps=0)
    accepted = [
        decide(deltas, rule, test_rows=_ROWS, same_test_set=True).accepted for deltas in comparisons
    ]
    assert np.mean(accepted) <= 0.025 + 0.0105
