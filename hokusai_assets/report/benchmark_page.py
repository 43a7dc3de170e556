"""The page of one benchmark: its leaderboard, gain over time, and what it adds up to."""

from hokusai_assets import __version__
from hokusai_assets.benchmarks.spec import BenchmarkSpec
from hokusai_assets.evaluation.leaderboard import Leaderboard, gain_interval_of
from hokusai_assets.evaluation.units import Unit, unit_of
from hokusai_assets.report.figures import leaderboard_figures
from hokusai_assets.report.page_template import filled
from hokusai_assets.report.words import confidence_in_words, counted, metric_name

SHOWN_ROWS = 200
_PPM_PER_BPS = 100


def benchmark_page(spec: BenchmarkSpec, board: Leaderboard) -> str:
    """Return the page of a benchmark; equal inputs give equal text.

    It shows what attestations show, so no figure of a private part that did not accept. Of more
    than 200 contributions the first are listed and the rest counted.

    Args:
        spec: the benchmark's, for its title, description and budget.
        board: its contributions.
    """
    rows = [
        (row, None if row.attested is None else gain_interval_of(row.attested))
        for row in board.rows[:SHOWN_ROWS]
    ]
    unit = _unit(spec, board)
    return filled(
        "benchmark.html",
        unit=unit,
        credit_unit=unit_of(board.credit_measure or ""),
        spec=spec,
        board=board,
        metric=metric_name(board.metric or spec.metrics.primary),
        confidence=_confidence(board),
        sentence=_in_one_sentence(spec, board),
        tiles=_tiles(board, unit),
        figures=leaderboard_figures(board),
        rows=rows,
        more=max(0, len(board.rows) - SHOWN_ROWS),
        version=__version__,
    )


def _confidence(board: Leaderboard) -> str:
    """Return the level of the intervals that are shown; "" where none is."""
    levels = {row.attested.alone.confidence_ppm for row in board.rows if row.attested}
    return ", ".join(confidence_in_words(level) for level in sorted(levels))


def _in_one_sentence(spec: BenchmarkSpec, board: Leaderboard) -> str:
    counts = board.counts
    metric = metric_name(board.metric or spec.metrics.primary)
    earlier, in_all = len(board.accepted_earlier), len(board.accepted)
    if not board.settled:
        rejected = counts["rejected"]
        if earlier:
            return (
                f"{in_all:,} accepted so far, all on earlier versions of the benchmark; nothing "
                "was measured on this one yet."
            )
        if rejected and not board.payments:
            return (
                f"Nothing was measured yet; {counted(rejected, 'file was', 'files were')} rejected."
            )
        if board.payments:
            return "Nothing was measured on this version of the benchmark yet."
        return "Nobody has contributed yet."
    which = "all" if earlier == in_all else f"{earlier:,}"
    before = (
        f"{in_all:,} accepted so far, {which} of them on earlier versions. On this version "
        if earlier
        else ""
    )
    accepted = [paid for paid in board.settled if paid.accepted]
    measured = counted(len(board.settled), "measured contribution", "measured contributions")
    if not accepted:
        verb = "was" if len(board.settled) == 1 else "were"
        return f"{before}0 of {measured} {verb} accepted so far."
    total = _unit(spec, board).amount(sum(paid.bps for paid in accepted) * _PPM_PER_BPS)
    # A gain alone, as the table has it, is not yet accepted: so it is not told as "better".
    return (
        f"{before}{len(accepted):,} of {measured} "
        + ("was accepted and adds" if len(accepted) == 1 else "were accepted and together add")
        + f" {total} of {metric}."
    )


def _unit(spec: BenchmarkSpec, board: Leaderboard) -> Unit:
    return unit_of(board.metric or spec.metrics.primary, board.direction)


def _tiles(board: Leaderboard, unit: Unit) -> list[tuple[str, str, str]]:
    paid = board.payments[-1].paid_bps if board.payments else 0
    over_all = ", over all versions" if len(board.settled) < len(board.payments) else ""
    earlier = len(board.accepted_earlier)
    of_which = f"; {earlier:,} on earlier versions" if earlier else ""
    sent = counted(len(board.rows), "contribution", "contributions")
    return [
        ("Accepted", f"{len(board.accepted):,}", f"of {sent}{of_which}"),
        (
            "Payable in all",
            f"{paid:,}",
            f"basis points (100 are {unit.of_a_hundred_bps}){over_all}",
        ),
        ("Rejected", f"{board.counts['rejected']:,}", "for breaking a rule"),
    ]
