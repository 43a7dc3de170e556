"""Long simulations: worthless models are accepted no more often than a level allows."""

import pytest

from hokusai_assets_tests.evaluation.simulations import (
    NULLS,
    NullCells,
    false_accepts,
    false_accepts_of_auroc,
)

pytestmark = pytest.mark.slow
_REPLICATIONS = 400_000


def assert_allowed(rates: dict[float, float], replications: dict[float, int]) -> None:
    for half, rate in rates.items():
        # Three standard errors of a share, of how often it would be at the level itself.
        spread = 3 * (half / replications[half]) ** 0.5
        assert rate <= half + spread, (half, rate)


@pytest.mark.parametrize("null", NULLS, ids=lambda null: f"{null.metric}: {null.name}")
def test_counts_are_falsely_accepted_no_more_often_than_the_level_allows(null: NullCells):
    rates = false_accepts(null, _REPLICATIONS)
    assert_allowed(rates, {half: 4_000 if half == 0.025 else _REPLICATIONS for half in rates})


@pytest.mark.parametrize(("positives", "negatives"), [(20, 180), (100, 100)])
def test_areas_are_falsely_accepted_no_more_often_than_the_level_allows(positives, negatives):
    replications = 150_000
    rates = false_accepts_of_auroc(positives, negatives, replications)
    assert_allowed(rates, {half: 5_000 if half == 0.025 else replications for half in rates})
