"""A benchmark's contributions in order of what they change, and what was paid over time."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from hokusai_assets.evaluation.ledger_entries import Settled
from hokusai_assets.evaluation.outcomes import Attested, Outcome, TakenIn, in_force

Status = Literal[
    "accepted", "not accepted", "accepted earlier", "unfinished", "rejected", "earlier version"
]
STATUSES: tuple[Status, ...] = (
    "accepted",
    "not accepted",
    "accepted earlier",
    "unfinished",
    "rejected",
    "earlier version",
)


@dataclass(frozen=True)
class LeaderboardRow:
    """A contribution's place.

    Attributes:
        contribution: its key.
        status: ``accepted`` or ``not accepted`` by the DeltaOne rule; ``accepted earlier`` where
            the ledger settled it as accepted on an earlier version of the benchmark and it is not
            attested on this one, whatever became of it when it was sent again; ``unfinished`` where
            its rows were taken in and no attestation follows yet; ``rejected`` where it broke a
            rule; ``earlier version`` where it was attested, but not accepted, on another version
            only.
        rank: from 1, of those attested on this version, by `gain_ppm`; equal gains share a rank.
        attested: what its attestation on this version shows.
        credit_ppm: what it is worth beside the others, in ppm of `Leaderboard.credit_measure`;
            None where it was not valued.
        rows_kept: rows that went into training, 0 of a rejected one; where it was accepted on an
            earlier version only, the rows that were.
        broken_rules: why it was rejected, the last time it was sent.
        payable_earlier_bps: what is payable for it on earlier versions; None where none accepted
            it.
    """

    contribution: str
    status: Status
    rank: int | None = None
    attested: Attested | None = None
    credit_ppm: int | None = None
    rows_kept: int = 0
    broken_rules: tuple[str, ...] = ()
    payable_earlier_bps: int | None = None

    @property
    def gain_ppm(self) -> int | None:
        """What it alone changes of the baseline for the better, in ppm of the primary metric."""
        return None if self.attested is None else gain_of(self.attested)


@dataclass(frozen=True)
class Payment:
    """One settlement in the order of the ledger, on whatever version of the benchmark.

    Attributes:
        number: from 1.
        contribution, version: of whom, on which version (its content digest).
        accepted: whether it joined the accepted model.
        bps, payable_bps: its gain over that model and what is payable; 0 if not accepted.
        paid_bps: what is payable of this one and all before.
    """

    number: int
    contribution: str
    version: str
    accepted: bool
    bps: int
    payable_bps: int
    paid_bps: int


@dataclass(frozen=True)
class Leaderboard:
    """The contributions to one version of a benchmark, best first.

    Attributes:
        benchmark_id, version: which, and its content digest.
        metric, direction: the primary metric, and which way is better; None while nothing was
            attested on this version.
        credit_method, credit_measure: how `LeaderboardRow.credit_ppm` was found, and of what it is
            a part; None where nothing was valued on this version.
        rows: by status in the order of `STATUSES`, but the attested ones first, by rank; then by
            key.
        payments: every settlement, in the order of the ledger.
    """

    benchmark_id: str
    version: str
    metric: str | None
    direction: Literal["higher", "lower"] | None
    credit_method: str | None
    credit_measure: str | None
    rows: tuple[LeaderboardRow, ...]
    payments: tuple[Payment, ...]

    @property
    def settled(self) -> tuple[Payment, ...]:
        """The settlements on this version, in the order of the ledger.

        Gains add up within a version only: the next one's base set may hold them.
        """
        return tuple(paid for paid in self.payments if paid.version == self.version)

    @property
    def accepted(self) -> frozenset[str]:
        """The contributions that were accepted, on whatever version."""
        return frozenset(paid.contribution for paid in self.payments if paid.accepted)

    @property
    def accepted_earlier(self) -> frozenset[str]:
        """The contributions that were accepted on an earlier version."""
        return frozenset(_payable_earlier(self.payments, self.version))

    @property
    def counts(self) -> dict[Status, int]:
        """How many contributions have which status; every status is there."""
        counts = dict.fromkeys(STATUSES, 0)
        for row in self.rows:
            counts[row.status] += 1
        return counts

    def to_dict(self) -> dict[str, Any]:
        """Return the attributes by name, each row with its gain: integers, strings, booleans."""
        document = asdict(self)
        for row, found in zip(document["rows"], self.rows, strict=True):
            row["gain_ppm"] = found.gain_ppm
        return document


def gain_of(attested: Attested) -> int:
    """Return what a contribution alone changes for the better, in ppm of the primary metric."""
    delta = attested.alone.delta_ppm
    return delta if attested.direction == "higher" else -delta


def gain_interval_of(attested: Attested) -> tuple[int, int]:
    """Return the lower and upper end of the interval of `gain_of`."""
    low, high = attested.alone.low_ppm, attested.alone.high_ppm
    return (low, high) if attested.direction == "higher" else (-high, -low)


def build_leaderboard(
    benchmark_id: str,
    version: str,
    outcomes: Sequence[Outcome],
    settled: Sequence[Settled],
    *,
    credit_ppm: Mapping[str, int] | None = None,
    credit_method: str | None = None,
    credit_measure: str | None = None,
) -> Leaderboard:
    """Rank a benchmark's contributions.

    Args:
        benchmark_id: whose.
        version: content digest of the version they are ranked on.
        outcomes: all lines of the index, in order.
        settled: all settlements of the ledger, in order.
        credit_ppm: worth by contribution, of those that were valued.
        credit_method: how.
        credit_measure: of what it is a part.
    """
    intakes, by_version = in_force(outcomes)
    attested = by_version.pop(version, [])
    elsewhere = {one.contribution for found in by_version.values() for one in found}
    payments = _payments(settled)
    earlier = _payable_earlier(payments, version)
    joined = {
        one.contribution: one.rows_kept
        for found in by_version.values()
        for one in found
        if one.accepted
    }
    credit = credit_ppm or {}
    ranked = _ranked(attested, credit, earlier)
    known = {row.contribution for row in ranked}
    others = [
        _accepted_earlier(key, intakes.get(key), joined.get(key), credit.get(key), earlier[key])
        if key in earlier
        else _unranked(key, intakes.get(key), key in elsewhere, credit.get(key))
        for key in sorted((intakes.keys() | elsewhere | earlier.keys()) - known)
    ]
    others.sort(key=lambda row: STATUSES.index(row.status))
    return Leaderboard(
        benchmark_id,
        version,
        attested[0].metric if attested else None,
        attested[0].direction if attested else None,
        credit_method,
        credit_measure,
        (*ranked, *others),
        payments,
    )


def disagreements(outcomes: Sequence[Outcome], settled: Sequence[Settled]) -> dict[str, str]:
    """Return, by contribution, in what an index is not what the ledger says.

    A contribution that was settled and is not attested yet is in the ledger alone: it is among
    them, as is one whose line was lost.
    """
    _, by_version = in_force(outcomes)
    attested = {
        (version, one.rows_root): one for version, found in by_version.items() for one in found
    }
    entries = {(entry.version, entry.rows_root): entry for entry in settled}
    wrong = {}
    for place, entry in entries.items():
        if (one := attested.get(place)) is None:
            wrong[entry.key] = "it was settled, but no attestation of it is in the index"
        elif not _says(one, entry):
            wrong[one.contribution] = "the index has another verdict than the ledger"
    for place, one in attested.items():
        if place not in entries:
            wrong[one.contribution] = "it is attested, but not in the ledger"
    return wrong


def _says(one: Attested, entry: Settled) -> bool:
    if (one.position, one.accepted, one.payable_bps) != (
        entry.position,
        entry.accepted,
        entry.payable_bps,
    ):
        return False
    # The ledger keeps no gain of what was not accepted.
    return not one.accepted or one.bps == entry.bps


def _ranked(
    attested: Sequence[Attested], credit: Mapping[str, int], earlier: Mapping[str, int]
) -> list[LeaderboardRow]:
    best_first = sorted(attested, key=lambda one: (-gain_of(one), one.contribution))
    rows: list[LeaderboardRow] = []
    for place, one in enumerate(best_first, 1):
        tied = rows and rows[-1].gain_ppm == gain_of(one)
        rows.append(
            LeaderboardRow(
                one.contribution,
                "accepted" if one.accepted else "not accepted",
                rank=rows[-1].rank if tied else place,
                attested=one,
                credit_ppm=credit.get(one.contribution),
                rows_kept=one.rows_kept,
                payable_earlier_bps=earlier.get(one.contribution),
            )
        )
    return rows


def _accepted_earlier(
    key: str, intake: TakenIn | None, joined: int | None, credit: int | None, payable_bps: int
) -> LeaderboardRow:
    if joined is None:
        # The index lost the line of its attestation; the ledger has no count of rows.
        joined = intake.rows_kept if intake else 0
    return LeaderboardRow(
        key,
        "accepted earlier",
        credit_ppm=credit,
        rows_kept=joined,
        broken_rules=intake.broken_rules if intake else (),
        payable_earlier_bps=payable_bps,
    )


def _unranked(
    key: str, intake: TakenIn | None, elsewhere: bool, credit: int | None
) -> LeaderboardRow:
    rules = intake.broken_rules if intake else ()
    status: Status = "rejected" if rules else "earlier version" if elsewhere else "unfinished"
    return LeaderboardRow(
        key,
        status,
        credit_ppm=credit,
        rows_kept=intake.rows_kept if intake else 0,
        broken_rules=rules,
    )


def _payable_earlier(payments: Sequence[Payment], version: str) -> dict[str, int]:
    """Return what is payable on other versions than one, by contribution accepted on any."""
    payable: dict[str, int] = {}
    for paid in payments:
        if paid.accepted and paid.version != version:
            payable[paid.contribution] = payable.get(paid.contribution, 0) + paid.payable_bps
    return payable


def _payments(settled: Sequence[Settled]) -> tuple[Payment, ...]:
    payments, paid = [], 0
    for number, entry in enumerate(settled, 1):
        paid += entry.payable_bps
        payments.append(
            Payment(
                number,
                entry.key,
                entry.version,
                entry.accepted,
                entry.bps,
                entry.payable_bps,
                paid,
            )
        )
    return tuple(payments)
