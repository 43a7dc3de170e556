"""Tests of the metrics against scikit-learn."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from sklearn import metrics as sk

from hokusai_assets.evaluation.metrics import (
    METRICS,
    Averaging,
    ClassCounts,
    Metric,
    UndefinedMetric,
    log_losses,
)
from hokusai_assets.evaluation.predictions import Predictions, round_scores
from hokusai_assets_tests.evaluation.generated_predictions import (
    from_weights,
    many,
    named,
    predictions,
    reordered,
    with_scores,
)

RATIOS = {"precision": sk.precision_score, "recall": sk.recall_score, "f1": sk.f1_score}
MACRO = Averaging("macro", None)


def value(name: str, given: Predictions, averaging: Averaging = MACRO):
    return METRICS[name].value(given, averaging)


@given(predictions(st.integers(2, 5)))
def test_accuracy_is_scikit_learns(given):
    assert float(value("accuracy", given)) == pytest.approx(
        sk.accuracy_score(given.actual, given.predicted), abs=1e-15
    )


@given(predictions(st.integers(2, 5)), st.sampled_from(["macro", "weighted"]))
def test_averaged_ratios_are_scikit_learns_with_absent_classes(given, average):
    for name, reference in RATIOS.items():
        expected = reference(given.actual, given.predicted, average=average, zero_division=0)
        assert float(value(name, given, Averaging(average, None))) == pytest.approx(
            expected, abs=1e-14
        )


@given(predictions(st.just(2)), st.integers(0, 1))
def test_binary_ratios_are_scikit_learns_for_either_positive_class(given, positive):
    for name, reference in RATIOS.items():
        # labels=[positive] is pos_label without its refusal of an absent class.
        expected = reference(
            given.actual, given.predicted, labels=[positive], average="macro", zero_division=0
        )
        assert float(value(name, given, Averaging("binary", positive))) == pytest.approx(
            expected, abs=1e-15
        )


@given(predictions(st.just(2)), st.sampled_from([None, 0, 1]))
def test_binary_auroc_is_scikit_learns_with_ties(given, positive):
    assume(len(set(given.actual.tolist())) == 2)
    column = 1 if positive is None else positive
    expected = sk.roc_auc_score(given.actual == column, given.scores[:, column])
    actual = value("auroc", given, Averaging("macro", positive))
    assert isinstance(actual, Fraction)
    assert float(actual) == pytest.approx(expected, abs=1e-14)


@given(predictions(st.integers(3, 5), max_rows=40))
def test_multiclass_auroc_is_scikit_learns_one_vs_rest(given):
    assume(len(set(given.actual.tolist())) == given.classes)
    expected = sk.roc_auc_score(given.actual, given.scores, multi_class="ovr", average="macro")
    assert float(value("auroc", given)) == pytest.approx(expected, abs=1e-14)


@given(predictions(st.integers(2, 5)))
def test_log_loss_is_scikit_learns_with_zero_and_one_scores(given):
    expected = sk.log_loss(given.actual, given.scores, labels=range(given.classes))
    assert value("log_loss", given) == pytest.approx(expected, rel=1e-13, abs=1e-15)


@given(predictions(st.integers(2, 5)))
def test_brier_is_scikit_learns(given):
    expected = sk.brier_score_loss(given.actual, given.scores, labels=range(given.classes))
    assert float(value("brier", given)) == pytest.approx(expected, abs=1e-14)


def test_brier_is_exact_where_the_sum_of_squares_overflows_64_bits():
    rows = 50
    wrong = from_weights(np.zeros(rows, int), np.ones(rows, int), np.tile([0, 0, 1], (rows, 1)))
    assert value("brier", wrong) == 2
    third = round_scores([[1 / 3, 2 / 3]] * rows)
    given = Predictions(named(2), np.zeros(rows, int), np.zeros(rows, int), third)
    assert value("brier", given) == Fraction(666_666_667, 10**9) ** 2


def test_log_loss_clips_by_the_machine_epsilon_on_both_sides():
    given = from_weights(np.array([0, 1]), np.zeros(2, int), np.array([[1, 0], [1, 0]]))
    eps = np.finfo(float).eps
    assert log_losses(given).tolist() == [-np.log(1 - eps), -np.log(eps)]
    assert log_losses(given)[0] > 0


def test_a_two_class_auroc_reads_the_positive_classs_score_by_default_the_second():
    # The rounded scores of a row need not be complements: only the first column has a tie.
    scores = np.array([[0.5, 0.5], [0.5, 0.500000001]])
    given = Predictions(named(2), np.array([0, 1]), np.zeros(2, int), scores)
    assert value("auroc", given) == 1
    assert value("auroc", given, Averaging("macro", 1)) == 1
    assert value("auroc", given, Averaging("macro", 0)) == Fraction(1, 2)


def test_constant_scores_give_an_auroc_of_one_half():
    given = with_scores(many(60, 3, seed=1), np.full((60, 3), 0.333333333))
    assert value("auroc", given) == Fraction(1, 2)


@pytest.mark.parametrize(("classes", "only"), [(2, 0), (2, 1), (3, 2)])
def test_auroc_of_one_class_is_undefined_and_says_why(classes, only):
    given = from_weights(np.full(4, only), np.zeros(4, int), np.ones((4, classes), int))
    with pytest.raises(UndefinedMetric, match=r"auroc is undefined: no test row is \w+ class"):
        value("auroc", given)


def test_multiclass_auroc_names_the_absent_class():
    given = from_weights(np.array([0, 1, 0, 1]), np.zeros(4, int), np.ones((4, 3), int))
    with pytest.raises(UndefinedMetric, match="no test row is of class 'c'") as caught:
        value("auroc", given)
    assert caught.value.metric == "auroc"


@pytest.mark.parametrize("classes", [2, 4])
def test_the_order_of_rows_does_not_show(classes):
    given = many(500, classes, seed=3)
    shuffled = reordered(given, np.random.default_rng(0).permutation(500))
    for name in METRICS:
        assert value(name, given) == value(name, shuffled)


@given(predictions(st.integers(2, 4)))
def test_values_stay_in_the_declared_range(given):
    for name, metric in METRICS.items():
        if name == "auroc" and len(set(given.actual.tolist())) < given.classes:
            continue
        assert metric.range[0] <= value(name, given) <= metric.range[1]


@given(predictions(st.integers(2, 4)), st.randoms(use_true_random=False))
def test_resampled_values_equal_the_exact_ones(first, random):
    # The same true classes in each resample, other predictions.
    size = first.classes
    drawn = [[random.randrange(size) for _ in range(first.rows)] for _ in range(2)]
    models = [Predictions(first.labels, first.actual, np.array(p), first.scores) for p in drawn]
    counts = [ClassCounts.of(model) for model in models]
    stacked = ClassCounts(
        np.stack([one.hits for one in counts]),
        np.stack([one.predicted for one in counts]),
        counts[0].actual,
    )
    for average in ("macro", "weighted"):
        averaging = Averaging(average, None)
        for name in ("accuracy", *RATIOS):
            resampled = METRICS[name].from_counts(stacked, averaging)
            expected = [float(value(name, model, averaging)) for model in models]
            assert resampled == pytest.approx(expected, abs=1e-14)


@given(predictions(st.just(2)), st.integers(0, 1))
def test_resampled_binary_values_equal_the_exact_ones(given, positive):
    averaging = Averaging("binary", positive)
    counts = ClassCounts.of(given)
    stacked = ClassCounts(counts.hits[None], counts.predicted[None], counts.actual)
    for name in RATIOS:
        assert METRICS[name].from_counts(stacked, averaging)[0] == pytest.approx(
            float(value(name, given, averaging)), abs=1e-15
        )


@given(predictions(st.integers(2, 5)))
def test_per_row_forms_average_to_the_value(given):
    for name in ("log_loss", "brier"):
        rows = METRICS[name].per_row(given)
        assert rows.shape == (given.rows,)
        assert math.fsum(rows) / given.rows == pytest.approx(float(value(name, given)), abs=1e-14)


@pytest.mark.parametrize(
    ("average", "positive", "classes", "message"),
    [
        ("micro", None, 2, "average must be one of"),
        ("binary", None, 2, "positive"),
        ("binary", 1, 3, "two classes"),
        ("macro", 2, 2, r"0\.\.1"),
        ("macro", -1, 2, r"0\.\.1"),
    ],
)
def test_impossible_averages_are_refused(average, positive, classes, message):
    with pytest.raises(ValueError, match=message):
        Averaging.of(average, positive, classes=classes)


def test_a_metric_needs_exactly_one_form_for_its_interval():
    with pytest.raises(ValueError, match="exactly one"):
        Metric("x", "higher", (0, 1), "labels", lambda given, averaging: 0.0)


def by_scikit_learn(given: Predictions, average: str) -> dict[str, float]:
    """Return every metric but the AUROC, with labels so that absent classes are allowed."""
    actual, said, scores = given.actual, given.predicted, given.scores
    labels = list(range(given.classes))
    present = sorted(set(actual.tolist()) | set(said.tolist()))
    options = {"average": average, "zero_division": 0, "labels": present}
    errors = scores - np.eye(given.classes)[actual]
    return {
        "accuracy": sk.accuracy_score(actual, said),
        **{name: reference(actual, said, **options) for name, reference in RATIOS.items()},
        "log_loss": sk.log_loss(actual, scores, labels=labels),
        "brier": sk.brier_score_loss(actual, scores, labels=labels)
        if given.classes > 2
        else float((errors[:, 1] ** 2).mean()),
    }


def edge_cases() -> dict[str, Predictions]:
    stream = np.random.default_rng(5)
    cases = {f"{classes} classes": many(300, classes, seed=classes) for classes in (2, 7, 26, 30)}
    for classes in (2, 5):
        plain = many(200, classes, seed=1)
        cases |= {
            f"constant scores, {classes} classes": with_scores(
                plain, round_scores(np.full((200, classes), 1 / classes))
            ),
            f"scores of two values, {classes} classes": from_weights(
                plain.actual, plain.predicted, stream.integers(1, 3, (200, classes))
            ),
            f"one class only, {classes} classes": Predictions(
                plain.labels, np.zeros(200, int), plain.predicted, plain.scores
            ),
            f"never predicted, {classes} classes": Predictions(
                plain.labels, plain.actual, np.zeros(200, int), plain.scores
            ),
            f"all wrong, {classes} classes": Predictions(
                plain.labels, plain.actual, (plain.actual + 1) % classes, plain.scores
            ),
        }
    sure = np.eye(4)[stream.integers(0, 4, 60)]
    cases["certain and often wrong"] = Predictions(
        named(4), stream.integers(0, 4, 60), sure.argmax(axis=1), sure
    )
    absent = many(100, 6, seed=2)
    cases["absent from truth and predictions"] = Predictions(
        absent.labels, absent.actual // 2, absent.predicted // 2, absent.scores
    )
    return cases


@pytest.mark.parametrize("average", ["macro", "weighted"])
@pytest.mark.parametrize("case", edge_cases())
def test_edge_cases_are_scikit_learns(case, average):
    given = edge_cases()[case]
    for name, expected in by_scikit_learn(given, average).items():
        found = float(value(name, given, Averaging(average, None)))
        assert found == pytest.approx(expected, rel=1e-12, abs=1e-14), name


@pytest.mark.parametrize("case", [case for case in edge_cases() if "one class" not in case])
def test_the_auroc_of_edge_cases_is_scikit_learns(case):
    given = edge_cases()[case]
    if len(set(given.actual.tolist())) < given.classes:
        with pytest.raises(UndefinedMetric, match="no test row is of class"):
            value("auroc", given)
        return
    scores = given.scores[:, 1] if given.classes == 2 else given.scores
    expected = sk.roc_auc_score(given.actual, scores, multi_class="ovr", average="macro")
    assert float(value("auroc", given)) == pytest.approx(expected, abs=1e-13)
