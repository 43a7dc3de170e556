"""Tests of metrics from other distributions, really installed ones."""

import json
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError
from sklearn import metrics as sk

from hokusai_assets.benchmarks.spec import MetricName, metric_names
from hokusai_assets.evaluation.deltas import compare
from hokusai_assets.evaluation.metric_conformance import assert_conforms
from hokusai_assets.evaluation.metrics import METRICS
from hokusai_assets.evaluation.registry import MetricClash, UnusableMetric, registered_metrics
from hokusai_assets.evaluation.rounding import to_ppm
from hokusai_assets_tests.evaluation.generated_predictions import many, reordered
from hokusai_assets_tests.evaluation.plug_in_distribution import (
    ENTRIES,
    MODULE,
    installed,
    write_distribution,
)

OPTIONS = {
    "average": "macro",
    "positive": None,
    "confidence": 0.95,
    "resamples": 400,
    "seed": 7,
}
NAMES = tuple(ENTRIES)


@pytest.fixture
def plug_in(tmp_path: Path):
    write_distribution(tmp_path, ENTRIES)
    with installed(tmp_path):
        yield tmp_path


def pair(rows: int = 300):
    return many(rows, 3, seed=1, noise=1.5), many(rows, 3, seed=1, noise=0.5)


def test_without_plug_ins_there_are_the_built_in_ones_from_hokusai():
    assert dict(registered_metrics()) == dict(METRICS)
    assert {metric.source for metric in METRICS.values()} == {"hokusai"}


def test_a_plug_ins_metrics_stand_beside_the_built_in_ones_with_their_source(plug_in):
    known = registered_metrics()
    assert list(known) == [*METRICS, *sorted(NAMES)]
    assert {known[name].source for name in NAMES} == {"tiny-metrics 0.3"}
    assert metric_names() == tuple(known)


@pytest.mark.parametrize("name", NAMES)
def test_the_plug_ins_metrics_conform(plug_in, name):
    assert_conforms(registered_metrics()[name])


def test_every_form_of_plug_in_is_measured(plug_in):
    baseline, new = pair()
    deltas = compare([baseline], [new], metrics=NAMES, **OPTIONS)
    for model, side in ((baseline, "baseline_ppm"), (new, "new_ppm")):
        expected = sk.balanced_accuracy_score(model.actual, model.predicted)
        assert getattr(deltas["balanced_accuracy"], side) == to_ppm(float(expected))
        accuracy = sk.accuracy_score(model.actual, model.predicted)
        assert getattr(deltas["hit_rate"], side) == to_ppm(float(accuracy))
    for name, delta in deltas.items():
        assert delta.low_ppm < delta.delta_ppm < delta.high_ppm, name
        assert delta.improved
    assert deltas["mean_absolute_error"].interval_method == "stratified_normal"
    assert deltas["hit_rate"].p_value_method == "paired_bootstrap_swap"
    alone = compare([baseline], [new], metrics=["accuracy"], **OPTIONS)["accuracy"]
    assert deltas["hit_rate"].low_ppm == alone.low_ppm


def test_the_weighted_bootstrap_has_the_spread_of_the_counted_one(plug_in):
    baseline, new = pair()
    options = OPTIONS | {"resamples": 1500}
    deltas = compare([baseline], [new], metrics=["balanced_accuracy", "recall"], **options)
    # Macro recall is balanced accuracy where every class occurs.
    for field in ("baseline_ppm", "new_ppm", "delta_ppm"):
        found = [getattr(deltas[name], field) for name in ("balanced_accuracy", "recall")]
        assert found[0] == found[1]
    ours, counted = (deltas[name].test_error_ppm for name in ("balanced_accuracy", "recall"))
    assert ours == pytest.approx(counted, rel=0.1)


def test_neither_row_order_nor_replicas_without_scatter_change_a_score(plug_in):
    baseline, new = pair()
    options = OPTIONS | {"metrics": ["balanced_accuracy"]}
    expected = compare([baseline], [new], **options)["balanced_accuracy"]
    order = np.random.default_rng(0).permutation(300)
    shuffled = compare([reordered(baseline, order)], [reordered(new, order)], **options)
    assert shuffled["balanced_accuracy"] == expected
    twice = compare([baseline] * 2, [new] * 2, **options)["balanced_accuracy"]
    assert (twice.low_ppm, twice.high_ppm) == (expected.low_ppm, expected.high_ppm)
    far = compare([baseline], [new], **options, levels={"balanced_accuracy": Decimal("0.9999")})
    assert far["balanced_accuracy"].interval_method == "paired_bootstrap_normal"
    assert far["balanced_accuracy"].low_ppm < expected.low_ppm


def test_a_spec_takes_the_name_of_a_plug_in_without_loading_it(plug_in):
    name = TypeAdapter(MetricName)
    assert name.validate_python("balanced_accuracy") == "balanced_accuracy"
    assert "tiny_metrics" not in sys.modules


def test_a_spec_refuses_an_unknown_name_with_the_nearest_and_all_that_are_allowed(plug_in):
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(MetricName).validate_python("ballanced_accuracy")
    message = str(caught.value)
    assert "input_value='ballanced_accuracy'" in message
    assert "did you mean 'balanced_accuracy'?" in message
    assert all(repr(name) in message for name in (*METRICS, *NAMES))


def test_a_name_given_twice_is_refused_with_both_distributions(tmp_path, plug_in):
    write_distribution(
        tmp_path, {"hit_rate": "tiny_metrics:HIT_RATE"}, name="other-metrics", version="2"
    )
    with pytest.raises(MetricClash, match=r"'hit_rate' .*other-metrics 2 .*tiny-metrics 0\.3"):
        registered_metrics()


def test_a_built_in_name_is_not_for_others(tmp_path):
    write_distribution(tmp_path, {"f1": "tiny_metrics:HIT_RATE"})
    with installed(tmp_path), pytest.raises(MetricClash, match="from hokusai and from tiny"):
        registered_metrics()


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"gone": "no_such_module:X"}, "can't be loaded: ModuleNotFoundError"),
        ({"text": "tiny_metrics:MODULE"}, "can't be loaded: AttributeError"),
        ({"function": "tiny_metrics:_hits"}, "is a function, not a"),
        ({"other_name": "tiny_metrics:HIT_RATE"}, "calls itself 'hit_rate'"),
    ],
)
def test_an_entry_point_that_gives_no_metric_is_named(tmp_path, entry, words):
    write_distribution(tmp_path, entry)
    with installed(tmp_path), pytest.raises(UnusableMetric, match=words) as caught:
        registered_metrics()
    assert "tiny-metrics 0.3" in str(caught.value)


@pytest.mark.integration
def test_a_distribution_that_pip_installed_is_found_by_another_process(tmp_path):
    source, target = tmp_path / "source", tmp_path / "target"
    source.mkdir()
    (source / "tiny_metrics.py").write_text(MODULE, encoding="utf-8")
    (source / "pyproject.toml").write_text(
        "[build-system]\nrequires = ['setuptools']\nbuild-backend = 'setuptools.build_meta'\n"
        "[project]\nname = 'tiny-metrics'\nversion = '0.3'\n"
        "[project.entry-points.'hokusai.metrics']\nhit_rate = 'tiny_metrics:HIT_RATE'\n"
        "[tool.setuptools]\npy-modules = ['tiny_metrics']\n",
        encoding="utf-8",
    )
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
    subprocess.run([*pip, "--no-build-isolation", "--target", str(target), str(source)], check=True)
    code = (
        f"import sys; sys.path.insert(0, {str(target)!r})\n"
        "from hokusai_assets.cli.main import main\n"
        "main(['metrics', '--json'])"
    )
    said = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    ).stdout
    listed = {entry["name"]: entry["source"] for entry in json.loads(said)["metrics"]}
    assert listed["hit_rate"] == "tiny-metrics 0.3"
