"""The sidecar: what it may say, and problems that name keys but never values."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hokusai_assets.contributions.manifest import MAX_BYTES, Manifest, parse_manifest

# EIP-55, test cases.
WALLET = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
VALID = f"""
contributors:
  - {{id: ana, wallet: "{WALLET}", weight_bps: 6000}}
  - {{id: "b.o-b_2", weight_bps: 4000}}
licence: CC BY 4.0
note: two of us
"""
SECRET = "Zq7secretZq7"


def problems_of(text: str) -> list[str]:
    manifest, problems = parse_manifest(text.encode())
    assert manifest == Manifest()
    assert {problem.rule for problem in problems} == {"bad-manifest"}
    assert all("weights sum to 10000" in problem.fix for problem in problems)
    return [problem.message for problem in problems]


def test_a_valid_sidecar_names_the_contributors() -> None:
    manifest, problems = parse_manifest(VALID.encode())
    assert problems == []
    assert [(c.id, c.wallet, c.weight_bps) for c in manifest.contributors] == [
        ("ana", WALLET, 6000),
        ("b.o-b_2", None, 4000),
    ]
    assert (manifest.licence, manifest.note) == ("CC BY 4.0", "two of us")


@pytest.mark.parametrize(
    "wallet",
    [
        "0x52908400098527886E0F7030069857D2E4169EE7",
        "0xde709f2102306220921060314715629080e2fb77",
        "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
        "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
    ],
)
def test_a_wallet_is_held_in_the_form_of_eip_55_whatever_case_it_came_in(wallet: str) -> None:
    for sent in {wallet, wallet.lower(), "0x" + wallet[2:].upper()}:
        manifest, problems = parse_manifest(
            f'contributors: [{{id: a, wallet: "{sent}", weight_bps: 10000}}]'.encode()
        )
        assert problems == []
        assert manifest.contributors[0].wallet == wallet


def test_a_mistyped_wallet_is_told_and_not_quoted() -> None:
    mistyped = WALLET.replace("Aeb6", "Aeb7")
    (message,) = problems_of(f'contributors: [{{id: a, wallet: "{mistyped}", weight_bps: 10000}}]')
    assert "contributor 1, wallet: the address fails its EIP-55 checksum" in message
    assert mistyped not in message


def test_the_zero_address_is_refused_as_a_verifier_would() -> None:
    zero = "0x" + "0" * 40
    (message,) = problems_of(f'contributors: [{{id: a, wallet: "{zero}", weight_bps: 10000}}]')
    assert "contributor 1, wallet: the zero address is nobody's" in message


def test_a_sidecar_can_declare_how_the_file_is_written() -> None:
    manifest, problems = parse_manifest(
        b'format: {delimiter: ";", encoding: Latin-1, decimal: ","}'
    )
    assert problems == []
    declared = manifest.format.declared()
    assert (declared.delimiter, declared.encoding, declared.decimal) == (";", "latin-1", ",")


@pytest.mark.parametrize(
    "text", ["format: {delimiter: x}", "format: {encoding: ebcdic}", "format: {decimal: ';'}"]
)
def test_an_unknown_declaration_is_told(text: str) -> None:
    (message,) = problems_of(text)
    assert "format" in message
    assert "one of" in message


@pytest.mark.parametrize("data", [None, b"", b"# nothing but a comment\n"])
def test_no_sidecar_or_an_empty_one_names_nobody(data: bytes | None) -> None:
    assert parse_manifest(data) == (Manifest(), [])


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (f"{SECRET}: 1", "(unknown key): take it out, or spell it as one of contributors, licence"),
        (
            f"contributors: [{{id: a, weight_bps: 10000, {SECRET}: 1}}]",
            "contributor 1, (unknown key): take it out, or spell it as one of id, wallet",
        ),
        (f"contributors: {SECRET}", "contributors: it must be a list of {id, "),
        (f"contributors: [{SECRET}]", "contributor 1: it must be {id, "),
        (
            f'contributors: [{{id: "{SECRET} x", weight_bps: 10000}}]',
            "contributor 1, id: it must be 1 to 64",
        ),
        (
            f"contributors: [{{id: {'x' * 65}, weight_bps: 10000}}]",
            "contributor 1, id: it must be 1 to 64",
        ),
        ("contributors: [{id: 12, weight_bps: 10000}]", 'in quotes ("...") if it is all digits'),
        (
            f"contributors: [{{id: {SECRET}}}]",
            "contributor 1, weight_bps: it is missing; write a whole",
        ),
        (
            f"contributors: [{{id: a, weight_bps: {SECRET}}}]",
            "weight_bps: it must be a whole number from 1 to 10000",
        ),
        (
            "contributors: [{id: a, weight_bps: true}]",
            "weight_bps: it must be a whole number from 1 to 10000",
        ),
        (
            "contributors: [{id: a, weight_bps: 10000.0}]",
            "weight_bps: it must be a whole number from 1 to 10000",
        ),
        (
            "contributors: [{id: a, weight_bps: 0}]",
            "weight_bps: it must be a whole number from 1 to 10000",
        ),
        (
            "contributors: [{id: a, weight_bps: 10001}]",
            "weight_bps: it must be a whole number from 1 to 10000",
        ),
        (
            f"contributors: [{{id: a, weight_bps: 10000, wallet: {SECRET}}}]",
            "1, wallet: it must be 0x and 40 hex",
        ),
        (f"contributors: [{{id: {SECRET}, weight_bps: 9999}}]", "the weights sum to 9999"),
        (
            f"contributors: [{', '.join([f'{{id: {SECRET}, weight_bps: 5000}}'] * 2)}]",
            "a contributor id stands twice",
        ),
        (f"licence: {SECRET * 20}", "licence: it must be text of at most 200"),
        (f"note: {SECRET * 200}", "note: it must be text of at most 2000"),
        (f"- {SECRET}", "it must hold keys and their values"),
        (f"note: [{SECRET}", "not valid UTF-8 YAML"),
        (f"note: 1\nnote: {SECRET}", "not valid UTF-8 YAML"),
        (f"note: !!python/name:os.{SECRET} x", "not valid UTF-8 YAML"),
        (f"licence: 2024-13-45 # {SECRET}", "not valid UTF-8 YAML"),
        (f"a: !!int {SECRET}", "not valid UTF-8 YAML"),
        ("a: " + "9" * 5000, "not valid UTF-8 YAML"),
        ("[" * 1500, "not valid UTF-8 YAML"),
        ("4111111111111111: x", "(unknown key): take it out"),
        ("contributors: [{4111111111111111: x}]", "contributor 1, (unknown key)"),
        (f"contributors: [{{id: a, weight_bps: 10000, wallet: {WALLET}}}]", "in quotes"),
        ("format: {delimiter: 1}", "format, delimiter: it must be text in quotes"),
        (
            f"format: {{{SECRET}: 1}}",
            "format, (unknown key): take it out, or spell it as one of del",
        ),
        ("format: 1", "format: it must be {delimiter, encoding, decimal}"),
        ("contributors: {0: {id: 1}}", "contributors: it must be a list"),
        ("contributors: [{id: {a: b}, weight_bps: 10000}]", "contributor 1, id: it must be"),
        ("# " + "x" * MAX_BYTES, f"longer than {MAX_BYTES} bytes"),
        ("licence: ask jane.doe@example.com", "licence: it holds personal data (EMAIL)"),
        ("note: call (202) 555-0143", "note: it holds personal data"),
        ("contributors: [{id: 078-05-1120, weight_bps: 10000}]", "contributor 1, id: it holds"),
    ],
)
def test_each_broken_rule_is_told_by_key_and_without_the_value(text: str, told: str) -> None:
    messages = problems_of(text)
    assert any(told in message for message in messages), messages
    for value in (SECRET, "4111111111111111", "jane.doe", "555-0143", "078-05"):
        assert not any(value in message for message in messages)
    # Nor does any speak the language of a library.
    assert not any(word in message for message in messages for word in ("pattern", "Input", ".0"))


def test_a_message_calls_the_sidecar_by_its_name() -> None:
    _, problems = parse_manifest(b"note: [", name="mine.csv.contribution.yaml")
    assert problems[0].message == "mine.csv.contribution.yaml: it is not valid UTF-8 YAML."


def test_every_broken_rule_is_told_at_once() -> None:
    assert len(problems_of("contributors: [{id: a b, weight_bps: 0}]\nlicense: MIT")) == 3


@settings(max_examples=200, deadline=None)
@given(
    st.one_of(
        st.binary(max_size=60),
        st.text(alphabet="{}[]&*!:-?|>'\"%@ \n\t01aenoty.", max_size=40).map(str.encode),
    )
)
def test_any_bytes_give_a_manifest_or_problems(data: bytes) -> None:
    manifest, problems = parse_manifest(data)
    assert manifest == Manifest() if problems else isinstance(manifest, Manifest)
