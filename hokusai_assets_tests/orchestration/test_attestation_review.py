"""Verifying all attestations again: what is found, and that one bad one stops no other."""

from collections.abc import Callable
from typing import Any

import dagster as dg

from hokusai_assets.orchestration.build import build_definitions

from .conftest import Deployment
from .test_leaderboard_asset import checks, part


def review(deployment: Deployment) -> dg.ExecuteInProcessResult:
    job = deployment.definitions.resolve_job_def("all_attestations")
    return job.execute_in_process(instance=deployment.instance, raise_on_error=False)


def issued(deployment: Deployment) -> list[Any]:
    return sorted((deployment.settings.attestations / "generated").glob("*.dsse.json"))


def test_attestations_as_issued_all_verify(deployment: Deployment):
    for number in (0, 1):
        deployment.run(part(deployment, number))
    result = review(deployment)
    found = checks(result)
    assert result.success
    assert all(check.passed for check in found.values())
    assert found["attestations_verify"].metadata["verified"].value == 2


def test_a_benchmark_without_attestations_passes(deployment: Deployment):
    assert all(check.passed for check in checks(review(deployment)).values())


def test_a_forged_and_an_unreadable_one_are_named_and_the_good_one_is_still_verified(
    deployment: Deployment,
):
    for number in (0, 1, 2):
        deployment.run(part(deployment, number, of=3))
    forged, garbage, good = issued(deployment)
    data = forged.read_bytes()
    middle = data.index(b'"sig":"') + 12
    forged.write_bytes(
        data[:middle] + (b"A" if data[middle : middle + 1] != b"A" else b"B") + data[middle + 1 :]
    )
    garbage.write_bytes(b"\x00\xff not json")
    found = checks(review(deployment))["attestations_verify"]
    assert not found.passed
    assert found.severity == dg.AssetCheckSeverity.ERROR
    assert found.metadata["verified"].value == 1
    assert f"{forged.name}: signature" in found.description
    assert f"{garbage.name}: envelope" in found.description
    assert good.name not in found.description


def test_one_that_does_not_stand_in_the_log_is_named(deployment: Deployment):
    deployment.run()
    (deployment.settings.log / "attestations.jsonl").write_bytes(b"")
    found = checks(review(deployment))["attestations_verify"]
    assert not found.passed
    assert "log: it does not stand in the log" in found.description


def test_an_index_line_that_tells_otherwise_is_warned_of(deployment: Deployment):
    from dataclasses import replace

    from hokusai_assets.evaluation.outcomes import OutcomeIndex, TakenIn

    key, _ = deployment.run()
    index = OutcomeIndex(deployment.settings.outcomes("generated"))
    intake = next(one for one in index.read() if isinstance(one, TakenIn))
    index.record(replace(intake, rows_kept=intake.rows_kept + 1))
    found = checks(review(deployment))["index_tells_what_is_stored"]
    assert not found.passed
    assert found.severity == dg.AssetCheckSeverity.WARN
    assert key in found.description


def test_another_benchmark_that_fails_stops_no_other(
    make_deployment: Callable[..., Deployment],
):
    import shutil

    deployment = make_deployment()
    deployment.run()
    other = deployment.settings.benchmarks / "other"
    shutil.copytree(deployment.settings.benchmarks / "generated", other)
    spec = other / "benchmark.yaml"
    spec.write_text(spec.read_text().replace("id: generated", "id: other"))
    folder = deployment.settings.attestations / "other"
    folder.write_text("no folder at all")
    job = build_definitions(deployment.settings).resolve_job_def("all_attestations")
    result = job.execute_in_process(instance=deployment.instance, raise_on_error=False)
    assert not result.success
    verified = [one for one in result.get_asset_check_evaluations() if one.passed]
    assert {one.asset_key.path[0] for one in verified} == {"generated"}
