"""A check as one self-contained HTML page: no scripts, no network, for screen and print."""

from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from hokusai_assets.cli.check_run import summary
from hokusai_assets.cli.output import REMOVED_IN_WORDS, clear_change

_QUESTIONS = {
    "class-balance": "Are the labels shared out as in the base set?",
    "conflicting-labels": "Do equal rows have equal labels?",
    "label-noise": "Does the baseline agree with the labels?",
}
_FOUND_BY = {
    "header": "the column's name",
    "values": "most of its cells",
    "spans": "values inside the text",
    "policy": "the benchmark's word",
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


def check_page(document: dict[str, Any]) -> str:
    """Return the page of a check's document."""
    environment = Environment(
        loader=PackageLoader("hokusai_assets.cli"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "percent": lambda ppm: f"{ppm / 10_000:.1f}%",
        "index": lambda ppm: f"{ppm / 1_000_000:.2f}",
        "count": lambda number: f"{number:,}",
        "signed": lambda number: f"{number:+.4f}",
    }
    return environment.get_template("check.html").render(
        found=document,
        summary=summary(document),
        removed_in_words=REMOVED_IN_WORDS,
        questions=_QUESTIONS,
        found_by=_FOUND_BY,
        measure_in_words=_measure_in_words,
        clear_change=clear_change,
    )


def _measure_in_words(name: str) -> str:
    measure, _, column = name.partition(":")
    return _MEASURES[measure] + (f" of {column}" if column else "")
