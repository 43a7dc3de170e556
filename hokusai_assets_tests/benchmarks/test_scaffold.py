"""Tests that a scaffolded benchmark loads, says what it guessed, and is made whole or not."""

import datetime
import re
import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from hokusai_assets.benchmarks import scaffold
from hokusai_assets.benchmarks.loading import find_benchmarks, load_benchmark, load_spec
from hokusai_assets.benchmarks.scaffold import scaffold_benchmark
from hokusai_assets.benchmarks.spec import BenchmarkSpec, SpecError
from hokusai_assets.privacy.custom import PrivacySpec
from hokusai_assets.privacy.recognisers import ENTITIES
from hokusai_assets_tests.benchmarks.small_benchmark import KEY

BUNDLED = Path(__file__).parents[2] / "data" / "benchmarks"
TARGETS = {"adult-income": "income", "letter": "c16", "sms-spam": "label"}


def save(folder: Path, name: str, table: pa.Table, ending: str = ".parquet") -> Path:
    path = folder / f"{name}{ending}"
    if ending == ".parquet":
        pq.write_table(table, path)
    else:
        pa_csv.write_csv(table, path)
    return path


def made(
    folder: Path, train: pa.Table, test: pa.Table | None = None, ending: str = ".parquet"
) -> BenchmarkSpec:
    """Scaffold a benchmark and load it, data and all."""
    path = scaffold_benchmark(
        folder / "benchmarks",
        "new-one",
        train=save(folder, "train", train, ending),
        test=save(folder, "held-out", train if test is None else test, ending),
        target="y",
    )
    return load_benchmark(path.parent, KEY).spec


def refusal(folder: Path, train: pa.Table, test: pa.Table | None = None, **other: Any) -> str:
    options: dict[str, Any] = {"target": "y"} | other
    with pytest.raises(SpecError) as caught:
        scaffold_benchmark(
            folder / "benchmarks",
            "new-one",
            train=save(folder, "train", train),
            test=save(folder, "held-out", train if test is None else test),
            **options,
        )
    assert not (folder / "benchmarks").exists() or list((folder / "benchmarks").iterdir()) == []
    return str(caught.value)


Y = ["no", "yes", "no", "no"]


@pytest.mark.parametrize("ending", [".parquet", ".csv"])
@pytest.mark.parametrize("name", TARGETS)
def test_the_bundled_data_gives_a_spec_that_loads_with_the_curated_types(
    tmp_path: Path, name: str, ending: str
) -> None:
    curated = load_spec(BUNDLED / name)
    train, test = (
        save(tmp_path, part, pq.read_table(BUNDLED / name / f"{part}.parquet"), ending)
        for part in ("base", "test")
    )
    path = scaffold_benchmark(tmp_path / "new", name, train=train, test=test, target=TARGETS[name])
    benchmark = load_benchmark(path.parent, KEY)
    found = benchmark.spec
    assert (found.task, found.labels, found.target) == (
        curated.task,
        curated.labels,
        curated.target,
    )
    types = {column: spec.type for column, spec in found.columns.items()}
    assert types == {column: spec.type for column, spec in curated.columns.items()}
    assert found.positive_label == {"adult-income": ">50K", "sms-spam": "bad"}.get(name)
    text = path.read_text()
    assert "read it, correct it" in text and "drop leaves the column out" in text
    assert f"# {benchmark.base.count} rows" in text
    assert ("the rarer one" in text) == (found.task == "binary")


def test_every_type_is_inferred_from_stored_columns(tmp_path: Path) -> None:
    table = pa.table(
        {
            "i": [1, 2, 3, 4],
            "f": [0.5, float("nan"), 1.0, 2.0],
            "b": [True, None, False, True],
            "d": [datetime.datetime(2024, 5, day) for day in (1, 2, 3, 4)],
            "c": pa.array(["x", "y", "x", "y"]).dictionary_encode(),
            "t": ["one", "two", "three", " "],
            "y": Y,
        }
    )
    other = table.set_column(5, "t", pa.array(["four", "five", "six", "seven"]))
    columns = made(tmp_path, table, other).columns
    assert {name: (spec.type, spec.nullable) for name, spec in columns.items()} == {
        "i": ("integer", False),
        "f": ("number", True),
        "b": ("boolean", True),
        "d": ("datetime", False),
        "c": ("category", False),
        "t": ("text", True),
    }
    assert {spec.pii for spec in columns.values()} == {"auto"}


def test_every_entity_a_column_may_be_is_named_in_the_spec(tmp_path: Path) -> None:
    spec = made(tmp_path, pa.table({"a": [1, 2, 3, 4], "y": Y}))
    text = next(tmp_path.rglob("benchmark.yaml")).read_text(encoding="utf-8")
    comments = " ".join(line for line in text.splitlines() if line.startswith("#"))
    assert {entity.lower() for entity in ENTITIES} <= set(re.findall(r"\w+", comments))
    assert spec.privacy == PrivacySpec()


def test_leading_zeros_and_large_identifiers_stay_text_in_csv(tmp_path: Path) -> None:
    table = pa.table({"zip": ["01234", "99999"] * 2, "id": ["9" * 20, "8" * 20] * 2, "y": Y})
    spec = made(tmp_path, table, ending=".csv")
    assert {column.type for column in spec.columns.values()} == {"category"}


@pytest.mark.parametrize("ending", [".parquet", ".csv"])
def test_types_and_missing_cells_of_the_test_set_count_too(tmp_path: Path, ending: str) -> None:
    train = pa.table({"a": [1, 2, 3, 4], "b": [1, 2, 3, 4], "c": ["p", "p", "q", "q"], "y": Y})
    test = pa.table({"a": [1, None, 3, 4], "b": [1.5, 2, 3, 4], "c": ["q", None, "p", "p"], "y": Y})
    columns = made(tmp_path, train, test, ending).columns
    assert {name: (spec.type, spec.nullable) for name, spec in columns.items()} == {
        "a": ("integer", True),
        "b": ("number", False),
        "c": ("category", True),
    }


def test_columns_that_no_type_holds_are_left_out_by_a_comment(tmp_path: Path) -> None:
    table = pa.table({"a": [1, 2, 3, 4], "odd one": [[1], [2], [3], [4]], "y": Y})
    spec = made(tmp_path, table)
    assert set(spec.columns) == {"a"}
    text = (tmp_path / "benchmarks" / "new-one" / "benchmark.yaml").read_text()
    assert '# "odd one" is left out: no type here holds list<' in text


@pytest.mark.parametrize(
    ("labels", "expected", "positive"),
    [
        (["yes", "no", "no", "no"], ("no", "yes"), "yes"),
        ([True, False, True, True], ("false", "true"), "false"),
        ([1, 0, 0, 0], ("0", "1"), "1"),
        (["01", "1", "1", "1"], ("01", "1"), "01"),
        (["null", "~", "~", "~"], ("null", "~"), "null"),
        ([" a", "b ", "b", "a"], ("a", "b"), "a"),
        (["a", "b", "c", "a"], ("a", "b", "c"), None),
    ],
)
@pytest.mark.parametrize("ending", [".parquet", ".csv"])
def test_labels_are_those_that_loading_finds(
    tmp_path: Path, labels: list, expected: tuple, positive: str | None, ending: str
) -> None:
    spec = made(tmp_path, pa.table({"a": [1, 2, 3, 4], "y": labels}), ending=ending)
    assert (spec.labels, spec.positive_label) == (expected, positive)


AWKWARD = ["yes", "null", "~", "a: b", "# no", "[x]", "{y}", "1", "1.5", "é\u2028", '"q"', "\\", ""]


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(AWKWARD))
def test_any_name_is_quoted_so_that_yaml_reads_it_back(text: str) -> None:
    quoted = scaffold._quoted(text)
    yaml = YAML(typ="safe", pure=True)
    assert yaml.load(f"key: {quoted}   # comment\n") == {"key": text}
    assert yaml.load(f"key: [{quoted}, b]\n") == {"key": [text, "b"]}
    assert yaml.load(f"  {quoted}: {{type: text}}\n") == {text: {"type": "text"}}


def test_awkward_column_names_and_labels_load(tmp_path: Path) -> None:
    columns = {name: [1, 2, 3, 4] for name in AWKWARD}
    spec = made(tmp_path, pa.table(columns | {"y": ["a: b", "# no", "# no", "# no"]}))
    assert set(spec.columns) == set(AWKWARD) and spec.positive_label == "a: b"


def test_the_files_are_copied_as_they_are(tmp_path: Path) -> None:
    table = pa.table({"a": [1, 2, 3, 4], "y": Y})
    made(tmp_path, table, ending=".csv")
    folder = tmp_path / "benchmarks" / "new-one"
    assert sorted(path.name for path in folder.iterdir()) == [
        "base.csv",
        "benchmark.yaml",
        "test.csv",
    ]
    assert (folder / "base.csv").read_bytes() == (tmp_path / "train.csv").read_bytes()
    assert [path.name for path in (tmp_path / "benchmarks").iterdir()] == ["new-one"]


# --- refusals -------------------------------------------------------------------------------

GOOD = pa.table({"a": [1, 2, 3, 4], "y": Y})


def test_an_id_that_is_taken_is_refused_and_what_has_it_is_left_alone(tmp_path: Path) -> None:
    made(tmp_path, GOOD)
    spec = tmp_path / "benchmarks" / "new-one" / "benchmark.yaml"
    spec.write_text("edited")
    with pytest.raises(SpecError, match="the folder exists; choose another id"):
        made(tmp_path, GOOD)
    assert spec.read_text() == "edited"


@pytest.mark.parametrize("name", ["", "New", "1a", "a/b", "..", "a" * 41, "a\n", "a_b"])
def test_a_malformed_id_is_refused_with_what_is_allowed(tmp_path: Path, name: str) -> None:
    path = save(tmp_path, "x", GOOD)
    with pytest.raises(SpecError, match="lower-case letters, digits and dashes"):
        scaffold_benchmark(tmp_path / "benchmarks", name, train=path, test=path, target="y")
    assert not (tmp_path / "benchmarks").exists()


def test_a_missing_target_is_refused_with_the_columns_there_are(tmp_path: Path) -> None:
    message = refusal(tmp_path, GOOD, target="label")
    assert "--target: train.parquet has no column 'label'; it has 'a', 'y'" in message


@pytest.mark.parametrize(
    ("train", "test", "words"),
    [
        ({"y": ["no"] * 4}, None, "--train: 'y' has 1 different values; a target has 2 to 1000"),
        ({}, {"y": ["no"] * 4}, "--test: 'y' has 1 different values"),
        ({"y": ["no", "yes", "so", "so"]}, {}, "labels ['so'] do not occur in the test set"),
        ({}, {"y": ["no", "yes", "so", "so"]}, "labels ['so'] of the test set do not occur"),
        ({"y": ["no", "yes", None, " "]}, None, "column 'y', rows 3 and 4: the cell is empty"),
        ({"y": [0.0, 1.0, 0.0, 1.0]}, None, "--train: column 'y', rows 1, 2, 3 and 4: not a text"),
        ({"a": [[1], [2], [3], [4]]}, None, "no column that can be a feature"),
    ],
)
def test_data_that_no_spec_can_fit_is_refused(
    tmp_path: Path, train: dict, test: dict | None, words: str
) -> None:
    columns = {"a": [1, 2, 3, 4], "y": Y}
    held_out = None if test is None else pa.table(columns | test)
    assert words in refusal(tmp_path, pa.table(columns | train), held_out)


def test_a_target_alone_is_refused(tmp_path: Path) -> None:
    assert "no column that can be a feature" in refusal(tmp_path, pa.table({"y": Y}))


def test_columns_that_the_test_set_lacks_are_named(tmp_path: Path) -> None:
    message = refusal(tmp_path, GOOD, pa.table({"y": Y}))
    assert "held-out.parquet: lacks the columns ['a'] of train.parquet" in message


def test_a_file_that_cannot_be_read_is_a_spec_error(tmp_path: Path) -> None:
    path = save(tmp_path, "x", GOOD)
    torn = tmp_path / "torn.parquet"
    torn.write_bytes(path.read_bytes()[:-7])
    for train, words in ((torn, "torn.parquet"), (tmp_path / "absent.csv", "absent.csv")):
        with pytest.raises(SpecError, match=words):
            scaffold_benchmark(tmp_path / "benchmarks", "new", train=train, test=path, target="y")


@pytest.mark.parametrize("fault", [OSError("disk full"), KeyboardInterrupt()])
def test_a_fault_on_the_way_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: BaseException
) -> None:
    copied = []

    copy = shutil.copyfile

    def fail_at_the_second(source: Path, target: Path) -> None:
        copied.append(target)
        if len(copied) == 2:
            raise fault
        copy(source, target)

    monkeypatch.setattr(scaffold.shutil, "copyfile", fail_at_the_second)
    with pytest.raises(type(fault)):
        made(tmp_path, GOOD)
    assert len(copied) == 2 and list((tmp_path / "benchmarks").iterdir()) == []


def test_what_a_killed_process_leaves_is_no_benchmark_and_no_obstacle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object, **__: object) -> None:
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", killed)
        patch.setattr(scaffold.shutil, "rmtree", lambda *_, **__: None)
        with pytest.raises(SystemExit):
            made(tmp_path, GOOD)
    root = tmp_path / "benchmarks"
    assert len(list(root.glob("*/benchmark.yaml"))) == 1
    assert list(find_benchmarks(root)) == []
    made(tmp_path, GOOD)
    assert [folder.name for folder in find_benchmarks(root)] == ["new-one"]
