"""Tests of files read batch by batch, twice: wherever they are cut, the result is one."""

import itertools
import random

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hokusai_assets.privacy.pseudonymise import (
    BATCH_ROWS,
    PrivacyError,
    Pseudonymiser,
    ResidualFinding,
    pseudonymise,
    residual_personal_data,
)
from hokusai_assets.privacy.tokens import token
from hokusai_assets_tests.privacy.test_pseudonymise import KEY, tables


def batches(table: pa.Table, cuts: list[int]) -> list[pa.Table]:
    edges = [0, *sorted(cut % (table.num_rows + 1) for cut in cuts), table.num_rows]
    return [table.slice(a, b - a) for a, b in itertools.pairwise(edges)]


@given(tables(), st.lists(st.integers(0, 8), max_size=3), st.lists(st.integers(0, 8), max_size=3))
@settings(deadline=None, max_examples=60)
def test_cuts_change_nothing_and_may_differ_between_the_passes(
    table: pa.Table, first: list[int], second: list[int]
) -> None:
    worker = Pseudonymiser(policies={}, key=KEY)
    for batch in batches(table, first):
        worker.survey(batch)
    done = [worker.replace(batch) for batch in batches(table, second)]
    whole, report = pseudonymise(table, policies={}, key=KEY)
    assert all(batch.schema == whole.schema for batch in done)
    assert pa.concat_tables(done).to_pydict() == whole.to_pydict()
    assert worker.report == report
    assert all(worker.residual(batch) == [] for batch in done)


def test_a_later_batch_decides_about_an_earlier_one() -> None:
    parts = [pa.table({"text": part}) for part in (["zed", "x"], ["a@b.example"] * 3)]
    worker = Pseudonymiser(policies={}, key=KEY)
    for part in parts:
        worker.survey(part)
    assert worker.replace(parts[0])["text"].to_pylist() == [
        token("EMAIL", text, KEY) for text in ("zed", "x")
    ]


def test_a_table_longer_than_a_batch_is_one_file() -> None:
    drawn = random.Random(4)
    rows = BATCH_ROWS + 1000
    texts = [f"row {row}" for row in range(rows)]
    places = sorted(drawn.sample(range(rows), 50))
    for place in places:
        texts[place] = f"mail u{place}@b.example"
    result, report = pseudonymise(pa.table({"text": texts}), policies={}, key=KEY)
    changed = result["text"].to_pylist()
    assert [row for row in range(rows) if changed[row] != texts[row]] == places
    assert (report.rows_hashed, report.columns[0].cells) == (50, 50)
    assert report.columns[0].share_ppm == 50 * 1_000_000 // rows


def test_what_replace_would_still_change_is_told_without_values() -> None:
    table = pa.table({"text": ["mail a@b.example", "x", "y"], "gone": ["1", "2", "3"]})
    worker = Pseudonymiser(policies={"gone": "drop"}, key=KEY)
    worker.survey(table)
    assert worker.residual(table) == [ResidualFinding("text", "EMAIL", 1)]
    done = worker.replace(table)
    assert worker.residual(done) == []
    # Without the key a stranger's scan takes any token for one of ours.
    assert residual_personal_data(done, policies={}) == []
    with pytest.raises(PrivacyError, match="other columns"):
        worker.residual(done.append_column("more", pa.array(["a", "b", "c"])))


def test_a_token_under_another_key_is_hashed_again() -> None:
    foreign = token("EMAIL", "x", type(KEY).from_secret(b"y" * 32))
    table = pa.table({"text": [f"see {foreign}", "x", "y"]})
    worker = Pseudonymiser(policies={}, key=KEY)
    worker.survey(table)
    assert worker.residual(table) == [ResidualFinding("text", "EMAIL", 1)]
    assert worker.replace(table)["text"].to_pylist()[0] == f"see {token('EMAIL', foreign, KEY)}"


@pytest.mark.parametrize(
    "other", [{"t": [1]}, {"u": ["x"]}, {"t": ["x"], "u": ["y"]}], ids=["type", "name", "count"]
)
def test_a_batch_with_other_columns_is_refused_in_either_pass(
    other: dict[str, list[object]],
) -> None:
    first = pa.table({"t": ["a@b.example"]})
    worker = Pseudonymiser(policies={}, key=KEY)
    worker.survey(first)
    for step in (worker.survey, worker.replace):
        with pytest.raises(PrivacyError, match="schema") as caught:
            step(pa.table(other))
        assert "a@b" not in str(caught.value)


def test_a_pass_out_of_turn_is_a_programming_error() -> None:
    table = pa.table({"t": ["x"]})
    worker = Pseudonymiser(policies={}, key=KEY)
    with pytest.raises(RuntimeError, match="survey"):
        worker.replace(table)
    with pytest.raises(RuntimeError, match="survey"):
        assert worker.report
    worker.survey(table)
    worker.replace(table)
    with pytest.raises(RuntimeError, match="before"):
        worker.survey(table)


def test_a_changed_second_reading_hides_nothing() -> None:
    # A file that changes between the passes is searched as it then is.
    worker = Pseudonymiser(policies={}, key=KEY)
    worker.survey(pa.table({"t": ["x", "y"]}))
    assert worker.replace(pa.table({"t": ["x", "mail a@b.example"]}))["t"].to_pylist() == [
        "x", f"mail {token('EMAIL', 'a@b.example', KEY)}",
    ]  # fmt: skip
