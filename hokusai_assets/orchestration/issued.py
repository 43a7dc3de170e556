"""What this home knows beside an attestation that it issued: its runs and its per-row files."""

from dataclasses import dataclass
from pathlib import Path

from hokusai_assets.orchestration.object_store import MissingObject, read_object
from hokusai_assets.orchestration.running import read_record
from hokusai_assets.orchestration.stored_forms import STORED_FORMS, IssuedAttestation
from hokusai_assets.orchestration.stored_places import location_of
from hokusai_assets.settings import Settings


@dataclass(frozen=True)
class IssuedHere:
    """What stands beside an attestation in its home.

    Attributes:
        dagster_run_id: of the run that issued it.
        mlflow_run_id: of the run that logged its model, None where MLflow was not reachable.
        predictions: the per-row files that may be shown.
    """

    dagster_run_id: str | None
    mlflow_run_id: str | None
    predictions: tuple[Path, ...]


def issued_here(
    settings: Settings, benchmark_id: str, key: str, attestation_hash: str
) -> IssuedHere | None:
    """Return what is beside an attestation, None if it is not the one in force in this home."""
    location = location_of(settings.storage, benchmark_id, "attestation", key)
    try:
        found: IssuedAttestation = read_object(
            location, STORED_FORMS["attestation"][1], what=f"{benchmark_id}/{key}", remedy=""
        )
        if found.attestation_hash != attestation_hash:
            return None
        predictions = read_record(settings, benchmark_id, key).predictions
    except MissingObject:
        return None
    return IssuedHere(
        found.beside.get("dagster_run_id"), found.beside.get("mlflow_run_id"), predictions
    )
