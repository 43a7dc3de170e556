"""Settling a contribution: its gain over the accepted model, and what of it is payable.

The accepted model is trained from the base set and every contribution accepted before. A
contribution is accepted if adding it to those makes a model that is better beyond doubt; then it
joins them. So the gains of accepted contributions add up (they telescope), and a file cut in ten
earns no more than the whole: each part meets a model that has the parts before it, and none is
paid beyond what is certain of all of them together.
"""

from dataclasses import dataclass, replace
from typing import Any

from hokusai_assets.benchmarks.loading import Benchmark
from hokusai_assets.benchmarks.test_split import TestSplit
from hokusai_assets.evaluation.budget import allotted_confidence_ppm
from hokusai_assets.evaluation.decision import DeltaOneDecision, decide
from hokusai_assets.evaluation.intervals import confidence_to_ppm
from hokusai_assets.evaluation.ledger import Standing
from hokusai_assets.evaluation.ledger_entries import Budget, Settled
from hokusai_assets.evaluation.measurement import Evaluation, Measurement, measure, rule_of
from hokusai_assets.evaluation.rounding import floor_ppm_to_bps


@dataclass(frozen=True)
class Settlement:
    """What a contribution is worth where it stands.

    Attributes:
        standing: its place in the ledger.
        confidence_ppm: of the interval that decides, as the budget allots it.
        measurement: with it against the accepted model, on the rows that decide.
        certain_total_bps: lower end of the gain, over the baseline, of all that is accepted
            and this, floored; negative where a loss can't be left out.
        decision: whether it is accepted and what is payable.
    """

    standing: Standing
    confidence_ppm: int
    measurement: Measurement
    certain_total_bps: int
    decision: DeltaOneDecision

    def entry(self, benchmark: Benchmark, key: str, rows_root: str) -> Settled:
        """Return the ledger's entry.

        A refused contribution's gain is not in it: the next attestation names the digest of
        this line, whose other fields are known, so a few thousand guesses would tell it.
        """
        return Settled(
            test_root=benchmark.test.root,
            version=benchmark.content_digest,
            key=key,
            rows_root=rows_root,
            position=self.standing.position,
            accepted=self.decision.accepted,
            bps=self.decision.bps if self.decision.accepted else 0,
            payable_bps=self.decision.payable_bps,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form: integers, strings, booleans."""
        return {
            "budget": {
                "position": self.standing.position,
                "submissions": self.standing.submissions,
                "confidence_ppm": self.confidence_ppm,
                "ledger_digest": self.standing.ledger_digest,
            },
            "accepted_before": [
                {"key": entry.key, "rows_root": entry.rows_root} for entry in self.standing.accepted
            ],
            "paid_before_bps": self.standing.paid_bps,
            "certain_total_bps": self.certain_total_bps,
            "measurement": self.measurement.to_dict(),
            "delta_one": self.decision.to_dict(),
        }


def budget_of(benchmark: Benchmark) -> Budget:
    """Return the budget that a benchmark's spec registers for its test set."""
    delta_one = benchmark.spec.delta_one
    return Budget(
        test_root=benchmark.test.root,
        deciding_root=benchmark.split.deciding.root,
        confidence_ppm=confidence_to_ppm(delta_one.confidence),
        submissions=delta_one.submissions,
    )


def settle(
    baseline: Evaluation,
    accepted: Evaluation,
    candidate: Evaluation,
    *,
    benchmark: Benchmark,
    split: TestSplit,
    standing: Standing,
) -> Settlement:
    """Judge a contribution against the accepted model.

    Args:
        baseline: the model of the base set.
        accepted: the model of the base set and all accepted before.
        candidate: the model of those and the contribution.
        benchmark: its spec names the rule.
        split: names the rows that decide.
        standing: the contribution's place in the ledger.

    Raises:
        UndefinedMetric: a metric has no value on the rows that decide.
    """
    spec = benchmark.spec
    level = allotted_confidence_ppm(spec.delta_one.confidence, spec.delta_one.submissions)
    part = split.deciding
    measurement = measure(accepted, candidate, benchmark, part, primary_confidence_ppm=level)
    total = measurement
    if accepted.model_digest != baseline.model_digest:
        total = measure(baseline, candidate, benchmark, part, primary_confidence_ppm=level)
    certain = floor_ppm_to_bps(total.deltas[spec.metrics.primary].gain_low_ppm)
    decision = decide(
        measurement.deltas,
        rule_of(spec),
        test_rows=measurement.test_rows,
        same_test_set=accepted.test_root == candidate.test_root,
        groups=measurement.groups,
    )
    return Settlement(
        standing,
        level,
        measurement,
        certain,
        within_total(decision, certain_total_bps=certain, paid_before_bps=standing.paid_bps),
    )


def within_total(
    decision: DeltaOneDecision, *, certain_total_bps: int, paid_before_bps: int
) -> DeltaOneDecision:
    """Hold what is payable to what is certain in all less what was paid before.

    Each acceptance is measured against the one before, so luck in single steps could add up
    to more than was gained; what one step lacks the next one makes good before it is paid.
    """
    left = max(0, certain_total_bps - paid_before_bps)
    if decision.payable_bps <= left:
        return decision
    reason = (
        f"{decision.reason} Of the {certain_total_bps} basis points that are certain of all "
        f"accepted contributions together {paid_before_bps} are paid, so {left} remain payable."
    )
    return replace(decision, payable_bps=left, reason=reason)
