"""An operator sends commands with a confirmation, and one command to several stations, in a real browser."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from simulator import V201, Station
from tests.browser.conftest import Problems, row_id
from tests.servers import LiveServer

pytestmark = [pytest.mark.browser, pytest.mark.slow]
LIST = "/admin/chargepoints/chargepoint/"
SIZES = [(390, "light"), (390, "dark"), (1440, "light"), (1440, "dark")]
# A folder for screenshots, for a person to review. Without it the tests take none.
PICTURES = os.environ.get("BROWSER_PICTURES", "")


@pytest.fixture
async def second(server: LiveServer) -> AsyncIterator[Station]:
    station = Station("BROWSER-2", V201, server.ocpp, connectors=1)
    await station.start()
    yield station
    await station.stop()


@pytest.fixture
async def gone(server: LiveServer) -> str:
    """The identity of a station that is offline."""
    station = Station("BROWSER-OFFLINE", V201, server.ocpp, connectors=1)
    await station.start()
    await station.stop()
    return station.identity


async def assert_fits(page: Page, name: str) -> None:
    """Check that the page does not scroll sideways at any size, in both themes."""
    for width, theme in SIZES:
        await page.set_viewport_size({"width": width, "height": 850})
        await page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
        await page.evaluate(
            "dark => document.documentElement.classList.toggle('dark', dark)", theme == "dark"
        )
        if PICTURES:
            await page.screenshot(path=Path(PICTURES, f"{name}-{width}-{theme}.png"), full_page=True)
        assert await page.evaluate("document.documentElement.scrollWidth") <= width, (name, width, theme)


async def test_a_dangerous_command_asks_in_the_dialog_before_it_is_sent(
    page: Page, station: Station, server: LiveServer, problems: Problems
) -> None:
    await page.goto(f"{LIST}{row_id(server.database, station.identity)}/station/")
    await assert_fits(page, "station")
    await page.click("[data-dialog=dialog-reset]")
    dialog = page.locator("#dialog-reset")
    await expect(dialog.locator("[data-confirm]")).to_be_hidden()

    await dialog.locator("[type=submit]").click()
    await expect(dialog.locator("[data-confirm]")).to_contain_text(
        "Running sessions at this station will end."
    )
    await assert_fits(page, "confirm")
    await dialog.locator("[name=type]").select_option("Hard")
    await expect(dialog.locator("[data-confirm]")).to_be_hidden()  # other inputs are another question
    await dialog.locator("[type=submit]").click()
    await dialog.locator("[name=confirmed]").check()
    await dialog.locator("[type=submit]").click()

    booted = "Reset: Accepted; the station has booted"
    await expect(page.locator("[data-result]")).to_have_text(booted, timeout=30_000)
    # The browser reports each question, an answer with status 400, as an error.
    assert [one for one in problems if "400" not in one] == []


async def test_one_command_is_sent_to_several_stations(  # noqa: PLR0917 - the fixtures are stations
    page: Page, station: Station, second: Station, gone: str, problems: Problems
) -> None:
    await page.goto(LIST)
    for identity in (station.identity, second.identity, gone):
        await page.locator("#result_list tr", has_text=identity).locator("[name=_selected_action]").check()
    await page.locator("[name=action]").select_option("send_a_command")
    await page.locator("#changelist-actions [type=submit], [name=index]").first.click()

    await expect(page.locator(".op-page h2")).to_contain_text("Send a command to 3 stations")
    await assert_fits(page, "choose")
    await page.click("[name=command][value=reset]")
    await assert_fits(page, "form")
    await page.click("text=Send to 3 stations")
    await assert_fits(page, "form-confirm")
    await page.locator("[name=confirmed]").check()
    await page.click("text=Send to 3 stations")

    await expect(page.locator("[data-value=progress]")).to_have_text("3 of 3 finished", timeout=15_000)
    await expect(page.locator("[data-live-state] span")).to_have_text("Ended")
    await expect(page.locator("[data-rows=stations] tr", has_text=gone)).to_contain_text("Offline")
    await assert_fits(page, "results")
    assert problems == []
