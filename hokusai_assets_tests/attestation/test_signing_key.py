"""Which key signs: the order of looking for it, what production refuses, what is recorded."""

import base64
import multiprocessing
import stat
import sys
from datetime import date
from pathlib import Path

import pytest
from securesystemslib.signer import Signer  # type: ignore[attr-defined]

from hokusai_assets.attestation.key_files import (
    DEVELOPMENT_NOTE,
    SigningKeyError,
    dry_run_signer,
    generate,
    parse_private_key,
    public_file_of,
    write_pair,
)
from hokusai_assets.attestation.key_records import (
    DEVELOPMENT_FILE,
    DEVELOPMENT_PUBLIC_FILE,
    RECORDS_FILE,
    KeyRecordError,
    read_records,
    revoke,
)
from hokusai_assets.attestation.public_keys import KEY_TYPES, KeyType, load_public_key, type_of
from hokusai_assets.attestation.signing_key import (
    KEY_FILE_VARIABLE,
    KEY_VARIABLE,
    load_signer,
    make_home_key,
    take_given_key,
)

RAW = base64.b64encode(bytes(range(32))).decode()
KEY = parse_private_key(RAW.encode(), "the test")
TODAY, LATER = date(2026, 11, 27), date(2027, 2, 3)


def load(folder: Path, *, production: bool = False, **environment: str) -> Signer:
    return load_signer(
        environment=environment, keys_folder=folder, production=production, today=TODAY
    )


def make(folder: Path, key_type: KeyType = "ed25519", *, first: bool = True) -> str:
    return make_home_key({}, folder, key_type, TODAY, first=first).id


def key_file(path: Path, key_type: KeyType = "ed25519") -> str:
    """Write a new key's file and return the key's id."""
    signer = generate(key_type)
    write_pair(path, signer)
    return signer.public_key.keyid


def test_production_knows_the_development_key_of_another_home(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    key = load(one).public_key
    path = one / DEVELOPMENT_FILE
    given = [{KEY_VARIABLE: path.read_text()}, {KEY_FILE_VARIABLE: str(path)}]
    for environment in given:
        assert load(other, **environment).public_key == key
        with pytest.raises(SigningKeyError, match="was made for development"):
            load(tmp_path / "third", production=True, **environment)
    with pytest.raises(SigningKeyError, match="made for development"):
        take_given_key(given[0], other, TODAY, production=True)


@pytest.mark.parametrize("production", [False, True])
def test_the_environment_gives_the_key_and_it_is_recorded_but_not_stored(
    tmp_path: Path, production: bool
) -> None:
    for _ in range(2):
        found = load(tmp_path, production=production, HOKUSAI_SIGNING_KEY=RAW)
        assert found.public_key == KEY.public_key
    (record,) = read_records(tmp_path)
    assert (record.id, record.origin, record.source) == (
        KEY.public_key.keyid,
        "given",
        "HOKUSAI_SIGNING_KEY",
    )
    assert record.created == TODAY
    stored = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert RAW.encode() not in stored
    assert b"PRIVATE" not in stored


@pytest.mark.parametrize("key_type", KEY_TYPES)
def test_a_file_gives_the_key(tmp_path: Path, key_type: KeyType) -> None:
    path = tmp_path / "given.pem"
    expected = key_file(path, key_type)
    found = load(tmp_path / "keys", production=True, HOKUSAI_SIGNING_KEY_FILE=str(path))
    assert (found.public_key.keyid, type_of(found.public_key)) == (expected, key_type)


def test_the_environments_key_comes_before_the_file_and_the_homes(tmp_path: Path) -> None:
    make(tmp_path)
    environment = {"HOKUSAI_SIGNING_KEY": RAW, "HOKUSAI_SIGNING_KEY_FILE": "/nowhere"}
    assert load(tmp_path, **environment).public_key == KEY.public_key


def test_empty_variables_count_as_unset(tmp_path: Path) -> None:
    load(tmp_path, HOKUSAI_SIGNING_KEY="", HOKUSAI_SIGNING_KEY_FILE="")
    assert (tmp_path / DEVELOPMENT_FILE).exists()


def test_a_development_key_is_made_once_and_open_to_its_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    first = load(folder)
    assert load(folder).public_key == first.public_key
    assert stat.S_IMODE((folder / DEVELOPMENT_FILE).stat().st_mode) == 0o600
    assert stat.S_IMODE((folder / RECORDS_FILE).stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert load_public_key(folder / DEVELOPMENT_PUBLIC_FILE) == first.public_key
    assert [record.origin for record in read_records(folder)] == ["development"]


def test_two_homes_have_two_keys(tmp_path: Path) -> None:
    assert load(tmp_path / "a").public_key != load(tmp_path / "b").public_key


def _load_at_once(barrier: object, folder: str, keys: object) -> None:
    barrier.wait()  # type: ignore[attr-defined]
    keys.put(load(Path(folder)).public_key.keyid)  # type: ignore[attr-defined]


def test_processes_that_start_at_once_end_with_one_key_and_one_record(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    barrier, keys = context.Barrier(3), context.Queue()
    folder = tmp_path / "keys"
    workers = [
        context.Process(target=_load_at_once, args=(barrier, str(folder), keys)) for _ in range(3)
    ]
    for worker in workers:
        worker.start()
    found = {keys.get(timeout=60) for _ in workers}
    for worker in workers:
        worker.join(timeout=60)
    assert found == {load(folder).public_key.keyid}
    assert [record.id for record in read_records(folder)] == [*found]
    names = {path.name for path in folder.iterdir()}
    lock = f".{RECORDS_FILE}.lock"
    assert names == {DEVELOPMENT_FILE, DEVELOPMENT_PUBLIC_FILE, RECORDS_FILE, lock}


@pytest.mark.parametrize("key_type", KEY_TYPES)
@pytest.mark.parametrize("production", [False, True])
def test_the_homes_own_key_signs_where_none_is_given(
    tmp_path: Path, key_type: KeyType, production: bool
) -> None:
    made = make(tmp_path, key_type)
    assert load(tmp_path, production=production).public_key.keyid == made
    (path,) = tmp_path.glob("signing.????????????.pem")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o644)
    with pytest.raises(SigningKeyError, match="chmod 600"):
        load(tmp_path, production=True)


def test_the_homes_first_key_takes_the_place_of_the_development_key(tmp_path: Path) -> None:
    old = load(tmp_path).public_key.keyid
    made = make(tmp_path)
    assert {record.id: record.status for record in read_records(tmp_path)} == {
        old: "retired",
        made: "active",
    }
    assert load(tmp_path).public_key.keyid == made


def test_a_second_first_key_is_refused_and_a_rotation_is_not(tmp_path: Path) -> None:
    first = make(tmp_path)
    with pytest.raises(SigningKeyError, match=r"`hokusai keys rotate` replaces it"):
        make(tmp_path)
    second = make(tmp_path, first=False)
    third = make(tmp_path, "ecdsa-p256", first=False)
    assert [(record.id, record.status) for record in read_records(tmp_path)] == [
        (first, "retired"),
        (second, "retired"),
        (third, "active"),
    ]
    assert load(tmp_path, production=True).public_key.keyid == third


@pytest.mark.parametrize("name", ["HOKUSAI_SIGNING_KEY", "HOKUSAI_SIGNING_KEY_FILE"])
def test_the_home_makes_no_key_that_a_variable_would_overrule(tmp_path: Path, name: str) -> None:
    for first in (True, False):
        with pytest.raises(SigningKeyError, match=f"{name} gives the key that signs"):
            make_home_key({name: "x"}, tmp_path, "ed25519", TODAY, first=first)
    assert list(tmp_path.iterdir()) == []


def test_a_given_key_takes_over_and_the_old_one_signs_no_more(tmp_path: Path) -> None:
    old, new = tmp_path / "old.pem", tmp_path / "new.pem"
    key_file(old)
    expected, folder = key_file(new, "ecdsa-p256"), tmp_path / "keys"
    load(folder, production=True, HOKUSAI_SIGNING_KEY_FILE=str(old))
    environment = {"HOKUSAI_SIGNING_KEY_FILE": str(new)}
    assert take_given_key(environment, folder, LATER, production=True).id == expected
    assert [(record.status, record.retired) for record in read_records(folder)] == [
        ("retired", LATER),
        ("active", None),
    ]
    load(folder, production=True, **environment)
    for production in (False, True):
        with pytest.raises(SigningKeyError, match="is retired; set HOKUSAI_SIGNING_KEY"):
            load(folder, production=production, HOKUSAI_SIGNING_KEY_FILE=str(old))
    with pytest.raises(SigningKeyError, match="is retired"):
        take_given_key({"HOKUSAI_SIGNING_KEY_FILE": str(old)}, folder, LATER, production=True)
    with pytest.raises(SigningKeyError, match="no key is given"):
        take_given_key({}, folder, LATER, production=True)


@pytest.mark.parametrize("production", [False, True])
def test_a_revoked_key_signs_no_more(tmp_path: Path, production: bool) -> None:
    made = make(tmp_path)
    revoke(tmp_path, made[:12], "lost", LATER)
    with pytest.raises(SigningKeyError, match=r"keys (new|rotate)"):
        load(tmp_path, production=production)
    again = make(tmp_path)
    assert load(tmp_path, production=production).public_key.keyid == again
    given = load(tmp_path, production=production, HOKUSAI_SIGNING_KEY=RAW).public_key.keyid
    revoke(tmp_path, given, "lost", LATER)
    with pytest.raises(SigningKeyError, match="is revoked"):
        load(tmp_path, production=production, HOKUSAI_SIGNING_KEY=RAW)


def test_a_revoked_development_key_signs_no_more(tmp_path: Path) -> None:
    old = load(tmp_path).public_key.keyid
    revoke(tmp_path, old, "lost", LATER)
    with pytest.raises(SigningKeyError, match=r"is revoked; .*`hokusai keys new`"):
        load(tmp_path)
    assert make(tmp_path) == load(tmp_path).public_key.keyid


def test_production_signs_with_no_development_key_however_it_is_given(tmp_path: Path) -> None:
    load(tmp_path)
    with pytest.raises(SigningKeyError, match=r"set HOKUSAI_SIGNING_KEY or HOKUSAI_SIGNING_KEY_F"):
        load(tmp_path, production=True)
    path = tmp_path / DEVELOPMENT_FILE
    with pytest.raises(SigningKeyError, match="was made for development"):
        load(tmp_path, production=True, HOKUSAI_SIGNING_KEY_FILE=str(path))
    with pytest.raises(SigningKeyError, match="was made for development"):
        load(tmp_path, production=True, HOKUSAI_SIGNING_KEY=path.read_text())


def test_the_development_key_of_a_home_older_than_its_records_is_known(tmp_path: Path) -> None:
    expected = load(tmp_path).public_key
    (tmp_path / RECORDS_FILE).unlink()
    assert [record.id for record in read_records(tmp_path)] == [expected.keyid]
    path = tmp_path / DEVELOPMENT_FILE
    with pytest.raises(SigningKeyError, match="was made for development"):
        load(tmp_path, production=True, HOKUSAI_SIGNING_KEY_FILE=str(path))
    # Its file did not say so yet, or was copied without that line.
    path.write_bytes(path.read_bytes().replace(DEVELOPMENT_NOTE, b""))
    with pytest.raises(SigningKeyError, match="was made for development"):
        load(tmp_path, production=True, HOKUSAI_SIGNING_KEY_FILE=str(path))
    assert load(tmp_path).public_key == expected


@pytest.mark.parametrize("production", [False, True])
def test_the_published_key_of_dry_runs_attests_nothing(tmp_path: Path, production: bool) -> None:
    text = dry_run_signer().private_bytes.decode()
    with pytest.raises(SigningKeyError, match="published key of dry runs"):
        load(tmp_path, production=production, HOKUSAI_SIGNING_KEY=text)
    assert list(tmp_path.iterdir()) == []


def test_production_refuses_a_key_file_that_others_can_read(tmp_path: Path) -> None:
    path = tmp_path / "given.pem"
    key_file(path)
    path.chmod(0o640)
    with pytest.raises(SigningKeyError, match=r"HOKUSAI_SIGNING_KEY_FILE .* chmod 600"):
        load(tmp_path / "keys", production=True, HOKUSAI_SIGNING_KEY_FILE=str(path))
    load(tmp_path / "keys", HOKUSAI_SIGNING_KEY_FILE=str(path))


@pytest.mark.parametrize("text", ["hunter2hunter2", RAW[:-8], RAW + "\udcff"])
def test_what_is_no_key_is_refused_and_none_of_it_told(tmp_path: Path, text: str) -> None:
    with pytest.raises(SigningKeyError, match="HOKUSAI_SIGNING_KEY holds no Ed25519") as caught:
        load(tmp_path, HOKUSAI_SIGNING_KEY=text)
    assert text not in str(caught.value)


def test_a_homes_key_file_that_holds_another_key_is_refused(tmp_path: Path) -> None:
    make(tmp_path)
    (path,) = tmp_path.glob("signing.????????????.pem")
    path.unlink()
    with pytest.raises(SigningKeyError, match="names no readable file"):
        load(tmp_path)
    public_file_of(path).unlink()
    key_file(path)
    with pytest.raises(SigningKeyError, match="is not the key"):
        load(tmp_path)


def test_damaged_records_stop_signing(tmp_path: Path) -> None:
    make(tmp_path)
    (tmp_path / RECORDS_FILE).write_text("{}")
    with pytest.raises(KeyRecordError, match=r"records\.json can't be read"):
        load(tmp_path)


def test_a_kms_key_without_the_extra_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from securesystemslib.signer import _aws_signer

    assert _aws_signer.__name__ in sys.modules
    # What the library finds where boto3 is not installed, which it may be here.
    monkeypatch.setattr(_aws_signer, "AWS_IMPORT_ERROR", "boto3 is missing")
    with pytest.raises(SigningKeyError, match=r"pip install 'hokusai-assets\[kms\]'"):
        load(tmp_path, production=True, HOKUSAI_SIGNING_KEY="awskms:alias/hokusai")
