"""Paired bootstrap of count metrics over cells of counts instead of rows."""

import hashlib
from collections.abc import Callable, Mapping

import numpy as np

from hokusai_assets.evaluation.metrics import ClassCounts
from hokusai_assets.evaluation.predictions import FloatArray, IntArray, PairedCells

_CHUNK_BYTES = 64_000_000

# Equal metrics summed in another order differ by about 1e-16; a resample with no
# difference must count as such.
_DECIMALS = 12


def random_stream(seed: int, purpose: str) -> np.random.Generator:
    """Return the generator of one purpose under one seed, independent of other purposes'.

    The purpose enters as the eight 32-bit words of its SHA-256, as SeedSequence's spawn
    key. Draws repeat under the same NumPy version; NumPy does not promise more.

    Raises:
        ValueError: seed is negative.
    """
    digest = hashlib.sha256(purpose.encode()).digest()
    words = tuple(int.from_bytes(digest[at : at + 4], "big") for at in range(0, 32, 4))
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=words))


def bootstrap_differences(
    cells: PairedCells,
    statistics: Mapping[str, Callable[[ClassCounts], FloatArray]],
    *,
    resamples: int,
    seed: int,
    chunk_bytes: int = _CHUNK_BYTES,
) -> dict[str, FloatArray]:
    """Return (resamples,) differences new - baseline of each statistic, means over replicas.

    Rows are resampled with replacement within each true class, all models' predictions of
    a row together (Efron & Tibshirani, "An Introduction to the Bootstrap", 1993, chapters
    8 and 13). The counts of a class's cells under that scheme are multinomial, so they are
    drawn directly: the cost depends on the number of cells, not of rows. Every statistic is
    computed on the same draws, and each true class has its own random stream, so neither
    the other statistics nor chunk_bytes (a bound on memory) changes a result. A class with
    one test row cannot vary under this scheme, and one with few varies too little.

    Args:
        cells: the counts.
        statistics: by name, a function from ClassCounts of R resamples to (R,) values.
        resamples: number of resamples, >= 1.
        seed: >= 0.
        chunk_bytes: about how much memory to use at once.
    """
    found = np.unique(cells.label)
    strata = [(int(label), _Stratum(cells, int(label), seed)) for label in found]
    actual = np.zeros(cells.classes, dtype=np.int64)
    for label, stratum in strata:
        actual[label] = stratum.count.sum()
    widest = max(len(stratum.count) for _, stratum in strata)
    models = 2 * cells.replicas
    # Draws exist as int64 and float64; four (R, K) tables of each pair are kept, and
    # statistics make about as many again of one pair.
    chunk = max(1, chunk_bytes // (8 * (2 * widest + (2 * models + 4) * cells.classes)))
    parts: dict[str, list[FloatArray]] = {name: [] for name in statistics}
    for start in range(0, resamples, chunk):
        shape = (min(chunk, resamples - start), cells.classes)
        counts = [ClassCounts(np.zeros(shape), np.zeros(shape), actual) for _ in range(models)]
        for label, stratum in strata:
            draws = stratum.draw(shape[0])
            for one, predicted in zip(counts, stratum.predicted, strict=True):
                by_class = draws @ np.eye(cells.classes)[predicted]
                one.predicted[...] += by_class
                one.hits[:, label] = by_class[:, label]
        for name, statistic in statistics.items():
            difference = sum(
                statistic(new) - statistic(baseline)
                for baseline, new in zip(counts[::2], counts[1::2], strict=True)
            )
            parts[name].append(np.round(difference / cells.replicas, _DECIMALS))
    return {name: np.concatenate(part) for name, part in parts.items()}


class _Stratum:
    """The cells of one true class and their random stream."""

    def __init__(self, cells: PairedCells, label: int, seed: int) -> None:
        chosen = cells.label == label
        # Baseline and new model of the first replica, of the second, and so on.
        self.predicted: list[IntArray] = [
            side[replica, chosen]
            for replica in range(cells.replicas)
            for side in (cells.baseline, cells.new)
        ]
        self.count: IntArray = cells.count[chosen]
        self.stream = random_stream(seed, f"paired bootstrap, true class {label}")

    def draw(self, resamples: int) -> FloatArray:
        rows = int(self.count.sum())
        draws = self.stream.multinomial(rows, self.count / rows, size=resamples)
        # float64 holds counts exactly and multiplies through BLAS, integers do not.
        return draws.astype(np.float64)
