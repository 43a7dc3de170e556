"""What was done to a table, and what is still in it: counts and column names, never values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class ColumnReport:
    """What happened to one column for one entity.

    cells: how many hold at least one replaced value. share_ppm: of the table's rows, rounded
    down, 0 to 1000000. how: header, values (most cells matched), spans or policy.
    """

    column: str
    entity: str
    cells: int
    share_ppm: int
    how: str


@dataclass(frozen=True)
class PrivacyReport:
    """Counts and column names, never values; tuples are sorted, so row order does not matter.

    rows_hashed: rows with at least one replaced value.
    """

    rows_hashed: int
    columns: tuple[ColumnReport, ...]
    waived: tuple[str, ...]
    dropped: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return integers and strings only, ready for JSON, in a fixed order."""
        return {
            "rows_hashed": self.rows_hashed,
            "columns": [
                {
                    "column": entry.column,
                    "entity": entry.entity,
                    "cells": entry.cells,
                    "share_ppm": entry.share_ppm,
                    "how": entry.how,
                }
                for entry in self.columns
            ],
            "waived": list(self.waived),
            "dropped": list(self.dropped),
        }


@dataclass(frozen=True)
class ResidualFinding:
    """Personal data still in a table: so many cells of a column hold this entity."""

    column: str
    entity: str
    cells: int
