"""Test rows that several models answer alike, as one row with a weight, for a metric's score."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hokusai_assets.evaluation.metrics import Metric
from hokusai_assets.evaluation.predictions import FloatArray, IntArray, Predictions


@dataclass(frozen=True, eq=False)
class DistinctRows:
    """The P distinct rows under J models, in an order of their own: no order of rows can show.

    Attributes:
        metric: with a score.
        truth: (P,) true classes.
        answers: J arrays of what the score reads, (P,) labels or (P, K) scores.
        times: (P,) how many rows each stands for.
    """

    metric: Metric
    truth: IntArray
    answers: list[IntArray | FloatArray]
    times: IntArray

    @classmethod
    def of(cls, metric: Metric, models: Sequence[Predictions]) -> "DistinctRows":
        """Find the distinct rows of models' predictions on the same rows."""
        actual = models[0].actual
        answers = [metric.answers(model) for model in models]
        rows = np.column_stack([actual, *(answer.reshape(len(actual), -1) for answer in answers)])
        _, first, times = np.unique(rows, axis=0, return_index=True, return_counts=True)
        return cls(metric, actual[first], [answer[first] for answer in answers], times)

    def scores(self, weights: IntArray) -> list[float]:
        """Return every model's score where each distinct row stands for so many rows.

        Args:
            weights: (P,), 0 or more, not all 0.

        Raises:
            UndefinedMetric: the score has no value on these rows.
        """
        score = self.metric.score
        assert score is not None
        # What is left out must not be seen: a score may choke on weights of zero.
        kept = weights > 0
        given = weights[kept].astype(np.float64)
        return [score(self.truth[kept], answer[kept], given) for answer in self.answers]
