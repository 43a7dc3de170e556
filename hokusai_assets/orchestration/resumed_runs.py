"""What a run that began at a later step logs of the earlier ones, which another run logged.

A run that died is started again from the step that failed. The run that attests is the one that
holds for the contribution, so all that the attestation stands on must be found in it.
"""

from contextlib import suppress

from hokusai_assets.benchmarks.loading import Benchmark
from hokusai_assets.contributions.intake import ContributedData
from hokusai_assets.orchestration.contribution_plots import Pictures, pictures_of
from hokusai_assets.orchestration.object_store import MissingObject
from hokusai_assets.orchestration.platform import Platform
from hokusai_assets.orchestration.step_records import (
    record_baseline_model,
    record_benchmark,
    record_deltas,
    record_intake,
    record_new_model,
    record_settlement,
)
from hokusai_assets.orchestration.stored_forms import (
    MeasuredDelta,
    SettledContribution,
    StoredModel,
)
from hokusai_assets.orchestration.tracking import Tracking


def record_earlier_steps(
    tracking: Tracking,
    platform: Platform,
    benchmark: Benchmark,
    contributed: ContributedData,
    models: tuple[StoredModel, StoredModel],
    measured: MeasuredDelta,
    settled: SettledContribution,
) -> None:
    """Log of each earlier step what this run lacks; of a run from the first step on, nothing.

    Args:
        tracking: the run's.
        platform: where the steps' values are stored.
        benchmark: what was measured by.
        contributed: what intake found and kept.
        models: the baseline and the new model.
        measured: what the contribution alone changes.
        settled: the settlement.
    """
    logged = tracking.logged_names()
    if logged is None:
        return
    baseline, new = models
    key = contributed.report.contribution
    if "benchmark_digest" not in logged:
        record_benchmark(tracking, platform, benchmark)
    if "baseline_source" not in logged:
        record_baseline_model(tracking, benchmark, baseline)
    if "contribution_sha256" not in logged:
        record_intake(tracking, platform, benchmark, contributed)
    if "new_train_rows" not in logged:
        record_new_model(tracking, benchmark, new, key)
    if f"delta/{benchmark.spec.metrics.primary}" not in logged:
        pictures = _pictures(platform, benchmark, measured, key)
        record_deltas(tracking, benchmark, measured, pictures)
    if "payable_bps" not in logged:
        # The alias of the last accepted one was moved by the run that settled it.
        record_settlement(tracking, benchmark, settled, key, is_last_accepted=False)


def _pictures(
    platform: Platform, benchmark: Benchmark, measured: MeasuredDelta, key: str
) -> Pictures:
    """Return the pictures of a comparison; none where an evaluation is no longer stored."""
    with suppress(MissingObject):
        baseline = platform.stored(benchmark.spec.id, "baseline_evaluation", None)
        new = platform.stored(benchmark.spec.id, "new_evaluation", key)
        return pictures_of(benchmark, measured.document, baseline, new)
    return {}
