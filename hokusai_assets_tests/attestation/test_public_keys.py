"""Public keys: two kinds, each with one id, one PEM form, and signatures of one form only."""

import hashlib
import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from hypothesis import given
from hypothesis import strategies as st
from securesystemslib.signer import Signature  # type: ignore[attr-defined]

from hokusai_assets.attestation.key_files import dry_run_signer, generate
from hokusai_assets.attestation.public_keys import (
    KEY_TYPES,
    P256_ORDER,
    KeyType,
    PublicKeyError,
    in_one_form,
    is_dry_run_key,
    is_valid,
    load_public_key,
    parse_public_key,
    public_key_of,
    public_pem,
    type_of,
)

# RFC 8032, section 7.1, tests 1 to 3: secret key, public key, message, signature.
RFC_8032 = [
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e397"
        "01cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f361"
        "3d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f76"
        "0984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
]

# RFC 6979, section A.2.5 (P-256), with SHA-256: message, r, s.
RFC_6979_PUBLIC = (
    0x60FED4BA255A9D31C961EB74C6356D68C049B8923B61FA6CE669622E60F29FB6,
    0x7903FE1008B8BC99A41AE9E95628BC64F2F1B20C2D7E9F5177A3C294D4462299,
)
RFC_6979 = [
    (
        b"sample",
        0xEFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716,
        0xF7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8,
    ),
    (
        b"test",
        0xF1ABB023518351CD71D881567B1EA663ED3EFCF6C5132B354F28D3B0B7D38367,
        0x019F4113742A2B14BD25926B49C649155F267E60D3814B4C0CC84250E46F0083,
    ),
]

# The points of small order in all their encodings, as libsodium refuses them
# (crypto_core/ed25519/ref10/ed25519_ref10.c); the last byte's high bit is the sign.
SMALL_ORDER = [
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
]


@pytest.mark.parametrize(("secret", "public", "message", "signature"), RFC_8032)
def test_the_vectors_of_rfc_8032_hold(
    secret: str, public: str, message: str, signature: str
) -> None:
    key = public_key_of(Ed25519PublicKey.from_public_bytes(bytes.fromhex(public)))
    assert is_valid(Signature(key.keyid, signature), key, bytes.fromhex(message))
    assert not is_valid(Signature(key.keyid, signature), key, bytes.fromhex(message) + b"\0")
    private = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(secret))
    assert private.sign(bytes.fromhex(message)).hex() == signature


@pytest.mark.parametrize(("message", "r", "s"), RFC_6979)
def test_the_vectors_of_rfc_6979_hold_in_their_lower_form(message: bytes, r: int, s: int) -> None:
    numbers = ec.EllipticCurvePublicNumbers(*RFC_6979_PUBLIC, ec.SECP256R1())
    key = public_key_of(numbers.public_key())
    published = Signature(key.keyid, encode_dss_signature(r, s).hex())
    other = Signature(key.keyid, encode_dss_signature(r, P256_ORDER - s).hex())
    assert in_one_form(published, key) == in_one_form(other, key)
    low, high = (published, other) if s < P256_ORDER - s else (other, published)
    assert is_valid(low, key, message)
    assert not is_valid(high, key, message)
    assert not is_valid(low, key, message + b".")


@given(key_type=st.sampled_from(KEY_TYPES), message=st.binary(max_size=200))
def test_what_is_signed_verifies_and_nothing_else(key_type: KeyType, message: bytes) -> None:
    signer = generate(key_type)
    signature = in_one_form(signer.sign(message), signer.public_key)
    assert is_valid(signature, signer.public_key, message)
    assert not is_valid(signature, signer.public_key, message + b"\0")
    assert not is_valid(signature, generate(key_type).public_key, message)


@given(key_type=st.sampled_from(KEY_TYPES), data=st.binary(max_size=80))
def test_any_bytes_in_place_of_a_signature_are_refused(key_type: KeyType, data: bytes) -> None:
    key = generate(key_type).public_key
    assert not is_valid(Signature(key.keyid, data.hex()), key, b"message")


@pytest.mark.parametrize("key_type", KEY_TYPES)
def test_a_key_comes_back_from_its_pem(tmp_path: Path, key_type: KeyType) -> None:
    key = generate(key_type).public_key
    assert parse_public_key(public_pem(key)) == key
    assert type_of(key) == key_type
    path = tmp_path / "public.pem"
    path.write_bytes(public_pem(key))
    assert load_public_key(path) == key
    assert public_pem(key).startswith(b"-----BEGIN PUBLIC KEY-----\n")


def test_a_key_has_one_id_in_whatever_form_it_is_written() -> None:
    public = ec.derive_private_key(7, ec.SECP256R1()).public_key()
    points = {
        public_key_of(
            ec.EllipticCurvePublicKey.from_encoded_point(
                ec.SECP256R1(),
                public.public_bytes(serialization.Encoding.X962, form),
            )
        ).keyid
        for form in (
            serialization.PublicFormat.CompressedPoint,
            serialization.PublicFormat.UncompressedPoint,
        )
    }
    assert points == {public_key_of(public).keyid}


def test_an_id_is_the_digest_that_in_toto_names_keys_by() -> None:
    key = generate("ed25519").public_key
    document = {"keytype": "ed25519", "scheme": "ed25519", "keyval": key.keyval}
    canonical = json.dumps(document, sort_keys=True, separators=(",", ":"))
    assert key.keyid == hashlib.sha256(canonical.encode()).hexdigest()


@pytest.mark.parametrize("sign", [0, 0x80])
@pytest.mark.parametrize("encoded", SMALL_ORDER)
def test_a_key_of_small_order_is_refused(encoded: str, sign: int) -> None:
    data = bytearray.fromhex(encoded)
    data[31] |= sign
    with pytest.raises(PublicKeyError, match="small order"):
        public_key_of(Ed25519PublicKey.from_public_bytes(bytes(data)))


@pytest.mark.parametrize("data", [b"", b"no key", generate("ed25519").private_bytes])
def test_what_is_no_public_key_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "public.pem"
    path.write_bytes(data)
    with pytest.raises(PublicKeyError, match=r"public\.pem: no public key in PEM form"):
        load_public_key(path)
    with pytest.raises(PublicKeyError, match="no public key in PEM form"):
        load_public_key(tmp_path)


def test_a_text_that_holds_a_key_among_other_things_is_refused(tmp_path: Path) -> None:
    one, other = (public_pem(generate(key_type).public_key) for key_type in KEY_TYPES)
    path = tmp_path / "policy.yaml"
    for data in (one + other, b"revoked: true\n" + one, one + b"# mine\n"):
        path.write_bytes(data)
        with pytest.raises(PublicKeyError, match=r"policy\.yaml: something stands beside"):
            load_public_key(path)
    assert parse_public_key(b"\n" + one.replace(b"\n", b"\r\n") + b"\n\n")


@pytest.mark.parametrize(
    "key",
    [
        ec.generate_private_key(ec.SECP256K1()),
        ec.generate_private_key(ec.SECP384R1()),
        rsa.generate_private_key(65537, 2048),
    ],
)
def test_a_key_of_another_kind_is_refused(key: ec.EllipticCurvePrivateKey, tmp_path: Path) -> None:
    path = tmp_path / "public.pem"
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    path.write_bytes(key.public_key().public_bytes(serialization.Encoding.PEM, form))
    with pytest.raises(PublicKeyError, match=r"public\.pem: .* neither Ed25519 nor ECDSA on P-256"):
        load_public_key(path)


def test_the_key_of_dry_runs_is_known() -> None:
    assert is_dry_run_key(dry_run_signer().public_key)
    assert not is_dry_run_key(generate("ed25519").public_key)
    assert not is_dry_run_key(generate("ecdsa-p256").public_key)
