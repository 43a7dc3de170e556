"""Labels: balance, conflicts and confident learning against scikit-learn and known noise."""

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import confusion_matrix

from hokusai_assets.benchmarks.loading import Benchmark
from hokusai_assets.benchmarks.spec import BenchmarkSpec
from hokusai_assets.contributions.labels import (
    BaselineOpinion,
    LabelledRows,
    LabelScan,
    class_thresholds,
    confident_joint,
    in_conflict,
    label_noise,
    label_problems,
    noise_rate,
)
from hokusai_assets.models.training import predict_probabilities, train
from hokusai_assets.privacy.keys import PrivacyKey
from hokusai_assets_tests.contributions.leakage.simulated_files import (
    bundled_contributions,
    spec_of,
)

SPEC = spec_of("labels", {"f": "number"}, ["a", "b"])


def keys_of(*numbers: int) -> np.ndarray:
    data = b"".join(n.to_bytes(16, "big") for n in (number << 64 for number in numbers))
    return np.frombuffer(data, np.uint8).reshape(-1, 16)


def labelled(numbers: list[int], labels: str) -> LabelledRows:
    return LabelledRows(keys_of(*numbers), pa.chunked_array([list(labels)]), SPEC)


def scan_of(base: LabelledRows, numbers: list[int], labels: str, batch: int = 100) -> LabelScan:
    scan = LabelScan(SPEC, base)
    for start in range(0, len(numbers), batch):
        part = slice(start, start + batch)
        scan.add(pa.chunked_array([list(labels[part])]), keys_of(*numbers[part]))
    return scan


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 1)), max_size=40))
def test_rows_in_conflict_are_those_whose_features_have_two_labels(
    rows: list[tuple[int, int]],
) -> None:
    labels: dict[int, set[int]] = {}
    for features, label in rows:
        labels.setdefault(features, set()).add(label)
    expected = sum(len(labels[features]) == 2 for features, _ in rows)
    features = np.array([row[0] for row in rows], np.uint64)
    assert in_conflict(features, np.array([row[1] for row in rows], np.int16)) == expected


@pytest.mark.parametrize("batch", [1, 3, 100])
def test_conflicts_are_found_in_the_file_and_against_the_base_set(batch: int) -> None:
    base = labelled([*range(50)], "a" * 50)
    # 1 and 2 contradict the base set; 60 contradicts itself.
    scan = scan_of(base, [1, 2, 3, 60, 60, 61], "bbaabb", batch)
    check = scan.conflicts(0.02)
    assert (check.rows, check.doubtful) == (6, 4)


def test_features_with_several_labels_in_the_base_set_contradict_nobody() -> None:
    base = labelled([1, 1, 2], "aba")
    assert base.natural_conflicts.matched == 2
    assert scan_of(base, [1, 1], "ab").conflicts(0.02).doubtful == 2
    assert scan_of(base, [1], "a").conflicts(0.02).doubtful == 0


@pytest.mark.parametrize(("share", "told"), [(0.5, False), (0.55, False), (0.95, True)])
def test_the_balance_of_labels_is_held_against_the_base_set(share: float, told: bool) -> None:
    base = labelled([*range(1000)], "ab" * 500)
    count = 400
    labels = "a" * round(share * count) + "b" * round((1 - share) * count)
    check = scan_of(base, [*range(2000, 2000 + count)], labels).balance(0.25)
    assert check.exceeded is told


@given(
    st.integers(2, 4).flatmap(
        lambda k: st.lists(
            st.tuples(st.integers(0, k - 1), st.lists(st.floats(0.01, 1), min_size=k, max_size=k)),
            min_size=1,
            max_size=30,
        )
    )
)
def test_without_thresholds_the_joint_is_scikit_learns_confusion_matrix(
    rows: list[tuple[int, list[float]]],
) -> None:
    labels = np.array([row[0] for row in rows])
    scores = np.array([row[1] for row in rows])
    joint = confident_joint(labels, scores, np.zeros(scores.shape[1]))
    expected = confusion_matrix(labels, scores.argmax(axis=1), labels=range(scores.shape[1]))
    assert np.array_equal(joint, expected)


def test_thresholds_are_the_mean_own_probabilities() -> None:
    labels = np.array([0, 0, 1])
    probabilities = np.array([[0.9, 0.1, 0.0], [0.5, 0.5, 0.0], [0.3, 0.7, 0.0]])
    assert class_thresholds(labels, probabilities).tolist() == [0.7, 0.7, 1.0]


def two_clouds(n: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    labels = random.integers(0, 2, n)
    return random.normal(size=(n, 4)) + 1.5 * labels[:, None], labels


@pytest.mark.parametrize("noise", [0.0, 0.1, 0.3])
def test_known_noise_is_recovered(noise: float) -> None:
    random = np.random.default_rng(5)
    features, labels = two_clouds(4000, random)
    model = LogisticRegression().fit(features[:1000], labels[:1000])
    test, wrong = model.predict_proba(features[1000:2000]), labels[2000:].copy()
    flipped = random.random(len(wrong)) < noise
    wrong[flipped] = 1 - wrong[flipped]
    thresholds = class_thresholds(labels[1000:2000], test)
    usual = noise_rate(confident_joint(labels[1000:2000], test, thresholds))
    rate = noise_rate(confident_joint(wrong, model.predict_proba(features[2000:]), thresholds))
    assert float(usual.share) < 0.02
    assert float(rate.share) == pytest.approx(noise, abs=0.03)


def opinion_of(benchmark: Benchmark) -> BaselineOpinion:
    spec, model = benchmark.spec, train(benchmark.base.table, benchmark.spec)
    test = benchmark.test.table
    return BaselineOpinion(
        lambda rows: predict_probabilities(model, rows, spec),
        np.array([spec.labels.index(label) for label in test[spec.target].to_pylist()]),
        predict_probabilities(model, test, spec),
    )


def flipped(table: pa.Table, spec: BenchmarkSpec, share: float) -> pa.Table:
    random = np.random.default_rng(9)
    labels = np.array(table[spec.target].to_pylist())
    chosen = random.random(len(labels)) < share
    for row in np.flatnonzero(chosen):
        others = [label for label in spec.labels if label != labels[row]]
        labels[row] = random.choice(others)
    position = table.column_names.index(spec.target)
    return table.set_column(position, spec.target, pa.array(labels.tolist()))


@pytest.mark.parametrize("name", ["sms-spam", "adult-income", "letter"])
def test_honest_contributions_pass_and_those_with_30_percent_flipped_labels_are_told(
    name: str, bundled: Callable[[str], Benchmark], privacy_key: PrivacyKey
) -> None:
    benchmark = bundled(name)
    opinion, spec = opinion_of(benchmark), benchmark.spec
    for file, table in bundled_contributions(benchmark, privacy_key).items():
        assert not label_noise(table, opinion, spec, 0.1).exceeded, file
        check = label_noise(flipped(table, spec, 0.3), opinion, spec, 0.1)
        assert check.exceeded, file
        (problem,) = label_problems([check], spec)
        assert problem.rule == "label-noise"


def test_no_rows_are_no_noise(bundled: Callable[[str], Benchmark]) -> None:
    benchmark = bundled("sms-spam")
    none = benchmark.base.table.slice(0, 0)
    check = label_noise(none, opinion_of(benchmark), benchmark.spec, 0.1)
    assert (check.rows, check.exceeded) == (0, False)
