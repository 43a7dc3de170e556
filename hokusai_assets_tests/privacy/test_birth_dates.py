"""Tests of dates of birth."""

import datetime

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hokusai_assets.privacy.birth_dates import DOB
from hokusai_assets.privacy.keys import PrivacyKey
from hokusai_assets.privacy.pseudonymise import pseudonymise
from hokusai_assets.privacy.tokens import token
from hokusai_assets_tests.privacy.entity_findings import found

KEY = PrivacyKey.from_secret(bytes(range(32)))


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("DOB: 1985-03-12", "1985-03-12"),
        ("born 12.03.1985 in Ulm", "1985-03-12"),
        ("date of birth 25/12/1990", "1990-12-25"),
        ("Date of Birth: 12/25/1990", "1990-12-25"),
        ("she was born on March 3rd, 1985.", "1985-03-03"),
        ("born 3 March 1985", "1985-03-03"),
        ("geboren am 3. März 1985", "1985-03-03"),
        ("né le 3 mars 1985", "1985-03-03"),
        ("fecha de nacimiento: 3 de marzo de 1985", "1985-03-03"),
        ("дата рождения 12.03.1985", "1985-03-12"),
        ("生年月日：1985年3月12日", "1985-03-12"),
        ("birthdate 19850312", "1985-03-12"),
        ("dob 03/04/1990", "03/04/1990"),  # two days, and nothing says which
    ],
)
def test_a_date_after_words_of_birth_is_found_as_a_day(text: str, day: str) -> None:
    assert found(text) == [("DOB", day)]


@pytest.mark.parametrize(
    "text",
    ["1985-03-12", "due 12.03.1985", "born in Ulm", "a born winner, 5 times", "birthday at 10:30",
     "airborne 12.03.1985", "urban growth 12.03.1985", "your 12.03.1985", "native 12.03.1985"],
)  # fmt: skip
def test_other_dates_and_words_are_left(text: str) -> None:
    assert found(text) == []


@given(st.dates(datetime.date(1900, 1, 1), datetime.date(2099, 12, 31)))
def test_one_day_has_one_spelling_however_it_is_written(day: datetime.date) -> None:
    written = ["%Y-%m-%d", "%Y/%m/%d", "%Y%m%d", "%d.%m.%Y", "%d %B %Y", "%B %d, %Y", "%d-%b-%Y"]
    spelled = {DOB.canonicalise(day.strftime(form)) for form in written}
    assert spelled == {day.isoformat()}


def test_a_column_of_dates_is_hashed_by_its_header_only() -> None:
    days = [datetime.datetime(1985, 3, 12), None]
    table = pa.table(
        {
            "date_of_birth": pa.array(days, pa.timestamp("us")),
            "signup": pa.array(days, pa.timestamp("us")),
            "birth_year": [1985, None],
            "note": ["born 1985-03-12", "x"],
        }
    )
    result, _ = pseudonymise(table, policies={}, key=KEY)
    day = token("DOB", "1985-03-12", KEY)
    assert result["date_of_birth"].to_pylist() == [day, None]
    assert result["note"].to_pylist() == [f"born {day}", "x"]
    assert result.select(["signup", "birth_year"]) == table.select(["signup", "birth_year"])
