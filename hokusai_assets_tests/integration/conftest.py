"""Fixtures of the tests that start real servers: a browser, and a page of its own for each test."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from hokusai_assets_tests.integration.chromium import chromium, new_page, screenshot


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    # Of a module, not the session: Playwright's event loop would be in the way of other tests.
    with chromium() as started:
        yield started


@pytest.fixture
def page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """An empty desktop page; how it looked when the test ended is kept as a screenshot."""
    with new_page(browser) as opened:
        yield opened
        screenshot(opened, request.node.name)
