"""What may be told of each contribution's outcome, kept one line each, to be read at once.

One file per benchmark, a line per outcome: the SHA-256 (hex) of its canonical JSON, a space, and
that JSON. Lines are only appended, under a lock; of two about the same thing the later one holds.
The file is a summary: each line follows from an intake report or an attestation, so a lost or
damaged file is made anew from those. An attestation shows no figure of a private part that did not
accept, so neither does a line.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

from pydantic import ConfigDict, Field, TypeAdapter
from pydantic.dataclasses import dataclass

from hokusai_assets.append_only import append_line, end_last_line, held, read_lines
from hokusai_assets.benchmarks.loading import benchmark_digest
from hokusai_assets.canonical.canonical_json import canonical_bytes
from hokusai_assets.contributions.intake_report import IntakeReport
from hokusai_assets.drafts import replace_file
from hokusai_assets.evaluation.metrics import Direction

Count = Annotated[int, Field(ge=0)]
_EXACT = ConfigDict(extra="forbid", strict=True)
_DIGEST_LENGTH = 64


class DamagedOutcomes(RuntimeError):
    """A line of the file is not as it was written; the file is to be made anew."""


@dataclass(frozen=True, config=_EXACT)
class PrimaryFigures:
    """How two models differ in the benchmark's primary metric. Values are ppm of the metric.

    Attributes:
        part: of the test set: ``whole``, ``public`` or ``private``.
        test_rows: rows of that part.
        baseline_ppm, new_ppm: both models' values.
        delta_ppm: new - baseline; low_ppm, high_ppm: its interval.
        confidence_ppm: of the interval.
    """

    part: str
    test_rows: Count
    baseline_ppm: int
    new_ppm: int
    delta_ppm: int
    low_ppm: int
    high_ppm: int
    confidence_ppm: Count


@dataclass(frozen=True, config=_EXACT)
class TakenIn:
    """What intake said of a contribution.

    Attributes:
        contribution: its key.
        raw_sha256: SHA-256 (hex) of the file as it came.
        rows_kept: rows that go into training.
        broken_rules: the rules it broke, each once; none of one that was accepted.
    """

    contribution: str
    raw_sha256: str
    rows_kept: Count
    broken_rules: tuple[str, ...]


@dataclass(frozen=True, config=_EXACT)
class Attested:
    """What an attestation shows of a contribution on one version of the benchmark.

    Attributes:
        contribution, rows_root: its key and its rows' Merkle root (hex).
        version: the benchmark's content digest.
        attestation_hash: 64 hex characters.
        position: which look at the test set it was, from 1.
        rows_kept: rows that went into training.
        contributors: their ids, as the sidecar names them.
        metric, direction: the primary metric, and whether ``higher`` or ``lower`` is better.
        alone: what the contribution alone changes of the baseline; on the part that may be shown.
        settled: what it changes of the model of all accepted before; None where it stays private.
        accepted: the DeltaOne verdict.
        bps: its gain over the accepted model in basis points; None where it stays private.
        payable_bps: what of it is payable.
        failed_conditions: names of the conditions it did not meet; none where they stay private.
    """

    contribution: str
    rows_root: str
    version: str
    attestation_hash: str
    position: Annotated[int, Field(ge=1)]
    rows_kept: Count
    contributors: tuple[str, ...]
    metric: str
    direction: Direction
    alone: PrimaryFigures
    settled: PrimaryFigures | None
    accepted: bool
    bps: int | None
    payable_bps: Count
    failed_conditions: tuple[str, ...]


Outcome = TakenIn | Attested
_KINDS: dict[str, type[Outcome]] = {"taken-in": TakenIn, "attested": Attested}
_NAMES: dict[type, str] = {kind: name for name, kind in _KINDS.items()}
_READERS: dict[str, TypeAdapter[Outcome]] = {
    name: TypeAdapter(kind) for name, kind in _KINDS.items()
}


def taken_in(report: IntakeReport) -> TakenIn:
    """Return the outcome of an intake."""
    rules = tuple(dict.fromkeys(problem.rule for problem in report.problems))
    return TakenIn(report.contribution, report.raw_digest, report.rows_kept, rules)


def attested(predicate: Mapping[str, Any]) -> Attested:
    """Return what an attestation's predicate shows.

    Args:
        predicate: of a statement that was verified or issued here.

    Raises:
        LookupError, ValueError, TypeError: it has another form.
    """
    claim = predicate["claim"]
    result, settlement = claim["result"], claim["settlement"]
    metric, verdict = settlement["rule"]["primary"], settlement["delta_one"]
    settled = settlement["measurement"]
    return Attested(
        contribution=claim["contribution"]["key"],
        rows_root=result["rows"]["root"],
        version=benchmark_digest(
            *(result["benchmark"][name] for name in ("spec_hash", "base_root", "test_root"))
        ),
        attestation_hash=predicate["attestation_hash"],
        position=settlement["budget"]["position"],
        rows_kept=result["rows"]["kept"],
        contributors=tuple(str(who["id"]) for who in claim["contributors"]),
        metric=metric,
        direction=result["measurement"]["metrics"][metric]["direction"],
        alone=_figures(result["measurement"], metric),
        settled=None if settled is None else _figures(settled, metric),
        accepted=verdict["accepted"],
        bps=verdict["bps"],
        payable_bps=verdict["payable_bps"],
        failed_conditions=tuple(
            condition["name"] for condition in verdict["conditions"] if not condition["passed"]
        ),
    )


def _figures(measurement: Mapping[str, Any], metric: str) -> PrimaryFigures:
    delta = measurement["metrics"][metric]
    names = ("baseline_ppm", "new_ppm", "delta_ppm", "low_ppm", "high_ppm", "confidence_ppm")
    return PrimaryFigures(
        part=measurement["part"],
        test_rows=measurement["test_rows"],
        **{name: delta[name] for name in names},
    )


class OutcomeIndex:
    """The outcomes of one benchmark's contributions, in a file."""

    def __init__(self, path: Path) -> None:
        """Name the file; it need not be there yet."""
        self._path = path

    @property
    def exists(self) -> bool:
        """Whether the file is there."""
        return self._path.is_file()

    def read(self) -> list[Outcome]:
        """Return all lines in order; of no file, none.

        Raises:
            DamagedOutcomes: a line is not as it was written.
        """
        found: list[Outcome] = []
        for number, line in enumerate(read_lines(self._path).whole, 1):
            outcome = _parsed(line)
            if outcome is None:
                raise DamagedOutcomes(f"{self._path}, line {number} is not as it was written")
            found.append(outcome)
        return found

    def record(self, outcome: Outcome) -> None:
        """Append an outcome; waits for whoever writes. One that is the last said adds no line."""
        line = _line(outcome)
        with held(self._path) as stream:
            end_last_line(stream)
            stream.seek(0)
            _, known, after = stream.read().rpartition(line + b"\n")
            # Whatever says something else of a contribution names it.
            if not known or _quoted(outcome.contribution) in after:
                append_line(stream, line)

    def replace(self, outcomes: Iterable[Outcome]) -> None:
        """Put other lines in the file's place, all or none of them; waits for whoever writes."""
        data = b"".join(_line(outcome) + b"\n" for outcome in outcomes)
        with held(self._path):
            replace_file(self._path, data)


def in_force(outcomes: Sequence[Outcome]) -> tuple[dict[str, TakenIn], dict[str, list[Attested]]]:
    """Return what holds of lines in order.

    Returns:
        By contribution, the last intake; and by version of the benchmark, what was attested on it,
        one of each contribution, in order of the looks at the test set.
    """
    intakes: dict[str, TakenIn] = {}
    by_version: dict[str, dict[str, Attested]] = {}
    for outcome in outcomes:
        if isinstance(outcome, TakenIn):
            intakes[outcome.contribution] = outcome
        else:
            by_version.setdefault(outcome.version, {})[outcome.contribution] = outcome
    return intakes, {
        version: sorted(found.values(), key=lambda one: (one.position, one.contribution))
        for version, found in by_version.items()
    }


def _line(outcome: Outcome) -> bytes:
    text = canonical_bytes({"kind": _NAMES[type(outcome)], **_plain(asdict(outcome))})
    return hashlib.sha256(text).hexdigest().encode() + b" " + text


def _plain(document: dict[str, Any]) -> dict[str, Any]:
    return {
        name: list(value) if isinstance(value, tuple) else value for name, value in document.items()
    }


def _quoted(key: str) -> bytes:
    return canonical_bytes(key)


def _parsed(line: bytes) -> Outcome | None:
    stated, text = line[:_DIGEST_LENGTH], line[_DIGEST_LENGTH + 1 :]
    if hashlib.sha256(text).hexdigest().encode() != stated:
        return None
    try:
        for name, reader in _READERS.items():
            # Canonical form puts members in order; the kind is cut out, not parsed twice.
            mark = b'"kind":' + canonical_bytes(name) + b","
            before, found, after = text.partition(mark)
            if found:
                return reader.validate_json(before + after)
    except ValueError:
        return None
    return None
