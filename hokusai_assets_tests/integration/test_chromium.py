"""The browser of the tests: there or told how to get it, and cut off from other machines."""

import shutil

import pytest
from playwright.sync_api import Browser, Error, Page

from hokusai_assets_tests.integration import chromium as module
from hokusai_assets_tests.integration.chromium import PHONE, NoChromium, chromium, new_page

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("chromium")]


def test_without_chromium_the_error_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(NoChromium, match="apt-get install -y chromium"), chromium():
        pass


def test_no_other_machine_is_reached(browser: Browser):
    with new_page(browser) as page, pytest.raises(Error, match="ERR_NAME_NOT_RESOLVED"):
        page.goto("http://127.0.0.2/")  # not refused: never looked up


def test_a_page_has_the_size_and_colours_that_were_asked_for(browser: Browser):
    with new_page(browser, PHONE, dark=True) as page:
        page.set_content("<meta name=viewport content='width=device-width'>")
        found = page.evaluate("[innerWidth, matchMedia('(prefers-color-scheme: dark)').matches]")
    assert found == [PHONE[0], True]


def test_how_a_page_looked_is_kept(page: Page, tmp_path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "SCREENSHOTS", tmp_path / "kept")
    page.set_content("<h1>Kept</h1>")
    assert module.screenshot(page, "one").read_bytes().startswith(b"\x89PNG")
