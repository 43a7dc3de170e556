"""Model files: the same bytes for the same model, the same model back, and no code in them."""

import io
import json
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skops.io
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from hokusai_assets.benchmarks.spec import SpecError
from hokusai_assets.models.persistence import (
    UntrustedModel,
    load_model,
    load_model_file,
    model_bytes,
)
from hokusai_assets.models.training import TrainedModel, predict_probabilities, train
from hokusai_assets_tests.models.small_benchmark import TABULAR, TEXTUAL, rows_of, spec_of
from hokusai_assets_tests.models.training_digests import CASES, SMALL


@pytest.fixture(scope="module")
def small_model() -> TrainedModel:
    return train(rows_of(60, 0), spec_of("logistic_regression", TABULAR))


@pytest.mark.parametrize("case", CASES, ids=", ".join)
def test_a_saved_model_comes_back_with_the_same_predictions_to_the_bit(
    case: tuple[str, str],
) -> None:
    name, kind = case
    spec = spec_of(name, TABULAR if kind == "tabular" else TEXTUAL, params=SMALL.get(name))
    model = train(rows_of(100, 0), spec)
    again = TrainedModel(load_model(model_bytes(model.pipeline)), 100)
    table = rows_of(60, 1)
    before, after = (predict_probabilities(one, table, spec) for one in (model, again))
    assert before.tobytes() == after.tobytes()


@pytest.mark.parametrize("case", CASES, ids=", ".join)
def test_equal_trainings_give_equal_bytes_and_other_rows_others(case: tuple[str, str]) -> None:
    name, kind = case
    spec = spec_of(name, TABULAR if kind == "tabular" else TEXTUAL, params=SMALL.get(name))
    first, second, other = (
        model_bytes(train(rows_of(100, seed), spec).pipeline) for seed in (0, 0, 1)
    )
    assert first == second
    assert first != other


def test_a_file_holds_no_clock_and_no_memory_address(small_model: TrainedModel) -> None:
    with zipfile.ZipFile(io.BytesIO(model_bytes(small_model.pipeline))) as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        names = sorted(archive.namelist())
        schema = json.loads(archive.read("schema.json"))
    assert names[-1] == "schema.json"
    assert [name.split(".")[0] for name in names[:-1]] == sorted(
        str(number) for number in range(1, len(names))
    )
    numbers = set(_ids(schema))
    assert numbers == set(range(1, len(numbers) + 1))


def _ids(node: Any) -> list[int]:
    if isinstance(node, dict):
        own = [node["__id__"]] if isinstance(node.get("__id__"), int) else []
        return own + [number for value in node.values() for number in _ids(value)]
    return [number for value in node for number in _ids(value)] if isinstance(node, list) else []


def test_types_nobody_trusts_are_refused_by_name() -> None:
    hostile = make_pipeline(FunctionTransformer(func=np.cov))
    data = skops.io.dumps(hostile)
    with pytest.raises(UntrustedModel, match=r"model file: .*numpy\.cov.*model\.trusted_types"):
        load_model(data)


def test_types_the_spec_trusts_are_loaded() -> None:
    data = skops.io.dumps(make_pipeline(FunctionTransformer(func=np.cov)))
    pipeline = load_model(data, trusted=("numpy.cov",))
    assert pipeline.steps[0][1].func is np.cov


class _Trap:
    def __reduce__(self) -> tuple[Any, ...]:
        return (pytest.fail, ("the pickle was loaded",))


@pytest.mark.parametrize("data", [pickle.dumps(_Trap()), b"", b"PK\x05\x06" + b"\x00" * 18])
def test_a_pickle_or_any_other_file_is_refused_and_never_loaded(data: bytes) -> None:
    with pytest.raises(SpecError, match=r"no skops file .*pickle files are never loaded"):
        load_model(data)


def test_a_pickle_inside_an_archive_is_never_loaded(small_model: TrainedModel) -> None:
    buffer = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(model_bytes(small_model.pipeline))) as archive,
        zipfile.ZipFile(buffer, "w") as hostile,
    ):
        for name in archive.namelist():
            data = archive.read(name)
            hostile.writestr(name, pickle.dumps(_Trap()) if name.endswith(".npy") else data)
    with pytest.raises(SpecError, match="model file: the skops file can't be loaded"):
        load_model(buffer.getvalue())


def test_a_truncated_file_is_refused(small_model: TrainedModel) -> None:
    with pytest.raises(SpecError, match="no skops file"):
        load_model(model_bytes(small_model.pipeline)[:-200])


def test_a_file_is_loaded_with_the_digest_of_its_bytes(
    small_model: TrainedModel, tmp_path: Path
) -> None:
    import hashlib

    data = model_bytes(small_model.pipeline)
    (tmp_path / "model.skops").write_bytes(data)
    pipeline, digest = load_model_file(tmp_path / "model.skops")
    assert digest == hashlib.sha256(data).hexdigest()
    assert list(pipeline.classes_) == ["a", "b", "c"]


def test_a_missing_file_is_told_by_key_and_path(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"baseline\.path: .*absent\.skops can't be read"):
        load_model_file(tmp_path / "absent.skops")
