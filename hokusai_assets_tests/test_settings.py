"""Tests of the settings and the environment they come from."""

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from hokusai_assets.settings import Settings, SettingsError


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_an_empty_environment_keeps_all_under_the_working_directory(tmp_path: Path) -> None:
    found = Settings.from_environment({})
    home = tmp_path / ".hokusai"
    assert (found.home, found.data) == (home, tmp_path / "data")
    assert found.drops == str(tmp_path / "data" / "drops")
    assert found.benchmarks == tmp_path / "data" / "benchmarks"
    assert found.mlflow_tracking_uri == f"sqlite:///{home}/mlflow/mlflow.db"
    assert found.mlflow_artifact_root == (home / "mlflow" / "artifacts").as_uri()
    assert found.mlflow_experiment == "hokusai-pipeline"
    assert (found.production, found.tracking, found.dry_run) == (False, None, False)


def test_everything_written_is_inside_the_home(tmp_path: Path) -> None:
    found = Settings.from_environment({"HOKUSAI_HOME": "here"})
    written = [found.dagster_home, found.storage, found.attestations, found.keys]
    written += [found.contributions("letter"), found.log]
    written.append(found.witness_file("letter", "key", "0" * 64))
    assert all(path.is_relative_to(tmp_path / "here") for path in written)
    assert len(set(written)) == 7
    assert found.contributions("a") != found.contributions("b")
    assert list(tmp_path.iterdir()) == []


def test_relative_and_home_folders_become_absolute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "ann"))
    found = Settings.from_environment(
        {"HOKUSAI_HOME": "~/h", "HOKUSAI_DATA": "d", "HOKUSAI_DROPS": "incoming"}
    )
    assert (found.home, found.data) == (tmp_path / "ann" / "h", tmp_path / "d")
    # Another process's working directory must not move it.
    assert found.drops == str(tmp_path / "incoming")
    drops = Settings.from_environment({"HOKUSAI_DROPS": "~/in"}).drops
    assert drops == str(tmp_path / "ann" / "in")


@pytest.mark.parametrize("url", ["s3://bucket/prefix/", "memory://drops", "file:///a/../b"])
def test_a_url_for_drops_is_left_as_it_is(url: str) -> None:
    assert Settings.from_environment({"HOKUSAI_DROPS": url}).drops == url


def test_a_witness_is_written_only_when_asked_for() -> None:
    assert Settings.from_environment({}).witness is False
    assert Settings.from_environment({"HOKUSAI_WITNESS": "off"}).witness is False
    assert Settings.from_environment({"HOKUSAI_WITNESS": "on"}).witness is True
    with pytest.raises(SettingsError, match="HOKUSAI_WITNESS"):
        Settings.from_environment({"HOKUSAI_WITNESS": "yes"})


def test_given_values_win_over_defaults() -> None:
    found = Settings.from_environment(
        {
            "HOKUSAI_MODE": "production",
            "HOKUSAI_TRACKING": "required",
            "MLFLOW_TRACKING_URI": "http://mlflow:5000",
            "MLFLOW_EXPERIMENT_NAME": "mine",
            "MLFLOW_ARTIFACT_ROOT": "s3://artifacts",
        }
    )
    assert (found.production, found.tracking) == (True, "required")
    assert (found.mlflow_tracking_uri, found.mlflow_experiment) == ("http://mlflow:5000", "mine")
    assert found.mlflow_artifact_root == "s3://artifacts"


def test_a_given_mlflow_server_decides_where_artifacts_go() -> None:
    found = Settings.from_environment({"MLFLOW_TRACKING_URI": "http://mlflow:5000"})
    assert found.mlflow_artifact_root is None


def test_artifacts_may_go_elsewhere_than_the_default_store() -> None:
    found = Settings.from_environment({"MLFLOW_ARTIFACT_ROOT": "s3://artifacts"})
    assert found.mlflow_artifact_root == "s3://artifacts"
    assert found.mlflow_tracking_uri.startswith("sqlite:///")


@pytest.mark.parametrize(
    ("name", "allowed"),
    [
        ("HOKUSAI_MODE", "development, production"),
        ("HOKUSAI_TRACKING", "required, optional"),
    ],
)
@pytest.mark.parametrize("value", ["prod", "Production", "true", " "])
def test_a_value_that_is_not_allowed_is_refused_with_what_is(
    name: str, allowed: str, value: str
) -> None:
    with pytest.raises(SettingsError, match=f"{name}: found '{value}', allowed are {allowed}"):
        Settings.from_environment({name: value})


@pytest.mark.parametrize("name", ["HOKUSAI_HOME", "HOKUSAI_DATA"])
def test_a_folder_that_may_not_be_read_is_told_in_a_sentence(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    private = tmp_path / "private" / "home"
    listed = os.scandir

    def refuses(folder: Path) -> Any:
        # Not by its mode: root may read anything.
        if folder == private:
            raise PermissionError(errno.EACCES, "Permission denied", str(folder))
        return listed(folder)

    monkeypatch.setattr(os, "scandir", refuses)
    with pytest.raises(SettingsError) as caught:
        Settings.from_environment({name: str(private)})
    told = (
        f"{name}: {private} can't be read: Permission denied; give a folder that this user can read"
    )
    assert str(caught.value) == told


@pytest.mark.parametrize("path", ["~no-such-user-of-ours/home", "ring/home", "a\0b"])
def test_a_folder_whose_path_leads_nowhere_is_told(path: str, tmp_path: Path) -> None:
    (tmp_path / "ring").symlink_to(tmp_path / "ring")
    with pytest.raises(SettingsError, match="HOKUSAI_HOME: its path leads nowhere"):
        Settings.from_environment({"HOKUSAI_HOME": path})


def test_a_working_directory_that_is_gone_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    with pytest.raises(SettingsError, match="HOKUSAI_HOME: its path leads nowhere"):
        Settings.from_environment({})


def test_empty_variables_count_as_unset() -> None:
    names = ("HOME", "DATA", "DROPS", "MODE", "TRACKING")
    empty = {f"HOKUSAI_{name}": "" for name in names}
    empty |= {f"MLFLOW_{name}": "" for name in ("TRACKING_URI", "EXPERIMENT_NAME", "ARTIFACT_ROOT")}
    assert Settings.from_environment(empty) == Settings.from_environment({})


def test_keys_are_never_held_in_settings() -> None:
    secret = "5ec4e7" * 11
    names = ("HOKUSAI_PII_KEY", "HOKUSAI_SIGNING_KEY")
    found = Settings.from_environment(dict.fromkeys(names, secret))
    assert secret not in repr(found)
    assert found == Settings.from_environment({})


@pytest.mark.parametrize("value", ["0", "-1", "soon", "nan", "inf"])
def test_seconds_to_wait_for_mlflow_are_a_number_above_0(value: str) -> None:
    assert Settings.from_environment({}).tracking_seconds == 120
    assert Settings.from_environment({"HOKUSAI_TRACKING_SECONDS": "2.5"}).tracking_seconds == 2.5
    with pytest.raises(SettingsError, match="HOKUSAI_TRACKING_SECONDS"):
        Settings.from_environment({"HOKUSAI_TRACKING_SECONDS": value})


def test_models_are_logged_unless_they_are_turned_off() -> None:
    assert Settings.from_environment({}).log_models is True
    assert Settings.from_environment({"HOKUSAI_LOG_MODELS": "off"}).log_models is False
