"""What the Dagster UI shows of a leaderboard: a table of its top, counts and sums."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

import dagster as dg

from hokusai_assets.evaluation.leaderboard import (
    Leaderboard,
    LeaderboardRow,
    gain_interval_of,
    gain_of,
)
from hokusai_assets.evaluation.units import Unit, unit_of
from hokusai_assets.orchestration.partition_pictures import leaderboard_picture

# Metadata lives in the event log: the stored value has the rest.
SHOWN = 50
# Characters of Markdown that the UI shows without a click.
_AT_ONCE = 1000
_PPM_PER_POINT = 10_000
_UNBROKEN = "\N{WORD JOINER}"


def leaderboard_metadata(found: Leaderboard, metric: str) -> dict[str, Any]:
    """Return the metadata of a leaderboard.

    Args:
        found: the leaderboard.
        metric: the benchmark's primary metric.
    """
    ranked = [row for row in found.rows if row.attested is not None]
    others = [row for row in found.rows if row.attested is None]
    counts = found.counts
    top = _top(found, ranked, metric)
    metadata: dict[str, Any] = {
        **({} if top is None else {"top": dg.MetadataValue.md(top)}),
        "leaderboard": dg.MetadataValue.md(_ranking(found, ranked[:SHOWN], metric)),
        "dagster/row_count": len(found.rows),
        "metric": f"{metric} ({found.direction} is better)" if found.direction else metric,
        **{f"contributions/{status.replace(' ', '_')}": count for status, count in counts.items()},
        "payable_bps": found.payments[-1].paid_bps if found.payments else 0,
        "settlements": len(found.payments),
        "credit_method": found.credit_method
        or "not valued on this version yet: run the values job",
        # Its first digits name it; all of them would push the table beside it out of sight.
        "benchmark_version": found.version[:12],
    }
    if ranked:
        metadata["plot/gains"] = leaderboard_picture(ranked, metric, found.direction)
        metadata["best_gain"] = gain_of(_attested(ranked[0])) / 1_000_000
    if others:
        metadata["not_ranked"] = dg.MetadataValue.md(_not_ranked(found, others))
    return metadata


def some_of(lines: Sequence[str]) -> str:
    """Return lines as a Markdown list, at most `SHOWN` of them."""
    shown = [f"- {line}" for line in lines[:SHOWN]]
    if len(lines) > SHOWN:
        shown.append(f"- and {len(lines) - SHOWN:,} more")
    return "\n".join(shown)


def partition_link(benchmark_id: str, asset: str, key: str) -> str:
    """Return a contribution's key as a Markdown link to its partition of an asset."""
    return f"[{key}](/assets/{benchmark_id}/{asset}?partition={quote(key)}&view=partitions)"


def _top(found: Leaderboard, ranked: Sequence[LeaderboardRow], metric: str) -> str | None:
    """Return as much of a long ranking as the UI shows without a click; None of a short one."""
    if len(_ranking(found, ranked[:SHOWN], metric)) < _AT_ONCE:
        return None
    rows = list(ranked[:SHOWN])
    while rows and len(_ranking(found, rows, metric, linked=False)) >= _AT_ONCE:
        rows.pop()
    return _ranking(found, rows, metric, linked=False)


def _ranking(
    found: Leaderboard, rows: Sequence[LeaderboardRow], metric: str, *, linked: bool = True
) -> str:
    if not rows:
        return "No contribution is attested on this version of the benchmark yet."
    level = f"{_attested(rows[0]).alone.confidence_ppm / _PPM_PER_POINT:g}%"
    # Narrow: the UI cuts off what does not fit beside the key.
    credit, line = (" credit |", "--:|") if found.credit_measure else ("", "")
    lines = [
        f"| | contribution | gain in {metric} ({level}) | accepted, pays (bps) |{credit}",
        f"|--:|---|---|--:|{line}",
    ]
    unit = unit_of(metric, found.direction)
    lines += [_ranked_line(found, row, unit, linked=linked) for row in rows]
    lines.append(f"\nGains are in {unit.of(metric)}.{_credit_in_words(found)}")
    if (more := sum(row.attested is not None for row in found.rows) - len(rows)) > 0:
        lines.append(f"{more:,} more stand below; the stored value has them all.")
    return "\n".join(lines)


def _credit_in_words(found: Leaderboard) -> str:
    if found.credit_measure is None:
        return ""
    measured_in = unit_of(found.credit_measure).of(found.credit_measure)
    return f" Credit is no payment; it is by {found.credit_method}, in {measured_in}."


def _ranked_line(found: Leaderboard, row: LeaderboardRow, unit: Unit, *, linked: bool) -> str:
    one, key = _attested(row), row.contribution
    low, high = gain_interval_of(one)
    interval = f"{unit.signed(low)}…{_UNBROKEN}{unit.signed(high)}".replace("+", "")
    cells = [
        str(row.rank),
        partition_link(found.benchmark_id, "attestation", key) if linked else key,
        # It may wrap before the interval; within, it could not be read.
        f"**{unit.signed(gain_of(one))}** {interval}",
        f"yes, **{one.payable_bps}**" if one.accepted else "no",
    ]
    if found.credit_measure:
        credit = row.credit_ppm
        cells.append("" if credit is None else unit_of(found.credit_measure).signed(credit))
    return f"| {' | '.join(cells)} |"


def _not_ranked(found: Leaderboard, others: Sequence[LeaderboardRow]) -> str:
    lines = ["| contribution | status | pays (bps) | broken rules |", "|---|---|--:|---|"]
    lines += [
        f"| {partition_link(found.benchmark_id, 'contributed_data', row.contribution)} "
        f"| {row.status} | {_or_nothing(row.payable_earlier_bps)} "
        f"| {', '.join(row.broken_rules)} |"
        for row in others[:SHOWN]
    ]
    if len(others) > SHOWN:
        lines.append(f"\nand {len(others) - SHOWN:,} more.")
    return "\n".join(lines)


def _or_nothing(bps: int | None) -> str:
    return "" if bps is None else f"**{bps}**"


def _attested(row: LeaderboardRow) -> Any:
    assert row.attested is not None
    return row.attested
