"""What a method says of each contribution, as whole numbers."""

from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from hokusai_assets.benchmarks.test_split import PartName

PPM_PER_BPS = 100


@dataclass(frozen=True)
class ContributionValue:
    """One contribution's value.

    Attributes:
        key: the contribution's partition key.
        rows: its rows.
        value_ppm: the value in parts per million of the measure; may be negative.
        error_ppm: standard error of the estimation; None where the method is exact on these rows.
    """

    key: str
    rows: int
    value_ppm: int
    error_ppm: int | None


@dataclass(frozen=True, eq=False)
class Credit:
    """What a set of contributions is worth by one method.

    Attributes:
        method: one of `methods.METHODS`.
        measure: what the values are parts of, in words.
        values: one per contribution, in the order they were given.
        models_trained: models fitted for it, every replica counted.
        replicas: models fitted for each set of rows whose predictions are averaged; 0 where none
            is fitted.
        part: which part of the test set the values were measured on, ``whole`` or ``public``;
            None where the method asks no test row.
        test_rows: rows of that part; None likewise.
        empty_ppm: the utility without any contribution; None where there is no such.
        all_ppm: the utility of all contributions.
        base_ppm: what the base set's rows are worth, where the method values them too.
        gap_ppm: v(all) - v(empty) minus all values, base set included, before rounding: 0 where
            they share it out exactly; None where the method is no such sharing.
        noise_ppm: standard error of the utility of all on a test set drawn anew, which no error of
            a value holds; None where the utility is not the primary metric.
        permutations: random orders walked; None if there were none.
        rows: per row ``contribution`` ("" for the base set), ``row_digest`` (hex) and ``value``
            (NaN if unknown); None where the method values no rows.
    """

    method: str
    measure: str
    values: tuple[ContributionValue, ...]
    models_trained: int
    replicas: int
    part: PartName | None
    test_rows: int | None
    empty_ppm: int | None
    all_ppm: int
    base_ppm: int | None = None
    gap_ppm: int | None = None
    noise_ppm: int | None = None
    permutations: int | None = None
    rows: pa.Table | None = None

    @property
    def shares_ppm(self) -> dict[str, int] | None:
        """Each contribution's part of the values' sum; None where that says nothing.

        It says nothing of means (Data-OOB), nor where the sum is not positive.
        """
        total = sum(value.value_ppm for value in self.values)
        if self.method == "data-oob" or total <= 0:
            return None
        return {value.key: round(value.value_ppm * 1_000_000 / total) for value in self.values}

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form: integers and strings; rows are left out."""
        shares = self.shares_ppm or {}
        return {
            "method": self.method,
            "measure": self.measure,
            "models_trained": self.models_trained,
            "replicas": self.replicas,
            "part": self.part,
            "test_rows": self.test_rows,
            "empty_ppm": self.empty_ppm,
            "all_ppm": self.all_ppm,
            "base_ppm": self.base_ppm,
            "gap_ppm": self.gap_ppm,
            "noise_ppm": self.noise_ppm,
            "permutations": self.permutations,
            "contributions": [
                {
                    "contribution": value.key,
                    "rows": value.rows,
                    "value_ppm": value.value_ppm,
                    "error_ppm": value.error_ppm,
                    "share_ppm": shares.get(value.key),
                }
                for value in self.values
            ],
        }
