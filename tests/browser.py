"""A page in Debian's or anybody's Chromium, driven by Playwright; tests skip where one of them is missing."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
SIZES = {"laptop": (1366, 768), "desk": (1440, 900), "wide": (1920, 1080), "phone": (390, 844)}


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """One browser for all tests of a process."""
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("no Chromium or Chrome on PATH")
    with api.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@contextmanager
def opened(browser: Any, page: Path, hash_: str = "", size: str = "laptop", **options: Any) -> Iterator[Any]:
    """The page when it stands. Raises AssertionError for any request, console message or error of a script."""
    width, height = SIZES[size]
    context = browser.new_context(viewport={"width": width, "height": height}, accept_downloads=True, **options)
    tab = context.new_page()
    said: list[str] = []
    tab.on("console", lambda message: said.append(f"console: {message.text}"))
    tab.on("pageerror", lambda error: said.append(f"error: {error}"))
    own = (page.as_uri(), "data:", "blob:")
    beside = page.parent.as_uri()
    tab.on("request", lambda request: request.url.startswith((*own, beside)) or said.append(f"request: {request.url}"))
    try:
        tab.goto(page.as_uri() + hash_)
        if options.get("java_script_enabled", True):
            tab.wait_for_selector("html.ready", state="attached", timeout=20_000)
        yield tab
        assert said == []
    finally:
        context.close()
