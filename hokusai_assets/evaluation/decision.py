"""The DeltaOne decision: whether a measured gain is accepted, and how much of it is paid."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from types import MappingProxyType

from hokusai_assets.evaluation.conditions import (
    Condition,
    amount_in_words,
    change_in_words,
)
from hokusai_assets.evaluation.deltas import MetricDelta
from hokusai_assets.evaluation.group_delta import GroupDelta
from hokusai_assets.evaluation.group_rule import GroupRule, group_checks
from hokusai_assets.evaluation.rounding import floor_ppm_to_bps, ppm_to_bps


@dataclass(frozen=True)
class DeltaOneRule:
    """What a gain must show to be accepted.

    Attributes:
        primary: the metric that is paid for.
        min_examples: least number of test rows.
        min_delta_bps: least gain on the primary metric, in basis points.
        guardrails: for each other metric that must hold, the most it may worsen, in basis
            points; copied and read-only.
        groups: limits of single classes and slices.

    Raises:
        ValueError: primary is empty, or a number is negative or not an integer.
    """

    primary: str
    min_examples: int = 800
    min_delta_bps: int = 100
    guardrails: Mapping[str, int] = field(default_factory=dict)
    groups: GroupRule = field(default_factory=GroupRule)

    def __post_init__(self) -> None:
        """Check the numbers and take a read-only copy of the guardrails."""
        if not self.primary:
            raise ValueError("the rule names no primary metric")
        numbers = {"min_examples": self.min_examples, "min_delta_bps": self.min_delta_bps}
        numbers |= {f"the guardrail of {name}": most for name, most in self.guardrails.items()}
        for name, number in numbers.items():
            if isinstance(number, bool) or not isinstance(number, int) or number < 0:
                raise ValueError(f"{name} must be a whole number from 0 up, got {number!r}")
        object.__setattr__(self, "guardrails", MappingProxyType(dict(self.guardrails)))


@dataclass(frozen=True)
class DeltaOneDecision:
    """Whether a gain is accepted, how large it is and how much of it is payable.

    Attributes:
        bps: gain on the primary metric in basis points, half to even; negative for a loss.
        payable_bps: the lower end of the gain's interval, floored to basis points and never
            above bps; 0 if not accepted.
        accepted: whether every condition holds.
        reason: one sentence in plain words, naming every condition that failed.
        conditions: every condition, in the order that Condition gives for its names.
    """

    bps: int
    payable_bps: int
    accepted: bool
    reason: str
    conditions: tuple[Condition, ...]

    def to_dict(self) -> dict[str, int | str | bool | list[dict[str, int | str | bool]]]:
        """Return the attributes by name, conditions as a list of dicts."""
        return {
            "bps": self.bps,
            "payable_bps": self.payable_bps,
            "accepted": self.accepted,
            "reason": self.reason,
            "conditions": [condition.to_dict() for condition in self.conditions],
        }


def decide(
    deltas: Mapping[str, MetricDelta],
    rule: DeltaOneRule,
    *,
    test_rows: int,
    same_test_set: bool,
    groups: Sequence[GroupDelta] = (),
) -> DeltaOneDecision:
    """Apply a rule to measured deltas.

    Accepted when the test set is the same, has at least min_examples rows, the gain on the
    primary metric is at least min_delta_bps, the lower end of its interval is above zero,
    no guardrail metric worsens by more than its limit (judged on the point estimate in basis
    points, half to even), and no class or slice does (`group_checks`).

    Args:
        deltas: by metric name, as compare gives them.
        rule: what to require.
        test_rows: rows both models were measured on.
        same_test_set: whether both models' test sets have the same hash.
        groups: as `group_deltas` gives them; not needed by a rule without limits on groups.

    Raises:
        ValueError: the primary metric, a guardrail or a limited group has no delta.
    """
    missing = sorted({rule.primary, *rule.guardrails} - set(deltas))
    if missing:
        raise ValueError(f"the rule needs metrics that were not measured: {missing}")
    primary = deltas[rule.primary]
    bps = ppm_to_bps(primary.gain_ppm)
    checks: list[tuple[Condition, str]] = [
        (
            Condition(
                "same_test_set", same_test_set, "same" if same_test_set else "different", "same"
            ),
            "the two models were measured on different test sets",
        ),
        (
            Condition(
                "test_rows_at_least", test_rows >= rule.min_examples, test_rows, rule.min_examples
            ),
            f"the test set has {test_rows:,} rows where at least {rule.min_examples:,} are "
            "required",
        ),
        (
            Condition("gain_bps_at_least", bps >= rule.min_delta_bps, bps, rule.min_delta_bps),
            f"{_change(primary)} where a gain of at least "
            f"{_amount(primary, rule.min_delta_bps * 100)} is required",
        ),
        (
            Condition("gain_low_ppm_at_least", primary.gain_low_ppm >= 1, primary.gain_low_ppm, 1),
            f"with {_confidence(primary)} confidence the gain in {primary.metric} could be as "
            f"low as {_amount(primary, primary.gain_low_ppm)} where it must be above 0",
        ),
    ]
    for name, most in sorted(rule.guardrails.items()):
        drop_bps = ppm_to_bps(-deltas[name].gain_ppm)
        checks.append(
            (
                Condition(f"drop_bps_at_most:{name}", drop_bps <= most, drop_bps, most),
                f"{_change(deltas[name])} where it may worsen by at most "
                f"{_amount(deltas[name], most * 100)}",
            )
        )
    checks += group_checks(groups, rule.groups)
    failures = [failure for condition, failure in checks if not condition.passed]
    payable_bps = 0 if failures else max(0, min(floor_ppm_to_bps(primary.gain_low_ppm), bps))
    if failures:
        reason = f"Not accepted: {', and '.join(failures)}."
    else:
        reason = (
            f"Accepted: {_change(primary)} on {test_rows:,} test rows, with "
            f"{_confidence(primary)} confidence by at least "
            f"{_amount(primary, primary.gain_low_ppm)}, so {payable_bps} basis points are "
            "payable."
        )
    return DeltaOneDecision(
        bps=bps,
        payable_bps=payable_bps,
        accepted=not failures,
        reason=reason,
        conditions=tuple(condition for condition, _ in checks),
    )


def _change(delta: MetricDelta) -> str:
    return change_in_words(delta.metric, delta.direction, delta.delta_ppm)


def _amount(delta: MetricDelta, ppm: int) -> str:
    return amount_in_words(delta.direction, ppm)


def _confidence(delta: MetricDelta) -> str:
    return f"{(Decimal(delta.confidence_ppm) / 10_000).normalize():f}%"
