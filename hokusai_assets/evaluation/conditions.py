"""One condition of a DeltaOne rule, and the words for changes of metrics."""

from dataclasses import dataclass
from decimal import Decimal

from hokusai_assets.evaluation.metrics import Direction


@dataclass(frozen=True)
class Condition:
    """One condition of a rule, what was found and what it requires.

    Attributes:
        name: "same_test_set"; "test_rows_at_least"; "gain_bps_at_least";
            "gain_low_ppm_at_least" (required 1: above zero); "drop_bps_at_most:<metric>";
            "class_drop_bps_at_most:<metric>:<label>";
            "slice_drop_bps_at_most:<metric>:<slice>".
        passed: whether the condition holds.
        found, required: integers in the unit the name gives; "same" or "different".
    """

    name: str
    passed: bool
    found: int | str
    required: int | str

    def to_dict(self) -> dict[str, int | str | bool]:
        """Return the attributes by name."""
        return {
            "name": self.name,
            "passed": self.passed,
            "found": self.found,
            "required": self.required,
        }


def change_in_words(metric: str, direction: Direction, delta_ppm: int) -> str:
    """Say how a metric changed: "accuracy rose by 1.50 percentage points"."""
    if delta_ppm == 0:
        return f"{metric} did not change"
    verb = "rose" if delta_ppm > 0 else "fell"
    return f"{metric} {verb} by {amount_in_words(direction, abs(delta_ppm))}"


def amount_in_words(direction: Direction, ppm: int) -> str:
    """Say how much ppm of a metric are: "1.50 percentage points"."""
    # A loss is no percentage: it is told in its own unit.
    if direction == "lower":
        return f"{Decimal(ppm) / 1_000_000:.6f}"
    points = f"{Decimal(ppm) / 10_000:.4f}"
    return f"{points.removesuffix('00')} percentage points"
