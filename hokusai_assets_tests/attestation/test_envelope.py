"""The envelope: DSSE as others read it, the same bytes each time, and nothing but its one form."""

import base64
import json
import string
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)
from securesystemslib.dsse import Envelope
from securesystemslib.signer import CryptoSigner, Signature  # type: ignore[attr-defined]

from hokusai_assets.attestation.envelope import (
    PAYLOAD_TYPE,
    NoEnvelope,
    SigningFailed,
    is_signed_by,
    keys_that_signed,
    open_envelope,
    sign_also,
    sign_statement,
)
from hokusai_assets.attestation.key_files import generate, signer_of
from hokusai_assets.attestation.public_keys import P256_ORDER, in_one_form, is_valid

ED25519 = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
P256 = ec.derive_private_key(int.from_bytes(bytes(range(1, 33))), ec.SECP256R1())
KEY, P256_KEY = signer_of(ED25519), signer_of(P256)
BOTH = pytest.mark.parametrize("key", [KEY, P256_KEY], ids=["ed25519", "ecdsa-p256"])
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


def check_by_cryptography(key: CryptoSigner, signature: bytes, message: bytes) -> None:
    """Verify with the key types of the `cryptography` package alone."""
    if key is KEY:
        ED25519.public_key().verify(signature, message)
    else:
        P256.public_key().verify(signature, message, ec.ECDSA(hashes.SHA256()))


@BOTH
def test_an_envelope_verifies_with_plain_cryptography(key: CryptoSigner) -> None:
    document = json.loads(sign_statement(STATEMENT, key))
    assert document["payloadType"] == PAYLOAD_TYPE == "application/vnd.in-toto+json"
    payload = base64.b64decode(document["payload"], validate=True)
    assert payload == '{"a":{"y":"","z":-5},"b":[1,"é",null,true]}'.encode()
    (signature,) = document["signatures"]
    encoded = pae(document["payloadType"], payload)
    check_by_cryptography(key, base64.b64decode(signature["sig"]), encoded)
    with pytest.raises(InvalidSignature):
        check_by_cryptography(key, base64.b64decode(signature["sig"]), encoded + b" ")


@BOTH
def test_an_envelope_verifies_with_securesystemslib(key: CryptoSigner) -> None:
    envelope = Envelope.from_dict(json.loads(sign_statement(STATEMENT, key)))
    assert len(envelope.verify([key.public_key], 1)) == 1


def test_the_published_vector_of_dsse_holds() -> None:
    # protocol.md of secure-systems-lab/dsse, "Test vectors": ECDSA P-256 over SHA-256, where the
    # signature is the two numbers side by side; an envelope here holds them in DER.
    private = ec.derive_private_key(
        97358161215184420915383655311931858321456579547487070936769975997791359926199,
        ec.SECP256R1(),
    )
    numbers = private.public_key().public_numbers()
    assert numbers.x == (
        46950820868899156662930047687818585632848591499744589407958293238635476079160
    )
    assert numbers.y == (
        5640078356564379163099075877009565129882514886557779369047442380624545832820
    )
    pair = base64.b64decode(
        "A3JqsQGtVsJ2O2xqrI5IcnXip5GToJ3F+FnZ+O88SjtR6rDAajabZKciJTfUiHqJPcIAriEGAHTVeCUjW2JIZA=="
    )
    r, s = int.from_bytes(pair[:32]), int.from_bytes(pair[32:])
    message = pae("http://example.com/HelloWorld", b"hello world")
    signer = signer_of(private)
    # The nonce of the vector follows from key and message (RFC 6979), as it does here.
    signature = signer.sign(message)
    assert signature.signature == encode_dss_signature(r, s).hex()
    assert is_valid(in_one_form(signature, signer.public_key), signer.public_key, message)
    assert not is_valid(signature, signer.public_key, message + b".")


@BOTH
def test_the_same_statement_and_key_give_the_same_bytes(key: CryptoSigner) -> None:
    turned = dict(reversed(STATEMENT.items()))
    assert sign_statement(STATEMENT, key) == sign_statement(turned, key)
    assert sign_statement(STATEMENT, key).endswith(b"}\n")


@BOTH
def test_a_statement_comes_back_from_its_envelope(key: CryptoSigner) -> None:
    envelope, statement = open_envelope(sign_statement(STATEMENT, key))
    assert statement == STATEMENT
    assert is_signed_by(envelope, key.public_key)


@BOTH
def test_another_key_has_not_signed(key: CryptoSigner) -> None:
    envelope, _ = open_envelope(sign_statement(STATEMENT, key))
    assert not is_signed_by(envelope, generate("ed25519").public_key)
    assert not is_signed_by(envelope, generate("ecdsa-p256").public_key)


def test_several_keys_sign_one_statement() -> None:
    envelope, _ = open_envelope(sign_statement(STATEMENT, KEY, P256_KEY))
    keys = [P256_KEY.public_key, generate("ed25519").public_key, KEY.public_key]
    assert keys_that_signed(envelope, keys) == [keys[0], keys[2]]
    assert len(envelope.verify([KEY.public_key, P256_KEY.public_key], 2)) == 2


def test_a_signature_is_added_to_those_that_are_there() -> None:
    both = sign_also(sign_statement(STATEMENT, KEY), P256_KEY)
    assert both == sign_statement(STATEMENT, KEY, P256_KEY)
    assert sign_also(both, KEY) == both
    with pytest.raises(NoEnvelope):
        sign_also(b"{}", KEY)


def test_a_key_that_signs_twice_counts_once() -> None:
    assert sign_statement(STATEMENT, KEY, KEY) == sign_statement(STATEMENT, KEY)


def test_nobody_signs_nothing() -> None:
    with pytest.raises(ValueError, match="needs a signer"):
        sign_statement(STATEMENT)


class OutOfReach(CryptoSigner):
    """A key service that can't be reached, and whose client tells too much."""

    def sign(self, payload: bytes) -> Signature:
        raise ConnectionError("secret: hunter2")


def test_a_service_that_gives_no_signature_is_told_without_its_message() -> None:
    with pytest.raises(SigningFailed, match=r"gave no signature \(ConnectionError\)") as caught:
        sign_statement(STATEMENT, OutOfReach(ED25519))
    assert "hunter2" not in str(caught.value)
    assert caught.value.__suppress_context__


def signature_replaced(key: CryptoSigner, change: Callable[[bytes], bytes]) -> bytes:
    """Sign, and change the bytes of the signature."""
    document = json.loads(sign_statement(STATEMENT, key))
    (entry,) = document["signatures"]
    changed = change(base64.b64decode(entry["sig"]))
    return json.dumps(
        document | {"signatures": [entry | {"sig": base64.b64encode(changed).decode()}]}
    ).encode()


@pytest.mark.parametrize("number", range(20))
def test_the_other_signature_of_a_p256_pair_is_refused_though_it_verifies(number: int) -> None:
    key = generate("ecdsa-p256")
    statement = {"number": number}

    def other(signature: bytes) -> bytes:
        r, s = decode_dss_signature(signature)
        assert s <= P256_ORDER // 2
        return encode_dss_signature(r, P256_ORDER - s)

    document = json.loads(sign_statement(statement, key))
    (entry,) = document["signatures"]
    assert is_signed_by(open_envelope(json.dumps(document).encode())[0], key.public_key)
    entry["sig"] = base64.b64encode(other(base64.b64decode(entry["sig"]))).decode()
    envelope, _ = open_envelope(json.dumps(document).encode())
    # Plain ECDSA takes it.
    assert len(envelope.verify([key.public_key], 1)) == 1
    assert not is_signed_by(envelope, key.public_key)


@pytest.mark.parametrize(
    "change",
    [
        lambda der: der + b"\x00",
        lambda der: b"\x30\x81" + der[1:],
        lambda der: b"\x30" + bytes([der[1] + 1, 2, der[3] + 1, 0]) + der[4:],
        lambda der: b"",
        lambda der: encode_dss_signature(decode_dss_signature(der)[0] + P256_ORDER, 1),
        lambda der: encode_dss_signature(0, 0),
    ],
)
def test_a_p256_signature_in_another_encoding_is_refused(change: Callable[[bytes], bytes]) -> None:
    envelope, _ = open_envelope(signature_replaced(P256_KEY, change))
    assert not is_signed_by(envelope, P256_KEY.public_key)


# The order of the base point: RFC 8032, section 5.1.
ED25519_ORDER = 2**252 + 27742317777372353535851937790883648493


@pytest.mark.parametrize("times", range(1, 8))
def test_an_ed25519_signature_with_a_number_out_of_range_is_refused(times: int) -> None:
    def other(signature: bytes) -> bytes:
        s = int.from_bytes(signature[32:], "little") + times * ED25519_ORDER
        return signature[:32] + s.to_bytes(32, "little")

    envelope, _ = open_envelope(signature_replaced(KEY, other))
    assert not is_signed_by(envelope, KEY.public_key)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_an_envelope_in_another_encoding_is_refused(encoding: str) -> None:
    text = sign_statement(STATEMENT, KEY).decode()
    with pytest.raises(NoEnvelope, match="no DSSE envelope"):
        open_envelope(text.encode(encoding))


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
        ('{"a":1}'.encode("utf-16"), "no DSSE envelope"),
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


def respelt(change: Callable[[dict[str, Any]], object]) -> bytes:
    document = json.loads(sign_statement(STATEMENT, KEY))
    change(document)
    return json.dumps(document).encode()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda document: document.update(more=1), "other members than payload"),
        (lambda document: document.update({"": None}), "other members than payload"),
        (lambda document: document["signatures"][0].update(cert="x"), "keyid and sig alone"),
        (lambda document: document["signatures"][0].update(keyid=1), "keyid and sig alone"),
        (lambda document: document.update(signatures={}), "not in canonical form"),
    ],
)
def test_members_that_nobody_signed_are_refused(
    change: Callable[[dict[str, Any]], object], told: str
) -> None:
    with pytest.raises(NoEnvelope, match=told):
        open_envelope(respelt(change))


def spellings(text: str) -> Iterator[str]:
    """Yield other texts that a lenient reader takes for the same bytes."""
    letters = string.ascii_uppercase + string.ascii_lowercase + string.digits + "+/"
    padding = len(text) - len(text.rstrip("="))
    if padding:
        last = letters.index(text[-padding - 1])
        for bits in range(1, 4**padding):
            yield text[: -padding - 1] + letters[last | bits] + "=" * padding
        yield text.rstrip("=")
    yield text + "="
    yield text + "\n"
    yield text[:4] + "\n" + text[4:]
    yield " " + text
    yield text.translate(str.maketrans("+/", "-_"))


# Payloads and signatures of every padding, with signs in which the alphabets differ.
@pytest.mark.parametrize("number", range(12))
@BOTH
def test_other_spellings_of_the_same_bytes_are_refused(key: CryptoSigner, number: int) -> None:
    statement = {"text": "~?" * number + "x" * (number // 3)}
    document = json.loads(sign_statement(statement, key))
    open_envelope(json.dumps(document).encode())
    (entry,) = document["signatures"]
    for payload in set(spellings(document["payload"])) - {document["payload"]}:
        with pytest.raises(NoEnvelope):
            open_envelope(json.dumps(document | {"payload": payload}).encode())
    for sig in set(spellings(entry["sig"])) - {entry["sig"]}:
        changed = document | {"signatures": [entry | {"sig": sig}]}
        with pytest.raises(NoEnvelope):
            open_envelope(json.dumps(changed).encode())


def test_a_repeated_key_of_the_envelope_is_refused() -> None:
    data = sign_statement(STATEMENT, KEY)
    with pytest.raises(NoEnvelope):
        open_envelope(data.replace(b'{"payload":', b'{"payload":"","payload":', 1))


@pytest.mark.parametrize("signatures", [[], [{"keyid": "x", "sig": "AAAA"}]])
def test_an_envelope_without_a_valid_signature_is_not_signed(signatures: list[Any]) -> None:
    document = json.loads(sign_statement(STATEMENT, KEY)) | {"signatures": signatures}
    envelope, _ = open_envelope(json.dumps(document).encode())
    assert not is_signed_by(envelope, KEY.public_key)
