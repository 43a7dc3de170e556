"""The nightly look for contributions that came to no end."""

import dagster as dg
import pytest

from hokusai_assets.orchestration import reconciliation
from hokusai_assets.orchestration.reconciliation import RECONCILED_TAG, TRIES, unfinished
from hokusai_assets.orchestration.tracking import BENCHMARK_TAG, PARTITION_TAG

from .conftest import Deployment
from .test_leaderboard_asset import bad_file, part


def look(deployment: Deployment) -> tuple[dict[str, int], list[str]]:
    return unfinished(deployment.instance, "generated", deployment.settings)


def add_run(deployment: Deployment, key: str, status: dg.DagsterRunStatus, **tags: str) -> None:
    job = deployment.definitions.resolve_job_def("generated_contribution")
    deployment.instance.create_run_for_job(
        job,
        status=status,
        tags={BENCHMARK_TAG: "generated", PARTITION_TAG: key, **tags},
    )


def test_what_was_attested_or_rejected_is_left_alone(deployment: Deployment):
    deployment.run(part(deployment, 0))
    deployment.run(bad_file(deployment))
    assert look(deployment) == ({}, [])


def test_what_was_registered_and_never_run_is_run(deployment: Deployment):
    key = deployment.register().key
    assert look(deployment) == ({key: 1}, [])


def test_what_is_going_on_is_waited_for(deployment: Deployment):
    key = deployment.register().key
    add_run(deployment, key, dg.DagsterRunStatus.STARTED)
    assert look(deployment) == ({}, [])


def test_a_run_that_was_launched_by_clicks_is_waited_for(deployment: Deployment):
    key = deployment.register().key
    # The UI's own job: no tag names the benchmark, the selected assets do.
    deployment.instance.add_run(
        dg.DagsterRun(
            "__ASSET_JOB",
            status=dg.DagsterRunStatus.STARTED,
            tags={PARTITION_TAG: key},
            asset_selection=frozenset({dg.AssetKey(["generated", "contributed_data"])}),
        )
    )
    assert look(deployment) == ({}, [])


def test_a_contribution_is_tried_a_few_nights_and_then_left_to_the_operator(
    deployment: Deployment,
):
    key = deployment.register().key
    for number in range(1, TRIES + 1):
        assert look(deployment) == ({key: number}, [])
        add_run(deployment, key, dg.DagsterRunStatus.FAILURE, **{RECONCILED_TAG: str(number)})
    assert look(deployment) == ({}, [key])


def test_a_night_starts_a_bounded_number_of_runs(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(reconciliation, "RUNS_A_NIGHT", 2)
    for number in range(3):
        deployment.register(part(deployment, number, of=3))
    assert len(look(deployment)[0]) == 2


def test_the_schedule_makes_the_partition_and_its_run_repairs_a_fault(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
):
    from hokusai_assets.orchestration import contribution_assets

    def full_disk(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(contribution_assets, "take_in", full_disk)
        key, outcome = deployment.run()
    assert outcome.status == "failed"
    schedule = next(
        one for one in deployment.definitions.schedules if one.name == "generated_reconciliation"
    )
    known = deployment.definitions.get_repository_def()
    with dg.build_schedule_context(deployment.instance, repository_def=known) as context:
        (request,) = schedule.evaluate_tick(context).run_requests
    assert (request.partition_key, request.tags[RECONCILED_TAG]) == (key, "1")
    job = deployment.definitions.resolve_job_def("generated_contribution")
    result = job.execute_in_process(
        instance=deployment.instance, partition_key=key, tags=dict(request.tags)
    )
    assert result.success
    with dg.build_schedule_context(deployment.instance, repository_def=known) as context:
        tick = schedule.evaluate_tick(context)
    assert not tick.run_requests
    assert "every contribution has an outcome" in tick.skip_message
