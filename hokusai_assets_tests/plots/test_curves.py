import numpy as np
import pytest
from sklearn.metrics import auc, precision_recall_curve, roc_auc_score, roc_curve

from hokusai_assets.plots import curves
from hokusai_assets_tests.plots.two_models import LETTERS, two_models


def texts(figure):
    return [text.get_text() for text in figure.axes[0].texts]


def lines(figure):
    return {line.get_label(): line for line in figure.axes[0].lines}


def test_a_roc_curve_is_that_of_scikit_learn():
    _, new = two_models()
    ours = curves.roc_curve(new.scores[:, 1], new.actual == 1)
    theirs = roc_curve(new.actual == 1, new.scores[:, 1])
    assert auc(*ours) == pytest.approx(auc(theirs[0], theirs[1]), abs=1e-12)
    assert {tuple(point) for point in np.round(np.column_stack(ours), 12)} <= {
        tuple(point)
        for point in np.round(
            np.column_stack(
                roc_curve(new.actual == 1, new.scores[:, 1], drop_intermediate=False)[:2]
            ),
            12,
        )
    }


def test_a_precision_recall_curve_is_that_of_scikit_learn():
    _, new = two_models()
    recall, precision = curves.precision_recall_curve(new.scores[:, 1], new.actual == 1)
    theirs_precision, theirs_recall, _ = precision_recall_curve(new.actual == 1, new.scores[:, 1])
    # Theirs ends in precision 1 at recall 0, which no score reaches.
    assert recall[1:].tolist() == pytest.approx(theirs_recall[-2::-1].tolist())
    assert precision[1:].tolist() == pytest.approx(theirs_precision[-2::-1].tolist())


def test_tied_scores_make_one_step():
    x, y = curves.roc_curve(np.array([0.5, 0.5, 0.5, 0.5]), np.array([True, False, True, False]))
    assert (x.tolist(), y.tolist()) == ([0.0, 1.0], [0.0, 1.0])


def test_the_mean_curve_over_classes_has_the_mean_of_their_areas():
    _, new = two_models(LETTERS, rows=4000)
    figure = curves.roc_pair([new], [new], positive=None)
    line = lines(figure)["new"]
    macro = roc_auc_score(
        new.actual, new.scores / new.scores.sum(axis=1)[:, None], multi_class="ovr", average="macro"
    )
    assert auc(line.get_xdata(), line.get_ydata()) == pytest.approx(macro, abs=2e-3)


def test_the_curve_of_a_million_rows_has_few_points_and_the_same_area():
    _, new = two_models(rows=1_000_000)
    figure = curves.roc_pair([new], [new], positive=1)
    line = lines(figure)["new"]
    assert len(line.get_xdata()) <= 4 * 256
    whole = roc_auc_score(new.actual == 1, new.scores[:, 1])
    assert auc(line.get_xdata(), line.get_ydata()) == pytest.approx(whole, abs=1e-3)
    assert (line.get_xdata()[-1], line.get_ydata()[-1]) == (1.0, 1.0)


@pytest.mark.parametrize("only", [0, 1])
@pytest.mark.parametrize("positive", [1, None])
def test_without_a_second_class_the_roc_figure_says_so(only, positive):
    baseline, new = two_models(only=only)
    figure = curves.roc_pair([baseline], [new], positive=positive)
    assert texts(figure) == ["No curve: every test row is of one class."]
    assert not figure.axes[0].lines


def test_without_a_positive_row_the_precision_recall_figure_says_so():
    baseline, new = two_models(only=0)
    figure = curves.precision_recall_pair([baseline], [new], positive=1)
    assert texts(figure) == ["No curve: no test row is of the positive class."]


def test_a_class_without_rows_is_left_out_of_the_mean():
    baseline, new = two_models(("a", "b", "c"), rows=600)
    seen = np.flatnonzero(new.actual != 2)
    pair = baseline.take(seen), new.take(seen)
    figure = curves.precision_recall_pair([pair[0]], [pair[1]], positive=None)
    assert np.isfinite(lines(figure)["new"].get_ydata()).all()


def test_models_differ_in_colour_and_in_dashes():
    baseline, new = two_models()
    for figure in (
        curves.roc_pair([baseline], [new], positive=1),
        curves.precision_recall_pair([baseline], [new], positive=1),
    ):
        found = lines(figure)
        assert found["baseline"].get_color() != found["new"].get_color()
        assert found["baseline"].get_linestyle() != found["new"].get_linestyle()
