"""Tests of the decision made per column."""

import datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from hokusai_assets.privacy.columns import (
    PrivacyError,
    check_column_names,
    header_entity,
    header_words,
)
from hokusai_assets.privacy.recognisers import default_recognisers
from hokusai_assets.privacy.recognition import Recogniser
from hokusai_assets.privacy.survey import ColumnSurvey
from hokusai_assets.privacy.triggers import Triggers

RECOGNISERS = default_recognisers()


def treatment(
    name: str,
    values: Any,
    policy: str = "auto",
    kind: pa.DataType | None = None,
    recognisers: tuple[Recogniser, ...] = RECOGNISERS,
) -> str:
    column = pa.chunked_array([pa.array(values, kind)])
    triggers = Triggers(recognisers)
    survey = ColumnSurvey(
        pa.field(name, column.type),
        policies={name: policy},
        protected=("target",),
        triggers=triggers,
        names=triggers,
    )
    # Row by row: the decision is the same wherever a column is cut.
    for row in range(len(column)):
        survey.add(column.slice(row, 1))
    plan = survey.plan()
    return f"{plan.treatment} {plan.entity}".strip()


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("ipAddress", ["ip", "address"]),
        ("IPAddress", ["ip", "address"]),
        ("home_phone2", ["home", "phone"]),
        ("E-Mail", ["e", "mail"]),
        ("\uff45mail", ["email"]),
        ("123", []),
    ],
)
def test_headers_split_at_non_letters_and_camel_case(header: str, words: list[str]) -> None:
    assert header_words(header) == words


@pytest.mark.parametrize(
    ("header", "entity"),
    [
        ("email", "EMAIL"), ("E_Mail", "EMAIL"), ("customerEmail", "EMAIL"), ("phone", "PHONE"),
        ("Mobile Number", "PHONE"), ("tel.", "PHONE"), ("SSN", "SSN"),
        ("social_security_no", "SSN"),
        ("card_number", "CARD"), ("credit-card", "CARD"), ("src_ip", "IP"), ("IPv4", "IP"),
        ("description", None), ("shipping", None), ("relationship", None), ("zip", None),
        ("telemetry", None), ("hotel", None), ("cell_count", None), ("discard_number", None),
        ("tel_count", None), ("PhoneService", None), ("has_email", None),
        ("credit_card_type", None),
    ],
)  # fmt: skip
def test_a_header_names_an_entity_by_whole_words_only(header: str, entity: str | None) -> None:
    assert header_entity(header, RECOGNISERS) == entity


@pytest.mark.parametrize(
    ("name", "values", "expected"),
    [
        ("phone", [4155552671, None], "whole PHONE"),
        ("phone", [4155552671.0, float("nan")], "whole PHONE"),
        ("phone", [Decimal("4155552671")], "whole PHONE"),
        ("ssn", [12345678], "whole SSN"),
        ("ip", [0xC0000201], "whole IP"),
        ("amount", [4155552671], "keep"),
        ("mobile", [0, 1], "keep"),
        ("mobile", [True, False], "keep"),
        ("mobile", [0.1234567, 0.7654321], "keep"),
        ("mobile", [1e300, float("inf")], "keep"),
        ("mobile", ["yes", "no"], "text"),
        ("email", ["n/a", "a@b"], "whole EMAIL"),
        ("email", [None, None], "keep"),
        ("phone", [datetime.datetime(2024, 1, 1)], "keep"),
        ("note", ["x"], "text"),
    ],
)
def test_a_header_is_believed_when_a_value_bears_it_out(
    name: str, values: Any, expected: str
) -> None:
    assert treatment(name, values) == expected


@pytest.mark.parametrize(
    "name",
    ["mobile_data_bytes", "mobile_revenue", "ip_bytes", "ip_packets", "phone_sales", "fax_volume",
     "passport_applications", "sales_by_phone", "bytes_per_ip", "MobileSubscribers",
     "ssn_population", "card_number_checksum"],
)  # fmt: skip
def test_a_column_of_numbers_with_an_unknown_word_in_its_name_is_a_feature(name: str) -> None:
    assert treatment(name, [4155552671, 123456789012]) == "keep"
    assert treatment(name, [4155552671.0, None]) == "keep"


@pytest.mark.parametrize(
    "name",
    ["phone_number", "mobile_no_2", "home_phone", "customer_mobile", "phoneHome", "FAX Nr",
     "telefono_cliente", "phone_1", "student_telephone", "mobile_phone_of_the_applicant"],
)  # fmt: skip
def test_a_column_of_numbers_may_say_whose_or_which_number_it_holds(name: str) -> None:
    assert treatment(name, [4155552671]) == "whole PHONE"
    assert treatment("src_ip", [0xC0000201]) == treatment("ip_src_addr", [0xC0000201]) == "whole IP"


def test_policies_decide_before_anything_else() -> None:
    assert treatment("email", ["a@b.example"], "not_pii") == "waive"
    assert treatment("email", ["a@b.example"], "drop") == "drop"
    assert treatment("code", [7], "pii:phone") == "whole PHONE"
    assert treatment("flag", [True], "pii:ssn") == "whole SSN"


@pytest.mark.parametrize("policy", ["pii:", "pii:person", "pii:EMAIL", "keep", ""])
def test_an_unknown_policy_is_refused_with_the_known_ones(policy: str) -> None:
    with pytest.raises(PrivacyError, match="pii:email"):
        treatment("x", ["a"], policy)


@pytest.mark.parametrize("policy", ["drop", "pii:email"])
def test_a_protected_column_cannot_be_changed_by_policy(policy: str) -> None:
    assert treatment("target", ["a@b.example"]) == "keep"
    with pytest.raises(PrivacyError, match="protected"):
        treatment("target", ["a"], policy)


@pytest.mark.parametrize(
    "values", [[["a@b.example"]], [{"mail": "a@b.example"}], [b"a@b.example"]], ids=str
)
def test_types_that_are_not_searched_are_refused_unless_waived_or_dropped(values: Any) -> None:
    with pytest.raises(PrivacyError, match="not searched") as caught:
        treatment("x", values)
    assert "a@b" not in str(caught.value)
    assert treatment("x", values, "not_pii") == "waive"
    assert treatment("x", values, "drop") == "drop"


def test_a_column_name_that_is_personal_data_is_refused_without_quoting_it() -> None:
    with pytest.raises(PrivacyError, match=r"column 2 .*EMAIL") as caught:
        check_column_names(["a", "bob@example.com"], RECOGNISERS)
    assert "bob" not in str(caught.value)
