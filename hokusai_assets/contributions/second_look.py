"""Looking once more, from the rows alone, for what intake should have taken out of them."""

from dataclasses import dataclass

from hokusai_assets.benchmarks.loading import Benchmark, privacy_policies, recognisers_for
from hokusai_assets.benchmarks.row_sets import StoredRows
from hokusai_assets.canonical import rows as canonical_rows
from hokusai_assets.contributions.leakage.scan import LeakageScan
from hokusai_assets.privacy.pseudonymise import ResidualFinding, residual_personal_data
from hokusai_assets.privacy.tokens import reduce_table


@dataclass(frozen=True)
class SecondLook:
    """What stands in stored rows.

    Attributes:
        rows: how many there are.
        root: their Merkle root (hex), computed from the cells.
        personal_data: what is not hashed, by column and entity.
        test_rows: rows that equal or nearly equal a test row.
        base_rows: rows that stand in the base set.
    """

    rows: int
    root: str
    personal_data: tuple[ResidualFinding, ...]
    test_rows: int
    base_rows: int


def second_look(stored: StoredRows, benchmark: Benchmark) -> SecondLook:
    """Read stored rows and look for personal data and known rows, as intake does.

    Raises:
        ValueError: they are not in canonical order.
    """
    spec = benchmark.spec
    scan = LeakageScan.of(benchmark)
    tree = canonical_rows.RootBuilder()
    rows = test_rows = base_rows = 0
    for batch in stored.batches():
        for digest in canonical_rows.row_digests(reduce_table(batch)):
            tree.add(digest)
        found = scan.add(batch)
        rows += batch.num_rows
        test_rows += int((found.in_test | found.near_test).sum())
        base_rows += int(found.in_base.sum())
    findings = residual_personal_data(
        stored.batches,
        policies=privacy_policies(spec),
        protected=(spec.target,),
        recognisers=recognisers_for(spec),
    )
    return SecondLook(rows, tree.root(), tuple(findings), test_rows, base_rows)
