"""Tests of loading: what every error names, and what the hashes of a set depend on."""

import re
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hokusai_assets.benchmarks.loading import (
    column_types,
    find_benchmarks,
    load_benchmark,
    load_spec,
    nullable_columns,
    privacy_policies,
    recognisers_for,
)
from hokusai_assets.benchmarks.row_sets import RowSet
from hokusai_assets.benchmarks.spec import BenchmarkSpec, SpecError
from hokusai_assets.privacy.keys import PrivacyKey
from hokusai_assets.privacy.tokens import reduce_table
from hokusai_assets.tables.reading import read_table
from hokusai_assets_tests.benchmarks.small_benchmark import KEY, SPEC_TEXT, rows, write, write_small

BUNDLED = Path(__file__).parents[2] / "data" / "benchmarks"


def spec_error(root: Path, one: str, other: str) -> str:
    """Return the error of the small spec with one piece of its text replaced."""
    assert SPEC_TEXT.count(one) == 1
    folder = write_small(root, SPEC_TEXT.replace(one, other))
    with pytest.raises(SpecError) as caught:
        load_spec(folder)
    assert str(folder / "benchmark.yaml") in str(caught.value)
    return str(caught.value)


def load_error(folder: Path) -> str:
    with pytest.raises(SpecError) as caught:
        load_benchmark(folder, KEY)
    assert str(folder / "benchmark.yaml") in str(caught.value)
    return str(caught.value)


# --- the spec -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other", "words"),
    [
        ("primary: auroc", "primary: auc", ["metrics.primary", "'auc'", "'auroc'", "'log_loss'"]),
        ("[f1, accuracy]", "[f1, acc]", ["metrics.secondary.1", "'acc'", "'accuracy'"]),
        ("guardrails: {accuracy", "guardrails: {acuracy", ["guardrails.acuracy", "'accuracy'"]),
        ("seed: 7", "sede: 7", ["sede: unknown key", "did you mean 'seed'?", "allowed here"]),
        ("type: text", "tipe: text", ["columns.note.tipe", "did you mean 'type'?", "nullable"]),
        ("max_drop_bps: 50", "drop_bps: 50", ["guardrails.accuracy.drop_bps", "'max_drop_bps'?"]),
        ("train: base", "trian: base", ["data.trian", "did you mean 'train'?", "data.train: the"]),
        (
            "seed: 7",
            "seed: 7\nprivacy: {recognisers: [{entity: STAFF, patern: x1}]}",
            ["privacy.recognisers.0.patern", "did you mean 'pattern'?", "callable"],
        ),
        (
            "seed: 7",
            "seed: 7\nprivacy: {recognisers: [{entity: EMAIL, pattern: x1}]}",
            ["privacy.recognisers.0.entity", "built-in"],
        ),
        (
            "seed: 7",
            "seed: 7\nprivacy: {phone_regions: [XX]}",
            ["privacy.phone_regions", "ISO 3166"],
        ),
        ("params: {", "parms: {", ["model.parms", "did you mean 'params'?", "estimator"]),
        ("type: number", "type: float", ["columns.km.type", "'float'", "'number'", "'datetime'"]),
        ("seed: 7", "seed: seven", ["seed", "'seven'", "integer"]),
        ("seed: 7", "seed: -1", ["seed", "-1", "greater than or equal to 0"]),
        (
            "seed: 7",
            "delta_one: {min_delta_bps: 1.5}",
            ["delta_one.min_delta_bps", "1.5"],
        ),
        ("target: late\n", "", ["target: the key is missing"]),
        ("task: binary", "task: regression", ["task", "'regression'", "'binary'", "'multiclass'"]),
        ("[no, yes]", "[0, 1]", ["labels.0", "found 0", "put it in quotes", "labels.1"]),
        ("[no, yes]", "[true, false]", ["labels.0", "found True", "put it in quotes"]),
        ("positive_label: yes", "positive_label: ja", ["positive_label", "'ja'", "['no', 'yes']"]),
        ("id: small", "id: other", ["id", "'other'", "'small'"]),
        ("id: small", "id: Small One", ["id", "'Small One'", "pattern"]),
        ("logistic_regression", "logistic", ["model.estimator", "'logistic'", "naive_bayes"]),
        ("seed: 7", "seed: 7\nseed: 8", ["not valid YAML", "duplicate key", "line"]),
        ("labels: [no, yes]", "labels: [no, yes", ["not valid YAML", "line"]),
        ("seed: 7", "seed: !!python/object:os.system {}", ["not valid YAML", "python/object"]),
        ("seed: 7", "licence: 2024-02-31", ["not valid YAML", "day"]),
        ("seed: 7", "licence: 2024-02-28", ["licence", "string"]),
        ("params: {C: 0.5,", "params: {C: 2024-02-28,", ["model.params", "no date", "$.C"]),
        ("seed: 7", "seed: " + "[" * 1000, ["not valid YAML"]),
        ("  km:", "  1: {type: text}\n  km:", ["columns.1", "found 1", "put it in quotes"]),
        ("version: 1", "version: 3", ["version", "found 3", "should be 1"]),
        ("version: 1", "version: true", ["version", "should be 1"]),
        ("seed: 7", "seed: true", ["seed: found True, an integer is needed"]),
        ("seed: 7", "seed: 7.0", ["seed: found 7.0, an integer is needed"]),
        ("seed: 7", 'seed: "3"', ["seed: found '3', an integer is needed, without quotes"]),
        ("params:", "seeds: true, params:", ["model.seeds: found True, an integer is needed"]),
        ("params:", 'seeds: "3", params:', ["model.seeds: found '3', an integer is needed"]),
        ("params:", 'text: {max_features: "9"}, params:', ["max_features: found '9', an integer"]),
        ("params:", "text: {word_ngrams: [true, 2]}, params:", ["word_ngrams", "an integer is"]),
        (
            "seed: 7",
            'delta_one: {submissions: "4"}',
            ["delta_one.submissions: found '4', an integer is needed, without quotes"],
        ),
        ("drop_bps: 50", 'drop_bps: "50"', ["guardrails.accuracy.max_drop_bps: found '50'"]),
        (
            "seed: 7",
            "seed: 7\ntest_split: {publik_share: .3}",
            ["test_split.publik_share", "did you mean 'public_share'? allowed here: public_share"],
        ),
    ],
)
def test_a_spec_error_names_the_key_what_was_found_and_what_is_allowed(
    tmp_path: Path, one: str, other: str, words: list[str]
) -> None:
    message = spec_error(tmp_path, one, other)
    assert [word for word in words if word not in message] == []


@pytest.mark.parametrize(
    "key",
    ["test_split", "lineage", "sampling", "intake", "delta_one", "baseline", "privacy", "slices",
     "class_guardrails"],
)  # fmt: skip
def test_a_group_that_is_written_but_empty_is_a_slip(tmp_path: Path, key: str) -> None:
    message = spec_error(tmp_path, "seed: 7", f"seed: 7\n{key}:")
    assert message.endswith(f": {key}: the key is empty; fill it or leave it out")


def test_empty_groups_within_groups_and_required_ones_are_slips_too(tmp_path: Path) -> None:
    inner = spec_error(tmp_path / "1", "seed: 7", "intake:\n  limits:")
    assert inner.endswith(": intake.limits: the key is empty; fill it or leave it out")
    required = spec_error(tmp_path / "2", "{train: base.parquet, test: test.parquet}", "")
    assert required.endswith(": data: the key is empty; fill it")


def test_a_stored_spec_may_state_that_a_group_is_not_there(tmp_path: Path) -> None:
    spec = load_spec(write_small(tmp_path))
    stored = spec.model_dump(mode="json")
    assert stored["test_split"] is None
    assert BenchmarkSpec.model_validate(stored) == spec


@pytest.mark.parametrize(
    ("train", "told"),
    [
        ("../x", "found '../x', a file name beside benchmark.yaml, without a folder"),
        ("null", "found None, a file name beside benchmark.yaml is needed, or a list of them"),
        ("[]", "found [], a file name beside benchmark.yaml is needed, or a list of them"),
    ],
)
def test_a_train_file_that_is_none_is_told_once(tmp_path: Path, train: str, told: str) -> None:
    message = spec_error(tmp_path, "train: base.parquet", f"train: {train}")
    assert message.endswith(f"benchmark.yaml: data.train: {told}")


def test_all_errors_of_a_spec_are_told_at_once(tmp_path: Path) -> None:
    message = spec_error(tmp_path, "seed: 7", "seed: x\ntitel: y\ntracking: maybe")
    assert all(key in message for key in ("seed:", "titel:", "tracking:", "did you mean 'title'?"))


@pytest.mark.parametrize("text", ["", "- a\n", "just words", "7"])
def test_a_spec_that_is_no_mapping_is_refused(tmp_path: Path, text: str) -> None:
    folder = write_small(tmp_path)
    (folder / "benchmark.yaml").write_text(text)
    with pytest.raises(SpecError, match="a mapping of keys is needed"):
        load_spec(folder)


def test_a_spec_that_is_missing_or_not_utf8_or_a_folder_is_refused(tmp_path: Path) -> None:
    folder = write_small(tmp_path)
    path = folder / "benchmark.yaml"
    path.write_bytes(b"title: \xe9\n")
    with pytest.raises(SpecError, match=re.escape(str(path))):
        load_spec(folder)
    path.unlink()
    with pytest.raises(SpecError, match="the file is missing"):
        load_spec(folder)
    path.mkdir()
    with pytest.raises(SpecError, match="can't be read"):
        load_spec(folder)


def test_words_that_yaml_1_1_takes_for_booleans_stay_text(tmp_path: Path) -> None:
    text = SPEC_TEXT.replace("[no, yes]", "[off, y]").replace("label: yes", "label: y")
    spec = load_spec(write_small(tmp_path, text))
    assert spec.labels == ("off", "y") and spec.positive_label == "y"
    assert spec.model.params == {"C": 0.5, "tol": 0.0001}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_a_damaged_spec_raises_nothing_but_a_spec_error(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    text = SPEC_TEXT
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(text)))
        cut = data.draw(st.integers(0, 8))
        new = data.draw(st.text("{}[]:,-&*!?|>'\"%@`# \n\t\0aé1.", max_size=5))
        text = text[:at] + new + text[at + cut :]
    folder = tmp_path_factory.mktemp("damaged") / "small"
    folder.mkdir()
    (folder / "benchmark.yaml").write_text(text, encoding="utf-8")
    try:
        spec = load_spec(folder)
    except SpecError as error:
        assert str(folder / "benchmark.yaml") in str(error)  # noqa: PT017
    else:
        assert len(spec.spec_hash()) == 64


# --- the data against the spec --------------------------------------------------------------


def test_a_missing_data_file_is_named_with_its_key(tmp_path: Path) -> None:
    folder = write_small(tmp_path)
    (folder / "test.parquet").unlink()
    message = load_error(folder)
    assert "data.test" in message and "test.parquet can't be read" in message
    (folder / "base.parquet").unlink()
    assert "data.train: base.parquet can't be read" in load_error(folder)


def test_a_damaged_data_file_is_named_with_its_key(tmp_path: Path) -> None:
    folder = write_small(tmp_path)
    data = (folder / "base.parquet").read_bytes()
    (folder / "base.parquet").write_bytes(data[:-9])
    message = load_error(folder)
    assert "data.train" in message and "base.parquet: the file is no complete" in message


def test_a_column_that_a_data_file_lacks_is_named_with_those_it_has(tmp_path: Path) -> None:
    message = load_error(write_small(tmp_path, test=rows(9).drop_columns(["km", "late"])))
    assert "data.test" in message and "test.parquet has no column 'km', 'late'" in message
    assert "it has 'parcels', 'note'" in message


def test_cells_that_do_not_fit_are_named_by_row_without_their_value(tmp_path: Path) -> None:
    base = rows(9)
    base = base.set_column(0, "parcels", pa.array(["1"] * 7 + ["swordfish"] * 2))
    message = load_error(write_small(tmp_path, base=base))
    assert "data.train" in message and "column 'parcels', rows 8 and 9" in message
    assert "swordfish" not in message


def test_a_missing_label_cell_is_refused_even_where_cells_may_be_missing(tmp_path: Path) -> None:
    base = rows(9).set_column(3, "late", pa.array(["yes", "no", None] * 3))
    message = load_error(write_small(tmp_path, base=base))
    assert "column 'late', rows 3, 6 and 9: the cell is empty" in message


@pytest.mark.parametrize(("part", "key"), [("base", "data.train"), ("test", "data.test")])
def test_a_label_that_does_not_occur_is_named_with_the_set(
    tmp_path: Path, part: str, key: str
) -> None:
    only = rows(12).filter(pc.equal(rows(12).column("late"), "no"))
    message = load_error(write_small(tmp_path, **{part: only}))
    assert f"labels: ['yes'] do not occur in {key} ({part}.parquet)" in message
    assert "its labels are ['no']" in message


def test_a_label_that_the_spec_does_not_know_is_named_with_those_it_knows(tmp_path: Path) -> None:
    base = rows(3).set_column(3, "late", pa.array(["yes", "no", "perhaps"]))
    message = load_error(write_small(tmp_path, base=base))
    assert "base.parquet also holds ['perhaps']" in message
    assert "allowed are ['no', 'yes']" in message


def test_an_unknown_privacy_policy_is_an_error_of_the_spec(tmp_path: Path) -> None:
    for position, policy in enumerate(("pii:shoesize", "pii:shoe_size")):
        text = SPEC_TEXT.replace("{type: text}", f"{{type: text, pii: {policy}}}")
        message = load_error(write_small(tmp_path / str(position), text))
        assert "columns.note.pii" in message and policy in message


PRIVATE = rows(30).set_column(
    2, "note", pa.array(["EMP-123456 rang", "my name is Ada Lovelace", "ring 020 7946 0000"] * 10)
)


@pytest.mark.parametrize(
    ("privacy", "reduced"),
    [
        ("", ["EMP-123456 rang", "my name is Ada Lovelace", "ring <PHONE>"]),
        (
            "privacy: {names_in_text: true, "
            "recognisers: [{entity: STAFF, pattern: 'EMP-[0-9]{6}'}]}",
            ["<STAFF> rang", "my name is <NAME>", "ring <PHONE>"],
        ),
    ],
)
def test_the_specs_recognisers_find_personal_data_in_base_and_test_rows(
    tmp_path: Path, privacy: str, reduced: list[str]
) -> None:
    folder = write_small(tmp_path, SPEC_TEXT + privacy, base=PRIVATE, test=PRIVATE)
    benchmark = load_benchmark(folder, KEY)
    for part in (benchmark.base, benchmark.test):
        assert sorted(set(reduce_table(part.table)["note"].to_pylist())) == sorted(reduced)
    found = {row.entity for row in recognisers_for(benchmark.spec)}
    assert ("STAFF" in found) == bool(privacy)


def test_a_function_that_cannot_be_imported_is_an_error_of_the_spec(tmp_path: Path) -> None:
    row = "{entity: STAFF, callable: 'no_such_package:find'}"
    folder = write_small(tmp_path, SPEC_TEXT + f"privacy: {{recognisers: [{row}]}}")
    message = load_error(folder)
    assert "privacy.recognisers" in message and "no_such_package:find" in message


def test_what_the_columns_declare_covers_the_target(tmp_path: Path) -> None:
    text = SPEC_TEXT.replace("{type: text}", "{type: text, nullable: false, pii: not_pii}")
    spec = load_spec(write_small(tmp_path, text))
    assert column_types(spec) == {
        "km": "number",
        "late": "category",
        "note": "text",
        "parcels": "integer",
    }
    assert list(column_types(spec)) == ["km", "late", "note", "parcels"]
    assert nullable_columns(spec) == {"km": True, "late": False, "note": False, "parcels": True}
    assert privacy_policies(spec) == {"km": "auto", "note": "not_pii", "parcels": "auto"}


# --- hashes ---------------------------------------------------------------------------------


def test_shuffled_rows_and_another_format_are_the_same_set(tmp_path: Path) -> None:
    one = load_benchmark(write_small(tmp_path / "one"), KEY)
    order = pa.array(np.random.default_rng(5).permutation(30))
    other = load_benchmark(
        write_small(tmp_path / "other", base=rows(30).take(order), ending=".csv"), KEY
    )
    assert other.base.root == one.base.root and other.base.digests == one.base.digests
    assert other.base.table.equals(one.base.table)
    assert other.content_digest == one.content_digest
    assert other.fingerprint != one.fingerprint


def test_an_extra_column_is_no_part_of_the_set_and_a_changed_cell_is(tmp_path: Path) -> None:
    one = load_benchmark(write_small(tmp_path / "one"), KEY)
    extra = rows(30).append_column("extra", pa.array(range(30)))
    more = load_benchmark(write_small(tmp_path / "more", base=extra), KEY)
    assert more.content_digest == one.content_digest
    cells = rows(30).column("parcels").to_pylist()
    changed = rows(30).set_column(0, "parcels", pa.array([cells[0] + 1, *cells[1:]]))
    other = load_benchmark(write_small(tmp_path / "other", base=changed), KEY)
    assert other.base.root != one.base.root and other.test.root == one.test.root
    assert other.content_digest != one.content_digest


def test_the_hash_does_not_depend_on_the_key_of_pseudonyms(tmp_path: Path) -> None:
    notes = [f"mail customer{i}@example.com now" for i in range(30)]
    base = rows(30).set_column(2, "note", pa.array(notes))
    folder = write_small(tmp_path, base=base)
    one = load_benchmark(folder, KEY)
    other = load_benchmark(folder, PrivacyKey("kother", b"y" * 32))
    assert "@" not in "".join(one.base.table.column("note").to_pylist())
    assert not one.base.table.equals(other.base.table)
    assert one.base.root == other.base.root and one.content_digest == other.content_digest


def test_a_dropped_column_reaches_neither_rows_nor_hash(tmp_path: Path) -> None:
    text = SPEC_TEXT.replace("{type: text}", "{type: text, pii: drop}")
    one = load_benchmark(write_small(tmp_path / "one", text), KEY)
    base = rows(30).set_column(2, "note", pa.array(["other"] * 30))
    other = load_benchmark(write_small(tmp_path / "other", text, base=base), KEY)
    assert "note" not in one.base.table.column_names
    assert one.base.root == other.base.root


def test_a_large_test_set_is_sampled_by_label_whatever_its_order(tmp_path: Path) -> None:
    text = SPEC_TEXT.replace("seed: 7", "seed: 7\nsampling: {max_test_rows: 100}")
    order = pa.array(np.random.default_rng(5).permutation(300))
    one = load_benchmark(write_small(tmp_path / "one", text, test=rows(300)), KEY)
    other = load_benchmark(write_small(tmp_path / "other", text, test=rows(300).take(order)), KEY)
    assert one.test.count == 100 and one.test.root == other.test.root
    # 100 of 300 rows are late, so that a third of the sample is.
    assert one.test.table.column("late").to_pylist().count("yes") == 33
    full = load_benchmark(write_small(tmp_path / "full", test=rows(300)), KEY)
    assert set(one.test.digests) < set(full.test.digests)


def test_the_fingerprint_follows_files_key_and_code(tmp_path: Path) -> None:
    folder = write_small(tmp_path)
    first = load_benchmark(folder, KEY).fingerprint
    assert load_benchmark(folder, KEY).fingerprint == first
    assert load_benchmark(folder, KEY, software_digest="v2").fingerprint != first
    assert load_benchmark(folder, PrivacyKey("kother", b"x" * 32)).fingerprint != first
    write(rows(31), folder / "base.parquet")
    assert load_benchmark(folder, KEY).fingerprint != first


def test_a_row_set_is_in_canonical_order_with_its_digests() -> None:
    table = pa.table({"a": ["x", "y", "z", "x"]})
    found = RowSet.of(table)
    assert found.count == 4 and found.digests == sorted(found.digests)
    assert RowSet.of(found.table).digests == found.digests
    assert RowSet.of(table.slice(0, 0)).count == 0


# --- the bundled benchmarks -----------------------------------------------------------------


def test_benchmarks_are_found_by_their_spec_and_drafts_are_not(tmp_path: Path) -> None:
    for name in ("b", "a", ".a-17-draft"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "benchmark.yaml").touch()
    (tmp_path / "c").mkdir()
    (tmp_path / "file").touch()
    assert [folder.name for folder in find_benchmarks(tmp_path)] == ["a", "b"]
    assert list(find_benchmarks(tmp_path / "absent")) == []
    bundled = [folder.name for folder in find_benchmarks(BUNDLED)]
    assert bundled == ["adult-income", "letter", "sms-spam"]


@pytest.mark.parametrize("name", ["adult-income", "letter", "sms-spam"])
def test_a_bundled_benchmark_is_the_same_from_shuffled_csv(tmp_path: Path, name: str) -> None:
    one = load_benchmark(BUNDLED / name, KEY)
    folder = tmp_path / name
    folder.mkdir()
    text = (BUNDLED / name / "benchmark.yaml").read_text().replace("base.parquet", "base.csv")
    (folder / "benchmark.yaml").write_text(text)
    shutil.copy(BUNDLED / name / "test.parquet", folder)
    base = pq.read_table(BUNDLED / name / "base.parquet")
    order = pa.array(np.random.default_rng(3).permutation(base.num_rows))
    write(base.take(order), folder / "base.csv")
    other = load_benchmark(folder, KEY)
    assert (other.base.root, other.test.root) == (one.base.root, one.test.root)
    assert other.content_digest == one.content_digest
    assert one.base.count == base.num_rows
    assert one.test.count == read_table(BUNDLED / name / "test.parquet").num_rows
