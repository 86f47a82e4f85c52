"""Fixtures: a server, a station and a browser. Chromium is required (in CHROMIUM or on the PATH)."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal

import pytest
from playwright.async_api import Browser, Page, async_playwright

from simulator import V16, Station
from tests.servers import LiveServer

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
LEVELS = frozenset({"error", "warning"})
PASSWORD = "operator-password-of-tests"


def chromium() -> str:
    """Return the path of Chromium, from CHROMIUM or the PATH. Without Chromium the test fails."""
    named = os.environ.get("CHROMIUM", "")
    found = named or next((path for path in map(shutil.which, NAMES) if path), "")
    if not found:
        pytest.fail(f"The browser tests need Chromium: set CHROMIUM, or install one of {', '.join(NAMES)}.")
    return found


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    live = LiveServer(tmp_path_factory.mktemp("server"))
    live.start()
    yield live
    live.stop()


@pytest.fixture
async def station(server: LiveServer) -> AsyncIterator[Station]:
    station = Station("BROWSER-1", V16, server.ocpp, connectors=2)
    await station.start()
    yield station
    await station.stop()


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        yield browser
        await browser.close()


class Problems(list[str]):
    """Errors and warnings of the browser, and the URL of every request to another server."""

    def watch(self, page: Page, base: str) -> None:
        page.on("console", lambda message: self.append(message.text) if message.type in LEVELS else None)
        page.on("pageerror", lambda error: self.append(str(error)))
        page.on(
            "request",
            lambda request: (
                None if request.url.startswith((base, "data:", "blob:")) else self.append(request.url)
            ),
        )


@pytest.fixture
def problems() -> Problems:
    return Problems()


@pytest.fixture
async def page(browser: Browser, server: LiveServer, problems: Problems) -> AsyncIterator[Page]:
    """A browser page with the first operator signed in."""
    async with signed_in(browser, server, problems) as page:
        yield page


@asynccontextmanager
async def signed_in(
    browser: Browser,
    server: LiveServer,
    problems: Problems,
    *,
    width: int = 1440,
    scheme: Literal["light", "dark"] = "light",
) -> AsyncIterator[Page]:
    """A page of this width in px with the first operator signed in."""
    base = f"http://127.0.0.1:{server.port}"
    context = await browser.new_context(
        base_url=base, viewport={"width": width, "height": 900}, color_scheme=scheme
    )
    page = await context.new_page()
    problems.watch(page, base)
    await page.goto("/admin/login/")
    await page.fill("[name=username]", "admin")
    await page.fill("[name=password]", PASSWORD)
    await page.click("[type=submit]")
    await page.wait_for_selector("[data-live]")
    yield page
    await context.close()


def row_id(database: Path, identity: str) -> int:
    """Read the primary key of a station directly from the database."""
    with sqlite3.connect(database) as connection:
        found = connection.execute("SELECT id FROM chargepoints_chargepoint WHERE identity = ?", [identity])
        return int(found.fetchone()[0])
