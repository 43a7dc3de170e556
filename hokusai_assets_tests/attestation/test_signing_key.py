"""The signing key: where it comes from, made once, refused without telling any of it."""

import base64
import multiprocessing
import os
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hokusai_assets.attestation.signing_key import (
    KEY_FILE,
    PUBLIC_KEY_FILE,
    SigningKeyError,
    dry_run_key,
    load_public_key,
    load_signing_key,
    public_pem,
)

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
RAW = base64.b64encode(bytes(range(32))).decode()


def pem(key: object = KEY, password: bytes | None = None) -> str:
    encryption = (
        serialization.BestAvailableEncryption(password)
        if password
        else serialization.NoEncryption()
    )
    return key.private_bytes(  # type: ignore[attr-defined]
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption
    ).decode()


def load(folder: Path, *, production: bool = False, **environment: str) -> Ed25519PrivateKey:
    return load_signing_key(environment=environment, keys_folder=folder, production=production)


def same(first: Ed25519PrivateKey, second: Ed25519PrivateKey) -> bool:
    return first.private_bytes_raw() == second.private_bytes_raw()


@pytest.mark.parametrize("production", [False, True])
@pytest.mark.parametrize("text", [pem(), RAW, RAW + "\n"])
def test_the_environment_gives_the_key(tmp_path: Path, text: str, production: bool) -> None:
    assert same(load(tmp_path, production=production, HOKUSAI_SIGNING_KEY=text), KEY)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", [pem(), RAW])
def test_a_file_gives_the_key(tmp_path: Path, text: str) -> None:
    path = tmp_path / "given.pem"
    path.write_text(text)
    path.chmod(0o600)
    assert same(load(tmp_path, production=True, HOKUSAI_SIGNING_KEY_FILE=str(path)), KEY)


def test_the_environments_key_comes_before_the_file(tmp_path: Path) -> None:
    environment = {"HOKUSAI_SIGNING_KEY": RAW, "HOKUSAI_SIGNING_KEY_FILE": "/nowhere"}
    assert same(load(tmp_path, **environment), KEY)


def test_empty_variables_count_as_unset(tmp_path: Path) -> None:
    load(tmp_path, HOKUSAI_SIGNING_KEY="", HOKUSAI_SIGNING_KEY_FILE="")
    assert (tmp_path / KEY_FILE).exists()


def test_a_key_is_generated_once_and_open_to_its_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    before = os.umask(0)
    try:
        first = load(folder)
    finally:
        os.umask(before)
    assert same(load(folder), first)
    assert stat.S_IMODE((folder / KEY_FILE).stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert sorted(path.name for path in folder.iterdir()) == sorted([KEY_FILE, PUBLIC_KEY_FILE])
    public = load_public_key(folder / PUBLIC_KEY_FILE)
    assert public.public_bytes_raw() == first.public_key().public_bytes_raw()


def test_two_homes_have_two_keys(tmp_path: Path) -> None:
    assert not same(load(tmp_path / "a"), load(tmp_path / "b"))


def _load_at_once(barrier: object, folder: str, keys: object) -> None:
    barrier.wait()  # type: ignore[attr-defined]
    keys.put(load(Path(folder)).private_bytes_raw())  # type: ignore[attr-defined]


def test_processes_that_generate_at_once_end_with_one_key(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    barrier, keys = context.Barrier(3), context.Queue()
    workers = [
        context.Process(target=_load_at_once, args=(barrier, str(tmp_path / "keys"), keys))
        for _ in range(3)
    ]
    for worker in workers:
        worker.start()
    found = {keys.get(timeout=60) for _ in workers}
    for worker in workers:
        worker.join(timeout=60)
    assert found == {load(tmp_path / "keys").private_bytes_raw()}
    assert len(list((tmp_path / "keys").iterdir())) == 2


def test_production_signs_with_no_generated_key(tmp_path: Path) -> None:
    load(tmp_path)
    with pytest.raises(SigningKeyError, match=r"set HOKUSAI_SIGNING_KEY or HOKUSAI_SIGNING_KEY_F"):
        load(tmp_path, production=True)


@pytest.mark.parametrize("mode", [0o604, 0o640, 0o666])
def test_production_refuses_a_key_file_that_others_can_read(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "given.pem"
    path.write_text(pem())
    path.chmod(mode)
    with pytest.raises(SigningKeyError, match="chmod 600"):
        load(tmp_path, production=True, HOKUSAI_SIGNING_KEY_FILE=str(path))
    assert same(load(tmp_path, HOKUSAI_SIGNING_KEY_FILE=str(path)), KEY)


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
        pem(ec.generate_private_key(ec.SECP256R1())),
        public_pem(KEY.public_key()).decode(),
        RAW + "\udcff",
        "-----BEGIN hunter2",
    ],
)
def test_what_is_no_key_is_refused_and_none_of_it_told(tmp_path: Path, text: str) -> None:
    with pytest.raises(SigningKeyError, match="HOKUSAI_SIGNING_KEY holds no Ed25519") as caught:
        load(tmp_path, HOKUSAI_SIGNING_KEY=text)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    told = str(caught.value)
    assert "hunter2" not in told
    assert not any(line in told for line in text.splitlines() if len(line) > 8)


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    for path in (tmp_path / "absent.pem", tmp_path):
        with pytest.raises(SigningKeyError, match="HOKUSAI_SIGNING_KEY_FILE names no readable"):
            load(tmp_path, HOKUSAI_SIGNING_KEY_FILE=str(path))


def test_the_dry_run_key_is_always_the_same(tmp_path: Path) -> None:
    assert same(dry_run_key(), dry_run_key())
    assert not same(dry_run_key(), load(tmp_path))


@pytest.mark.parametrize("data", [b"", b"no key", pem().encode()])
def test_what_is_no_public_key_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "public.pem"
    path.write_bytes(data)
    with pytest.raises(SigningKeyError, match=r"public\.pem: no public key in PEM form"):
        load_public_key(path)


def test_a_public_key_of_another_kind_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "public.pem"
    path.write_bytes(
        ec.generate_private_key(ec.SECP256R1())
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    with pytest.raises(SigningKeyError, match="not Ed25519"):
        load_public_key(path)
