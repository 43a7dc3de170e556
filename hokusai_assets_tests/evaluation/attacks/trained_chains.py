"""Bundled benchmarks whose contribution is cut in parts, each trained and settled for real."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from hokusai_assets.benchmarks.loading import Benchmark, load_benchmark
from hokusai_assets.benchmarks.row_sets import StoredRows, store_rows
from hokusai_assets.contributions.identity import unregistered
from hokusai_assets.contributions.intake import take_in
from hokusai_assets.evaluation.measurement import Evaluation, evaluate_models
from hokusai_assets.models.training import train_replicas, training_rows
from hokusai_assets.privacy.keys import PrivacyKey

DATA = Path(__file__).resolve().parents[3] / "data"
KEY = PrivacyKey.from_secret(b"a key of the tests, of 32 bytes.")


def bundled_benchmark(name: str) -> Benchmark:
    """Load a bundled benchmark."""
    return load_benchmark(DATA / "benchmarks" / name, KEY)


def with_rule(benchmark: Benchmark, *, submissions: int, min_delta_bps: int) -> Benchmark:
    """Return the benchmark with another budget and least gain."""
    rule = benchmark.spec.delta_one.model_copy(
        update={"submissions": submissions, "min_delta_bps": min_delta_bps}
    )
    return replace(benchmark, spec=benchmark.spec.model_copy(update={"delta_one": rule}))


def taken_in(benchmark: Benchmark, file: str, scratch: Path) -> pa.Table:
    """Return the rows that intake keeps of a bundled contribution, in canonical order."""
    scratch.mkdir(parents=True)
    path = DATA / "contributions" / benchmark.spec.id / file
    return take_in(unregistered(path), benchmark, KEY, scratch=scratch).rows.table


def cut(rows: pa.Table, parts: int, folder: Path, seed: int) -> list[StoredRows]:
    """Cut rows into so many parts at random."""
    folder.mkdir(parents=True)
    order = np.random.default_rng(seed).permutation(rows.num_rows)
    return [
        store_rows(rows.take(pa.array(chosen)), folder / f"{number}.parquet")
        for number, chosen in enumerate(np.array_split(order, parts))
    ]


class Trained:
    """Models of a benchmark's base set and some contributions, each trained once."""

    def __init__(self, benchmark: Benchmark) -> None:
        """Nothing is trained yet."""
        self._benchmark = benchmark
        self._known: dict[tuple[str, ...], Evaluation] = {}

    def on(self, contributed: Sequence[StoredRows]) -> Evaluation:
        """Train on the base set and these rows, in this order, and ask about the test set."""
        roots = tuple(part.root for part in contributed)
        if roots not in self._known:
            benchmark = self._benchmark
            rows = training_rows(benchmark.base, contributed, benchmark.spec)
            models = train_replicas(rows, benchmark.spec)
            # Only to tell the baseline from others: two sets of rows are two models.
            digest = "|".join(roots)
            self._known[roots] = evaluate_models(models, benchmark, model_digest=digest)
        return self._known[roots]
