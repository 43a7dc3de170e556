"""Running a check for the command line, and the document it prints."""

import secrets
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hokusai_assets.benchmarks.row_sets import StoredRows
from hokusai_assets.cli.common_options import PLATFORM_FAULT, REJECTED
from hokusai_assets.cli.output import left_out_in_words
from hokusai_assets.cli.progress import RowCount, steps_shown
from hokusai_assets.contributions.identity import shown_name
from hokusai_assets.contributions.intake_report import IntakeReport
from hokusai_assets.evaluation.contribution_check import ContributionCheck
from hokusai_assets.evaluation.preview import Preview
from hokusai_assets.privacy.keys import MIN_SECRET_BYTES, PrivacyKey
from hokusai_assets.settings import Settings
from hokusai_assets.unforeseen import without_message


def run_check(
    settings: Settings,
    folder: Path,
    file: Path,
    *,
    fixed_file: Path | None,
    estimate: bool,
    quiet: bool,
) -> dict[str, Any]:
    """Check a file against a benchmark; return the document to print."""
    from hokusai_assets.benchmarks.loading import load_benchmark
    from hokusai_assets.benchmarks.spec import SpecError
    from hokusai_assets.contributions.identity import unfollowed, unregistered
    from hokusai_assets.contributions.key_segments import RowIndexError
    from hokusai_assets.contributions.row_index import RowIndex
    from hokusai_assets.contributions.row_progress import watching_rows
    from hokusai_assets.evaluation.contribution_check import check_contribution
    from hokusai_assets.evaluation.ledger import Ledger
    from hokusai_assets.evaluation.ledger_state import LedgerError
    from hokusai_assets.privacy.custom import RecogniserError
    from hokusai_assets.privacy.keys import PrivacyKeyError
    from hokusai_assets.tables.problems import UnreadableFile
    from hokusai_assets.tables.writing import UnwritableFile

    count = RowCount()
    document = empty_document(folder.name, shown_name(file.name))
    try:
        index_folder, ledger = settings.row_index(folder.name), settings.ledger(folder.name)
        key, own_key = _key(settings)
        with (
            orderly_termination(),
            steps_shown(quiet=quiet) as shown,
            watching_rows(lambda done, total: shown.now(f"reading: {count.words(done, total)}")),
            tempfile.TemporaryDirectory(prefix="hokusai-check-") as scratch,
        ):
            shown.step("loading the benchmark")
            benchmark = load_benchmark(folder, key)
            found = check_contribution(
                unregistered(unfollowed(file), limits=benchmark.spec.intake.limits.read_limits()),
                benchmark,
                key,
                folder=folder,
                scratch=Path(scratch),
                index=RowIndex(index_folder) if index_folder.exists() else None,
                ledger=Ledger(ledger) if ledger.exists() else None,
                estimate=estimate,
                on_step=shown.step,
            )
            document = check_document(document, found)
            if fixed_file is not None:
                rows = _write_fixed(fixed_file, found.rows)
                document["fixed"] = {"file": str(fixed_file), "rows": rows, "own_key": own_key}
    except UnreadableFile as error:
        return document | {"reasons": [error.problem.to_dict()]}
    except (
        SpecError,
        PrivacyKeyError,
        RecogniserError,
        RowIndexError,
        LedgerError,
        UnwritableFile,
    ) as error:
        return document | {"faults": [str(error)]}
    except OSError as error:
        return document | {"faults": [_system_fault(error, document["file"])]}
    except Exception as error:
        return document | {"faults": [without_message(error)]}
    return document


def exit_code(document: dict[str, Any]) -> int:
    """Return the exit code that a check's document stands for."""
    if document["faults"]:
        return PLATFORM_FAULT
    return 0 if document["would_be_accepted"] else REJECTED


@contextmanager
def orderly_termination() -> Iterator[None]:
    """Let SIGTERM end the process through its `finally`s, which remove what it left half-made."""

    def leave(number: int, _: object) -> None:
        # A second one would cut the cleaning up short.
        signal.signal(number, signal.SIG_IGN)
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _write_fixed(fixed_file: Path, rows: StoredRows) -> int:
    from hokusai_assets.tables.writing import UnwritableFile, write_rows

    try:
        return write_rows(fixed_file, rows.schema, rows.batches())
    except OSError as error:
        raise UnwritableFile(f"--fix: {fixed_file} can't be written: {_words(error)}") from None


def _system_fault(error: OSError, file_name: str) -> str:
    # Of a full disk the system names no file.
    place = error.filename if isinstance(error.filename, str) else None
    if place is None:
        return f"{file_name}, or the temporary folder of its check: {_words(error)}"
    return f"{shown_name(place)}: {_words(error)}"


def _words(error: OSError) -> str:
    return error.strerror or "it can't be read or written"


def _key(settings: Settings) -> tuple[PrivacyKey, bool]:
    """Return this deployment's key if it has one, else one for this check alone."""
    import os

    from hokusai_assets.privacy.keys import (
        KEY_FILE_NAME,
        KEY_FILE_VARIABLE,
        KEY_VARIABLE,
        load_key,
    )

    given = any(os.environ.get(name) for name in (KEY_VARIABLE, KEY_FILE_VARIABLE))
    if given or (settings.keys / KEY_FILE_NAME).exists():
        return load_key(environment=os.environ, keys_folder=settings.keys, production=False), True
    return PrivacyKey.from_secret(secrets.token_bytes(MIN_SECRET_BYTES)), False


def empty_document(benchmark_id: str, file_name: str) -> dict[str, Any]:
    """Return every field that a check's document has, without findings."""
    report = IntakeReport("", "").to_dict()
    return {
        "benchmark": benchmark_id,
        "file": file_name,
        "would_be_accepted": False,
        **{name: report[name] for name in _FROM_REPORT},
        "read_as": {},
        "budget": None,
        "estimate": None,
        "fixed": None,
        "report": None,
        "notes": [],
        "faults": [],
    }


_FROM_REPORT = (
    "reasons",
    "warnings",
    "rows",
    "ignored_columns",
    "privacy",
    "leakage",
    "labels",
    "drift",
    "history",
    "manifest",
)


def check_document(empty: dict[str, Any], found: ContributionCheck) -> dict[str, Any]:
    """Return the document of a check that was made."""
    report, looks = found.report.to_dict(), found.looks
    return empty | {
        "would_be_accepted": found.report.accepted,
        **{name: report[name] for name in _FROM_REPORT},
        "read_as": report["file"],
        "budget": None
        if looks is None
        else {"submissions": looks.submissions, "spent": looks.spent, "left": looks.left},
        "estimate": None if found.preview is None else _estimate(found.preview),
        "notes": list(found.notes),
    }


def _estimate(preview: Preview) -> dict[str, Any]:
    return {
        "base_rows": preview.base_rows,
        "contributed_rows": preview.contributed_rows,
        "metrics": {
            name: {
                "baseline": delta.baseline_ppm / 1_000_000,
                "new": delta.new_ppm / 1_000_000,
                "delta": delta.delta_ppm / 1_000_000,
                "interval": [delta.low_ppm / 1_000_000, delta.high_ppm / 1_000_000],
                "confidence": delta.confidence_ppm / 1_000_000,
                "improved": delta.improved,
            }
            for name, delta in preview.deltas.items()
        },
    }


def summary(document: dict[str, Any]) -> list[str]:
    """Say in plain words what a check found, a sentence each."""
    rows = document["rows"]
    if document["faults"] or not rows["in"]:
        return []
    count = _counted(rows["in"], "row", "rows")
    if not document["privacy"]:
        sentences = [f"{count} read; they can be looked through once that is mended."]
    else:
        sentences = [f"{count} read, of which {rows['new']:,} count as new."]
        if left_out := left_out_in_words(rows):
            sentences.append(f"Left out: {left_out}.")
        sentences.append(_hashed(document["privacy"]))
    if ignored := document["ignored_columns"]:
        columns = _counted(ignored, "column", "columns")
        sentences.append(f"Ignored: {columns} unknown to the benchmark.")
    if [reason["rule"] for reason in document["reasons"]] == ["budget-spent"]:
        sentences.append("The file itself breaks no rule.")
    if (budget := document["budget"]) is not None and budget["left"]:
        sentences.append(
            f"The test set can decide about {budget['left']:,} more of "
            f"{_counted(budget['submissions'], 'contribution', 'contributions')}."
        )
    return sentences


def _counted(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}"


def _hashed(privacy: dict[str, Any]) -> str:
    cells = [
        f"{_counted(entry['cells'], 'cell', 'cells')} of {entry['column']!r} ({entry['entity']})"
        for entry in privacy.get("columns", ())
    ]
    if not cells:
        return "No personal data was found to hash."
    return f"Would be hashed: {', '.join(cells)}."
