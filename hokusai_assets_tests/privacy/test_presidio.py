"""Tests of the optional recognisers by Presidio."""

import importlib.util

import pytest

from hokusai_assets.privacy import presidio
from hokusai_assets.privacy.custom import PrivacySpec, RecogniserError, recognisers_of
from hokusai_assets.privacy.spans import Finding, dissect

SPEC = PrivacySpec.model_validate(
    {
        "recognisers": [
            {"entity": "NATIONALID", "callable": "hokusai_assets.privacy.presidio:national_ids"}
        ]
    }
)


def found(text: str) -> list[Finding]:
    pieces = dissect(text, recognisers_of(SPEC), lambda _: True) or []
    return [piece for piece in pieces if isinstance(piece, Finding)]


def test_without_presidio_the_error_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    presidio._engine.cache_clear()
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(
        RecogniserError, match=r"pip install 'hokusai-assets\[presidio\]'"
    ) as caught:
        found("RSSMRA85T10A562S")
    assert "RSSMRA" not in str(caught.value)


@pytest.mark.integration
@pytest.mark.parametrize(
    ("text", "value"),
    [
        # Published specimens: Wikipedia's fiscal code, NHS and PESEL examples.
        ("codice fiscale RSSMRA85T10A562S", "rssmra85t10a562s"),
        ("NHS number 943 476 5919 ok", "943 476 5919"),
        ("my pesel is 44051401359", "44051401359"),
        ("\u00e9 DNI 12345678Z, x", "12345678z"),
    ],
)
def test_published_specimens_are_found(text: str, value: str) -> None:
    assert found(text) == [Finding("NATIONALID", value)]


@pytest.mark.parametrize(
    # Specimens of the Polish ministry and of Wikipedia.
    ("number", "valid"),
    [("44051401359", True), ("02070803628", True), ("44051401358", False), ("44051401350", False)],
)
def test_the_pesel_check_digit_is_the_complement_of_the_weighted_sum(
    number: str, valid: bool
) -> None:
    assert presidio.is_pesel(number) == valid


@pytest.mark.integration
@pytest.mark.parametrize("text", ["ref 9434765919", "order 44051401359 x", "plain words"])
def test_digits_without_a_context_word_are_left(text: str) -> None:
    assert [finding for finding in found(text) if finding.entity == "NATIONALID"] == []
