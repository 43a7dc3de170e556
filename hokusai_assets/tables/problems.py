"""What is wrong with a data file, in words its sender can act on, without any of its values."""

from dataclasses import dataclass, field

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


def rows_in_words(rows: list[int]) -> str:
    """Say which rows, briefly: ``row 7``, ``rows 2 and 9``, ``rows 1, 2, 3, 4, 5 and 95 more``."""
    shown = rows[:SHOWN_ROWS]
    more = len(rows) - len(shown)
    if len(rows) == 1:
        return f"row {rows[0]}"
    if more:
        return f"rows {', '.join(map(str, shown))} and {more} more"
    return f"rows {', '.join(map(str, shown[:-1]))} and {shown[-1]}"
