"""Signing by AWS KMS, against a local server of its API (moto): no private key is held here."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from hokusai_assets.attestation.envelope import (
    SigningFailed,
    is_signed_by,
    open_envelope,
    sign_statement,
)
from hokusai_assets.attestation.key_files import SigningKeyError, generate, write_pair
from hokusai_assets.attestation.key_records import read_records
from hokusai_assets.attestation.public_keys import type_of
from hokusai_assets.attestation.signing_key import load_signer
from hokusai_assets.cli.main import main

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("kms")]
TODAY = date(2026, 11, 27)


def _sign_digest(key: Any, message: bytes, signing_algorithm: str) -> bytes:
    """Sign a digest as it is, as KMS does of what is sent with MessageType=DIGEST.

    moto 5.2 takes it for a message and hashes it again (getmoto/moto, pull request 10202).
    """
    assert (len(message), signing_algorithm) == (32, "ECDSA_SHA_256")
    signature: bytes = key.private_key.sign(message, ec.ECDSA(Prehashed(hashes.SHA256())))
    return signature


@contextmanager
def kms_server() -> Iterator[str]:
    """Run a server of the API and yield its address."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        yield f"http://{host}:{port}"
    finally:
        server.stop()


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    from moto.kms.utils import ECDSAPrivateKey

    with kms_server() as address, pytest.MonkeyPatch.context() as patch:
        patch.setattr(ECDSAPrivateKey, "sign", _sign_digest)
        yield address


@pytest.fixture
def kms(address: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    import boto3

    for name, value in {
        "AWS_ENDPOINT_URL": address,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_MAX_ATTEMPTS": "1",
        "NO_PROXY": "127.0.0.1",
    }.items():
        monkeypatch.setenv(name, value)
    return boto3.client("kms")


def new_key(kms: Any, spec: str = "ECC_NIST_P256") -> dict[str, str]:
    metadata: dict[str, str] = kms.create_key(KeySpec=spec, KeyUsage="SIGN_VERIFY")["KeyMetadata"]
    return metadata


def load(folder: Path, uri: str, *, production: bool = True) -> Any:
    environment = {"HOKUSAI_SIGNING_KEY": uri}
    return load_signer(
        environment=environment, keys_folder=folder, production=production, today=TODAY
    )


@pytest.mark.parametrize("name", ["KeyId", "Arn", "alias"])
def test_a_key_in_kms_signs_under_its_id_its_arn_and_an_alias(
    kms: Any, tmp_path: Path, name: str
) -> None:
    metadata = new_key(kms)
    kms.create_alias(AliasName=f"alias/{metadata['KeyId']}", TargetKeyId=metadata["KeyId"])
    uri = f"awskms:{metadata.get(name, 'alias/' + metadata['KeyId'])}"
    signer = load(tmp_path, uri)
    assert type_of(signer.public_key) == "ecdsa-p256"
    envelope, _ = open_envelope(sign_statement({"a": 1}, signer))
    assert is_signed_by(envelope, signer.public_key)
    (record,) = read_records(tmp_path)
    assert (record.id, record.origin, record.source) == (signer.public_key.keyid, "kms", uri)
    assert {path.name for path in tmp_path.iterdir()} == {"records.json", ".records.json.lock"}


def test_whichever_of_the_two_signatures_kms_gives_the_lower_one_is_kept(
    kms: Any, tmp_path: Path
) -> None:
    signer = load(tmp_path, f"awskms:{new_key(kms)['KeyId']}")
    for number in range(20):
        envelope, _ = open_envelope(sign_statement({"number": number}, signer))
        assert is_signed_by(envelope, signer.public_key)


@pytest.mark.parametrize("spec", ["RSA_2048", "ECC_SECG_P256K1", "ECC_NIST_P384"])
def test_a_key_of_another_kind_is_refused(kms: Any, tmp_path: Path, spec: str) -> None:
    with pytest.raises(SigningKeyError, match="make one of the type ECC_NIST_P256"):
        load(tmp_path, f"awskms:{new_key(kms, spec)['KeyId']}")
    assert list(tmp_path.iterdir()) == []


def test_a_key_that_is_not_there_is_told_with_the_answer_of_kms(kms: Any, tmp_path: Path) -> None:
    with pytest.raises(SigningKeyError, match=r"gave no public key .* \(NotFoundException\)"):
        load(tmp_path, "awskms:00000000-0000-0000-0000-000000000000")


def test_a_kms_out_of_reach_is_told(
    kms: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with kms_server() as address:
        monkeypatch.setenv("AWS_ENDPOINT_URL", address)
        uri = f"awskms:{new_key(kms)['KeyId']}"
        signer = load(tmp_path, uri)
    with pytest.raises(SigningFailed, match=r"gave no signature \(EndpointConnectionError\)"):
        sign_statement({"a": 1}, signer)
    with pytest.raises(SigningKeyError, match=r"\(EndpointConnectionError\); see its region"):
        load(tmp_path, uri)
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    with pytest.raises(SigningKeyError, match=r"\(NoRegionError\); see its region"):
        load(tmp_path, uri)


def test_a_key_in_kms_takes_over_from_one_in_a_file(kms: Any, tmp_path: Path) -> None:
    path = tmp_path / "old.pem"
    write_pair(path, generate("ed25519"))
    home = tmp_path / "home"
    production = {"HOKUSAI_HOME": str(home), "HOKUSAI_MODE": "production"}
    load_signer(
        environment={"HOKUSAI_SIGNING_KEY_FILE": str(path)},
        keys_folder=home / "keys",
        production=True,
        today=TODAY,
    )
    uri = f"awskms:{new_key(kms)['KeyId']}"
    given = production | {"HOKUSAI_SIGNING_KEY": uri}
    rotated = CliRunner().invoke(main, ["keys", "rotate", "--given"], env=given)
    assert rotated.exit_code == 0, rotated.output
    shown = CliRunner().invoke(main, ["keys", "list", "--json"], env=given).output
    assert [(key["status"], key["type"], key["source"]) for key in json.loads(shown)["keys"]] == [
        ("retired", "ed25519", str(path)),
        ("active", "ecdsa-p256", uri),
    ]
