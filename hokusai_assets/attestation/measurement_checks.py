"""Checking one measurement of an attestation: counts, metrics, deltas, and its predictions."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pyarrow as pa

from hokusai_assets.attestation.metric_sources import metrics_here
from hokusai_assets.attestation.prediction_commitment import PerRowFile, row_digests_of
from hokusai_assets.attestation.relations import require
from hokusai_assets.canonical import rows
from hokusai_assets.evaluation.deltas import compare, confusion_cells
from hokusai_assets.evaluation.intervals import holm_ppm, mcnemar_exact
from hokusai_assets.evaluation.measurement import in_pairs
from hokusai_assets.evaluation.metrics import (
    CLASS_METRICS,
    METRICS,
    Averaging,
    Metric,
    class_ratio,
    mean_of,
)
from hokusai_assets.evaluation.predictions import Predictions
from hokusai_assets.evaluation.rounding import PPM, to_ppm
from hokusai_assets.evaluation.sampling_error import method_names
from hokusai_assets.evaluation.subgroups import group_deltas

# Bounds the memory a hostile statement can ask for: rows times classes, 8 bytes each.
MAX_CHECKED_SCORES = 100_000_000


def check_counts(measured: Mapping[str, Any], claim: Mapping[str, Any]) -> None:
    """Check that cells and rows add up.

    Args:
        measured: the measurement.
        claim: names labels, rows and rule.

    Raises:
        Broken: they do not.
    """
    labels = claim["result"]["benchmark"]["labels"]
    for cells in measured["confusion_cells"]:
        keys = [tuple(cell[:3]) for cell in cells]
        require(
            keys == sorted(set(keys), key=lambda key: [labels.index(name) for name in key]),
            "the confusion cells are not sorted and unique",
        )
        require(all(cell[3] > 0 for cell in cells), "a confusion cell has no rows")
        require({cell[0] for cell in cells} == set(labels), "a label has no test rows")
        total = sum(cell[3] for cell in cells)
        require(total == measured["test_rows"], "the cells do not sum to the test rows")
    require(
        len(measured["confusion_cells"]) == claim["result"]["estimator"]["seeds"],
        "there are not as many replicas as the estimator is trained with",
    )
    require(
        len({_by_label(cells) for cells in measured["confusion_cells"]}) == 1,
        "the replicas stand on different rows",
    )
    if measured["part"] == "whole":
        require(
            (measured["test_rows"], measured["test_root"])
            == (
                claim["result"]["benchmark"]["test_rows"],
                claim["result"]["benchmark"]["test_root"],
            ),
            "the measurement does not stand on the whole test set",
        )
    else:
        require(
            measured["test_rows"] < claim["result"]["benchmark"]["test_rows"],
            "a part of the test set is as large as the whole",
        )
    _check_training_rows(measured, claim)


def _by_label(cells: Sequence[Sequence[Any]]) -> tuple[tuple[str, int], ...]:
    counts: dict[str, int] = {}
    for label, _, _, rows_in_cell in cells:
        counts[label] = counts.get(label, 0) + rows_in_cell
    return tuple(sorted(counts.items()))


def _check_training_rows(measured: Mapping[str, Any], claim: Mapping[str, Any]) -> None:
    before, after = measured["training_rows"]["baseline"], measured["training_rows"]["new"]
    alone = measured is claim["result"]["measurement"]
    if claim["result"]["baseline_model"]["source"] != "train":
        require(before == 0 or not alone, "a loaded baseline was not trained here")
        if before == 0:
            return
    if alone:
        require(
            before <= claim["result"]["benchmark"]["base_rows"],
            "the baseline has more training rows than the base set",
        )
        require(
            before in (claim["result"]["benchmark"]["base_rows"], after),
            "the baseline has fewer rows than the base set, yet the new model more",
        )
    # As many rows as before: a sampling limit stands for both.
    require(
        before <= after <= before + claim["result"]["rows"]["kept"],
        "the training rows are not those before and the contribution's",
    )
    least = claim["result"]["measurement"]["training_rows"]
    require(
        least["baseline"] <= before and least["new"] <= after,
        "the settlement's models stand on fewer rows than the result's",
    )


def check_deltas(measured: Mapping[str, Any], claim: Mapping[str, Any]) -> None:
    """Check every delta's own relations; a metric that is not known here has fewer.

    Raises:
        Broken: one does not hold.
    """
    replicas, known = len(measured["confusion_cells"]), metrics_here(claim)
    for name, delta in measured["metrics"].items():
        require(
            delta["delta_ppm"] == delta["new_ppm"] - delta["baseline_ppm"],
            f"{name}: delta_ppm is not new_ppm - baseline_ppm",
        )
        base = delta["baseline_ppm"]
        relative = round(Fraction(delta["delta_ppm"] * PPM, base)) if base else None
        require(delta["relative_delta_ppm"] == relative, f"{name}: relative_delta_ppm is wrong")
        require(delta["low_ppm"] <= delta["high_ppm"], f"{name}: the interval is upside down")
        require(delta["metric"] == name, f"{name}: metric is wrong")
        require(delta["replicas"] == replicas, f"{name}: replicas is wrong")
        gain = -delta["delta_ppm"] if delta["direction"] == "lower" else delta["delta_ppm"]
        require(delta["improved"] == (gain > 0), f"{name}: improved is wrong")
        if name in known:
            _check_declared(known[name], delta)
        require(
            replicas > 1 or delta["training_noise_ppm"] == 0,
            f"{name}: one training shows no training noise",
        )
    _check_adjustment(measured["metrics"], claim["settlement"]["rule"]["primary"])


def _check_declared(metric: Metric, delta: Mapping[str, Any]) -> None:
    """Check a delta against what its metric declares."""
    least, most = (to_ppm(end) for end in metric.range)
    within = all(least <= delta[key] <= most for key in ("baseline_ppm", "new_ppm"))
    require(within, f"{metric.name}: a value is out of the metric's range")
    require(delta["direction"] == metric.direction, f"{metric.name}: direction is wrong")
    methods = (delta["interval_method"], delta["p_value_method"])
    allowed = method_names(
        metric, replicas=delta["replicas"], confidence_ppm=delta["confidence_ppm"]
    )
    require(methods in allowed, f"{metric.name}: another method than this metric's")


def _check_adjustment(metrics: Mapping[str, Any], primary: str) -> None:
    adjusted = holm_ppm(
        {name: delta["p_value_ppm"] for name, delta in metrics.items() if name != primary}
    )
    for name, delta in metrics.items():
        require(
            delta["p_holm_ppm"] == adjusted.get(name, delta["p_value_ppm"]),
            f"{name}: p_holm_ppm does not follow from the p-values",
        )


def averaging_of(claim: Mapping[str, Any]) -> Averaging:
    """Return how the benchmark averages metrics over classes."""
    benchmark = claim["result"]["benchmark"]
    labels, positive = benchmark["labels"], benchmark["positive_label"]
    index = None if positive is None else labels.index(positive)
    return Averaging.of(benchmark["average"], index, classes=len(labels))


def check_metrics(measured: Mapping[str, Any], claim: Mapping[str, Any]) -> None:
    """Check that metrics of counts follow from the confusion cells.

    Raises:
        Broken: one does not.
    """
    labels = tuple(claim["result"]["benchmark"]["labels"])
    averaging = averaging_of(claim)
    replicas = measured["confusion_cells"]
    size = max(sum(cell[3] for cell in cells) for cells in replicas) * len(labels)
    require(size <= MAX_CHECKED_SCORES, "the confusion cells hold too many rows to be checked")
    if "accuracy" in measured["metrics"] and len(replicas) == 1:
        gained = sum(n for true, before, after, n in replicas[0] if after == true != before)
        lost = sum(n for true, before, after, n in replicas[0] if before == true != after)
        require(
            measured["metrics"]["accuracy"]["p_value_ppm"] == to_ppm(mcnemar_exact(gained, lost)),
            "accuracy: p_value_ppm does not follow from the confusion cells",
        )
    counted = [metric for metric in metrics_here(claim).values() if metric.needs == "labels"]
    for which, column in (("baseline", 1), ("new", 2)):
        said = [_said(cells, column, labels) for cells in replicas]
        for metric in counted:
            require(
                measured["metrics"][metric.name][f"{which}_ppm"]
                == to_ppm(metric.mean_value(said, averaging)),
                f"{metric.name}: {which}_ppm does not follow from the confusion cells",
            )


def check_classes(measured: Mapping[str, Any], claim: Mapping[str, Any]) -> None:
    """Check that what is said of each class follows from the confusion cells.

    Raises:
        Broken: it does not.
    """
    labels = claim["result"]["benchmark"]["labels"]
    stated = [row for row in measured["groups"] if row["kind"] == "class"]
    require(
        [(row["group"], row["metric"]) for row in stated]
        == [(label, name) for label in labels for name in CLASS_METRICS],
        "classes: not every class has its precision, recall and F1",
    )
    for row in stated:
        for which, column in (("baseline", 1), ("new", 2)):
            values = [
                _of_class(cells, column, row["group"], row["metric"])
                for cells in measured["confusion_cells"]
            ]
            require(
                row[f"{which}_ppm"] == to_ppm(mean_of(values)),
                f"class {row['group']}: {row['metric']} does not follow from the confusion cells",
            )
        counted = sum(cell[3] for cell in measured["confusion_cells"][0] if cell[0] == row["group"])
        require(row["rows"] == counted, f"class {row['group']}: rows is wrong")
    for row in measured["groups"]:
        _check_group(row, measured)


def _of_class(cells: Sequence[Sequence[Any]], column: int, label: str, metric: str) -> Fraction:
    hits = sum(cell[3] for cell in cells if cell[0] == cell[column] == label)
    actual = sum(cell[3] for cell in cells if cell[0] == label)
    predicted = sum(cell[3] for cell in cells if cell[column] == label)
    return class_ratio(metric, hits, predicted, actual)


def _check_group(row: Mapping[str, Any], measured: Mapping[str, Any]) -> None:
    name = f"{row['kind']} {row['group']}: {row['metric']}"
    of_class = row["kind"] == "class"
    direction = (
        METRICS[row["metric"]].direction
        if of_class
        else measured["metrics"][row["metric"]]["direction"]
    )
    require(row["direction"] == direction, f"{name}: direction is wrong")
    require(1 <= row["rows"] <= measured["test_rows"], f"{name}: more rows than the test set")
    values = {row["baseline_ppm"], row["new_ppm"], row["delta_ppm"]}
    require(
        values == {None} if row["undefined"] is not None else None not in values,
        f"{name}: a value is missing or one too many",
    )
    if row["undefined"] is None:
        require(
            row["delta_ppm"] == row["new_ppm"] - row["baseline_ppm"],
            f"{name}: delta_ppm is not new_ppm - baseline_ppm",
        )
    ends = (row["low_ppm"], row["high_ppm"])
    require((ends[0] is None) == (ends[1] is None), f"{name}: half an interval")
    require(None in ends or ends[0] <= ends[1], f"{name}: the interval is upside down")


def _said(cells: Sequence[Sequence[Any]], column: int, labels: tuple[str, ...]) -> Predictions:
    position = {label: index for index, label in enumerate(labels)}
    counts = np.array([cell[3] for cell in cells])
    actual = np.repeat([position[cell[0]] for cell in cells], counts)
    predicted = np.repeat([position[cell[column]] for cell in cells], counts)
    return Predictions(labels, actual, predicted, np.eye(len(labels))[predicted])


PerRow = tuple[PerRowFile, list[Mapping[str, Any]]]
"""A per-row file, and the measurements that it belongs to."""


def measurements_of(
    table: pa.Table, shown: Sequence[Mapping[str, Any]], claim: Mapping[str, Any]
) -> PerRow:
    """Return a per-row table as read, and the measurements it belongs to: that commit to it.

    Where none does, the first one on the same rows, so that it is told what differs.

    Raises:
        Broken: none stands on these rows.
    """
    # First, and from the digests alone: other rows need not be readable as predictions.
    root = rows.table_root(row_digests_of(table))
    same_rows = [measured for measured in shown if measured["test_root"] == root]
    require(bool(same_rows), "a file's rows are not those of the test set")
    file = PerRowFile.of(table, tuple(claim["result"]["benchmark"]["labels"]))
    return file, [part for part in same_rows if part["predictions"] == file.roots] or same_rows[:1]


def check_predictions(
    file: PerRowFile, measured: Mapping[str, Any], claim: Mapping[str, Any]
) -> None:
    """Check that a measurement follows from the per-row file it commits to.

    Raises:
        Broken: it does not.
    """
    known, averaging = metrics_here(claim), averaging_of(claim)
    for which, replicas in file.replicas.items():
        for said in replicas:
            require(
                bool((said.predicted == said.scores.argmax(axis=1)).all()),
                f"{which}: a predicted label is not the one with the highest score",
            )
        require(
            file.roots[f"{which}_root"] == measured["predictions"][f"{which}_root"],
            f"{which}: the file's predictions are not those committed to",
        )
        for name, metric in known.items():
            require(
                measured["metrics"][name][f"{which}_ppm"]
                == to_ppm(metric.mean_value(replicas, averaging)),
                f"{name}: {which}_ppm does not follow from the predictions",
            )
    first, second = in_pairs(file.replicas["baseline"], file.replicas["new"])
    _check_both(measured, known, averaging, first, second)
    _check_groups(measured, known, averaging, first, second, file.slices)


def _check_groups(
    measured: Mapping[str, Any],
    known: Mapping[str, Metric],
    averaging: Averaging,
    baseline: tuple[Predictions, ...],
    new: tuple[Predictions, ...],
    slices: Mapping[str, np.ndarray],
) -> None:
    stated = [row for row in measured["groups"] if row["kind"] == "class" or row["metric"] in known]
    if not stated:
        return
    found = group_deltas(
        baseline,
        new,
        slices=slices,
        metrics=list(dict.fromkeys(row["metric"] for row in stated if row["kind"] == "slice")),
        average=averaging.average,
        positive=averaging.positive,
        confidence=Decimal(stated[0]["confidence_ppm"]) / PPM,
    )
    require(
        stated == [group.to_dict() for group in found],
        "classes and slices: values or intervals are not the predictions'",
    )


def _check_both(
    measured: Mapping[str, Any],
    known: Mapping[str, Metric],
    averaging: Averaging,
    baseline: tuple[Predictions, ...],
    new: tuple[Predictions, ...],
) -> None:
    cells = [[list(cell) for cell in part] for part in confusion_cells(baseline, new)]
    require(cells == measured["confusion_cells"], "the confusion cells are not the predictions'")
    # Resampled metrics have an interval that follows from a seed, which only the spec holds.
    stated = {
        name: measured["metrics"][name] for name, metric in known.items() if not metric.is_resampled
    }
    levels = {name: Decimal(delta["confidence_ppm"]) / PPM for name, delta in stated.items()}
    found = compare(
        baseline,
        new,
        metrics=list(stated),
        average=averaging.average,
        positive=averaging.positive,
        confidence=Decimal("0.95"),
        levels=levels,
        resamples=100,
        seed=0,
    )
    same = ("low_ppm", "high_ppm", "p_value_ppm", "interval_method", "p_value_method")
    for name, delta in stated.items():
        require(
            all(delta[field] == getattr(found[name], field) for field in same),
            f"{name}: interval or p-value is not the predictions'",
        )
