"""JSON and JSON Lines: forms, strictness, flattening, and what is reported by row."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hokusai_assets.tables.limits import ReadLimits
from hokusai_assets_tests.tables.read_files import (
    SECRET,
    opened,
    raw_pass,
    read_raw,
    refusal,
    refused,
)

ROWS = [{"a": 1, "b": "x"}, {"a": 2}, {"b": None, "c": True}]
CELLS = {"a": ["1", "2", None], "b": ["x", None, None], "c": [None, None, "true"]}
FORMS: dict[str, tuple[str, Any]] = {
    "array": ("x.json", lambda rows: json.dumps(rows)),
    "pretty array": ("x.json", lambda rows: json.dumps(rows, indent=4)),
    "object of records": (
        "x.json",
        lambda rows: json.dumps({f"row {n}": row for n, row in enumerate(rows)}),
    ),
    "object of one array": ("x.json", lambda rows: json.dumps({"data": rows})),
    "lines": ("x.jsonl", lambda rows: "\n".join(map(json.dumps, rows))),
    "lines and blank ones": ("x.ndjson", lambda rows: "\r\n \n".join(map(json.dumps, rows)) + "\n"),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_cells(tmp_path: Path, form: str) -> None:
    name, write = FORMS[form]
    read = read_raw(tmp_path, name, write(ROWS))
    assert (read.cells, read.rows, read.problems) == (CELLS, [1, 2, 3], [])
    assert read.column_names == ("a", "b", "c") and read.found.encoding == "utf-8"


@pytest.mark.parametrize(("name", "data"), [("x.json", "[]"), ("x.json", "{}"), ("x.jsonl", "\n")])
def test_no_records_are_no_rows(tmp_path: Path, name: str, data: str) -> None:
    read = read_raw(tmp_path, name, data)
    assert (read.cells, read.rows_seen, read.column_names) == ({}, 0, ())


def column_oriented(rows: int) -> dict[str, dict[str, str]]:
    """What pandas' `to_json` writes unless it is told otherwise."""
    return {name: {str(7 * n): f"{SECRET}{n}" for n in range(rows)} for name in ("id", "a", "b")}


@pytest.mark.parametrize("rows", [1, 3, 5000])
@pytest.mark.parametrize("limits", [ReadLimits(), ReadLimits(max_row_bytes=20)], ids=["", "long"])
def test_an_object_of_columns_is_called_that(rows: int, limits: ReadLimits, tmp_path: Path) -> None:
    file = opened(tmp_path, "x.json", json.dumps(column_oriented(rows)), limits=limits)
    problem = refusal(lambda: raw_pass(file, ["a", "b"]))
    assert problem.rule == "bad-json"
    assert problem.message.startswith("x.json: the file looks column-oriented")
    assert "orient='records'" in problem.fix


@pytest.mark.parametrize(
    "rows",
    [
        [{"0": "x", "1": "y"}, {"0": "z", "1": None}],
        [{"1": "y"}, {"0": "z"}],
        [{"0": "x", "5": "ignored"}],
        [{"5": "ignored", "a": "x"}],
    ],
)
def test_records_whose_columns_are_called_by_numbers_stay_records(
    rows: list[dict[str, Any]], tmp_path: Path
) -> None:
    text = json.dumps({str(n): row for n, row in enumerate(rows)})
    read = raw_pass(opened(tmp_path, "x.json", text), ["0", "1"])
    assert read.problems == []
    assert read.cells["0"] == [row.get("0") for row in rows]


@pytest.mark.parametrize(
    "data",
    [
        "",
        " ",
        "1",
        '"x"',
        "null",
        '{"a": 1}',
        '{"a": 1, "b": {"c": 2}}',
        '{"data": [{"a": 1}], "more": [{"a": 2}]}',
        '{"data": [{"a": 1}], "count": 1}',
        "[{}",
        '[{"a": 1}',
        '[{"a": 1},]',
        '[{"a": 1},,{"a": 2}]',
        '[{"a": 1} {"a": 2}]',
        '[{"a": 1}] x',
        '[{"a": 1}][{"a": 1}]',
        '{"r": {"a": 1}',
        '{"r": {"a": 1},}',
        '{"r" {"a": 1}}',
        '{r: {"a": 1}}',
        "[{'a': 1}]",
        '[{"a": 01}]',
        '[{"a": 1.}]',
        '[{"a": +1}]',
        '[{"a": tru}]',
        '[{"a": "\t"}]',
        '[{"a": "\\x"}]',
        '[{"a": "\\ud8"}]',
        '\ufeff\ufeff[{"a": 1}]',
        '[{"a": 1}]\0',
    ],
)
def test_what_is_no_json_or_none_of_the_forms_is_refused(tmp_path: Path, data: str) -> None:
    assert refused(tmp_path, "x.json", data).rule in ("bad-json", "empty-file")


def test_two_records_of_one_name_are_refused(tmp_path: Path) -> None:
    data = json.dumps({f"r{n}": {"a": n} for n in range(1000)})[:-1] + ', "r7": {"a": 7}}'
    assert refused(tmp_path, "x.json", data).rule == "bad-json"


def test_a_syntax_error_is_told_with_its_row(tmp_path: Path) -> None:
    data = "[" + '{"a": 1},' * 5000 + f'{{"a": "{SECRET}" 1}}]'
    problem = refused(tmp_path, "x.json", data)
    assert (problem.rule, problem.rows) == ("bad-json", (5001,))


def test_values_that_are_no_records_are_reported_by_row(tmp_path: Path) -> None:
    for name, write in FORMS.values():
        if "object" not in name:
            read = read_raw(
                tmp_path, name, write([{"a": 1}, SECRET, {"a": 2}, [1], None, {"a": 3}])
            )
            assert read.rules == {("bad-json", None): (2, 4, 5)}
            assert read.rows == [1, 3, 6] and SECRET not in repr(read.problems)


def test_bad_lines_are_reported_and_the_others_read(tmp_path: Path) -> None:
    lines = [
        '{"a": 1}',
        f'{{"a": "{SECRET}"',
        '{"a": NaN}',
        '{"a": -Infinity}',
        f'{{"a": 1, "a": "{SECRET}"}}',
        '{"a": {"b": 1, "b": 2}}',
        '{"a": 2} x',
        "",
        '{"a": 3}',
    ]
    read = read_raw(tmp_path, "x.jsonl", "\n".join(lines))
    assert read.rows == [1, 8] and read.cells == {"a": ["1", "3"]}
    assert sorted((p.rule, p.rows) for p in read.problems) == [
        ("bad-json", (2, 3, 4, 7)),
        ("bad-json", (5, 6)),
    ]
    assert SECRET not in repr(read.problems)


def test_repeated_keys_and_nan_are_reported_by_row_in_a_document_too(tmp_path: Path) -> None:
    read = read_raw(tmp_path, "x.json", '[{"a": 1}, {"a": 1, "a": 2}, {"a": NaN}, {"a": 4}]')
    assert read.rows == [1, 4]
    assert sorted(p.rows for p in read.problems) == [(2,), (3,)]


def test_half_a_surrogate_pair_is_reported_and_its_cell_empty(tmp_path: Path) -> None:
    read = read_raw(tmp_path, "x.json", '[{"a": "x\\ud800"}, {"a": "\\ud83d\\ude00"}, {"b": true}]')
    assert read.cells["a"] == [None, "😀", None] and read.unreadable == {"a": [1]}
    assert [(p.rule, p.rows) for p in read.problems] == [("not-utf8", (1,))]


NUMBERS = st.from_regex(
    r"-?(0|[1-9][0-9]{0,25})(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?", fullmatch=True
)


@settings(deadline=None)
@given(st.lists(NUMBERS, min_size=1))
def test_numbers_keep_the_text_of_the_file(tmp_path_factory, numbers: list[str]) -> None:
    folder = tmp_path_factory.mktemp("json")
    text = ",".join(f'{{"a":{number}}}' for number in numbers)
    assert read_raw(folder, "x.json", f"[{text}]").cells["a"] == numbers
    lines = text.replace("},{", "}\n{")
    assert read_raw(folder, "x.jsonl", lines).cells["a"] == numbers


# --- flattening -----------------------------------------------------------------------------

NESTED = {
    "id": 1,
    "who": {"name": {"first": "A", "last": "B"}, "tags": ["x", {"y": 2}]},
    "none": {},
    "list": [10, 20],
    "no": [],
}


@pytest.mark.parametrize("form", FORMS)
def test_members_become_parent_child_and_items_parent_0(tmp_path: Path, form: str) -> None:
    name, write = FORMS[form]
    assert read_raw(tmp_path, name, write([NESTED])).cells == {
        "id": ["1"],
        "who.name.first": ["A"],
        "who.name.last": ["B"],
        "who.tags.0": ["x"],
        "who.tags.1.y": ["2"],
        "none": [None],
        "list.0": ["10"],
        "list.1": ["20"],
        "no": [None],
    }


def test_items_of_a_list_are_columns_only_where_one_is_wanted(tmp_path: Path) -> None:
    file = opened(tmp_path, "x.json", json.dumps([NESTED, {"list": [1] * 5000}]))
    read = raw_pass(file, ["who.tags.1.y", "who.name.first"])
    assert read.cells == {"who.tags.1.y": ["2", None], "who.name.first": ["A", None]}
    assert read.column_names == (
        "id",
        "who.name.first",
        "who.name.last",
        "who.tags.0",
        "who.tags.1.y",
        "none",
        "list",
        "no",
    )
    assert read.problems == []


def test_a_wanted_column_that_holds_an_object_or_a_list_is_reported(tmp_path: Path) -> None:
    rows = [{"a": 1}, {"a": {"b": SECRET}}, {"a": [SECRET]}, {"a": {}}, {"a": "x", "b": [SECRET]}]
    read = raw_pass(opened(tmp_path, "x.json", json.dumps(rows)), ["a", "a.b"])
    assert read.rules == {("nested-value", "a"): (2, 3, 4)}
    assert read.cells["a"] == ["1", None, None, None, "x"]
    assert read.cells["a.b"] == [None, SECRET, None, None, None]
    assert read.unreadable == {"a": [2, 3, 4]} and SECRET not in repr(read.problems)


def test_a_member_that_clashes_with_a_real_name_is_reported(tmp_path: Path) -> None:
    rows = [{"a.b": 1}, {"a": {"b": 2}}, {"a.b": 1, "a": {"b": 2}}, {"a": {"b": 2}, "a.b": 1}]
    for columns in (None, ["a.b"]):
        read = raw_pass(opened(tmp_path, "x.json", json.dumps(rows)), columns)
        assert [(p.rule, p.rows) for p in read.problems] == [("name-clash", (3, 4))]
        assert read.cells["a.b"] == ["1", "2", None, None]
    assert raw_pass(opened(tmp_path, "x.json", json.dumps(rows)), ["c"]).problems == []


def test_wanted_columns_that_never_come_are_null_and_not_among_the_names(tmp_path: Path) -> None:
    read = raw_pass(opened(tmp_path, "x.jsonl", '{"a": 1}\n{"a": 2}'), ["b", "a"])
    assert read.cells == {"b": [None, None], "a": ["1", "2"]} and read.column_names == ("a",)


@pytest.mark.parametrize("name", ["x.json", "x.jsonl"])
@pytest.mark.parametrize("column", ["a", "other"])
def test_nesting_is_bounded_in_wanted_and_other_columns(
    tmp_path: Path, name: str, column: str
) -> None:
    limits = ReadLimits(max_nesting=3)
    for inner, deep in (("[[[1]]]", "[[[[1]]]]"), ('{"b":{"b":{"b":1}}}', '{"b":[{"b":[1]}]}')):
        fine, wrong = (f'{{"{column}": {value}}}' for value in (inner, deep))
        as_file = "[{}]" if name == "x.json" else "{}"
        file = opened(tmp_path, name, as_file.format(fine), limits=limits)
        assert raw_pass(file, ["a"]).rows_seen == 1
        problem = refused(tmp_path, name, as_file.format(wrong), limits=limits)
        assert (problem.rule, problem.rows) == ("too-nested", (1,))


@pytest.mark.parametrize(
    "deep", ["[" * 100_000, '{"a":' * 100_000, "[" * 100_000 + "]" * 100_000, '[{"a":' * 50_000]
)
@pytest.mark.parametrize("name", ["x.json", "x.jsonl"])
def test_nesting_without_end_is_refused(tmp_path: Path, name: str, deep: str) -> None:
    assert refused(tmp_path, name, deep).rule in ("too-nested", "bad-json")


def test_the_columns_are_counted_over_all_records(tmp_path: Path) -> None:
    limits = ReadLimits(max_columns=50)
    fine = json.dumps([{f"k{n}": 1} for n in range(50)])
    assert read_raw(tmp_path, "x.json", fine, limits=limits).rows_seen == 50
    for rows in ([{f"k{n}": 1} for n in range(51)], [{"a": {f"k{n}": 1 for n in range(51)}}]):
        problem = refused(tmp_path, "x.json", json.dumps(rows), limits=limits)
        assert problem.rule == "too-many-columns"


def test_a_column_name_that_no_text_can_have_is_refused(tmp_path: Path) -> None:
    assert refused(tmp_path, "x.json", '[{"\\ud800": 1}]').rule == "not-utf8"
    long = json.dumps([{"x" * 1001: 1}])
    assert refused(tmp_path, "x.json", long).rule == "too-long"


@pytest.mark.parametrize("name", ["x.json", "x.jsonl"])
def test_bytes_that_are_not_utf8_are_refused_by_row(tmp_path: Path, name: str) -> None:
    rows = [b'{"a": 1}'] * 3 + [b'{"a": "' + SECRET.encode() + b'\xe9"}']
    data = b"[" + b",".join(rows) + b"]" if name == "x.json" else b"\n".join(rows)
    problem = refused(tmp_path, name, data)
    assert problem.rule == "not-utf8" and "row 4" in problem.message


def test_utf16_json_is_refused_as_rfc_8259_demands_utf8(tmp_path: Path) -> None:
    data = '[{"a": 1}]'.encode("utf-16")
    assert refused(tmp_path, "x.json", data).rule == "not-utf8"
    assert refused(tmp_path, "x.jsonl", data).rule == "not-utf8"
