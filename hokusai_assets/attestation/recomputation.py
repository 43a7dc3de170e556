"""Computing again all that was measured, intervals included, from the spec and per-row files."""

from collections.abc import Mapping, Sequence
from typing import Any

from hokusai_assets.attestation.measurement_checks import PerRow
from hokusai_assets.attestation.prediction_commitment import PerRowFile
from hokusai_assets.attestation.relations import Broken, differing_leaves, require
from hokusai_assets.attestation.statement import shown_measurements
from hokusai_assets.benchmarks.loading import Benchmark
from hokusai_assets.benchmarks.test_split import TestPart
from hokusai_assets.evaluation.measurement import measured_on
from hokusai_assets.evaluation.predictions import label_codes
from hokusai_assets.evaluation.rounding import floor_ppm_to_bps


def check_recomputed(
    claim: Mapping[str, Any], benchmark: Benchmark, files: Sequence[PerRow]
) -> str:
    """Check that measurements are those that the spec gives of what the models said.

    Returns the sentence that says so.

    Args:
        claim: the attestation's.
        benchmark: as it was measured on.
        files: from `measurements_of`, one at least for each measurement.

    Raises:
        Broken: a label is not the test row's, or a number is another one.
    """
    shown = shown_measurements(claim)
    parts = {"result": benchmark.split.shown, "settlement": benchmark.split.deciding}
    level = claim["settlement"]["budget"]["confidence_ppm"]
    for file, fits in files:
        for name, stated in shown.items():
            if not any(stated is one for one in fits):
                continue
            _check_labels(file, benchmark, parts[name])
            again = measured_on(
                file.replicas["baseline"],
                file.replicas["new"],
                benchmark,
                parts[name],
                primary_confidence_ppm=level if name == "settlement" else None,
            ).to_dict()
            wrong = list(differing_leaves({key: stated[key] for key in again}, again, name))
            more = f" and {len(wrong) - 4:,} more" if len(wrong) > 4 else ""
            require(
                not wrong,
                f"{', '.join(wrong[:4])}{more}: not what the spec gives of the predictions",
            )
    told = "every number, intervals included, is what the spec gives of the predictions"
    if not _check_certain_total(claim, benchmark, files):
        told += (
            "; but certain_total_bps is taken as stated: it stands on what the baseline says of "
            "the private part, which no file tells"
        )
    return told


def _check_certain_total(
    claim: Mapping[str, Any], benchmark: Benchmark, files: Sequence[PerRow]
) -> bool:
    """Check what is certain of all accepted and this together; say whether it could be."""
    settled = claim["settlement"]
    if settled["certain_total_bps"] is None or not settled["accepted_before"]:
        # Not told, or the gain's own, which the verdict is held to.
        return True
    alone, together = claim["result"]["measurement"], settled["measurement"]
    if alone["test_root"] != together["test_root"]:
        return False
    primary = settled["rule"]["primary"]
    found = measured_on(
        _file_of(files, alone).replicas["baseline"],
        _file_of(files, together).replicas["new"],
        benchmark,
        benchmark.split.deciding,
        primary_confidence_ppm=settled["budget"]["confidence_ppm"],
    )
    require(
        settled["certain_total_bps"] == floor_ppm_to_bps(found.deltas[primary].gain_low_ppm),
        "settlement.certain_total_bps: not what the spec gives of what the baseline and the "
        "candidate predicted",
    )
    return True


def _file_of(files: Sequence[PerRow], measured: Mapping[str, Any]) -> PerRowFile:
    for file, fits in files:
        if any(measured is one for one in fits):
            return file
    raise Broken("a file for each measurement is needed")


def _check_labels(file: PerRowFile, benchmark: Benchmark, part: TestPart) -> None:
    spec, digests = benchmark.spec, benchmark.test.digests
    if part.positions is not None:
        digests = [digests[position] for position in part.positions.tolist()]
    require(file.row_digests == digests, "the file's rows are in another order")
    true = label_codes(benchmark.test_rows_of(part).column(spec.target), spec.labels)
    said = file.replicas["baseline"][0].actual
    require(bool((said == true).all()), "a label in the per-row file is not that of the test row")
