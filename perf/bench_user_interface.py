"""Dagster's pages, the sensor's tick and the automation's tick, with 10,000 contributions.

The peer is the same with 10 contributions in the same run: what grows with their number shows as a
ratio well above 1. Pages are loaded by Chromium from a webserver of their own, twice; the second
time counts, from the address until what the page is for can be seen. The slowest GraphQL query of a
page is named.
"""

from __future__ import annotations

import json
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from perf.fresh_process import in_fresh_process

CONTRIBUTIONS, FEW = 10_000, 10
NEW_DROPS = 100
_ASSET = "/assets/generated/metric_deltas"
_JOB = "/locations/hokusai/jobs/generated_contribution"


def run(scale: float = 1.0) -> list[dict[str, Any]]:
    """Measure seconds of many contributions and of few."""
    many = max(FEW + 1, int(CONTRIBUTIONS * scale))
    with tempfile.TemporaryDirectory(prefix="hokusai-perf-") as folder:
        measured = {count: measure(Path(folder) / str(count), count) for count in (FEW, many)}
    rows = []
    for what, seconds in measured[many].items():
        few = measured[FEW].get(what)
        rows.append(
            {
                "what": f"{many:,} contributions: {what}",
                "figure": seconds,
                "unit": "MiB" if what.startswith("size") else "s",
                "peer": None if few is None else f"{FEW} contributions",
                "peer_figure": few,
                "ratio": None if few is None else seconds / few,
            }
        )
    return rows


def measure(root: Path, contributions: int) -> dict[str, float]:
    """Build a home with so many contributions, and return seconds by what they were taken for."""
    root.mkdir()
    in_fresh_process(f"{__name__}:built", str(root), contributions)
    database = root / "home" / "dagster" / "event_log.db"
    sizes = {"size of Dagster's event log": database.stat().st_size / 2**20}
    with webserver(root) as address:
        pages = page_seconds(address, contributions)
    ticks: dict[str, float] = in_fresh_process(f"{__name__}:tick_seconds", str(root)).result
    return pages | ticks | sizes


def built(root: str, contributions: int) -> None:
    """Build the home; in a process of its own."""
    from perf.many_contributions import build

    build(Path(root), contributions)


@contextmanager
def webserver(root: Path) -> Iterator[str]:
    """Run Dagster's webserver alone over a home, and yield its address."""
    from hokusai_assets_tests.integration.dev_server import ROOT, answers, free_port, until

    address = f"http://127.0.0.1:{(port := free_port())}"
    command = [sys.executable, "-m", "dagster_webserver", "-h", "127.0.0.1", "-p", str(port)]
    places = {
        "HOKUSAI_HOME": str(root / "home"),
        "HOKUSAI_DATA": str(root / "data"),
        "DAGSTER_HOME": str(root / "home" / "dagster"),
    }
    with (root / "webserver.log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "-w", str(ROOT / "workspace.yaml")],
            env=os.environ | places,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            until(lambda: answers(f"{address}/server_info"), 180, "the webserver")
            yield address
        finally:
            # With its code server, which would outlive it; nothing is written that could be lost.
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def page_seconds(address: str, contributions: int) -> dict[str, float]:
    """Return how long each page takes until it shows what it is for."""
    from hokusai_assets_tests.integration.chromium import chromium, new_page

    found: dict[str, float] = {}
    with chromium() as browser:
        for name, (path, shown) in _pages(contributions).items():
            for _ in range(2):
                with new_page(browser) as page:
                    page.set_default_timeout(240_000)
                    slowest = _Slowest(page)
                    started = time.perf_counter()
                    page.goto(address + path)
                    shown(page)
                    seconds = time.perf_counter() - started
            found[name] = seconds
            found[f"{name}, its slowest query ({slowest.name})"] = slowest.seconds
    return found


def _pages(contributions: int) -> dict[str, tuple[str, Callable[[Any], None]]]:
    count = f"{contributions:,}"

    def dialog(page: Any) -> None:
        page.get_by_role("button", name="Materialize all").click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_role("button", name="All", exact=True).click()
        dialog.get_by_text(re.compile(f"{count}|{contributions} partitions")).first.wait_for()

    def plots(page: Any) -> None:
        page.get_by_role("button", name="Plots").click()
        page.locator("canvas").first.wait_for()

    def sees(text: str) -> Callable[[Any], None]:
        return lambda page: page.get_by_text(text, exact=False).first.wait_for()

    return {
        "asset page": (_ASSET, sees("interval of the delta")),
        "partitions tab": (f"{_ASSET}?view=partitions", sees("Materialized (")),
        "plots over partitions": (_ASSET, plots),
        "lineage of the benchmark": ("/asset-groups", sees("metric_deltas")),
        "runs": ("/runs", sees("partition: ")),
        "dialog of a backfill over all": (_JOB, dialog),
    }


class _Slowest:
    """The slowest GraphQL query of a page, in seconds from sending to the last byte."""

    def __init__(self, page: Any) -> None:
        self.name, self.seconds = "none", 0.0
        page.on("requestfinished", self._note)

    def _note(self, request: Any) -> None:
        if not request.url.endswith("/graphql") and "/graphql?" not in request.url:
            return
        timing = request.timing
        seconds = (timing["responseEnd"] - timing["requestStart"]) / 1000
        if seconds > self.seconds:
            said = json.loads(request.post_data or "{}")
            self.name = said.get("operationName") or "unnamed"
            self.seconds = seconds


def tick_seconds(root: str) -> dict[str, float]:
    """Return how long ticks take; in a process of its own."""
    import dagster as dg

    from hokusai_assets.orchestration.build import build_definitions
    from hokusai_assets.orchestration.home import open_instance
    from hokusai_assets.orchestration.sensors import tick
    from hokusai_assets.settings import Settings

    place = Path(root)
    settings = Settings.from_environment(
        {"HOKUSAI_HOME": str(place / "home"), "HOKUSAI_DATA": str(place / "data")}
    )
    found: dict[str, float] = {}
    with open_instance(settings) as instance:

        def look() -> float:
            context = dg.build_sensor_context(instance=instance)
            started = time.perf_counter()
            tick(context, "generated", settings)
            return time.perf_counter() - started

        look()
        found["sensor tick, nothing new"] = statistics.median(look() for _ in range(5))
        _drop(place, NEW_DROPS)
        found[f"sensor tick that sees {NEW_DROPS} new drops"] = look()
        found["sensor tick that registers 50 of them"] = look()
        definitions = build_definitions(settings)
        cursor = None
        for name in ("first tick of the automation", "automation tick, nothing new"):
            started = time.perf_counter()
            result = dg.evaluate_automation_conditions(definitions, instance, cursor=cursor)
            found[name] = time.perf_counter() - started
            cursor = result.cursor
    return found


def _drop(root: Path, count: int) -> None:
    lines = (root / "data" / "contribution.csv").read_text().splitlines(keepends=True)
    drops = root / "data" / "drops" / "generated"
    for number in range(count):
        (drops / f"new-{number}.csv").write_text("".join([*lines[:1], *lines[1 + number :]]))
