"""Models in MLflow's registry: ``hokusai.<benchmark>.baseline`` and ``.candidate``.

A version holds the skops archives as they were measured, so its hash is the attestation's. The
same model is one version, however many runs of this home make it again.
"""

import tempfile
from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from hokusai_assets.append_only import held
from hokusai_assets.benchmarks.spec import BenchmarkSpec
from hokusai_assets.evaluation.served_model import (
    archive_name,
    output_columns,
    write_served_model,
)
from hokusai_assets.models.persistence import TRUSTED_TYPES
from hokusai_assets.orchestration.stored_forms import StoredModel
from hokusai_assets.orchestration.tracking import Tracking

if TYPE_CHECKING:
    import pandas as pd

Role = Literal["baseline", "candidate"]
MODEL_TAG = "model_sha256"
# The model in force: the baseline's newest; of candidates the one that was promoted.
CHAMPION = "champion"
# The candidate of all that was accepted and not yet promoted.
CHALLENGER = "challenger"
_SOURCE = "models:/"
_LOADER = "hokusai_assets.evaluation.served_model"
_NEEDED = ("hokusai-assets", "scikit-learn", "skops", "numpy", "pandas", "pyarrow", "scipy")
_EXAMPLE_SECONDS = 1_600_000_000.0


def registered_name(benchmark_id: str, role: Role) -> str:
    """Return the name a benchmark's models are registered under."""
    return f"hokusai.{benchmark_id}.{role}"


def log_baseline(tracking: Tracking, spec: BenchmarkSpec, model: StoredModel) -> None:
    """Register a baseline, link the run to it, and make it the champion of baselines."""
    _log_model(tracking, spec, model, "baseline", {"source": model.source}, alias=CHAMPION)


def log_candidate(
    tracking: Tracking,
    spec: BenchmarkSpec,
    model: StoredModel,
    *,
    contribution: str,
    with_accepted: int = 0,
    accepted: bool | None = None,
    is_challenger: bool = False,
) -> None:
    """Register a model that a contribution is in, and link the run to it.

    Args:
        tracking: the run's.
        spec: the benchmark's.
        model: trained from the base set and the contribution.
        contribution: its key.
        with_accepted: how many accepted contributions it was trained from besides.
        accepted: the verdict, None before there is one.
        is_challenger: whether it holds all that was accepted so far.
    """
    tags = {"contribution": contribution, "with_accepted": str(with_accepted)}
    if accepted is not None:
        tags["accepted"] = str(accepted).lower()
    _log_model(
        tracking, spec, model, "candidate", tags, alias=CHALLENGER if is_challenger else None
    )


def tag_attested(
    tracking: Tracking,
    benchmark_id: str,
    models: Iterable[tuple[Role, str]],
    attestation_hash: str,
) -> None:
    """Tag the versions of models, each by its SHA-256, with the attestation that names them.

    A baseline is named by many: its tag tells the last.
    """

    def tag(client: Any) -> None:
        for role, digest in models:
            if found := _find(client, registered_name(benchmark_id, role), digest):
                client.set_model_version_tag(
                    found.name, found.version, "attestation_hash", attestation_hash
                )

    if tracking.with_models:
        tracking.write_artifact(tag)


def move_champion(client: Any, benchmark_id: str, promoted: str | None) -> str | None:
    """Make the model of all that was promoted the champion of candidates.

    Args:
        client: MLflow's.
        benchmark_id: whose.
        promoted: the contribution that was accepted last, None where an accepted one was left
            out: then no candidate is what was promoted, and there is no champion until the next.

    Returns:
        The champion's version, None if there is none.
    """
    name = registered_name(benchmark_id, "candidate")
    found = []
    if promoted is not None:
        found = client.search_model_versions(
            f"name = '{name}' and tags.contribution = '{promoted}' and tags.accepted = 'true'"
        )
    for alias in (CHAMPION, CHALLENGER):
        _remove_alias(client, name, alias)
    if not found:
        return None
    newest = max(found, key=lambda entry: int(entry.version))
    client.set_registered_model_alias(name, CHAMPION, newest.version)
    return str(newest.version)


def _remove_alias(client: Any, name: str, alias: str) -> None:
    from mlflow.exceptions import MlflowException

    try:
        client.delete_registered_model_alias(name, alias)
    except MlflowException as error:
        if error.error_code not in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
            raise


def _log_model(
    tracking: Tracking,
    spec: BenchmarkSpec,
    model: StoredModel,
    role: Role,
    tags: Mapping[str, str],
    *,
    alias: str | None,
) -> None:
    def log(client: Any) -> None:
        name = registered_name(spec.id, role)
        # Looking and registering are one step: else two runs at once register one model twice.
        with held(tracking.model_lock) if tracking.model_lock else nullcontext():
            found = _find(client, name, model.digest)
            if found is None:
                found = _register(client, tracking, spec, model, role, tags)
        for key, value in tags.items():
            if found.tags.get(key) != value:
                client.set_model_version_tag(name, found.version, key, value)
        _link(client, tracking, found, role)
        if alias:
            client.set_registered_model_alias(name, alias, found.version)

    if tracking.with_models:
        tracking.write_artifact(log)


def _find(client: Any, name: str, digest: str) -> Any:
    found = client.search_model_versions(
        f"name = '{name}' and tags.{MODEL_TAG} = '{digest}'", max_results=1
    )
    return found[0] if found else None


def _register(
    client: Any,
    tracking: Tracking,
    spec: BenchmarkSpec,
    model: StoredModel,
    role: Role,
    tags: Mapping[str, str],
) -> Any:
    from mlflow.exceptions import MlflowException

    name = registered_name(spec.id, role)
    try:
        client.create_registered_model(name, description=_DESCRIPTIONS[role].format(spec.id))
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    tags = dict(tags) | {
        MODEL_TAG: model.digest,
        "benchmark": spec.id,
        "benchmark_version": str(spec.benchmark_version),
    }
    logged = client.create_logged_model(
        tracking.experiment_id,
        name=role,
        source_run_id=tracking.run_id,
        tags=tags,
        params={"estimator": spec.model.estimator, "seed": str(spec.seed)},
        model_type="classifier",
    )
    with tempfile.TemporaryDirectory(prefix="hokusai-model-") as scratch:
        write_mlflow_model(
            Path(scratch) / "model", spec, model, run_id=tracking.run_id, model_id=logged.model_id
        )
        client.log_model_artifacts(logged.model_id, str(Path(scratch) / "model"))
    client.finalize_logged_model(logged.model_id, "READY")
    return client.create_model_version(
        name,
        source=_SOURCE + logged.model_id,
        run_id=tracking.run_id,
        tags=tags,
        model_id=logged.model_id,
    )


_DESCRIPTIONS = {
    "baseline": "What contributions to {} are measured against; `champion` is in force.",
    "candidate": (
        "Models that a contribution to {} is in. `challenger`: of all that is accepted; "
        "`champion`: what was promoted last."
    ),
}


def _link(client: Any, tracking: Tracking, found: Any, role: Role) -> None:
    """Show the model on the run's page: what it was measured against, or what came of it."""
    from mlflow.entities import LoggedModelInput, LoggedModelOutput

    # A version that was searched for does not tell it otherwise.
    model_id = found.source.removeprefix(_SOURCE)
    run = client.get_run(tracking.run_id)
    linked = [*run.inputs.model_inputs, *(run.outputs.model_outputs if run.outputs else ())]
    if model_id in {model.model_id for model in linked}:
        # MLflow refuses a second link: of a retried step, or where nothing was accepted before.
        return
    if role == "baseline":
        client.log_inputs(tracking.run_id, models=[LoggedModelInput(model_id)])
    else:
        client.log_outputs(tracking.run_id, models=[LoggedModelOutput(model_id, step=0)])


def write_mlflow_model(
    path: Path, spec: BenchmarkSpec, model: StoredModel, *, run_id: str | None, model_id: str | None
) -> None:
    """Write a model as MLflow keeps it: our archives, a signature, an invented input example.

    A model of one replica can also be loaded by ``mlflow.sklearn``.
    """
    import mlflow.pyfunc
    import sklearn
    from mlflow.models import Model, ModelSignature

    described = Model(run_id=run_id, model_id=model_id, model_uuid=model_id)
    with tempfile.TemporaryDirectory(prefix="hokusai-model-") as scratch:
        data = Path(scratch) / "archives"
        data.mkdir()
        write_served_model(data, model.files, labels=spec.labels, features=spec.feature_names)
        mlflow.pyfunc.save_model(
            str(path),
            loader_module=_LOADER,
            data_path=str(data),
            mlflow_model=described,
            # Named here: MLflow would import the model in a second process to find them.
            pip_requirements=[f"{package}=={version(package)}" for package in _NEEDED],
            signature=ModelSignature(*_signature(spec, len(model.files))),
            input_example=input_example(spec),
            metadata={MODEL_TAG: model.digest},
        )
    if len(model.files) == 1:
        described.add_flavor(
            "sklearn",
            pickled_model=f"data/archives/{archive_name(1)}",
            sklearn_version=sklearn.__version__,
            serialization_format="skops",
            code=None,
            skops_trusted_types=sorted({*TRUSTED_TYPES, *model.trusted_types}),
        )
        described.save(str(path / "MLmodel"))


def input_example(spec: BenchmarkSpec) -> "pd.DataFrame":
    """Return two invented rows of the feature columns: no row of any set may be shown."""
    import pandas as pd

    def cells(number: int, kind: str) -> object:
        made: dict[str, Callable[[], object]] = {
            "category": lambda: f"category {number}",
            "text": lambda: f"An invented text, number {number}.",
            "datetime": lambda: _EXAMPLE_SECONDS + number,
        }
        return made[kind]() if kind in made else float(number)

    return pd.DataFrame(
        {
            name: [cells(number, spec.columns[name].type) for number in (0, 1)]
            for name in spec.feature_names
        }
    )


def _signature(spec: BenchmarkSpec, replicas: int) -> tuple[Any, Any]:
    from mlflow.types import ColSpec, DataType, Schema

    def column(name: str, is_text: bool) -> ColSpec:
        return ColSpec(DataType.string if is_text else DataType.double, name)

    inputs = [
        column(name, spec.columns[name].type in ("text", "category")) for name in spec.feature_names
    ]
    outputs = [
        column(name, name.startswith("predicted")) for name in output_columns(spec.labels, replicas)
    ]
    return Schema(inputs), Schema(outputs)
