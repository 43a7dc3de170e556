"""Simulated test sets with a known true delta: how often intervals hold it, or accept nothing.

`python -m hokusai_assets_tests.evaluation.simulations coverage 4000` and `... false-acceptance 4e6`
print the tables of docs/EVALUATION.md.
Models are drawn on cells of counts or as normal scores, so that a true delta is a closed form;
what is judged is always `compare` on real predictions.
"""

import sys
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
from scipy import special, stats

from hokusai_assets.evaluation.deltas import MetricDelta, compare
from hokusai_assets.evaluation.metrics import METRICS as BUILT_IN
from hokusai_assets.evaluation.metrics import Averaging
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


METRICS = ("accuracy", "precision", "recall", "f1", "auroc", "log_loss", "brier")


@dataclass(frozen=True)
class Trained:
    """A pair of learners: what they get right, and how far a training strays.

    Attributes:
        name: for tables.
        sizes: test rows of each class.
        gain: how much stronger the new model's signal is; 0 makes the true delta 0.
        replicas: paired trainings, k.
        noise: standard deviation of what a training adds to each class's logit.
    """

    name: str
    sizes: tuple[int, ...]
    gain: float
    replicas: int
    noise: float

    @property
    def average(self) -> dict[str, str | int | None]:
        """How compare averages: binary for two classes, else macro."""
        if len(self.sizes) == 2:
            return {"average": "binary", "positive": 1}
        return {"average": "macro", "positive": None}

    def drawn(
        self, stream: np.random.Generator, sizes: tuple[int, ...], replicas: int
    ) -> tuple[list[Predictions], list[Predictions]]:
        """Return that many paired trainings, all on the same new test rows."""
        actual = np.repeat(np.arange(len(sizes)), sizes)
        shape = (len(actual), len(sizes))
        signal = stream.normal(size=shape)
        signal[np.arange(len(actual)), actual] += 1.2
        sides: list[list[Predictions]] = []
        for gain in (0.0, self.gain):
            own = signal + 0.7 * stream.normal(size=shape)
            own[np.arange(len(actual)), actual] += gain
            models = []
            for _ in range(replicas):
                strayed = self.noise * stream.normal(size=(1, len(sizes)))
                each = 0.3 * stream.normal(size=shape) if self.noise else 0.0
                odds = np.exp(own + strayed + each)
                scores = round_scores(odds / odds.sum(axis=1, keepdims=True))
                labels = tuple(f"{index}" for index in range(len(sizes)))
                models.append(Predictions(labels, actual, scores.argmax(axis=1), scores))
            sides.append(models)
        return sides[0], sides[1]


TRAINED = tuple(
    Trained(f"{kind}, {delta}, k = {replicas}", sizes, gain, replicas, noise)
    for kind, sizes in (("binary", (700, 300)), ("3 classes, macro", (500, 300, 200)))
    for replicas, noise in ((1, 0.0), (5, 0.25))
    for delta, gain in (("no delta", 0.0), ("a delta", 0.3))
)


def true_deltas(trained: Trained) -> dict[str, float]:
    """Return the expected delta of each metric: 0 by symmetry, else from 4 million rows and more.

    Its own error is below a thirtieth of a standard error on a thousand rows.
    """
    if trained.gain == 0:
        return dict.fromkeys(METRICS, 0.0)
    stream = np.random.default_rng(99)
    averaging = Averaging(**trained.average)  # type: ignore[arg-type]
    # A training's stray needs many trainings; without one, one pair on many rows says it all.
    trainings, times = (800, 5) if trained.noise else (8, 500)
    sizes = tuple(size * times for size in trained.sizes)
    found: dict[str, list[float]] = {name: [] for name in METRICS}
    for _ in range(trainings):
        (before,), (after,) = trained.drawn(stream, sizes, 1)
        for name in METRICS:
            value = BUILT_IN[name].value
            found[name].append(float(value(after, averaging) - value(before, averaging)))
    return {name: float(np.mean(values)) for name, values in found.items()}


def coverage(trained: Trained, replications: int, *, seed: int = 1) -> dict[str, float]:
    """Return the share of 95% intervals that hold the true delta, by metric."""
    truth = true_deltas(trained)
    stream = np.random.default_rng(seed)
    held = dict.fromkeys(METRICS, 0)
    for replication in range(replications):
        baseline, new = trained.drawn(stream, trained.sizes, trained.replicas)
        deltas = compare(
            baseline,
            new,
            metrics=METRICS,
            confidence=Decimal("0.95"),
            resamples=1_000,
            seed=replication,
            **trained.average,  # type: ignore[arg-type]
        )
        for name, delta in deltas.items():
            held[name] += delta.low_ppm <= truth[name] * 1e6 <= delta.high_ppm
    return {name: count / replications for name, count in held.items()}


def _print_coverage(replications: int) -> None:
    print(f"| models | {' | '.join(METRICS)} |", "|---" * (len(METRICS) + 1) + "|", sep="\n")
    for trained in TRAINED:
        found = coverage(trained, replications)
        shares = " | ".join(f"{found[name]:.3f}" for name in METRICS)
        print(f"| {trained.name} | {shares} |", flush=True)


def _print_false_acceptance(replications: int) -> None:
    print(
        "| metric | models | at .025 | at 2.5e-4 | at 2.5e-5 |", "|---|---|---|---|---|", sep="\n"
    )
    for null in NULLS:
        _print_rates(null.metric, null.name, false_accepts(null, replications))
    for positives, negatives in ((20, 180), (100, 100)):
        name = f"{positives} positives, {negatives} negatives"
        rates = false_accepts_of_auroc(positives, negatives, replications // 4)
        _print_rates("auroc", name, rates)


def _print_rates(metric: str, name: str, rates: dict[float, float]) -> None:
    cells = [f"{rates[0.025]:.4f}", f"{rates[2.5e-4]:.1e}", f"{rates[2.5e-5]:.1e}"]
    print(f"| {metric} | {name} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    what, count = sys.argv[1], int(float(sys.argv[2]))
    {"coverage": _print_coverage, "false-acceptance": _print_false_acceptance}[what](count)
