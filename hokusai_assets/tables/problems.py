"""What is wrong with a data file, in words its sender can act on, without any of its values."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NoReturn

SHOWN_ROWS = 5


@dataclass(frozen=True)
class Problem:
    """One broken rule in a file.

    Attributes:
        rule: stable identifier, such as ``unknown-label``.
        message: what was found and where, never a cell's value.
        fix: what to change so that the rule holds.
        column: the column's name as the benchmark knows it, if the rule is about one.
        rows: first few data rows that break it, counted from 1 without the header.
        count: how many rows break it (0 when it is about the whole file).
    """

    rule: str
    message: str
    fix: str
    column: str | None = None
    rows: tuple[int, ...] = field(default=())
    count: int = 0

    def to_dict(self) -> dict[str, object]:
        """Return the JSON form, with every field present."""
        return {
            "rule": self.rule,
            "message": self.message,
            "fix": self.fix,
            "column": self.column,
            "rows": list(self.rows),
            "count": self.count,
        }


class UnreadableFile(Exception):
    """The file as a whole can't be taken as a table; ``problem`` says why."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(f"{problem.message} {problem.fix}")
        self.problem = problem


def refuse(rule: str, message: str, fix: str, *, row: int | None = None) -> NoReturn:
    """Raise UnreadableFile, without the error that is being handled.

    A parser's own error may quote the file, and so a person's data.
    """
    rows = () if row is None else (row,)
    raise UnreadableFile(Problem(rule, message, fix, rows=rows, count=len(rows))) from None


def rows_in_words(rows: Sequence[int], count: int | None = None) -> str:
    """Say which rows, briefly: ``row 7``, ``rows 2 and 9``, ``rows 1, 2, 3, 4, 5 and 95 more``.

    ``count`` is how many there are where ``rows`` holds only the first few.
    """
    shown = [int(row) for row in rows[:SHOWN_ROWS]]
    total = len(rows) if count is None else count
    if total == 1:
        return f"row {shown[0]}"
    if total > len(shown):
        return f"rows {', '.join(map(str, shown))} and {total - len(shown)} more"
    return f"rows {', '.join(map(str, shown[:-1]))} and {shown[-1]}"


def nameable(column: str) -> str:
    """Return how messages may show a column name that a file brought, or that it is withheld."""
    # A hostile file may hide a value in a column name; long or odd names are not echoed.
    plain = column.isprintable() and len(column) <= 40 and "@" not in column
    plain = plain and sum(character.isdigit() for character in column) < 6
    return repr(column) if plain else "(name withheld)"
