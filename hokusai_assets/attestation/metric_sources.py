"""Where the metrics of an attestation are defined, and which of them can be computed here.

Whoever verifies an attestation of a plug-in's metric needs that plug-in, in that version: it may
compute another number in another one.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from hokusai_assets.attestation.relations import Broken, require
from hokusai_assets.evaluation.metrics import METRICS, Metric
from hokusai_assets.evaluation.registry import (
    DISTRIBUTION,
    MetricClash,
    UnusableMetric,
    registered_metrics,
    source_of,
)


def metric_sources(names: Iterable[str]) -> dict[str, dict[str, str | None]]:
    """Return by metric its distribution, that one's version, and the entry point if it has one.

    Args:
        names: of registered metrics.
    """
    return {name: source_of(name).to_dict() for name in names}


def check_sources(claim: Mapping[str, Any]) -> None:
    """Check that a claim says of every metric it measured where that is defined.

    Raises:
        Broken: it does not, or a built-in metric is said to come from elsewhere.
    """
    sources, code = claim["metric_sources"], claim["code"]
    require(
        set(sources) == set(claim["result"]["measurement"]["metrics"]),
        "metric_sources are not of the metrics that were measured",
    )
    for name, source in sources.items():
        built_in = {"distribution": DISTRIBUTION, "version": code["version"], "entry_point": None}
        if name in METRICS:
            require(source == built_in, f"{name} is built in, and is said to come from elsewhere")
        elif source["distribution"] == DISTRIBUTION:
            raise Broken(f"{name} is no metric of this version of {DISTRIBUTION}")
        else:
            require(source["entry_point"] is not None, f"{name}: a plug-in has an entry point")


def metrics_here(claim: Mapping[str, Any]) -> dict[str, Metric]:
    """Return those of a claim's metrics that can be computed here as the claim's issuer did.

    A built-in one can, whatever the claim says of it; one of a plug-in only where the distribution,
    version and entry point are those stated.

    Raises:
        Broken: a plug-in that is installed here can't be loaded, or two give the same metric.
    """
    known = _registered()
    return {
        name: known[name]
        for name, source in claim["metric_sources"].items()
        if name in METRICS or (name in known and source_of(name).to_dict() == source)
    }


def absent_here(claim: Mapping[str, Any]) -> list[str]:
    """Say of the metrics that can't be computed here where they come from and what to do.

    Raises:
        Broken: as for `metrics_here`.
    """
    known, here = _registered(), metrics_here(claim)
    by_origin: dict[tuple[str, str], list[str]] = {}
    for name, source in claim["metric_sources"].items():
        if name in here:
            continue
        stated, have = _in_words(source), "not installed here"
        if name in known:
            own = source_of(name).to_dict()
            have = f"where here it is {_in_words(own)}"
            if own["version"] == source["version"]:
                have += f" by another entry point, {own['entry_point']}"
        by_origin.setdefault((stated, have), []).append(name)
    return [
        f"{_subject(names)} from {stated}, {have}: taken as stated; install {stated} and verify "
        "again"
        for (stated, have), names in by_origin.items()
    ]


def _subject(names: list[str]) -> str:
    one = len(names) == 1
    return f"{'metric' if one else 'metrics'} {', '.join(names)} {'comes' if one else 'come'}"


def _in_words(source: Mapping[str, str | None]) -> str:
    return f"{source['distribution']} {source['version']}"


def _registered() -> Mapping[str, Metric]:
    try:
        return registered_metrics()
    except (MetricClash, UnusableMetric) as error:
        raise Broken(f"the metrics installed here can't be used: {error}") from None
