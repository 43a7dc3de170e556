"""Small pictures in a partition's metadata: PNG as data URIs, since the UI serves no files."""

import base64
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import dagster as dg

from hokusai_assets.benchmarks.loading import Benchmark
from hokusai_assets.evaluation.leaderboard import LeaderboardRow, gain_interval_of, gain_of
from hokusai_assets.evaluation.measurement import Evaluation
from hokusai_assets.orchestration.contribution_plots import FOLDER, plots_of
from hokusai_assets.unforeseen import without_message

# Of one contribution together, as text: the event log keeps each for good.
MOST_BYTES = 120_000
_PICTURES = {
    "deltas": "deltas of all metrics with their intervals",
    "roc": "ROC curves of baseline and new model",
    "calibration": "calibration of baseline and new model",
    "confusion": "confusion matrices of baseline and new model side by side",
}


def comparison_pictures(
    benchmark: Benchmark, document: dict[str, Any], baseline: Evaluation, new: Evaluation
) -> dict[str, dg.MetadataValue]:
    """Return the pictures of a comparison that may be shown, at most `MOST_BYTES` together.

    A picture that can't be drawn, or is too much, is left out and said: no contribution fails for
    one.
    """
    writers = plots_of(benchmark, document, baseline, new)
    shown: dict[str, dg.MetadataValue] = {}
    left = MOST_BYTES
    with tempfile.TemporaryDirectory(prefix="hokusai-plots-") as folder:
        for name, told in _PICTURES.items():
            path = Path(folder) / f"{name}.png"
            try:
                writers[f"{FOLDER}/{name}.png"](path)
                text = _image(told, path.read_bytes())
            except Exception as error:  # whatever a drawing library raises
                text = f"could not be drawn: {without_message(error)}"
            if len(text) > left:
                text = f"too large to be kept here; MLflow has it as `{FOLDER}/{name}.png`"
            left -= len(text)
            shown[f"plot/{name}"] = dg.MetadataValue.md(text)
    return shown


def leaderboard_picture(ranked: Sequence[LeaderboardRow], metric: str) -> dg.MetadataValue:
    """Return the best contributions' gains with their intervals as a picture."""
    from hokusai_assets.plots.forest import Gain, contribution_forest
    from hokusai_assets.plots.rendering import png_bytes

    gains = [
        Gain(row.contribution, gain_of(row.attested), *gain_interval_of(row.attested))
        for row in ranked
        if row.attested is not None
    ]
    try:
        text = _image(
            f"gains on {metric} with their intervals",
            png_bytes(contribution_forest(gains, metric=metric)),
        )
    except Exception as error:  # as above: the table says the same
        text = f"could not be drawn: {without_message(error)}"
    return dg.MetadataValue.md(text)


def _image(told: str, png: bytes) -> str:
    return f"![{told}](data:image/png;base64,{base64.b64encode(png).decode()})"
