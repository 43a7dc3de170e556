"""Turning domain errors into Dagster failures that read as one sentence and hold no values."""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from hokusai_assets.attestation.envelope import SigningFailed
from hokusai_assets.attestation.issuing import PartsDisagree
from hokusai_assets.attestation.key_files import SigningKeyError
from hokusai_assets.attestation.key_records import DamagedRecords, KeyRecordError
from hokusai_assets.attestation.transparency_log import LogError
from hokusai_assets.attestation.witness import NoWitness
from hokusai_assets.benchmarks.spec import SpecError
from hokusai_assets.contributions.identity import UnknownContribution
from hokusai_assets.contributions.key_segments import RowIndexError
from hokusai_assets.evaluation.credit.methods import NoCredit
from hokusai_assets.evaluation.ledger_state import BudgetSpent, LedgerError
from hokusai_assets.evaluation.metrics import UndefinedMetric
from hokusai_assets.evaluation.promotion import PromotionMoved
from hokusai_assets.orchestration.object_store import MissingObject
from hokusai_assets.orchestration.tracking import TrackingUnavailable
from hokusai_assets.privacy.columns import PrivacyError
from hokusai_assets.privacy.custom import RecogniserError
from hokusai_assets.privacy.keys import PrivacyKeyError
from hokusai_assets.unforeseen import without_message

EXPLAINED = (
    NoCredit,
    PartsDisagree,
    DamagedRecords,
    KeyRecordError,
    SigningFailed,
    SigningKeyError,
    SpecError,
    UnknownContribution,
    UndefinedMetric,
    BudgetSpent,
    LedgerError,
    LogError,
    PromotionMoved,
    MissingObject,
    NoWitness,
    TrackingUnavailable,
    PrivacyError,
    PrivacyKeyError,
    RecogniserError,
    RowIndexError,
)


@contextmanager
def explained() -> Iterator[None]:
    """Let errors that explain themselves fail the step with their message alone."""
    try:
        yield
    except EXPLAINED as error:
        raise dg.Failure(description=str(error), allow_retries=False) from None


@contextmanager
def without_values() -> Iterator[None]:
    """Guard code that handles raw rows: an unforeseen error tells its place, not its message.

    A parser's or a cast's message may quote the cell it choked on.
    """
    try:
        with explained():
            yield
    except dg.Failure:
        raise
    except OSError as error:
        raise dg.Failure(description=f"file error {error.errno}: {error.strerror}") from None
    except Exception as error:
        raise dg.Failure(description=without_message(error), allow_retries=False) from None
