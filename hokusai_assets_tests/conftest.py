"""Fixtures that several folders of tests share: a privacy key and the bundled benchmarks."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from hypothesis import settings

from hokusai_assets.benchmarks.loading import Benchmark, load_benchmark
from hokusai_assets.privacy.keys import PrivacyKey

# No test is a timed one: a busy machine is no fault of the code.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

DATA = Path(__file__).resolve().parent.parent / "data"


@pytest.fixture(scope="session")
def data_folder() -> Path:
    return DATA


@pytest.fixture(scope="session")
def privacy_key() -> PrivacyKey:
    return PrivacyKey.from_secret(b"a key of the tests, of 32 bytes.")


@pytest.fixture(scope="session")
def bundled(privacy_key: PrivacyKey) -> Callable[[str], Benchmark]:
    """Load a bundled benchmark by its id, once per session."""
    return cache(lambda name: load_benchmark(DATA / "benchmarks" / name, privacy_key))
