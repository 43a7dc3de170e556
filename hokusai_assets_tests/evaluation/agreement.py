"""Tables of how far our numbers are from those of others, for docs/EVALUATION.md.

`python -m hokusai_assets_tests.evaluation.agreement` prints them; `test_agreement` holds the
document to them.
"""

import math
from collections.abc import Iterable, Iterator
from fractions import Fraction

import numpy as np
from scipy import stats
from sklearn import metrics as sk
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests

from hokusai_assets.evaluation import intervals, roc, tails
from hokusai_assets.evaluation.bootstrap import bootstrap_differences
from hokusai_assets.evaluation.metrics import METRICS, Averaging
from hokusai_assets.evaluation.predictions import PairedCells, Predictions
from hokusai_assets.evaluation.swap_test import SwapTest
from hokusai_assets_tests.evaluation.generated_predictions import from_weights, many
from hokusai_assets_tests.evaluation.test_bootstrap import per_row_bootstrap, statistics
from hokusai_assets_tests.evaluation.test_metrics import RATIOS, by_scikit_learn, edge_cases
from hokusai_assets_tests.evaluation.test_roc import (
    PUBLISHED_AREAS,
    PUBLISHED_CONTRASTS,
    contrast_with_kg,
    ovarian_cancer,
    slow_delong,
)
from hokusai_assets_tests.evaluation.test_swap_test import bound, pair_of
from hokusai_assets_tests.evaluation.test_tails import by_statsmodels_ends

_RANDOM_SETS = 100
_MOST_DISCORDANT = 40


def tables() -> list[str]:
    """Return every table as Markdown, computed anew."""
    return [metric_table(), test_table(), delong_table(), bootstrap_table()]


def metric_table() -> str:
    """Compare each metric with scikit-learn's, over random data and edge cases."""
    gaps: dict[str, list[float]] = {name: [] for name in METRICS}
    for given in (*_random_sets(), *edge_cases().values()):
        for name, gap in _gaps(given):
            gaps[name].append(gap)
    rows = [(f"`{name}`", f"{len(found):,}", _below(found)) for name, found in gaps.items()]
    return _table(("metric", "comparisons", "largest difference"), rows)


def _random_sets() -> Iterator[Predictions]:
    """Yield sets of 1 to 60 rows with ties and absent classes, and sets of 500 without."""
    stream = np.random.default_rng(1)
    for index in range(_RANDOM_SETS):
        classes, rows = int(stream.integers(2, 6)), int(stream.integers(1, 61))
        weights = stream.integers(0, int(stream.choice([2, 5, 1000])), (rows, classes))
        weights[weights.sum(axis=1) == 0] = 1
        labels = stream.integers(0, classes, (2, rows))
        yield from_weights(labels[0], labels[1], weights)
        yield many(500, classes, seed=index, noise=float(stream.uniform(0, 3)))


def _gaps(given: Predictions) -> Iterator[tuple[str, float]]:
    for average in ("macro", "weighted"):
        for name, expected in by_scikit_learn(given, average).items():
            found = METRICS[name].value(given, Averaging(average, None))
            yield name, abs(float(found) - expected)
    two = given.classes == 2
    for positive in (0, 1) if two else ():
        for name, reference in RATIOS.items():
            expected = reference(
                given.actual, given.predicted, labels=[positive], average="macro", zero_division=0
            )
            found = METRICS[name].value(given, Averaging("binary", positive))
            yield name, abs(float(found) - expected)
    if len(set(given.actual.tolist())) == given.classes:
        scores = given.scores[:, 1] if two else given.scores
        expected = sk.roc_auc_score(given.actual, scores, multi_class="ovr", average="macro")
        found = METRICS["auroc"].value(given, Averaging("macro", None))
        yield "auroc", abs(float(found) - expected)


def test_table() -> str:
    """Compare tests and intervals with statsmodels', scipy's and definitions worked slowly."""
    counts = [
        (gained, lost)
        for gained in range(_MOST_DISCORDANT + 1)
        for lost in range(_MOST_DISCORDANT + 1)
        if gained + lost
    ]
    by_statsmodels = {
        (gained, lost): float(mcnemar([[0, lost], [gained, 0]], exact=True).pvalue)
        for gained, lost in counts
    }
    exact = [abs(intervals.mcnemar_exact(*pair) - p) for pair, p in by_statsmodels.items()]
    counted = [abs(intervals.mcnemar_exact(*pair) - _counted(*pair)[0]) for pair in counts]
    mid = [abs(intervals.mcnemar_mid_p(*pair) - _counted(*pair)[1]) for pair in counts]
    swapped = [abs(_swap_p(*pair) - p) for pair, p in by_statsmodels.items()]
    ends = [
        abs(ours - theirs)
        for pair in counts
        for level in (950_000, 999_999)
        for ours, theirs in zip(
            tails.discordant_interval(*pair, 1_000, confidence_ppm=level),
            by_statsmodels_ends(*pair, 1_000, level),
            strict=True,
        )
    ]
    rows = [
        ("McNemar, exact", "statsmodels `mcnemar`", exact),
        ("McNemar, exact", "every split counted, in fractions", counted),
        ("McNemar, mid-p", "every split counted, in fractions", mid),
        ("swap test of accuracy", "statsmodels `mcnemar`", swapped),
        ("Holm", "statsmodels `multipletests`", list(_holm_gaps())),
        ("Clopper-Pearson, by MOVER", "ends of statsmodels `proportion_confint`", ends),
        ("AUROC", "scipy `mannwhitneyu` over the pairs", list(_mann_whitney_gaps())),
        ("DeLong's variance", "every pair of rows", list(_delong_gaps())),
    ]
    return _table(
        ("ours", "theirs", "comparisons", "largest difference"),
        [(ours, theirs, f"{len(gaps):,}", _below(gaps)) for ours, theirs, gaps in rows],
    )


def _counted(gained: int, lost: int) -> tuple[float, float]:
    """Return McNemar's exact and mid-p (Fagerland et al. 2013), every split counted."""
    every = 2 ** (gained + lost)
    fewer = sum(math.comb(gained + lost, k) for k in range(min(gained, lost) + 1))
    observed = Fraction(math.comb(gained + lost, gained), every)
    if gained == lost:
        return 1.0, float(1 - observed / 2)
    exact = Fraction(2 * fewer, every)
    return float(exact), float(exact - observed)


def _swap_p(gained: int, lost: int) -> float:
    baseline, new = pair_of([(1, 1, 1, 5), (0, 0, 0, 5), (1, 0, 1, gained), (0, 0, 1, lost)])
    cells = PairedCells.of([baseline], [new])
    return SwapTest.of(cells, bound("accuracy", Averaging("macro", None))).two_sided


def _holm_gaps() -> Iterator[float]:
    stream = np.random.default_rng(2)
    for _ in range(40):
        p_values = stream.integers(0, 10 ** int(stream.integers(2, 7)), stream.integers(1, 9))
        adjusted = intervals.holm_ppm({str(i): int(p) for i, p in enumerate(p_values)})
        expected = multipletests(p_values / 1e6, method="holm")[1]
        yield from np.abs(np.array([*adjusted.values()]) / 1e6 - _in_order(adjusted, expected))


def _in_order(adjusted: dict[str, int], expected: np.ndarray) -> np.ndarray:
    return np.array([expected[int(name)] for name in adjusted])


def _mann_whitney_gaps() -> Iterator[float]:
    for given in _binary_sets():
        score, is_positive = given.scores[:, 1], given.actual == 1
        statistic = stats.mannwhitneyu(score[is_positive], score[~is_positive]).statistic
        expected = statistic / (is_positive.sum() * (~is_positive).sum())
        yield abs(float(roc.exact_area(given, [1])) - expected)


def _delong_gaps() -> Iterator[float]:
    for new in _binary_sets():
        order = np.random.default_rng(new.rows).permutation(new.rows)
        baseline = Predictions(new.labels, new.actual, new.predicted, new.scores[order])
        _, covariance = slow_delong(new.actual, new.scores[:, 1], baseline.scores[:, 1])
        parts = [roc.area_and_components(model, [1])[1] for model in (new, baseline)]
        found = intervals.stratified_variance(parts[0] - parts[1], new.actual)
        yield abs(found - (covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]))


def _binary_sets() -> list[Predictions]:
    return [
        given
        for given in _random_sets()
        if given.classes == 2 and min(np.bincount(given.actual, minlength=2)) >= 2
    ]


def delong_table() -> str:
    """Set the published worked example of DeLong's method beside what we make of its rows."""
    rows = []
    for test, area, error in PUBLISHED_AREAS:
        given = ovarian_cancer()[test]
        found, components = roc.area_and_components(given, [1])
        spread = math.sqrt(intervals.stratified_variance(components, given.actual))
        rows += [
            (f"area of {test}", f"{area:.4f}", f"{float(found):.6f}"),
            ("its standard error", f"{error:.4f}", f"{spread:.6f}"),
        ]
    for test, delta, error, low, high, p_value in PUBLISHED_CONTRASTS:
        ours = contrast_with_kg(test)
        rows += [
            (f"{test} less K-G", f"{delta:.4f}", f"{ours.delta_ppm / 1e6:.6f}"),
            ("its standard error", f"{error:.4f}", f"{ours.test_error_ppm / 1e6:.6f}"),
            (
                "its 95% interval",
                f"{low:.4f} to {high:.4f}",
                f"{ours.low_ppm / 1e6:.6f} to {ours.high_ppm / 1e6:.6f}",
            ),
            ("its p-value", f"{p_value:.4f}", f"{ours.p_value_ppm / 1e6:.6f}"),
        ]
    return _table(("quantity", "published", "ours"), rows)


def bootstrap_table() -> str:
    """Compare the bootstrap over cells with drawing the same rows one by one."""
    rows = []
    for classes, average, positive in ((2, "binary", 1), (3, "macro", None), (3, "weighted", None)):
        baseline, new = ([many(150, classes, seed=1, noise=noise)] for noise in (1.5, 0.5))
        forms = statistics(average, positive)
        for name in ("accuracy", "f1"):
            slow = per_row_bootstrap(baseline, new, forms[name], 1_500, seed=2)
            cells = PairedCells.of(baseline, new)
            fast = bootstrap_differences(cells, forms, resamples=20_000, seed=3)[name]
            for kind, drawn in (("rows", slow), ("cells", fast)):
                low, high = np.quantile(drawn, [0.025, 0.975])
                figures = (drawn.mean(), drawn.std(ddof=1), low, high)
                what = f"`{name}`, {classes} classes, {average}"
                rows.append((what, kind, *(f"{figure:.4f}" for figure in figures)))
    return _table(("metric", "drawn", "mean", "standard error", "2.5%", "97.5%"), rows)


def _below(gaps: Iterable[float]) -> str:
    """Return the least power of ten above all: what is below it differs between processors."""
    worst = max(gaps)
    return "0" if worst == 0 else f"< 1e{math.floor(math.log10(worst)) + 1:d}"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |".replace(" --- ", "---") for line in lines)


if __name__ == "__main__":
    print("\n\n".join(tables()))
