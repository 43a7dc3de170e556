"""One metric of a baseline and a new model on one group of test rows."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from hokusai_assets.evaluation.metrics import Direction

Kind = Literal["class", "slice"]


@dataclass(frozen=True)
class GroupDelta:
    """One metric of both models on one group of test rows. All integers but rows are ppm.

    With k replicas a value is the mean of theirs. Values are None where the metric is undefined.

    Attributes:
        kind: "class", all rows of one label with that label's own precision, recall or F1; or
            "slice", rows the spec describes, with a metric as the whole test set has it.
        group: the label or the slice's name.
        metric: name in registered_metrics().
        direction: whether "higher" or "lower" values are better.
        rows: test rows of the group; of a class, those it truly has.
        baseline_ppm, new_ppm: the values, rounded half to even.
        delta_ppm: new_ppm - baseline_ppm.
        low_ppm, high_ppm: the normal interval of new - baseline, rounded outward, within what the
            metric's range allows; None where rows are too few for one, or a plug-in has no value
            without some of them.
        error_ppm: the standard error that delta_ppm would have if nothing had changed, rounded
            up: by chance alone it exceeds 1.645 of these in about one of twenty groups.
        confidence_ppm: of the interval.
        interval_method: "jackknife_normal", "grouped_jackknife_normal", "delong_normal" or
            "paired_normal"; "none" where the metric is undefined.
        undefined: why there is no value, one phrase; None where there is one.
    """

    kind: Kind
    group: str
    metric: str
    direction: Direction
    rows: int
    baseline_ppm: int | None
    new_ppm: int | None
    delta_ppm: int | None
    low_ppm: int | None
    high_ppm: int | None
    error_ppm: int | None
    confidence_ppm: int
    interval_method: str
    undefined: str | None = None

    def to_dict(self) -> dict[str, int | str | None]:
        """Return the attributes by name."""
        return asdict(self)

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> "GroupDelta":
        """Return what `to_dict` was called on.

        Raises:
            TypeError: a key is missing or unknown.
        """
        return cls(**fields)

    @property
    def drop_ppm(self) -> int | None:
        """How far the metric worsened; negative where it improved."""
        if self.delta_ppm is None:
            return None
        return -self.delta_ppm if self.direction == "higher" else self.delta_ppm
