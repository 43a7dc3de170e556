"""How far single classes and slices may fall, and which of them fell farther.

A group may have few rows, and there may be many groups. A limit on what was measured alone
would refuse honest contributions by chance; so a group counts as fallen when it fell by more
than its limit and by more than chance makes any of the guarded groups fall, in 1 of 20
contributions that change nothing (docs/EVALUATION.md has the error rates).
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from statistics import NormalDist
from types import MappingProxyType
from typing import Any

from hokusai_assets.benchmarks.spec import BenchmarkSpec
from hokusai_assets.evaluation.conditions import Condition, amount_in_words, change_in_words
from hokusai_assets.evaluation.group_delta import GroupDelta
from hokusai_assets.evaluation.rounding import PPM, PPM_PER_BPS, ppm_to_bps

CHANCE_PPM = 50_000
"""How often a contribution that changes nothing may be refused by all guarded groups together."""


@dataclass(frozen=True)
class GroupRule:
    """The most that metrics of single classes and slices may worsen, in basis points.

    Attributes:
        classes: limit by metric (precision, recall, f1), the same for every class.
        slices: limits by metric, by slice.
        min_group_rows: groups with fewer test rows are not guarded, >= 2.

    Mappings are copied and read-only.

    Raises:
        ValueError: a number is too small or not an integer.
    """

    classes: Mapping[str, int] = field(default_factory=dict)
    slices: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    min_group_rows: int = 30

    def __post_init__(self) -> None:
        """Check the numbers and take read-only copies."""
        slices = {name: dict(limits) for name, limits in self.slices.items()}
        numbers = {
            f"the limit of {metric} of a class": most for metric, most in self.classes.items()
        }
        for name, limits in slices.items():
            numbers |= {f"the limit of {metric} on {name}": most for metric, most in limits.items()}
        for name, number in (numbers | {"min_group_rows": self.min_group_rows}).items():
            least = 2 if name == "min_group_rows" else 0
            if isinstance(number, bool) or not isinstance(number, int) or number < least:
                raise ValueError(f"{name} must be a whole number from {least} up, got {number!r}")
        object.__setattr__(self, "classes", MappingProxyType(dict(self.classes)))
        frozen = {name: MappingProxyType(limits) for name, limits in slices.items()}
        object.__setattr__(self, "slices", MappingProxyType(frozen))

    def to_dict(self) -> dict[str, Any]:
        """Return the attributes by name: strings and integers."""
        return {
            "classes": dict(self.classes),
            "slices": {name: dict(limits) for name, limits in self.slices.items()},
            "min_group_rows": self.min_group_rows,
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> "GroupRule":
        """Return what `to_dict` was called on.

        Raises:
            TypeError: a key is unknown.
            ValueError: a number is too small or not an integer.
        """
        return cls(**fields)

    def limit_of(self, group: GroupDelta) -> int | None:
        """Return a group's limit in basis points; None where it has none or has too few rows."""
        if group.rows < self.min_group_rows or group.drop_ppm is None or group.error_ppm is None:
            return None
        limits = self.classes if group.kind == "class" else self.slices.get(group.group, {})
        return limits.get(group.metric)


def group_rule_of(spec: BenchmarkSpec) -> GroupRule:
    """Return the spec's limits; a slice's own take the place of the common ones."""
    common = {str(name): limit.max_drop_bps for name, limit in spec.slice_guardrails.items()}
    return GroupRule(
        classes={str(name): limit.max_drop_bps for name, limit in spec.class_guardrails.items()},
        slices={
            name: common | {key: limit.max_drop_bps for key, limit in part.guardrails.items()}
            for name, part in spec.slices.items()
        },
        min_group_rows=spec.min_group_rows,
    )


def group_checks(groups: Sequence[GroupDelta], rule: GroupRule) -> list[tuple[Condition, str]]:
    """Return a condition for every guarded group, with the words for its failure.

    With m conditions in all, one requires that the drop is at most
    ``max(limit, z * error)``, both in basis points: z is the normal quantile at
    ``1 - CHANCE_PPM / m`` (Bonferroni) and error the group's standard error under no
    difference, the product rounded up to whole basis points.

    Args:
        groups: as `group_deltas` gives them.
        rule: the limits.

    Raises:
        ValueError: the rule limits a metric or slice that was not measured.
    """
    _refuse_unmeasured(groups, rule)
    guarded = [(group, rule.limit_of(group)) for group in groups]
    limited = [(group, limit) for group, limit in guarded if limit is not None]
    if not limited:
        return []
    quantile = NormalDist().inv_cdf(1 - CHANCE_PPM / PPM / len(limited))
    return [_check(group, limit, quantile) for group, limit in limited]


def _check(group: GroupDelta, limit: int, quantile: float) -> tuple[Condition, str]:
    # limit_of gave a limit only to groups that have both.
    assert group.drop_ppm is not None and group.delta_ppm is not None
    assert group.error_ppm is not None
    drop = ppm_to_bps(group.drop_ppm)
    by_chance = math.ceil(Fraction(round(quantile * group.error_ppm), PPM_PER_BPS))
    most = max(limit, by_chance)
    condition = Condition(
        f"{group.kind}_drop_bps_at_most:{group.metric}:{group.group}", drop <= most, drop, most
    )
    allowed = amount_in_words(group.direction, limit * PPM_PER_BPS)
    chance = amount_in_words(group.direction, by_chance * PPM_PER_BPS)
    told = change_in_words(
        f"{group.metric} of {group.kind} {group.group!r}", group.direction, group.delta_ppm
    )
    beyond = f", and chance explains at most {chance}" if by_chance > limit else ""
    return condition, (
        f"{told} on {group.rows:,} test rows where it may worsen by at most {allowed}{beyond}"
    )


def _refuse_unmeasured(groups: Iterable[GroupDelta], rule: GroupRule) -> None:
    measured = {(group.kind, group.metric) for group in groups if group.kind == "class"}
    held = {(group.group, group.metric) for group in groups if group.kind == "slice"}
    missing = [f"{name} of each class" for name in rule.classes if ("class", name) not in measured]
    missing += [
        f"{metric} of slice {name!r}"
        for name, limits in rule.slices.items()
        for metric in limits
        if (name, metric) not in held
    ]
    if missing:
        raise ValueError(f"the rule needs metrics that were not measured: {sorted(missing)}")
