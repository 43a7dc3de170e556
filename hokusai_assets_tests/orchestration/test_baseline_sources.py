"""Baselines that are not trained here: from MLflow's registry, or a skops file beside the spec."""

import base64
import hashlib
import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hokusai_assets.benchmarks.loading import Benchmark, load_benchmark
from hokusai_assets.models.persistence import model_bytes
from hokusai_assets.models.pipeline import feature_frame
from hokusai_assets.models.training import train
from hokusai_assets.orchestration.running import read_record
from hokusai_assets.privacy.keys import PrivacyKey

from .conftest import Deployment


@pytest.fixture
def benchmark(deployment: Deployment) -> Benchmark:
    folder = deployment.settings.benchmarks / "generated"
    return load_benchmark(folder, PrivacyKey.from_secret(b"x" * 32))


@pytest.fixture
def trained(benchmark: Benchmark) -> Any:
    """The pipeline that the spec would train, as somebody else might bring it."""
    return train(benchmark.base.table, benchmark.spec).pipeline


def use_baseline(deployment: Deployment, text: str) -> None:
    spec = deployment.settings.benchmarks / "generated" / "benchmark.yaml"
    spec.write_text(spec.read_text() + f"baseline: {text}\n")


def test_a_skops_file_is_the_baseline_and_its_digest_is_attested(
    deployment: Deployment, trained: Any
):
    data = model_bytes(trained)
    (deployment.settings.benchmarks / "generated" / "mine.skops").write_bytes(data)
    own_key, _ = deployment.run()
    own = read_record(deployment.settings, "generated", own_key).measured["metrics"]
    use_baseline(deployment, "{source: file, path: mine.skops}")
    key, outcome = deployment.run()
    assert outcome.status == "evaluated", outcome.faults
    record = read_record(deployment.settings, "generated", key)
    assert record.measured["metrics"] == own
    assert hashlib.sha256(data).hexdigest() in _payload(record.attestation)


def test_a_registered_model_is_the_baseline(
    deployment: Deployment, benchmark: Benchmark, trained: Any
):
    import mlflow
    from mlflow.models import infer_signature

    frame = feature_frame(benchmark.test.table.slice(0, 5), benchmark.spec)
    mlflow.set_tracking_uri(deployment.settings.mlflow_tracking_uri)
    experiment = mlflow.create_experiment("others", (deployment.root / "artifacts").as_uri())
    with mlflow.start_run(experiment_id=experiment):
        mlflow.sklearn.log_model(
            trained,
            name="model",
            registered_model_name="theirs",
            serialization_format="skops",
            skops_trusted_types=["numpy.dtype"],
            signature=infer_signature(frame),
        )
    use_baseline(deployment, "{source: mlflow, uri: 'models:/theirs/1'}")
    _, outcome = deployment.run()
    assert outcome.status == "evaluated", outcome.faults
    assert "mlflow" in _payload(_attestation(deployment))


def test_a_registered_model_that_does_not_exist_is_named(deployment: Deployment):
    use_baseline(deployment, "{source: mlflow, uri: 'models:/nobody/7'}")
    _, outcome = deployment.run()
    assert outcome.status == "failed"
    assert "models:/nobody/7" in outcome.faults[0]


class Spy:
    """Unpickling this would create the file it names."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return Path.touch, (self.path,)


def test_a_pickle_is_refused_without_being_opened(deployment: Deployment, tmp_path: Path):
    touched = tmp_path / "unpickled"
    file = deployment.settings.benchmarks / "generated" / "mine.skops"
    file.write_bytes(pickle.dumps(Spy(touched)))
    use_baseline(deployment, "{source: file, path: mine.skops}")
    _, outcome = deployment.run()
    assert outcome.status == "failed"
    assert "pickle files are never loaded" in outcome.faults[0]
    assert not touched.exists()


def test_a_model_of_other_labels_is_refused_with_both_named(
    deployment: Deployment, benchmark: Benchmark, trained: Any
):
    frame = feature_frame(benchmark.base.table, benchmark.spec)
    trained.fit(frame, ["late" if number % 2 else "early" for number in range(len(frame))])
    file = deployment.settings.benchmarks / "generated" / "mine.skops"
    file.write_bytes(model_bytes(trained))
    use_baseline(deployment, "{source: file, path: mine.skops}")
    _, outcome = deployment.run()
    assert outcome.status == "failed"
    assert "'early', 'late'" in outcome.faults[0]
    assert "'no', 'yes'" in outcome.faults[0]


def _attestation(deployment: Deployment) -> Path:
    (path,) = (deployment.settings.attestations / "generated").glob("*.dsse.json")
    return path


def _payload(path: Path) -> str:
    return base64.b64decode(json.loads(path.read_text())["payload"]).decode()
