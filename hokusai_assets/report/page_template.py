"""Filling templates of self-contained pages: no scripts, no network, the same bytes each time."""

from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

from hokusai_assets.report.words import chance_in_words, confidence_in_words, signed


def filled(template: str, *, package: str = "hokusai_assets.report", **values: Any) -> str:
    """Return a page.

    Args:
        template: its name in the package's ``templates``; it may extend ``page.html``.
        package: where it is.
        values: what it names; all must be given.
    """
    environment = Environment(
        loader=ChoiceLoader([PackageLoader(package), PackageLoader("hokusai_assets.report")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "percent": lambda ppm: f"{ppm / 10_000:.1f}%",
        "index": lambda ppm: f"{ppm / 1_000_000:.2f}",
        "value": lambda ppm: f"{ppm / 1_000_000:.4f}",
        "count": lambda number: f"{number:,}",
        "signed": signed,
        "chance": chance_in_words,
        "confidence": confidence_in_words,
    }
    return environment.get_template(template).render(**values)
