"""Drift: the stability index as scipy's entropies give it, and what is told of real columns."""

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from hokusai_assets.benchmarks.loading import Benchmark
from hokusai_assets.contributions.drift import (
    MIN_ROWS,
    ColumnDrift,
    column_drift,
    drift_problems,
    stability_index,
    stability_limit,
    unseen_words,
)
from hokusai_assets.privacy.keys import PrivacyKey
from hokusai_assets_tests.contributions.leakage.simulated_files import (
    bundled_contributions,
    spec_of,
)

COUNTS = st.lists(st.tuples(st.integers(0, 500), st.integers(0, 500)), min_size=2, max_size=12)


@given(COUNTS)
def test_the_index_is_the_sum_of_both_relative_entropies(pairs: list[tuple[int, int]]) -> None:
    found, expected = np.array(pairs).T
    p, q = found + 0.5, expected + 0.5
    entropies = stats.entropy(p, q) + stats.entropy(q, p)
    assert stability_index(found, expected) == pytest.approx(entropies, abs=1e-9)
    assert stability_index(expected, found) == pytest.approx(entropies, abs=1e-9)


def test_chance_alone_stays_below_the_limit() -> None:
    random = np.random.default_rng(0)
    shares = np.array([0.4, 0.3, 0.2, 0.07, 0.03])
    told = 0
    for _ in range(2000):
        found, expected = random.multinomial(60, shares), random.multinomial(300, shares)
        told += stability_index(found, expected) > stability_limit(5, 60, 300, allowed=0.0)
    # One in a thousand by the approximation; with half a row in the rarest bins a few more.
    assert told <= 20


def rows(seed: int, n: int = 600) -> pa.Table:
    random = np.random.default_rng(seed)
    return pa.table(
        {
            "number": random.normal(size=n),
            "whole": random.integers(0, 5, n),
            "kind": pa.array(random.choice(["a", "b", "c"], n)),
            "flag": random.random(n) < 0.3,
            "day": pa.array(random.integers(0, 10**15, n), pa.timestamp("us", "UTC")),
            "text": [" ".join(random.choice(WORDS, 6)) for _ in range(n)],
            "label": ["a"] * n,
        }
    )


WORDS = [f"word{n}" for n in range(300)]
SPEC = spec_of(
    "drift",
    {
        "number": "number",
        "whole": "integer",
        "kind": "category",
        "flag": "boolean",
        "day": "datetime",
        "text": "text",
    },
    ["a", "b"],
)


def told(sample: pa.Table) -> list[tuple[str, str]]:
    drifts = column_drift(sample, rows(0), SPEC, 0.25)
    assert {(d.column, d.measure) for d in drifts} == {
        *((name, "values") for name in SPEC.feature_names),
        ("text", "words"),
    }
    return [(d.column, d.measure) for d in drifts if d.exceeded]


@pytest.mark.parametrize("n", [MIN_ROWS, 600])
def test_rows_from_the_same_source_are_not_told(n: int) -> None:
    assert told(rows(1, n)) == []


@pytest.mark.parametrize(
    ("column", "changed", "measure"),
    [
        ("number", lambda t: pa.array(np.asarray(t) * 1000), "values"),
        ("whole", lambda t: pa.array(np.asarray(t) + 3), "values"),
        ("kind", lambda t: pa.array(["d"] * len(t)), "values"),
        ("flag", lambda t: pa.array([True] * len(t)), "values"),
        ("day", lambda t: pa.array(np.asarray(t) + np.timedelta64(9000, "D")), "values"),
        ("text", lambda t: pa.array(["mot" * 8] * len(t)), "words"),
        ("number", lambda t: pa.nulls(len(t), pa.float64()), "values"),
        ("kind", lambda t: pa.nulls(len(t), pa.string()), "values"),
    ],
)
def test_a_changed_column_is_told_and_no_other(
    column: str, changed: Callable[[pa.Array], pa.Array], measure: str
) -> None:
    sample = rows(1)
    values = changed(sample[column].combine_chunks())
    position = sample.column_names.index(column)
    found = told(sample.set_column(position, column, values.cast(sample.schema.field(column).type)))
    assert (column, measure) in found
    assert {name for name, _ in found} == {column}


def test_the_order_of_rows_changes_nothing() -> None:
    sample = rows(1)
    turned = sample.take(pa.array(np.random.default_rng(2).permutation(sample.num_rows)))
    assert column_drift(turned, rows(0), SPEC, 0.25) == column_drift(sample, rows(0), SPEC, 0.25)


@pytest.mark.parametrize("n", [0, 1, MIN_ROWS - 1])
def test_a_handful_of_rows_is_not_told_however_far_off(n: int) -> None:
    foreign = pa.array(["mot" * 8] * n, pa.string())
    sample = rows(1).slice(0, n)
    sample = sample.set_column(sample.column_names.index("text"), "text", foreign)
    assert column_drift(sample, rows(0), SPEC, 0.25) == ()


def test_the_words_of_a_handful_of_texts_are_not_told_among_many_rows() -> None:
    sample = rows(1)
    texts = pa.array([*["mot" * 8] * 3, *[None] * (sample.num_rows - 3)], pa.string())
    sample = sample.set_column(sample.column_names.index("text"), "text", texts)
    drifts = column_drift(sample, rows(0), SPEC, 0.25)
    assert [d.measure for d in drifts if d.column == "text"] == ["values"]


def test_good_and_turing_estimate_what_share_of_words_is_new() -> None:
    random = np.random.default_rng(3)
    weights = 1 / np.arange(1, 5001)
    draw = lambda n: pa.array(  # noqa: E731
        [
            " ".join(f"w{i}" for i in random.choice(5000, 8, p=weights / weights.sum()))
            for _ in range(n)
        ]
    )
    unseen, expected = unseen_words(draw(2000), draw(2000))
    assert unseen == pytest.approx(expected, abs=0.02)
    assert expected > 0.05


def test_a_column_without_words_is_no_error() -> None:
    empty = pa.array(["", None, "..."], pa.string())
    assert unseen_words(empty, pa.array(["one two"])) == (0.0, 1.0)
    assert unseen_words(pa.array(["one"]), empty) == (1.0, 1.0)


def test_a_problem_names_the_column_and_no_value() -> None:
    (problem,) = drift_problems((ColumnDrift("kind", "values", 900_000, 260_000),))
    assert (problem.rule, problem.column) == ("column-drift", "kind")
    assert "0.90" in problem.message
    assert drift_problems((ColumnDrift("kind", "values", 1, 260_000),)) == []


@pytest.mark.parametrize("name", ["sms-spam", "adult-income", "letter"])
def test_no_bundled_contribution_drifts(
    name: str, bundled: Callable[[str], Benchmark], privacy_key: PrivacyKey
) -> None:
    benchmark = bundled(name)
    for table in bundled_contributions(benchmark, privacy_key).values():
        drifts = column_drift(table, benchmark.base.table, benchmark.spec, 0.25)
        assert [drift for drift in drifts if drift.exceeded] == []
