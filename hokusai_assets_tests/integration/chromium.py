"""Debian's Chromium without a window, driven by Playwright, for tests that read pages."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

INSTALL = "apt-get update && apt-get install -y chromium fonts-liberation"
SCREENSHOTS = Path(__file__).resolve().parents[2] / "screenshots"
DESKTOP, PHONE = (1440, 900), (390, 844)
# Playwright adds a new folder for the profile each time, and removes it.
_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # No page may lean on another machine.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
)
_WAIT_MS = 60_000


class NoChromium(RuntimeError):
    """Chromium is not installed; says how to install it."""


@contextmanager
def chromium() -> Iterator[Browser]:
    """Yield a browser, closed at the end. It resolves no host but this machine.

    Leave it before anything else in this thread runs an event loop: Playwright holds one.

    Raises:
        NoChromium: it is not installed.
    """
    found = shutil.which("chromium")
    if found is None:
        raise NoChromium(f"chromium is missing; install it: {INSTALL}")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=list(_FLAGS))
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def new_page(
    browser: Browser, size: tuple[int, int] = DESKTOP, *, dark: bool = False, scale: float = 1
) -> Iterator[Page]:
    """Yield an empty page without cookies or storage of others.

    Args:
        browser: what `chromium` yields.
        size: width and height in CSS pixels.
        dark: whether the reader prefers dark colours.
        scale: device pixels per CSS pixel, of screenshots too.
    """
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        color_scheme="dark" if dark else "light",
        device_scale_factor=scale,
        is_mobile=size[0] < 600,
        has_touch=size[0] < 600,
        locale="en-GB",
    )
    context.set_default_timeout(_WAIT_MS)
    try:
        yield context.new_page()
    finally:
        context.close()


def screenshot(page: Page, name: str, *, full_page: bool = False) -> Path:
    """Keep what a page shows as ``screenshots/<name>.png``, a folder that git ignores."""
    SCREENSHOTS.mkdir(exist_ok=True)
    path = SCREENSHOTS / f"{name}.png"
    page.screenshot(path=path, full_page=full_page)
    return path
