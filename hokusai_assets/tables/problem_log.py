"""Gathers the problems of a file over its batches: first rows and a count per rule and column."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from hokusai_assets.tables.problems import SHOWN_ROWS, Problem, nameable, rows_in_words

# Beyond so many columns under one rule the others are only counted.
SHOWN_COLUMNS = 50


_Key = tuple[str | None, str, str]


@dataclass
class _Entry:
    fix: str
    rows: list[int] = field(default_factory=list)
    count: int = 0


class ProblemLog:
    """Problems of single rows and cells, merged over batches.

    Holds at most `SHOWN_ROWS` row numbers and a count per rule and column, and no value. What
    it gives does not depend on where the file was cut into batches, as long as rows are added
    in ascending order.

    Args:
        file_name: what messages call the file.
        columns: the benchmark's columns, in its order. Their names are shown as they are; other
            names only where they can't hold a value.
    """

    def __init__(self, file_name: str, columns: Sequence[str] = ()) -> None:
        self.file_name = file_name
        self._position = {name: position for position, name in enumerate(columns)}
        # By column, rule, and what is wrong: one rule may be broken in several ways.
        self._entries: dict[_Key, _Entry] = {}

    def __bool__(self) -> bool:
        return bool(self._entries)

    def add(
        self,
        rule: str,
        rows: Sequence[int] | npt.NDArray[np.int64],
        *,
        what: str,
        fix: str,
        column: str | None = None,
    ) -> None:
        """Note that rows break a rule; adding no rows notes nothing.

        Args:
            rule: the rule's stable name.
            rows: numbers of data rows, from 1, ascending, and after those added before.
            what: what is wrong, as the end of a sentence. ``{column}`` stands for the name.
            fix: what to change, a sentence or more, with ``{column}`` likewise.
            column: the column it is about, None for whole rows.
        """
        if len(rows) == 0:
            return
        entry = self._entries.setdefault((column, rule, what), _Entry(fix))
        missing = SHOWN_ROWS - len(entry.rows)
        entry.rows.extend(int(row) for row in rows[:missing])
        entry.count += len(rows)

    def forget(self, column: str) -> None:
        """Drop what was noted of a column, for one that turned out not to be in the file."""
        self._entries = {key: entry for key, entry in self._entries.items() if key[0] != column}

    def problems(self) -> list[Problem]:
        """Return the problems: those of whole rows first, then by column, then by rule."""
        found: list[Problem] = []
        shown: dict[str, int] = {}
        for key in sorted(self._entries, key=self._order):
            rule = key[1]
            shown[rule] = shown.get(rule, 0) + 1
            if shown[rule] <= SHOWN_COLUMNS:
                found.append(self._problem(*key))
        return found + [
            Problem(
                rule,
                f"{self.file_name}: {count - SHOWN_COLUMNS} more columns break this rule.",
                f"Mend the columns named for {rule} first, then look at the others.",
            )
            for rule, count in sorted(shown.items())
            if count > SHOWN_COLUMNS
        ]

    def _order(self, key: _Key) -> tuple[bool, int, str, bool, str, str]:
        column, rule, what = key
        if column is None:
            return (False, 0, "", False, rule, what)
        position = self._position.get(column, len(self._position))
        # What does not fit comes before what is not there.
        return (True, position, column, rule == "missing-value", rule, what)

    def _problem(self, column: str | None, rule: str, what: str) -> Problem:
        entry = self._entries[column, rule, what]
        name = ""
        where = [self.file_name]
        if column is not None:
            name = repr(column) if column in self._position else nameable(column)
            where.append(f"column {name}")
        where.append(rows_in_words(entry.rows, entry.count))
        return Problem(
            rule=rule,
            message=f"{', '.join(filter(None, where))}: {what.replace('{column}', name)}",
            fix=entry.fix.replace("{column}", name),
            column=column if column in self._position else None,
            rows=tuple(entry.rows),
            count=entry.count,
        )
