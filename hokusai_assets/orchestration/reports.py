"""Reports of what is stored in this home: of a contribution, of a benchmark."""

import pyarrow as pa
import pyarrow.parquet as pq

from hokusai_assets.attestation.envelope import open_envelope
from hokusai_assets.benchmarks.loading import load_spec
from hokusai_assets.orchestration.platform import Platform
from hokusai_assets.orchestration.running import ContributionRecord, read_record
from hokusai_assets.orchestration.stored_outcomes import read_leaderboard
from hokusai_assets.report.benchmark_page import benchmark_page
from hokusai_assets.report.contribution_page import Issued, contribution_page
from hokusai_assets.settings import Settings


def contribution_report(settings: Settings, benchmark_id: str, key: str) -> str:
    """Return the page of a contribution as its last run left it.

    Raises:
        SpecError: the benchmark's spec can't be read.
        MissingObject: the contribution was never run to its end, or its files are damaged.
    """
    spec = load_spec(settings.benchmarks / benchmark_id)
    record = read_record(settings, benchmark_id, key)
    issued = None
    if record.envelope is not None:
        issued = Issued(record.envelope, _shown_predictions(record, record.envelope))
    return contribution_page(spec, record.report, issued, dry_run=settings.dry_run)


def benchmark_report(settings: Settings, benchmark_id: str) -> str:
    """Return the page of a benchmark, on its version in force.

    Raises:
        SpecError: the spec or the data can't be read.
        LedgerError: the ledger is damaged.
    """
    benchmark, _ = Platform.of(settings).current_benchmark(benchmark_id)
    board = read_leaderboard(settings, benchmark_id, benchmark.content_digest)
    return benchmark_page(benchmark.spec, board)


def _shown_predictions(record: ContributionRecord, envelope: bytes) -> pa.Table | None:
    """Return the predictions behind the attested figures; None where other ones are stored now."""
    settled, measured = record.settled, record.measured
    assert settled is not None and measured is not None
    claim = open_envelope(envelope)[1]["predicate"]["claim"]
    attested = claim["settlement"]["measurement"] or claim["result"]["measurement"]
    stored = settled["measurement"] if settled["released"] else measured
    if stored["predictions"] != attested["predictions"]:
        return None
    return pq.read_table(record.predictions[-1], memory_map=False)
