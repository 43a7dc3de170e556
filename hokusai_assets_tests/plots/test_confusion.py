import numpy as np
import pytest
from sklearn.metrics import confusion_matrix

from hokusai_assets.plots.confusion import confusion_counts, confusion_matrices
from hokusai_assets.plots.rendering import png_bytes, svg_element
from hokusai_assets_tests.plots.two_models import LETTERS, SPAM, cells_of, two_models


@pytest.mark.parametrize("labels", [SPAM, LETTERS])
def test_counts_are_those_of_scikit_learn(labels):
    pair = two_models(labels)
    counts = confusion_counts(cells_of(pair), labels)
    for name, said in zip(("baseline", "new"), pair, strict=True):
        theirs = confusion_matrix(said.actual, said.predicted, labels=range(len(labels)))
        assert np.array_equal(counts[name], theirs)


def test_replicas_add_up():
    cells = [[["a", "a", "b", 3]], [["a", "b", "b", 2]]]
    counts = confusion_counts(cells, ("a", "b"))
    assert counts["baseline"].tolist() == [[3, 2], [0, 0]]
    assert counts["new"].tolist() == [[0, 5], [0, 0]]


def test_two_classes_have_numbers_in_their_cells():
    figure = confusion_matrices([[["ham", "ham", "spam", 1234]]], SPAM)
    assert "1,234" in [text.get_text() for text in figure.axes[0].texts]


def test_26_classes_have_every_name_on_both_axes():
    figure = confusion_matrices(cells_of(two_models(LETTERS)), LETTERS)
    for axes in figure.axes:
        assert [label.get_text() for label in axes.get_xticklabels()] == list(LETTERS)
        assert [label.get_text() for label in axes.get_yticklabels()] == list(LETTERS)


def test_26_classes_make_a_small_picture():
    figure = confusion_matrices(cells_of(two_models(LETTERS, rows=20_000)), LETTERS)
    assert len(png_bytes(figure)) < 30_000
    assert len(svg_element(figure, name="c", title="t", description="d")) < 200_000


def test_300_classes_with_long_names_draw():
    labels = tuple(f"a class with a rather long name {number:03d}" for number in range(300))
    figure = confusion_matrices(cells_of(two_models(labels, rows=3000)), labels)
    names = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert len(names) <= 40
    assert max(map(len, names)) <= 12
    assert len(png_bytes(figure)) < 60_000


def test_a_class_without_rows_has_an_empty_row():
    figure = confusion_matrices([[["a", "a", "a", 5]]], ("a", "b"))
    assert png_bytes(figure)
