"""Tests of recognisers by configuration."""

import sys
import traceback
import types
from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from hokusai_assets.privacy.custom import (
    CHUNK_TEXTS,
    PrivacySpec,
    RecogniserError,
    recognisers_of,
)
from hokusai_assets.privacy.keys import PrivacyKey
from hokusai_assets.privacy.payment_numbers import mod97_valid
from hokusai_assets.privacy.pseudonymise import pseudonymise, residual_personal_data
from hokusai_assets.privacy.recognisers import default_recognisers
from hokusai_assets.privacy.spans import dissect
from hokusai_assets.privacy.tokens import is_own_token, token

KEY = PrivacyKey.from_secret(bytes(range(32)))
SECRET = "Ada Lovelace"


def spec(**row: Any) -> PrivacySpec:
    return PrivacySpec.model_validate({"recognisers": [{"entity": "STAFF", **row}]})


def after(cells: Sequence[Any], given: PrivacySpec, name: str = "text", **policies: str) -> Any:
    table = pa.table({name: cells})
    result, _ = pseudonymise(table, policies=policies, key=KEY, recognisers=recognisers_of(given))
    return result[name].to_pylist()


def staff(value: str) -> str:
    return token("STAFF", value, KEY)


class Module(types.ModuleType):
    """A module of the deployment's own, and what its functions were called with."""

    seen: list[list[str]]

    def names(self, texts: Sequence[str]) -> list[list[tuple[int, int]]]:
        self.seen.append(list(texts))
        found = [(text, text.find(SECRET)) for text in texts]
        return [[(at, at + len(SECRET))] if at >= 0 else [] for text, at in found]

    def fails(self, texts: Sequence[str]) -> Any:
        raise ValueError(f"cannot parse {texts[0]}")

    def even(self, text: str) -> bool:
        return int(text[-1]) % 2 == 0

    def refuses(self, text: str) -> bool:
        raise ValueError(text)


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> Iterator[Module]:
    made = Module("deployment_recognisers")
    made.seen = []
    monkeypatch.setitem(sys.modules, made.__name__, made)
    recognisers_of.cache_clear()
    yield made
    recognisers_of.cache_clear()


def test_without_configuration_the_recognisers_are_the_default_ones() -> None:
    entities = [row.entity for row in recognisers_of(PrivacySpec())]
    assert entities == [row.entity for row in default_recognisers()]
    assert recognisers_of(PrivacySpec()) is recognisers_of(PrivacySpec())


def test_patterns_come_first_and_functions_before_phones_and_addresses(module: Module) -> None:
    given = PrivacySpec.model_validate(
        {
            "recognisers": [
                {"entity": "FUNC", "callable": "deployment_recognisers:names"},
                {"entity": "PATT", "pattern": "x[0-9]"},
            ]
        }
    )
    entities = [row.entity for row in recognisers_of(given)]
    built_in = [row.entity for row in default_recognisers()]
    assert entities == ["PATT", *built_in[:-3], "FUNC", "PHONE", "ADDRESS", "NAME"]


def test_a_function_is_asked_before_a_number_is_taken_for_a_phone(module: Module) -> None:
    module.names = lambda texts: [[(4, 16)] if "943" in text else [] for text in texts]  # type: ignore[method-assign]
    cells = ["NHS 943 476 5919 ok", "tel 943 476 5919", "x"]
    result = after(cells, spec(callable="deployment_recognisers:names"))
    assert result[0] == f"NHS {staff('943 476 5919')} ok"
    assert "943" not in result[1]


def test_names_in_text_are_looked_for_where_asked() -> None:
    cells = ["My name is Ada Lovelace", "x", "y"]
    assert after(cells, PrivacySpec()) == cells
    name = token("NAME", "ada lovelace", KEY)
    assert after(cells, PrivacySpec(names_in_text=True))[0] == f"My name is {name}"


def test_phone_regions_are_handed_on_and_unknown_ones_refused() -> None:
    given = PrivacySpec(phone_regions=("GB",))
    cells = ["ring 020 7946 0000", "ring 04 91 57 00 00 now"]
    assert after([*cells, "x"], given)[0] != cells[0]
    with pytest.raises(ValidationError, match="ISO 3166"):
        PrivacySpec(phone_regions=("XX",))


def test_a_pattern_finds_values_in_text_and_whole_columns() -> None:
    given = spec(pattern="EMP-[0-9]{6}")
    assert after(["see EMP-123456, a@b.example", "x", "y"], given) == [
        f"see {staff('emp-123456')}, {token('EMAIL', 'a@b.example', KEY)}", "x", "y",
    ]  # fmt: skip
    assert after(["EMP-123456", "EMP-1", None], given)[1] == "EMP-1"
    assert after(["EMP-123456", "EMP-123457", "none"], given)[2] == staff("none")


@pytest.mark.parametrize(
    "text", ["\uff25\uff2d\uff30\u2011\u0661\u0662\u0663\u0664\u0665\u0666", "E\u200bMP-123456"]
)
def test_a_disguised_value_is_found_as_itself(text: str) -> None:
    expected = staff("emp-123456")
    assert after([f"é {text}", "x", "y"], spec(pattern="EMP-[0-9]{6}"))[0] == f"é {expected}"


@pytest.mark.parametrize(
    ("validator", "valid", "canonical", "invalid"),
    [
        ("luhn", "7992-7398713", "79927398713", "79927398710"),
        # ISO 7064's own example, 0794 with its check digits 44.
        ("mod97", "079444", "079444", "079445"),
        ("deployment_recognisers:even", "123456", "123456", "123457"),
    ],
)
def test_a_validator_decides_on_a_candidate(
    module: Module, validator: str, valid: str, canonical: str, invalid: str
) -> None:
    given = spec(pattern=r"\b[0-9]{4}-?[0-9]{2,7}\b", validator=validator)
    cells = [f"id {valid} x", f"id {invalid} x", "x"]
    assert after(cells, given) == [f"id {staff(canonical)} x", *cells[1:]]


def test_mod_97_agrees_with_a_published_legal_entity_identifier() -> None:
    # GLEIF's own LEI (ISO 17442, which checks by MOD 97-10).
    assert mod97_valid("506700GE1G29325QX363")
    assert not mod97_valid("506700GE1G29325QX336")
    assert not mod97_valid("5067-00")


def test_a_context_word_must_stand_whole_within_forty_characters_before() -> None:
    given = spec(pattern="[0-9]{6}", context=["Employee", "number of staff"])
    found = [
        "EMPLOYEE 123456",
        "number of staff: 123456",
        "\uff45mployee" + "." * 32 + "123456",
    ]
    left = [
        "employees 123456",
        "unemployee 123456",
        "employee" + "." * 33 + "123456",
        "123456 employee",
    ]
    result = after([*found, *left, "x"], given)
    assert all("<STAFF" in text for text in result[:3])
    assert result[3:] == [*left, "x"]


def test_a_header_phrase_makes_every_value_the_entity() -> None:
    given = spec(pattern="EMP-[0-9]{6}", header=["employee id"])
    assert after([123456, None], given, "employeeId") == [staff("123456"), None]
    assert after([123456], given, "employee_id_count") == [123456]
    assert after([7], given, "x", x="pii:staff") == [staff("7")]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"pattern": "(a)(?=b)"}, "RE2"),
        ({"pattern": "(["}, "RE2"),
        ({"pattern": "a*"}, "empty"),
        ({"pattern": r"\b"}, "empty"),
        ({"pattern": "[a-z]+"}, "tokens"),
        ({"pattern": "EMAIL"}, "tokens"),
        ({"pattern": "STA+F+"}, "STAFF"),
        ({"pattern": "x1", "callable": "a:b"}, "either"),
        ({}, "either"),
        ({"callable": "a:b", "context": ["x"]}, "belong"),
        ({"callable": "a.b"}, "callable"),
        ({"pattern": "x1", "validator": "crc"}, "validator"),
        ({"pattern": "x1", "header": ["7"]}, "words"),
        ({"pattern": "x1", "entity": "EMAIL"}, "built-in"),
        ({"pattern": "x1", "entity": "A"}, "entity"),
        ({"pattern": "x1", "other": 1}, "other"),
    ],
)
def test_a_recogniser_that_cannot_work_is_refused_when_it_is_loaded(
    row: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        spec(**row)


def test_an_entity_is_named_once() -> None:
    row = {"entity": "STAFF", "pattern": "x1"}
    with pytest.raises(ValidationError, match="one recogniser"):
        PrivacySpec.model_validate({"recognisers": [row, row]})


def test_a_function_sees_distinct_texts_between_tokens_and_no_token(module: Module) -> None:
    given = spec(callable="deployment_recognisers:names")
    mine = token("EMAIL", "x", KEY)
    cells = [
        f"{SECRET} wrote {mine} to a@b.example",
        f"{SECRET} again",
        f"{SECRET} again",
        " ",
        None,
    ]
    result = after(cells, given)
    name = staff("ada lovelace")
    assert result[0].startswith(f"{name} wrote {mine} to <EMAIL:")
    assert result[1:] == [f"{name} again", f"{name} again", " ", None]
    handed = [text for texts in module.seen for text in texts]
    assert not any("<" in text or "a@b" in text for text in handed)
    assert sum(text == f"{SECRET} again" for text in handed) == 1
    assert after(result, given) == result
    assert (
        residual_personal_data(
            pa.table({"text": result}), policies={}, recognisers=recognisers_of(given)
        )
        == []
    )


def test_a_function_is_called_in_bounded_chunks(module: Module) -> None:
    after(
        [f"text {row}" for row in range(2 * CHUNK_TEXTS + 1)],
        spec(callable="deployment_recognisers:names"),
    )
    assert max(map(len, module.seen)) == CHUNK_TEXTS


@pytest.mark.parametrize(
    "answer",
    [
        [], [[(0, 99)]], [[(3, 3)]], [[(4, 2)]], [[(0, 3), (2, 5)]], [[(4, 6), (0, 2)]],
        [[(-1, 2)]], [["ab"]], [[(0.0, 1.0)]], [[(0, 1, 2)]], None, [[(0, 1)], [(0, 1)]],
    ],
)  # fmt: skip
def test_spans_that_are_none_are_refused_without_the_text(module: Module, answer: Any) -> None:
    module.names = lambda texts: answer  # type: ignore[method-assign]
    with pytest.raises(RecogniserError, match=r"STAFF.*deployment_recognisers:names") as caught:
        after([SECRET], spec(callable="deployment_recognisers:names"))
    assert "Ada" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    "row",
    [
        {"callable": "deployment_recognisers:fails"},
        {"pattern": "Ada [A-Z][a-z]+", "validator": "deployment_recognisers:refuses"},
    ],
)
def test_what_a_function_raises_does_not_carry_the_text_along(
    module: Module, row: dict[str, Any]
) -> None:
    with pytest.raises(RecogniserError, match=r"STAFF.*ValueError") as caught:
        after([f"by {SECRET}"], spec(**row))
    error: BaseException | None = caught.value
    assert error is not None and error.__context__ is None and error.__cause__ is None
    assert "Ada" not in str(error)


@pytest.mark.parametrize("path", ["no_such_package:find", "math:no_such_name", "math:pi"])
def test_a_function_that_is_not_there_is_named(path: str) -> None:
    with pytest.raises(RecogniserError, match=path):
        recognisers_of(spec(callable=path))


CUSTOM = spec(pattern="[0-9]{3,4}", validator="luhn")
TEXTS = st.text(alphabet="0123456789-@.ab <>", max_size=40)


@given(TEXTS)
@settings(deadline=None)
def test_replacing_twice_is_replacing_once(text: str) -> None:
    recognisers = recognisers_of(CUSTOM)

    def replaced(cell: str) -> str:
        pieces = dissect(cell, recognisers, lambda found: is_own_token(found, KEY)) or [cell]
        return "".join(
            piece if isinstance(piece, str) else token(piece.entity, piece.canonical, KEY)
            for piece in pieces
        )

    once = replaced(text)
    assert replaced(once) == once
