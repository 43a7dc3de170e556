"""Test sets and models whose true gain is known, and the chain of the code that settles them.

A simulated contributor names the labels that the new model predicts on every test row. Real ones
only choose training data, so they can do less.
"""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from scipy import special, stats

from hokusai_assets.attestation.issuing import settlement_document, shown_verdict
from hokusai_assets.benchmarks.loading import Benchmark
from hokusai_assets.benchmarks.row_sets import RowSet
from hokusai_assets.benchmarks.spec import BenchmarkSpec
from hokusai_assets.evaluation.budget import allotted_confidence_ppm
from hokusai_assets.evaluation.ledger import Ledger, Turn
from hokusai_assets.evaluation.ledger_state import Standing
from hokusai_assets.evaluation.measurement import Evaluation, Measurement, measure
from hokusai_assets.evaluation.predictions import FloatArray, IntArray, Predictions
from hokusai_assets.evaluation.rounding import PPM
from hokusai_assets.evaluation.settlement import Settlement, budget_of, settle

from .. import made_evaluations

BoolArray = np.ndarray


def spec_of(
    *, submissions: int, min_delta_bps: int = 0, public_share: str | None = None
) -> BenchmarkSpec:
    """Return a spec of two labels whose primary metric is accuracy.

    1,000 resamples: a decision beyond 95% rests on counts, so more of them only cost time.
    """
    split = {} if public_share is None else {"test_split": {"public_share": public_share}}
    delta_one = {
        "min_delta_bps": min_delta_bps,
        "submissions": submissions,
        "resamples": 1_000,
    }
    return made_evaluations.spec_of(delta_one=delta_one, **split)


def benchmark_of(spec: BenchmarkSpec, rows: int, *, seed: int) -> Benchmark:
    """Return a benchmark whose test rows have the labels of a fair coin."""
    labels = np.random.default_rng(seed).integers(0, 2, rows)
    names = pa.array([("no", "yes")[label] for label in labels])
    test = RowSet.of(pa.table({"label": names, "x": np.arange(rows, dtype=np.float64)}))
    return Benchmark(spec, RowSet(pa.table({}), [], "00" * 32), test, "")


def truth_of(benchmark: Benchmark) -> IntArray:
    """Return (n,) true classes of the test rows, 0 or 1."""
    names = benchmark.test.table.column("label").to_numpy(zero_copy_only=False)
    return (names == "yes").astype(np.int64)


def answering(benchmark: Benchmark, predicted: IntArray, name: str) -> Evaluation:
    """Return a model that predicts these (n,) classes, 0 or 1."""
    scores = np.where(predicted[:, None] == np.arange(2), 0.9, 0.1)
    said = Predictions(("no", "yes"), truth_of(benchmark), predicted, scores)
    return Evaluation((said,), benchmark.test.digests, benchmark.test.root, name)


def right_on(benchmark: Benchmark, right: BoolArray, name: str) -> Evaluation:
    """Return a model that is right on exactly these (n,) rows."""
    truth = truth_of(benchmark)
    return answering(benchmark, np.where(right, truth, 1 - truth), name)


@dataclass(frozen=True)
class Told:
    """What a contributor is told of a contribution.

    Attributes:
        shown: the contribution alone against the baseline, on the part that may be shown.
        accepted, payable_bps: the verdict.
        bps: the gain on the part that decides; None where it stays private.
    """

    shown: Measurement
    accepted: bool
    payable_bps: int
    bps: int | None


class Chain:
    """Settles models one after the other in a ledger's file, as the settlement asset does."""

    def __init__(self, path: Path, benchmark: Benchmark, baseline: Evaluation) -> None:
        """Open the ledger; nothing is accepted yet."""
        self.benchmark = benchmark
        self.baseline = self.accepted = baseline
        self.paid_bps = 0
        self._ledger = Ledger(path)

    def settle(self, candidate: Evaluation, name: str) -> Settlement:
        """Take the next look; an accepted model is the one that later ones must beat."""
        with self._turn(name) as turn:
            found = self._judged(candidate, turn.standing)
            turn.settle(found.entry(self.benchmark, name, name))
        if found.decision.accepted:
            self.accepted = candidate
        self.paid_bps += found.decision.payable_bps
        return found

    def judge(self, candidate: Evaluation, name: str) -> Settlement:
        """Return what the next look would find, and record nothing."""
        with self._turn(name) as turn:
            return self._judged(candidate, turn.standing)

    def _turn(self, name: str) -> AbstractContextManager[Turn]:
        version = self.benchmark.content_digest
        return self._ledger.turn(
            budget_of(self.benchmark), version=version, key=name, rows_root=name
        )

    def _judged(self, candidate: Evaluation, standing: Standing) -> Settlement:
        return settle(
            self.baseline,
            self.accepted,
            candidate,
            benchmark=self.benchmark,
            split=self.benchmark.split,
            standing=standing,
        )

    def told(self, candidate: Evaluation, name: str) -> Told:
        """Settle a model and return what is released of it."""
        split = self.benchmark.split
        shown = measure(self.baseline, candidate, self.benchmark, split.shown)
        found = self.settle(candidate, name)
        document = settlement_document(
            found,
            found.measurement.to_dict(),
            rows_root=name,
            released=not split.is_split or found.decision.accepted,
        )
        verdict = shown_verdict(document)
        return Told(shown, verdict["accepted"], verdict["payable_bps"], verdict["bps"])


class CountsRule:
    """The verdict on a first contribution that gains and loses so many of n rows.

    For accuracy all follows from these two counts. Each pair is judged once, by the settlement
    itself, at the first look of a ledger that keeps none of them.
    """

    def __init__(self, folder: Path, rows: int, *, submissions: int, min_delta_bps: int) -> None:
        """Make a baseline that is right on four of five rows."""
        spec = spec_of(submissions=submissions, min_delta_bps=min_delta_bps)
        self.half = (PPM - allotted_confidence_ppm(0.95, submissions)) / PPM / 2
        self._benchmark = benchmark_of(spec, rows, seed=0)
        self._right = np.arange(rows) < rows * 4 // 5
        self._chain = Chain(
            folder / f"{rows}-{submissions}-{min_delta_bps}",
            self._benchmark,
            right_on(self._benchmark, self._right, "baseline"),
        )
        self._known: dict[tuple[int, int], tuple[bool, int]] = {}

    @property
    def screen(self) -> float:
        """z below which nothing is accepted; `is_safe` shows it."""
        return 0.87 * float(stats.norm.isf(self.half))

    def is_safe(self, differing: int) -> bool:
        """Whether, up to so many differing rows, all that is screened out is refused.

        The lower end is above zero only where McNemar's exact one-sided p-value is at most
        half of what the level leaves: it must be above that at the largest gain left out.
        """
        both = np.arange(1, differing + 1)
        gained = np.minimum(both, np.floor((both + self.screen * np.sqrt(both)) / 2))
        return bool((stats.binom.sf(gained - 1, both, 0.5) > self.half).all())

    def __call__(self, gained: int, lost: int) -> tuple[bool, int]:
        """Return whether it is accepted, and what is payable in basis points."""
        if (gained, lost) not in self._known:
            edge = int(self._right.sum())
            right = self._right.copy()
            right[edge - lost : edge] = False
            right[edge : edge + gained] = True
            name = f"{gained}-{lost}"
            candidate = right_on(self._benchmark, right, name)
            decision = self._chain.judge(candidate, name).decision
            self._known[gained, lost] = (decision.accepted, decision.payable_bps)
        return self._known[gained, lost]

    def judge(self, gained: IntArray, lost: IntArray) -> tuple[BoolArray, IntArray]:
        """Return for arrays of any one shape what is accepted, and what is payable."""
        accepted, payable = np.zeros(gained.shape, bool), np.zeros(gained.shape, np.int64)
        z = (gained - lost) / np.sqrt(np.maximum(gained + lost, 1))
        for at in map(tuple, np.argwhere(z > self.screen)):
            accepted[at], payable[at] = self(int(gained[at]), int(lost[at]))
        return accepted, payable


def worthless(
    stream: np.random.Generator, *, rows: int, differing: float, contributions: int
) -> tuple[IntArray, IntArray]:
    """Return (K,) rows gained and (K,) lost by models without a true gain, on one test set.

    The baseline has a true accuracy of .8. A new model turns right answers wrong and wrong ones
    right at rates that leave its true accuracy what it was, independently for each row. All
    share the test rows, so how many of these the baseline gets wrong.
    """
    wrong = stream.binomial(rows, 0.2)
    gained = stream.binomial(wrong, differing / 2 / 0.2, size=contributions)
    lost = stream.binomial(rows - wrong, differing / 2 / 0.8, size=contributions)
    return gained, lost


@dataclass(frozen=True)
class LearningCurve:
    """Models of a base set and a share of a contribution, from 0 to 1, on n test rows.

    A row is right where its ease, the skill that the training rows bring and what this training
    does to this row add up to more than zero. Ease is normal, skill grows with the logarithm of
    the training rows, so the true accuracy is a normal probability.

    Attributes:
        rows: n.
        times: the contribution's rows over those of the base set.
        slope: skill gained for each unit of the logarithm.
        stray: standard deviation of what one training does to one row.
    """

    rows: int = 10_000
    times: float = 3.0
    slope: float = 0.2
    stray: float = 0.3

    def skill(self, share: float) -> float:
        """Return the skill of the base set with that share of the contribution."""
        return 0.8 + self.slope * float(np.log1p(self.times * share))

    def accuracy(self, share: float) -> float:
        """Return the true accuracy."""
        return float(special.ndtr(self.skill(share) / np.hypot(1, self.stray)))

    def ease(self, stream: np.random.Generator) -> FloatArray:
        """Draw (n,) test rows."""
        return stream.normal(size=self.rows)

    def right(self, stream: np.random.Generator, ease: FloatArray, share: float) -> BoolArray:
        """Train anew: return (n,) which rows are right."""
        return ease + self.skill(share) + self.stray * stream.normal(size=self.rows) > 0
