"""Tests of where the key comes from."""

import multiprocessing
import stat
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from hokusai_assets.privacy.keys import PrivacyKey, PrivacyKeyError, load_key

HEX = "0123456789abcdef" * 4


def generated(folder: Path) -> PrivacyKey:
    return load_key(environment={}, keys_folder=folder, production=False)


def test_repr_does_not_show_the_secret() -> None:
    key = PrivacyKey.from_secret(b"swordfish" * 4)
    assert "swordfish" not in repr(key)
    assert key.key_id in repr(key)


def test_a_secret_under_32_bytes_is_refused() -> None:
    with pytest.raises(ValueError, match="32"):
        PrivacyKey("kabc", b"x" * 31)


@pytest.mark.parametrize("key_id", ["", "k1", "abc", "k", "kabc:def", "k" * 17])
def test_an_id_that_would_break_the_token_is_refused(key_id: str) -> None:
    with pytest.raises(ValueError, match="key id"):
        PrivacyKey(key_id, b"x" * 32)


def test_the_variable_goes_before_the_file_and_the_generated_key(tmp_path: Path) -> None:
    file = tmp_path / "given"
    file.write_text("f" * 64)
    environment = {"HOKUSAI_PII_KEY": HEX, "HOKUSAI_PII_KEY_FILE": str(file)}
    key = load_key(environment=environment, keys_folder=tmp_path / "keys", production=True)
    assert key.secret == bytes.fromhex(HEX)
    assert not (tmp_path / "keys").exists()


def test_the_file_variable_names_a_file_of_hex(tmp_path: Path) -> None:
    file = tmp_path / "given"
    file.write_text(HEX + "\n")
    environment = {"HOKUSAI_PII_KEY": "", "HOKUSAI_PII_KEY_FILE": str(file)}
    key = load_key(environment=environment, keys_folder=tmp_path, production=True)
    assert key == PrivacyKey.from_secret(bytes.fromhex(HEX))


def test_production_without_a_given_key_names_the_remedy_and_ignores_a_generated_one(
    tmp_path: Path,
) -> None:
    generated(tmp_path)
    with pytest.raises(PrivacyKeyError, match="set HOKUSAI_PII_KEY"):
        load_key(environment={}, keys_folder=tmp_path, production=True)


@pytest.mark.parametrize("text", ["swordfish" * 8, "ab" * 31, "abc" * 33])
def test_a_bad_key_is_refused_without_quoting_it(tmp_path: Path, text: str) -> None:
    with pytest.raises(PrivacyKeyError) as caught:
        load_key(environment={"HOKUSAI_PII_KEY": text}, keys_folder=tmp_path, production=False)
    assert text[:8] not in str(caught.value)


def test_an_unreadable_file_is_refused_without_its_bytes(tmp_path: Path) -> None:
    file = tmp_path / "given"
    file.write_bytes(b"\xff\xfeswordfish")
    environment = {"HOKUSAI_PII_KEY_FILE": str(file)}
    with pytest.raises(PrivacyKeyError) as caught:
        load_key(environment=environment, keys_folder=tmp_path, production=False)
    assert "swordfish" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_the_generated_key_is_kept_private_and_used_again(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    first = generated(folder)
    assert generated(folder) == first
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "pii.key").stat().st_mode) == 0o600
    assert [path.name for path in folder.iterdir()] == ["pii.key"]
    assert generated(tmp_path / "other") != first


def test_a_generated_key_open_to_others_is_refused(tmp_path: Path) -> None:
    generated(tmp_path)
    (tmp_path / "pii.key").chmod(0o644)
    with pytest.raises(PrivacyKeyError, match="chmod 600"):
        generated(tmp_path)


def _secret(folder: Path) -> bytes:
    return generated(folder).secret


def test_processes_that_start_together_get_one_key(tmp_path: Path) -> None:
    # Not multiprocessing.Pool: its terminate() can wait for ever for an idle worker.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(4, mp_context=context) as pool:
        secrets = list(pool.map(_secret, [tmp_path / "keys"] * 16))
    assert len(set(secrets)) == 1


def test_a_process_that_loses_the_race_takes_the_winners_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    winner = generated(tmp_path)
    answers = iter([False])
    monkeypatch.setattr(Path, "exists", lambda self, **_: next(answers))
    assert generated(tmp_path) == winner
