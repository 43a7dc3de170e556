"""Dagster's and MLflow's pages as an operator uses them: by clicks, from a dropped file on."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from hokusai_assets.orchestration.running import read_record
from hokusai_assets.settings import Settings
from hokusai_assets_tests.integration.chromium import DESKTOP, PHONE, new_page, screenshot
from hokusai_assets_tests.integration.dev_server import (
    ROOT,
    DevServer,
    clean_environment,
    running_dev,
    until,
)

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("user-interfaces")]
_BENCHMARK, _JOB = "sms-spam", "sms_spam_contribution"
# In turn: the first is what README evaluates, and is accepted.
_DROPS = ("test_fixtures/test_queries.csv", f"contributions/{_BENCHMARK}/batch-02.json")
_RUN_MS = 240_000


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DevServer]:
    root = tmp_path_factory.mktemp("dev")
    shutil.copytree(
        ROOT / "data" / "benchmarks" / _BENCHMARK, root / "data/benchmarks" / _BENCHMARK
    )
    (root / "data" / "drops" / _BENCHMARK).mkdir(parents=True)
    with running_dev(root) as running:
        yield running


@pytest.fixture(scope="module")
def keys(server: DevServer) -> list[str]:
    """Drop bundled files, each once the one before has run, and return their partition keys."""
    found: list[str] = []

    def succeeded() -> list[str] | None:
        runs = server.runs().items()
        new = [key for key, status in runs if status == "SUCCESS" and key and key not in found]
        return new or None

    for name in _DROPS:
        server.drop(_BENCHMARK, Path(name).name, (ROOT / "data" / name).read_bytes())
        found += until(succeeded, 240, f"the run of {name}")
    return found


def launch_dialog(page: Page, server: DevServer) -> Locator:
    """Go from Dagster's start page to the dialog that launches the contribution job."""
    page.goto(server.dagster)
    page.get_by_role("link", name="Jobs").click()
    page.get_by_role("link", name=_JOB).first.click()
    page.get_by_role("button", name="Materialize all").click()
    dialog = page.get_by_role("dialog").filter(has_text="Launch runs to materialize")
    expect(dialog).to_be_visible()
    return dialog


def runs_of(server: DevServer, where: dict[str, Any]) -> list[dict[str, Any]]:
    """Return status and tags of the runs that a filter of Dagster's GraphQL finds."""
    found = server.query(
        "query($f:RunsFilter!){runsOrError(filter:$f){... on Runs{results{"
        "runId status tags{key value}}}}}",
        f=where,
    )["runsOrError"]["results"]
    return [
        {"id": run["runId"], "status": run["status"]}
        | {tag["key"]: tag["value"] for tag in run["tags"]}
        for run in found
    ]


def test_a_contribution_is_materialized_by_clicks(page: Page, server: DevServer, keys: list[str]):
    dialog = launch_dialog(page, server)
    dialog.get_by_text("Select a partition").click()
    page.get_by_role("menuitem", name=keys[0]).click()
    page.keyboard.press("Escape")
    screenshot(page, "launch_one_contribution")
    dialog.get_by_role("button", name="Launch 1 run").click()
    page.get_by_text("Launched run").wait_for()
    page.get_by_text("View", exact=True).last.click()
    page.wait_for_url(re.compile(r"/runs/[0-9a-f-]{36}"))
    run_id = re.search(r"/runs/([0-9a-f-]{36})", page.url).group(1)
    expect(page.get_by_text("Success", exact=True).first).to_be_visible(timeout=_RUN_MS)
    (run,) = runs_of(server, {"runIds": [run_id]})
    assert (run["status"], run["dagster/partition"]) == ("SUCCESS", keys[0])
    assert "dagster/sensor_name" not in run


def test_the_partitions_page_shows_its_deltas(page: Page, server: DevServer, keys: list[str]):
    page.goto(f"{server.dagster}/assets/{_BENCHMARK}/metric_deltas")
    page.get_by_role("tab", name="Partitions").click()
    page.get_by_text(keys[0]).first.click()
    table = page.get_by_role("table").filter(has_text="interval of the delta").last
    settings = Settings.from_environment(
        {"HOKUSAI_HOME": str(server.home), "HOKUSAI_DATA": str(server.data)}
    )
    measured = read_record(settings, _BENCHMARK, keys[0]).measured
    for name, delta in measured["metrics"].items():
        row = page.get_by_role("row").filter(has=page.get_by_role("cell", name=name, exact=True))
        shown = row.filter(has_text=f"{delta['delta_ppm'] / 1e6:+.4f}").first
        expect(shown).to_contain_text(f"{delta['baseline_ppm'] / 1e6:.4f}")
        expect(shown).to_contain_text(f"{delta['new_ppm'] / 1e6:.4f}")
    expect(table).to_be_visible()
    for name in ("deltas", "roc", "calibration", "confusion"):
        picture = page.get_by_role("img", name=name, exact=True)
        expect(picture).to_be_visible()
        assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") > 200
    screenshot(page, "contribution")


def test_the_deltas_of_all_contributions_are_plotted(
    page: Page, server: DevServer, keys: list[str]
):
    page.goto(f"{server.dagster}/assets/{_BENCHMARK}/metric_deltas")
    page.get_by_role("button", name="Plots").click()
    expect(page.get_by_text("delta/f1", exact=True)).to_be_visible()
    plots = page.locator("canvas")
    expect(plots.first).to_be_visible()
    page.wait_for_function(
        "[...document.querySelectorAll('canvas')].some(canvas => {"
        " const pixels = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);"
        " return pixels.data.some(value => value !== 0) })"
    )


def test_a_backfill_of_all_contributions_is_launched_by_clicks(
    page: Page, server: DevServer, keys: list[str]
):
    before = {run["id"] for run in runs_of(server, {})}
    dialog = launch_dialog(page, server)
    dialog.get_by_role("button", name="All", exact=True).click()
    expect(dialog.get_by_text(f"{len(keys)} partitions")).to_be_visible()
    dialog.get_by_role("button", name="Launch backfill").click()
    expect(dialog).not_to_be_visible()
    page.get_by_role("link", name="Runs", exact=False).first.click()
    page.get_by_role("tab", name="Backfills").click()
    page.locator("a[href*='/runs/b/']").first.click()
    expect(page.get_by_text("100% completed")).to_be_visible(timeout=_RUN_MS)
    made = [run for run in runs_of(server, {}) if run["id"] not in before]
    assert {run["status"] for run in made} == {"SUCCESS"}
    named = {
        run.get("dagster/partition") or run.get("dagster/asset_partition_range_start")
        for run in made
    }
    assert named - {None} == set(keys)


def test_mlflow_shows_the_same_contribution_and_leads_back(
    page: Page, server: DevServer, keys: list[str]
):
    page.goto(server.mlflow)
    page.get_by_role("link", name="hokusai-pipeline").click()
    page.wait_for_url(re.compile(r"/experiments/[0-9]+"))
    # An overlay about its newest feature lies over the page.
    page.get_by_role("button", name="Got it").click()
    with page.expect_popup() as results:
        page.get_by_role("link", name="latest result of each contribution").click()
    page = results.value
    # The Dagster run's own is listed; the contribution's is below it.
    page.get_by_role("link", name=keys[0]).first.click()
    page.get_by_role("link", name=keys[0], exact=True).first.click()
    expect(page.get_by_text("delta/f1", exact=True).first).to_be_visible(timeout=60_000)
    with page.expect_popup() as popup:
        page.get_by_role("link", name="Dagster run").first.click()
    opened = popup.value
    opened.wait_for_url(re.compile(re.escape(server.dagster) + "/runs/[0-9a-f-]{36}"))
    run_id = opened.url.rsplit("/", 1)[1]
    (run,) = runs_of(server, {"runIds": [run_id]})
    assert keys[0] in (
        run.get("dagster/partition"),
        run.get("dagster/asset_partition_range_start"),
    )


def test_the_lineage_is_drawn_as_one_group(page: Page, server: DevServer, keys: list[str]):
    page.goto(f"{server.dagster}/asset-groups")
    for asset in ("benchmark", "baseline_model", "contributed_data", "attestation"):
        expect(page.get_by_text(asset, exact=True).first).to_be_attached(timeout=60_000)
    screenshot(page, "lineage")


@pytest.mark.parametrize(("name", "size"), [("desktop", DESKTOP), ("phone", PHONE)])
def test_the_report_fits_a_desktop_and_a_phone(
    browser: Browser, server: DevServer, keys: list[str], name: str, size: tuple[int, int]
):
    page_file = server.root / f"report-{name}.html"
    places = {"HOKUSAI_HOME": str(server.home), "HOKUSAI_DATA": str(server.data)}
    subprocess.run(
        [
            *(sys.executable, "-m", "hokusai_assets.cli.main", "report", keys[0]),
            *("--benchmark", _BENCHMARK, "-o", str(page_file)),
        ],
        env=clean_environment() | places,
        check=True,
        capture_output=True,
    )
    with new_page(browser, size) as page:
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(page_file.as_uri())
        expect(page.get_by_role("heading").first).to_be_visible()
        screenshot(page, "report" if name == "desktop" else "report_on_a_phone")
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= size[0], "the page scrolls sideways"
        outside = [url for url in asked if not url.startswith(("file:", "data:"))]
        assert outside == []
