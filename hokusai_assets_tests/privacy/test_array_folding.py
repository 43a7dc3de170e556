"""Tests of folding whole columns: each text as one text is folded."""

import unicodedata

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hokusai_assets.privacy.array_folding import folded, folded_apart
from hokusai_assets.privacy.spans import fold

MARKS = "\u0301\u0323\u0338\u3099\u0340"
TEXTS = st.text(max_size=12) | st.text("A\u00c0\u1100\u1161\uac00\u200b\u2212\u0661 \ufb01" + MARKS)
KINDS = [pa.string(), pa.large_string()]


@pytest.mark.parametrize("kind", KINDS, ids=str)
@given(texts=st.lists(TEXTS | st.none(), max_size=5), cut=st.integers(0, 5))
@example(texts=["A\u0300", "\u212b", "\u1100\u1161", None, "plain"], cut=2)
@settings(deadline=None)
@example(texts=["a" + "\u0301" * 40, "x"], cut=0)
def test_a_column_is_folded_text_by_text(
    kind: pa.DataType, texts: list[str | None], cut: int
) -> None:
    column = pa.chunked_array([pa.array(texts[:cut], kind), pa.array(texts[cut:], kind)])
    expected = [None if text is None else fold(text) for text in texts]
    assert folded(column).to_pylist() == expected
    assert folded(column).type == folded_apart(column).type == kind
    assert folded_apart(column).to_pylist() == [
        None if text is None else unicodedata.normalize("NFKD", text) for text in expected
    ]
