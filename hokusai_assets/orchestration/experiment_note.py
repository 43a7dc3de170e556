"""What MLflow's page of the experiment says: where the results are.

MLflow (3.17) opens an experiment on its pages for language models, and keeps the choice of another
in the browser alone; an address may name it. The description shows on every page of the experiment.
"""

from typing import Any
from urllib.parse import quote

from hokusai_assets.orchestration.tracking import KIND_TAG, LATEST_TAG, NOTE_TAG, OVERVIEW

# MLflow's pages for trained models.
PAGES = "workflowType=machine_learning"
_BEGINNING = "**Hokusai**"


def describe_experiment(client: Any, experiment_id: str) -> None:
    """Write the experiment's description, unless a person wrote another.

    Args:
        client: MLflow's.
        experiment_id: which.
    """
    overviews = client.search_runs(
        [experiment_id],
        filter_string=f"tags.{KIND_TAG} = '{OVERVIEW}'",
        order_by=["tags.benchmark ASC", "attributes.start_time ASC"],
    )
    runs = {run.data.tags["benchmark"]: run.info.run_id for run in reversed(overviews)}
    wanted = _note(experiment_id, dict(sorted(runs.items())))
    before = client.get_experiment(experiment_id).tags.get(NOTE_TAG, "")
    if before != wanted and (not before or before.startswith(_BEGINNING)):
        client.set_experiment_tag(experiment_id, NOTE_TAG, wanted)


def _note(experiment_id: str, overviews: dict[str, str]) -> str:
    page = f"#/experiments/{experiment_id}/runs"
    latest = f"tags.{LATEST_TAG} = 'true'"
    links = [f"[latest result of each contribution]({page}?{PAGES}&searchFilter={quote(latest)})"]
    for benchmark, run_id in overviews.items():
        alone = quote(f"{latest} and tags.benchmark = '{benchmark}'")
        links.append(
            f"{benchmark}: [contributions compared]({page}/{run_id}?{PAGES}), "
            f"[their runs]({page}?{PAGES}&searchFilter={alone})"
        )
    links.append(f"[all runs]({page}?{PAGES})")
    return f"{_BEGINNING}: {' · '.join(links)}"
