"""Small pictures in a partition's metadata: PNG as data URIs, since the UI serves no files.

The UI shows Markdown of 1,000 characters and more only after a click, so where MLflow's UI can
be seen its copies stand there too, by their addresses.
"""

import base64
from collections.abc import Callable, Sequence

import dagster as dg

from hokusai_assets.evaluation.leaderboard import LeaderboardRow
from hokusai_assets.evaluation.metrics import Direction
from hokusai_assets.evaluation.units import unit_of
from hokusai_assets.orchestration.contribution_plots import Pictures, plot_file
from hokusai_assets.orchestration.tracking import Tracking
from hokusai_assets.unforeseen import without_message

# Of one contribution together, as text: the event log keeps each for good.
MOST_BYTES = 120_000
_PICTURES = {
    "deltas": "deltas of all metrics with their intervals",
    "roc": "ROC curves of baseline and new model",
    "calibration": "calibration of baseline and new model",
    "confusion": "confusion matrices of baseline and new model side by side",
}


def comparison_pictures(pictures: Pictures) -> dict[str, dg.MetadataValue]:
    """Return the pictures of a comparison for its partition, at most `MOST_BYTES` together.

    A picture that can't be drawn, or is too much, is left out and said: no contribution fails for
    one.
    """
    shown: dict[str, dg.MetadataValue] = {}
    left = MOST_BYTES
    for name, told in _PICTURES.items():
        text = _drawn(told, pictures[name])
        if len(text) > left:
            text = f"too large to be kept here; MLflow has it as `{plot_file(name)}`"
        left -= len(text)
        shown[f"plot/{name}"] = dg.MetadataValue.md(text)
    return shown


def linked_pictures(tracking: Tracking, mlflow_url: str) -> dict[str, dg.MetadataValue]:
    """Return the same pictures as MLflow has them, to be seen at once; none without its address.

    Args:
        tracking: the run's.
        mlflow_url: of MLflow's UI, empty where none is known.
    """
    kept = not (tracking.unavailable or tracking.artifacts_unavailable)
    if not (mlflow_url and tracking.run_id and kept):
        return {}
    place = f"{mlflow_url.rstrip('/')}/get-artifact?run_uuid={tracking.run_id}&path="
    text = "\n".join(f"![{name}]({place}{plot_file(name)})" for name in _PICTURES)
    return {"plots": dg.MetadataValue.md(text)}


def leaderboard_picture(
    ranked: Sequence[LeaderboardRow], metric: str, direction: Direction | None
) -> dg.MetadataValue:
    """Return the best contributions' gains with their intervals as a picture."""

    def draw() -> bytes:
        from hokusai_assets.plots.forest import contribution_forest, gains_of
        from hokusai_assets.plots.rendering import png_bytes

        return png_bytes(
            contribution_forest(gains_of(ranked), metric=metric, unit=unit_of(metric, direction))
        )

    return dg.MetadataValue.md(_drawn(f"gains on {metric} with their intervals", draw))


def _drawn(told: str, draw: Callable[[], bytes]) -> str:
    """Return a picture in Markdown, or that it could not be drawn: tables say the same."""
    try:
        return f"![{told}](data:image/png;base64,{base64.b64encode(draw()).decode()})"
    except Exception as error:  # whatever a drawing library raises
        return f"could not be drawn: {without_message(error)}"
