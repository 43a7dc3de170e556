import pytest

from hokusai_assets.evaluation import units
from hokusai_assets.evaluation.metrics import METRICS, Metric
from hokusai_assets.evaluation.units import OWN, PERCENTAGE_POINTS, unit_of


@pytest.mark.parametrize("metric", ["accuracy", "precision", "recall", "f1", "auroc"])
def test_a_share_changes_by_percentage_points(metric: str):
    unit = unit_of(metric, "higher")
    assert unit.amount(15_000) == "1.50 percentage points"
    assert unit.signed(-15_000) == "−1.50"
    assert unit.threshold(50) == "0.5 percentage points"
    assert unit.threshold(100) == "1 percentage point"
    assert unit.of_a_hundred_bps == "one point"
    assert unit.of(metric) == f"percentage points of {metric}"


@pytest.mark.parametrize("metric", ["log_loss", "brier"])
def test_a_loss_changes_by_its_own_unit(metric: str):
    unit = unit_of(metric, "lower")
    assert unit.amount(15_000) == "0.0150"
    assert unit.signed(-15_000) == "−0.0150"
    assert unit.threshold(50) == "0.005"
    assert unit.of_a_hundred_bps == "0.01"
    assert unit.of(metric) == f"units of {metric}"
    assert unit_of(f"-{metric}") == unit


def test_every_built_in_metric_is_one_or_the_other():
    shares = {name for name in METRICS if unit_of(name) == PERCENTAGE_POINTS}
    assert set(METRICS) - shares == {"log_loss", "brier"}


@pytest.mark.parametrize(
    ("direction", "scale", "unit"),
    [
        ("higher", (0.0, 1.0), PERCENTAGE_POINTS),
        ("higher", (-1.0, 1.0), OWN),
        ("lower", (0.0, 1.0), OWN),
        ("lower", (0.0, 9.0), OWN),
    ],
)
def test_a_plug_ins_range_and_direction_say_it(direction, scale, unit, monkeypatch):
    plugged = Metric("mine", direction, scale, "labels", per_row=lambda said: said.actual)
    monkeypatch.setattr(units, "registered_metrics", lambda: {**METRICS, "mine": plugged})
    assert unit_of("mine") == unit


def test_of_a_metric_that_is_not_installed_the_attested_direction_says_it():
    assert unit_of("nobody_has_it", "lower") == OWN
    assert unit_of("nobody_has_it", "higher") == PERCENTAGE_POINTS
