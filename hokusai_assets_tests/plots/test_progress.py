import numpy as np

from hokusai_assets.evaluation.units import OWN, PERCENTAGE_POINTS
from hokusai_assets.plots.forest import Gain
from hokusai_assets.plots.progress import Settlement, cumulative_gain, gain_over_time
from hokusai_assets.plots.rendering import png_bytes, svg_element


def settled(count):
    random = np.random.default_rng(5)
    found = []
    for number in range(count):
        gain = int(random.normal(0, 9000))
        accepted = gain > 9000
        shown = None if number % 5 == 0 and not accepted else gain
        found.append(
            Settlement(
                None if shown is None else Gain(str(number), gain, gain - 8000, gain + 8000),
                accepted,
                gain // 100 if accepted else 0,
                (gain - 8000) // 100 if accepted else 0,
            )
        )
    return found


def test_the_curve_ends_at_the_sum_of_what_was_accepted():
    series = settled(10_000)
    line = cumulative_gain(series, metric="f1", unit=PERCENTAGE_POINTS).axes[0].lines[0]
    assert line.get_ydata()[0] == 0
    assert line.get_ydata()[-1] == sum(one.bps for one in series) / 100
    assert line.get_xdata()[-1] == 10_001
    assert len(line.get_xdata()) <= 4 * 256


def test_a_private_gain_is_no_point():
    series = [
        Settlement(None, False, 0, 0),
        Settlement(Gain("a", 500, 100, 900), True, 5, 1),
    ]
    (dots,) = gain_over_time(series, metric="f1", unit=PERCENTAGE_POINTS).axes[0].containers
    assert dots.lines[0].get_xdata().tolist() == [2.0]


def test_ten_thousand_contributions_make_a_small_picture():
    figure = gain_over_time(settled(10_000), metric="f1", unit=PERCENTAGE_POINTS)
    assert len(png_bytes(figure)) < 30_000
    assert len(svg_element(figure, name="g", title="t", description="d")) < 200_000


def test_without_settlements_both_say_so():
    for draw in (gain_over_time, cumulative_gain):
        figure = draw([], metric="f1", unit=PERCENTAGE_POINTS)
        assert [text.get_text() for text in figure.axes[0].texts] == ["Nothing was settled yet."]


def test_each_unit_is_named_and_scales_the_picture():
    series = [Settlement(Gain("a", 15_000, 10_000, 20_000), True, 150, 100)]
    for unit, gain, over_time, added in (
        (PERCENTAGE_POINTS, 1.5, "gain on it,\nin percentage points", "it, in\npercentage points"),
        (OWN, 0.015, "gain on it,\nin its own unit", "it, in\nits own unit"),
    ):
        (axes,) = gain_over_time(series, metric="it", unit=unit).axes
        assert axes.containers[0].lines[0].get_ydata().tolist() == [gain]
        assert axes.get_ylabel() == over_time
        (axes,) = cumulative_gain(series, metric="it", unit=unit).axes
        assert axes.lines[0].get_ydata()[-1] == gain
        assert axes.get_ylabel() == added
