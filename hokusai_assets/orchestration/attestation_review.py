"""The asset that verifies every issued attestation of a benchmark again."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import dagster as dg

from hokusai_assets.attestation.key_files import dry_run_signer
from hokusai_assets.attestation.key_records import read_records
from hokusai_assets.attestation.transparency_log import log_line
from hokusai_assets.attestation.trust_policy import policy_of
from hokusai_assets.attestation.verification import verify
from hokusai_assets.benchmarks.spec import BenchmarkSpec
from hokusai_assets.evaluation.outcomes import DamagedOutcomes
from hokusai_assets.orchestration.asset_wiring import benchmark_wiring
from hokusai_assets.orchestration.descriptions import description_of
from hokusai_assets.orchestration.faults import explained
from hokusai_assets.orchestration.leaderboard_tables import some_of
from hokusai_assets.orchestration.partitions import REVIEW_ASSET
from hokusai_assets.orchestration.platform import Platform
from hokusai_assets.orchestration.stored_outcomes import issued_files, stale_lines
from hokusai_assets.unforeseen import without_message

ALL_VERIFY = "attestations_verify"
INDEX_TRUE = "index_tells_what_is_stored"


@dataclass(frozen=True)
class Review:
    """What came of verifying stored attestations again.

    Attributes:
        verified: how many hold.
        failed: by file name, what does not hold.
    """

    verified: int
    failed: dict[str, str]


def review_attestations(platform: Platform, benchmark_id: str, at: date) -> Review:
    """Verify each issued attestation of a benchmark: signature, form, sums, place in the log.

    One that fails, or can't even be read, does not stop the others.

    Args:
        platform: whose attestations; its own keys are trusted, as long as they count.
        benchmark_id: which benchmark's.
        at: the day on which the keys must count.

    Raises:
        DamagedRecords: the home's records of its keys can't be read.
    """
    trust: dict[str, Any] = {"public_key": dry_run_signer().public_key, "allow_dry_run": True}
    logged: set[bytes] | None = None
    if not platform.dry_run:
        records = read_records(platform.places.keys)
        policy = policy_of(records, "this home", retired_expire=False)
        trust = {"trust": (policy, at)}
        logged = set(platform.transparency_log().lines())
    files = issued_files(platform.places, benchmark_id)
    failed: dict[str, str] = {}
    for path in files:
        if wrong := _wrong_with(path, trust, logged):
            failed[path.name] = wrong
    return Review(len(files) - len(failed), failed)


def _wrong_with(path: Path, trust: dict[str, Any], logged: set[bytes] | None) -> str:
    """Return what of an attestation does not hold; empty where all does."""
    try:
        found = verify(path.read_bytes(), **trust)
        if not found.passed:
            return "; ".join(found.faults) or "its signature was not checked"
        if logged is not None and found.statement and log_line(found.statement) not in logged:
            return "log: it does not stand in the log of attestations"
        return ""
    except OSError as error:
        return f"file: can't be read: {error.strerror}"
    except Exception as error:  # a damaged file may break anything; the others are looked at still
        return f"file: {without_message(error)}"


def attestation_review_asset(spec: BenchmarkSpec) -> dg.AssetsDefinition:
    """Return the unpartitioned asset that reviews a benchmark's attestations."""
    benchmark_id = spec.id
    key = [benchmark_id, REVIEW_ASSET]

    @dg.asset(
        **benchmark_wiring(spec, REVIEW_ASSET),
        deps=[
            dg.AssetDep([benchmark_id, "attestation"], partition_mapping=dg.AllPartitionMapping())
        ],
        kinds={"json"},
        description=description_of(REVIEW_ASSET),
        check_specs=[
            dg.AssetCheckSpec(
                ALL_VERIFY, asset=key, description="Every issued attestation still verifies."
            ),
            dg.AssetCheckSpec(
                INDEX_TRUE,
                asset=key,
                description="The index of outcomes tells what every partition holds. Only warns.",
            ),
        ],
    )
    def attestation_review(
        context: dg.AssetExecutionContext, platform: Platform
    ):  # no annotation: with one, Dagster takes the value for "Nothing"
        with explained():
            review = review_attestations(platform, benchmark_id, datetime.now(UTC).date())
            try:
                stale = stale_lines(platform.places, benchmark_id)
            except DamagedOutcomes:
                stale = ["the whole index: it is damaged, and made anew by the next leaderboard"]
        told = [f"{name}: {why}" for name, why in sorted(review.failed.items())]
        return dg.MaterializeResult(
            value={"verified": review.verified, "failed": review.failed},
            metadata={
                "verified": review.verified,
                "failed_count": len(review.failed),
                "failed": dg.MetadataValue.md(some_of(told) or "none"),
            },
            check_results=[
                dg.AssetCheckResult(
                    passed=not review.failed,
                    check_name=ALL_VERIFY,
                    severity=dg.AssetCheckSeverity.ERROR,
                    description=some_of(told) or None,
                    metadata={"verified": review.verified, "failed": len(review.failed)},
                ),
                dg.AssetCheckResult(
                    passed=not stale,
                    check_name=INDEX_TRUE,
                    severity=dg.AssetCheckSeverity.WARN,
                    description=some_of(stale) or None,
                ),
            ],
        )

    return attestation_review
