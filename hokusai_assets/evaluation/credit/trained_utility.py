"""The utility of a coalition: the primary metric of models of the base set and its rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from hokusai_assets.benchmarks.loading import Benchmark
from hokusai_assets.benchmarks.row_sets import RowSet, StoredRows
from hokusai_assets.benchmarks.sampling import seed_sequence, stratified_positions
from hokusai_assets.benchmarks.spec import BenchmarkSpec
from hokusai_assets.canonical.rows import row_digests
from hokusai_assets.evaluation.credit.games import Coalition
from hokusai_assets.evaluation.measurement import averaging_of, predictions_on
from hokusai_assets.evaluation.predictions import Predictions
from hokusai_assets.evaluation.registry import registered_metrics
from hokusai_assets.models.training import train
from hokusai_assets.privacy.tokens import reduce_table

_NOISE_RESAMPLES = 100


@dataclass(frozen=True)
class Contributed:
    """A contribution to be valued: its key and its accepted rows."""

    key: str
    rows: StoredRows | RowSet


@dataclass(frozen=True, eq=False)
class JoinedRows:
    """The rows of all contributions in one canonical order, and whose each is.

    Attributes:
        table: features and target, columns as in the base set.
        owner: (n,) the contribution's position.
        digests: n row digests, ascending; equal ones in the order of the contributions.
    """

    table: pa.Table
    owner: NDArray[np.int64]
    digests: list[bytes]

    @classmethod
    def of(cls, contributions: Sequence[Contributed], columns: Sequence[str]) -> "JoinedRows":
        """Join contributions; all their rows are held in memory."""
        tables = [given.rows.table.select(list(columns)) for given in contributions]
        owner = np.repeat(np.arange(len(tables)), [table.num_rows for table in tables])
        whole = pa.concat_tables(tables)
        digests = row_digests(reduce_table(whole))
        order = sorted(range(len(digests)), key=digests.__getitem__)
        return cls(whole.take(pa.array(order)), owner[order], [digests[i] for i in order])


def coalition_rows(
    base: pa.Table, joined: JoinedRows, coalition: Coalition, spec: BenchmarkSpec
) -> pa.Table:
    """Return the rows a coalition's model is trained on: base, then its own in canonical order.

    For one contribution these are the rows that its evaluation trains on, sampled likewise above
    the spec's ``max_train_rows``.
    """
    chosen = np.isin(joined.owner, list(coalition))
    whole = pa.concat_tables([base, joined.table.filter(pa.array(chosen))])
    limit = spec.sampling.max_train_rows
    if limit is None or whole.num_rows <= limit:
        return whole
    labels = whole.column(spec.target)
    return whole.take(
        pa.array(stratified_positions(labels, limit, seed=spec.seed, purpose="train-sample"))
    )


class TrainedUtility:
    """v(S): the primary metric, higher is better, of models of the base set and S's rows.

    The mean over the spec's ``model.seeds`` replicas, which share their seeds between coalitions,
    on the part of the test set that may be shown: values that are given away must not tell of the
    part that decides. A metric where lower is better is negated. The base set's model is trained
    here, whatever the spec's ``baseline.source``: a coalition of none differs from others by rows
    alone.
    """

    def __init__(self, benchmark: Benchmark, joined: JoinedRows) -> None:
        """Make the utility of contributions joined by `JoinedRows.of`."""
        self._benchmark = benchmark
        self._joined = joined
        self._metric = registered_metrics()[benchmark.spec.metrics.primary]
        self._averaging = averaging_of(benchmark.spec)
        self._everyone: Coalition = frozenset(joined.owner.tolist())
        self._shown = benchmark.test_rows_of(benchmark.split.shown)
        self._of_everyone: tuple[Predictions, ...] = ()

    @property
    def measure(self) -> str:
        """What the utility is, in words."""
        return self._metric.name if self._metric.direction == "higher" else f"-{self._metric.name}"

    def __call__(self, coalition: Coalition) -> Fraction:
        """Train and measure the replicas of one model.

        Raises:
            SpecError: it can't be trained.
            UndefinedMetric: the metric has no value on these test rows.
        """
        spec = self._benchmark.spec
        rows = coalition_rows(self._benchmark.base.table, self._joined, coalition, spec)
        # One at a time: a hundred fitted forests need not fit into memory.
        said = tuple(
            predictions_on(train(rows, spec, replica=replica), self._shown, spec)
            for replica in range(spec.model.seeds)
        )
        if coalition == self._everyone:
            self._of_everyone = said
        return self._value(said)

    def noise(self) -> float:
        """Return the standard error of v(all) over test sets drawn anew; v(all) comes first.

        A bootstrap of the test rows, label by label so that none is lost; all replicas of a row
        together.
        """
        spec, said = self._benchmark.spec, self._of_everyone
        assert said
        generator = np.random.default_rng(seed_sequence(spec.seed, "credit-noise"))
        groups = [np.flatnonzero(said[0].actual == label) for label in range(said[0].classes)]
        values = []
        for _ in range(_NOISE_RESAMPLES):
            drawn = np.concatenate([generator.choice(rows, len(rows)) for rows in groups])
            values.append(float(self._value([one.take(drawn) for one in said])))
        return float(np.std(values, ddof=1))

    def _value(self, said: Sequence[Predictions]) -> Fraction:
        value = self._metric.mean_value(said, self._averaging)
        return value if self._metric.direction == "higher" else -value
