"""Private keys in files and texts: read in their forms, written once, none of them ever told."""

import base64
import os
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hokusai_assets.attestation.key_files import (
    SigningKeyError,
    dry_run_signer,
    generate,
    parse_private_key,
    public_file_of,
    read_private_key,
    signer_of,
    write_pair,
)
from hokusai_assets.attestation.public_keys import (
    KEY_TYPES,
    KeyType,
    load_public_key,
    public_pem,
    type_of,
)

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
RAW = base64.b64encode(bytes(range(32))).decode()
P256 = ec.derive_private_key(7, ec.SECP256R1())


def pem(
    key: object = KEY,
    password: bytes | None = None,
    form: serialization.PrivateFormat = serialization.PrivateFormat.PKCS8,
) -> str:
    encryption = (
        serialization.BestAvailableEncryption(password)
        if password
        else serialization.NoEncryption()
    )
    return key.private_bytes(  # type: ignore[attr-defined]
        serialization.Encoding.PEM, form, encryption
    ).decode()


@pytest.mark.parametrize(
    ("text", "key"),
    [
        (pem(), KEY),
        (RAW, KEY),
        (RAW + "\n", KEY),
        (pem(P256), P256),
        (pem(P256, form=serialization.PrivateFormat.TraditionalOpenSSL), P256),
    ],
)
def test_a_key_is_read_in_each_of_its_forms(text: str, key: object) -> None:
    found = parse_private_key(text.encode(), "the text")
    assert found.private_bytes == signer_of(key).private_bytes


@pytest.mark.parametrize(
    "text",
    [
        "hunter2hunter2",
        RAW[:-8],
        RAW + "AAAA",
        RAW.replace("A", "!"),
        pem()[:-40],
        pem().replace("MC4", "XXX"),
        pem(password=b"hunter2"),
        public_pem(signer_of(KEY).public_key).decode(),
        "-----BEGIN hunter2",
    ],
)
def test_what_is_no_key_is_refused_and_none_of_it_told(text: str) -> None:
    with pytest.raises(SigningKeyError, match="the text holds no Ed25519 or ECDSA") as caught:
        parse_private_key(text.encode(), "the text")
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    told = str(caught.value)
    assert "hunter2" not in told
    assert not any(line in told for line in text.splitlines() if len(line) > 8)


@pytest.mark.parametrize(
    "key",
    [
        ec.generate_private_key(ec.SECP256K1()),
        ec.generate_private_key(ec.SECP384R1()),
        rsa.generate_private_key(65537, 2048),
    ],
)
def test_a_key_of_another_kind_is_refused(key: object) -> None:
    with pytest.raises(SigningKeyError, match=r"Ed25519 (n?or) ECDSA"):
        parse_private_key(pem(key).encode(), "the text")


@pytest.mark.parametrize("key_type", KEY_TYPES)
def test_a_pair_is_written_for_its_owner_alone_and_comes_back(
    tmp_path: Path, key_type: KeyType
) -> None:
    path, signer = tmp_path / "signing.pem", generate(key_type)
    before = os.umask(0)
    try:
        write_pair(path, signer)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert {file.name for file in tmp_path.iterdir()} == {"signing.pem", "signing.pub.pem"}
    assert type_of(signer.public_key) == key_type
    assert load_public_key(public_file_of(path)) == signer.public_key
    found = read_private_key(path, "FILE", production=True)
    assert found.private_bytes == signer.private_bytes


def test_a_key_is_never_written_over_another_file(tmp_path: Path) -> None:
    path = tmp_path / "signing.pem"
    path.write_text("precious")
    with pytest.raises(FileExistsError):
        write_pair(path, generate("ed25519"))
    assert {file.name: file.read_text() for file in tmp_path.iterdir()} == {
        "signing.pem": "precious"
    }


@pytest.mark.parametrize("mode", [0o604, 0o640, 0o666])
def test_production_refuses_a_key_file_that_others_can_read(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "given.pem"
    path.write_text(pem())
    path.chmod(mode)
    with pytest.raises(SigningKeyError, match="FILE is readable by others; chmod 600"):
        read_private_key(path, "FILE", production=True)
    found = read_private_key(path, "FILE", production=False)
    assert found.private_bytes == signer_of(KEY).private_bytes


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    for path in (tmp_path / "absent.pem", tmp_path, Path("a\0b")):
        with pytest.raises(SigningKeyError, match="FILE names no readable file"):
            read_private_key(path, "FILE", production=False)


def test_no_representation_of_a_signer_holds_its_key() -> None:
    for signer in (generate("ed25519"), generate("ecdsa-p256")):
        secret = signer.private_bytes.splitlines()[1].decode()
        assert secret not in repr(signer) + str(signer) + repr(signer.public_key.to_dict())


def test_the_key_of_dry_runs_is_always_the_same() -> None:
    assert dry_run_signer().private_bytes == dry_run_signer().private_bytes
    assert dry_run_signer().private_bytes != generate("ed25519").private_bytes
