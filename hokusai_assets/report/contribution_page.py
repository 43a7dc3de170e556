"""The report of one contribution, as one HTML page."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from hokusai_assets import __version__
from hokusai_assets.attestation.envelope import open_envelope
from hokusai_assets.attestation.prediction_commitment import MODELS, replicas_of
from hokusai_assets.attestation.public_keys import SHORT_ID
from hokusai_assets.benchmarks.spec import BenchmarkSpec
from hokusai_assets.contributions.intake_report import IntakeReport
from hokusai_assets.evaluation.units import Unit, unit_of
from hokusai_assets.report.figures import confusion_figures, curve_figures, delta_figure
from hokusai_assets.report.groups import group_tables
from hokusai_assets.report.page_template import filled
from hokusai_assets.report.verdict import verdict_of_claim, verdict_of_intake
from hokusai_assets.report.words import (
    FOUND_BY,
    PARTS,
    REMOVED_IN_WORDS,
    conditions_in_words,
    counted,
    measure_in_words,
    metric_name,
)
from hokusai_assets.settings import attestation_name

# A shell reads on in the next line.
_NEXT = " \\\n  "


@dataclass(frozen=True)
class Issued:
    """An issued attestation, and the rows' predictions that may be shown beside it.

    Attributes:
        envelope: the signed envelope's bytes.
        predictions: what both models said of each row that the attested figures stand on, from
            `predictions_table`; of a private part that did not accept, of the public part.
            None where they are not at hand: then there are no curves.
    """

    envelope: bytes
    predictions: pa.Table | None


def contribution_page(
    spec: BenchmarkSpec, report: IntakeReport, issued: Issued | None, *, dry_run: bool = False
) -> str:
    """Return the page of an attested or rejected contribution; equal inputs give equal text.

    What it says of the measurement is what the attestation says, so it shows no figure of a
    private part that did not accept. No value of any row is in it.

    Args:
        spec: the benchmark's, for its title and description.
        report: what intake found.
        issued: None of a contribution that was rejected at intake.
        dry_run: whether this was only a rehearsal.

    Raises:
        ValueError: the contribution was accepted at intake and nothing was issued, or the other
            way round.
        NoEnvelope: the envelope is none.
        LookupError: the predictions are not those of the attested labels.
    """
    if report.accepted != (issued is not None):
        raise ValueError(
            f"{report.contribution}: an attestation belongs to a contribution that intake "
            "accepted, and to none else"
        )
    found = report.to_dict()
    measured = _nothing_measured(report) if issued is None else _measured(issued, spec)
    return filled(
        "contribution.html",
        spec=spec,
        report=found,
        rows=_rows_in_words(found["rows"]),
        found_by=FOUND_BY,
        measure_in_words=measure_in_words,
        metric_name=metric_name,
        dry_run=dry_run,
        version=__version__,
        **measured,
    )


def _nothing_measured(report: IntakeReport) -> dict[str, Any]:
    return {
        "verdict": verdict_of_intake(report),
        "tiles": [],
        "claim": None,
        "shown": None,
        "deltas": None,
        "curves": [],
        "confusion": [],
        "conditions": [],
        "groups": [],
        "alone": None,
        "verify": None,
        "contributors": report.to_dict()["manifest"].get("contributors", ()),
        "prints": [("SHA-256 of the file as it came", report.raw_digest)],
    }


def _measured(issued: Issued, spec: BenchmarkSpec) -> dict[str, Any]:
    envelope, statement = open_envelope(issued.envelope)
    predicate = statement["predicate"]
    claim = predicate["claim"]
    settled, alone = claim["settlement"], claim["result"]["measurement"]
    order = spec.metrics.names
    shown = _in_order(settled["measurement"] or alone, order)
    return {
        "verdict": verdict_of_claim(claim),
        "tiles": _tiles(claim),
        "claim": claim,
        "shown": shown | {"part_in_words": PARTS[shown["part"]]},
        "deltas": delta_figure(shown["metrics"]),
        "curves": _curves(claim, shown, issued.predictions),
        "confusion": confusion_figures(
            shown["confusion_cells"], claim["result"]["benchmark"]["labels"]
        ),
        "conditions": conditions_in_words(settled["delta_one"]["conditions"], _unit(claim)),
        "groups": group_tables(shown["groups"]),
        # Against the same model on the same rows it would be the same table again.
        "alone": _in_order(alone, order)
        if settled["accepted_before"] and settled["released"]
        else None,
        "verify": _how_to_verify(issued.envelope, predicate, sorted(envelope.signatures)),
        "contributors": claim["contributors"],
        "prints": _prints(predicate),
    }


def _in_order(measurement: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """Return a measurement with its metrics as the spec orders them, the primary one first."""
    metrics = measurement["metrics"]
    known = [name for name in names if name in metrics]
    # What an earlier spec measured comes last.
    order = [*known, *sorted(metrics.keys() - set(known))]
    return dict(measurement) | {"metrics": {name: metrics[name] for name in order}}


def _curves(
    claim: Mapping[str, Any], shown: Mapping[str, Any], predictions: pa.Table | None
) -> Sequence[Any]:
    if predictions is None:
        return []
    benchmark = claim["result"]["benchmark"]
    labels = tuple(benchmark["labels"])
    positive = benchmark["positive_label"]
    said = {which: replicas_of(predictions, which, labels) for which in MODELS}
    return curve_figures(
        said["baseline"],
        said["new"],
        positive=None if positive is None else labels.index(positive),
        metrics=shown["metrics"],
    )


def _tiles(claim: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Return the figures that stand out: what, how much, of what unit."""
    settled, rows = claim["settlement"], claim["result"]["rows"]
    unit = _unit(claim)
    tiles = [("Rows that count", f"{rows['kept']:,}", f"of {rows['in']:,} sent")]
    if settled["released"]:
        primary = settled["rule"]["primary"]
        delta = settled["measurement"]["metrics"][primary]
        low, high = unit.signed(delta["low_ppm"]), unit.signed(delta["high_ppm"])
        between = f"between {low} and {high}"
        tiles.insert(
            0,
            (
                f"Change of {metric_name(primary)}",
                unit.signed(delta["delta_ppm"]),
                f"points, {between}" if unit.name else between,
            ),
        )
    payable = settled["delta_one"]["payable_bps"]
    tiles.insert(1, ("Payable", f"{payable:,}", f"basis points (100 are {unit.of_a_hundred_bps})"))
    return tiles


def _unit(claim: Mapping[str, Any]) -> Unit:
    """Return the unit of changes of the primary metric."""
    primary = claim["settlement"]["rule"]["primary"]
    return unit_of(primary, claim["result"]["measurement"]["metrics"][primary]["direction"])


def _how_to_verify(
    envelope: bytes, predicate: Mapping[str, Any], key_ids: Sequence[str]
) -> dict[str, Any]:
    claim = predicate["claim"]
    name = attestation_name(claim["contribution"]["key"], predicate["attestation_hash"])
    signed_by = [key_id[:SHORT_ID] for key_id in key_ids]
    command = f"hokusai verify {name}{_NEXT}--public-key public_key.{signed_by[0]}.pem"
    return {
        "file": name,
        "link": f"data:application/json;base64,{base64.b64encode(envelope).decode()}",
        "command": f"{command}{_NEXT}--allow-dry-run" if claim["dry_run"] else command,
        "thorough": f"{command}{_NEXT}--predictions predictions.parquet --data data",
        "signed_by": signed_by,
        "kilobytes": -(-len(envelope) // 1000),
    }


def _prints(predicate: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return what names the run for good: its seeds, hashes and versions."""
    claim = predicate["claim"]
    result, settled = claim["result"], claim["settlement"]
    benchmark, estimator = result["benchmark"], result["estimator"]
    shown = settled["measurement"] or result["measurement"]
    trained = counted(estimator["seeds"], "training", "trainings")
    models = predicate["environment"]["models"]
    return [
        ("Attestation hash", predicate["attestation_hash"]),
        ("Result hash", predicate["result_hash"]),
        ("SHA-256 of the file as it came", claim["contribution"]["raw_sha256"]),
        ("Merkle root of the rows that count", result["rows"]["root"]),
        ("Merkle root of the base set", benchmark["base_root"]),
        ("Merkle root of the test set", benchmark["test_root"]),
        ("Spec hash", benchmark["spec_hash"]),
        ("Predictions of the baseline", shown["predictions"]["baseline_root"]),
        ("Predictions of the new model", shown["predictions"]["new_root"]),
        ("SHA-256 of the accepted model", models["accepted_sha256"]),
        ("SHA-256 of the new model", models["candidate_sha256"]),
        ("Ledger before this look", settled["budget"]["ledger_digest"]),
        ("Estimator", estimator["name"]),
        ("Seed", f"{estimator['seed']} ({trained} of each model)"),
        ("Code", f"{claim['code']['version']}, {claim['code']['sha256']}"),
    ]


def _rows_in_words(rows: Mapping[str, Any]) -> list[tuple[str, str, bool]]:
    """Return what became of the rows read: what, how many, whether it is a sum."""
    lines = [("rows read", f"{rows['in']:,}", True)]
    lines += [
        (REMOVED_IN_WORDS[reason], f"−{count:,}", False)
        for reason, count in rows["removed"].items()
        if count
    ]
    if rows["unsound"]:
        lines.append(("breaking a rule", f"−{rows['unsound']:,}", False))
    return [*lines, ("count as new", f"{rows['new']:,}", True)]
