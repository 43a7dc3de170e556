"""Tests of what changed by class and by slice."""

import json
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as skm

from hokusai_assets.evaluation.deltas import compare
from hokusai_assets.evaluation.group_delta import GroupDelta
from hokusai_assets.evaluation.intervals import normal_inference, stratified_variance
from hokusai_assets.evaluation.metrics import METRICS, Averaging
from hokusai_assets.evaluation.predictions import DifferentRows, Predictions, round_scores
from hokusai_assets.evaluation.rounding import to_ppm
from hokusai_assets.evaluation.subgroups import CLASS_METRICS, group_deltas

from .generated_predictions import from_weights, many, named, predictions, reordered

ALL = ("accuracy", "precision", "recall", "f1", "auroc", "log_loss", "brier")


def measured(baseline, new, slices=None, metrics=ALL, average="macro", positive=None):
    """Return the deltas by (kind, group, metric)."""
    found = group_deltas(
        baseline if isinstance(baseline, list) else [baseline],
        new if isinstance(new, list) else [new],
        slices=slices or {},
        metrics=metrics,
        average=average,
        positive=positive,
        confidence=0.95,
    )
    return {(delta.kind, delta.group, delta.metric): delta for delta in found}


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Predictions, Predictions]:
    one = draw(predictions(st.integers(2, 4)))
    other = draw(st.lists(st.integers(0, one.classes - 1), min_size=one.rows, max_size=one.rows))
    return one, Predictions(one.labels, one.actual, np.array(other), one.scores)


# --- values, beside scikit-learn -------------------------------------------------------------


@settings(deadline=None)
@given(pairs())
def test_a_class_has_the_precision_recall_and_f1_that_scikit_learn_gives_it(pair):
    found = measured(*pair)
    for model, field in zip(pair, ("baseline_ppm", "new_ppm"), strict=True):
        expected = skm.precision_recall_fscore_support(
            model.actual, model.predicted, labels=range(model.classes), zero_division=0
        )
        for index, label in enumerate(model.labels):
            rows = int(expected[3][index])
            for metric, values in zip(CLASS_METRICS, expected[:3], strict=True):
                delta = found["class", label, metric]
                assert delta.rows == rows
                if rows:
                    assert getattr(delta, field) == pytest.approx(values[index] * 1e6, abs=0.51)
                else:
                    assert getattr(delta, field) is None
                    assert delta.undefined == f"no test row is of class {label!r}"


@settings(deadline=None)
@given(pairs(), st.data())
def test_a_slice_has_the_metrics_of_its_rows_alone(pair, data):
    rows = pair[0].rows
    held = np.array(data.draw(st.lists(st.booleans(), min_size=rows, max_size=rows).filter(any)))
    average = data.draw(st.sampled_from(["macro", "weighted"]))
    averaging = Averaging(average, None)
    found = measured(*pair, {"s": held}, ("accuracy", *CLASS_METRICS, "log_loss"), average)
    for metric in ("accuracy", *CLASS_METRICS, "log_loss"):
        delta = found["slice", "s", metric]
        assert delta.rows == held.sum()
        for model, value in zip(pair, (delta.baseline_ppm, delta.new_ppm), strict=True):
            part = Predictions(
                model.labels, model.actual[held], model.predicted[held], model.scores[held]
            )
            assert value == to_ppm(METRICS[metric].value(part, averaging))


def test_a_slice_of_scores_agrees_with_scikit_learn():
    before, after = many(500, 2, seed=1), many(500, 2, seed=1, noise=0.5)
    held = np.arange(500) % 3 == 0
    found = measured(before, after, {"third": held}, ("auroc", "log_loss", "brier", "f1"))
    delta = found["slice", "third", "auroc"]
    for model, value in ((before, delta.baseline_ppm), (after, delta.new_ppm)):
        expected = skm.roc_auc_score(model.actual[held], model.scores[held, 1])
        assert value == pytest.approx(expected * 1e6, abs=0.51)
    delta = found["slice", "third", "brier"]
    expected = skm.brier_score_loss(after.actual[held], after.scores[held, 1])
    assert delta.new_ppm == pytest.approx(expected * 1e6, abs=0.51)
    assert delta.direction == "lower" and delta.drop_ppm == delta.delta_ppm


@pytest.mark.parametrize(("classes", "average"), [(2, "binary"), (3, "macro"), (3, "weighted")])
def test_a_slice_of_all_rows_is_the_whole_test_set(classes, average):
    before, after = many(400, classes, seed=2), many(400, classes, seed=2, noise=0.4)
    positive = 1 if average == "binary" else None
    found = measured(before, after, {"all": np.ones(400, bool)}, ALL, average, positive)
    whole = compare(
        [before],
        [after],
        metrics=ALL,
        average=average,
        positive=positive,
        confidence=0.95,
        resamples=1_000,
        seed=0,
    )
    for metric in ALL:
        ours, theirs = found["slice", "all", metric], whole[metric]
        assert (ours.baseline_ppm, ours.new_ppm) == (theirs.baseline_ppm, theirs.new_ppm)
        # The intervals come by other ways, and are alike.
        width = theirs.high_ppm - theirs.low_ppm
        assert ours.low_ppm == pytest.approx(theirs.low_ppm, abs=width / 8)
        assert ours.high_ppm == pytest.approx(theirs.high_ppm, abs=width / 8)


# --- intervals ---------------------------------------------------------------------------------


def leave_one_out_variance(models, value):
    """Return the jackknife variance of value(new) - value(baseline), row by row."""
    before, after = models
    rows = before.rows
    found = []
    for row in range(rows):
        rest = np.arange(rows) != row
        one, other = (
            value(skm, m.actual[rest], m.predicted[rest], m.classes) for m in (before, after)
        )
        found.append(other - one)
    return (rows - 1) / rows * np.square(np.array(found) - np.mean(found)).sum()


def recall_of_class_0(sk, actual, predicted, classes):
    return sk.recall_score(actual, predicted, labels=[0], average="macro", zero_division=0)


def precision_of_class_0(sk, actual, predicted, classes):
    return sk.precision_score(actual, predicted, labels=[0], average="macro", zero_division=0)


def macro_f1(sk, actual, predicted, classes):
    return sk.f1_score(actual, predicted, average="macro", zero_division=0)


def accuracy(sk, actual, predicted, classes):
    return sk.accuracy_score(actual, predicted)


@pytest.mark.parametrize(
    ("value", "key"),
    [
        (recall_of_class_0, ("class", "a", "recall")),
        (precision_of_class_0, ("class", "a", "precision")),
        (macro_f1, ("slice", "all", "f1")),
        (accuracy, ("slice", "all", "accuracy")),
    ],
)
def test_the_interval_is_the_jackknifes_over_rows(value, key):
    models = many(60, 3, seed=3), many(60, 3, seed=3, noise=2.0)
    delta = measured(*models, {"all": np.ones(60, bool)})[key]
    variance = leave_one_out_variance(models, value)
    change = delta.delta_ppm / 1e6
    expected = normal_inference(change, variance, confidence_ppm=950_000)
    assert delta.low_ppm == pytest.approx(expected.low * 1e6, abs=2)
    assert delta.high_ppm == pytest.approx(expected.high * 1e6, abs=2)
    assert delta.error_ppm == pytest.approx(1e6 * np.sqrt(variance + change**2 / delta.rows), abs=2)


def test_the_standard_error_of_recall_is_mcnemars_under_no_difference():
    # Of 400 rows of class a the baseline has 380 right; the new model loses 30 and gains 5.
    actual = np.repeat([0, 1], [400, 100])
    before, after = actual.copy(), actual.copy()
    before[:20] = 1
    after[5:20] = 1
    after[20:50] = 1
    scores = round_scores(np.full((500, 2), 0.5))
    models = [Predictions(named(2), actual, guess, scores) for guess in (before, after)]
    delta = measured(*models)["class", "a", "recall"]
    assert delta.drop_ppm == to_ppm(Fraction(25, 400))
    assert delta.drop_ppm / delta.error_ppm == pytest.approx(25 / np.sqrt(35), rel=0.01)


def test_a_mean_of_scores_has_the_variance_of_its_rows_differences():
    models = many(300, 3, seed=4), many(300, 3, seed=4, noise=2.0)
    held = np.arange(300) < 100
    delta = measured(*models, {"s": held}, ("log_loss",))["slice", "s", "log_loss"]
    losses = [METRICS["log_loss"].per_row(model)[held] for model in models]
    variance = np.var(losses[1] - losses[0], ddof=1) / 100
    assert (delta.high_ppm - delta.low_ppm) / 2e6 == pytest.approx(
        1.959964 * np.sqrt(variance), rel=1e-3
    )


# --- replicas ----------------------------------------------------------------------------------


def test_replicas_that_agree_count_as_one():
    before, after = many(200, 3, seed=5), many(200, 3, seed=5, noise=0.3)
    slices = {"s": np.arange(200) < 90}
    assert measured([before] * 3, [after] * 3, slices) == measured(before, after, slices)


def test_values_are_means_over_replicas():
    rows, slices = 200, {"s": np.arange(200) < 90}
    before = [many(rows, 2, seed=6, noise=noise) for noise in (1.0, 1.1, 1.2)]
    after = [many(rows, 2, seed=6, noise=noise) for noise in (0.2, 0.3, 0.4)]
    found = measured(before, after, slices)
    alone = [measured(b, a, slices) for b, a in zip(before, after, strict=True)]
    for key, delta in found.items():
        for field in ("baseline_ppm", "new_ppm"):
            mean = np.mean([getattr(one[key], field) for one in alone])
            assert getattr(delta, field) == pytest.approx(mean, abs=1)


def test_replicas_that_scatter_widen_the_interval():
    actual = np.zeros(400, dtype=np.int64)
    scores = round_scores(np.full((400, 2), 0.5))

    def model(share: float) -> Predictions:
        # Which rows are wrong is the same but for their number: replicas differ as a whole.
        return Predictions(named(2), actual, (np.arange(400) < share * 400).astype(int), scores)

    before = [model(0.1)] * 4
    steady = measured(before, [model(0.2)] * 4)["class", "a", "recall"]
    scattered = measured(before, [model(s) for s in (0.05, 0.1, 0.25, 0.4)])
    scattered = scattered["class", "a", "recall"]
    assert steady.delta_ppm == scattered.delta_ppm == -100_000
    assert scattered.high_ppm > 0 > steady.high_ppm


@pytest.mark.slow
@pytest.mark.parametrize(
    "key", [("class", "a", "recall"), ("class", "b", "f1"), ("slice", "s", "f1")]
)
@pytest.mark.parametrize("replicas", [1, 5])
def test_the_interval_covers_no_change_at_its_level(key, replicas):
    stream = np.random.default_rng(8)
    covered = []
    for _ in range(1_000):
        signal = stream.normal(size=(400, 3))
        actual = stream.integers(0, 3, 400)
        signal[np.arange(400), actual] += 1.5

        def model(signal=signal, actual=actual):
            odds = np.exp(signal + stream.normal(size=signal.shape))
            scores = round_scores(odds / odds.sum(axis=1, keepdims=True))
            return Predictions(named(3), actual, scores.argmax(axis=1), scores)

        before, after = ([model() for _ in range(replicas)] for _ in range(2))
        slices = {"s": np.arange(400) < 200}
        delta = measured(before, after, slices, ("f1",))[key]
        covered.append(delta.low_ppm <= 0 <= delta.high_ppm)
    # Three standard errors of a share of .95 over 1,000 replications are .021.
    assert 0.929 <= np.mean(covered) <= 0.985


# --- what does not matter, what is missing -----------------------------------------------------


@settings(deadline=None, max_examples=30)
@given(st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(random):
    before, after = many(80, 4, seed=9), many(80, 4, seed=9, noise=0.3)
    order = np.array(random.sample(range(80), 80))
    held = np.arange(80) % 3 == 0
    moved = measured(reordered(before, order), reordered(after, order), {"s": held[order]})
    assert moved == measured(before, after, {"s": held})


def test_many_classes_and_replicas_are_counted_right():
    # So many combinations that patterns are numbered anew on the way.
    before = [many(300, 24, seed=10, noise=noise) for noise in (1.0, 1.5, 2.0, 2.5)]
    after = [many(300, 24, seed=10, noise=noise) for noise in (0.1, 0.2, 0.3, 0.4)]
    found = measured(before, after)
    expected = np.mean(
        [skm.recall_score(m.actual, m.predicted, average=None, zero_division=0) for m in after], 0
    )
    for index, label in enumerate(before[0].labels):
        assert found["class", label, "recall"].new_ppm == pytest.approx(
            expected[index] * 1e6, abs=0.51
        )


def test_a_metric_that_a_slice_lacks_says_why_and_the_others_stand():
    actual = np.array([0, 0, 0, 1, 1, 1])
    weights = np.array([[3, 1], [1, 3], [2, 1], [1, 2], [3, 1], [1, 4]])
    model = from_weights(actual, weights.argmax(axis=1), weights)
    slices = {"only_a": actual == 0, "one_b": np.array([1, 1, 1, 1, 0, 0], bool)}
    found = measured(model, model, slices, ALL, "binary", 1)
    only_a = found["slice", "only_a", "auroc"]
    assert "class 'b'" in only_a.undefined
    assert (only_a.baseline_ppm, only_a.delta_ppm, only_a.low_ppm, only_a.drop_ppm) == (None,) * 4
    for metric in CLASS_METRICS:
        assert found["slice", "only_a", metric].undefined == "no row of the slice is of class 'b'"
    assert found["slice", "only_a", "accuracy"].baseline_ppm == 666_667
    assert "has one row there" in found["slice", "one_b", "auroc"].undefined
    assert found["slice", "one_b", "recall"].baseline_ppm == 1_000_000


def test_a_single_row_has_values_and_no_interval():
    model = many(20, 2, seed=11)
    found = measured(model, model, {"one": np.arange(20) == 3}, ("accuracy", "log_loss"))
    for metric in ("accuracy", "log_loss"):
        delta = found["slice", "one", metric]
        assert delta.rows == 1 and delta.delta_ppm == 0
        assert (delta.low_ppm, delta.high_ppm, delta.error_ppm) == (None, None, None)


def test_the_dictionary_is_json_without_floats_and_comes_back():
    found = measured(
        many(50, 3, seed=12), many(50, 3, seed=12, noise=0.2), {"s": np.ones(50, bool)}
    )
    for delta in found.values():
        fields = delta.to_dict()
        assert not any(isinstance(value, float) for value in fields.values())
        assert GroupDelta.from_dict(json.loads(json.dumps(fields))) == delta


MODEL = many(30, 2, seed=13)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (([], []), "as many of both"),
        (([MODEL], [MODEL] * 2), "as many of both"),
        ((MODEL, MODEL, {"s": np.ones(29, bool)}), "slice 's' must hold 30 booleans"),
        ((MODEL, MODEL, {"s": np.ones(30, int)}), "slice 's' must hold 30 booleans"),
        ((MODEL, MODEL, {"s": np.zeros(30, bool)}), "slice 's' holds no test row"),
        ((MODEL, MODEL, {}, ("acuracy",)), "unknown metrics"),
    ],
)
def test_what_makes_no_sense_is_refused(arguments, words):
    with pytest.raises(ValueError, match=words):
        measured(*arguments)


def test_models_on_other_rows_are_refused():
    with pytest.raises(DifferentRows):
        measured([MODEL, MODEL], [MODEL, many(30, 2, seed=14)])


def test_variances_of_components_and_of_rows_agree_for_one_stratum():
    values = np.random.default_rng(15).normal(size=40)
    assert stratified_variance(values / 40, np.zeros(40, int)) == pytest.approx(
        np.var(values, ddof=1) / 40
    )
