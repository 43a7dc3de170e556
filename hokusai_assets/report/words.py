"""Plain words for what documents call by short names."""

from collections.abc import Mapping, Sequence
from typing import Any

from hokusai_assets.evaluation.units import PERCENTAGE_POINTS, Unit

# In the words of a contributor; the reasons are those of the intake report.
REMOVED_IN_WORDS = {
    "in_test_set": "equal to a row of the test set",
    "near_test_set": "nearly equal to a row of the test set",
    "in_base_set": "in the base set",
    "in_earlier_contribution": "in an earlier contribution",
    "repeated_in_file": "repeated in the file",
}
FOUND_BY = {
    "header": "the column's name",
    "values": "most of its cells",
    "spans": "values inside the text",
    "policy": "the benchmark's word",
}
PARTS = {
    "whole": "the test set",
    "public": "the public part of the test set",
    "private": "the private part of the test set",
}
_MEASURES = {
    "exact": "equal rows",
    "near": "nearly equal rows",
    "near-integers": "equal but for whole numbers moved by 1",
    "all-moved": "equal but for every whole number moved by 1",
    "one-cell": "equal but for one cell",
    "similar-text": "similar texts",
    "close": "closer than test rows are to each other",
    "shared-cells": "more cells in common than test rows have",
}
# What a reader without the field's training should think of.
_METRICS = {
    "accuracy": "the share of test rows that the model gets right",
    "precision": "of the rows it puts into a class, the share that belong there",
    "recall": "of the rows that belong into a class, the share that it finds",
    "f1": "precision and recall in one number; 100% is perfect",
    "auroc": "how well its scores tell classes apart; 0.5 is a coin, 1 is perfect",
    "log_loss": "how far its probabilities are off; 0 is perfect",
    "brier": "how far its probabilities are off; 0 is perfect",
}
_NAMES = {
    "accuracy": "accuracy",
    "precision": "precision",
    "recall": "recall",
    "f1": "F1 score",
    "auroc": "AUROC",
    "log_loss": "log loss",
    "brier": "Brier score",
}
_AS_PERCENT = {"accuracy", "precision", "recall", "f1"}


def measure_in_words(name: str) -> str:
    """Say what a leakage measure compares; ``<measure>[:<column>]``."""
    measure, _, column = name.partition(":")
    return _MEASURES.get(measure, measure) + (f" of {column}" if column else "")


def metric_in_words(name: str) -> str:
    """Say what a built-in metric means, one phrase; "" of another."""
    return _METRICS.get(name, "")


def capitalised(text: str) -> str:
    """Return a text with its first letter large and the others as they are."""
    return text[:1].upper() + text[1:]


def metric_name(name: str) -> str:
    """Return a metric's name as people write it."""
    return _NAMES.get(name, name)


def value_in_words(metric: str, ppm: int) -> str:
    """Return a metric's value: "82.7%", or "0.9120" where a percentage would be strange."""
    if metric in _AS_PERCENT:
        return f"{ppm / 10_000:.1f}%"
    return f"{ppm / 1_000_000:.4f}"


def signed(ppm: int) -> str:
    """Return a difference as tables show it: "+0.0650", with a true minus sign."""
    return f"{ppm / 1_000_000:+.4f}".replace("-", "−")


def confidence_in_words(ppm: int) -> str:
    """Return a level of confidence: "99.95%"."""
    return f"{ppm / 10_000:.6g}%"


def chance_in_words(ppm: int) -> str:
    """Return a p-value: "0.0307"; "< 0.0001" of a smaller one than is shown."""
    return f"{ppm / 1_000_000:.4f}" if ppm >= 100 else "< 0.0001"


def counted(count: int, one: str, many: str) -> str:
    """Return a count and its noun: "1 row", "1,809 rows"."""
    return f"{count:,} {one if count == 1 else many}"


def conditions_in_words(
    conditions: Sequence[Mapping[str, Any]],
    unit: Unit,
) -> list[tuple[tuple[str, str, str], bool]]:
    """Say of each condition what it asks, what was found, what is required; and whether it holds.

    Those that don't hold come first. Limits of classes and slices that hold are one line.

    Args:
        conditions: of the verdict.
        unit: of changes of the primary metric.
    """
    failed = [(_condition(row, unit), False) for row in conditions if not row["passed"]]
    passed = [row for row in conditions if row["passed"]]
    of_groups = [row for row in passed if row["name"].startswith(("class_", "slice_"))]
    lines = [(_condition(row, unit), True) for row in passed if row not in of_groups]
    if of_groups:
        every = len(of_groups) + sum(
            row["name"].startswith(("class_", "slice_")) for row in conditions if not row["passed"]
        )
        found = f"{len(of_groups):,} of {counted(every, 'limit holds', 'limits hold')}"
        lines.append((("Classes and slices do not fall too far", found, "every limit"), True))
    return [*failed, *lines]


def _condition(condition: Mapping[str, Any], unit: Unit) -> tuple[str, str, str]:
    kind, _, about = condition["name"].partition(":")
    found, required = condition["found"], condition["required"]
    if kind == "same_test_set":
        return "Both models are measured on the same test set", str(found), str(required)
    if kind == "test_rows_at_least":
        return "The test set is large enough", f"{found:,} rows", f"at least {required:,} rows"
    if kind == "gain_bps_at_least":
        return "The gain is large enough", f"{found:+,} bps", f"at least {required:+,} bps"
    if kind == "gain_low_ppm_at_least":
        suffix = " points" if unit == PERCENTAGE_POINTS else ""
        return (
            "The gain is beyond chance",
            f"at least {unit.signed(found)}{suffix}",
            f"above 0{suffix}",
        )
    metric, _, group = about.partition(":")
    of = {"class_drop_bps_at_most": " of class ", "slice_drop_bps_at_most": " of slice "}
    whose = f"{of[kind]}{group}" if kind in of else ""
    return (
        f"{capitalised(metric_name(metric))}{whose} does not fall too far",
        _drop(found),
        f"at most {required:,} bps lower",
    )


def _drop(bps: int) -> str:
    if bps == 0:
        return "no change"
    return f"{abs(bps):,} bps {'lower' if bps > 0 else 'higher'}"
