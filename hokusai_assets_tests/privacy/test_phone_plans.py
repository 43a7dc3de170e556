"""Tests of numbering plans against the library they come from."""

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st
from phonenumbers import PhoneNumberFormat

from hokusai_assets.privacy.phone_plans import DEFAULT_REGIONS, PlanBook, international, plan

BOOKS = {region: PlanBook((region,)) for region in DEFAULT_REGIONS}


@given(st.sampled_from(DEFAULT_REGIONS), st.integers(10**6, 10**11), st.booleans())
def test_a_national_number_is_valid_where_the_library_says_so(
    region: str, number: int, trunk: bool
) -> None:
    known = plan(region)
    digits = (known.trunk if trunk else "") + str(number)
    spelled = BOOKS[region].dialled(digits)
    if spelled is None:
        return
    parsed = phonenumbers.parse(spelled)
    assert phonenumbers.is_valid_number_for_region(parsed, region)
    assert phonenumbers.format_number(parsed, PhoneNumberFormat.E164) == spelled


@pytest.mark.parametrize("region", DEFAULT_REGIONS)
def test_the_librarys_own_examples_are_dialled_and_read_without_trunk(region: str) -> None:
    number = phonenumbers.example_number_for_type(region, phonenumbers.PhoneNumberType.MOBILE)
    if number is None:
        number = phonenumbers.example_number(region)
    e164 = phonenumbers.format_number(number, PhoneNumberFormat.E164)
    national = e164.removeprefix(f"+{plan(region).calling_code}")
    assert BOOKS[region].without_trunk(national) == e164
    assert BOOKS[region].dialled(plan(region).trunk + national) == e164
    assert international(e164[1:]) == (e164, True)


@pytest.mark.parametrize("code", sorted(phonenumbers.COUNTRY_CODE_TO_REGION_CODE))
def test_every_calling_code_is_known(code: int) -> None:
    region = phonenumbers.COUNTRY_CODE_TO_REGION_CODE[code][0]
    number = (
        phonenumbers.example_number_for_non_geo_entity(code)
        if region == "001"
        else phonenumbers.example_number(region)
    )
    e164 = phonenumbers.format_number(number, PhoneNumberFormat.E164)
    found = international(e164[1:])
    assert found is not None and found[0] == e164


@pytest.mark.parametrize(
    "digits", ["0123456789", "2101234567", "99912345678", "491", "49" + "1" * 14]
)
def test_what_no_plan_has_is_none(digits: str) -> None:
    assert international(digits) is None


def test_a_written_trunk_zero_is_no_part_of_the_number() -> None:
    assert international("4902012345") == international("492012345")
    # Italy dials its zero.
    assert international("390612345678") == ("+390612345678", True)


def test_the_first_region_that_has_a_number_wins() -> None:
    assert PlanBook(("FR", "NL")).dialled("0612345678") == "+33612345678"
    assert PlanBook(("NL", "FR")).dialled("0612345678") == "+31612345678"


def test_an_unknown_region_is_refused() -> None:
    with pytest.raises(ValueError, match="ISO 3166"):
        assert PlanBook(("XX",)).plans
