"""The envelope: DSSE as others read it, the same bytes each time, and nothing but its one form."""

import base64
import json
from contextlib import suppress
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from securesystemslib.dsse import Envelope
from securesystemslib.signer import SSlibKey  # type: ignore[attr-defined]

from hokusai_assets.attestation.envelope import (
    PAYLOAD_TYPE,
    NoEnvelope,
    is_signed_by,
    open_envelope,
    sign_statement,
)

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
STATEMENT = {"b": [1, "é", None, True], "a": {"z": -5, "y": ""}}


def pae(payload_type: str, payload: bytes) -> bytes:
    """Pre-authentication encoding, written from the DSSE specification v1."""
    kind = payload_type.encode()
    return b" ".join(
        [b"DSSEv1", str(len(kind)).encode(), kind, str(len(payload)).encode(), payload]
    )


def test_the_specifications_example_of_the_encoding_holds() -> None:
    expected = b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    assert pae("http://example.com/HelloWorld", b"hello world") == expected
    # The library that signs encodes the same.
    assert Envelope(b"hello world", "http://example.com/HelloWorld", {}).pae() == expected


def test_an_envelope_verifies_with_plain_cryptography() -> None:
    document = json.loads(sign_statement(STATEMENT, KEY))
    assert document["payloadType"] == PAYLOAD_TYPE == "application/vnd.in-toto+json"
    payload = base64.b64decode(document["payload"], validate=True)
    assert payload == '{"a":{"y":"","z":-5},"b":[1,"é",null,true]}'.encode()
    (signature,) = document["signatures"]
    encoded = pae(document["payloadType"], payload)
    KEY.public_key().verify(base64.b64decode(signature["sig"]), encoded)
    with pytest.raises(InvalidSignature):
        KEY.public_key().verify(base64.b64decode(signature["sig"]), encoded + b" ")


def test_an_envelope_verifies_with_securesystemslib() -> None:
    envelope = Envelope.from_dict(json.loads(sign_statement(STATEMENT, KEY)))
    assert len(envelope.verify([SSlibKey.from_crypto(KEY.public_key())], 1)) == 1


def test_the_same_statement_and_key_give_the_same_bytes() -> None:
    turned = dict(reversed(STATEMENT.items()))
    assert sign_statement(STATEMENT, KEY) == sign_statement(turned, KEY)
    assert sign_statement(STATEMENT, KEY).endswith(b"}\n")


def test_a_statement_comes_back_from_its_envelope() -> None:
    envelope, statement = open_envelope(sign_statement(STATEMENT, KEY))
    assert statement == STATEMENT
    assert is_signed_by(envelope, KEY.public_key())


def test_another_key_has_not_signed() -> None:
    envelope, _ = open_envelope(sign_statement(STATEMENT, KEY))
    assert not is_signed_by(envelope, Ed25519PrivateKey.generate().public_key())


def with_payload(payload: bytes, **changed: Any) -> bytes:
    document = json.loads(sign_statement(STATEMENT, KEY))
    return json.dumps(document | {"payload": base64.b64encode(payload).decode()} | changed).encode()


@pytest.mark.parametrize(
    ("payload", "told"),
    [
        (b'{"b": 1}', "not in canonical form"),
        (b'{"b":1,"a":2}', "not in canonical form"),
        (b'{"a":"\\u0041"}', "not in canonical form"),
        (b'{"a":1}\n', "not in canonical form"),
        (b'\xef\xbb\xbf{"a":1}', "not in canonical form|no DSSE envelope"),
        ('{"a":1}'.encode("utf-16"), "not in canonical form"),
        (b'{"a":1,"a":1}', "no DSSE envelope"),
        (b'{"a":1.5}', "no canonical form"),
        (b'{"a":1e400}', "no canonical form"),
        (b'{"a":NaN}', "no canonical form"),
        (b'{"a":9007199254740992}', "no canonical form"),
        (b'{"a":"\\ud800"}', "no canonical form"),
        (b"[1]", "no JSON object"),
        (b"no json", "no DSSE envelope"),
        (b'{"a":' * 5000 + b"1" + b"}" * 5000, "no DSSE envelope|no canonical form"),
    ],
)
def test_a_payload_in_another_form_is_refused(payload: bytes, told: str) -> None:
    with pytest.raises(NoEnvelope, match=told):
        open_envelope(with_payload(payload))


@pytest.mark.parametrize("depth", [*range(880, 1000, 7)])
def test_deep_nesting_is_refused_or_read_but_never_crashes(depth: int) -> None:
    data = with_payload(b'{"a":' * depth + b"1" + b"}" * depth)
    # Any other error fails the test.
    with suppress(NoEnvelope):
        assert open_envelope(data)[1].keys() == {"a"}


@pytest.mark.parametrize(
    "data",
    [b"", b"{}", b"[]", b"null", b'{"payload": 1}', b"\xff\xfe", b"[" * 100_000],
)
def test_what_is_no_envelope_is_refused(data: bytes) -> None:
    with pytest.raises(NoEnvelope, match="no DSSE envelope"):
        open_envelope(data)


@pytest.mark.parametrize(
    "changed",
    [
        {"payloadType": "text/plain"},
        {"payload": "!"},
        {"signatures": 1},
        {"signatures": [{"keyid": 1}]},
        {"signatures": [{"keyid": "a", "sig": "not base64!"}]},
    ],
)
def test_a_malformed_envelope_is_refused(changed: dict[str, Any]) -> None:
    document = json.loads(sign_statement(STATEMENT, KEY)) | changed
    with pytest.raises(NoEnvelope):
        open_envelope(json.dumps(document).encode())


def test_a_repeated_key_of_the_envelope_is_refused() -> None:
    data = sign_statement(STATEMENT, KEY)
    with pytest.raises(NoEnvelope):
        open_envelope(data.replace(b'{"payload":', b'{"payload":"","payload":', 1))


@pytest.mark.parametrize("signatures", [[], [{"keyid": "x", "sig": "AAAA"}]])
def test_an_envelope_without_a_valid_signature_is_not_signed(signatures: list[Any]) -> None:
    document = json.loads(sign_statement(STATEMENT, KEY)) | {"signatures": signatures}
    envelope, _ = open_envelope(json.dumps(document).encode())
    assert not is_signed_by(envelope, KEY.public_key())
