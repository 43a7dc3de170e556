"""A check as one self-contained HTML page: no scripts, no network, for screen and print."""

from typing import Any

from hokusai_assets.cli.check_run import summary
from hokusai_assets.cli.output import clear_change
from hokusai_assets.report.page_template import filled
from hokusai_assets.report.words import FOUND_BY, REMOVED_IN_WORDS, measure_in_words

_QUESTIONS = {
    "class-balance": "Are the labels shared out as in the base set?",
    "conflicting-labels": "Do equal rows have equal labels?",
    "label-noise": "Does the baseline agree with the labels?",
}


def check_page(document: dict[str, Any]) -> str:
    """Return the page of a check's document."""
    return filled(
        "check.html",
        package="hokusai_assets.cli",
        found=document,
        summary=summary(document),
        removed_in_words=REMOVED_IN_WORDS,
        questions=_QUESTIONS,
        found_by=FOUND_BY,
        measure_in_words=measure_in_words,
        clear_change=clear_change,
    )
