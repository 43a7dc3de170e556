"""What a step costs is measured from outside the step, its failures and retries too."""

import time

import dagster as dg
import pytest

from hokusai_assets.orchestration.step_costs import StepCosts

from .conftest import Deployment


@pytest.fixture
def heard(deployment: Deployment):
    def run(*assets: dg.AssetsDefinition) -> StepCosts:
        costs = StepCosts()
        job = dg.Definitions(assets=list(assets), executor=dg.in_process_executor)
        run_id = "8f3b0a52-6f0e-4a6c-9a39-5a2f0f5f1c11"
        deployment.instance.add_event_listener(run_id, costs.hear)
        job.resolve_implicit_global_asset_job_def().execute_in_process(
            instance=deployment.instance, raise_on_error=False, run_id=run_id
        )
        return costs

    return run


def test_a_step_is_measured_in_time_cpu_memory_and_rows(heard):
    @dg.asset
    def busy() -> dg.MaterializeResult:
        held = bytearray(120_000_000)
        held[::4096] = b"x" * len(held[::4096])
        until = time.process_time() + 0.3
        while time.process_time() < until:
            pass
        return dg.MaterializeResult(metadata={"dagster/row_count": 600})

    @dg.asset(deps=[busy])
    def idle() -> dg.MaterializeResult:
        return dg.MaterializeResult(metadata={"dagster/row_count": 600, "reused": True})

    costs = heard(busy, idle)
    assert list(costs.steps) == ["busy", "idle"]
    one, other = costs.steps["busy"], costs.steps["idle"]
    assert one.cpu_seconds >= 0.3
    assert one.wall_seconds >= one.cpu_seconds * 0.5
    # The second step holds none of it, though the process has had it.
    assert one.peak_bytes - other.peak_bytes > 60_000_000
    logged = costs.metrics()
    assert logged["step/busy.rows_per_second"] == 600 / one.wall_seconds
    assert "step/idle.rows_per_second" not in logged
    assert logged["run/cpu_seconds"] == one.cpu_seconds + other.cpu_seconds
    assert logged["run/peak_memory_mb"] == one.peak_bytes / 1e6


def test_a_failed_step_and_all_tries_of_a_retried_one_are_counted(heard):
    tries = []

    @dg.asset(retry_policy=dg.RetryPolicy(max_retries=1))
    def twice() -> None:
        tries.append(1)
        time.sleep(0.2)
        if len(tries) == 1:
            raise RuntimeError("a fault")

    @dg.asset
    def broken() -> None:
        time.sleep(0.2)
        raise RuntimeError("a fault")

    costs = heard(twice, broken)
    assert costs.steps["twice"].wall_seconds >= 0.4
    assert costs.steps["broken"].wall_seconds >= 0.2
