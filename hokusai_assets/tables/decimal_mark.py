"""Which decimal mark a CSV file's numbers have: a decision for the whole file, or none.

`1.234` and `1,234` may each be 1.234 or 1234, depending on where the file comes from. Cells that
can only be read one way decide for all others; where there are none, nothing is guessed.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

# Three digits to a group and no zero in front: as well a decimal fraction as a large number.
_GROUPED = r"^[+-]?[1-9][0-9]{0,2}(\.[0-9]{3}|,[0-9]{3})$"
_WITH_POINT = r"^[+-]?([0-9]+\.[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$"
_WITH_COMMA = r"^[+-]?([0-9]+,[0-9]*|,[0-9]+)([eE][+-]?[0-9]+)?$"
_GROUPED_BY_COMMAS = r"^[+-]?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]*)?$"


@dataclass
class DecimalEvidence:
    """What the number cells of a file say about its decimal mark."""

    point: bool = False
    comma: bool = False
    either: bool = False

    @property
    def settled(self) -> bool:
        """Whether further cells change nothing: one that has a point rules out the comma."""
        return self.point

    @property
    def mark(self) -> str | None:
        """The decimal mark, None where the file leaves it open."""
        if self.point:
            return "."
        if self.comma:
            return ","
        return None if self.either else "."

    def add(self, columns: Iterable[pa.ChunkedArray]) -> None:
        """Take in some cells of the columns that hold numbers."""
        for cells in columns:
            # Whole numbers say nothing, and are most of what there is.
            marked = cells.filter(pc.match_substring_regex(cells, "[.,]"))
            if len(marked) == 0:
                continue
            text = pc.utf8_trim_whitespace(marked)
            grouped = pc.match_substring_regex(text, _GROUPED)
            self.either = self.either or _any(grouped)
            self.point = self.point or _any(_only(text, _WITH_POINT, grouped))
            self.comma = self.comma or _any(_only(text, _WITH_COMMA, grouped))
            if self.settled:
                return


def _only(text: pa.ChunkedArray, pattern: str, grouped: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.and_not(pc.match_substring_regex(text, pattern), grouped)


def _any(mask: pa.ChunkedArray) -> bool:
    return bool(pc.any(mask).as_py())


def with_point(cells: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return number cells of a file with decimal commas as if they had points.

    A point in such a cell can only group digits, which no number may; it becomes a second
    mark, so that the cell does not fit.
    """
    dotted = pc.replace_substring(cells, ".", "..")
    return pc.replace_substring(dotted, ",", ".")


def ambiguous(cells: pa.ChunkedArray, mark: str | None) -> pa.ChunkedArray:
    """Return a bool array: which number cells may be read in two ways.

    Args:
        cells: n texts.
        mark: what the file's evidence says, a point or None; with a comma none is ambiguous.
    """
    text = pc.utf8_trim_whitespace(cells)
    found = pc.match_substring_regex(text, f"{_WITH_COMMA}|{_GROUPED_BY_COMMAS}")
    if mark is None:
        found = pc.or_(found, pc.match_substring_regex(text, _GROUPED))
    return found.fill_null(False)
