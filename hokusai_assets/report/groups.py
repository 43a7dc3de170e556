"""The table of what changed for each class and slice: a line per group, a column per metric."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hokusai_assets.evaluation.group_delta import GroupDelta


@dataclass(frozen=True)
class GroupCell:
    """One metric of one group.

    Attributes:
        baseline_ppm, new_ppm, delta_ppm: None where the metric is undefined.
        change: ``better`` or ``worse`` where the interval leaves out 0, else "".
        undefined: why there is no value, "" where there is one.
    """

    baseline_ppm: int | None
    new_ppm: int | None
    delta_ppm: int | None
    change: str
    undefined: str


@dataclass(frozen=True)
class GroupTable:
    """All classes, or all slices.

    Attributes:
        kind: ``class`` or ``slice``.
        metrics: the columns.
        lines: by group: its name, its test rows, a cell for each metric (None: not measured).
    """

    kind: str
    metrics: tuple[str, ...]
    lines: tuple[tuple[str, int, tuple[GroupCell | None, ...]], ...]


def group_tables(groups: Sequence[Mapping[str, Any]]) -> list[GroupTable]:
    """Return a table of the classes and one of the slices, of those that there are.

    Args:
        groups: a measurement document's ``groups``.
    """
    found = [GroupDelta.from_dict(group) for group in groups]
    tables = []
    for kind in ("class", "slice"):
        of_kind = [group for group in found if group.kind == kind]
        if not of_kind:
            continue
        metrics = tuple(dict.fromkeys(group.metric for group in of_kind))
        cells = {(group.group, group.metric): _cell(group) for group in of_kind}
        rows = {group.group: group.rows for group in of_kind}
        lines = tuple(
            (name, count, tuple(cells.get((name, metric)) for metric in metrics))
            for name, count in rows.items()
        )
        tables.append(GroupTable(kind, metrics, lines))
    return tables


def _cell(group: GroupDelta) -> GroupCell:
    return GroupCell(
        group.baseline_ppm, group.new_ppm, group.delta_ppm, _change(group), group.undefined or ""
    )


def _change(group: GroupDelta) -> str:
    if group.low_ppm is None or group.high_ppm is None or group.low_ppm <= 0 <= group.high_ppm:
        return ""
    return "better" if (group.low_ppm > 0) == (group.direction == "higher") else "worse"
