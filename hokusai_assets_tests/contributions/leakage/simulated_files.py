"""Benchmarks, honest contributions and attacks on them, for simulations of the leakage rules."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from sklearn import datasets

from hokusai_assets.benchmarks.loading import (
    Benchmark,
    column_types,
    load_benchmark,
    nullable_columns,
    privacy_policies,
)
from hokusai_assets.benchmarks.row_sets import RowSet
from hokusai_assets.benchmarks.spec import BenchmarkSpec
from hokusai_assets.contributions.leakage.report import LeakageReport, leakage_problems
from hokusai_assets.contributions.leakage.scan import BatchOverlap, LeakageScan
from hokusai_assets.privacy.keys import PrivacyKey
from hokusai_assets.privacy.pseudonymise import pseudonymise
from hokusai_assets.tables.coercion import coerce_table
from hokusai_assets.tables.problems import Problem
from hokusai_assets.tables.reading import read_table

DATA = Path(__file__).resolve().parents[3] / "data"
Attack = Callable[[pa.Table, BenchmarkSpec, np.random.Generator], pa.Table]


@dataclass(frozen=True)
class Pool:
    """A benchmark, and honest rows that stand in neither of its sets."""

    name: str
    benchmark: Benchmark
    honest: pa.Table


def scanned(table: pa.Table, benchmark: Benchmark) -> tuple[LeakageReport, np.ndarray]:
    """Scan a table in one batch; return the report and which rows would be removed."""
    scan = LeakageScan.of(benchmark)
    found = scan.add(table)
    # In canonical order, as the rows with the smallest digests are.
    new = RowSet.of(new_rows(table, found)).table
    return scan.report(new), found.in_test | found.near_test


def new_rows(table: pa.Table, found: BatchOverlap) -> pa.Table:
    return table.filter(pa.array(~(found.in_test | found.near_test | found.in_base)))


def problems_of(table: pa.Table, benchmark: Benchmark) -> list[Problem]:
    return leakage_problems(scanned(table, benchmark)[0], benchmark.spec)


def pools(key: PrivacyKey, seeds: Sequence[int]) -> list[Pool]:
    """Deal real sets and made ones anew, once per seed."""
    dealt_pools: list[Pool] = []
    for name in ("sms-spam", "adult-income", "letter"):
        benchmark = load_benchmark(DATA / "benchmarks" / name, key)
        names = benchmark.base.table.column_names
        tables = bundled_contributions(benchmark, key).values()
        extra = pa.concat_tables([table.select(names) for table in tables])
        dealt_pools += [resplit(benchmark, extra, seed, 0.35) for seed in seeds]
    for spec, table in library_rows():
        dealt_pools += [dealt(spec, table, seed, 0.4) for seed in seeds]
    return dealt_pools


def bundled_contributions(benchmark: Benchmark, key: PrivacyKey) -> dict[str, pa.Table]:
    """Read the bundled contributions to a benchmark, typed and pseudonymised."""
    spec = benchmark.spec
    tables = {}
    for path in sorted((DATA / "contributions" / spec.id).iterdir()):
        if path.name.endswith(".yaml"):
            continue
        typed, problems = coerce_table(read_table(path), column_types(spec), nullable_columns(spec))
        assert not problems
        tables[path.name], _ = pseudonymise(
            typed, policies=privacy_policies(spec), key=key, protected=(spec.target,)
        )
    return tables


def resplit(benchmark: Benchmark, extra: pa.Table, seed: int, test_share: float) -> Pool:
    """Deal all rows of a benchmark anew over base set, test set and honest rows."""
    names = benchmark.base.table.column_names
    parts = [part.select(names) for part in (benchmark.base.table, benchmark.test.table, extra)]
    rows = pa.concat_tables(parts)
    return dealt(benchmark.spec, rows, seed, test_share)


def dealt(spec: BenchmarkSpec, rows: pa.Table, seed: int, test_share: float) -> Pool:
    order = np.random.default_rng(seed).permutation(rows.num_rows)
    test, base = int(len(order) * test_share), max(50, len(order) // 8)
    cut = [order[:test], order[test : test + base], order[test + base :]]
    test_rows, base_rows, honest = (rows.take(pa.array(part)) for part in cut)
    benchmark = Benchmark(spec, RowSet.of(base_rows), RowSet.of(test_rows), "")
    return Pool(spec.id, benchmark, honest)


def spec_of(name: str, columns: dict[str, str], labels: list[str]) -> BenchmarkSpec:
    task = {"task": "binary", "positive_label": labels[0]} if len(labels) == 2 else {}
    return BenchmarkSpec.model_validate(
        {
            "version": 1,
            "id": name,
            "task": "multiclass",
            **task,
            "target": "label",
            "labels": labels,
            "data": {"train": "base.parquet", "test": "test.parquet"},
            "columns": {column: {"type": kind} for column, kind in columns.items()},
            "model": {"estimator": "logistic_regression"},
            "metrics": {"primary": "accuracy"},
        }
    )


def library_rows() -> Iterator[tuple[BenchmarkSpec, pa.Table]]:
    """Yield sets that scikit-learn brings or makes, and coarse ones with much natural overlap."""
    loaders = (datasets.load_breast_cancer, datasets.load_wine, datasets.load_digits)
    for loader in loaders:
        values, labels = loader(return_X_y=True)
        kind = "integer" if loader is datasets.load_digits else "number"
        yield _table(loader.__name__.removeprefix("load_"), values, labels, kind)
    for features, seed in ((5, 0), (20, 1)):
        values, labels = datasets.make_classification(
            6000, features, n_informative=3, n_redundant=1, random_state=seed
        )
        yield _table(f"made-{features}", values, labels, "number")
    for levels in (3, 6):
        random = np.random.default_rng(levels)
        values = random.geometric(0.5, (6000, 6)).clip(1, levels)
        columns = {f"f{i}": pa.array([f"v{v}" for v in values[:, i]]) for i in range(6)}
        labels = np.where(random.random(6000) < 0.4, "a", "b")
        spec = spec_of(f"coarse-{levels}", dict.fromkeys(columns, "category"), ["a", "b"])
        yield spec, pa.table({**columns, "label": labels})


def _table(
    name: str, values: np.ndarray, labels: np.ndarray, kind: str
) -> tuple[BenchmarkSpec, pa.Table]:
    dtype = np.int64 if kind == "integer" else np.float64
    columns = {f"f{i:02}": values[:, i].astype(dtype) for i in range(values.shape[1])}
    names = [f"c{label}" for label in labels]
    spec = spec_of(name.replace("_", "-"), dict.fromkeys(columns, kind), sorted(set(names)))
    return spec, pa.table({**columns, "label": names})


def drawn(table: pa.Table, count: int, random: np.random.Generator) -> pa.Table:
    count = min(count, table.num_rows)
    return table.take(pa.array(random.choice(table.num_rows, count, replace=False)))


def unchanged(table: pa.Table, spec: BenchmarkSpec, random: np.random.Generator) -> pa.Table:
    return table


def respelled(table: pa.Table, spec: BenchmarkSpec, random: np.random.Generator) -> pa.Table:
    """Change case, white space and, in running text, punctuation."""
    for index, name in enumerate(table.column_names):
        if name == spec.target or not pa.types.is_string(table.schema.field(name).type):
            continue
        given = table.column(name)
        values = pc.utf8_upper(given)
        if spec.columns[name].type == "text":
            values = pc.replace_substring_regex(values, r"[.,!?'\"]+", "")
            values = pc.replace_substring(values, " ", " - ")
        values = pc.binary_join_element_wise("  ", values, "\t", "")
        # A sender has the values, not the tokens that stand for them here.
        values = pc.if_else(pc.match_substring(given, "<"), given, values)
        table = table.set_column(index, name, values)
    return table


def jittered(table: pa.Table, spec: BenchmarkSpec, random: np.random.Generator) -> pa.Table:
    """Multiply numbers by 1 + N(0, 0.1%); whole numbers are rounded again."""
    return _numbers_changed(
        table, spec, lambda v: v * (1 + 0.001 * random.standard_normal(len(v))), None
    )


def shifted(table: pa.Table, spec: BenchmarkSpec, random: np.random.Generator) -> pa.Table:
    """Add N(0, 0.1%) of each column's SD."""
    return _numbers_changed(
        table, spec, lambda v: v + 0.001 * np.std(v) * random.standard_normal(len(v)), None
    )


def nudged_one(table: pa.Table, spec: BenchmarkSpec, random: np.random.Generator) -> pa.Table:
    """Move one numeric column by its last digit: 1 for whole numbers, else 0.1% of the SD."""
    names = _numeric(table, spec)
    chosen = names[int(random.integers(len(names)))] if names else None
    return _numbers_changed(table, spec, lambda v: _nudge(v, random), chosen or "-")


def nudged_all(table: pa.Table, spec: BenchmarkSpec, random: np.random.Generator) -> pa.Table:
    return _numbers_changed(table, spec, lambda v: _nudge(v, random), None)


def _nudge(values: np.ndarray, random: np.random.Generator) -> np.ndarray:
    whole = np.all(values == np.round(values))
    step = 1.0 if whole else 0.001 * float(np.std(values))
    return values + step * random.choice([-1.0, 1.0], len(values))


def _numeric(table: pa.Table, spec: BenchmarkSpec) -> list[str]:
    return [n for n in table.column_names if n != spec.target and _is_number(table, n)]


def _is_number(table: pa.Table, name: str) -> bool:
    kind = table.schema.field(name).type
    return pa.types.is_int64(kind) or pa.types.is_float64(kind)


def _numbers_changed(
    table: pa.Table,
    spec: BenchmarkSpec,
    change: Callable[[np.ndarray], np.ndarray],
    only: str | None,
) -> pa.Table:
    for name in _numeric(table, spec):
        if only is None or name == only:
            column = table.column(name)
            values = change(np.asarray(pc.fill_null(column, 0), dtype=np.float64))
            if pa.types.is_int64(column.type):
                values = np.round(values).astype(np.int64)
            changed = pc.if_else(pc.is_valid(column), pa.array(values), pa.scalar(None))
            table = table.set_column(table.column_names.index(name), name, changed)
    return table


def words_shuffled(table: pa.Table, spec: BenchmarkSpec, random: np.random.Generator) -> pa.Table:
    return _texts_changed(table, spec, lambda text: " ".join(random.permutation(text.split())))


def words_added(table: pa.Table, spec: BenchmarkSpec, random: np.random.Generator) -> pa.Table:
    """Put a word that means nothing after each word."""
    return _texts_changed(table, spec, lambda text: "".join(f"{w} zxq " for w in text.split()))


def cut_off(table: pa.Table, spec: BenchmarkSpec, random: np.random.Generator) -> pa.Table:
    return _texts_changed(table, spec, lambda text: text[len(text) // 3 :])


def misspelt(table: pa.Table, spec: BenchmarkSpec, random: np.random.Generator) -> pa.Table:
    """Put another letter in place of one in ten characters."""

    def changed(text: str) -> str:
        letters = random.integers(ord("a"), ord("z") + 1, len(text))
        hit = random.random(len(text)) < 0.1
        return "".join(
            chr(n) if h else c for c, n, h in zip(text, letters.tolist(), hit, strict=True)
        )

    return _texts_changed(table, spec, changed)


def marked_up(table: pa.Table, spec: BenchmarkSpec, random: np.random.Generator) -> pa.Table:
    return _texts_changed(
        table, spec, lambda text: "<p>" + text.replace(" ", "&nbsp;<b></b>") + "</p>"
    )


def letters_doubled(table: pa.Table, spec: BenchmarkSpec, random: np.random.Generator) -> pa.Table:
    return _texts_changed(table, spec, lambda text: "".join(2 * c for c in text))


def _texts_changed(table: pa.Table, spec: BenchmarkSpec, change: Callable[[str], str]) -> pa.Table:
    for index, name in enumerate(table.column_names):
        if name != spec.target and spec.columns[name].type == "text":
            values = [None if v is None else change(v) for v in table.column(name).to_pylist()]
            table = table.set_column(index, name, pa.array(values, pa.string()))
    return table


def two_moved(table: pa.Table, spec: BenchmarkSpec, random: np.random.Generator) -> pa.Table:
    """Move two numeric columns by a quarter of their SD, whole numbers by 2 at most."""
    names = _numeric(table, spec)
    for name in random.permutation(names)[:2].tolist():
        table = _numbers_changed(table, spec, lambda v: _moved(v, random), name)
    return table


def all_moved(table: pa.Table, spec: BenchmarkSpec, random: np.random.Generator) -> pa.Table:
    """Move every numeric column by up to 5% of its SD, whole numbers by -1, 0 or 1."""

    def change(values: np.ndarray) -> np.ndarray:
        if np.all(values == np.round(values)):
            return values + random.integers(-1, 2, len(values))
        return values + 0.05 * float(np.std(values)) * random.uniform(-1, 1, len(values))

    return _numbers_changed(table, spec, change, None)


def _moved(values: np.ndarray, random: np.random.Generator) -> np.ndarray:
    step = 0.25 * float(np.std(values))
    if np.all(values == np.round(values)):
        step = min(2.0, max(1.0, round(step)))
    return values + step * random.choice([-1.0, 1.0], len(values))


ATTACKS: dict[str, Attack] = {
    "plain": unchanged,
    "respelled": respelled,
    "jittered": jittered,
    "shifted": shifted,
    "one column nudged": nudged_one,
    "all columns nudged": nudged_all,
}

# Copies reworked so much that no cell need be what it was.
REWORKED_TEXTS: dict[str, Attack] = {
    "words shuffled": words_shuffled,
    "words added": words_added,
    "a third cut off": cut_off,
    "misspelt": misspelt,
    "marked up": marked_up,
    "letters doubled": letters_doubled,
}
REWORKED_NUMBERS: dict[str, Attack] = {"two moved": two_moved, "all moved": all_moved}
