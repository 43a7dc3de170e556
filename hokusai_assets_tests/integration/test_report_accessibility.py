"""axe-core in Chromium finds no serious fault in the pages, light or dark, large or small."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from hokusai_assets.report.benchmark_page import benchmark_page
from hokusai_assets_tests.attestation.measured_contribution import measured_contribution
from hokusai_assets_tests.integration.chromium import DESKTOP, PHONE, new_page, screenshot
from hokusai_assets_tests.report.made_pages import (
    PRIVATE,
    board_of,
    bundled_spec,
    page_of,
    rejected_page,
)

pytestmark = pytest.mark.integration

SERIOUS = ("serious", "critical")
KINDS = ("accepted", "private", "rehearsal", "rejected", "benchmark")


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("pages")
    accepted = measured_contribution(root / "accepted")
    texts = {
        "accepted": page_of(accepted),
        "private": page_of(measured_contribution(root / "private", spec_lines=PRIVATE)),
        "rehearsal": page_of(accepted, dry_run=True),
        "rejected": rejected_page(),
        "benchmark": benchmark_page(
            bundled_spec("sms-spam"), board_of(40, rejected=["broken-0123456789ab"])
        ),
    }
    paths = {kind: root / f"{kind}.html" for kind in texts}
    for kind, path in paths.items():
        path.write_text(texts[kind], encoding="utf-8")
    return paths


def faults(page: Page) -> list[tuple[str, Any]]:
    found = Axe().run(page).response["violations"]
    return [
        (fault["id"], [node["html"][:120] for node in fault["nodes"]])
        for fault in found
        if fault["impact"] in SERIOUS
    ]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_axe_finds_no_serious_fault(
    browser: Browser, pages: dict[str, Path], kind: str, dark: bool, size: tuple[int, int]
):
    with new_page(browser, size, dark=dark) as page:
        page.goto(pages[kind].as_uri())
        place = "phone" if size == PHONE else "desktop"
        screenshot(page, f"report-{kind}-{place}-{'dark' if dark else 'light'}", full_page=True)
        assert faults(page) == []
        # Tables scroll in their own boxes: the page itself never does sideways.
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize(
    ("spoil", "fault"),
    [
        (lambda text: text.replace('lang="en"', ""), "html-has-lang"),
        (lambda text: text.replace("--soft: #57606a", "--soft: #c8cdd2"), "color-contrast"),
    ],
)
def test_axe_would_find_a_fault(
    browser: Browser,
    pages: dict[str, Path],
    tmp_path: Path,
    spoil: Callable[[str], str],
    fault: str,
):
    path = tmp_path / "spoilt.html"
    path.write_text(spoil(pages["accepted"].read_text(encoding="utf-8")), encoding="utf-8")
    with new_page(browser) as page:
        page.goto(path.as_uri())
        assert {name for name, _ in faults(page)} == {fault}


def test_nothing_is_loaded_from_anywhere(browser: Browser, pages: dict[str, Path]):
    asked: list[str] = []
    with new_page(browser) as page:
        page.on("request", lambda request: asked.append(request.url))
        for path in pages.values():
            page.goto(path.as_uri())
    assert asked == [path.as_uri() for path in pages.values()]


def test_it_prints_to_a_few_pages(browser: Browser, pages: dict[str, Path]):
    with new_page(browser, dark=True) as page:
        page.goto(pages["accepted"].as_uri())
        printed = page.pdf(format="A4")
    assert printed.startswith(b"%PDF")
    assert 2 <= printed.count(b"/Type /Page\n") <= 6


@pytest.mark.parametrize("width", [390, 320])
@pytest.mark.parametrize("kind", ["accepted", "private"])
def test_on_a_phone_no_figure_is_hidden_beside_the_screen(
    browser: Browser, pages: dict[str, Path], kind: str, width: int
):
    with new_page(browser, (width, 800)) as page:
        page.goto(pages[kind].as_uri())
        boxes = page.locator(".table").evaluate_all(
            "all => all.map(one => [one.scrollWidth, one.clientWidth])"
        )
        assert len(boxes) > 4
        assert all(whole <= shown for whole, shown in boxes)
        rows = page.get_by_role("table").first.get_by_role("row")
        named = rows.nth(1).get_by_role("rowheader").inner_text()
        assert named
        # What a column heads is said at each number, since the heads are out of sight.
        assert (
            page.locator(".stacked td").first.evaluate(
                "cell => getComputedStyle(cell, '::before').content"
            )
            == '"baseline"'
        )


def test_on_a_phone_no_place_of_the_leaderboard_is_hidden_beside_the_screen(
    browser: Browser, pages: dict[str, Path]
):
    with new_page(browser, (390, 800)) as page:
        page.goto(pages["benchmark"].as_uri())
        box = page.get_by_role("region", name="Leaderboard")
        assert box.evaluate("one => one.scrollWidth <= one.clientWidth")
        first = box.get_by_role("row").nth(1)
        assert first.get_by_role("rowheader").inner_text()
        assert first.get_by_role("cell").count() >= 5
