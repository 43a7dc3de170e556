"""Preparing a home: its folders, Dagster's settings, and the instance that runs are kept in."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg

from hokusai_assets.settings import Settings

_DAGSTER_SETTINGS = Path(__file__).with_name("dagster.yaml")


def prepare_home(settings: Settings) -> None:
    """Make the home's folders (0700) and Dagster's settings, and point DAGSTER_HOME there.

    An existing ``dagster.yaml`` is the operator's and stays.
    """
    settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
    for folder in (settings.dagster_home, settings.storage):
        # What the models said of each test row is as private as the test set's labels.
        folder.mkdir(exist_ok=True, mode=0o700)
    target = settings.dagster_home / "dagster.yaml"
    if not target.exists():
        draft = target.with_name(f".dagster.yaml.{os.getpid()}")
        shutil.copyfile(_DAGSTER_SETTINGS, draft)
        os.replace(draft, target)
    os.environ["DAGSTER_HOME"] = str(settings.dagster_home)


@contextmanager
def open_instance(settings: Settings) -> Iterator[dg.DagsterInstance]:
    """Yield the Dagster instance of a home, prepared first."""
    prepare_home(settings)
    with dg.DagsterInstance.from_config(str(settings.dagster_home)) as instance:
        yield instance
