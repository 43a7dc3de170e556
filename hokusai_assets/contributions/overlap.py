"""Rows of a contribution that are already known: in the test set, the base set, or the file."""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from hokusai_assets.benchmarks.loading import Benchmark
from hokusai_assets.benchmarks.spec import BenchmarkSpec
from hokusai_assets.canonical import rows
from hokusai_assets.privacy.spans import INVISIBLE
from hokusai_assets.privacy.tokens import reduce_table

# RE2's \s is ASCII: these are all of Unicode's separators and control characters.
_WHITE_SPACE = r"[\s\p{Z}\p{Cc}]+"


@dataclass(frozen=True)
class Overlap:
    """Which rows of a table of n rows are known; the masks are (n,) booleans, disjoint.

    Attributes:
        in_test: the row's features equal those of a test row (after `match_keys`).
        in_base: the whole row, label included, stands in the base set.
        repeated: an equal row stands earlier in the same table.
        natural: share of base rows whose features equal those of a test row, in 0..1.
    """

    in_test: np.ndarray
    in_base: np.ndarray
    repeated: np.ndarray
    natural: Fraction

    @property
    def known(self) -> np.ndarray:
        """Mask of all rows that bring nothing new."""
        known: np.ndarray = self.in_test | self.in_base | self.repeated
        return known


def match_keys(table: pa.Table, spec: BenchmarkSpec) -> list[bytes]:
    """Return per row a digest of its features that survives re-formatting.

    Text and categories are compared after NFKC, lower case, white space collapsed and invisible
    characters taken out; personal data by its type alone; the label does not enter, so a copied
    row with another label is still a copy.
    """
    features = reduce_table(table.select(sorted(spec.columns.keys() & set(table.column_names))))
    for position, name in enumerate(features.column_names):
        if pa.types.is_string(features.schema.field(name).type):
            text = pc.utf8_lower(pc.utf8_normalize(features.column(name), form="NFKC"))
            text = pc.replace_substring_regex(text, f"[{INVISIBLE}]+", "")
            text = pc.utf8_trim_whitespace(pc.replace_substring_regex(text, _WHITE_SPACE, " "))
            features = features.set_column(position, name, text)
    return rows.row_digests(features)


def find_overlap(table: pa.Table, digests: list[bytes], benchmark: Benchmark) -> Overlap:
    """Compare a typed, pseudonymised table with the benchmark's sets and itself.

    Args:
        table: n contributed rows.
        digests: their n row digests (tokens reduced).
        benchmark: the benchmark they are contributed to.
    """
    test_keys = set(match_keys(benchmark.test.table, benchmark.spec))
    base_keys = match_keys(benchmark.base.table, benchmark.spec)
    natural = Fraction(sum(key in test_keys for key in base_keys), max(1, len(base_keys)))
    in_test = np.array([key in test_keys for key in match_keys(table, benchmark.spec)], dtype=bool)
    base = set(benchmark.base.digests)
    in_base = np.array([digest in base for digest in digests], dtype=bool) & ~in_test
    seen: set[bytes] = set()
    repeated = np.zeros(len(digests), dtype=bool)
    for position, digest in enumerate(digests):
        repeated[position] = digest in seen
        seen.add(digest)
    return Overlap(in_test, in_base, repeated & ~in_test & ~in_base, natural)
