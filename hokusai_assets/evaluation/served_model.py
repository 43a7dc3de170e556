"""A model outside the platform, as a registry serves it: what was measured, from the same files.

The folder holds the skops archives of a model as they were measured, a ``model.json`` beside them,
and nothing that runs on loading. It is MLflow's ``python_function`` flavour by `_load_pyfunc`; none
of MLflow is needed here.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from hokusai_assets.evaluation.predictions import round_scores
from hokusai_assets.models.persistence import UntrustedModel, files_digest, load_model
from hokusai_assets.privacy.tokens import reduce_tokens

if TYPE_CHECKING:
    import pandas as pd

FACTS_FILE = "model.json"


class DamagedModel(ValueError):
    """The archives are not those that ``model.json`` names."""


def archive_name(replica: int) -> str:
    """Return the name of the archive of a replica, counted from 1."""
    return f"model-{replica}.skops"


def write_served_model(
    folder: Path, files: Sequence[bytes], *, labels: Sequence[str], features: Sequence[str]
) -> None:
    """Write a model's folder.

    Args:
        folder: an existing one.
        files: a skops archive per replica.
        labels: of the benchmark, in its order.
        features: the columns the model takes, in their order.
    """
    for number, file in enumerate(files, 1):
        (folder / archive_name(number)).write_bytes(file)
    facts = {
        "labels": list(labels),
        "features": list(features),
        "replicas": len(files),
        "sha256": files_digest(files),
    }
    (folder / FACTS_FILE).write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")


def output_columns(labels: Sequence[str], replicas: int) -> list[str]:
    """Return what `ServedModel.predict` calls its columns: of each replica the predicted label,
    then a score per label.
    """
    numbers = [""] if replicas == 1 else [f".{number}" for number in range(1, replicas + 1)]
    return [
        name
        for number in numbers
        for name in (f"predicted{number}", *(f"score{number}.{label}" for label in labels))
    ]


@dataclass(frozen=True)
class ServedModel:
    """A model's replicas and the columns they take and give.

    Attributes:
        pipelines: one per replica.
        labels: of the benchmark, K in their order.
        features: the p columns of the frame.
    """

    pipelines: tuple[Any, ...]
    labels: tuple[str, ...]
    features: tuple[str, ...]

    def predict(self, frame: "pd.DataFrame", params: Mapping[str, Any] | None = None) -> Any:
        """Return an n-row frame with the columns of `output_columns`.

        Labels and scores (rounded to 1e-9, of a label the model never saw 0) are bit for bit those
        that the model was measured by.

        Args:
            frame: n rows with the feature columns: numbers as floats, datetimes as seconds since
                1970, missing categories NaN, missing text empty; personal data as tokens, keyed
                or not: a model saw their type alone. Raw personal data must be pseudonymised
                first, as intake does, or a model meets words it never saw.
            params: not used; MLflow may hand it in.
        """
        import pandas as pd
        from threadpoolctl import threadpool_limits

        chosen = _with_reduced_tokens(frame[list(self.features)])
        columns: list[Any] = []
        # On one thread, as it was measured: with more, sums are formed in another order.
        with threadpool_limits(limits=1):
            for pipeline in self.pipelines:
                scores = round_scores(self._scores(pipeline, chosen))
                columns.append(np.array(self.labels, dtype=object)[scores.argmax(axis=1)])
                columns += list(scores.T)
        names = output_columns(self.labels, len(self.pipelines))
        return pd.DataFrame(dict(zip(names, columns, strict=True)))

    def _scores(self, pipeline: Any, frame: "pd.DataFrame") -> np.ndarray:
        scores = np.zeros((len(frame), len(self.labels)))
        places = [self.labels.index(str(label)) for label in pipeline.classes_]
        scores[:, places] = pipeline.predict_proba(frame)
        return scores


def _with_reduced_tokens(frame: "pd.DataFrame") -> "pd.DataFrame":
    """Return a frame whose tokens have their type alone, as those that were trained on."""
    texts = [name for name in frame.columns if frame[name].dtype == object]
    if not texts:
        return frame
    reduced = frame.copy()
    for name in texts:
        column = pa.Array.from_pandas(reduced[name])
        if pa.types.is_string(column.type):
            # Only where there is one: what is missing keeps the form that it came in.
            changed = reduce_tokens(column).to_numpy(zero_copy_only=False)
            reduced[name] = reduced[name].where(reduced[name].isna(), changed)
    return reduced


def read_served_model(folder: Path, *, trusted: Sequence[str] = ()) -> ServedModel:
    """Read a model's folder.

    Args:
        folder: as `write_served_model` left it.
        trusted: types trusted beyond the platform's own; never taken from the folder itself.

    Raises:
        DamagedModel: an archive is not the one that ``model.json`` names.
        UntrustedModel: an archive holds types that nobody declared trusted.
    """
    facts = json.loads((folder / FACTS_FILE).read_text(encoding="utf-8"))
    numbers = range(1, facts["replicas"] + 1)
    files = [(folder / archive_name(number)).read_bytes() for number in numbers]
    if files_digest(files) != facts["sha256"]:
        raise DamagedModel(f"{folder}: the archives are not those that {FACTS_FILE} names")
    pipelines = tuple(load_model(file, trusted=tuple(trusted), where=str(folder)) for file in files)
    return ServedModel(pipelines, tuple(facts["labels"]), tuple(facts["features"]))


def _load_pyfunc(path: str, model_config: Mapping[str, Any] | None = None) -> ServedModel:
    """Read a model for ``mlflow.pyfunc.load_model``.

    Types beyond the platform's own are trusted by whoever loads:
    ``load_model(uri, model_config={"trusted_types": ["package.Type"]})``.
    """
    trusted = (model_config or {}).get("trusted_types", ())
    try:
        return read_served_model(Path(path), trusted=trusted)
    except UntrustedModel as error:
        raise UntrustedModel(
            f"{error}; here: load_model(uri, model_config={{'trusted_types': [...]}})"
        ) from None
