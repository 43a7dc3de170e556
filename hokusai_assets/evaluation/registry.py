"""All metrics: those built in, and those of other distributions.

A distribution adds one by an entry point of the group ``hokusai.metrics`` whose name is the
metric's and whose object is a `Metric`. `metric_conformance` checks it.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from types import MappingProxyType

import hokusai_assets
from hokusai_assets.benchmarks.spec import METRIC_GROUP
from hokusai_assets.evaluation.metrics import METRICS, Metric

DISTRIBUTION = "hokusai-assets"
"""The distribution of the built-in metrics."""


@dataclass(frozen=True)
class MetricSource:
    """Where a metric is defined: what to install to have it.

    Attributes:
        distribution, version: as the installed metadata has them.
        entry_point: the object, ``module:NAME``; None of a built-in metric.
    """

    distribution: str
    version: str
    entry_point: str | None

    def to_dict(self) -> dict[str, str | None]:
        """Return the attributes by name."""
        return asdict(self)


class MetricClash(ValueError):
    """Two distributions give a metric of the same name; the message names both."""


class UnusableMetric(ValueError):
    """An entry point gives no metric; the message names it, its distribution and the remedy."""


@cache
def registered_metrics() -> Mapping[str, Metric]:
    """Return every metric by name, those built in first; read once per process.

    Raises:
        MetricClash: a name is given twice, or is a built-in metric's.
        UnusableMetric: an entry point can't be loaded or is no Metric of that name.
    """
    found = dict(METRICS)
    for point in sorted(entry_points(group=METRIC_GROUP), key=lambda p: (p.name, _source(p))):
        if point.name in found:
            raise MetricClash(
                f"the metric {point.name!r} comes from {found[point.name].source} and from "
                f"{_source(point)}: uninstall one of them, or rename the metric"
            )
        found[point.name] = _load(point)
    return MappingProxyType(found)


def source_of(name: str) -> MetricSource:
    """Return where a registered metric is defined.

    Raises:
        KeyError: there is no such metric.
    """
    if name in METRICS:
        return MetricSource(DISTRIBUTION, hokusai_assets.__version__, None)
    for point in entry_points(group=METRIC_GROUP, name=name):
        if point.dist is not None:
            return MetricSource(point.dist.name, point.dist.version, point.value)
    raise KeyError(name)


def _source(point: EntryPoint) -> str:
    # Entry points found through importlib.metadata know their distribution.
    return (
        "an unnamed distribution"
        if point.dist is None
        else f"{point.dist.name} {point.dist.version}"
    )


def _load(point: EntryPoint) -> Metric:
    where = f"the metric {point.name!r} of {_source(point)} ({point.value})"
    try:
        metric = point.load()
    except Exception as error:  # whatever foreign code does when it is imported
        raise UnusableMetric(
            f"{where} can't be loaded: {type(error).__name__}: {error}; mend or uninstall it"
        ) from error
    if not isinstance(metric, Metric):
        raise UnusableMetric(
            f"{where} is a {type(metric).__name__}, not a hokusai_assets.evaluation.metrics.Metric"
        )
    if metric.name != point.name:
        raise UnusableMetric(f"{where} calls itself {metric.name!r}: both names must be the same")
    return replace(metric, source=_source(point))
