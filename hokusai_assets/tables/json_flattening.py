"""Turning a record of nested JSON into the cells of flat columns.

A member of an object is the column ``parent.child``, an item of a list ``parent.0`` (counted
from 0). Items of a list make columns only where one of them is wanted; the list is one column
otherwise. An object or list without members is the column of its own name, and so is one that
is wanted itself, which is a ``nested-value``.
"""

from collections.abc import Collection

from hokusai_assets.tables.column_names import check_column_names
from hokusai_assets.tables.json_records import refuse_too_nested
from hokusai_assets.tables.limits import ReadLimits


class RecordFlattener:
    """Flattens the records of one file and remembers the names of all columns seen.

    Args:
        wanted: the columns whose cells are asked for, None for all.
        file_name: what messages call the file.
        limits: bounds on columns and nesting.
    """

    def __init__(self, wanted: Collection[str] | None, file_name: str, limits: ReadLimits) -> None:
        self._wanted = None if wanted is None else frozenset(wanted)
        self._name, self._limits = file_name, limits
        self.names: dict[str, None] = {}
        parts = [column.split(".") for column in wanted or ()]
        self._reaches_into = {
            ".".join(part[:length]) for part in parts for length in range(1, len(part))
        }
        self.nested: list[str] = []
        self.clashing: list[str] = []

    def note_names(self, members: Collection[str]) -> None:
        """Remember the columns of a flat record that has some not seen before.

        Raises:
            UnreadableFile: as `check_column_names` does.
        """
        self.names.update(dict.fromkeys(members))
        check_column_names(list(self.names), self._name, self._limits)

    def flat(self, members: dict[str, object], row: int) -> dict[str, object]:
        """Return a record's cells by column: texts, booleans and None.

        ``nested`` then names the wanted columns that hold an object or a list, ``clashing``
        those that two members of the record stand for; their cells are None.

        Raises:
            UnreadableFile: the record is nested too deep (``too-nested``), or names break a
                rule (as in `note_names`).
        """
        self.nested, self.clashing = [], []
        cells: dict[str, object] = {}
        if any(isinstance(value, dict | list) for value in members.values()):
            for name, value in members.items():
                self._take(cells, name, value, row, 0)
        else:
            cells = members
        if not self.names.keys() >= cells.keys():
            self.note_names(cells)
        return cells

    def _take(
        self, cells: dict[str, object], name: str, value: object, row: int, depth: int
    ) -> None:
        if not isinstance(value, dict | list):
            self._put(cells, name, value)
            return
        if depth >= self._limits.max_nesting:
            refuse_too_nested(self._name, row, self._limits)
        into = isinstance(value, dict) or self._wanted is None or name in self._reaches_into
        if not into:
            self._check_depth(value, row, depth + 1)
        if self._wanted is not None and name in self._wanted:
            self.nested.append(name)
            self._put(cells, name, None)
        elif not (into and value):
            self._put(cells, name, None)
        if into:
            members = value.items() if isinstance(value, dict) else enumerate(value)
            for key, inner in members:
                self._take(cells, f"{name}.{key}", inner, row, depth + 1)

    def _put(self, cells: dict[str, object], name: str, value: object) -> None:
        if name in cells:
            self.clashing.append(name)
            value = None
        cells[name] = value

    def _check_depth(self, value: dict[str, object] | list[object], row: int, depth: int) -> None:
        for item in value.values() if isinstance(value, dict) else value:
            if isinstance(item, dict | list):
                if depth >= self._limits.max_nesting:
                    refuse_too_nested(self._name, row, self._limits)
                if item:
                    self._check_depth(item, row, depth + 1)
