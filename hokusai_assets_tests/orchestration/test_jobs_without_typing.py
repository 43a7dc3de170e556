"""Every job runs with the config that the launchpad starts with: none typed."""

import dagster as dg

from .conftest import Deployment


def test_the_default_config_of_every_job_is_valid_and_runs(deployment: Deployment):
    key, _ = deployment.run()
    jobs = [
        job.name
        for job in deployment.definitions.resolve_all_job_defs()
        if not job.name.startswith("__")
    ]
    assert len(jobs) == 7
    for name in jobs:
        job = deployment.definitions.resolve_job_def(name)
        assert dg.validate_run_config(job) is not None
        assert job.description
        result = job.execute_in_process(
            instance=deployment.instance,
            partition_key=key if job.partitions_def else None,
            raise_on_error=False,
        )
        assert result.success, name
