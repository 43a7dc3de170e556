"""The unit in which changes of a metric are shown: percentage points, or the metric's own.

What an attestation states keeps its own words (`conditions.amount_in_words`): they are signed, and
`hokusai verify` computes them again.
"""

from dataclasses import dataclass

from hokusai_assets.evaluation.metrics import METRICS, Direction
from hokusai_assets.evaluation.registry import registered_metrics

_PPM_PER_BPS = 100
_MINUS = "\N{MINUS SIGN}"


@dataclass(frozen=True)
class Unit:
    """A unit of changes that are stored as ppm of 1.

    Attributes:
        ppm: how many make one.
        decimals: how many digits are shown after the point.
        name: its name after a number; "" of a metric's own, where the metric is named beside it.
    """

    ppm: int
    decimals: int
    name: str

    def signed(self, ppm: int) -> str:
        """Return a change with its sign, a true minus: "+6.50"."""
        return f"{ppm / self.ppm:+.{self.decimals}f}".replace("-", _MINUS)

    def amount(self, ppm: int) -> str:
        """Return a change with its unit, a sign only of a loss: "6.50 percentage points"."""
        return f"{self.signed(ppm).removeprefix('+')} {self.name}".rstrip()

    def of(self, metric: str) -> str:
        """Return it with what it is of: "percentage points of f1", "units of log_loss"."""
        return f"{self.name or 'units'} of {metric}"

    def threshold(self, bps: int) -> str:
        """Return what basis points are, no longer than need be: "1 percentage point", "0.01"."""
        figure = f"{bps * _PPM_PER_BPS / self.ppm:g}"
        name = self.name.removesuffix("s") if figure == "1" else self.name
        return f"{figure} {name}".rstrip()

    @property
    def of_a_hundred_bps(self) -> str:
        """What 100 basis points are, in words."""
        return "one point" if self.name else "0.01"


PERCENTAGE_POINTS = Unit(10_000, 2, "percentage points")
OWN = Unit(1_000_000, 4, "")


def unit_of(metric: str, direction: Direction | None = None) -> Unit:
    """Return the unit of a metric's changes.

    Percentage points are of shares of 1, of which more is better. A loss is none, as an
    attestation's words have it too, nor is what lies in another range than 0 to 1.

    Args:
        metric: its name in the spec, with a minus before it where its negative is meant (as
            `Credit.measure` has it of a loss); words of something else are taken for a share.
        direction: for a metric whose plug-in is not installed; None where that isn't known either.
    """
    name = metric.removeprefix("-")
    known = METRICS.get(name) or registered_metrics().get(name)
    if known is None:
        return OWN if direction == "lower" else PERCENTAGE_POINTS
    is_share = known.direction == "higher" and known.range == (0.0, 1.0)
    return PERCENTAGE_POINTS if is_share else OWN
