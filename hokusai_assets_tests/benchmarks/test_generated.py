"""Tests of the generated rehearsal benchmark."""

from pathlib import Path

from hokusai_assets.benchmarks.generated import write_generated_benchmark
from hokusai_assets.benchmarks.loading import column_types, load_benchmark, nullable_columns
from hokusai_assets.tables.coercion import coerce_table
from hokusai_assets.tables.reading import read_table
from hokusai_assets_tests.benchmarks.small_benchmark import KEY


def files(root: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()
    }


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(tmp_path: Path) -> None:
    for name, seed in (("one", 3), ("same", 3), ("other", 4)):
        write_generated_benchmark(tmp_path / name, seed)
    one, same, other = (files(tmp_path / name) for name in ("one", "same", "other"))
    assert one == same
    assert {name for name in one if one[name] != other[name]} == {
        "benchmarks/generated/base.parquet",
        "benchmarks/generated/test.parquet",
        "contribution.csv",
    }


def test_the_benchmark_loads_and_its_contribution_fits_it(tmp_path: Path) -> None:
    folder, contribution = write_generated_benchmark(tmp_path, 1)
    benchmark = load_benchmark(folder, KEY)
    assert (benchmark.base.count, benchmark.test.count) == (200, 1000)
    types = column_types(benchmark.spec)
    table, problems = coerce_table(
        read_table(contribution), types, nullable_columns(benchmark.spec)
    )
    assert problems == [] and table.num_rows == 400 and set(table.column_names) == set(types)
    assert set(table.column("late").to_pylist()) == {"no", "yes"}


def test_the_contribution_holds_made_up_personal_data_and_the_sets_none(tmp_path: Path) -> None:
    folder, contribution = write_generated_benchmark(tmp_path, 1)
    text = contribution.read_text()
    assert text.count("@example.com") == 40 and text.count("202-555-01") == 40
    for name in ("base", "test"):
        notes = " ".join(read_table(folder / f"{name}.parquet").column("note").to_pylist())
        assert "@" not in notes and "555" not in notes
