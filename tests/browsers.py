"""A web application served on loopback, and Debian's Chromium that walks through it; pages judged by axe-core."""

from __future__ import annotations

import os
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from axe_playwright_python.sync_playwright import Axe
from fastapi import FastAPI
from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM = shutil.which("chromium")

IN_A_BROWSER = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not there (scripts/system-parts)")
"""Mark of tests that need the browser."""

_SCREENSHOTS = os.environ.get("CJP_FRAUD_TEST_SCREENSHOTS")
"""Folder in which screenshots are kept to be looked at; without it none are."""

_AXE_OPTIONS = {
    "resultTypes": ["violations"],
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
}


class Look(Enum):
    """How a visitor sees a page: width and height of the window in pixels, and whether dark colours are asked for."""

    DESKTOP = (1200, 900, False)
    NARROW = (360, 740, False)
    DARK = (1200, 900, True)
    NARROW_DARK = (360, 740, True)


@contextmanager
def served(application: FastAPI) -> Iterator[str]:
    """Serve an application on loopback and yield its root."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(application, log_level="warning"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        until = time.monotonic() + 60
        while not server.started:
            assert thread.is_alive(), "the server ended"
            assert time.monotonic() < until, "the server did not start"
            time.sleep(0.02)
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(30)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start Debian's Chromium without a window; nothing is downloaded."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        )
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def visiting(
    browser: Browser, root: str, look: Look = Look.DESKTOP, *, scripts: bool = True, language: str = "en"
) -> Iterator[Page]:
    """Open a window without cookies; what a page asks for from elsewhere, and what its policy refuses, fails the test.

    Parameters
    ----------
    root : the only place from which anything may be asked for.
    scripts : whether the browser runs the page's scripts.
    language : the browser's own.
    """
    width, height, dark = look.value
    with browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if dark else "light",
        java_script_enabled=scripts,
        locale=language,
        base_url=root,
    ) as context:
        page = context.new_page()
        elsewhere: list[str] = []
        complaints: list[str] = []
        page.on(
            "request",
            lambda request: elsewhere.append(request.url) if not request.url.startswith(root) else None,
        )
        page.on(
            "console", lambda said: complaints.append(said.text) if "Security Policy" in said.text else None
        )
        page.set_default_timeout(20_000)
        yield page
        assert elsewhere == []
        assert complaints == []


def accessibility_faults(page: Page) -> list[str]:
    """Return what axe-core finds against WCAG 2.2 AA and good practice: rule, and the elements that break it."""
    found: list[dict[str, Any]] = Axe().run(page, options=_AXE_OPTIONS).response["violations"]
    return [
        f"{rule['id']} ({rule['impact']}): {' | '.join(node['html'] for node in rule['nodes'])}"
        for rule in found
    ]


def is_wider_than_its_window(page: Page) -> bool:
    """Whether a page must be scrolled sideways."""
    return bool(page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))


def keep_screenshot(page: Page, name: str) -> None:
    """Keep a picture of the whole page where the run was asked to."""
    if _SCREENSHOTS:
        Path(_SCREENSHOTS).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=Path(_SCREENSHOTS) / f"{name}.png", full_page=True)
