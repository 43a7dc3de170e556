"""Where metrics come from: stated by the claim, and told by a verification that lacks one."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

import hokusai_assets
from hokusai_assets.attestation.issuing import PartsDisagree
from hokusai_assets.attestation.verification import Verification, verify
from hokusai_assets_tests.attestation.changed_statements import (
    PUBLIC,
    changed,
    details,
    failed,
)
from hokusai_assets_tests.attestation.measured_contribution import (
    Parts,
    measured_contribution,
    resign,
    write_predictions,
)
from hokusai_assets_tests.evaluation.plug_in_distribution import (
    ENTRIES,
    installed,
    write_distribution,
)

SPEC = """\
delta_one: {resamples: 400}
slices: {far: {column: distance_km, min: 20}}
slice_guardrails: {balanced_accuracy: {max_drop_bps: 500}}
"""
METRICS = "{primary: balanced_accuracy, secondary: [accuracy, mean_absolute_error, hit_rate]}"
SOURCES = ("predicate", "claim", "metric_sources")


@dataclass(frozen=True)
class Attested:
    """An attestation of plug-in metrics, and what it was issued from."""

    parts: Parts
    statement: dict[str, Any]
    predictions: Path
    plug_in: Path


@pytest.fixture(scope="module")
def attested(tmp_path_factory: pytest.TempPathFactory) -> Attested:
    plug_in = tmp_path_factory.mktemp("plug_in")
    write_distribution(plug_in, ENTRIES)
    root = tmp_path_factory.mktemp("measured")
    with installed(plug_in):
        parts = measured_contribution(root, spec_lines=SPEC, metrics=METRICS)
        path = write_predictions(parts, root / "predictions.parquet", lambda table: table)
        return Attested(parts, parts.statement(), path, plug_in)


@contextmanager
def with_version(folder: Path, version: str) -> Iterator[None]:
    write_distribution(folder, ENTRIES, version=version)
    with installed(folder):
        yield


def verified(attested: Attested, statement: dict[str, Any] | None = None) -> Verification:
    data = resign(attested.statement if statement is None else statement)
    return verify(data, public_key=PUBLIC, predictions=[attested.predictions])


def said_of(name: str, verification: Verification) -> tuple[str, str]:
    (found,) = [check for check in verification.checks if check.name == name]
    return found.outcome, found.detail


def test_a_claim_names_distribution_version_and_entry_point_of_every_metric(attested: Attested):
    sources = attested.statement["predicate"]["claim"]["metric_sources"]
    assert sources == {
        "balanced_accuracy": {
            "distribution": "tiny-metrics",
            "version": "0.3",
            "entry_point": "tiny_metrics:BALANCED",
        },
        "accuracy": {
            "distribution": "hokusai-assets",
            "version": hokusai_assets.__version__,
            "entry_point": None,
        },
        "mean_absolute_error": {
            "distribution": "tiny-metrics",
            "version": "0.3",
            "entry_point": "tiny_metrics:ABSOLUTE",
        },
        "hit_rate": {
            "distribution": "tiny-metrics",
            "version": "0.3",
            "entry_point": "tiny_metrics:HIT_RATE",
        },
    }


def test_slices_are_measured_and_guarded_by_a_plug_ins_metric(attested: Attested):
    settled = attested.statement["predicate"]["claim"]["settlement"]
    of_slice = [row for row in settled["measurement"]["groups"] if row["kind"] == "slice"]
    assert [row["metric"] for row in of_slice] == list(settled["measurement"]["metrics"])
    assert all(row["low_ppm"] < row["high_ppm"] for row in of_slice)
    guarded = [condition["name"] for condition in settled["delta_one"]["conditions"]]
    assert "slice_drop_bps_at_most:balanced_accuracy:far" in guarded


def test_with_the_plug_in_everything_is_computed_again(attested: Attested):
    with installed(attested.plug_in):
        found = verified(attested)
    assert found.passed, details(found)
    # No data folder is given.
    unchecked = [check.name for check in found.checks if check.outcome != "pass"]
    assert unchecked == ["benchmark", "intervals"]


def test_without_the_plug_in_that_decides_nothing_is_verified_though_the_rest_is_checked(
    attested: Attested,
):
    found = verified(attested)
    assert failed(found) == ["sources"]
    _, detail = said_of("sources", found)
    assert detail == (
        "balanced_accuracy decides, and metrics balanced_accuracy, hit_rate, mean_absolute_error "
        "come from tiny-metrics 0.3, not installed here: taken as stated; install tiny-metrics "
        "0.3 and verify again"
    )
    outcome, detail = said_of("predictions", found)
    assert outcome == "pass"
    assert detail.endswith("all metrics but those not checked")


def test_another_version_of_the_plug_in_checks_nothing_of_it(attested: Attested, tmp_path: Path):
    with with_version(tmp_path, "0.4"):
        found = verified(attested)
    assert failed(found) == ["sources"]
    _, detail = said_of("sources", found)
    assert "from tiny-metrics 0.3, where here it is tiny-metrics 0.4: taken as stated" in detail


def test_another_entry_point_of_the_same_version_checks_nothing_of_it(attested: Attested):
    strange = {"distribution": "tiny-metrics", "version": "0.3", "entry_point": "tiny_metrics:OLD"}
    other = changed(attested.statement, (*SOURCES, "hit_rate"), lambda _: strange)
    with installed(attested.plug_in):
        found = verified(attested, other)
    outcome, detail = said_of("sources", found)
    # It does not decide: the verdict stands without it.
    assert outcome == "not checked" and found.passed
    assert "metric hit_rate comes from tiny-metrics 0.3" in detail
    assert "by another entry point, tiny_metrics:HIT_RATE" in detail


def lift(metrics: dict[str, Any], name: str) -> dict[str, Any]:
    delta = metrics[name]
    moved = {"new_ppm": delta["new_ppm"] + 1, "delta_ppm": delta["delta_ppm"] + 1}
    relative = round((delta["delta_ppm"] + 1) * 1_000_000 / delta["baseline_ppm"])
    return metrics | {name: delta | moved | {"relative_delta_ppm": relative}}


@pytest.mark.parametrize("name", ["hit_rate", "accuracy"])
def test_a_changed_value_is_caught_where_the_metric_can_be_computed(attested: Attested, name: str):
    path = ("predicate", "claim", "result", "measurement", "metrics")
    other = changed(attested.statement, path, lambda metrics: lift(metrics, name))
    with installed(attested.plug_in):
        assert "metrics" in failed(verified(attested, other))
    without = verified(attested, other)
    assert ("metrics" in failed(without)) is (name == "accuracy")


@pytest.mark.parametrize(
    ("metric", "change", "told"),
    [
        ("accuracy", {"distribution": "tiny-metrics"}, "accuracy is built in"),
        ("accuracy", {"version": "0.0"}, "accuracy is built in"),
        ("hit_rate", {"distribution": "hokusai-assets"}, "hit_rate is no metric of this version"),
        ("hit_rate", {"entry_point": None}, "hit_rate: a plug-in has an entry point"),
    ],
)
def test_a_source_that_can_not_be_is_caught(
    attested: Attested, metric: str, change: dict[str, str], told: str
):
    other = changed(attested.statement, (*SOURCES, metric), lambda source: source | change)
    found = verified(attested, other)
    assert "sources" in failed(found)
    assert told in details(found)


@pytest.mark.parametrize(
    "change",
    [
        lambda sources: {name: source for name, source in sources.items() if name != "hit_rate"},
        lambda sources: sources | {"brier": sources["accuracy"]},
    ],
)
def test_sources_are_of_the_metrics_that_were_measured(
    attested: Attested, change: Callable[[dict[str, Any]], dict[str, Any]]
):
    found = verified(attested, changed(attested.statement, SOURCES, change))
    assert "metric_sources are not of the metrics that were measured" in details(found)


def test_a_built_in_metric_is_computed_again_wherever_it_is_said_to_come_from(attested: Attested):
    path = ("predicate", "claim", "result", "measurement", "metrics")
    other = changed(attested.statement, path, lambda metrics: lift(metrics, "accuracy"))
    strange = {"distribution": "elsewhere", "version": "1", "entry_point": "elsewhere:ACCURACY"}
    other = changed(other, (*SOURCES, "accuracy"), lambda _: strange)
    assert {"metrics", "sources"} <= set(failed(verified(attested, other)))


def test_a_plug_in_that_is_broken_here_is_named(attested: Attested, tmp_path: Path):
    write_distribution(tmp_path, {"gone": "no_such_module:X"}, name="other-metrics", version="2")
    with installed(tmp_path):
        found = verified(attested)
    assert not found.passed
    assert "the metrics installed here can't be used: the metric 'gone' of other-metrics 2" in (
        details(found)
    )


def test_a_measurement_by_another_version_of_the_plug_in_is_not_attested(
    attested: Attested, tmp_path: Path
):
    with (
        with_version(tmp_path, "0.4"),
        pytest.raises(PartsDisagree, match="metric_deltas was measured by another version"),
    ):
        attested.parts.statement()
    earlier = {k: v for k, v in attested.parts.measured.items() if k != "metric_sources"}
    with (
        installed(attested.plug_in),
        pytest.raises(PartsDisagree, match="another version of a metric's plug-in"),
    ):
        replace(attested.parts, measured=earlier).statement()
