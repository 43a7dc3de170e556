"""Tests of the spec's rules and of what its hash covers."""

import copy
import hashlib
import json
from typing import Any

import pytest
from pydantic import ValidationError

from hokusai_assets.benchmarks.spec import BenchmarkSpec
from hokusai_assets_tests.benchmarks.small_benchmark import SPEC_TEXT, raw_spec

MULTICLASS = {"task": "multiclass", "labels": ["a", "b", "c"], "positive_label": None}


def spec_with(**changes: Any) -> BenchmarkSpec:
    return BenchmarkSpec.model_validate(raw_spec() | changes)


def set_in(raw: dict[str, Any], path: str, value: object) -> dict[str, Any]:
    changed = copy.deepcopy(raw)
    *folders, last = path.split("/")
    place = changed
    for folder in folders:
        place = place.setdefault(folder, {})
    place[last] = value
    return changed


HASH = BenchmarkSpec.model_validate(raw_spec()).spec_hash()

WORDS = {
    "title": "Late parcels",
    "description": "Is it late?",
    "licence": "CC0",
    "source": "made up",
    "owner": "ann",
    "tracking": "required",
    "data/train": "other.csv",
    "data/test": "another.csv",
    "lineage": {"version": 2, "promoted_from": "0a" * 32},
}


@pytest.mark.parametrize("path", WORDS)
def test_words_for_people_file_names_and_tracking_leave_the_hash(path: str) -> None:
    changed = BenchmarkSpec.model_validate(set_in(raw_spec(), path, WORDS[path]))
    assert changed.spec_hash() == HASH


def test_a_baseline_file_may_be_renamed_without_changing_the_hash() -> None:
    one, other = (
        spec_with(baseline={"source": "file", "path": path, "sha256": "0" * 64})
        for path in ("a.skops", "b.skops")
    )
    assert one.spec_hash() == other.spec_hash() != HASH


MEASURING = {
    "id": "other",
    "target": "delayed",
    "positive_label": "no",
    "columns/parcels/type": "number",
    "columns/parcels/nullable": False,
    "columns/note/pii": "not_pii",
    "columns/extra": {"type": "text"},
    "privacy/phone_regions": ["DE"],
    "privacy/names_in_text": True,
    "privacy/recognisers": [{"entity": "STAFF", "pattern": "EMP-[0-9]{6}"}],
    "model/estimator": "sgd",
    "model/params/C": 0.25,
    "model/params/max_iter": 10,
    "model/text": {"min_df": 3},
    "model/trusted_types": ["a.B"],
    "baseline": {"source": "mlflow", "uri": "models:/late/1"},
    "metrics/primary": "accuracy",
    "metrics/secondary": ["f1", "accuracy", "brier"],
    "metrics/average": "macro",
    "delta_one": {"min_examples": 801},
    "delta_one/min_delta_bps": 99,
    "delta_one/confidence": 0.99,
    "delta_one/resamples": 9999,
    "delta_one/submissions": 99,
    "model/seeds": 2,
    "test_split": {"public_share": "0.3"},
    "guardrails/accuracy/max_drop_bps": 49,
    "guardrails/f1": {"max_drop_bps": 1},
    "slices": {"many": {"column": "parcels", "min": 4}},
    "class_guardrails": {"recall": {"max_drop_bps": 500}},
    "min_group_rows": 31,
    "intake/min_rows": 11,
    "intake/max_test_overlap_excess": 0.02,
    "intake/test_overlap_tolerance_rows": 4,
    "sampling/max_train_rows": 1000,
    "sampling/max_test_rows": 1000,
    "seed": 8,
}


MANY = {"column": "parcels", "min": 4}
OWN = {"accuracy": {"max_drop_bps": 900}}


@pytest.mark.parametrize("path", MEASURING)
def test_whatever_changes_a_number_changes_the_hash(path: str) -> None:
    changed = BenchmarkSpec.model_validate(set_in(raw_spec(), path, MEASURING[path]))
    assert changed.spec_hash() != HASH


def test_hash_cases_together_cover_every_key_of_the_spec() -> None:
    covered = {path.split("/")[0] for path in (*WORDS, *MEASURING)}
    # version has one value; task and labels change together, slices and their guardrails (below).
    assert covered | {"version", "task", "labels", "slice_guardrails"} == set(
        BenchmarkSpec.model_fields
    )
    assert spec_with(labels=["yes", "maybe"]).spec_hash() != HASH
    assert spec_with(**MULTICLASS).spec_hash() != HASH
    sliced = [
        spec_with(slices=slices, slice_guardrails={"f1": {"max_drop_bps": limit}})
        for limit in (1, 2)
        for slices in ({"many": MANY}, {"many": {"where": MANY, "guardrails": OWN}}, {"more": MANY})
    ]
    assert len({HASH, *(spec.spec_hash() for spec in sliced)}) == 7


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("tol: 1e-4", "tol: 0.0001"),
        ("[no, yes]", '["yes", "no"]'),
        ("seed: 7", "seed: 7\ndelta_one: {confidence: 0.950}"),
        ("seed: 7", "seed: 7\ntracking: optional\nbaseline: {source: train}"),
        ("{type: integer}", "{nullable: true, pii: auto, type: integer}"),
        ("seed: 7", "seed: 7\nprivacy: {names_in_text: false, recognisers: []}"),
    ],
)
def test_the_same_spec_written_otherwise_has_the_same_hash(one: str, other: str) -> None:
    assert one in SPEC_TEXT
    raw = raw_spec(SPEC_TEXT.replace(one, other))
    assert BenchmarkSpec.model_validate(raw).spec_hash() == HASH


def test_the_hash_is_sha256_over_sorted_compact_json_of_the_measuring_part() -> None:
    # This spec is ASCII without floats, so that json.dumps writes RFC 8785's bytes.
    part = BenchmarkSpec.model_validate(raw_spec()).measuring_part()
    text = json.dumps(part, sort_keys=True, separators=(",", ":"))
    assert hashlib.sha256(text.encode()).hexdigest() == HASH
    assert '"params":{"C":"0.5","tol":"0.0001"}' in text


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"labels": ["yes"]}, "at least two labels, each once"),
        ({"labels": ["yes", "yes"]}, "at least two labels, each once"),
        ({"labels": ["yes", "no", "so"]}, "a binary task has 2 labels, found 3"),
        ({"positive_label": "late"}, "positive_label: found 'late', allowed is one of"),
        ({"positive_label": None}, "positive_label: found None, allowed is one of"),
        (MULTICLASS | {"positive_label": "a"}, "only a binary task has one"),
        (MULTICLASS | {"metrics": {"primary": "f1", "average": "binary"}}, "use macro or weighted"),
        ({"columns": {}}, "at least one feature column"),
        ({"columns": {"late": {"type": "text"}}}, "'late' is the target"),
        ({"guardrails": {"brier": {"max_drop_bps": 1}}}, "not measured; add to metrics.secondary"),
        ({"data": {"train": "a.csv", "test": "a.csv"}}, "the same file as train"),
        ({"data": {"train": "../a.csv", "test": "b.csv"}}, "without a folder"),
        ({"baseline": {"source": "file"}}, "source file needs path"),
        ({"baseline": {"source": "file", "path": "/etc/passwd"}}, "without a folder"),
        ({"baseline": {"source": "mlflow"}}, "needs uri"),
        ({"baseline": {"source": "mlflow", "uri": "models:/late/latest"}}, "should match pattern"),
        ({"baseline": {"source": "train", "path": "a.skops"}}, "path with source: file"),
        ({"model": {"estimator": "xgboost"}}, "nor a package.module:factory"),
        ({"model": {"estimator": "sgd", "params": {"seed": 2**60}}}, r"over 2\*\*53"),
        ({"model": {"estimator": "sgd", "params": {"a": {1, 2}}}}, "holds no set"),
        ({"model": {"estimator": "sgd", "text": {"word_ngrams": [2, 1]}}}, "low first"),
        (
            {"model": {"estimator": "sgd", "text": {"word_ngrams": None, "char_ngrams": None}}},
            "can't both be off",
        ),
        ({"sampling": {"max_test_rows": 99}}, "greater than or equal to 100"),
        (
            MULTICLASS
            | {"labels": [f"l{i}" for i in range(101)]}
            | {"sampling": {"max_test_rows": 100}},
            "max_test_rows: found 100, allowed from 101 on",
        ),
        ({"delta_one": {"confidence": 0.5}}, "greater than 0.5"),
        ({"id": "Small"}, "should match pattern"),
        ({"version": 2}, "should be 1"),
    ],
)
def test_what_does_not_fit_together_is_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        spec_with(**changes)


def test_a_factory_may_stand_for_an_estimator() -> None:
    assert spec_with(model={"estimator": "my.models:make"}).model.estimator == "my.models:make"


def test_features_are_the_columns_that_are_not_dropped_in_order() -> None:
    columns: dict[str, Any] = {"b": {"type": "text"}, "a": {"type": "text"}}
    columns["c"] = {"type": "text", "pii": "drop"}
    assert spec_with(columns=columns).feature_names == ("a", "b")


@pytest.mark.parametrize(
    ("changes", "average", "positive"),
    [
        ({}, "binary", 1),
        ({"positive_label": "no"}, "binary", 0),
        ({"metrics": {"primary": "accuracy", "average": "weighted"}}, "weighted", 1),
        (MULTICLASS, "macro", None),
    ],
)
def test_average_and_positive_label_follow_the_task(
    changes: dict[str, Any], average: str, positive: int | None
) -> None:
    spec = spec_with(**changes)
    assert (spec.average, spec.positive_index) == (average, positive)


def test_a_metric_named_twice_is_measured_once() -> None:
    metrics = {"primary": "f1", "secondary": ["auroc", "f1", "auroc"]}
    assert spec_with(metrics=metrics, guardrails={}).metrics.names == ("f1", "auroc")


def test_a_spec_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        spec_with().seed = 9


def test_a_column_may_be_any_built_in_entity_or_one_of_the_specs_own() -> None:
    for policy in ("pii:iban", "pii:dob", "pii:ethereum", "auto", "not_pii", "drop"):
        columns = raw_spec()["columns"] | {"note": {"type": "text", "pii": policy}}
        assert spec_with(columns=columns).columns["note"].pii == policy
    own = {"recognisers": [{"entity": "STAFF", "pattern": "EMP-[0-9]{6}"}]}
    columns = raw_spec()["columns"] | {"note": {"type": "text", "pii": "pii:staff"}}
    assert spec_with(columns=columns, privacy=own).columns["note"].pii == "pii:staff"
    with pytest.raises(ValidationError, match=r"columns\.note\.pii: found 'pii:staff'.*pii:iban"):
        spec_with(columns=columns)
