"""Simulated test sets with a known true delta: how often intervals hold it, or accept nothing.

`python -m hokusai_assets_tests.evaluation.simulations` prints the tables of docs/EVALUATION.md.
Models are drawn on cells of counts or as normal scores, so that a true delta is a closed form;
what is judged is always `compare` on real predictions.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
from scipy import special, stats

from hokusai_assets.evaluation.deltas import MetricDelta, compare
from hokusai_assets.evaluation.predictions import FloatArray, IntArray, Predictions, round_scores

LEVELS = {0.025: Decimal("0.95"), 2.5e-4: Decimal("0.9995"), 2.5e-5: Decimal("0.99995")}
"""One-sided chance of a false acceptance that is allowed, and the confidence asked for."""

# (true class, baseline's class, new model's class) of two classes.
_CELLS = np.array([(t, b, n) for t in (0, 1) for b in (0, 1) for n in (0, 1)])


@dataclass(frozen=True)
class NullCells:
    """Two models without a true delta in `metric`, as shares of rows in cells of each class.

    A class's shares are of: both say 0, only the new one says 1, only the baseline does, both.
    """

    name: str
    metric: str
    sizes: tuple[int, int]
    negatives: tuple[float, float, float, float]
    positives: tuple[float, float, float, float]


NULLS = (
    NullCells(
        "100 of 1,000 rows differ",
        "accuracy",
        (500, 500),
        (0.80, 0.05, 0.05, 0.10),
        (0.20, 0.05, 0.05, 0.70),
    ),
    NullCells(
        "10 of 1,000 rows differ",
        "accuracy",
        (500, 500),
        (0.885, 0.005, 0.005, 0.105),
        (0.205, 0.005, 0.005, 0.785),
    ),
    NullCells(
        "what one class gains the other loses",
        "accuracy",
        (500, 500),
        (0.80, 0.08, 0.02, 0.10),
        (0.20, 0.08, 0.02, 0.70),
    ),
    NullCells(
        "40 positives of 1,000", "f1", (960, 40), (0.96, 0.01, 0.01, 0.02), (0.3, 0.1, 0.1, 0.5)
    ),
    NullCells(
        "20 positives of 1,000",
        "f1",
        (980, 20),
        (0.98, 0.006, 0.006, 0.008),
        (0.3, 0.1, 0.1, 0.5),
    ),
    NullCells(
        "recall bought with precision",
        "f1",
        (800, 200),
        (0.93, 0.05, 0.005, 0.015),
        (0.25, 0.15, 0.05, 0.55),
    ),
)


def predictions_of(counts: IntArray) -> tuple[Predictions, Predictions]:
    """Return both models' predictions from (8,) rows in each cell."""
    rows = np.repeat(_CELLS, counts, axis=0)
    scores = np.full((len(rows), 2), 0.5)
    before, after = (
        Predictions(("no", "yes"), rows[:, 0], rows[:, side], scores) for side in (1, 2)
    )
    return before, after


def judged(
    baseline: Predictions, new: Predictions, metric: str, confidence: Decimal
) -> MetricDelta:
    """Compare one pair in one metric."""
    return compare(
        [baseline],
        [new],
        metrics=[metric],
        average="binary",
        positive=1,
        confidence=Decimal("0.95"),
        resamples=2_000,
        seed=1,
        levels={metric: confidence},
    )[metric]


def false_accepts(null: NullCells, replications: int, *, seed: int = 1) -> dict[float, float]:
    """Return how often the gain's lower end is above zero, by what is allowed.

    Only replications whose swap statistic is beyond what a level could accept are compared:
    the guard refuses all others, and comparing a million would take hours.
    """
    stream = np.random.default_rng(seed)
    counts = np.concatenate(
        [
            stream.multinomial(size, share, size=replications)
            for size, share in zip(null.sizes, (null.negatives, null.positives), strict=True)
        ],
        axis=1,
    )
    z = _swap_statistic(null.metric, counts)
    rates = {}
    for half, confidence in LEVELS.items():
        # A fair coin's exact tail is never below a tenth of the normal one this far out.
        chosen = counts[z > 0.8 * float(stats.norm.isf(half))]
        if half == 0.025:
            # Frequent enough, and the candidates too many, for a share of the replications.
            share = counts[:4000]
            chosen = share[z[:4000] > 1.0]
        of = 4000 if half == 0.025 else replications
        distinct, times = np.unique(chosen, axis=0, return_counts=True)
        accepted = [
            judged(*predictions_of(one), null.metric, confidence).gain_low_ppm > 0
            for one in distinct
        ]
        rates[half] = float((times * np.array(accepted, dtype=float)).sum() / of)
    return rates


def _swap_statistic(metric: str, counts: IntArray) -> FloatArray:
    """Return (R,) deltas over their error under exchange, from (R, 8) cells."""
    fewer_false, more_false = counts[:, 2], counts[:, 1]
    gained, lost = counts[:, 5], counts[:, 6]
    if metric == "accuracy":
        right, wrong = gained + fewer_false, lost + more_false
        return np.asarray((right - wrong) / np.sqrt(np.maximum(right + wrong, 1)))
    hits = 2 * counts[:, 7] + gained + lost
    said = hits + 2 * counts[:, 3] + fewer_false + more_false
    pooled = 2 * hits / (said + 2 * counts[:, 4:].sum(axis=1))
    total = (2 - pooled) * (gained - lost) + pooled * (fewer_false - more_false)
    square = (2 - pooled) ** 2 * (gained + lost) + pooled**2 * (fewer_false + more_false)
    return np.asarray(total / np.sqrt(np.maximum(square, 1e-9)))


def _scores(actual: IntArray, latent: FloatArray) -> Predictions:
    score = special.expit(latent)
    scores = round_scores(np.column_stack([1 - score, score]))
    return Predictions(("no", "yes"), actual, (latent > 0).astype(np.int64), scores)


def false_accepts_of_auroc(
    positives: int, negatives: int, replications: int, *, seed: int = 1
) -> dict[float, float]:
    """Return the same for the AUROC of two models with normal scores of correlation one half."""
    stream = np.random.default_rng(seed)
    actual = np.repeat([1, 0], [positives, negatives])
    candidates: dict[float, list[tuple[FloatArray, FloatArray]]] = {half: [] for half in LEVELS}
    for start in range(0, replications, 5_000):
        size = min(5_000, replications - start)
        common = stream.normal(size=(size, len(actual)))
        models = [common + stream.normal(size=common.shape) + 1.5 * actual for _ in range(2)]
        z = _delong(models[1], models[0], positives)
        for half in LEVELS:
            if half == 0.025 and start:
                continue
            for index in np.flatnonzero(z > 0.9 * stats.norm.isf(half)):
                candidates[half].append((models[0][index], models[1][index]))
    rates = {}
    for half, confidence in LEVELS.items():
        accepted = sum(
            judged(
                _scores(actual, before), _scores(actual, after), "auroc", confidence
            ).gain_low_ppm
            > 0
            for before, after in candidates[half]
        )
        rates[half] = accepted / (min(5_000, replications) if half == 0.025 else replications)
    return rates


def _delong(new: FloatArray, baseline: FloatArray, positives: int) -> FloatArray:
    """Return (R,) DeLong statistics of (R, n) scores without ties, positive rows first."""
    parts = []
    for scores in (new, baseline):
        rank = scores.argsort(axis=1).argsort(axis=1) + 1
        own = rank[:, :positives].argsort(axis=1).argsort(axis=1) + 1
        other = rank[:, positives:].argsort(axis=1).argsort(axis=1) + 1
        negatives = scores.shape[1] - positives
        v10 = (rank[:, :positives] - own) / negatives
        v01 = 1 - (rank[:, positives:] - other) / positives
        parts.append((v10, v01))
    d10, d01 = (after - before for after, before in zip(*parts, strict=True))
    variance = d10.var(axis=1, ddof=1) / d10.shape[1] + d01.var(axis=1, ddof=1) / d01.shape[1]
    return np.asarray(d10.mean(axis=1) / np.sqrt(variance))


def _table(rows: Iterator[tuple[str, str, dict[float, float]]]) -> None:
    print(
        "| metric | models | at .025 | at 2.5e-4 | at 2.5e-5 |", "|---|---|---|---|---|", sep="\n"
    )
    for metric, name, rates in rows:
        cells = [f"{rates[0.025]:.4f}", f"{rates[2.5e-4]:.2e}", f"{rates[2.5e-5]:.1e}"]
        print(f"| {metric} | {name} | {' | '.join(cells)} |", flush=True)


def _false_acceptance(replications: int) -> Iterator[tuple[str, str, dict[float, float]]]:
    for null in NULLS:
        yield null.metric, null.name, false_accepts(null, replications)
    for positives, negatives in ((20, 180), (100, 100)):
        name = f"{positives} positives, {negatives} negatives"
        rates = false_accepts_of_auroc(positives, negatives, replications // 4)
        yield "auroc", name, rates


if __name__ == "__main__":
    _table(_false_acceptance(int(float(sys.argv[1])) if len(sys.argv) > 1 else 2_000_000))
