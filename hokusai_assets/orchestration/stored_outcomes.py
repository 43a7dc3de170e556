"""The index of outcomes of a home: kept as runs store their results, mended where it is wrong."""

import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hokusai_assets.attestation.envelope import NoEnvelope, open_envelope
from hokusai_assets.attestation.transparency_log import LogError, TransparencyLog, entry_of
from hokusai_assets.contributions.identity import is_partition_key
from hokusai_assets.contributions.intake_report import IntakeReport
from hokusai_assets.evaluation.leaderboard import Leaderboard, build_leaderboard, disagreements
from hokusai_assets.evaluation.ledger import Ledger
from hokusai_assets.evaluation.ledger_entries import Settled
from hokusai_assets.evaluation.outcomes import (
    Attested,
    DamagedOutcomes,
    Outcome,
    OutcomeIndex,
    attested,
    in_force,
    taken_in,
)
from hokusai_assets.orchestration.object_store import MissingObject, read_checked_file
from hokusai_assets.orchestration.stored_forms import (
    ENVELOPE,
    INTAKE_REPORT,
    VALUES,
)
from hokusai_assets.orchestration.stored_places import location_of, remedy
from hokusai_assets.settings import ATTESTATION_ENDING, HASH_IN_NAME, Settings

# Recording one reads the whole index; for more, making it anew is quicker.
_MENDED_ONE_BY_ONE = 50


@dataclass(frozen=True)
class CheckedOutcomes:
    """The index after it was held against what is stored.

    Attributes:
        outcomes: all lines, in order.
        settled: the ledger's settlements, in order.
        mended: by contribution, what was found wrong and put right; "" stands for the whole file.
        unexplained: by contribution, what is wrong still.
    """

    outcomes: list[Outcome]
    settled: list[Settled]
    mended: dict[str, str]
    unexplained: dict[str, str]


def record_stored(settings: Settings, benchmark_id: str, asset: str, key: str) -> None:
    """Enter what an asset of a contribution now holds in the index; of other assets, nothing."""
    if asset in _READERS:
        for outcome in _READERS[asset](settings, benchmark_id, key):
            OutcomeIndex(settings.outcomes(benchmark_id)).record(outcome)


def checked_outcomes(settings: Settings, benchmark_id: str) -> CheckedOutcomes:
    """Read the index, hold it against the ledger and the stored names, and mend it.

    No partition is read but those that the index lacks or tells otherwise than the ledger.

    Raises:
        LedgerError: the ledger is damaged.
    """
    index = OutcomeIndex(settings.outcomes(benchmark_id))
    settled = Ledger(settings.ledger(benchmark_id)).settled()
    mended: dict[str, str] = {}
    try:
        outcomes = index.read()
        if not index.exists:
            mended[""] = "the index was missing"
    except DamagedOutcomes as error:
        outcomes, mended[""] = [], str(error)
    if mended:
        index.replace(rebuilt_outcomes(settings, benchmark_id))
        outcomes = index.read()
        if not outcomes:
            # A home without any contribution yet: nothing was lost.
            mended.clear()
    doubtful = _doubtful(settings, benchmark_id, outcomes, settled)
    if len(doubtful) > _MENDED_ONE_BY_ONE:
        index.replace(rebuilt_outcomes(settings, benchmark_id))
    else:
        for key in doubtful:
            for outcome in _stored_of(settings, benchmark_id, key):
                index.record(outcome)
    if doubtful:
        outcomes = index.read()
    left = _doubtful(settings, benchmark_id, outcomes, settled) if doubtful else {}
    mended |= {key: why for key, why in doubtful.items() if key not in left}
    return CheckedOutcomes(outcomes, settled, mended, left)


def rebuilt_outcomes(settings: Settings, benchmark_id: str) -> list[Outcome]:
    """Derive every outcome from the stored intake reports and attestations, reading them all.

    Those that can't be read are left out; `checked_outcomes` names them.
    """
    outcomes: list[Outcome] = []
    for key in _stored_keys(settings, benchmark_id, "contributed_data"):
        outcomes += _intake(settings, benchmark_id, key)
    order = _places_in_log(settings)
    issued = [
        one
        for path in issued_files(settings, benchmark_id)
        for one in _attested_in(path.read_bytes())
    ]
    issued.sort(key=lambda one: (order.get(one.attestation_hash, len(order)), one.attestation_hash))
    outcomes += issued
    last = {(one.version, one.contribution): one for one in issued}
    for key in _stored_keys(settings, benchmark_id, "attestation"):
        for one in _attestation(settings, benchmark_id, key):
            # Of two attestations on one version the one in force is told: it stands last.
            if last.get((one.version, one.contribution)) != one:
                outcomes.append(one)
    return outcomes


def stale_lines(settings: Settings, benchmark_id: str) -> list[str]:
    """Return the contributions of which the index tells otherwise than what is stored.

    Reads every partition: for now and then, not for every refresh.

    Raises:
        DamagedOutcomes: the index can't be read.
    """
    told = _held(OutcomeIndex(settings.outcomes(benchmark_id)).read())
    wanted = _held(rebuilt_outcomes(settings, benchmark_id))
    differing = {place for place in told | wanted if told.get(place) != wanted.get(place)}
    return sorted({contribution for _, contribution in differing})


def read_leaderboard(settings: Settings, benchmark_id: str, version: str) -> Leaderboard:
    """Return the leaderboard of a version of a benchmark; mends the index on the way.

    Args:
        settings: the home's.
        benchmark_id: whose.
        version: its content digest.

    Raises:
        LedgerError: the ledger is damaged.
    """
    return leaderboard_of(settings, benchmark_id, version, checked_outcomes(settings, benchmark_id))


def leaderboard_of(
    settings: Settings, benchmark_id: str, version: str, checked: CheckedOutcomes
) -> Leaderboard:
    """Return the leaderboard of what was read and checked before."""
    values = _stored_values(settings, benchmark_id)
    if values.get("version") != version:
        # Of another test set or base set: its worth says nothing of this one.
        values = {}
    return build_leaderboard(
        benchmark_id,
        version,
        checked.outcomes,
        checked.settled,
        credit_ppm={
            entry["contribution"]: entry["value_ppm"] for entry in values.get("contributions", ())
        },
        credit_method=values.get("method"),
        credit_measure=values.get("measure"),
    )


def _doubtful(
    settings: Settings, benchmark_id: str, outcomes: list[Outcome], settled: list[Settled]
) -> dict[str, str]:
    """Return, by contribution, in what the index is not what is stored, by names alone."""
    intakes, _ = in_force(outcomes)
    wrong = disagreements(outcomes, settled)
    stored = set(_stored_keys(settings, benchmark_id, "contributed_data"))
    wrong |= {key: "it is stored, but not in the index" for key in stored - intakes.keys()}
    wrong |= {key: "it is in the index, but not stored" for key in intakes.keys() - stored}
    told = {
        f"{one.contribution}.{one.attestation_hash[:HASH_IN_NAME]}"
        for one in outcomes
        if isinstance(one, Attested)
    }
    for path in issued_files(settings, benchmark_id):
        name = path.name.removesuffix(ATTESTATION_ENDING)
        if name not in told:
            wrong[name.rpartition(".")[0]] = "an attestation of it is not in the index"
    return wrong


def _held(outcomes: list[Outcome]) -> dict[tuple[str, str], Outcome]:
    """Return what holds of lines in order, by version ("" for an intake) and contribution."""
    return {
        (one.version if isinstance(one, Attested) else "", one.contribution): one
        for one in outcomes
    }


def _stored_of(settings: Settings, benchmark_id: str, key: str) -> Iterator[Outcome]:
    yield from _intake(settings, benchmark_id, key)
    for path in issued_files(settings, benchmark_id, f"{key}."):
        yield from _attested_in(path.read_bytes())
    yield from _attestation(settings, benchmark_id, key)


def _stored_keys(settings: Settings, benchmark_id: str, asset: str) -> list[str]:
    folder = location_of(settings.storage, benchmark_id, asset, None)
    try:
        return sorted(name for name in os.listdir(folder) if is_partition_key(name))
    except FileNotFoundError:
        return []


def issued_files(settings: Settings, benchmark_id: str, start: str = "") -> list[Path]:
    """Return the files of issued attestations, ascending by name."""
    folder = settings.attestations / benchmark_id
    try:
        names = os.listdir(folder)
    except FileNotFoundError:
        return []
    return [
        folder / name
        for name in sorted(names)
        if name.startswith(start) and name.endswith(ATTESTATION_ENDING)
    ]


def _places_in_log(settings: Settings) -> dict[str, int]:
    """Return the place of each attestation hash in the log; of a log that can't be read, none."""
    try:
        lines = TransparencyLog(settings.log).lines()
        return {entry_of(line)["attestation_hash"]: place for place, line in enumerate(lines)}
    except (LogError, OSError):
        return {}


def _intake(settings: Settings, benchmark_id: str, key: str) -> list[Outcome]:
    try:
        data = _file(settings, benchmark_id, "contributed_data", key, INTAKE_REPORT)
        return [taken_in(IntakeReport.from_dict(json.loads(data)))]
    except _UNREADABLE:
        return []


def _attestation(settings: Settings, benchmark_id: str, key: str) -> list[Attested]:
    try:
        return _attested_in(_file(settings, benchmark_id, "attestation", key, ENVELOPE))
    except _UNREADABLE:
        return []


def _attested_in(envelope: bytes) -> list[Attested]:
    try:
        return [attested(open_envelope(envelope)[1]["predicate"])]
    except (NoEnvelope, *_UNREADABLE):
        # Of an earlier form, or damaged: `hokusai verify` says what is wrong with it.
        return []


def _stored_values(settings: Settings, benchmark_id: str) -> dict[str, Any]:
    """Return what contributions are worth, as it was found last; empty where it never was."""
    location = location_of(settings.storage, benchmark_id, "contribution_values", None)
    try:
        data = read_checked_file(location, VALUES, what="contribution_values", remedy="")
        found: dict[str, Any] = json.loads(data)
        return found
    except _UNREADABLE:
        return {}


def _file(settings: Settings, benchmark_id: str, asset: str, key: str, name: str) -> bytes:
    return read_checked_file(
        location_of(settings.storage, benchmark_id, asset, key),
        name,
        what=f"{benchmark_id}/{asset}/{key}",
        remedy=remedy(benchmark_id, asset, key),
    )


# Nothing stored, damaged, or in a form of an earlier version.
_UNREADABLE = (MissingObject, LookupError, ValueError, TypeError, AttributeError, OSError)
_READERS: dict[str, Callable[[Settings, str, str], Sequence[Outcome]]] = {
    "contributed_data": _intake,
    "attestation": _attestation,
}
