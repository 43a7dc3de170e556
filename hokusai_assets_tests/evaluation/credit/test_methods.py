"""Contributions to a real benchmark, valued by every method with real training."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from hokusai_assets.benchmarks.generated import write_generated_benchmark
from hokusai_assets.benchmarks.loading import Benchmark, load_benchmark
from hokusai_assets.benchmarks.row_sets import RowSet, store_rows
from hokusai_assets.benchmarks.spec import BenchmarkSpec
from hokusai_assets.evaluation.credit.methods import (
    DEFAULT_METHOD,
    METHODS,
    NoCredit,
    value_contributions,
)
from hokusai_assets.evaluation.credit.trained_utility import (
    Contributed,
    JoinedRows,
    TrainedUtility,
    coalition_rows,
)
from hokusai_assets.evaluation.credit.values import Credit
from hokusai_assets.evaluation.measurement import averaging_of, predictions_on
from hokusai_assets.evaluation.metrics import METRICS
from hokusai_assets.evaluation.rounding import to_ppm
from hokusai_assets.models.training import train, training_rows
from hokusai_assets.privacy.keys import PrivacyKey

TRAINED = ("standalone", "sequential", "leave-one-out", "shapley")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, privacy_key: PrivacyKey) -> Benchmark:
    folder, _ = write_generated_benchmark(tmp_path_factory.mktemp("data"), seed=7)
    return load_benchmark(folder, privacy_key)


@pytest.fixture(scope="module")
def benchmark(whole: Benchmark) -> Benchmark:
    """The generated benchmark with 40 base rows: the others are to be contributed."""
    return replace(whole, base=RowSet.of(whole.base.table.slice(0, 40)))


def turned(table: pa.Table) -> pa.Table:
    """Return rows with every label wrong."""
    wrong = pc.if_else(pc.equal(table["late"], "yes"), "no", "yes")
    return table.set_column(table.column_names.index("late"), "late", wrong)


@pytest.fixture(scope="module")
def given(whole: Benchmark) -> list[Contributed]:
    """Two honest contributions and one with wrong labels, 50 rows each."""
    parts = [whole.base.table.slice(40 + 50 * i, 50) for i in range(3)]
    parts[1] = turned(parts[1])
    names = ("honest-one", "wrong", "honest-two")
    return [Contributed(name, RowSet.of(part)) for name, part in zip(names, parts, strict=True)]


def values_of(credit: Credit) -> dict[str, int]:
    return {value.key: value.value_ppm for value in credit.values}


@pytest.mark.parametrize("method", METHODS)
def test_wrong_labels_are_worth_least_by_every_method(
    benchmark: Benchmark, given: list[Contributed], method: str
):
    credit = value_contributions(benchmark, given, method, max_models=20)
    found = values_of(credit)
    assert list(found) == [contributed.key for contributed in given]
    assert found["wrong"] < min(found["honest-one"], found["honest-two"])
    assert [value.rows for value in credit.values] == [50, 50, 50]
    assert credit.method == method


@pytest.mark.parametrize("method", METHODS)
def test_neither_names_nor_the_order_of_contributions_or_rows_change_a_value(
    benchmark: Benchmark, given: list[Contributed], method: str
):
    order = {"order": ["c", "a", "b"]} if method == "sequential" else {}
    first = [replace(part, key=key) for part, key in zip(given, "abc", strict=True)]
    mixed = [
        Contributed(key, RowSet.of(part.rows.table.take(pa.array(np.arange(50)[::-1]))))
        for part, key in zip(given, "abc", strict=True)
    ][::-1]
    one = value_contributions(benchmark, first, method, max_models=20, **order)
    two = value_contributions(benchmark, mixed, method, max_models=20, **order)
    assert values_of(one) == values_of(two)
    renamed = [replace(part, key=key) for part, key in zip(given, "zyx", strict=True)]
    order = {"order": ["x", "z", "y"]} if order else {}
    three = value_contributions(benchmark, renamed, method, max_models=20, **order)
    assert list(values_of(three).values()) == list(values_of(one).values())


def test_alone_a_contribution_is_worth_what_its_evaluation_measures(
    benchmark: Benchmark, given: list[Contributed], tmp_path: Path
):
    spec = benchmark.spec

    def metric(rows: pa.Table) -> Fraction:
        said = predictions_on(train(rows, spec), benchmark.test.table, spec)
        return Fraction(METRICS[spec.metrics.primary].value(said, averaging_of(spec)))

    without = metric(training_rows(benchmark.base, [], spec))
    credit = value_contributions(benchmark, given, "standalone")
    for part, value in zip(given, credit.values, strict=True):
        stored = store_rows(part.rows.table, tmp_path / f"{part.key}.parquet")
        gain = metric(training_rows(benchmark.base, [stored], spec)) - without
        assert value.value_ppm == to_ppm(gain)
    assert credit.empty_ppm == to_ppm(without)
    assert credit.models_trained == 5


def test_sampled_training_rows_are_those_of_the_evaluation(
    benchmark: Benchmark, given: list[Contributed], tmp_path: Path
):
    document = benchmark.spec.model_dump(mode="json") | {"sampling": {"max_train_rows": 100}}
    # A limit above the base set and below both: Game and evaluation draw the same rows.
    spec = BenchmarkSpec.model_validate(document)
    large = benchmark.test.table.slice(0, 300)
    joined = JoinedRows.of(
        [Contributed("large", RowSet.of(large))], benchmark.base.table.column_names
    )
    stored = store_rows(large, tmp_path / "rows.parquet")
    found = coalition_rows(benchmark.base.table, joined, frozenset({0}), spec)
    assert found.num_rows == 100
    assert found.equals(training_rows(benchmark.base, [stored], spec).combine_chunks())


@pytest.mark.parametrize("method", ["sequential", "shapley", "knn-shapley"])
def test_methods_that_share_out_leave_no_gap(
    benchmark: Benchmark, given: list[Contributed], method: str
):
    credit = value_contributions(benchmark, given, method)
    assert credit.gap_ppm == 0
    total = sum(values_of(credit).values()) + (credit.base_ppm or 0)
    # Each value is rounded to a millionth by itself.
    assert abs(total - (credit.all_ppm - credit.empty_ppm)) <= 3


def test_two_copies_share_equally(benchmark: Benchmark, given: list[Contributed]):
    copies = [given[0], replace(given[0], key="copy")]
    shared = values_of(value_contributions(benchmark, copies, "shapley"))
    assert shared["honest-one"] == shared["copy"]


def test_many_contributions_are_estimated_with_an_error_that_covers_the_exact_value(
    benchmark: Benchmark, whole: Benchmark
):
    parts = [
        Contributed(f"part-{i}", RowSet.of(whole.base.table.slice(40 + 40 * i, 40)))
        for i in range(4)
    ]
    exact = value_contributions(benchmark, parts, "shapley", max_models=16)
    # Fifteen models are one too few for all coalitions, so orders are drawn.
    estimated = value_contributions(benchmark, parts, "shapley", max_models=15)
    assert exact.models_trained == 16
    assert exact.permutations is None
    assert estimated.models_trained <= 15
    assert estimated.permutations >= 2
    assert estimated.noise_ppm > 0
    for value, truth in zip(estimated.values, exact.values, strict=True):
        assert truth.error_ppm is None
        # Four standard errors, and what an order may leave unasked.
        allowed = 4 * value.error_ppm + estimated.noise_ppm // 10
        assert abs(value.value_ppm - truth.value_ppm) <= allowed
    assert abs(estimated.gap_ppm) <= estimated.noise_ppm // 10 + 1


def test_the_noise_is_the_bootstraps_of_the_test_set(
    benchmark: Benchmark, given: list[Contributed]
):
    accuracy = replace(
        benchmark,
        spec=BenchmarkSpec.model_validate(
            benchmark.spec.model_dump(mode="json") | {"metrics": {"primary": "accuracy"}}
        ),
    )
    utility = TrainedUtility(accuracy, JoinedRows.of(given, benchmark.base.table.column_names))
    value = float(utility(frozenset(range(3))))
    # A share's standard error, and 100 resamples tell it to some 7%; strata make it smaller.
    expected = (value * (1 - value) / benchmark.test.count) ** 0.5
    assert 0.7 * expected < utility.noise() < 1.2 * expected


def test_a_metric_where_lower_is_better_is_turned(benchmark: Benchmark, given: list[Contributed]):
    spec = BenchmarkSpec.model_validate(
        benchmark.spec.model_dump(mode="json") | {"metrics": {"primary": "log_loss"}}
    )
    credit = value_contributions(replace(benchmark, spec=spec), given, "standalone")
    assert credit.measure == "-log_loss"
    assert credit.all_ppm < 0
    assert min(values_of(credit), key=values_of(credit).get) == "wrong"


@pytest.mark.parametrize("method", ["knn-shapley", "data-oob"])
def test_rows_are_valued_too_and_the_wrong_ones_least(
    benchmark: Benchmark, given: list[Contributed], method: str
):
    credit = value_contributions(benchmark, given, method, max_models=20)
    rows = credit.rows.to_pandas()
    assert len(rows) == 40 + 150
    digests = {digest.hex() for part in given for digest in part.rows.digests}
    assert set(rows[rows.contribution != ""].row_digest) == digests
    per_row = rows.groupby("contribution").value.mean()
    assert per_row.idxmin() == "wrong"
    for value in credit.values:
        own = rows[rows.contribution == value.key].value
        total = own.sum() if method == "knn-shapley" else own.mean()
        assert value.value_ppm == pytest.approx(total * 1e6, abs=1)
    assert (credit.values[0].error_ppm is None) is (method == "knn-shapley")


def test_nearest_neighbours_train_nothing_and_are_the_default(
    benchmark: Benchmark, given: list[Contributed]
):
    assert DEFAULT_METHOD == "knn-shapley"
    assert value_contributions(benchmark, given, DEFAULT_METHOD).models_trained == 0


def test_progress_counts_the_models(benchmark: Benchmark, given: list[Contributed]):
    heard: list[tuple[int, int]] = []
    value_contributions(
        benchmark, given, "shapley", on_model=lambda done, most: heard.append((done, most))
    )
    assert heard == [(done, 8) for done in range(1, 9)]


@pytest.mark.parametrize(
    ("method", "settings", "said"),
    [
        ("shapely", {}, "known are standalone, sequential"),
        ("standalone", {"max_models": 4}, "trains 5 models, 4 are allowed"),
        ("sequential", {"max_models": 3}, "trains 4 models, 3 are allowed"),
        ("shapley", {"max_models": 7}, "at least 8 models"),
        ("data-oob", {"max_models": 9}, "needs 10 at least"),
        ("shapley", {"order": ["wrong"]}, "an order goes with method sequential"),
        ("sequential", {"order": ["wrong"]}, "must name each of"),
    ],
)
def test_what_cannot_be_done_is_said(
    benchmark: Benchmark, given: list[Contributed], method: str, settings: dict, said: str
):
    with pytest.raises(NoCredit, match=said):
        value_contributions(benchmark, given, method, **settings)


def test_no_contributions_and_a_repeated_one_are_refused(
    benchmark: Benchmark, given: list[Contributed]
):
    with pytest.raises(NoCredit, match="no contributions"):
        value_contributions(benchmark, [], "standalone")
    with pytest.raises(NoCredit, match="twice"):
        value_contributions(benchmark, [given[0], given[0]], "standalone")


@pytest.mark.parametrize("method", TRAINED)
def test_one_contribution_is_worth_the_same_by_all_methods_that_train(
    benchmark: Benchmark, given: list[Contributed], method: str
):
    credit = value_contributions(benchmark, given[:1], method, max_models=2)
    assert values_of(credit)["honest-one"] == pytest.approx(
        credit.all_ppm - credit.empty_ppm, abs=1
    )
    assert credit.models_trained == 2


def test_shares_are_of_the_sum_and_absent_where_it_says_nothing(
    benchmark: Benchmark, given: list[Contributed]
):
    alone = value_contributions(benchmark, [given[1]], "standalone")
    assert values_of(alone)["wrong"] < 0
    assert alone.shares_ppm is None
    honest = value_contributions(benchmark, [given[0], given[2]], "shapley")
    assert sum(honest.shares_ppm.values()) == pytest.approx(1_000_000, abs=1)
    assert value_contributions(benchmark, given, "data-oob", max_models=10).shares_ppm is None
    document = honest.to_dict()
    assert [entry["share_ppm"] for entry in document["contributions"]] == list(
        honest.shares_ppm.values()
    )


def respecified(benchmark: Benchmark, **changes: object) -> Benchmark:
    document = benchmark.spec.model_dump(mode="json") | changes
    return replace(benchmark, spec=BenchmarkSpec.model_validate(document))


@pytest.fixture(scope="module")
def split(benchmark: Benchmark) -> Benchmark:
    """The benchmark with two fifths of its test rows public; the others decide."""
    return respecified(
        benchmark,
        test_split={"public_share": 0.4},
        delta_one=benchmark.spec.delta_one.model_dump(mode="json") | {"min_examples": 10},
    )


@pytest.mark.parametrize("method", METHODS)
def test_of_a_split_test_set_the_private_part_has_no_say(
    split: Benchmark, given: list[Contributed], method: str
):
    public = RowSet.of(split.test_rows_of(split.split.shown))
    without = replace(respecified(split, test_split=None), test=public)
    one = value_contributions(split, given, method, max_models=20)
    two = value_contributions(without, given, method, max_models=20)
    told, expected = one.to_dict(), two.to_dict()
    asked = None if method == "data-oob" else "public"
    assert (told.pop("part"), expected.pop("part")) == (asked, asked and "whole")
    assert told == expected
    assert one.test_rows == (public.count if asked else None)
    assert public.count < split.test.count / 2


@pytest.fixture(scope="module")
def forest(benchmark: Benchmark) -> Benchmark:
    """The benchmark with an estimator that draws random numbers, and three replicas of each."""
    model = {"estimator": "random_forest", "params": {"n_estimators": 5}, "seeds": 3}
    return respecified(benchmark, model=model)


def test_a_value_is_the_mean_over_the_specs_replicas(
    forest: Benchmark, given: list[Contributed], tmp_path: Path
):
    spec = forest.spec
    stored = store_rows(given[0].rows.table, tmp_path / "rows.parquet")

    def metrics(rows: pa.Table) -> list[Fraction]:
        said = [
            predictions_on(train(rows, spec, replica=replica), forest.test.table, spec)
            for replica in range(3)
        ]
        metric = METRICS[spec.metrics.primary]
        return [Fraction(metric.value(one, averaging_of(spec))) for one in said]

    without = metrics(training_rows(forest.base, [], spec))
    alone = metrics(training_rows(forest.base, [stored], spec))
    assert len(set(alone)) > 1
    credit = value_contributions(forest, given[:1], "standalone")
    assert values_of(credit) == {"honest-one": to_ppm((sum(alone) - sum(without)) / 3)}
    assert (credit.replicas, credit.models_trained) == (3, 6)


def test_every_replica_counts_in_progress_and_in_what_may_be_trained(
    forest: Benchmark, given: list[Contributed]
):
    heard: list[tuple[int, int]] = []
    credit = value_contributions(
        forest,
        given[:2],
        "shapley",
        max_models=14,
        on_model=lambda done, most: heard.append((done, most)),
    )
    assert heard == [(done, 12) for done in (3, 6, 9, 12)]
    assert credit.models_trained == 12
    for method, least in (("shapley", 12), ("standalone", 12)):
        with pytest.raises(NoCredit, match=rf"{least} models \(3 replicas each\), 11 are allowed"):
            value_contributions(forest, given[:2], method, max_models=11)
