"""Overlap: rows that stand in the test set or in the base set, however they are spelled."""

from collections.abc import Callable

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hokusai_assets.benchmarks.loading import Benchmark
from hokusai_assets.contributions.leakage.match_keys import comparable_rows
from hokusai_assets.contributions.leakage.scan import BatchOverlap, LeakageScan

SPACES = [" ", "\t", "\n", "\u00a0", "\u3000", "\u2028", "\u0085", "\x0b", "\x1f"]
INVISIBLE = ["\u200b", "\u200d", "\ufeff", "\u00ad", "\u2060"]


@pytest.fixture(scope="module")
def sms(bundled: Callable[[str], Benchmark]) -> Benchmark:
    return bundled("sms-spam")


def overlap_of(table: pa.Table, benchmark: Benchmark) -> BatchOverlap:
    return LeakageScan.of(benchmark).add(table)


def feature_key(text: str, benchmark: Benchmark) -> bytes:
    return comparable_rows(messages([text]), benchmark.spec).feature_keys().tobytes()


def messages(texts: list[str], label: str = "good") -> pa.Table:
    return pa.table({"label": [label] * len(texts), "text": texts})


def test_rows_of_each_set_are_told_apart_and_no_row_counts_twice(sms: Benchmark) -> None:
    new = messages(["nobody has ever sent this before"])
    table = pa.concat_tables(
        [
            part.select(["label", "text"])
            for part in (sms.test.table.slice(0, 3), sms.base.table.slice(0, 2), new, new)
        ]
    )
    found = overlap_of(table, sms)
    assert found.in_test.tolist() == [True] * 3 + [False] * 4
    assert found.near_test.tolist() == [False] * 7
    assert found.in_base.tolist() == [False] * 3 + [True] * 2 + [False] * 2
    assert found.keys[5].tobytes() == found.keys[6].tobytes()
    assert len({key.tobytes() for key in found.keys}) == 6


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_a_test_row_is_found_whatever_its_case_and_white_space(
    sms: Benchmark, data: st.DataObject
) -> None:
    # Not those with a token in them: a sender has no tokens, and can't change their case.
    texts = [text for text in sms.test.table.column("text").to_pylist()[:200] if "<" not in text]
    text = data.draw(st.sampled_from(texts))
    words = data.draw(st.sampled_from([text.upper(), text.lower(), text])).split()
    spaces = data.draw(st.lists(st.sampled_from(SPACES), min_size=1, max_size=5))
    changed = "".join(word + spaces[i % len(spaces)] * (i % 3 + 1) for i, word in enumerate(words))
    assert feature_key(changed, sms) == feature_key(text, sms)


@pytest.mark.parametrize("mark", INVISIBLE)
def test_a_test_row_is_found_behind_invisible_characters(sms: Benchmark, mark: str) -> None:
    text = sms.test.table.column("text")[5].as_py()
    hidden = mark.join(text)
    assert overlap_of(messages([hidden]), sms).in_test.tolist() == [True]


def test_a_test_row_with_another_label_is_still_a_copy(sms: Benchmark) -> None:
    table = sms.test.table.slice(0, 20)
    flipped = ["bad" if label == "good" else "good" for label in table["label"].to_pylist()]
    table = table.set_column(table.column_names.index("label"), "label", pa.array(flipped))
    assert overlap_of(table, sms).in_test.all()


def test_a_base_row_with_another_label_is_new(sms: Benchmark) -> None:
    table = sms.base.table.filter(pa.array(~overlap_of(sms.base.table, sms).in_test)).slice(0, 1)
    flipped = ["bad" if table["label"][0].as_py() == "good" else "good"]
    table = table.set_column(table.column_names.index("label"), "label", pa.array(flipped))
    found = overlap_of(table, sms)
    assert not (found.in_test | found.near_test | found.in_base).any()


def test_another_wording_is_no_copy(sms: Benchmark) -> None:
    texts = [text + " too" for text in sms.test.table.column("text").to_pylist()[:50]]
    assert not overlap_of(messages(texts), sms).in_test.any()


def test_joining_words_is_no_change_of_white_space(sms: Benchmark) -> None:
    assert feature_key("ab c", sms) != feature_key("a bc", sms)


def test_the_natural_overlap_is_the_share_of_base_rows_among_test_rows(
    bundled: Callable[[str], Benchmark],
) -> None:
    letter = bundled("letter")
    test = {
        tuple(row[name] for name in letter.spec.feature_names)
        for row in letter.test.table.to_pylist()
    }
    base = letter.base.table.to_pylist()
    expected = sum(tuple(row[name] for name in letter.spec.feature_names) in test for row in base)
    natural = LeakageScan.of(letter).report().measure("exact").natural
    # The base set and the test set agree, so both speak: see NaturalRate.of.
    assert abs(float(natural.share) - expected / len(base)) < 0.02


def test_an_empty_table_has_no_overlap(sms: Benchmark) -> None:
    found = overlap_of(sms.base.table.slice(0, 0), sms)
    assert found.in_test.tolist() == found.near_test.tolist() == found.in_base.tolist() == []
    assert found.keys.shape == found.feature_keys.shape == (0, 16)
