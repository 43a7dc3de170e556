"""Fetching a baseline model from MLflow's registry, in skops form only."""

import tempfile
from pathlib import Path
from typing import Any

from hokusai_assets.benchmarks.spec import SpecError
from hokusai_assets.models.persistence import load_model_file


def fetch_registered_model(
    uri: str, *, tracking_uri: str, trusted: tuple[str, ...]
) -> tuple[Any, str]:
    """Return the pipeline behind ``models:/name/version`` and its file's SHA-256 (hex).

    Args:
        uri: the registered model's pinned version.
        tracking_uri: MLflow's store or server.
        trusted: types the spec trusts beyond the platform's own.

    Raises:
        SpecError: there is no such model, or it was not logged in skops form.
    """
    import mlflow
    from mlflow.exceptions import MlflowException

    with tempfile.TemporaryDirectory(prefix="hokusai-model-") as folder:
        try:
            fetched = Path(
                mlflow.artifacts.download_artifacts(
                    artifact_uri=uri, dst_path=folder, tracking_uri=tracking_uri
                )
            )
        except (MlflowException, OSError) as error:
            raise SpecError(
                f"baseline.uri: {uri} can't be fetched from MLflow ({type(error).__name__}); "
                "check the name and version and MLFLOW_TRACKING_URI"
            ) from None
        files = sorted(fetched.rglob("*.skops"))
        if len(files) != 1:
            raise SpecError(
                f"baseline.uri: {uri} holds {len(files)} skops files, one is needed; log it with "
                "mlflow.sklearn.log_model(..., serialization_format='skops') - pickles are "
                "never loaded"
            )
        return load_model_file(files[0], trusted=trusted)
