"""Tests of comparing two models' predictions."""

import json
import math
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn import metrics as sk
from statsmodels.stats.multitest import multipletests

from hokusai_assets.evaluation.deltas import compare, confusion_cells
from hokusai_assets.evaluation.intervals import TooFewResamples, mcnemar_exact
from hokusai_assets.evaluation.metrics import METRICS, UndefinedMetric
from hokusai_assets.evaluation.predictions import DifferentRows, Predictions
from hokusai_assets.evaluation.rounding import to_ppm
from hokusai_assets_tests.evaluation.generated_predictions import (
    from_weights,
    many,
    predictions,
    reordered,
)

OPTIONS = {
    "metrics": tuple(METRICS),
    "average": "macro",
    "positive": None,
    "confidence": 0.95,
    "resamples": 999,
    "seed": 7,
}


def pair(rows=600, classes=3, seed=1):
    return many(rows, classes, seed=seed, noise=1.5), many(rows, classes, seed=seed, noise=0.5)


def compared(baseline, new, **options):
    """Compare one pair."""
    return compare([baseline], [new], **options)


def replicas(count, rows=600, classes=3, seed=1):
    """Return as many baselines and new models, each noisier than the one before."""
    return (
        [many(rows, classes, seed=seed, noise=1.5 + 0.05 * k) for k in range(count)],
        [many(rows, classes, seed=seed, noise=0.5 + 0.05 * k) for k in range(count)],
    )


@settings(max_examples=40, deadline=None)
@given(predictions(st.integers(2, 3)), st.integers(0, 2**32))
def test_a_delta_is_always_new_less_baseline_in_ppm(baseline, seed):
    stream = np.random.default_rng(seed)
    new = Predictions(
        baseline.labels,
        baseline.actual,
        stream.integers(0, baseline.classes, baseline.rows),
        baseline.scores,
    )
    names = ("accuracy", "precision", "recall", "f1")
    for delta in compared(baseline, new, **(OPTIONS | {"metrics": names})).values():
        assert delta.delta_ppm == delta.new_ppm - delta.baseline_ppm
        assert delta.improved == (delta.delta_ppm > 0)
        assert 0 <= delta.p_value_ppm <= 1_000_000
        assert -1_000_000 <= delta.low_ppm <= delta.high_ppm <= 1_000_000
        if delta.baseline_ppm == 0:
            assert delta.relative_delta_ppm is None
        else:
            exact = Fraction(delta.delta_ppm * 1_000_000, delta.baseline_ppm)
            assert delta.relative_delta_ppm == round(exact)


def test_every_metric_is_compared_in_the_order_asked_and_as_integers():
    deltas = compared(*pair(), **(OPTIONS | {"metrics": ("f1", "brier", "auroc", "accuracy")}))
    assert list(deltas) == ["f1", "brier", "auroc", "accuracy"]
    for name, delta in deltas.items():
        fields = delta.to_dict()
        assert fields["metric"] == name
        assert fields["confidence_ppm"] == 950_000
        assert all(isinstance(value, int | str | None) for value in fields.values())
        assert json.loads(json.dumps(fields)) == fields


def test_values_are_scikit_learns_rounded_to_ppm():
    baseline, new = pair()
    deltas = compared(baseline, new, **OPTIONS)
    for model, side in ((baseline, "baseline_ppm"), (new, "new_ppm")):
        expected = {
            "accuracy": sk.accuracy_score(model.actual, model.predicted),
            "precision": sk.precision_score(model.actual, model.predicted, average="macro"),
            "recall": sk.recall_score(model.actual, model.predicted, average="macro"),
            "f1": sk.f1_score(model.actual, model.predicted, average="macro"),
            "auroc": sk.roc_auc_score(model.actual, model.scores, multi_class="ovr"),
            "log_loss": sk.log_loss(model.actual, model.scores),
            "brier": sk.brier_score_loss(model.actual, model.scores),
        }
        assert {name: getattr(delta, side) for name, delta in deltas.items()} == {
            name: to_ppm(value) for name, value in expected.items()
        }


def test_a_better_model_improves_every_metric_whatever_its_direction():
    deltas = compared(*pair(rows=3000), **OPTIONS)
    for name, delta in deltas.items():
        sign = 1 if METRICS[name].direction == "higher" else -1
        assert delta.improved
        assert sign * delta.delta_ppm > 0
        assert delta.gain_ppm == abs(delta.delta_ppm)
        assert delta.gain_low_ppm == min(sign * delta.low_ppm, sign * delta.high_ppm) > 0
        assert delta.low_ppm < delta.delta_ppm < delta.high_ppm
        assert delta.p_value_ppm < 50_000


def test_exchanging_the_models_mirrors_intervals_that_draw_nothing():
    baseline, new = pair()
    names = ("auroc", "log_loss", "brier")
    there = compared(baseline, new, **(OPTIONS | {"metrics": names}))
    back = compared(new, baseline, **(OPTIONS | {"metrics": names}))
    for name in names:
        assert there[name].delta_ppm == -back[name].delta_ppm
        assert there[name].low_ppm == -back[name].high_ppm
        assert there[name].p_value_ppm == back[name].p_value_ppm
        assert there[name].improved != back[name].improved


def test_the_same_model_twice_changes_nothing():
    given, _ = pair()
    for delta in compared(given, given, **OPTIONS).values():
        assert (delta.delta_ppm, delta.low_ppm, delta.high_ppm) == (0, 0, 0)
        assert delta.p_value_ppm == 1_000_000
        assert delta.relative_delta_ppm == 0
        assert not delta.improved


def test_the_order_of_rows_does_not_show():
    baseline, new = pair(rows=400)
    order = np.random.default_rng(0).permutation(400)
    shuffled = compared(reordered(baseline, order), reordered(new, order), **OPTIONS)
    assert shuffled == compared(baseline, new, **OPTIONS)


def test_a_result_depends_on_seed_but_not_on_the_other_metrics():
    baseline, new = pair()
    every = compared(baseline, new, **OPTIONS)
    for name in METRICS:
        alone = compared(baseline, new, **(OPTIONS | {"metrics": [name]}))[name]
        assert replace(alone, p_holm_ppm=every[name].p_holm_ppm) == every[name]
    other = compared(baseline, new, **(OPTIONS | {"seed": 8}))
    assert other["f1"] != every["f1"]
    assert other["auroc"] == every["auroc"]


def test_accuracy_takes_mcnemars_p_value_and_methods_are_named():
    baseline, new = pair()
    deltas = compared(baseline, new, **OPTIONS)
    right_before = baseline.predicted == baseline.actual
    right_after = new.predicted == new.actual
    gained, lost = (right_after & ~right_before).sum(), (right_before & ~right_after).sum()
    assert deltas["accuracy"].p_value_ppm == to_ppm(mcnemar_exact(int(gained), int(lost)))
    methods = {name: (d.interval_method, d.p_value_method) for name, d in deltas.items()}
    assert methods == {
        "accuracy": ("paired_bootstrap_percentile", "mcnemar_exact"),
        "precision": ("paired_bootstrap_percentile", "paired_bootstrap_swap"),
        "recall": ("paired_bootstrap_percentile", "paired_bootstrap_swap"),
        "f1": ("paired_bootstrap_percentile", "paired_bootstrap_swap"),
        "auroc": ("delong_normal", "delong_z"),
        "log_loss": ("stratified_normal", "stratified_z"),
        "brier": ("stratified_normal", "stratified_z"),
    }


def test_a_higher_confidence_gives_a_wider_interval():
    baseline, new = pair()
    narrow = compared(baseline, new, **(OPTIONS | {"confidence": Decimal("0.8")}))
    wide = compared(baseline, new, **(OPTIONS | {"confidence": Decimal("0.99")}))
    for name in METRICS:
        assert wide[name].low_ppm < narrow[name].low_ppm < narrow[name].high_ppm
        assert narrow[name].high_ppm < wide[name].high_ppm


def test_binary_average_and_positive_class_are_used():
    baseline, new = pair(classes=2)
    options = OPTIONS | {"average": "binary", "metrics": ("recall", "auroc")}
    deltas = [compared(baseline, new, **(options | {"positive": side})) for side in (0, 1)]
    for positive, delta in enumerate(deltas):
        expected = sk.recall_score(new.actual, new.predicted, pos_label=positive)
        assert delta["recall"].new_ppm == to_ppm(expected)
    assert deltas[0]["recall"] != deltas[1]["recall"]


def test_predictions_on_other_rows_are_refused():
    with pytest.raises(DifferentRows):
        compared(many(50, 2, seed=1), many(50, 2, seed=2), **OPTIONS)


def test_undefined_metrics_are_refused_by_name():
    one_class = from_weights(np.zeros(5, int), np.zeros(5, int), np.ones((5, 2), int))
    with pytest.raises(UndefinedMetric, match="auroc"):
        compared(one_class, one_class, **OPTIONS)
    lone = from_weights(np.array([0, 0, 1]), np.zeros(3, int), np.ones((3, 2), int))
    with pytest.raises(UndefinedMetric, match=r"brier is undefined: .*class 'b'.* one test row"):
        compared(lone, lone, **(OPTIONS | {"metrics": ["brier"]}))


def test_unknown_metrics_and_too_few_resamples_are_refused():
    given, _ = pair(rows=50)
    with pytest.raises(ValueError, match=r"unknown metrics \['gini'\]"):
        compared(given, given, **(OPTIONS | {"metrics": ["gini"]}))
    with pytest.raises(TooFewResamples):
        compared(given, given, **(OPTIONS | {"resamples": 10}))
    assert compared(given, given, **(OPTIONS | {"metrics": ["brier"], "resamples": 10}))


def test_confusion_cells_are_sorted_names_with_their_rows():
    scores = np.full((4, 2), 0.5)
    actual = np.array([1, 0, 1, 1])
    baseline = Predictions(("ham", "spam"), actual, np.array([1, 0, 0, 1]), scores)
    new = Predictions(("ham", "spam"), actual, np.array([1, 1, 1, 1]), scores)
    (cells,) = confusion_cells([baseline], [new])
    assert cells == [
        ("ham", "ham", "spam", 1),
        ("spam", "ham", "spam", 1),
        ("spam", "spam", "spam", 2),
    ]
    assert cells == sorted(cells)


def test_replicas_give_a_cell_list_each():
    baseline, new = replicas(3)
    every = confusion_cells(baseline, new)
    singly = [confusion_cells([b], [n])[0] for b, n in zip(baseline, new, strict=True)]
    assert every == singly


def test_values_of_replicas_are_the_means_of_scikit_learns():
    baseline, new = replicas(4)
    deltas = compare(baseline, new, **OPTIONS)
    for models, side in ((baseline, "baseline_ppm"), (new, "new_ppm")):
        macro_f1 = np.mean([sk.f1_score(m.actual, m.predicted, average="macro") for m in models])
        area = np.mean([sk.roc_auc_score(m.actual, m.scores, multi_class="ovr") for m in models])
        assert getattr(deltas["f1"], side) == to_ppm(float(macro_f1))
        assert getattr(deltas["auroc"], side) == to_ppm(float(area))
    for delta in deltas.values():
        assert delta.replicas == 4
        assert delta.interval_method.endswith("_mover")
        assert delta.p_value_method == "welch_t"


def test_the_training_noise_is_the_standard_error_of_the_mean_delta():
    baseline, new = replicas(4)
    deltas = compare(baseline, new, **OPTIONS)
    losses = [
        sk.log_loss(n.actual, n.scores) - sk.log_loss(b.actual, b.scores)
        for b, n in zip(baseline, new, strict=True)
    ]
    assert deltas["log_loss"].training_noise_ppm == math.ceil(stats.sem(losses) * 1e6)
    assert compared(*pair(), **OPTIONS)["log_loss"].training_noise_ppm == 0


def test_replicas_without_scatter_are_judged_as_one_but_for_the_name_of_the_method():
    baseline, new = pair()
    once = compared(baseline, new, **OPTIONS)
    thrice = compare([baseline] * 3, [new] * 3, **OPTIONS)
    for name, delta in thrice.items():
        assert delta.training_noise_ppm == 0
        for field in ("baseline_ppm", "new_ppm", "low_ppm", "high_ppm", "test_error_ppm"):
            assert getattr(delta, field) == getattr(once[name], field)


def test_training_noise_widens_the_interval_of_the_mean():
    baseline, new = replicas(3)
    deltas = compare(baseline, new, **OPTIONS)
    for name, delta in deltas.items():
        reach = stats.t.ppf(0.975, 2) * delta.training_noise_ppm
        assert delta.low_ppm < delta.delta_ppm - reach + 2, name
        assert delta.high_ppm > delta.delta_ppm + reach - 2, name


def test_neither_the_order_of_rows_nor_of_replicas_shows():
    baseline, new = replicas(3, rows=300)
    names = ("auroc", "brier", "log_loss")
    expected = compare(baseline, new, **(OPTIONS | {"metrics": names}))
    turned = compare(baseline[::-1], new[::-1], **(OPTIONS | {"metrics": names}))
    for name in names:
        assert abs(turned[name].low_ppm - expected[name].low_ppm) <= 1
        assert turned[name].delta_ppm == expected[name].delta_ppm
    order = np.random.default_rng(0).permutation(300)
    shuffled = compare(
        [reordered(model, order) for model in baseline],
        [reordered(model, order) for model in new],
        **OPTIONS,
    )
    assert shuffled == compare(baseline, new, **OPTIONS)


def test_secondary_metrics_p_values_are_adjusted_and_the_primary_ones_is_its_own():
    deltas = compared(*pair(rows=150), **(OPTIONS | {"metrics": ("f1", "auroc", "brier")}))
    assert deltas["f1"].p_holm_ppm == deltas["f1"].p_value_ppm
    p_values = [deltas[name].p_value_ppm / 1e6 for name in ("auroc", "brier")]
    expected = multipletests(p_values, method="holm")[1]
    for name, adjusted in zip(("auroc", "brier"), expected, strict=True):
        assert deltas[name].p_holm_ppm == pytest.approx(adjusted * 1e6, abs=2)
