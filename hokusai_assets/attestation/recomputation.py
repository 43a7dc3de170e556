"""Computing again all that was measured, intervals included, from the spec and per-row files."""

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from hokusai_assets.attestation.measurement_checks import measurements_of
from hokusai_assets.attestation.prediction_commitment import row_digests_of
from hokusai_assets.attestation.relations import differing_leaves, require
from hokusai_assets.attestation.statement import shown_measurements
from hokusai_assets.benchmarks.loading import Benchmark
from hokusai_assets.benchmarks.test_split import TestPart
from hokusai_assets.evaluation.measurement import measured_on
from hokusai_assets.evaluation.predictions import label_codes


def check_recomputed(
    claim: Mapping[str, Any], benchmark: Benchmark, tables: Sequence[pa.Table]
) -> None:
    """Check that measurements are those that the spec gives of what the models said.

    Args:
        claim: the attestation's.
        benchmark: as it was measured on.
        tables: the per-row files (`predictions_table`), one at least for each measurement.

    Raises:
        Broken: a label is not the test row's, or a number is another one.
    """
    shown = shown_measurements(claim)
    parts = {"result": benchmark.split.shown, "settlement": benchmark.split.deciding}
    level = claim["settlement"]["budget"]["confidence_ppm"]
    for table in tables:
        file, fits = measurements_of(table, list(shown.values()), claim)
        for name, stated in shown.items():
            if not any(stated is one for one in fits):
                continue
            _check_labels(table, benchmark, parts[name])
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


def _check_labels(table: pa.Table, benchmark: Benchmark, part: TestPart) -> None:
    spec, test = benchmark.spec, benchmark.test
    rows, digests = test.table.select([spec.target]), test.digests
    if part.positions is not None:
        rows = rows.take(pa.array(part.positions))
        digests = [digests[position] for position in part.positions.tolist()]
    require(row_digests_of(table) == digests, "the file's rows are in another order")
    said = label_codes(table.column("label"), spec.labels)
    true = label_codes(rows.column(spec.target), spec.labels)
    require(bool((said == true).all()), "a label in the per-row file is not that of the test row")
