"""The public and the private part of a test set: one may be shown, the other decides.

What is told of a test set wears it out: whoever sees many scores on it can climb on them (Blum &
Hardt, "The Ladder", ICML 2015). So results on the public part are free, and of the private part
nobody is told more than that a contribution was accepted, and then by how much.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from hokusai_assets.benchmarks.row_sets import RowSet
from hokusai_assets.benchmarks.sampling import stratified_positions
from hokusai_assets.benchmarks.spec import BenchmarkSpec, SpecError
from hokusai_assets.canonical import rows

PartName = Literal["whole", "public", "private"]


@dataclass(frozen=True, eq=False)
class TestPart:
    """Some rows of a test set.

    Attributes:
        name: ``whole`` where the spec makes no parts.
        positions: int64, ascending, of the part's rows; None for all.
        root: Merkle root (hex) of the part's rows.
    """

    # pytest takes classes called Test... for tests.
    __test__ = False

    name: PartName
    positions: np.ndarray | None
    root: str


@dataclass(frozen=True, eq=False)
class TestSplit:
    """What is shown and what decides: the same whole set where the spec makes no parts."""

    __test__ = False

    shown: TestPart
    deciding: TestPart

    @property
    def is_split(self) -> bool:
        """Whether there are two parts."""
        return self.deciding.name == "private"


def split_test_set(test: RowSet, spec: BenchmarkSpec) -> TestSplit:
    """Cut a test set in two, stratified by label, by the spec's seed.

    Raises:
        SpecError: a part would lack a label, or the private one is too small to ever decide.
    """
    if spec.test_split is None:
        whole = TestPart("whole", None, test.root)
        return TestSplit(whole, whole)
    names = test.table.column(spec.target).to_numpy(zero_copy_only=False)
    size = max(len(spec.labels), round(spec.test_split.public_share * test.count))
    if size >= test.count:
        raise _too_small(test.count)
    public = stratified_positions(names, size, seed=spec.seed, purpose="public-part")
    private = np.setdiff1d(np.arange(test.count), public, assume_unique=True)
    if len(np.unique(names[private])) < len(spec.labels):
        raise _too_small(test.count)
    least = spec.delta_one.min_examples
    if len(private) < least <= test.count:
        # Each contribution would spend a look and none could be accepted.
        raise SpecError(
            f"test_split.public_share: {len(private):,} rows are left to decide where "
            f"min_examples demands {least:,}; take a smaller share or more test rows"
        )
    return TestSplit(_part("public", public, test), _part("private", private, test))


def _part(name: PartName, positions: np.ndarray, test: RowSet) -> TestPart:
    digests = [test.digests[position] for position in positions.tolist()]
    return TestPart(name, positions, rows.table_root(digests))


def _too_small(count: int) -> SpecError:
    return SpecError(
        f"test_split.public_share: the test set has {count:,} rows, too few of some label for "
        "both parts to have one; take another share or more test rows"
    )
