import pytest

from hokusai_assets.evaluation.units import OWN, PERCENTAGE_POINTS
from hokusai_assets.plots.forest import Gain, contribution_forest, metric_forest
from hokusai_assets.plots.rendering import png_bytes


def delta(direction, middle, low, high):
    return {"direction": direction, "delta_ppm": middle, "low_ppm": low, "high_ppm": high}


def test_a_lower_loss_is_a_gain():
    gain = Gain.of("log_loss", delta("lower", -300, -500, -100))
    assert (gain.gain_ppm, gain.low_ppm, gain.high_ppm) == (300, 100, 500)
    assert gain.change == "better"


@pytest.mark.parametrize(
    ("low", "high", "change"),
    [(1, 9, "better"), (-9, -1, "worse"), (-1, 1, "unclear"), (0, 5, "unclear")],
)
def test_a_change_is_clear_where_its_interval_leaves_out_0(low, high, change):
    assert Gain("f1", 0, low, high).change == change


def test_changes_differ_in_mark_and_colour():
    figure = metric_forest(
        {
            "f1": delta("higher", 5, 1, 9),
            "recall": delta("higher", -5, -9, -1),
            "auroc": delta("higher", 0, -9, 9),
        }
    )
    marks = [line for line in figure.axes[0].lines if line.get_marker() != "None"]
    assert len({line.get_marker() for line in marks}) == 3
    assert len({line.get_color() for line in marks}) == 3


def test_of_many_contributions_the_first_are_shown_and_the_rest_counted():
    gains = [Gain(f"key-{number}", number, number - 10, number + 10) for number in range(10_000)]
    figure = contribution_forest(gains, metric="f1", unit=PERCENTAGE_POINTS, limit=30)
    (axes,) = figure.axes
    assert [label.get_text() for label in axes.get_yticklabels()][:2] == ["key-0", "key-1"]
    assert len(axes.get_yticklabels()) == 30
    assert "9,970 more are not shown" in axes.get_xlabel()
    assert len(png_bytes(figure)) < 30_000


def test_without_contributions_it_says_so():
    figure = contribution_forest([], metric="f1", unit=PERCENTAGE_POINTS)
    assert [text.get_text() for text in figure.axes[0].texts] == ["Nothing was measured yet."]


def test_names_are_not_read_as_formulas():
    figure = contribution_forest([Gain("$x_{$", 1, 0, 2)], metric="$f_1$", unit=PERCENTAGE_POINTS)
    assert png_bytes(figure)


def test_a_far_outlier_becomes_an_arrow_and_leaves_the_others_their_scale():
    gains = [Gain(f"key-{n}", 50_000, 30_000, 70_000) for n in range(6)]
    figure = contribution_forest(
        [*gains, Gain("far", -700_000, -750_000, -650_000)], metric="f1", unit=PERCENTAGE_POINTS
    )
    (axes,) = figure.axes
    assert axes.get_xlim()[0] == -21
    assert [line.get_xdata()[0] for line in axes.lines if line.get_marker() == "<"] == [-21]
    metrics = metric_forest({"f1": delta("higher", 5, 1, 9), "auroc": delta("higher", 900, 1, 999)})
    assert metrics.axes[0].get_xlim()[1] > 999 / 10_000


def said(figure) -> tuple[str, list[str]]:
    """Return the name of the axis and the figures beside the lines."""
    (axes,) = figure.axes
    return axes.get_xlabel().split("\n")[0], [text.get_text() for text in axes.texts]


def test_shares_are_drawn_in_percentage_points():
    axis, numbers = said(metric_forest({"f1": delta("higher", 15_000, 5_000, 25_000)}))
    assert (axis, numbers) == ("change, in percentage points", ["+1.50"])


def test_metrics_are_called_what_the_caller_calls_them():
    metrics = {"f1": delta("higher", 9, 1, 19), "brier": delta("lower", -9, -19, -1)}
    names = {"f1": "F1 score", "brier": "Brier score"}

    def told(figure):
        return [text.get_text() for text in figure.axes[0].get_yticklabels()]

    assert told(metric_forest(metrics)) == ["f1", "brier\n(less is better)"]
    named = told(metric_forest(metrics, label=names.__getitem__))
    assert named == ["F1 score", "Brier score\n(less is better)"]


def test_beside_a_loss_every_metric_is_drawn_in_its_own_unit():
    figure = metric_forest(
        {
            "log_loss": delta("lower", -15_000, -25_000, -5_000),
            "f1": delta("higher", 20_000, 5_000, 25_000),
        }
    )
    assert said(figure) == ("change, in the unit of each metric", ["+0.0150", "+0.0200"])
    assert 0.025 <= figure.axes[0].get_xlim()[1] < 0.03


def test_gains_on_a_loss_are_in_its_own_unit():
    gains = [Gain("one", 15_000, 5_000, 25_000)]
    axis, numbers = said(contribution_forest(gains, metric="log loss", unit=OWN))
    assert (axis, numbers) == ("gain on log loss, in its own unit", ["+0.0150"])
