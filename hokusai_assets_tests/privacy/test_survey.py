"""Tests of the first pass: what it counts decides what happens to a column."""

from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hokusai_assets.privacy.columns import Plan, PrivacyError
from hokusai_assets.privacy.recognisers import default_recognisers
from hokusai_assets.privacy.survey import ColumnSurvey
from hokusai_assets.privacy.tokens import token
from hokusai_assets.privacy.triggers import Triggers
from hokusai_assets_tests.privacy.test_pseudonymise import KEY

TRIGGERS = Triggers(default_recognisers())
CELLS = st.lists(
    st.sampled_from(
        ["a@b.example", " c@d.example ", "x a@b.example", "192.0.2.1", "word", "", " ", None,
         token("EMAIL", "x", KEY)]
    ),
    max_size=12,
)  # fmt: skip


def survey(name: str, kind: pa.DataType, policy: str = "auto") -> ColumnSurvey:
    return ColumnSurvey(
        pa.field(name, kind),
        policies={name: policy},
        protected=(),
        triggers=TRIGGERS,
        names=TRIGGERS,
    )


def column(values: list[Any], kind: pa.DataType | None = None) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(values, kind)])


@given(CELLS, st.integers(0, 12))
@settings(deadline=None)
def test_a_column_is_one_entity_where_more_than_half_of_its_filled_cells_are(
    cells: list[str | None], cut: int
) -> None:
    whole = survey("text", pa.string())
    for part in (cells[:cut], cells[cut:]):
        whole.add(column(part, pa.string()))
    filled = [cell for cell in cells if cell and cell.strip() and not cell.startswith("<")]
    mails = sum(cell.strip() in ("a@b.example", "c@d.example") for cell in filled)
    hosts = sum(cell == "192.0.2.1" for cell in filled)
    expected = Plan("text")
    for entity, count in (("EMAIL", mails), ("IP", hosts)):
        if 2 * count > len(filled):
            expected = Plan("whole", entity, "values")
    assert whole.plan() == expected


def test_nothing_is_looked_for_where_policy_or_header_has_decided() -> None:
    for counted in (survey("x", pa.string(), "not_pii"), survey("x", pa.string(), "pii:email")):
        assert counted.add(column(["a@b.example"])) is None
    by_header = survey("email", pa.string())
    assert by_header.add(column(["a@b.example"])) is None
    assert by_header.plan() == Plan("whole", "EMAIL", "header")


def test_a_header_that_no_batch_bears_out_leaves_the_text_searched() -> None:
    by_header = survey("phone", pa.string())
    for batch in (["yes", "no"], ["mail a@b.example"]):
        hits = by_header.add(column(batch))
        assert hits is not None
    assert by_header.plan() == Plan("text")


def test_a_header_is_borne_out_by_any_batch() -> None:
    by_header = survey("phone", pa.int64())
    for batch in ([None, 0], [4155552671], [1]):
        by_header.add(column(batch, pa.int64()))
    assert by_header.plan() == Plan("whole", "PHONE", "header")


def test_a_fraction_in_any_batch_makes_a_measurement() -> None:
    for batches in ([[4155552671.0], [0.5]], [[0.5], [4155552671.0]]):
        by_header = survey("phone", pa.float64())
        for batch in batches:
            by_header.add(column(batch))
        assert by_header.plan() == Plan("keep")


def test_a_survey_holds_no_value() -> None:
    counted = survey("text", pa.string())
    counted.add(column(["bob@example.com", "x"]))
    assert not any("bob" in repr(part) for part in vars(counted).values())


def test_an_unknown_policy_is_refused_at_once() -> None:
    with pytest.raises(PrivacyError, match="pii:iban"):
        survey("x", pa.string(), "pii:shoe")
