"""Telling MLflow's registry that accepted contributions joined a base set."""

from dataclasses import dataclass
from typing import Any

from hokusai_assets.orchestration.bounded_calls import BoundedCalls
from hokusai_assets.orchestration.mlflow_runs import bounded_mlflow, connect
from hokusai_assets.orchestration.model_versions import move_champion
from hokusai_assets.orchestration.tracking import reason_of
from hokusai_assets.settings import Settings


@dataclass(frozen=True)
class Champion:
    """Which candidate is champion now.

    Attributes:
        version: of ``hokusai.<benchmark>.candidate``; None where no registered model was trained
            from just what was promoted, or MLflow was not reached.
        unreached: why MLflow was not reached, None if it was.
    """

    version: str | None
    unreached: str | None = None


def crown(settings: Settings, benchmark_id: str, promoted: str | None) -> Champion:
    """Move the alias ``champion`` to what was promoted; the promotion stands whatever happens.

    Args:
        settings: the deployment's.
        benchmark_id: whose.
        promoted: as of `move_champion`.
    """
    if not settings.log_models:
        return Champion(None)
    bounded = BoundedCalls(settings.tracking_seconds)

    def move() -> str | None:
        from mlflow.tracking import MlflowClient

        uri = settings.mlflow_tracking_uri
        client: Any = MlflowClient(tracking_uri=uri, registry_uri=uri)
        return move_champion(client, benchmark_id, promoted)

    try:
        with bounded_mlflow(settings.mlflow_tracking_uri):
            connect(settings.mlflow_tracking_uri)
            return Champion(bounded(move))
    except Exception as error:  # any client or server fault is the same to a promotion
        return Champion(None, reason_of(error))
    finally:
        bounded.close()
